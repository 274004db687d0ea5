// `npm run dev`: the whole service on this machine, with no cloud. The host is a process of its own that is started
// again when it dies, so that a `kill -9` shows what a cold start loses (nothing).
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildBundle, buildDemo } from '../build.ts'
import { startCloud } from './cloud.ts'
import { readPort, runCommand } from './command.ts'
import { startHostChild } from './host-child.ts'
import { startPage } from './page.ts'
import { freePort, rememberPorts, requireFree } from './ports.ts'
import { clientId, describePeople, devFolder, tenantId } from './settings.ts'

runCommand(async (onStop) => {
  const { values } = parseArgs({
    options: {
      'token-minutes': { type: 'string', default: '75' },
      folder: { type: 'string' },
      page: { type: 'string' },
    },
  })
  const tokenMinutes = Number(values['token-minutes'])
  if (!(tokenMinutes > 0)) throw new Error(`--token-minutes must be above 0, not ${values['token-minutes']}`)
  const port = readPort(process.env.PORT ?? '7071') || (await freePort())
  await requireFree([port])
  const url = `http://localhost:${port}`
  // Where a front end stands before it, people come by the address of that.
  const publicUrl = process.env.PUBLIC_URL ?? url
  // A page is what people open; the service is behind it, on a port of its own.
  const hostPort = values.page === undefined ? port : await freePort()
  if (values.page !== undefined) {
    const page = await startPage({ folder: values.page, port, api: `http://localhost:${hostPort}` })
    onStop(page.stop)
  }

  // A folder for each port: two Azurites must not write to the same files.
  const folder = values.folder ?? join(devFolder, `dev-${port}`)
  const [ports] = await Promise.all([
    rememberPorts(join(folder, 'ports.json'), ['entra', 'entraPages', 'acs', 'table']),
    buildBundle(),
    buildDemo(),
  ])
  const { azurite, entra, acs, caFile } = await startCloud(
    { folder, app: publicUrl, ports, storage: ['table'], tokenSeconds: tokenMinutes * 60 },
    onStop,
  )
  const host = await startHostChild({
    args: ['--port', String(hostPort)],
    env: {
      ...inherited(),
      NODE_EXTRA_CA_CERTS: caFile,
      AzureWebJobsStorage: azurite.connectionString,
      ENTRA_TENANT_ID: tenantId,
      ENTRA_CLIENT_ID: clientId,
      ENTRA_AUTHORITY_HOST: entra.authorityHost,
      COMMUNICATION_SERVICES_CONNECTION_STRING: acs.connectionString,
      PUBLIC_URL: publicUrl,
      SEALING_KEYS: `dev:${await readSealingKey(join(folder, 'sealing-key'))}`,
    },
  })
  onStop(host.stop)

  console.log(`open ${publicUrl}/${values.page === undefined ? 'api/demo' : ''} and sign in as one of`)
  for (const line of describePeople()) console.log(line)
  console.log(
    `the app is process ${host.pid()}: kill -9 it whenever you like, it comes back and nothing is lost`,
  )
  console.log(`ready ${url}`)
})

/** What shapes the app may be set from outside; what ties it to the stand-ins may not. */
function inherited(): NodeJS.ProcessEnv {
  const names =
    /^(PATH|HOME|TZ|LANG|TMPDIR|SystemRoot|ALLOWED_ORIGINS|ALLOWED_TENANTS|DEFAULT_RETURN_TO|SESSION_\w+)$/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => names.test(name)))
}

/** A key of this folder's own, so that its sessions survive a restart of the command. */
async function readSealingKey(file: string): Promise<string> {
  const fresh = randomBytes(32).toString('base64url')
  await writeFile(file, fresh, { flag: 'wx', mode: 0o600 }).catch((error) => {
    if (error.code !== 'EEXIST') throw error
  })
  return (await readFile(file, 'utf8')).trim()
}
