// Reads local.settings.json as Core Tools does: its `Values` become environment variables, and what is already in the
// environment wins.
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

/** Returns whether there is such a file. Throws one plain sentence when it cannot be used. */
export async function applyLocalSettings(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return undefined
    throw new Error(`${file} cannot be read: ${error.message}`)
  })
  if (text === undefined) return false

  const values = parse(file, text)
  for (const [name, value] of Object.entries(values)) process.env[name] ??= value
  if (values.NODE_EXTRA_CA_CERTS) await trust(resolve(dirname(file), values.NODE_EXTRA_CA_CERTS))
  return true
}

function parse(file: string, text: string): Record<string, string> {
  let settings: { IsEncrypted?: unknown; Values?: unknown }
  try {
    settings = JSON.parse(text)
  } catch (error) {
    // The message quotes what was there, which may be a secret: only the place is told.
    const place = / \(line \d+ column \d+\)/.exec((error as Error).message)?.[0] ?? ''
    throw new Error(`${file} is not JSON${place}`)
  }
  if (settings?.IsEncrypted !== false) throw new Error(`${file} needs "IsEncrypted": false`)
  const values = settings.Values ?? {}
  if (typeof values !== 'object' || Object.values(values).some((value) => typeof value !== 'string')) {
    throw new Error(`${file} needs "Values" with strings only`)
  }
  return values as Record<string, string>
}

/** Node reads NODE_EXTRA_CA_CERTS only as it starts, which is over by now. What the environment named is kept. */
async function trust(file: string): Promise<void> {
  const ca = await readFile(file, 'utf8').catch(() => {
    throw new Error(`NODE_EXTRA_CA_CERTS names ${file}, which is not there (npm run stand-ins writes it)`)
  })
  setDefaultCACertificates([...getCACertificates('default'), ca])
}
