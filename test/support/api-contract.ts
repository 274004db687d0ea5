// Holds every answer of the app that a test sees to the OpenAPI document, made from the source as the app makes it.
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { apiDocument as describeWholeApi } from '../../dev/api-document.ts'

interface Operation {
  responses: Record<
    string,
    { content?: Record<string, unknown>; headers?: Record<string, { required?: boolean }> }
  >
}

export interface ApiDocument {
  paths: Record<string, Record<string, Operation>>
}

export const apiDocument = () => describeWholeApi() as ApiDocument

const document = apiDocument()
const paths = Object.keys(document.paths).map(
  (path) => [path, new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`)] as const,
)
const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv)
ajv.addSchema(document, 'api')

/** How an answer breaks the document, if it does. Answers that are not the app's never do. */
export async function breachOf(method: string, url: URL, answer: Response): Promise<string | undefined> {
  const path = paths.find(([, pattern]) => pattern.test(url.pathname))?.[0] ?? ''
  const operation = document.paths[path]?.[method.toLowerCase()]
  const isTheApps = answer.headers.get('content-security-policy')?.startsWith("default-src 'none'")
  if (!operation || !isTheApps) return undefined
  const said = operation.responses[answer.status]
  if (!said) return `status ${answer.status} is not documented`
  for (const [name, { required }] of Object.entries(said.headers ?? {})) {
    if (required && !answer.headers.has(name)) return `header ${name} is missing`
  }
  if (method.toUpperCase() === 'HEAD') return undefined
  const type = answer.headers.get('content-type')?.split(';')[0]
  if (!said.content) return type === undefined ? undefined : `${type} where no content is documented`
  if (type === undefined || !(type in said.content)) return `content type ${type} is not documented`
  if (!type.endsWith('json')) return undefined
  const pointer = ['paths', path, method.toLowerCase(), 'responses', answer.status, 'content', type, 'schema']
  const ref = pointer
    .map((part) => encodeURIComponent(String(part).replace(/~/g, '~0').replace(/\//g, '~1')))
    .join('/')
  const validate = ajv.getSchema(`api#/${ref}`)
  if (!validate) return `no schema at ${ref}`
  return validate(await answer.json()) ? undefined : ajv.errorsText(validate.errors)
}
