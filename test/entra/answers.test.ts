// Whatever a token endpoint answers, to MSAL and our transport alone: tokens, or an error with an answer of its own, never a fault
// of ours. The same through the whole service, with fewer answers: test/requirements/refusals.test.ts.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { tenants } from '../../dev/entra/directory.ts'
import { type Listener, listen } from '../../dev/faults.ts'
import { createEntraEndpoints } from '../../src/entra/endpoints.ts'
import { createEntraRenewal } from '../../src/entra/renewal.ts'
import { errorKinds, ServiceError } from '../../src/errors.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'
import { tokenEndpointJson } from '../support/token-endpoint-json.ts'

const clientId = '3c9e1f50-6a47-4b8d-9e02-d1b7c5a6f830'
const objectId = '0c9a7d1e-5b34-4e67-8f21-a3d4b6c8e911'
const answers = new Map<string, { status: number; raw: string }>()
let server: Listener

beforeAll(async () => {
  server = await listen(
    async (request) => {
      // The refresh token says which answer is asked for.
      const { status = 500, raw = '' } =
        answers.get(new URLSearchParams(await request.text()).get('refresh_token') ?? '') ?? {}
      return new Response([204, 205, 304].includes(status) ? null : raw, { status })
    },
    { certificate: inject('certificate') },
  )
})
afterAll(() => server.stop())

function cacheWith(refreshToken: string): string {
  const home = `${objectId}.${tenants.contoso}`
  const environment = `localhost:${server.port}`
  return JSON.stringify({
    Account: {
      [`${home}-${environment}-${tenants.contoso}`]: {
        home_account_id: home,
        environment,
        realm: tenants.contoso,
        local_account_id: objectId,
        username: 'adele@contoso.example',
        authority_type: 'MSSTS',
      },
    },
    RefreshToken: {
      [`${home}-${environment}-refreshtoken-${clientId}--`]: {
        home_account_id: home,
        environment,
        credential_type: 'RefreshToken',
        client_id: clientId,
        secret: refreshToken,
      },
    },
  })
}

const raw = fc.oneof(
  tokenEndpointJson,
  tokenEndpointJson.chain((text) => fc.nat(text.length).map((length) => text.slice(0, length))),
  fc.constantFrom('', '<h1>Bad gateway</h1>', '<?xml version="1.0"?><Error/>', 'null', '[]', '{'),
  fc.string({ unit: 'binary' }),
)
const status = fc.oneof(
  fc.constantFrom(200, 200, 400, 401, 403, 429, 500, 503),
  fc.integer({ min: 200, max: 599 }),
)
const atOnce = 32
const runs = Math.ceil(Number(process.env.FUZZ_RUNS ?? 640) / atOnce)

it('is tokens, or an error that is no fault of ours', async () => {
  const endpoints = createEntraEndpoints(`https://localhost:${server.port}`)
  const entra = {
    authorityHost: `https://localhost:${server.port}`,
    tenantId: tenants.contoso,
    clientId,
    credential: { kind: 'none' },
    allowedTenants: new Set([tenants.contoso]),
  } as const
  const renewal = createEntraRenewal({ entra, credential: undefined, endpoints, clock: () => new Date() })
  const account = {
    homeAccountId: `${objectId}.${tenants.contoso}`,
    environment: `localhost:${server.port}`,
    tenantId: tenants.contoso,
    objectId,
    username: 'adele@contoso.example',
  }
  const codes = new Set<string>()
  const batch = fc.array(fc.record({ status, raw }), { minLength: atOnce, maxLength: atOnce })
  await fc.assert(
    fc.asyncProperty(batch, async (bodies) => {
      answers.clear()
      await Promise.all(
        bodies.map(async (body, index) => {
          answers.set(`token-${index}`, body)
          const session = { account, msalCache: cacheWith(`token-${index}`) }
          const outcome = await renewal.refresh(session, startDeadline()).catch((error: unknown) => error)
          if (!(outcome instanceof Error)) return codes.add('token')
          expect(outcome, `${body.status} ${body.raw}`).toBeInstanceOf(ServiceError)
          const { code } = outcome as ServiceError
          expect(errorKinds[code].status, `${body.status} ${body.raw}`).not.toBe(500)
          return codes.add(code)
        }),
      )
    }),
    { numRuns: runs },
  )
  // It really came to MSAL, and back in more than one way.
  expect([...codes]).toEqual(expect.arrayContaining(['upstream_unavailable', 'interaction_required']))
}, 900_000)
