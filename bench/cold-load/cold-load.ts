// Starts the processes that load an app once and call one of its functions.
import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type Bundle, buildBundle } from '../../build.ts'
import type { RpcHttpRequest } from '../../dev/host/request.ts'
import type { HttpRequest } from '../load/http.ts'
import type { Cloud } from '../stand-ins/cloud.ts'
import type { ColdLoad, ColdLoadOrder } from './child.ts'

/** Where the first login of an instance makes no call: Entra's pages have known addresses there. */
export const publicCloudEnv = { ENTRA_AUTHORITY_HOST: 'https://login.microsoftonline.com' }

/** The answer loads an app in a new process. */
export async function createColdLoads(cloud: Cloud, publicUrl: string) {
  const outfile = join(cloud.folder, 'cold-load', 'child.cjs')
  await buildBundle({ input: join(import.meta.dirname, 'child.ts'), outfile })
  return async (
    app: Bundle,
    functionName: string,
    request: HttpRequest,
    env: Record<string, string> = {},
    profileTo?: string,
  ): Promise<ColdLoad> => {
    const order: ColdLoadOrder = {
      folder: dirname(app.file),
      functionName,
      request: rpcRequest(publicUrl, request),
      profileTo,
    }
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [outfile, JSON.stringify(order)], {
      env: {
        PATH: process.env.PATH,
        NODE_EXTRA_CA_CERTS: cloud.caFile,
        ...cloud.env,
        TOKEN_TABLE: 'sessions',
        PUBLIC_URL: publicUrl,
        ...env,
      },
    })
    const result = JSON.parse(stdout || '{}') as ColdLoad
    if (!(result.status < 400)) throw new Error(`${functionName} answered ${stdout} ${stderr}`)
    return result
  }
}

/** As the Functions host hands a request to the library. */
function rpcRequest(origin: string, { method = 'GET', path, headers = {} }: HttpRequest): RpcHttpRequest {
  const url = new URL(path, origin)
  const nullable = (values: Iterable<[string, string]>) =>
    Object.fromEntries([...values].map(([name, value]) => [name, { value }]))
  return {
    method,
    url: url.href,
    nullableHeaders: nullable(Object.entries({ host: url.host, ...headers })),
    nullableQuery: nullable(url.searchParams),
    nullableParams: {},
  }
}
