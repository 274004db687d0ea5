// What exchanges of one user share, and that nobody else's do (C9, O2).
import { beforeEach, expect, it } from 'vitest'
import { createForUser, type ExchangeIdentity, type ForUser } from '../../src/acs/one-user.ts'
import { ServiceError } from '../../src/errors.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'

let now: number
let forUser: ForUser
let asked: string[]

beforeEach(() => {
  now = Date.UTC(2026, 10, 26, 9)
  asked = []
  forUser = createForUser(() => new Date(now))
})

const identity = (change: Partial<ExchangeIdentity> = {}): ExchangeIdentity => ({
  teamsUserAadToken: 'entra-1',
  clientId: 'app',
  tenantId: 'tenant',
  userObjectId: 'adele',
  ...change,
})
const tokenOf = (entraToken: string) => ({ token: `of ${entraToken}`, expiresOn: new Date(now + 3_600_000) })

/** An exchange that ends when `until` does, with `error` if there is one. */
function exchange(request: ExchangeIdentity, until?: Promise<unknown>, error?: ServiceError) {
  return forUser(request, startDeadline(), async () => {
    asked.push(request.teamsUserAadToken)
    await until
    if (error) throw error
    return tokenOf(request.teamsUserAadToken)
  })
}

const unlicensed = new ServiceError('teams_license_required', { upstream: 'acs' })
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'token',
    (error: ServiceError) => error.code,
  )

it('the same Entra token at once is one exchange', async () => {
  const [one, two] = await Promise.all([exchange(identity()), exchange(identity())])
  expect(asked).toEqual(['entra-1'])
  expect(two).toBe(one)
})

it.each<[string, Partial<ExchangeIdentity>]>([
  ['another Entra token', { teamsUserAadToken: 'entra-2' }],
  ['another app', { clientId: 'other' }],
])('%s of the user waits for the first, and then gets what is made of it alone', async (_, change) => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const first = exchange(identity(), promise)
  const second = exchange(identity(change))
  expect(asked).toHaveLength(1)
  resolve()
  expect((await first).token).toBe('of entra-1')
  expect((await second).token).toBe(`of ${change.teamsUserAadToken ?? 'entra-1'}`)
  expect(asked).toHaveLength(2)
})

it.each<[string, Partial<ExchangeIdentity>]>([
  ['another user', { userObjectId: 'alex' }],
  ['the same object id in another tenant', { tenantId: 'other' }],
])('%s shares nothing, with the same Entra token either', async (_, change) => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const first = exchange(identity(), promise, unlicensed)
  expect(await codeOf(exchange(identity(change)))).toBe('token')
  resolve()
  expect(await codeOf(first)).toBe('teams_license_required')
  expect(await codeOf(exchange(identity(change)))).toBe('token')
})

it('a refusal of the user holds for whatever they bring, for a minute; then a license that was given counts', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const first = exchange(identity(), promise, unlicensed)
  const meanwhile = exchange(identity({ teamsUserAadToken: 'entra-2' }))
  resolve()
  expect(await codeOf(first)).toBe('teams_license_required')
  expect(await codeOf(meanwhile)).toBe('teams_license_required')
  now += 59_999
  expect(await codeOf(exchange(identity({ teamsUserAadToken: 'entra-3' })))).toBe('teams_license_required')
  expect(asked).toHaveLength(1)
  now += 1
  expect(await codeOf(exchange(identity()))).toBe('token')
})

it.each(['invalid_token', 'account_mismatch', 'misconfigured', 'upstream_unavailable'] as const)(
  '%s is not about the user, and asked for again',
  async (code) => {
    await codeOf(exchange(identity(), undefined, new ServiceError(code, { upstream: 'acs' })))
    expect(await codeOf(exchange(identity()))).toBe('token')
  },
)

it('who asks again before their time is told what is left of it, and keeps their place', async () => {
  const told = new ServiceError('throttled', { upstream: 'acs', retryAfterSeconds: 90, isOwnTime: true })
  await codeOf(exchange(identity(), undefined, told))
  now += 30_000
  await expect(exchange(identity({ teamsUserAadToken: 'entra-2' }))).rejects.toMatchObject({
    code: 'throttled',
    retryAfterSeconds: 60,
    isOwnTime: true,
  })
  expect(await codeOf(exchange(identity({ userObjectId: 'alex' })))).toBe('token')
  now += 60_000
  expect(await codeOf(exchange(identity()))).toBe('token')
})

it('nobody waits for a first one longer than their own deadline', async () => {
  const never = new Promise(() => {})
  exchange(identity(), never).catch(() => {})
  const over = {
    signal: () => AbortSignal.timeout(1),
    end: () => AbortSignal.timeout(1),
    leftMs: () => 0,
  }
  const second = forUser(identity({ teamsUserAadToken: 'entra-2' }), over, async () => tokenOf('entra-2'))
  await expect(second).rejects.toMatchObject({ code: 'upstream_unavailable' })
})
