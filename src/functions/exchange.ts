// The exchange for apps that sign in with their own MSAL: they bring a token for this service's own API, which says who they
// are. With it alone the service gets the Teams token on their user's behalf; or they bring that too, which stays opaque here: ACS
// judges it. No cookie, no session.
import type { HttpResponseInit } from '@azure/functions'
import * as z from 'zod/mini'
import type { App } from '../app.ts'
import { type ErrorCode, ServiceError } from '../errors.ts'
import { described, parseInput } from '../http/contract.ts'
import type { RequestContext } from '../http/endpoint.ts'
import { readJson } from '../http/json-body.ts'
import { lazy } from '../resilience/deferred.ts'
import type { Service } from '../service.ts'
import { measured } from '../tokens/measured-exchange.ts'
import { issuedAnswer, issuedToken } from './token.ts'

/** Strict, so that a misspelt name does not ask for an exchange on behalf. */
const body = lazy(() =>
  z.strictObject({
    teamsUserAadToken: described(
      z.optional(z.string().check(z.regex(/^[\x21-\x7e]{1,16384}$/))),
      'Entra access token of the user for https://auth.msft.communication.azure.com. Without it the service gets one on behalf.',
    ),
  }),
)

export function registerExchange(app: App): void {
  app.http('exchange', {
    route: 'exchange',
    methods: ['POST'],
    contract: {
      summary: 'An ACS token for the user of an app that signs in by itself',
      bearer: true,
      body,
      answers: {
        200: {
          description: 'A token that lasts as long as the Teams token that it is got with',
          json: issuedToken,
        },
        404: { description: 'Not set up: there is no API_AUDIENCE' },
      },
      errors: [
        'invalid_request',
        'invalid_token',
        'interaction_required',
        'consent_required',
        'account_not_allowed',
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
  { verifyBearer, acs, onBehalf, clock }: Service,
  context: RequestContext,
): Promise<HttpResponseInit> {
  if (!verifyBearer) return { status: 404 }
  const { request, deadline } = context
  const authorization = request.headers.get('authorization')
  const noBearer =
    authorization === null ? 'There is no bearer token in the Authorization header.' : undefined
  const caller = await aboutBearer(verifyBearer(authorization, deadline), noBearer)
  context.tenantId = caller.tenantId
  const { clientId, tenantId, objectId } = caller
  const form = 'The body must be empty or {"teamsUserAadToken": "<token>"}.'
  const { teamsUserAadToken } = parseInput(body, await readJson(request), form)
  const token = await measured(context.log, 'exchanged', (onCall) =>
    teamsUserAadToken === undefined
      ? aboutBearer(onBehalf.exchange(caller, deadline, onCall))
      : aboutTeamsToken(
          acs.exchange({ teamsUserAadToken, clientId, tenantId, userObjectId: objectId }, deadline, onCall),
        ),
  )
  return issuedAnswer({ ...token, user: objectId }, clock())
}

/** Two tokens may come in, so whoever is refused has to know which of them it was. */
function aboutBearer<T>(
  work: Promise<T>,
  detail = 'It is the bearer token of the Authorization header.',
): Promise<T> {
  return work.catch((error: unknown) => {
    throw withDetail(error, { invalid_token: detail })
  })
}

function aboutTeamsToken<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
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
