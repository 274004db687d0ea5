import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { createCertificate } from '../../dev/certificate.ts'
import { applyLocalSettings, type LocalSettings, readLocalSettings } from '../../dev/host/local-settings.ts'

/** The file, and the variables that it adds to the environment, go when the test is over. */
async function settingsFile(content: unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'settings-'))
  const before = { ...process.env }
  onTestFinished(async () => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    await rm(folder, { recursive: true })
  })
  const file = join(folder, 'local.settings.json')
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

async function apply(content: unknown): Promise<LocalSettings> {
  const settings = await readLocalSettings(await settingsFile(content))
  if (!settings) throw new Error('the file is not there')
  await applyLocalSettings(settings)
  return settings
}

test('the values become environment variables, and what is in the environment wins', async () => {
  const home = process.env.HOME
  await apply({ IsEncrypted: false, Values: { HOME: '/elsewhere', TEST_ADDED: 'yes' } })
  expect(process.env).toMatchObject({ HOME: home, TEST_ADDED: 'yes' })
})

test('what is empty in the environment does not win', async () => {
  process.env.TEST_EMPTY = ''
  onTestFinished(() => void delete process.env.TEST_EMPTY)
  await apply({ IsEncrypted: false, Values: { TEST_EMPTY: 'of the file' } })
  expect(process.env.TEST_EMPTY).toBe('of the file')
})

test('numbers and truth values are taken for their text, and the port of the host is read', async () => {
  const values = { SESSION_MAX_HOURS: 12, SESSION_IDLE_HOURS: 0.5, TEST_ADDED: true }
  const settings = await apply({ IsEncrypted: false, Values: values, Host: { LocalHttpPort: 7081 } })
  expect(process.env).toMatchObject({
    SESSION_MAX_HOURS: '12',
    SESSION_IDLE_HOURS: '0.5',
    TEST_ADDED: 'true',
  })
  expect(settings.port).toBe(7081)
})

test('no file is no fault', async () => {
  expect(await readLocalSettings('/nowhere/local.settings.json')).toBeUndefined()
})

test.each([
  ['{', 'is not JSON'],
  ['null', 'needs "IsEncrypted": false'],
  [{ Values: {} }, 'needs "IsEncrypted": false'],
  [
    { IsEncrypted: false, Values: { A: { b: 1 } } },
    'needs "Values" with strings, numbers and truth values only',
  ],
  [{ IsEncrypted: false, Values: { A: null } }, 'needs "Values" with strings'],
  [{ IsEncrypted: false, Host: { LocalHttpPort: '7081' } }, 'needs a port number'],
  [{ IsEncrypted: false, Host: { LocalHttpPort: 70810 } }, 'needs a port number'],
  [
    { IsEncrypted: false, Values: { NODE_EXTRA_CA_CERTS: 'no.pem' } },
    /NODE_EXTRA_CA_CERTS names \/.*no\.pem/,
  ],
])('a file with %j is refused in one line', async (content, reason) => {
  const failure: Error = await apply(content).catch((error) => error)
  expect(failure.message).toMatch(reason)
  expect(failure.message).not.toContain('\n')
})

test('a file that is not JSON is told by the place of the fault, not by what is there', async () => {
  const content = '{ "Values": {\n  "ENTRA_CLIENT_SECRET": "canary" oops }'
  const failure: Error = await apply(content).catch((error) => error)
  expect(failure.message).toMatch(/is not JSON \(line 2 column \d+\)$/)
  expect(failure.message).not.toMatch(/canary|oops/)
})

test('NODE_EXTRA_CA_CERTS of the file is trusted from now on, relative to the file', async () => {
  // Trusts no CA of other tests: they have the same name as the one of this test.
  const before = getCACertificates('default')
  setDefaultCACertificates(getCACertificates('bundled'))
  onTestFinished(() => setDefaultCACertificates(before))
  const { ca, cert, key } = await createCertificate()
  const server = createServer({ cert, key }, (_, response) => response.end('hello'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `https://localhost:${(server.address() as AddressInfo).port}`
  await expect(fetch(url)).rejects.toThrow()

  const file = await settingsFile({ IsEncrypted: false, Values: { NODE_EXTRA_CA_CERTS: 'ca.pem' } })
  await writeFile(join(file, '..', 'ca.pem'), ca)
  await applyLocalSettings((await readLocalSettings(file)) as LocalSettings)
  expect(await (await fetch(url)).text()).toBe('hello')
})
