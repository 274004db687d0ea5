// R4 for whoever brings a bearer: a token that should be renewed is better than none. The clock is the reason for this test beside
// test/requirements/on-behalf.test.ts: Entra and ACS are two lines here.
import { expect, it } from 'vitest'
import type { ExchangeRequest } from '../../src/acs/exchange.ts'
import { ServiceError } from '../../src/errors.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'
import { createOnBehalfExchange } from '../../src/tokens/on-behalf-exchange.ts'

it('while ACS lets nobody through, or fails, the token is given that was; a refusal is a refusal', async () => {
  const start = Date.UTC(2026, 10, 26, 9)
  const at = (minutes: number) => new Date(start + minutes * 60_000)
  let now = at(0)
  let refusal: ServiceError | undefined
  const asked: ExchangeRequest[] = []
  const { exchange } = createOnBehalfExchange({
    entra: { acquire: async () => 'entra' },
    acs: {
      async exchange(request) {
        asked.push(request)
        if (refusal) throw refusal
        return { token: `of ${asked.length}`, expiresOn: new Date(now.getTime() + 75 * 60_000) }
      },
    },
    clientId: 'app',
    clock: () => now,
  })
  const caller = {
    tenantId: 'tenant',
    objectId: 'adele',
    clientId: 'tab',
    bearer: 'bearer',
    expiresOn: at(600),
  }
  const ask = async () => (await exchange(caller, startDeadline())).token

  expect(await ask()).toBe('of 1')
  now = at(61)
  refusal = new ServiceError('throttled', { upstream: 'acs', retryAfterSeconds: 1 })
  expect(await ask()).toBe('of 1')
  refusal = new ServiceError('upstream_unavailable', { upstream: 'acs' })
  expect(await ask()).toBe('of 1')
  expect(asked.map(({ urgency }) => urgency)).toEqual(['now', 'early', 'early'])
  now = at(72)
  expect(await ask()).toBe('of 1')
  expect(asked.at(-1)?.urgency).toBe('soon')
  refusal = new ServiceError('teams_license_required', { upstream: 'acs' })
  await expect(ask()).rejects.toMatchObject({ code: 'teams_license_required' })
  refusal = new ServiceError('throttled', { upstream: 'acs', retryAfterSeconds: 1 })
  now = at(74)
  await expect(ask()).rejects.toMatchObject({ code: 'throttled' })
  refusal = undefined
  expect(await ask()).toBe('of 7')
})
