// How the renewals of people who all sign in at nine spread over the day. A model, not a measurement; what is random in it is the
// life of Entra's tokens.
import { markdownTable } from 'markdown-table'

const minute = 60
const windowSeconds = 30
/** ACS's limit for one resource. */
const exchangesPerWindow = 500
/** The page's credential renews so long before a token ends. */
const renewBefore = 10 * minute
const signInWithin = 5 * minute
const hours = 8

/** https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes */
const lives = {
  'Entra’s own: 60 to 90 minutes at random': () => (60 + 30 * Math.random()) * minute,
  'a policy of the tenant: 75 minutes': () => 75 * minute,
}

/** The largest number of exchanges in a window, for each hour of the day. */
function peaksByHour(people: number, lifeSeconds: () => number): number[] {
  const windowsPerHour = 3600 / windowSeconds
  const counts = new Array<number>(hours * windowsPerHour).fill(0)
  for (let person = 0; person < people; person++) {
    for (let at = Math.random() * signInWithin; at < hours * 3600; at += lifeSeconds() - renewBefore) {
      const window = Math.floor(at / windowSeconds)
      counts[window] = (counts[window] ?? 0) + 1
    }
  }
  return Array.from({ length: hours }, (_, hour) =>
    Math.max(...counts.slice(hour * windowsPerHour, (hour + 1) * windowsPerHour)),
  )
}

/** As text for people. */
export function dayOf(people: number): string {
  const head = [
    'life of a token',
    ...Array.from({ length: hours }, (_, hour) => `${9 + hour} h`),
    'ACS resources',
  ]
  const rows = Object.entries(lives).map(([name, life]) => {
    const peaks = peaksByHour(people, life)
    return [name, ...peaks.map(String), String(Math.ceil(Math.max(...peaks.slice(1)) / exchangesPerWindow))]
  })
  return [
    `${people} people sign in between 9:00 and 9:05. Most exchanges in 30 s, hour by hour:\n`,
    markdownTable([head, ...rows]),
    `\nSpread evenly: ${Math.round((people * windowSeconds) / (65 * minute))}.`,
  ].join('\n')
}
