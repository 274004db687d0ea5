/**
 * A local Azure Communication Services resource, of which it knows one operation: the exchange of a Teams
 * user's Entra token. It checks everything that the real one does, so that a mistake shows here.
 */

import { randomBytes } from 'node:crypto'
import type { JSONWebKeySet } from 'jose'
import type { Certificate } from '../certificate.ts'
import { type Person, people } from '../entra/directory.ts'
import { loadSigningKey } from '../entra/signing-keys.ts'
import { Faults, listen } from '../faults.ts'
import { authenticationScheme, verifyBearer, verifySignature } from './authentication.ts'
import { AcsError, type AcsErrorFields, acsErrorResponse, acsErrors } from './errors.ts'
import {
  type AcsTokenContent,
  type ExchangeContext,
  type ExchangeRequest,
  exchange,
  readExchangeRequest,
  verifyAcsToken,
} from './exchange.ts'

export interface AcsOptions {
  /** The Entra stand-in, or whatever else knows its keys. */
  entra: { signingKeys(): JSONWebKeySet }
  /** Entra tokens must be issued by a tenant there. */
  entraAuthorityHost: string
  /** Who may have a Teams license. Default: those of the Entra stand-in's directory.ts. */
  people?: readonly Person[]
  /** Base64; default: a random one. */
  accessKey?: string
  /** HTTPS when given. The SDK speaks HTTP only when told to, and bearer tokens are not accepted over it. */
  certificate?: Certificate
  /** Default 0: a free one. */
  port?: number
  /** PKCS#8 PEM of the key that signs ACS tokens, created if missing. */
  keyFile?: string
  now?: () => Date
}

/** What reached the stand-in. `status` is undefined until it answered, and stays so when it never did. */
export interface AcsRequest {
  method: string
  path: string
  userAgent: string
  auth: 'hmac' | 'bearer' | 'none'
  appId?: string
  userId?: string
  status?: number
  at: Date
}

export interface AcsFault {
  acsError?: AcsErrorFields
}

export interface AcsStandIn {
  /** With a slash at the end, as the portal shows it. */
  endpoint: string
  connectionString: string
  accessKey: string
  faults: Faults<AcsRequest, AcsFault>
  requests: AcsRequest[]
  /** Refuses with 429 what is more than so many exchanges in a window, which begins with the first call after the last one. */
  limit(calls: number, windowSeconds: number): void
  /** Reads a token that this stand-in issued; throws on any other, and on an expired one. */
  verify(token: string): Promise<AcsTokenContent>
  stop(): Promise<void>
}

export async function startAcs(options: AcsOptions): Promise<AcsStandIn> {
  const { accessKey = randomBytes(64).toString('base64'), now = () => new Date() } = options
  const context: ExchangeContext = {
    entraAuthorityHost: options.entraAuthorityHost,
    people: options.people ?? people,
    entraKeys: () => options.entra.signingKeys(),
    key: await loadSigningKey(options.keyFile),
    now,
  }
  const requests: AcsRequest[] = []
  const faults = new Faults<AcsRequest, AcsFault>(
    ({ acsError, status, headers }) =>
      acsError &&
      acsErrorResponse({
        ...acsError,
        ...(status && { status }),
        headers: { ...acsError.headers, ...headers },
      }),
  )

  let isOverLimit = (): number | undefined => undefined
  const { port, stop } = await listen(
    async (request) => {
      const body = await request.text()
      const entry = logEntry(request, body, now())
      requests.push(entry)
      const outcome = await faults.answer(entry, async () => {
        const retryAfterSeconds = isOverLimit()
        if (retryAfterSeconds === undefined) return answer(request, body, accessKey, context)
        return acsErrorResponse({
          ...acsErrors.throttled,
          headers: { 'retry-after': `${retryAfterSeconds}` },
        })
      })
      if (outcome instanceof Response) entry.status = outcome.status
      return outcome
    },
    { port: options.port, certificate: options.certificate },
  )
  const endpoint = `${options.certificate ? 'https' : 'http'}://localhost:${port}/`
  return {
    endpoint,
    connectionString: `endpoint=${endpoint};accesskey=${accessKey}`,
    accessKey,
    faults,
    requests,
    limit(calls, windowSeconds) {
      isOverLimit = fixedWindow(calls, windowSeconds, now)
    },
    verify: (token) => verifyAcsToken(token, context),
    stop,
  }
}

/** Seconds until the window ends, for a call that is one too many in it. */
function fixedWindow(calls: number, windowSeconds: number, now: () => Date): () => number | undefined {
  let ends = 0
  let used = 0
  return () => {
    const at = now().getTime()
    if (at >= ends) {
      ends = at + windowSeconds * 1_000
      used = 0
    }
    return ++used > calls ? Math.ceil((ends - at) / 1_000) : undefined
  }
}

async function answer(
  request: Request,
  body: string,
  accessKey: string,
  context: ExchangeContext,
): Promise<Response> {
  const { pathname, protocol, searchParams } = new URL(request.url)
  if (pathname === '/') return new Response('ACS stand-in (local): exchanges Entra tokens of Teams users\n')
  try {
    const scheme = authenticationScheme(request)
    if (scheme === 'hmac') verifySignature(request, body, accessKey, context.now())
    else if (scheme === 'bearer' && protocol === 'https:') {
      await verifyBearer(request, context.entraKeys(), context.now())
    } else throw new AcsError(acsErrors.denied)

    if (request.method !== 'POST' || pathname !== '/teamsUser/:exchangeAccessToken') {
      throw new AcsError({ status: 404, code: 'NotFound', message: 'There is no such operation.' })
    }
    const version = searchParams.get('api-version')
    if (version === null || !apiVersions.includes(version)) {
      throw new AcsError({
        status: 400,
        code: 'UnsupportedApiVersionValue',
        message: `The HTTP resource does not support the API version '${version}'.`,
      })
    }
    return Response.json(await exchange(readExchangeRequest(body), context), {
      headers: { 'api-supported-versions': apiVersions.join(', ') },
    })
  } catch (error) {
    if (error instanceof AcsError) return acsErrorResponse(error.fields)
    throw error
  }
}

const apiVersions = ['2022-06-01', '2022-10-01', '2023-10-01']

function logEntry(request: Request, body: string, at: Date): AcsRequest {
  return {
    method: request.method,
    path: new URL(request.url).pathname,
    userAgent: request.headers.get('user-agent') ?? '',
    auth: authenticationScheme(request),
    ...named(body),
    at,
  }
}

function named(body: string): Partial<Pick<ExchangeRequest, 'appId' | 'userId'>> {
  try {
    const { appId, userId } = readExchangeRequest(body)
    return { appId, userId }
  } catch {
    return {}
  }
}
