// Whether Entra would send people back here. Asked to sign nobody in (`prompt=none`), it redirects to a redirect URI that is
// registered, with an error, and shows a page of its own for one that is not.
import type { EntraConfig } from '../../src/config/settings.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'
import type { Service } from '../../src/service.ts'
import { entraErrorNumber } from './entra-refusals.ts'
import { unreachable } from './failure.ts'
import { bad, type Finding, good, unchecked } from './finding.ts'

/** Where people come back to after a sign-in and after a sign-out. */
const paths = ['/api/redirect', '/api/signed-out']

export async function checkRedirectUris({ config: { entra, web }, entraSignIn }: Service): Promise<Finding> {
  const uris = paths.map((path) => web.publicUrl + path)
  const { type, option } = registrationType(entra)

  async function ask(uri: string) {
    const deadline = startDeadline()
    const page = new URL((await entraSignIn.start({}, deadline)).url)
    page.searchParams.set('redirect_uri', uri)
    page.searchParams.set('prompt', 'none')
    const response = await fetch(page, { redirect: 'manual', signal: deadline.signal() })
    const body = await response.text()
    const isRegistered = leadsTo(response.headers.get('location'), uri)
    return { uri, isRegistered, number: isRegistered ? undefined : entraErrorNumber(body) }
  }

  try {
    const answers = await Promise.all(uris.map(ask))
    const unknown = answers.filter(({ number }) => number === 50011).map(({ uri }) => uri)
    if (unknown.length > 0) {
      return bad(
        `not registered: ${unknown.join(', ')} (AADSTS50011)`,
        `az ad app update --id ${entra.clientId} ${option} ${uris.join(' ')} (replaces the list: name also what is to stay)`,
      )
    }
    if (answers.every(({ isRegistered }) => isRegistered)) {
      return good(
        `registered: ${uris.join(', ')} (the type has to be ${type}, which cannot be seen from here)`,
      )
    }
    const numbers = new Set(answers.flatMap(({ number }) => (number ? [` (AADSTS${number})`] : [])))
    return unchecked(
      `cannot be told from here${[...numbers].join('')}: ${uris.join(', ')} have to be there with type ${type}: portal: App registrations > ${entra.clientId} > Authentication`,
    )
  } catch (error) {
    const finding = unreachable(error, { url: entra.authorityHost, setting: 'ENTRA_AUTHORITY_HOST' })
    if (!finding) throw error
    return finding
  }
}

function leadsTo(location: string | null, uri: string): boolean {
  if (!location || !URL.canParse(location)) return false
  const { origin, pathname } = new URL(location)
  return origin + pathname === uri
}

/** Type Web asks for a credential (AADSTS7000218 without one); type Single-page application fails in any case. */
function registrationType({ credential }: EntraConfig): { type: string; option: string } {
  return credential.kind === 'none'
    ? { type: '"Mobile and desktop applications"', option: '--public-client-redirect-uris' }
    : { type: 'Web', option: '--web-redirect-uris' }
}
