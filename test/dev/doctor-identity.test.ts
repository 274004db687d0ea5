// What the doctor says where a managed identity is in the place of every secret and key.
import { afterAll, afterEach, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { acsErrors } from '../../dev/acs/errors.ts'
import { listen } from '../../dev/faults.ts'
import { freePort } from '../support/host-process.ts'
import { clientId, managedIdentity, startService, type TestService } from '../support/service.ts'
import { examine, good } from './fixtures/doctor.ts'

let secretless: TestService

beforeAll(async () => {
  secretless = await startService({ secretless: true })
  // The doctor looks at what the service needs, not at the service.
  await Promise.all(secretless.instances.map((instance) => instance.kill()))
})
afterEach(() => {
  secretless.entra.faults.clear()
  secretless.acs.faults.clear()
})
afterAll(() => secretless.stop())

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
  // Nobody is to find an az login of the person who runs the tests.
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
