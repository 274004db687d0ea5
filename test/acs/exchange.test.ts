// What becomes of ACS's answers: the real SDK over real sockets, before a stand-in that says what the real one was seen to say.
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { type AcsStandIn, startAcs } from '../../dev/acs/acs.ts'
import { type AcsErrorFields, acsErrors, acsOddities } from '../../dev/acs/errors.ts'
import { listen } from '../../dev/faults.ts'
import { createAcsExchange } from '../../src/acs/exchange.ts'
import { ServiceError } from '../../src/errors.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'
import { type OddAnswer, oddAnswer, oddAnswers, playOddAnswers } from '../support/odd-answers.ts'

let acs: AcsStandIn
let secureAcs: AcsStandIn

beforeAll(async () => {
  const options = {
    entra: { signingKeys: () => ({ keys: [] }) },
    entraAuthorityHost: 'https://entra.example',
  }
  acs = await startAcs(options)
  secureAcs = await startAcs({ ...options, certificate: inject('certificate') })
})
afterAll(() => Promise.all([acs.stop(), secureAcs.stop()]))
afterEach(() => {
  acs.faults.clear()
  acs.requests.length = 0
  secureAcs.faults.clear()
})

const entraToken = 'canary-entra-token'
const request = (userObjectId = 'user') => ({
  teamsUserAadToken: entraToken,
  clientId: 'app',
  tenantId: 'tenant',
  userObjectId,
})
const clock = () => new Date()
const identity = () => ({
  getToken: async () => ({ token: 'canary-of-the-identity', expiresOnTimestamp: Date.now() + 3_600_000 }),
})

function newExchange({ connectionString } = acs) {
  return createAcsExchange({ access: { kind: 'key', connectionString }, identity, clock })
}

/** What the service makes of ACS's answer. */
async function failure(exchange = newExchange(), userObjectId?: string): Promise<ServiceError> {
  const error = await exchange.exchange(request(userObjectId), startDeadline()).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof ServiceError)) throw new Error('no ServiceError', { cause: error })
  return error
}

async function says(acsError: AcsErrorFields) {
  acs.faults.add({ acsError })
  const { code, upstream, upstreamCode, check } = await failure()
  return { code, upstream, upstreamCode, check, calls: acs.requests.length }
}

describe('an error of ACS', () => {
  it.each<[keyof typeof acsErrors, string, string?]>([
    ['denied', 'misconfigured'],
    ['forbidden', 'misconfigured'],
    ['invalidAccessToken', 'invalid_token', 'token'],
    ['licenseMissing', 'teams_license_required'],
    ['licenseMissingOfAdmin', 'teams_license_required'],
    ['licenseMissingTrial', 'teams_license_required'],
    ['teamsDisabled', 'teams_license_required'],
    ['teamsDisabledForAdmin', 'teams_license_required'],
    ['guestNotRedeemed', 'guest_not_allowed'],
    ['otherUser', 'account_mismatch'],
    ['otherApp', 'invalid_token', 'appId'],
    ['unsupportedVersion', 'upstream_unavailable'],
    ['throttled', 'throttled'],
  ])('%s is %s, with the code of ACS, and is not asked for twice', async (name, code, check) => {
    const upstreamCode = acsErrors[name].code
    expect(await says(acsErrors[name])).toEqual({ code, upstream: 'acs', upstreamCode, check, calls: 1 })
  })

  it.each(['notFound', 'conflict', 'unavailable'] as const)(
    '%s may be passing: one more call',
    async (name) => {
      const { code: upstreamCode } = acsErrors[name]
      expect(await says(acsErrors[name])).toMatchObject({
        code: 'upstream_unavailable',
        upstreamCode,
        calls: 2,
      })
    },
  )

  it.each<[string, AcsErrorFields, string]>([
    ['a 403 about a license that nobody has heard of', refusal('LicenceSuspended'), 'teams_license_required'],
    ['a 403 about the user', refusal('UserBlockedFromCalling'), 'teams_license_required'],
    ['a 403 about the tenant', refusal('TenantSuspended'), 'teams_license_required'],
    ['a 403 about guests', refusal('GuestAccessForbidden'), 'guest_not_allowed'],
    [
      'a 403 about our identity, called a user-assigned one',
      refusal('UserAssignedIdentityForbidden'),
      'misconfigured',
    ],
    ['the code in another case', refusal('USERLICENSENOTPRESENTFORBIDDEN'), 'teams_license_required'],
    ['a code of Teams with 400', { ...acsErrors.guestNotRedeemed, status: 400 }, 'guest_not_allowed'],
    ['a code of Teams with 401', { ...acsErrors.guestNotRedeemed, status: 401 }, 'guest_not_allowed'],
    [
      'a general code around the one that says it',
      { ...acsErrors.forbidden, innererror: { code: 'UserLicenseNotPresentForbidden', message: '' } },
      'teams_license_required',
    ],
    ['a 400 about the token', { ...acsErrors.otherUser, target: 'token' }, 'invalid_token'],
    ['a 400 about nothing', { status: 400, code: 'BadRequest', message: '' }, 'upstream_unavailable'],
    ['a 401 of another code', { ...acsErrors.denied, code: 'Unauthorized' }, 'upstream_unavailable'],
    ['a code that was never for this status', { ...acsErrors.denied, status: 409 }, 'upstream_unavailable'],
  ])('by its kind: %s', async (_, acsError, code) => {
    expect(await says(acsError)).toMatchObject({ code, upstream: 'acs', upstreamCode: acsError.code })
  })

  it.each(['userId', 'UserId', 'USERID'])('about %s is a mismatch', async (target) => {
    expect(await says({ ...acsErrors.otherUser, target })).toMatchObject({ code: 'account_mismatch' })
  })
})

function refusal(code: string): AcsErrorFields {
  return { status: 403, code, message: 'canary' }
}

describe('an answer that ACS does not document', () => {
  it.each<[string, OddAnswer]>(Object.entries(acsOddities))('%s is ACS failing', async (_, oddity) => {
    acs.faults.add(oddity)
    const error = await failure()
    expect(error).toMatchObject({ code: 'upstream_unavailable', upstream: 'acs' })
    // Of an answer that was cut the SDK keeps nothing.
    expect(error.upstreamCode).toBe(oddity === acsOddities.cutSuccess ? undefined : oddity.status)
    const isRefusal = oddity.status === 400 || oddity.status === 401
    expect(acs.requests).toHaveLength(isRefusal ? 1 : 2)
  })

  it('with a Retry-After does not keep others from ACS, which has not said it', async () => {
    acs.faults.add({ status: 302, headers: { location: '/', 'retry-after': '3000' } })
    const exchange = newExchange()
    await failure(exchange)
    await failure(exchange, 'other')
    expect(acs.requests).toHaveLength(4)
  })

  it.each([
    [500, 'upstream_unavailable'],
    [403, 'misconfigured'],
  ])('%i without any body has the status in the place of a code', async (status, code) => {
    acs.faults.add({ status })
    expect(await failure()).toMatchObject({ code, upstreamCode: status })
  })
})

describe('a redirect of what answers in the place of ACS', () => {
  it.each([301, 302, 303, 307, 308])(
    '%i is not followed, so neither token leaves for another host',
    async (status) => {
      const received: string[] = []
      const elsewhere = await listen(async (asked) => {
        received.push(JSON.stringify([...asked.headers]) + (await asked.text()))
        return Response.json({ token: 'foreign', expiresOn: new Date(Date.now() + 3_600_000) })
      })
      for (const location of [`http://127.0.0.1:${elsewhere.port}/`, '/teamsUser/elsewhere']) {
        for (const standIn of [acs, secureAcs]) {
          const seen = standIn.requests.length
          standIn.faults.clear()
          standIn.faults.add({ status, headers: { location } })
          const byIdentity = {
            kind: 'identity',
            endpoint: standIn.endpoint,
            identityClientId: undefined,
          } as const
          const exchange =
            standIn === acs ? newExchange() : createAcsExchange({ access: byIdentity, identity, clock })
          expect(await failure(exchange)).toMatchObject({ upstream: 'acs', upstreamCode: status })
          const paths = standIn.requests.slice(seen).map(({ path }) => path)
          expect(new Set(paths)).toEqual(new Set(['/teamsUser/:exchangeAccessToken']))
        }
      }
      expect(received).toEqual([])
      await elsewhere.stop()
    },
  )
})

describe('whatever ACS answers', () => {
  it(
    `of ${oddAnswers} kinds, is a token or an error that has an answer, and no 500`,
    async () => {
      const codes = Object.values(acsErrors).map(({ code }) => code)
      const seen = new Set<string>()
      const play = async (answer: OddAnswer, index: number) => {
        const userId = `user-${index}`
        const handle = acs.faults.add({ ...answer, match: { userId } })
        const error = await newExchange()
          .exchange(request(userId), startDeadline())
          .then(
            () => undefined,
            (reason: unknown) => reason,
          )
        handle.remove()
        if (error === undefined) return
        expect(error).toBeInstanceOf(ServiceError)
        const { code, upstream, upstreamCode } = error as ServiceError
        expect(code).not.toBe('internal_error')
        expect(upstream).toBe('acs')
        // Of a body that could not be read the SDK does not even keep the status.
        const isReadable = !answer.headers?.['content-length'] && !answer.headers?.['content-encoding']
        // A busy machine may let a call run out of time.
        const isTimeOut = ((error as ServiceError).cause as Error | undefined)?.name === 'AbortError'
        if (isReadable && !isTimeOut) expect(String(upstreamCode)).toMatch(/^(?!undefined)[\w.-]{1,64}$/)
        seen.add(code)
      }
      await playOddAnswers(oddAnswer(codes), play)
      expect([...seen]).toEqual(
        expect.arrayContaining(['upstream_unavailable', 'misconfigured', 'throttled']),
      )
    },
    30_000 + oddAnswers * 60,
  )
})
