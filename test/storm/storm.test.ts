// A short storm over the service as it is, and the same storm over a store that writes without ETag, which must fail.
import { rm } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { buildNaiveApp } from './naive-app.ts'
import { formatReport } from './report.ts'
import { runStorm } from './storm.ts'

/** A storm is so many operations, however long a busy machine takes for them. */
const stormMs = 10 * 60_000

test(
  'no invariant is violated when sign-ins, renewals, logouts and revocations of many users meet',
  async () => {
    const result = await runStorm({ processes: 3, users: 25, operations: 3_000, seed: 4 })
    expect(result.violations, formatReport(result)).toEqual([])

    const { requests, revocations, grants } = result.history
    const answers = (kind: string, status: number) =>
      requests.filter((request) => request.kind === kind && request.status === status).length
    expect(answers('sign-in', 302)).toBeGreaterThan(100)
    expect(answers('token', 200)).toBeGreaterThan(300)
    expect(answers('token', 401)).toBeGreaterThan(100)
    expect(answers('session', 200)).toBeGreaterThan(30)
    expect(answers('logout', 200)).toBeGreaterThan(30)
    expect(revocations.length).toBeGreaterThan(3)
    expect(grants.filter(({ grant }) => grant === 'refresh_token').length).toBeGreaterThan(100)
    // Writes that lost against another's, and against a logout: without them the storm would prove nothing.
    expect(result.tableAnswers.get('PUT 412')).toBeGreaterThan(30)
    expect(result.tableAnswers.get('PUT 404')).toBeGreaterThan(30)
  },
  stormMs,
)

test(
  'the same storm finds out a store that writes without ETag: sessions come back after their logout',
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
