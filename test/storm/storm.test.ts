// Two short storms over the service as it is, without lightning and with it; and the former over a store that writes without ETag,
// which must fail.
import { rm } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { faultKinds, upstreams } from './history.ts'
import { buildNaiveApp } from './naive-app.ts'
import { formatReport } from './report.ts'
import { runStorm, type StormResult } from './storm.ts'

/** A storm is so many operations, however long a busy machine takes for them. */
const stormMs = 20 * 60_000

/** Without these the storm would prove nothing. */
function expectAStorm({ history, tableAnswers }: StormResult): void {
  const { requests, revocations, grants } = history
  const answers = (kind: string, status: number) =>
    requests.filter((request) => request.kind === kind && request.status === status).length
  expect(answers('sign-in', 302)).toBeGreaterThan(50)
  expect(answers('token', 200)).toBeGreaterThan(150)
  expect(answers('token', 401)).toBeGreaterThan(50)
  expect(answers('session', 200)).toBeGreaterThan(15)
  expect(answers('logout', 200)).toBeGreaterThan(15)
  expect(revocations.length).toBeGreaterThan(1)
  expect(grants.filter(({ grant }) => grant === 'refresh_token').length).toBeGreaterThan(50)
  // Writes that lost against another's, and against a logout.
  expect(tableAnswers.get('PUT 412')).toBeGreaterThan(10)
  expect(tableAnswers.get('PUT 404')).toBeGreaterThan(10)
}

test(
  'no invariant is violated when sign-ins, renewals, logouts and revocations of many users meet',
  async () => {
    const result = await runStorm({ processes: 3, users: 20, operations: 1_200, seed: 4 })
    expect(result.violations, formatReport(result)).toEqual([])
    expectAStorm(result)
  },
  stormMs,
)

test(
  'nor when Entra, ACS and the table fail in all ways, processes are killed, keys rotated and rows upgraded meanwhile',
  async () => {
    const processes = 3
    const result = await runStorm({ processes, users: 20, operations: 1_200, seed: 6, lightning: true })
    expect(result.violations, formatReport(result)).toEqual([])
    expectAStorm(result)

    const { faults, processes: lives, olderRows, rows } = result.history
    for (const upstream of upstreams) expect(faults.some((fault) => fault.upstream === upstream)).toBe(true)
    for (const kind of faultKinds) expect(faults.some((fault) => fault.kind === kind)).toBe(true)
    const killed = lives.filter(({ isKilled }) => isKilled)
    expect(killed.length).toBeGreaterThan(0)
    expect(lives.length - killed.length - processes).toBe(2 * processes)
    expect(new Set(rows.map(({ kid }) => kid))).toContain('newer')
    const older = new Set(olderRows)
    expect(rows.some(({ rowKey, version }) => older.has(rowKey) && version === 2)).toBe(true)
  },
  stormMs,
)

test(
  'a storm finds out a store that writes without ETag: sessions come back after their logout',
  async () => {
    const folder = await buildNaiveApp()
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const { violations } = await runStorm({
      processes: 3,
      users: 10,
      operations: 700,
      seed: 4,
      folder,
      weights: { logout: 40 },
    })
    const violated = new Set(violations.map(({ invariant }) => invariant))
    expect(violated).toContain('noSessionIsAliveAfterItsLogout')
    expect(violated).toContain('aRefusedSessionStaysDead')
    expect(violated).toContain('everyRowBelongsToALivingSession')
  },
  stormMs,
)
