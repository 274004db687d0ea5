// Reads local.settings.json as Core Tools does: its `Values` become environment variables, and what the environment has already
// wins. What is empty there counts as not there.
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import * as z from 'zod'

export interface LocalSettings {
  file: string
  values: Record<string, string>
  /** `Host.LocalHttpPort`: where the host listens, unless something else names a port. */
  port: number | undefined
}

/** Core Tools take numbers and truth values for the text that they are. */
const valuesShape = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
const hostShape = z.object({ LocalHttpPort: z.int().min(0).max(65_535).optional() })

/** Nothing where there is no such file. Throws one plain sentence when it cannot be used. */
export async function readLocalSettings(file: string): Promise<LocalSettings | undefined> {
  const text = await readFile(file, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return undefined
    throw new Error(`${file} cannot be read: ${error.message}`)
  })
  if (text === undefined) return undefined

  const settings = parse(file, text)
  if (settings?.IsEncrypted !== false) throw new Error(`${file} needs "IsEncrypted": false`)
  const values = valuesShape.safeParse(settings.Values ?? {})
  if (!values.success) throw new Error(`${file} needs "Values" with strings, numbers and truth values only`)
  const host = hostShape.safeParse(settings.Host ?? {})
  if (!host.success) throw new Error(`${file} needs a port number as "LocalHttpPort" of "Host"`)
  return { file, values: values.data, port: host.data.LocalHttpPort }
}

/** Throws one plain sentence when the file names a CA that is not there. */
export async function applyLocalSettings({ file, values }: LocalSettings): Promise<void> {
  for (const [name, value] of Object.entries(values)) process.env[name] ||= value
  if (values.NODE_EXTRA_CA_CERTS) await trust(resolve(dirname(file), values.NODE_EXTRA_CA_CERTS))
}

function parse(
  file: string,
  text: string,
): { IsEncrypted?: unknown; Values?: unknown; Host?: unknown } | null {
  try {
    return JSON.parse(text)
  } catch (error) {
    // The message quotes what was there, which may be a secret: only the place is told.
    const place = / \(line \d+ column \d+\)/.exec((error as Error).message)?.[0] ?? ''
    throw new Error(`${file} is not JSON${place}`)
  }
}

/** Node reads NODE_EXTRA_CA_CERTS only as it starts, which is over by now. What the environment named is kept. */
async function trust(file: string): Promise<void> {
  const ca = await readFile(file, 'utf8').catch(() => {
    throw new Error(`NODE_EXTRA_CA_CERTS names ${file}, which is not there (npm run stand-ins writes it)`)
  })
  setDefaultCACertificates([...getCACertificates('default'), ca])
}
