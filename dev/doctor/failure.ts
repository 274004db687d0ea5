// Why there was no answer: the SDKs and fetch wrap what happened in several errors, of which only code and name are looked at,
// since their messages may repeat a request.
import { type AzureError, asAzureError } from '../../src/azure/errors.ts'
import { isLoopback } from '../../src/config/forms.ts'
import { ServiceError } from '../../src/errors.ts'
import { bad, type Finding } from './finding.ts'

/** An address that a setting names. */
export interface Target {
  /** Origin. */
  url: string
  setting: string
  /** What it means when no host has its name, with how to mend it. */
  absent?: [text: string, mend: string]
}

/** An error and all that caused it, outermost first. */
export function* causes(error: unknown): Generator<Error> {
  if (!(error instanceof Error)) return
  yield error
  if (error instanceof AggregateError) for (const one of error.errors) yield* causes(one)
  yield* causes(error.cause)
}

const reasons: [RegExp, string][] = [
  [/^ECONNREFUSED$/, 'nothing listens there'],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, 'the connection was torn'],
  [/^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/, 'there is no way to it'],
  [/^(TimeoutError|AbortError|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/, 'no answer in time'],
]
const unknownHost = /^(ENOTFOUND|EAI_AGAIN)$/
const untrusted = /CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/

/** What kept an answer away, with how to mend it; nothing when there was an answer that will not change. */
export function unreachable(error: unknown, { url, setting, absent }: Target): Finding | undefined {
  const { host } = new URL(url)
  const words = [...causes(error)].flatMap(({ name, code }: Error & { code?: unknown }) => [
    name,
    String(code),
  ])
  if (words.some((word) => untrusted.test(word))) {
    return bad(
      `${host}: its certificate is not trusted here`,
      'NODE_EXTRA_CA_CERTS has to name the CA: of the stand-ins .dev/ca.pem, else of the proxy in between',
    )
  }
  const isUnknown = words.some((word) => unknownHost.test(word))
  if (isUnknown && absent) return bad(`${host}: no host has this name: ${absent[0]}`, absent[1])
  const reason = isUnknown
    ? 'no host has this name'
    : reasons.find(([pattern]) => words.some((word) => pattern.test(word)))?.[1]
  if (reason) {
    const mend = isLoopback(url)
      ? `${setting} names this machine: start the stand-ins with npm run stand-ins, or name the real one`
      : `check ${setting}, and that this machine may reach it: curl -sv ${url}`
    return bad(`${host}: ${reason}`, mend)
  }
  const status = azureAnswer(error)?.statusCode
  // Whatever is there answered, and will do so again.
  if (status !== undefined && status < 500 && status !== 429 && status !== 408) return undefined
  if (status === undefined && words.includes('SyntaxError')) return somethingElse(host, setting)
  if (status || (error instanceof ServiceError && /^(throttled|upstream_unavailable)$/.test(error.code))) {
    return bad(
      `${host}: it is not able to answer at the moment${status ? ` (${status})` : ''}`,
      'try again shortly; https://azure.status.microsoft says whether others wait too',
    )
  }
  return undefined
}

/** The answer of an Azure service behind an error. */
export function azureAnswer(error: unknown): AzureError | undefined {
  return [...causes(error)].map(asAzureError).find((answer) => answer?.statusCode !== undefined)
}

/** @param status Of the answer, where that is known. */
export function somethingElse(host: string, setting: string, status?: number): Finding {
  return bad(
    `${host} answers${status ? ` ${status}` : ''}, and not as it should: something else is there`,
    `check ${setting}, and what is between: a proxy, or the sign-in page of a network`,
  )
}

/** Of it only what is one word: a message may say anything. */
export function unforeseen(error: unknown): Finding {
  const cause: { name?: unknown; code?: unknown; statusCode?: unknown } = [...causes(error)].at(-1) ?? {}
  const words = [cause.name, cause.code, cause.statusCode].filter((word) => /^\w+$/.test(String(word ?? '')))
  return bad(
    `an unforeseen failure (${words.join(' ')})`,
    'run the doctor again; if it stays, open an issue with this line',
  )
}
