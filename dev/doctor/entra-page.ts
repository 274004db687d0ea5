// Whether Entra would send people back to an address. Asked to sign nobody in (`prompt=none`), it redirects to a redirect URI that is
// registered, with an error, and shows a page of its own for one that is not.
import { entraErrorNumbers } from './entra-numbers.ts'
import { type AppRegistration, knownRefusalOf } from './entra-refusals.ts'
import { bad, type Finding, good, unchecked } from './finding.ts'

export interface RedirectUriAnswer {
  uri: string
  isRegistered: boolean
  /** Of what Entra says. */
  numbers: number[]
}

/** @param authorize Entra's page as a sign-in begins there. */
export async function askAboutRedirectUri(
  authorize: string | URL,
  uri: string,
  signal: AbortSignal,
): Promise<RedirectUriAnswer> {
  const page = new URL(authorize)
  page.searchParams.set('redirect_uri', uri)
  page.searchParams.set('prompt', 'none')
  const response = await fetch(page, { redirect: 'manual', signal })
  const body = await response.text()
  const location = response.headers.get('location')
  const isRegistered = leadsTo(location, uri)
  const said = isRegistered ? new URL(location ?? '').searchParams.get('error_description') : body
  return { uri, isRegistered, numbers: entraErrorNumbers(said ?? '') }
}

/** The type of a redirect URI, which cannot be seen from outside, and how `az` calls the list of its kind. */
export interface RedirectUriType {
  type: string
  option: string
}

/** Type Web asks for a credential (AADSTS7000218 without one); type Single-page application fails in any case. */
export const confidential: RedirectUriType = { type: 'Web', option: '--web-redirect-uris' }
export const publicClient: RedirectUriType = {
  type: '"Mobile and desktop applications"',
  option: '--public-client-redirect-uris',
}

/** @param toldElsewhere Numbers that another check says already. */
export function judgeRedirectUris(
  answers: readonly RedirectUriAnswer[],
  app: AppRegistration,
  { type, option }: RedirectUriType,
  toldElsewhere: ReadonlySet<number> = new Set(),
): Finding {
  const uris = answers.map(({ uri }) => uri)
  const unknown = answers.filter(({ numbers }) => numbers.includes(50011)).map(({ uri }) => uri)
  if (unknown.length > 0) {
    return bad(
      `not registered: ${unknown.join(', ')} (AADSTS50011)`,
      `az ad app update --id ${app.clientId} ${option} ${uris.join(' ')} (replaces the list: name also what is to stay)`,
    )
  }
  const numbers = [...new Set(answers.flatMap((answer) => answer.numbers))]
  const refused = knownRefusalOf(
    numbers.filter((number) => !toldElsewhere.has(number)),
    app,
  )
  if (refused) return refused
  if (answers.every(({ isRegistered }) => isRegistered)) {
    return good(`registered: ${uris.join(', ')} (the type has to be ${type}, which cannot be seen from here)`)
  }
  return unchecked(
    `cannot be told from here${numbers.map((number) => ` (AADSTS${number})`).join('')}: ${uris.join(', ')} have to be there with type ${type}: portal: App registrations > ${app.clientId} > Authentication`,
  )
}

function leadsTo(location: string | null, uri: string): boolean {
  if (!location || !URL.canParse(location)) return false
  const { origin, pathname } = new URL(location)
  return origin + pathname === uri
}
