// Whether the service's own API can be what a token is for: version 2 tokens have a client id as their audience.
import type { ApiConfig } from '../../src/config/settings.ts'
import { bad, type Finding, good, unchecked } from './finding.ts'

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function checkOwnApi(api: ApiConfig | undefined): Finding {
  if (!api) return unchecked('no API_AUDIENCE: /api/exchange is 404')
  if (!guid.test(api.audience)) {
    return bad(
      'API_AUDIENCE is not a client id, which the audience of a version 2 token always is',
      'portal: App registrations > the API > Overview: Application (client) ID; and in Manifest "requestedAccessTokenVersion": 2',
    )
  }
  return good(`${api.audience}, scope ${api.scope}, for ${api.clientIds.size} app(s)`)
}
