// `npm start`, with a stand-in of func: it says what is missing, waits for what is on its way, and hands on the rest.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../dev/ports.ts'
import { startCommand } from './fixtures/command.ts'

interface Setting {
  values?: Record<string, string>
  /** What `func --version` says; without it there is no func. */
  version?: string
}

/** A folder with local.settings.json, and func in it, which prints what it was started with. */
async function folderWith({ values, version }: Setting): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'start-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  if (values) {
    const settings = { IsEncrypted: false, Values: values }
    await writeFile(join(folder, 'local.settings.json'), JSON.stringify(settings))
  }
  if (version) {
    const script = `#!/bin/sh\nif [ "$1" = --version ]; then echo ${version}; exit; fi\necho "func $* on $(command -v node)"\nexit 7\n`
    await writeFile(join(folder, 'func'), script)
    await chmod(join(folder, 'func'), 0o755)
  }
  return folder
}

async function start(setting: Setting, args: string[] = []) {
  const folder = await folderWith(setting)
  return startCommand('start.ts', args, { PATH: [folder, '/usr/bin', '/bin'].join(delimiter) }, folder)
}

async function listenOn(port: number): Promise<number> {
  const server = createServer((socket) => socket.end())
  await new Promise<void>((resolve) => server.listen(port, 'localhost', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

test('says how to get func where it is not installed', async () => {
  const command = await start({ values: {} })
  expect(await command.ended).toBe(1)
  expect(command.output()).toMatch(
    /^func is not installed\. .*azure-functions-core-tools@4.*npm run host.*\n$/,
  )
})

test('says how to make local.settings.json', async () => {
  const command = await start({ version: '4.14.0' })
  expect(await command.ended).toBe(1)
  expect(command.output()).toMatch(/^local\.settings\.json is not there\. .*cp local\.settings\.sample\.json/)
})

test('hands its arguments on to func, on the Node that runs it, and ends as func does', async () => {
  const command = await start({ values: {}, version: '4.14.0' }, ['--port', '7081', '--', '--inspect=5858'])
  expect(await command.ended).toBe(7)
  const node = join(dirname(process.execPath), 'node')
  expect(command.output()).toBe(`func start --port 7081 -- --inspect=5858 on ${node}\n`)
})

test.each(['4.0.7512', '3.0.4899', '4.13.9'])('warns of Core Tools %s', async (version) => {
  const command = await start({ values: {}, version })
  await command.ended
  expect(command.output()).toMatch(
    new RegExp(`^Core Tools ${version} are older than 4\\.14: .*every address.*\nfunc`),
  )
})

test('names the stand-ins that are missing, and starts func when they have come', async () => {
  const [acs, entra] = [await freePort(), await freePort()]
  const values = {
    ENTRA_AUTHORITY_HOST: `https://localhost:${entra}`,
    COMMUNICATION_SERVICES_CONNECTION_STRING: `endpoint=http://localhost:${acs}/;accesskey=a2V5`,
    // Not what the app calls.
    PUBLIC_URL: 'http://localhost:1',
  }
  const command = await start({ values, version: '4.14.0' })
  await command.untilOutput(
    new RegExp(`^waiting for ACS on port ${acs}, Entra on port ${entra}: "npm run stand-ins"`),
  )
  await listenOn(acs)
  await command.untilOutput(new RegExp(`^waiting for Entra on port ${entra}: `, 'm'))
  expect(command.output()).not.toContain('func start')
  await listenOn(entra)
  expect(await command.ended).toBe(7)
  expect(command.output()).toContain('func start')
})

test('waits for nothing of a cloud', async () => {
  const values = {
    ENTRA_AUTHORITY_HOST: 'https://login.microsoftonline.com',
    COMMUNICATION_SERVICES_ENDPOINT: 'https://example.communication.azure.com',
  }
  const command = await start({ values, version: '5.0.0' })
  expect(await command.ended).toBe(7)
  expect(command.output()).toMatch(/^func start /)
})
