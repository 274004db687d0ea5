// The morning rush, simulated: `node bench/fleet.ts` prints what people of all numbers wait for, with this version's admission, with
// 0.1.0 and at best. With `--picture FILE` it draws one of them, with `--day PEOPLE` it prints how renewals spread over the day.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import { dayOf } from './fleet/day.ts'
import { picture } from './fleet/picture.ts'
import { type Outcome, type Rush, simulate } from './fleet/simulation.ts'

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '1000,5000,20000,100000' },
    instances: { type: 'string', default: '3,30' },
    calls: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '30' },
    within: { type: 'string', default: '0' },
    window: { type: 'string', default: 'fixed' },
    seed: { type: 'string', default: '1' },
    picture: { type: 'string' },
    day: { type: 'string' },
  },
})
const numbers = (list: string) => list.split(',').map(Number)
const [calls, windowSeconds, withinSeconds, seed] = [
  values.calls,
  values.seconds,
  values.within,
  values.seed,
].map(Number) as [number, number, number, number]
const window = values.window === 'sliding' ? 'sliding' : 'fixed'
const common = { calls, windowSeconds, withinSeconds, seed, window } satisfies Partial<Rush>

if (values.day) console.log(dayOf(Number(values.day)))
else if (values.picture) await draw(values.picture)
else print()

function print(): void {
  const rows = numbers(values.people).flatMap((people) =>
    numbers(values.instances).flatMap((instances) =>
      versionsFor(people).map((service) =>
        rowOf(simulate({ ...common, people, instances, service }), people, instances, service),
      ),
    ),
  )
  const head = ['people', 'instances', 'version', 'last token', 'least', 'ratio', 'refused by ACS']
  console.log(
    `${calls} exchanges in ${windowSeconds} s (${window} window), people within ${withinSeconds} s, seed ${seed}\n`,
  )
  console.log(markdownTable([[...head, 'requests a person (most)', 'Retry-After 10 · 50 · 90 %'], ...rows]))
}

/** 0.1.0 calls everybody back every half minute, which takes hours to simulate for more. */
function versionsFor(people: number): Rush['service'][] {
  return people <= 10_000 ? ['admission', 'plain'] : ['admission']
}

function rowOf(outcome: Outcome, people: number, instances: number, service: Rush['service']): string[] {
  const { seconds, leastSeconds, refusedShare, requestsPerPerson, mostRequests, retryAfter } = outcome
  return [
    people.toLocaleString('en'),
    String(instances),
    service === 'plain' ? '0.1.0' : 'this',
    `${seconds} s`,
    `${leastSeconds} s`,
    (seconds / Math.max(1, leastSeconds)).toFixed(2),
    `${(refusedShare * 100).toFixed(1)} %`,
    `${requestsPerPerson.toFixed(1)} (${mostRequests})`,
    retryAfter.map((told) => `${told} s`).join(' · '),
  ]
}

async function draw(file: string): Promise<void> {
  const [people = 0] = numbers(values.people)
  const [instances = 0] = numbers(values.instances)
  const [ours, plain] = (['admission', 'plain'] as const).map((service) =>
    simulate({ ...common, people, instances, service }),
  ) as [Outcome, Outcome]
  const title = `${people.toLocaleString('en')} people at once, ${instances} instances, ${calls} exchanges in ${windowSeconds} s`
  const best = Array.from({ length: ours.leastSeconds + 1 }, (_, at) =>
    Math.min(people, calls * (Math.floor(at / windowSeconds) + 1)),
  )
  await writeFile(
    file,
    picture(title, people, [
      { name: 'at best', colour: '#2a9d8f', served: best },
      { name: 'this version', colour: '#3a6ee8', served: ours.served },
      { name: '0.1.0', colour: '#d1495b', served: plain.served },
    ]),
  )
}
