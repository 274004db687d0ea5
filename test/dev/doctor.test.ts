import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { acsErrors } from '../../dev/acs/errors.ts'
import { type FaultHandle, listen } from '../../dev/faults.ts'
import { freePort } from '../support/host-process.ts'
import {
  allRows,
  clientId,
  type Env,
  managedIdentity,
  startService,
  type TestService,
} from '../support/service.ts'
import { startTableProxy } from '../support/table-proxy.ts'
import { type Command, startCommand } from './fixtures/command.ts'

let keys: TestService
let secretless: TestService

beforeAll(async () => {
  keys = await startService({ clientSecret: 'canary-of-the-secret' })
  secretless = await startService({ secretless: true })
  // The doctor asks Entra, ACS and the table, but not the service: its processes are not needed.
  await Promise.all([...keys.instances, ...secretless.instances].map((instance) => instance.kill()))
})
afterEach(() => {
  for (const { entra, acs } of [keys, secretless]) {
    entra.faults.clear()
    acs.faults.clear()
  }
})
afterAll(() => Promise.all([keys.stop(), secretless.stop()]))

const good = {
  'local settings': '–',
  settings: '✓',
  Entra: '✓',
  clock: '✓',
  'managed identity': '–',
  'client credential': '✓',
  'redirect URIs': '✓',
  ACS: '✓',
  table: '✓',
  'sealing keys': '✓',
  'own API': '–',
}
const withoutEntra = { Entra: '✗', clock: '–', 'client credential': '–', 'redirect URIs': '–' }

/** The secrets in these settings, which must never be printed. */
function secretsOf(env: Env): string[] {
  const { ENTRA_CLIENT_SECRET, COMMUNICATION_SERVICES_CONNECTION_STRING, TokenStore, SEALING_KEYS } = env
  return [
    ENTRA_CLIENT_SECRET,
    env.IDENTITY_HEADER,
    /accesskey=(.*)/.exec(COMMUNICATION_SERVICES_CONNECTION_STRING ?? '')?.[1],
    /AccountKey=([^;]*)/.exec(TokenStore ?? '')?.[1],
    ...(SEALING_KEYS ?? '').split(',').map((entry) => entry.split(':')[1]),
  ].filter((secret) => secret !== undefined)
}

/** Starts the doctor under nothing but these settings. */
function startDoctor(env: Env, args = ['--no-local-settings']): Command {
  return startCommand('doctor/doctor.ts', args, { NODE_EXTRA_CA_CERTS: inject('caFile'), ...env })
}

async function examine(env: Env, args?: string[]) {
  const doctor = startDoctor(env, args)
  const code = await doctor.ended
  const output = doctor.output()
  for (const secret of secretsOf(env)) expect(output).not.toContain(secret)
  // How every JWT begins.
  expect(output).not.toContain('eyJ')
  const found = [...output.matchAll(/^([✓✗–]) (.*?) {2,}(.*)(?:\n {4}(.*))?$/gm)]
  return {
    code,
    output,
    marks: Object.fromEntries(found.map(([, mark, name]) => [name, mark])),
    /** What was found, and how to mend it. */
    line(name: string) {
      const match = found.find((entry) => entry[2] === name)
      return `${match?.[3]} => ${match?.[4]}`
    },
  }
}

/** A copy of these settings with one key in place of another. */
function wrongKey(env: Env, name: string, pattern: RegExp): Env {
  return { ...env, [name]: env[name]?.replace(pattern, (key) => [...key].reverse().join('')) }
}

describe('when everything is right', () => {
  test('every check is good with keys, and the table keeps nothing', async () => {
    const { code, marks, output } = await examine(keys.env)
    expect(marks).toEqual(good)
    expect(code).toBe(0)
    expect(output).toContain(`registered: ${keys.publicUrl}/api/redirect, ${keys.publicUrl}/api/signed-out`)
    expect(output).toMatch(/\n\nNothing to mend: 8 good, 3 not checked\.\n$/)
    expect(await allRows(keys.table)).toEqual([])
  })

  test('every check is good with a managed identity', async () => {
    const { code, marks, line } = await examine({ ...secretless.env, API_AUDIENCE: clientId })
    expect(marks).toEqual({ ...good, 'managed identity': '✓', 'own API': '✓' })
    expect(line('managed identity')).toContain(managedIdentity.principalId)
    expect(code).toBe(0)
    expect(await allRows(secretless.table)).toEqual([])
  })

  test('rows of others stay as they are', async () => {
    await keys.table.createTable().catch(() => {})
    await keys.table.createEntity({ partitionKey: 'somebody', rowKey: 'else', sealed: 'theirs' })
    const before = await allRows(keys.table)
    onTestFinished(() => void keys.table.deleteEntity('somebody', 'else'))
    expect((await examine(keys.env)).marks).toEqual(good)
    expect(await allRows(keys.table)).toEqual(before)
  })

  test('nothing secret is printed, however talkative Node and the SDKs are told to be', async () => {
    const talkative = {
      NODE_DEBUG: 'http,https,tls,net,undici,fetch',
      AZURE_LOG_LEVEL: 'verbose',
      DEBUG: '*',
    }
    const runs = [keys.env, secretless.env].map((env) => examine({ ...env, ...talkative }))
    expect((await Promise.all(runs)).map(({ code }) => code)).toEqual([0, 0])
  })
})

interface Fault {
  /** Makes the fault. Returns the settings that are other than in `keys.env`. */
  arrange(): Env | Promise<Env>
  marks: Record<string, string>
  /** Which check tells of the fault, and what its line says, mend included. */
  says: [string, RegExp]
}

const nowhere = async (scheme: string) => `${scheme}://localhost:${await freePort()}`
const under = (_: FaultHandle): Env => ({})
const entraSays = (codes: number[], error = 'invalid_client') =>
  under(keys.entra.faults.add({ match: { endpoint: 'token' }, entraError: { status: 401, error, codes } }))

const faults: Record<string, Fault> = {
  'a wrong secret': {
    arrange: () => ({ ENTRA_CLIENT_SECRET: 'canary-of-another-secret' }),
    marks: { 'client credential': '✗' },
    says: [
      'client credential',
      RegExp(`secret is wrong .*7000215.* => az ad app credential reset --id ${clientId}`),
    ],
  },
  'an expired secret': {
    arrange: () => entraSays([7000222]),
    marks: { 'client credential': '✗' },
    says: ['client credential', /expired .*7000222.* => az ad app credential reset/],
  },
  'a secret that is missing': {
    arrange: () => ({ ENTRA_CLIENT_SECRET: undefined }),
    marks: { 'client credential': '✗' },
    says: ['client credential', /wants a secret.*7000218.* => set ENTRA_CLIENT_SECRET/],
  },
  'a redirect URI of the type for single-page applications': {
    arrange: () => entraSays([9002327], 'invalid_request'),
    marks: { 'client credential': '✗' },
    says: ['client credential', /Single-page application .*9002327.* => portal: .*type Web/],
  },
  'a refusal that nobody foresaw': {
    arrange: () => entraSays([53003], 'access_denied'),
    marks: { 'client credential': '✗' },
    says: ['client credential', /AADSTS53003\) => https:\/\/login.microsoftonline.com\/error\?code=53003/],
  },
  'an app that the tenant does not have': {
    arrange: () => ({ ENTRA_CLIENT_ID: '00000000-1111-4222-8333-444444444444' }),
    marks: { 'client credential': '✗', 'redirect URIs': '–' },
    says: [
      'client credential',
      /has no app 0{8}-.*700016.* => ENTRA_CLIENT_ID and ENTRA_TENANT_ID: az ad app/,
    ],
  },
  'a tenant that is not there': {
    arrange: () => ({ ENTRA_TENANT_ID: '00000000-1111-4222-8333-444444444444' }),
    marks: withoutEntra,
    says: ['Entra', /no tenant 0{8}-.*90002.* => ENTRA_TENANT_ID: az account show/],
  },
  'an allowed tenant that is not there': {
    arrange: () => ({ ALLOWED_TENANTS: '00000000-1111-4222-8333-444444444444' }),
    marks: withoutEntra,
    says: ['Entra', /no tenant 0{8}-.* => ALLOWED_TENANTS/],
  },
  'an authority that is down': {
    arrange: async () => ({ ENTRA_AUTHORITY_HOST: await nowhere('https') }),
    marks: withoutEntra,
    says: ['Entra', /nothing listens there => ENTRA_AUTHORITY_HOST .*npm run stand-ins/],
  },
  'an authority that never answers': {
    arrange: () => under(keys.entra.faults.add({ hang: true })),
    marks: withoutEntra,
    says: ['Entra', /no answer in time/],
  },
  'an authority that fails': {
    arrange: () => under(keys.entra.faults.add({ status: 503 })),
    marks: withoutEntra,
    says: ['Entra', /not able to answer at the moment => try again/],
  },
  'an authority that is something else': {
    arrange: () => under(keys.entra.faults.add({ status: 404, raw: '<html>' })),
    marks: withoutEntra,
    says: ['Entra', /answers 404, and not as Entra does => ENTRA_AUTHORITY_HOST/],
  },
  'a certificate that is not trusted': {
    arrange: () => ({ NODE_EXTRA_CA_CERTS: undefined }),
    marks: withoutEntra,
    says: ['Entra', /certificate is not trusted here => NODE_EXTRA_CA_CERTS/],
  },
  'a clock that is wrong': {
    arrange: async () => {
      const url = `${keys.entra.authorityHost}/${keys.env.ENTRA_TENANT_ID}/v2.0/.well-known/openid-configuration`
      const json = await (await fetch(url)).json()
      // Read when it answers, so that the time until the doctor asks does not count.
      const headers = {
        get date() {
          return new Date(Date.now() + 600_000).toUTCString()
        },
      }
      return under(keys.entra.faults.add({ match: { endpoint: 'discovery' }, json, headers }))
    },
    marks: { clock: '✗' },
    says: ['clock', /(59\d|60\d) s behind .* => sudo timedatectl/],
  },
  'a redirect URI that is not registered': {
    arrange: () => ({ PUBLIC_URL: 'https://calls.example.com' }),
    marks: { 'redirect URIs': '✗' },
    says: [
      'redirect URIs',
      /not registered: https:\S+redirect, https:\S+signed-out .*50011.* => az ad app update .* --web-redirect-uris https:/,
    ],
  },
  'a wrong ACS key': {
    arrange: () => wrongKey(keys.env, 'COMMUNICATION_SERVICES_CONNECTION_STRING', /(?<=accesskey=)\w+/),
    marks: { ACS: '✗' },
    says: ['ACS', /refuses the key .* => az communication list-key/],
  },
  'an ACS host that is not there': {
    arrange: () => ({
      COMMUNICATION_SERVICES_CONNECTION_STRING: 'endpoint=https://acs.invalid/;accesskey=Y2FuYXJ5',
    }),
    marks: { ACS: '✗' },
    says: ['ACS', /acs.invalid: no host has this name => check COMMUNICATION_SERVICES_CONNECTION_STRING/],
  },
  'an ACS that never answers': {
    arrange: () => under(keys.acs.faults.add({ hang: true })),
    marks: { ACS: '✗' },
    says: ['ACS', /no answer in time/],
  },
  'an ACS that is something else': {
    arrange: () => under(keys.acs.faults.add({ status: 404, raw: '<html>' })),
    marks: { ACS: '✗' },
    says: ['ACS', /answers 404, and not as ACS does => .*az communication list /],
  },
  'a table that is down': {
    arrange: async () => ({
      TokenStore: keys.env.TokenStore?.replace(
        /TableEndpoint=[^;]+/,
        `TableEndpoint=${await nowhere('http')}/a`,
      ),
    }),
    marks: { table: '✗' },
    says: ['table', /nothing listens there => TokenStore or AzureWebJobsStorage /],
  },
  'a table that never answers': {
    arrange: async () => {
      const proxy = await tableProxy()
      proxy.faults.add({ hang: true })
      return { TokenStore: proxy.connectionString }
    },
    marks: { table: '✗' },
    says: ['table', /no answer in time/],
  },
  'a wrong table key': {
    arrange: () => wrongKey(keys.env, 'TokenStore', /(?<=AccountKey=)\w+/),
    marks: { table: '✗' },
    says: ['table', /answers 403.*the key is refused.* => az storage account show-connection-string/],
  },
  'a sealing key that is too short': {
    arrange: () => ({ SEALING_KEYS: 'k1:canary' }),
    marks: { settings: '✗', 'sealing keys': '–' },
    says: ['settings', /^SEALING_KEYS must be kid:.* => node -p .*randomBytes\(32\)/],
  },
  'a setting that only the browser would meet': {
    arrange: () => ({ SESSION_COOKIE_SAME_SITE: 'Never' }),
    marks: { settings: '✗' },
    says: ['settings', /^SESSION_COOKIE_SAME_SITE must be Lax or None => Lax or None/],
  },
  'an audience that no token has': {
    arrange: () => ({ API_AUDIENCE: `api://${clientId}` }),
    marks: { 'own API': '✗' },
    says: ['own API', /is not a client id.* => .*requestedAccessTokenVersion/],
  },
}

test.each(Object.entries(faults))('%s shows on its own line alone', async (_, { arrange, marks, says }) => {
  const { code, marks: found, line } = await examine({ ...keys.env, ...(await arrange()) })
  expect(line(says[0])).toMatch(says[1])
  expect(found).toEqual({ ...good, ...marks })
  expect(code).toBe(1)
})

async function tableProxy() {
  const proxy = await startTableProxy(keys.env.TokenStore ?? '')
  onTestFinished(() => proxy.stop())
  return proxy
}

test('the row is deleted when it could not be read', async () => {
  const proxy = await tableProxy()
  const fault = proxy.faults.add({ match: { method: 'GET', kind: 'entity' }, status: 403 })
  const { line } = await examine({ ...keys.env, TokenStore: proxy.connectionString })
  expect(line('table')).toContain('answers 403')
  expect(fault.hits).toBe(1)
  expect(await allRows(keys.table)).toEqual([])
})

test('the row is deleted when the answer to its creation was lost', async () => {
  const proxy = await tableProxy()
  const fault = proxy.faults.add({ match: { method: 'POST' }, resetAfter: true })
  const { line } = await examine({ ...keys.env, TokenStore: proxy.connectionString })
  expect(line('table')).toContain('the connection was torn')
  expect(fault.hits).toBeGreaterThan(0)
  expect(await allRows(keys.table)).toEqual([])
})

test('the row is deleted when the doctor is interrupted', async () => {
  const proxy = await tableProxy()
  const fault = proxy.faults.add({ match: { method: 'GET', kind: 'entity' }, hang: true })
  const doctor = startDoctor({ ...keys.env, TokenStore: proxy.connectionString })
  await expect.poll(() => fault.hits).toBe(1)
  expect(await allRows(keys.table)).toHaveLength(1)
  doctor.kill('SIGINT')
  await doctor.ended
  expect(await allRows(keys.table)).toEqual([])
})

test('a public client is good on localhost, and a secret of it is not', async () => {
  const { clientSecret } = keys.entra.options
  keys.entra.options.clientSecret = undefined
  onTestFinished(() => {
    keys.entra.options.clientSecret = clientSecret
  })
  const { code, marks, line } = await examine({ ...keys.env, ENTRA_CLIENT_SECRET: undefined })
  expect(marks).toEqual(good)
  expect(line('redirect URIs')).toContain('"Mobile and desktop applications"')
  expect(code).toBe(0)
  const withSecret = await examine(keys.env)
  expect(withSecret.line('client credential')).toMatch(
    /public client.*700025.* => remove ENTRA_CLIENT_SECRET/,
  )
})

test('what is waited for is named, and the other checks do not wait', async () => {
  let doctor: Command | undefined
  let printed: string | undefined
  keys.entra.faults.add({ hang: true })
  keys.acs.faults.add({
    match: () => {
      printed ??= doctor?.output()
      return true
    },
    hang: true,
  })
  doctor = startDoctor(keys.env)
  await doctor.ended
  expect(doctor.output()).toContain('… Entra\n')
  // When ACS was asked, nothing had come of Entra yet.
  expect(printed).toBeTypeOf('string')
  expect(printed).not.toContain('✗ Entra')
})

test('an authorize page that says nothing is no fault, and the line says where to look', async () => {
  keys.entra.faults.add({ match: { endpoint: 'authorize' }, status: 200, raw: '<html>sign in</html>' })
  const { code, marks, line } = await examine(keys.env)
  expect(marks).toEqual({ ...good, 'redirect URIs': '–' })
  expect(line('redirect URIs')).toMatch(/cannot be told from here: .*type Web: portal: App registrations > /)
  expect(code).toBe(0)
})

test('without any setting each one that is missing has its line, and nothing else is tried', async () => {
  const { code, output, marks } = await examine({})
  for (const name of ['ENTRA_TENANT_ID', 'ENTRA_CLIENT_ID', 'SEALING_KEYS', 'PUBLIC_URL']) {
    expect(output).toMatch(RegExp(`^✗ settings +${name} is missing\n {4}\\S`, 'm'))
  }
  expect(output).toMatch(
    /^✗ settings +COMMUNICATION_SERVICES_CONNECTION_STRING or .* is missing\n {4}az comm/m,
  )
  expect(Object.values(marks)).not.toContain('✓')
  expect(code).toBe(1)
})

describe('with a managed identity', () => {
  const identityGood = { ...good, 'managed identity': '✓' }
  const withoutIdentity = { 'managed identity': '✗', 'client credential': '–', ACS: '–', table: '–' }
  const stranger = '00000000-1111-4222-8333-444444444444'

  test('an identity endpoint that is down stops what needs it, and nothing else', async () => {
    const IDENTITY_ENDPOINT = `http://127.0.0.1:${await freePort()}/msi/token`
    const { code, marks, line } = await examine({ ...secretless.env, IDENTITY_ENDPOINT })
    expect(marks).toEqual({ ...identityGood, ...withoutIdentity })
    expect(line('managed identity')).toMatch(/endpoint .* does not answer => az functionapp restart/)
    expect(code).toBe(1)
  })

  test('a machine outside Azure has no identity, and is told what to use instead', async () => {
    const { marks, line } = await examine({ ...secretless.env, IDENTITY_ENDPOINT: undefined })
    expect(marks).toEqual({ ...identityGood, ...withoutIdentity })
    expect(line('managed identity')).toMatch(/no managed identity on this machine.* => .*ENTRA_CLIENT_SECRET/)
  })

  test('without AZURE_CLIENT_ID it is the identity of the machine, and az login where it has none', async () => {
    const env = { ...secretless.env, AZURE_CLIENT_ID: undefined }
    const { code, line } = await examine(env)
    expect(line('table')).toContain('a row was created')
    expect(code).toBe(0)
    // So that `az` is not found, with which the person who runs the tests may have signed in.
    const none = await examine({ ...env, IDENTITY_ENDPOINT: undefined, PATH: '/nowhere', HOME: '/nowhere' })
    expect(none.output).toMatch(/^✗ managed identity +no Azure identity on this machine\n {4}az login/m)
  })

  test('an identity that the app does not have stops only what needs it', async () => {
    const env = { ...secretless.env, ENTRA_MANAGED_IDENTITY_CLIENT_ID: stranger }
    const { code, line, output } = await examine(env)
    expect(line('managed identity')).toMatch(
      RegExp(`no identity with the client id ${stranger} => az functionapp`),
    )
    expect(output).toMatch(/^– client credential .*\n✓ redirect URIs .*\n✓ ACS .*\n✓ table /m)
    expect(code).toBe(1)
  })

  test('an app that does not trust the identity gets the command that makes it', async () => {
    const { clientAssertion } = secretless.entra.options
    secretless.entra.options.clientAssertion = async () => false
    onTestFinished(() => {
      secretless.entra.options.clientAssertion = clientAssertion
    })
    const { code, marks, line } = await examine(secretless.env)
    expect(marks).toEqual({ ...identityGood, 'client credential': '✗' })
    expect(line('client credential')).toMatch(
      RegExp(`federated-credential create --id ${clientId} .*"subject":"${managedIdentity.principalId}"`),
    )
    expect(code).toBe(1)
  })

  test('an ACS that refuses the identity gets the command that gives it a role', async () => {
    secretless.acs.faults.add({ acsError: acsErrors.forbidden })
    const { code, marks, line } = await examine(secretless.env)
    expect(marks).toEqual({ ...identityGood, ACS: '✗' })
    expect(line('ACS')).toMatch(
      RegExp(
        `refuses the identity.*role assignment create --role "Contributor" .*${managedIdentity.principalId}`,
      ),
    )
    expect(code).toBe(1)
  })

  test('a table that refuses the identity gets the command that gives it a role', async () => {
    const json = { 'odata.error': { code: 'AuthorizationPermissionMismatch', message: { value: 'no' } } }
    const refusing = await listen(async () => Response.json(json, { status: 403 }), {
      certificate: inject('certificate'),
    })
    onTestFinished(() => refusing.stop())
    const TokenStore__tableServiceUri = `https://localhost:${refusing.port}/`
    const { marks, line } = await examine({ ...secretless.env, TokenStore__tableServiceUri })
    expect(marks).toEqual({ ...identityGood, table: '✗' })
    expect(line('table')).toMatch(
      RegExp(
        `AuthorizationPermissionMismatch.*"Storage Table Data Contributor" .*${managedIdentity.principalId}`,
      ),
    )
  })
})

describe('local.settings.json', () => {
  async function settingsFile(content: unknown): Promise<string[]> {
    const folder = await mkdtemp(join(tmpdir(), 'doctor-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'local.settings.json')
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2))
    return ['--local-settings', file]
  }

  test('its values count, its CA is trusted, and the environment wins', async () => {
    const { PUBLIC_URL = '', ...values } = keys.env
    const args = await settingsFile({
      IsEncrypted: false,
      Values: {
        ...values,
        NODE_EXTRA_CA_CERTS: inject('caFile'),
        TOKEN_TABLE: 'wrong table',
        AZURE_LOG_LEVEL: 'verbose',
      },
      Host: { LocalHttpPort: Number(new URL(PUBLIC_URL).port) },
    })
    const env = { NODE_EXTRA_CA_CERTS: undefined, TOKEN_TABLE: keys.env.TOKEN_TABLE }
    const { code, marks, line, output } = await examine(env, args)
    expect(output).not.toContain('azure:')
    expect(marks).toEqual({ ...good, 'local settings': '✓' })
    expect(line('local settings')).toContain('the environment has its own TOKEN_TABLE, which wins')
    expect(code).toBe(0)
  })

  test.each([
    [
      'not JSON',
      '{\n  "Values": { "ENTRA_CLIENT_SECRET": "canary" oops }',
      /is not JSON \(line 2 .*=> compare it with local/,
    ],
    [
      'encrypted',
      { IsEncrypted: true, Values: { A: 'canary' } },
      /"IsEncrypted": false => func settings decrypt/,
    ],
    [
      'of another shape',
      { IsEncrypted: false, Values: { A: { b: 'canary' } } },
      /strings only => compare it/,
    ],
    [
      'naming a CA that is not there',
      { IsEncrypted: false, Values: { NODE_EXTRA_CA_CERTS: 'no.pem' } },
      /which is not there.* => npm run stand-ins; for the real cloud, remove/,
    ],
  ])('one that is %s has its own line, and the environment is looked at', async (_, content, says) => {
    const { code, marks, line, output } = await examine(keys.env, await settingsFile(content))
    expect(line('local settings')).toMatch(says)
    expect(marks).toEqual({ ...good, 'local settings': '✗' })
    expect(output).not.toContain('canary')
    expect(code).toBe(1)
  })

  test('one that is named has to be there', async () => {
    const { marks, line } = await examine(keys.env, ['--local-settings', '/nowhere/local.settings.json'])
    expect(marks).toEqual({ ...good, 'local settings': '✗' })
    expect(line('local settings')).toMatch(/is not there.* => cp local.settings.sample.json/)
  })
})

test('a flag that it does not know is refused in one line', async () => {
  const doctor = startCommand('doctor/doctor.ts', ['--fix'])
  expect(await doctor.ended).toBe(1)
  expect(doctor.output()).toMatch(/^Unknown option '--fix'.*\n$/)
})
