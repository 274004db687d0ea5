// A storm's outcome as a few lines to read.
import { faultKinds, type History, type MetFault, type RecordedRequest, upstreams } from './history.ts'
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
    ...formatLightning(history),
    `conflicts  ${table('PUT 412')} writes after another's, ${table('PUT 404')} after a deletion; ${table('DELETE 412')} deletions after a write`,
    '',
    ...formatViolations(result),
  ].join('\n')
}

function formatLightning({ faults, processes, olderRows, rows, unfinishedSignOuts }: History): string[] {
  const older = new Set(olderRows)
  const rowsOf = (version: number) =>
    rows.filter((row) => older.has(row.rowKey) && row.version === version).length
  const kids = [...Map.groupBy(rows, ({ kid }) => kid)].map(([kid, { length }]) => `${length} ${kid}`)
  const killed = processes.filter(({ isKilled }) => isKilled).length
  const replaced = processes.length - killed - new Set(processes.map(({ place }) => place)).size
  return [
    ...upstreams.map((upstream) => `faults     ${upstream}: ${formatFaults(faults, upstream)}`),
    `processes  ${killed} killed, ${replaced} replaced by the rotation; rows by sealing key: ${kids.join(', ')}`,
    `upgrade    ${olderRows.length} rows written as version 1; of those still there ${rowsOf(2)} are of version 2 again, ${rowsOf(1)} not yet renewed`,
    `sign-outs  ${unfinishedSignOuts.length} left to be made up for in the end`,
  ]
}

function formatFaults(faults: readonly MetFault[], upstream: string): string {
  const count = (kind: string) =>
    faults.filter((fault) => fault.upstream === upstream && fault.kind === kind).length
  return faultKinds.map((kind) => `${count(kind)} ${kind}`).join(', ')
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
