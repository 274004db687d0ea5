/**
 * Scopes, which in Entra carry their API: `https://auth.msft.communication.azure.com/Teams.ManageCalls`.
 * One request is for one API, beside the scopes of OpenID Connect.
 */

import { entraError } from './errors.ts'

/** An API that tokens can be had for. */
export interface Api {
  /** `aud` of its tokens: its URI, or (version 2 tokens of an own API) its app id. */
  audience: string
  scopes: readonly string[]
  /** 1: `iss` sts.windows.net and `appid`; 2: the v2.0 issuer and `azp`. */
  version: 1 | 2
}

export const acsUri = 'https://auth.msft.communication.azure.com'

export const acsApi: Api = {
  audience: acsUri,
  scopes: ['Teams.ManageCalls', 'Teams.ManageChats'],
  version: 2,
}

const openIdScopes = ['openid', 'profile', 'email', 'offline_access']

export interface GrantedScopes {
  openId: string[]
  api: Api
  apiUri: string
  /** Short names, as in `scp`. */
  names: string[]
  /** The same as they were asked for, `/.default` included. */
  asked: string[]
}

/** Understands a `scope` parameter. Throws as Entra does for a scope or an API that does not exist. */
export function readScopes(scope: string, apis: Readonly<Record<string, Api>>): GrantedScopes {
  const all = [...new Set(scope.split(' ').filter(Boolean))]
  const openId = all.filter((name) => openIdScopes.includes(name))
  const asked = all.filter((name) => !openIdScopes.includes(name))
  const uris = new Set(asked.map((name) => name.slice(0, Math.max(0, name.lastIndexOf('/')))))
  if (uris.size > 1) {
    throw entraError(
      'invalid_request',
      28000,
      'Provided value for the input parameter scope is not valid because it contains more than one resource.',
    )
  }
  const [apiUri] = uris
  if (apiUri === undefined) {
    throw entraError(
      'invalid_scope',
      70011,
      'The provided request must include a scope of an API; the stand-in has no Microsoft Graph.',
    )
  }
  const api = Object.hasOwn(apis, apiUri) ? apis[apiUri] : undefined
  if (!api) {
    throw entraError(
      'invalid_resource',
      500011,
      `The resource principal named ${apiUri} was not found in the tenant.`,
    )
  }
  const names = asked.map((name) => name.slice(apiUri.length + 1))
  const unknown = names.find((name) => name !== '.default' && !api.scopes.includes(name))
  if (unknown !== undefined) {
    throw entraError(
      'invalid_client',
      650053,
      `The application asked for scope '${unknown}' that doesn't exist on the resource '${apiUri}'.`,
    )
  }
  return { openId, api, apiUri, names: names.includes('.default') ? [...api.scopes] : names, asked }
}

/** The `scope` of a token response: the API's scopes in full, never offline_access, as Entra does. */
export function describeScopes({ openId, apiUri, names, asked }: GrantedScopes): string {
  const granted = new Set([...names.map((name) => `${apiUri}/${name}`), ...asked])
  return [...openId.filter((name) => name !== 'offline_access'), ...granted].join(' ')
}
