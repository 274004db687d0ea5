// Starts the processes that load an app once and call one of its functions.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'rolldown'
import type { Cloud } from '../stand-ins/cloud.ts'
import type { ColdLoad, ColdLoadOrder } from './order.ts'

const run = promisify(execFile)

/** The answer is the file to run. */
export async function buildColdLoadChild(folder: string): Promise<string> {
  const outfile = join(folder, 'cold-load.cjs')
  await build({
    input: join(import.meta.dirname, 'child.ts'),
    platform: 'node',
    output: { file: outfile, format: 'cjs' },
    logLevel: 'warn',
  })
  return outfile
}

export async function loadOnce(
  cloud: Cloud,
  child: string,
  { env, ...order }: ColdLoadOrder,
): Promise<ColdLoad> {
  const { stdout, stderr } = await run(process.execPath, [child, JSON.stringify(order)], {
    env: {
      PATH: process.env.PATH ?? '',
      NODE_EXTRA_CA_CERTS: cloud.caFile,
      ...cloud.env,
      TOKEN_TABLE: 'sessions',
      PUBLIC_URL: new URL(order.request.url).origin,
      ...env,
    },
  })
  const result = JSON.parse(stdout || '{}') as ColdLoad
  if (!(result.status < 400)) throw new Error(`${order.functionName} answered ${stdout} ${stderr}`)
  return result
}

/** Where the first login of an instance makes no call: Entra's pages have known addresses there. */
export const publicCloudEnv = { ENTRA_AUTHORITY_HOST: 'https://login.microsoftonline.com' }

export interface RequestParts {
  method?: string
  path: string
  headers?: Record<string, string>
  query?: Record<string, string>
}

/** As the Functions host hands a request to the library. */
export function rpcRequest(origin: string, { method = 'GET', path, headers = {}, query = {} }: RequestParts) {
  const nullable = (values: Record<string, string>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]))
  return {
    method,
    url: `${origin}${path}?${new URLSearchParams(query)}`,
    nullableHeaders: nullable({ host: new URL(origin).host, ...headers }),
    nullableQuery: nullable(query),
    nullableParams: {},
  }
}
