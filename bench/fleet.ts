// How the renewals of people who all sign in at nine spread over the day: `node bench/fleet.ts [people]`. A model, not a
// measurement; what is random in it is the life of Entra's tokens.
import { formatColumns } from './columns.ts'

const minute = 60
const windowSeconds = 30
/** ACS's limit for one resource. */
const exchangesPerWindow = 500
/** The page's credential renews so long before a token ends. */
const renewBefore = 10 * minute
const signInWithin = 5 * minute
const hours = 8

/** The largest number of exchanges in a window, for each hour of the day. */
export function peaksByHour(people: number, lifeSeconds: () => number, random = Math.random): number[] {
  const counts = new Map<number, number>()
  for (let person = 0; person < people; person++) {
    let at = random() * signInWithin
    while (at < hours * 3600) {
      const window = Math.floor(at / windowSeconds)
      counts.set(window, (counts.get(window) ?? 0) + 1)
      at += lifeSeconds() - renewBefore
    }
  }
  return Array.from({ length: hours }, (_, hour) => {
    const inHour = [...counts].filter(([window]) => Math.floor((window * windowSeconds) / 3600) === hour)
    return Math.max(0, ...inHour.map(([, count]) => count))
  })
}

/** https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes */
export const lives = {
  'Entra’s own: 60 to 90 minutes at random': () => (60 + 30 * Math.random()) * minute,
  'a policy of the tenant: 75 minutes': () => 75 * minute,
}

if (import.meta.main) {
  const people = Number(process.argv[2] ?? 100_000)
  const rows = Object.entries(lives).map(([name, life]) => {
    const peaks = peaksByHour(people, life)
    const most = Math.max(...peaks.slice(1))
    return [name, ...peaks.map(String), String(Math.ceil(most / exchangesPerWindow))]
  })
  const even = Math.round((people * windowSeconds) / (65 * minute))
  console.log(`${people} people sign in between 9:00 and 9:05. Most exchanges in 30 s, hour by hour:\n`)
  const head = [
    'life of a token',
    ...Array.from({ length: hours }, (_, hour) => `${9 + hour} h`),
    'ACS resources',
  ]
  console.log(formatColumns(head, rows))
  console.log(`\nSpread evenly: ${even}.`)
}
