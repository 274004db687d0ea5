// What a route promises, next to its handler: the zod schemas that check it, from which the OpenAPI document is made too. Each is made
// when it is first used: making those of all routes would be a tenth of a cold start, whose first answer needs one or none.
import type { HttpResponseInit } from '@azure/functions'
import * as z from 'zod/mini'
import { type ErrorCode, ServiceError } from '../errors.ts'

export interface Contract {
  summary: string
  /** Parameters of the route. */
  path?: () => z.ZodMiniObject
  query?: () => z.ZodMiniObject
  /** A JSON body; whether it may be left out says the schema (`{}` must pass). */
  body?: () => z.ZodMiniType
  answers: Record<number, Answer>
  /** Beside `misconfigured` and `internal_error`, which every route may answer. */
  errors: readonly ErrorCode[]
  /** Whether it is about the session of the cookie. */
  session?: boolean
  /** Whether it needs a token for this service's own API. */
  bearer?: boolean
}

export interface Answer {
  description: string
  /** Of a JSON answer. */
  json?: () => z.ZodMiniType
  /** An HTML page. */
  page?: boolean
  /** A redirect. */
  location?: boolean
}

/** What came in, as the schema has it; else `invalid_request` with `detail`, which is fixed words. */
export function parseInput<Schema extends z.ZodMiniType>(
  schema: () => Schema,
  input: unknown,
  detail: string,
): z.output<Schema> {
  const parsed = schema().safeParse(input)
  if (!parsed.success) throw new ServiceError('invalid_request', { detail })
  return parsed.data
}

/** Answers 200 with what the schema knows of `value`, and nothing else of it. */
export function jsonAnswer<Schema extends z.ZodMiniType>(
  schema: () => Schema,
  value: z.input<Schema>,
): HttpResponseInit {
  return { status: 200, jsonBody: schema().parse(value) }
}

/** A schema with the sentence that the OpenAPI document says of it. */
export function described<Schema extends z.ZodMiniType>(schema: Schema, description: string): Schema {
  return schema.check(z.describe(description))
}
