// The exchange for apps that sign in with their own MSAL: they bring a token for this service's own API, which says who they
// are, and the Teams token, which stays opaque here: ACS judges it. No cookie, no session.
import type { HttpResponseInit } from '@azure/functions'
import * as z from 'zod/mini'
import type { AcsExchange, ExchangeRequest } from '../acs/exchange.ts'
import type { App } from '../app.ts'
import type { VerifyBearer } from '../entra/bearer.ts'
import { type ErrorCode, ServiceError } from '../errors.ts'
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
        'guest_not_allowed',
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
  { verifyBearer, acs }: Service,
  context: RequestContext,
): Promise<HttpResponseInit> {
  if (!verifyBearer) return { status: 404 }
  const { clientId, objectId } = await verifyCaller(verifyBearer, context)
  const form = 'The body must be {"teamsUserAadToken": "<token>"}.'
  const { teamsUserAadToken } = parseInput(body, await readJson(context.request), form)
  const request = { teamsUserAadToken, clientId, userObjectId: objectId }
  const { token, expiresOn } = await exchangeTeamsToken(acs, request, context)
  return jsonAnswer(issuedToken, { token, expiresOn: expiresOn.toISOString(), user: objectId })
}

/** Two tokens came in, so whoever is refused has to know which of them it was. */
function verifyCaller(verify: VerifyBearer, { request, deadline }: RequestContext) {
  return verify(request.headers.get('authorization'), deadline).catch((error: unknown) => {
    throw withDetail(error, { invalid_token: 'It is the bearer token of the Authorization header.' })
  })
}

function exchangeTeamsToken(acs: AcsExchange, request: ExchangeRequest, { deadline }: RequestContext) {
  return acs.exchange(request, deadline).catch((error: unknown) => {
    const isOtherApp = error instanceof ServiceError && error.check === 'appId'
    throw withDetail(error, {
      invalid_token: isOtherApp
        ? 'It is teamsUserAadToken, which was issued to another app than the bearer token.'
        : 'It is teamsUserAadToken, which Azure Communication Services does not accept.',
      account_mismatch: 'teamsUserAadToken and the bearer token are not of the same user.',
    })
  })
}

function withDetail(error: unknown, details: Partial<Record<ErrorCode, string>>): unknown {
  if (!(error instanceof ServiceError)) return error
  const { code, upstream, upstreamCode, check } = error
  const detail = details[code]
  if (detail === undefined) return error
  return new ServiceError(code, {
    cause: error,
    detail,
    upstream,
    upstreamCode,
    ...(check === undefined ? {} : { check }),
  })
}
