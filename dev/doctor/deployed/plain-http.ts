// Whether http leads to https: somebody who types the name alone comes by http, and the cookies of the service are Secure.
import { isLoopback } from '../../../src/config/forms.ts'
import { bad, type Finding, good, unchecked } from '../finding.ts'
import { createBrowser } from './browser.ts'

/** @param plain Where http is served, if it is. */
export async function checkPlainHttp(origin: string, plain = plainOf(origin)): Promise<Finding> {
  if (origin.startsWith('http:')) {
    return isLoopback(origin)
      ? unchecked('this machine: browsers keep Secure cookies for localhost (Safari does not)')
      : bad(
          'http: browsers keep no Secure cookies there, so nobody can sign in',
          'https, also on a network of your own: docs/front-ends.md',
        )
  }
  const { host, port } = new URL(origin)
  if (plain === undefined) return unchecked(`https on port ${port}: where http would be is not known`)
  const answer = await createBrowser(plain)
    .navigate('/api/health/live')
    .catch(() => undefined)
  if (!answer) return good('http is not served')
  const location = answer.headers.get('location')
  if (answer.status >= 300 && answer.status < 400 && location?.startsWith(`https://${host}`))
    return good('http leads to https')
  return bad(
    `http is answered with ${answer.status}${location ? ', and leads elsewhere' : ''}, not by a redirect to https`,
    'az functionapp update --name <app> --resource-group <group> --set httpsOnly=true; or the same rule in the front end',
  )
}

function plainOf(origin: string): string | undefined {
  const { hostname, port } = new URL(origin)
  return port === '' ? `http://${hostname}` : undefined
}
