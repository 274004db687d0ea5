// The exchange for apps that sign in with their own MSAL: they bring a token for this service's own API, which says who they
// are, and the Teams token, which stays opaque here: ACS judges it. No cookie, no session.
import type { HttpResponseInit } from '@azure/functions'
import * as z from 'zod/mini'
import type { App } from '../app.ts'
import { described, jsonAnswer, parseInput } from '../http/contract.ts'
import type { RequestContext } from '../http/endpoint.ts'
import { readJson } from '../http/json-body.ts'
import type { Service } from '../service.ts'
import { issuedToken } from './token.ts'

const body = z.object({
  teamsUserAadToken: described(
    z.string().check(z.regex(/^[\x21-\x7e]{1,16384}$/)),
    'Entra access token of the user for https://auth.msft.communication.azure.com.',
  ),
})

export function registerExchange(app: App): void {
  app.http('exchange', {
    route: 'exchange',
    methods: ['POST'],
    contract: {
      summary: 'An ACS token for the user of an app that signs in by itself',
      bearer: true,
      body,
      answers: {
        200: { description: 'A token that lasts as long as the Teams token', json: issuedToken },
        404: { description: 'Not set up: there is no API_AUDIENCE' },
      },
      errors: [
        'invalid_request',
        'invalid_token',
        'tenant_not_allowed',
        'teams_license_required',
        'account_mismatch',
        'throttled',
        'upstream_unavailable',
      ],
    },
    handler: async (context) => exchangeToken(await app.service(), context),
  })
}

async function exchangeToken(
  service: Service,
  { request, deadline }: RequestContext,
): Promise<HttpResponseInit> {
  if (!service.verifyBearer) return { status: 404 }
  const caller = await service.verifyBearer(request.headers.get('authorization'), deadline)
  const form = 'The body must be {"teamsUserAadToken": "<token>"}.'
  const { teamsUserAadToken } = parseInput(body, await readJson(request), form)
  const { clientId, objectId } = caller
  const { token, expiresOn } = await service.acs.exchange(
    { teamsUserAadToken, clientId, userObjectId: objectId },
    deadline,
  )
  return jsonAnswer(issuedToken, { token, expiresOn: expiresOn.toISOString(), user: objectId })
}
