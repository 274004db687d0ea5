// What the doctor says of Entra, the registration and its credential.
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { FaultHandle } from '../../dev/faults.ts'
import { freePort } from '../support/host-process.ts'
import { clientId, type Env, startService, type TestService } from '../support/service.ts'
import { examine, expectFault, type Fault, good, withoutEntra } from './fixtures/doctor.ts'

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
  'an app that trusts another identity': {
    arrange: () => entraSays([7002138]),
    marks: { 'client credential': '✗' },
    says: ['client credential', /to the letter, capitals too.*7002138.* => az ad app federated-credential/],
  },
  'a number that comes after a general one': {
    arrange: () => entraSays([70002, 7000222]),
    marks: { 'client credential': '✗' },
    says: ['client credential', /expired .*7000222.* => az ad app credential reset/],
  },
  'a tenant without ACS': {
    arrange: () => entraSays([650052]),
    marks: { 'client credential': '✗' },
    says: [
      'client credential',
      /no service principal of Azure Communication.*650052.* => az ad sp create --id 1fd5118e/,
    ],
  },
  'a number that nobody knows': {
    arrange: () => entraSays([999999], 'access_denied'),
    marks: { 'client credential': '✗' },
    says: ['client credential', /AADSTS999999\) => https:\/\/login.microsoftonline.com\/error\?code=999999/],
  },
  'a refusal without a number': {
    arrange: () => entraSays([], 'unauthorized_client'),
    marks: { 'client credential': '✗' },
    says: ['client credential', /without a number \(unauthorized_client\) => portal: App registrations/],
  },
  'a token endpoint that is something else': {
    arrange: () => under(keys.entra.faults.add({ match: { endpoint: 'token' }, raw: '<html>' })),
    marks: { 'client credential': '✗' },
    says: ['client credential', /not as it should: something else is there => check ENTRA_AUTHORITY_HOST/],
  },
  'permissions that the app does not name': {
    arrange: () =>
      under(
        keys.entra.faults.add({
          match: { endpoint: 'authorize' },
          status: 400,
          raw: '<html>AADSTS650057: Invalid resource.</html>',
        }),
      ),
    marks: { 'redirect URIs': '✗' },
    says: ['redirect URIs', /does not name the permissions .*650057.* => az ad app permission add/],
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
      const date = new Date(Date.now() + 600_000).toUTCString()
      keys.entra.faults.add({ match: { endpoint: 'discovery' }, json, headers: { date } })
      return {}
    },
    marks: { clock: '✗' },
    says: ['clock', /(5\d\d|60\d) s behind .* => sudo timedatectl/],
  },
  'a redirect URI that is not registered': {
    arrange: () => ({ PUBLIC_URL: 'https://calls.example.com' }),
    marks: { 'redirect URIs': '✗' },
    says: [
      'redirect URIs',
      /not registered: https:\S+redirect, https:\S+signed-out .*50011.* => az ad app update .* --web-redirect-uris https:/,
    ],
  },
}

test.each(Object.entries(faults))('%s shows on its own line alone', (_, fault) =>
  expectFault(keys.env, fault),
)

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

test('an authorize page that says nothing is no fault, and the line says where to look', async () => {
  keys.entra.faults.add({ match: { endpoint: 'authorize' }, status: 200, raw: '<html>sign in</html>' })
  const { code, marks, line } = await examine(keys.env)
  expect(marks).toEqual({ ...good, 'redirect URIs': '–' })
  expect(line('redirect URIs')).toMatch(/cannot be told from here: .*type Web: portal: App registrations > /)
  expect(code).toBe(0)
})
