// One way to log: an event name and fields of a fixed list. No message or body of an error is ever written, since those of
// the SDKs can hold tokens (`err.request.body` of the ACS client is the Entra token).
import type { InvocationContext } from '@azure/functions'
import { ServiceError, type Upstream } from './errors.ts'

export interface LogFields {
  code?: string
  status?: number
  /** Who failed or refused us, and their own code for it; taken from `error` where that knows. */
  upstream?: Upstream | undefined
  upstreamCode?: string | number | undefined
  /** What is wrong with which settings, in fixed words. */
  settings?: readonly string[]
  deleted?: number
  spared?: number
  finished?: boolean
  /** How long it took, and how many calls to ACS went out for it. */
  ms?: number
  acsCalls?: number
  error?: unknown
}

export type LogLevel = 'info' | 'warn' | 'error'
export type Log = (level: LogLevel, event: string, fields?: LogFields) => void

/** Logs as one JSON line through the invocation, so that the line is found under the invocation's id. */
export function invocationLog(context: InvocationContext): Log {
  return (level, event, fields) => {
    const line = logLine(event, fields, context.invocationId)
    if (level === 'info') context.info(line)
    else if (level === 'warn') context.warn(line)
    else context.error(line)
  }
}

/**
 * For what belongs to no invocation. It goes to the error output, whose lines the host logs; what is logged through an invocation that
 * has ended, or through none, the host drops.
 */
export const processLog: Log = (_level, event, fields) =>
  void process.stderr.write(`${logLine(event, fields)}\n`)

function logLine(event: string, { error, ...fields }: LogFields = {}, traceId?: string): string {
  return JSON.stringify({
    event,
    ...(traceId === undefined ? {} : { traceId }),
    ...fields,
    ...upstreamFields(error),
    ...(error === undefined ? {} : { error: describeError(error) }),
  })
}

/** Each line about a failure says who failed, whatever the event is. */
function upstreamFields(error: unknown): LogFields {
  if (!(error instanceof ServiceError)) return {}
  const { upstream, upstreamCode } = error
  return { ...(upstream ? { upstream } : {}), ...codeField('upstreamCode', upstreamCode) }
}

/** The parts of an error that hold no secret: class, codes, status, its causes, and for an unforeseen one where it was thrown. */
export function describeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { name: typeof error }
  const { code, check, errorCode, subError, statusCode, errorNo } = error as Error & Record<string, unknown>
  const known = error instanceof ServiceError
  return {
    name: error.name,
    ...codeField('code', code),
    ...codeField('check', check),
    ...codeField('errorCode', errorCode),
    ...codeField('subError', subError),
    ...codeField('aadsts', errorNo),
    ...codeField('statusCode', statusCode),
    ...(known ? {} : { at: stackFrames(error) }),
    ...(error.cause === undefined || depth > 3 ? {} : { cause: describeError(error.cause, depth + 1) }),
  }
}

/** Written only if it looks like a code: an SDK may put a message with a token in the same property. */
function codeField(name: string, value: unknown): Record<string, unknown> {
  const fits = typeof value === 'number' || (typeof value === 'string' && /^[\w.-]{1,64}$/.test(value))
  return fits ? { [name]: value } : {}
}

function stackFrames(error: Error): string[] {
  const lines = (error.stack ?? '').split('\n').map((line) => line.trim())
  return lines.filter((line) => /^at .*:\d+:\d+\)?$/.test(line)).slice(0, 5)
}
