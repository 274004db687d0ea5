// Whether the registration has the redirect URIs that these settings ask for.
import { startDeadline } from '../../src/resilience/deadline.ts'
import type { Service } from '../../src/service.ts'
import { askAboutRedirectUri, confidential, judgeRedirectUris, publicClient } from './entra-page.ts'
import { unreachable } from './failure.ts'
import type { Finding } from './finding.ts'

/** Where people come back to after a sign-in and after a sign-out. */
export const redirectPaths = ['/api/redirect', '/api/signed-out']

/** The check of the client credential says so already. */
const toldElsewhere = new Set([700016, 70001, 90002])

export async function checkRedirectUris(service: Service): Promise<Finding> {
  const { config, entraSignIn, endpoints } = service
  const { entra, web } = config

  async function ask(path: string) {
    const deadline = startDeadline()
    const { url } = await entraSignIn.start({}, deadline)
    return askAboutRedirectUri(url, web.publicUrl + path, deadline.signal())
  }

  try {
    const answers = await Promise.all(redirectPaths.map(ask))
    const { clientId, tenantId, credential } = entra
    const app = { clientId, tenantId, issuer: endpoints.issuer(tenantId), principalId: undefined }
    return judgeRedirectUris(
      answers,
      app,
      credential.kind === 'none' ? publicClient : confidential,
      toldElsewhere,
    )
  } catch (error) {
    const finding = unreachable(error, { url: entra.authorityHost, setting: 'ENTRA_AUTHORITY_HOST' })
    if (!finding) throw error
    return finding
  }
}
