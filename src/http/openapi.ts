// The OpenAPI 3.1 document of all routes, made from their contracts.
import * as z from 'zod/mini'
import { type ErrorCode, errorKinds } from '../errors.ts'
import { type Contract, described } from './contract.ts'
import { sessionCookieName } from './cookies.ts'

export interface DescribedRoute {
  name: string
  route: string
  methods: readonly string[]
  ownOriginOnly?: boolean
  forPeople?: boolean
  functionKey?: boolean
  contract: Contract
}

export const problem = described(
  z.object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(errorKinds) as [ErrorCode, ...ErrorCode[]]),
    traceId: described(z.string(), 'Finds the request in the log.'),
    detail: z.optional(z.string()),
    reason: described(
      z.optional(z.enum(['no_cookie', 'ended'])),
      'With sign_in_required: the request had no session cookie, or its session is over.',
    ),
    loginUrl: described(
      z.optional(z.url()),
      'Where signing in may settle it; with what this sign-in has to ask for.',
    ),
    adminConsentUrl: described(
      z.optional(z.url()),
      'With consent_required: where an administrator consents for everyone.',
    ),
    claims: described(
      z.optional(z.string()),
      'With interaction_required, to an app that signs in by itself: the claims to ask Entra for, as JSON.',
    ),
  }),
  'RFC 9457 problem details; branch on `code`.',
)

const everywhere: readonly ErrorCode[] = ['misconfigured', 'internal_error']
const problemContent = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
const pageContent = { 'text/html': { schema: { type: 'string' } } }

export function describeApi(routes: readonly DescribedRoute[], publicUrl: string | undefined): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Teams Token Service',
      version: '1',
      description:
        'Signs Microsoft Teams users in and gives their pages Azure Communication Services tokens.',
    },
    ...(publicUrl ? { servers: [{ url: publicUrl }] } : {}),
    paths: Object.fromEntries(routes.map((route) => [`/api/${route.route}`, describePath(route)])),
    components: {
      schemas: { Problem: jsonSchema(problem) },
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: sessionCookieName },
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        functionKey: { type: 'apiKey', in: 'header', name: 'x-functions-key' },
      },
    },
  }
}

function describePath(route: DescribedRoute): object {
  const methods = route.methods.map((method) => method.toLowerCase()).filter((method) => method !== 'options')
  return Object.fromEntries(methods.map((method) => [method, describeOperation(route, method)]))
}

function describeOperation(
  { name, ownOriginOnly, forPeople, functionKey, contract }: DescribedRoute,
  method: string,
): object {
  const { summary, body, session, bearer } = contract
  const parameters = [
    ...describeParameters(contract.path?.(), 'path'),
    ...describeParameters(contract.query?.(), 'query'),
    ...(ownOriginOnly ? [requestedWith] : []),
  ]
  return {
    operationId: method === 'head' ? `head-${name}` : name,
    summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: requestBody(body()) } : {}),
    ...(session ? { security: [{ session: [] }] } : {}),
    ...(bearer ? { security: [{ bearer: [] }] } : {}),
    ...(functionKey ? { security: [{ functionKey: [] }] } : {}),
    responses: merged(answers(contract, method), errors(contract, forPeople === true)),
  }
}

const requestedWith = {
  name: 'X-Requested-With',
  in: 'header',
  required: true,
  description: 'Any value. A page of another site cannot send it.',
  schema: { type: 'string', minLength: 1 },
}

function describeParameters(parameters: z.ZodMiniObject | undefined, where: 'path' | 'query'): object[] {
  return Object.entries(parameters?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: where,
    required: !z.safeParse(schema, undefined).success,
    schema: jsonSchema(schema),
  }))
}

function requestBody(body: z.ZodMiniType): object {
  const required = !body.safeParse({}).success
  return { required, content: { 'application/json': { schema: jsonSchema(body) } } }
}

interface Response {
  description: string
  headers?: Record<string, object>
  content?: Record<string, object>
}

type Responses = Record<string, Response>

function answers({ answers }: Contract, method: string): Responses {
  return Object.fromEntries(
    Object.entries(answers).map(([status, { description, json, page, location }]) => {
      const content = {
        ...(json ? { 'application/json': { schema: jsonSchema(json()) } } : {}),
        ...(page ? pageContent : {}),
      }
      const headers = location
        ? { headers: { Location: { required: true, schema: { type: 'string' } } } }
        : {}
      const hasContent = Object.keys(content).length > 0 && method !== 'head'
      return [status, { description, ...headers, ...(hasContent ? { content } : {}) }]
    }),
  )
}

/** One response for each status, which names the codes that it may carry. */
function errors({ errors }: Contract, forPeople: boolean): Responses {
  const byStatus = Map.groupBy([...errors, ...everywhere], (code) => errorKinds[code].status)
  const retryAfter = { 'Retry-After': { required: true, schema: { type: 'integer' } } }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\`: ${errorKinds[code].text}`).join(' '),
        ...(status === 503 ? { headers: retryAfter } : {}),
        content: { ...problemContent, ...(forPeople ? pageContent : {}) },
      },
    ]),
  )
}

/** A status may stand for an answer and for an error alike; the content type tells them apart. */
function merged(answers: Responses, errors: Responses): Responses {
  const both = { ...answers }
  for (const [status, error] of Object.entries(errors)) {
    const answer = both[status]
    both[status] = answer
      ? {
          description: `${answer.description}. ${error.description}`,
          headers: { ...answer.headers, ...error.headers },
          content: { ...answer.content, ...error.content },
        }
      : error
  }
  return both
}

/** JSON Schema 2020-12, which is what OpenAPI 3.1 speaks; of what is sent, not of what it is turned into. */
function jsonSchema(schema: z.core.$ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' })
  return rest
}
