// The queries of infra/queries: Kusto takes them, and what they look for stands in lines that the service really writes. And the
// alerts, the workbook and docs/operate.md use all of them.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { personNamed } from '../../dev/entra/directory.ts'
import { startHost } from '../../dev/host/host.ts'
import { findBicep, startBicep } from '../../dev/infra/bicep.ts'
import { evaluate } from '../../dev/infra/deployment.ts'
import { errorKinds } from '../../src/errors.ts'
import { codes, fences, readPage, sections, tableRows } from '../docs/markdown.ts'
import { Browser } from '../support/browser.ts'
import { eventsOf, type LogEvent } from '../support/events.ts'
import { apiUri, clientId, startService } from '../support/service.ts'
import { analyze } from './kusto.ts'

const infra = join(import.meta.dirname, '..', '..', 'infra')
const folder = join(infra, 'queries')
const files = readdirSync(folder)
const queries = Object.fromEntries(
  files.map((file) => [file.replace('.kql', ''), readFileSync(join(folder, file), 'utf8')]),
)
const names = Object.keys(queries)
const page = await readPage('docs', 'operate.md')

describe('a query', () => {
  it.each(names)('%s is understood by Kusto', (name) => {
    const { problems, columns } = analyze(queries[name] ?? '')
    expect(problems).toEqual([])
    expect(columns.length).toBeGreaterThan(0)
  })

  it('with a column that no table has, or half of an operator, is not', () => {
    expect(analyze('AppTraces | where Mesage == ""').problems).toHaveLength(1)
    expect(analyze('AppTraces | summarize by').problems).not.toEqual([])
    expect(analyze('AppTraces | extend e = parse_json(Message) | summarize sum(e)').problems).not.toEqual([])
  })

  it('of docs/operate.md is understood too', () => {
    const printed = fences(page, 'kusto').flatMap((block) => block.split(/^\/\/ .*$/m).slice(1))
    expect(printed).toHaveLength(2)
    for (const query of printed) expect(analyze(query).problems).toEqual([])
  })

  it.each(names)('%s adds up what sampling left out', (name) => {
    expect(queries[name]).not.toMatch(/\bcount(if)?\(/)
  })
})

describe('what a query looks for', () => {
  let lines: LogEvent[]
  let functions: string[]

  beforeAll(async () => {
    lines = await bringAboutEvents()
    const host = await startHost({ folder: inject('bundleFolder'), log: () => {} })
    functions = host.functions.map(({ name }) => name)
    await host.stop()
  }, 60_000)

  it.each(names)('(%s) stands in a real line of the log', (name) => {
    for (const [, path = ''] of (queries[name] ?? '').matchAll(/\be\.([\w.]+)/g)) {
      const found = lines.some(
        (line) =>
          path.split('.').reduce<unknown>((at, key) => (at as LogEvent | undefined)?.[key], line) !==
          undefined,
      )
      expect(found, path).toBe(true)
    }
  })

  it.each(names)('(%s) is an event, a code, a function or an upstream that there is', (name) => {
    const events = codes(
      tableRows(sections(page, 2).get('Read the log') ?? '')
        .map(([event]) => event)
        .join('\n'),
    )
    const known = [...events, ...Object.keys(errorKinds), ...functions]
    // Statuses, and how a line begins.
    const words = [...(queries[name] ?? '').matchAll(/'([a-z][\w-]+)'/g)].map(([, word]) => word)
    for (const word of words) expect(known).toContain(word)
  })
})

/** Sign-ins, renewals, and failures of either upstream, as a service logs them. */
async function bringAboutEvents(): Promise<LogEvent[]> {
  const service = await startService({ clientSecret: 'secret', env: { API_AUDIENCE: clientId } })
  try {
    service.entra.options.lifetimes.accessTokenSeconds = 600
    const browser = new Browser(service)
    await browser.signIn({ person: 'adele@contoso.example' })
    await browser.token()
    service.entra.faults.add({ match: { endpoint: 'token' }, status: 429 })
    await browser.post('/api/token')
    service.entra.faults.clear()
    const bearer = service.entra.accessToken(personNamed('lee@contoso.example'), `${apiUri}/Tokens.Exchange`)
    await browser.fetch('/api/exchange', { method: 'POST', headers: { authorization: `Bearer ${bearer}` } })
  } finally {
    await service.stop()
  }
  return service.instances.flatMap((instance) => eventsOf(instance))
}

interface AlertRule {
  displayName: string
  severity: number
  evaluationFrequency: string
  windowSize: string
  criteria: { allOf: { query: string; metricMeasureColumn: string | null; dimensions: { name: string }[] }[] }
}

describe.skipIf(!findBicep())('the alerts and the workbook', () => {
  let rules: AlertRule[]
  let charts: { query: string }[]

  beforeAll(async () => {
    const bicep = await startBicep(findBicep() ?? '')
    const { snapshots } = await evaluate(bicep, infra, { on: { alerts: 'true' } }).finally(bicep.close)
    const made = snapshots.on?.predictedResources ?? []
    rules = made
      .filter(({ type }) => type === 'Microsoft.Insights/scheduledQueryRules')
      .map(({ properties }) => properties as unknown as AlertRule)
    const [workbook] = made.filter(({ type }) => type === 'Microsoft.Insights/workbooks')
    const { items } = JSON.parse(String(workbook?.properties?.serializedData))
    charts = items.flatMap(({ type, content }: { type: number; content: { query: string } }) =>
      type === 3 ? [content] : [],
    )
  }, 300_000)

  it('use every query, and no other', () => {
    const used = [...rules.flatMap(({ criteria }) => criteria.allOf), ...charts].map(({ query }) => query)
    expect(used.sort()).toEqual(Object.values(queries).sort())
  })

  it('measure and split by columns that the query has', () => {
    for (const { criteria } of rules)
      for (const { query, metricMeasureColumn, dimensions } of criteria.allOf) {
        const used = [
          ...(metricMeasureColumn ? [metricMeasureColumn] : []),
          ...dimensions.map(({ name }) => name),
        ]
        expect(analyze(query).columns).toEqual(expect.arrayContaining(used))
      }
  })

  it('are in docs/operate.md, with their severities and times', () => {
    const inWords = (time: string) => {
      const [, count, unit] = /^PT(\d+)([MH])$/.exec(time) ?? []
      return `${count} ${unit === 'M' ? 'minute' : 'hour'}${count === '1' ? '' : 's'}`
    }
    const [, , ...listed] = tableRows(sections(page, 2).get('Alerts') ?? '')
    expect(listed.map((row) => row.slice(0, 4))).toEqual(
      rules.map(({ displayName, severity, windowSize, evaluationFrequency }) => {
        const name = displayName.replace('Teams Token Service: ', '')
        return [
          `[${name}](../infra/queries/${name}.kql)`,
          String(severity),
          inWords(windowSize),
          inWords(evaluationFrequency),
        ]
      }),
    )
    const charted = tableRows(sections(page, 2).get('Read the log') ?? '').filter(([first]) =>
      first?.startsWith('['),
    )
    expect(charted.map(([first]) => first)).toHaveLength(charts.length)
  })
})
