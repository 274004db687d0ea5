// Whether Entra would send people back here. Asked to sign nobody in (`prompt=none`), it redirects to a redirect URI that is
// registered, with an error, and shows a page of its own for one that is not.
import type { EntraConfig } from '../../src/config/settings.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'
import type { Service } from '../../src/service.ts'
import { entraErrorNumbers } from './entra-numbers.ts'
import { knownRefusalOf } from './entra-refusals.ts'
import { unreachable } from './failure.ts'
import { bad, type Finding, good, unchecked } from './finding.ts'

/** Where people come back to after a sign-in and after a sign-out. */
const paths = ['/api/redirect', '/api/signed-out']

/** The check of the client credential says so already. */
const toldElsewhere = new Set([700016, 70001, 90002])

export async function checkRedirectUris(service: Service): Promise<Finding> {
  const { config, entraSignIn, endpoints } = service
  const { entra, web } = config
  const uris = paths.map((path) => web.publicUrl + path)
  const { type, option } = registrationType(entra)

  async function ask(uri: string) {
    const deadline = startDeadline()
    const page = new URL((await entraSignIn.start({}, deadline)).url)
    page.searchParams.set('redirect_uri', uri)
    page.searchParams.set('prompt', 'none')
    const response = await fetch(page, { redirect: 'manual', signal: deadline.signal() })
    const body = await response.text()
    const location = response.headers.get('location')
    const isRegistered = leadsTo(location, uri)
    const said = isRegistered ? new URL(location ?? '').searchParams.get('error_description') : body
    return { uri, isRegistered, numbers: entraErrorNumbers(said ?? '') }
  }

  try {
    const answers = await Promise.all(uris.map(ask))
    const unknown = answers.filter(({ numbers }) => numbers.includes(50011)).map(({ uri }) => uri)
    if (unknown.length > 0) {
      return bad(
        `not registered: ${unknown.join(', ')} (AADSTS50011)`,
        `az ad app update --id ${entra.clientId} ${option} ${uris.join(' ')} (replaces the list: name also what is to stay)`,
      )
    }
    const numbers = [...new Set(answers.flatMap((answer) => answer.numbers))]
    const issuer = endpoints.issuer(entra.tenantId)
    const refused = knownRefusalOf(
      numbers.filter((number) => !toldElsewhere.has(number)),
      { clientId: entra.clientId, tenantId: entra.tenantId, issuer, principalId: undefined },
    )
    if (refused) return refused
    if (answers.every(({ isRegistered }) => isRegistered)) {
      return good(
        `registered: ${uris.join(', ')} (the type has to be ${type}, which cannot be seen from here)`,
      )
    }
    return unchecked(
      `cannot be told from here${numbers.map((number) => ` (AADSTS${number})`).join('')}: ${uris.join(', ')} have to be there with type ${type}: portal: App registrations > ${entra.clientId} > Authentication`,
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
