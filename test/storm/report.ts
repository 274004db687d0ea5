// A storm's outcome as a few lines to read.
import type { RecordedRequest } from './history.ts'
import type { StormResult } from './storm.ts'

/** How many violations of one kind are written out. */
const shown = 5

export function formatReport(result: StormResult): string {
  const { history, tableAnswers, operations, seconds } = result
  const { requests, sessions, revocations, grants, rows } = history
  const renewals = grants.filter(({ grant }) => grant === 'refresh_token').length
  const table = (answer: string) => tableAnswers.get(answer) ?? 0
  return [
    `${operations} operations in ${seconds.toFixed(1)} s, ${(operations / seconds).toFixed(0)} a second`,
    '',
    ...formatTable(requests),
    '',
    `sessions   ${sessions.length} begun, ${rows.length} alive at the end; ${revocations.length} revocations`,
    `renewals   ${renewals} at Entra`,
    `conflicts  ${table('PUT 412')} writes after another's, ${table('PUT 404')} after a deletion; ${table('DELETE 412')} deletions after a write`,
    '',
    ...formatViolations(result),
  ].join('\n')
}

function formatTable(requests: readonly RecordedRequest[]): string[] {
  const groups = Map.groupBy(requests, ({ kind, status }) => `${kind} ${status ?? 'unanswered'}`)
  const lines = [...groups].sort(([a], [b]) => (a < b ? -1 : 1))
  return [
    ['answer', 'count', 'p50 ms', 'p99 ms', 'max ms'],
    ...lines.map(([name, group]) => {
      const times = group.map(({ begun, ended }) => ended - begun).sort((a, b) => a - b)
      return [
        name,
        String(group.length),
        ...[0.5, 0.99, 1].map((share) => percentile(times, share).toFixed(0)),
      ]
    }),
  ].map(([name = '', ...figures]) => name.padEnd(20) + figures.map((figure) => figure.padStart(8)).join(''))
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(share * sorted.length) - 1] ?? 0
}

function formatViolations({ violations }: StormResult): string[] {
  if (violations.length === 0) return ['violations none']
  return [...Map.groupBy(violations, ({ invariant }) => invariant)].flatMap(([invariant, found]) => [
    `VIOLATED   ${invariant}: ${found.length}`,
    ...found.slice(0, shown).map(({ what }) => `  ${what}`),
  ])
}
