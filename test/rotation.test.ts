// The rotation of the sealing key on three processes that are replaced one by one under load, as the README tells it.
import { afterEach, beforeEach, expect, it } from 'vitest'
import { allRows, sealingKey, startService, type TestService } from './support/service.ts'
import { startTraffic } from './support/traffic.ts'

const oldKey = sealingKey('old')
const newKey = sealingKey('new')
let service: TestService

beforeEach(async () => {
  service = await startService({ instances: 3, env: { SEALING_KEYS: oldKey } })
  // Every token request renews, and so writes its row anew.
  service.entra.options.lifetimes.accessTokenSeconds = 720
})
afterEach(() => service.stop())

const kids = async () => new Set((await allRows(service.table)).map(({ kid }) => kid))

it('goes unnoticed in two steps: the new key opens first, then seals; then the old one can go', async () => {
  const traffic = await startTraffic(service)
  await traffic.replaceAll({ SEALING_KEYS: `${oldKey},${newKey}` })
  expect(await kids()).toEqual(new Set(['old']))
  await traffic.replaceAll({ SEALING_KEYS: `${newKey},${oldKey}` })
  // A deployment waits for SESSION_MAX_HOURS here, after which no row of the old key is left.
  await traffic.until(async () => !(await kids()).has('old'))
  await traffic.replaceAll({ SEALING_KEYS: newKey })
  await traffic.stop()

  expect([...traffic.answers.keys()].sort()).toEqual([
    'login 302',
    'redirect 302',
    'session 200',
    'token 200',
  ])
  expect(traffic.answers.get('token 200')).toBeGreaterThan(100)
  expect(traffic.answers.get('redirect 302')).toBeGreaterThan(10)
  expect(await kids()).toEqual(new Set(['new']))
})

it('in one step would be noticed: 503 where the key is lacking, until every process has it; no session is lost', async () => {
  const traffic = await startTraffic(service, { signIns: false })
  await traffic.replaceOne({ SEALING_KEYS: `${newKey},${oldKey}` })
  await traffic.until(() => (traffic.answers.get('token 503') ?? 0) > 0)
  await traffic.replaceOne({ SEALING_KEYS: `${newKey},${oldKey}` })
  await traffic.replaceOne({ SEALING_KEYS: `${newKey},${oldKey}` })
  await traffic.until(async () => !(await kids()).has('old'))
  traffic.answers.clear()
  await traffic.until(() => (traffic.answers.get('token 200') ?? 0) > 20)
  await traffic.stop()
  expect([...traffic.answers.keys()].sort()).toEqual(['session 200', 'token 200'])
})
