// What the doctor says of ACS and of the table, and that it leaves no row behind.
import { afterAll, afterEach, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import type { FaultHandle } from '../../dev/faults.ts'
import { freePort } from '../support/host-process.ts'
import { allRows, type Env, startService, type TestService } from '../support/service.ts'
import { startTableProxy } from '../support/table-proxy.ts'
import { startCommand } from './fixtures/command.ts'
import { examine, expectFault, type Fault, wrongKey } from './fixtures/doctor.ts'

let keys: TestService

beforeAll(async () => {
  keys = await startService({ clientSecret: 'canary-of-the-secret' })
  // The doctor looks at what the service needs, not at the service.
  await Promise.all(keys.instances.map((instance) => instance.kill()))
})
afterEach(() => {
  keys.entra.faults.clear()
  keys.acs.faults.clear()
})
afterAll(() => keys.stop())

const nowhere = async (scheme: string) => `${scheme}://localhost:${await freePort()}`
const under = (_: FaultHandle): Env => ({})
const acsSays = (status: number, code: string) =>
  under(keys.acs.faults.add({ acsError: { status, code, message: 'canary' } }))
async function tableSays(status: number, code: string): Promise<Env> {
  const proxy = await tableProxy()
  proxy.faults.add({ status, json: { 'odata.error': { code, message: { value: 'canary' } } } })
  return { TokenStore: proxy.connectionString }
}

const faults: Record<string, Fault> = {
  'a wrong ACS key': {
    arrange: () => wrongKey(keys.env, 'COMMUNICATION_SERVICES_CONNECTION_STRING', /(?<=accesskey=)[\w+/]+/),
    marks: { ACS: '✗' },
    says: ['ACS', /refuses the key .* => az communication list-key/],
  },
  'an ACS host that is not there': {
    arrange: () => ({
      COMMUNICATION_SERVICES_CONNECTION_STRING: 'endpoint=https://acs.invalid/;accesskey=Y2FuYXJ5',
    }),
    marks: { ACS: '✗' },
    says: [
      'ACS',
      /acs.invalid: no host has this name: there is no such resource .* => check COMMUNICATION_SERVICES_CONNECTION_STRING/,
    ],
  },
  'an ACS that never answers': {
    arrange: () => under(keys.acs.faults.add({ hang: true })),
    marks: { ACS: '✗' },
    says: ['ACS', /no answer in time/],
  },
  'an ACS that is something else': {
    arrange: () => under(keys.acs.faults.add({ status: 404, raw: '<html>' })),
    marks: { ACS: '✗' },
    says: ['ACS', /answers 404, and not as it should.* => .*az communication list /],
  },
  'an ACS that answers with a page': {
    arrange: () => under(keys.acs.faults.add({ status: 200, raw: '<html>' })),
    marks: { ACS: '✗' },
    says: ['ACS', /something else is there => .*COMMUNICATION_SERVICES_CONNECTION_STRING/],
  },
  'an ACS that answers with nothing': {
    arrange: () => under(keys.acs.faults.add({ status: 204 })),
    marks: { ACS: '✗' },
    says: ['ACS', /something else is there => .*COMMUNICATION_SERVICES_CONNECTION_STRING/],
  },
  'an ACS that sends elsewhere': {
    arrange: () => {
      keys.acs.faults.add({ match: { method: 'POST' }, status: 302, headers: { location: '/' } })
      return {}
    },
    marks: { ACS: '✗' },
    says: ['ACS', /something else is there => .*COMMUNICATION_SERVICES_CONNECTION_STRING/],
  },
  'an ACS of another version': {
    arrange: () => acsSays(400, 'UnsupportedApiVersion'),
    marks: { ACS: '✗' },
    says: ['ACS', /400 UnsupportedApiVersion: .*version of ACS's API => .*az communication list /],
  },
  'an ACS that takes no keys': {
    arrange: () => acsSays(403, 'Forbidden'),
    marks: { ACS: '✗' },
    says: ['ACS', /takes no keys \(disableLocalAuth\) => COMMUNICATION_SERVICES_ENDPOINT=https/],
  },
  'an ACS that fails': {
    arrange: () => acsSays(503, 'ServiceUnavailable'),
    marks: { ACS: '✗' },
    says: ['ACS', /not able to answer at the moment \(503\) => try again/],
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
    arrange: () => wrongKey(keys.env, 'TokenStore', /(?<=AccountKey=)[\w+/]+/),
    marks: { table: '✗' },
    says: ['table', /answers 403.*the key is refused.* => az storage account show-connection-string/],
  },
  'a storage account that is not there': {
    arrange: () => ({ TokenStore: 'AccountName=nobodys;AccountKey=Y2FuYXJ5;EndpointSuffix=invalid' }),
    marks: { table: '✗' },
    says: ['table', /no such storage account, or it has no tables => TokenStore .*az storage account list/],
  },
  'a disabled storage account': {
    arrange: () => tableSays(403, 'AccountIsDisabled'),
    marks: { table: '✗' },
    says: ['table', /403 AccountIsDisabled: the account is disabled => portal: Subscriptions/],
  },
  'a storage account that takes no keys': {
    arrange: () => tableSays(403, 'KeyBasedAuthenticationNotPermitted'),
    marks: { table: '✗' },
    says: ['table', /takes no keys => TokenStore__tableServiceUri, in the place of TokenStore/],
  },
  'a table that is being deleted': {
    arrange: () => tableSays(409, 'TableBeingDeleted'),
    marks: { table: '✗' },
    says: ['table', /409 TableBeingDeleted: .* is being deleted => wait a minute/],
  },
  'a table that is something else': {
    arrange: async () => {
      const proxy = await tableProxy()
      proxy.faults.add({ status: 404, raw: '<html>' })
      return { TokenStore: proxy.connectionString }
    },
    marks: { table: '✗' },
    says: ['table', /answers 404: this is not a table service => TokenStore/],
  },
  'a table that answers with a page': {
    arrange: async () => {
      const proxy = await tableProxy()
      proxy.faults.add({ status: 200, raw: '<html>' })
      return { TokenStore: proxy.connectionString }
    },
    marks: { table: '✗' },
    says: ['table', /not a table service => TokenStore/],
  },
}

test.each(Object.entries(faults))('%s shows on its own line alone', (_, fault) =>
  expectFault(keys.env, fault),
)

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
  const env = { NODE_EXTRA_CA_CERTS: inject('caFile'), ...keys.env, TokenStore: proxy.connectionString }
  const doctor = startCommand('doctor/doctor.ts', ['--no-local-settings'], env)
  await expect.poll(() => fault.hits, { timeout: 20_000 }).toBe(1)
  expect(await allRows(keys.table)).toHaveLength(1)
  doctor.kill('SIGINT')
  await doctor.ended
  expect(await allRows(keys.table)).toEqual([])
})
