// A request's JSON body, read with a limit. An empty body is read as `{}`: the route's schema says
// whether that is enough.
import type { HttpRequest } from '@azure/functions'
import { ServiceError } from '../errors.ts'

const maxBytes = 32 * 1024

/** Throws `invalid_request`; what the value holds is for the caller to check. */
export async function readJson(request: HttpRequest): Promise<unknown> {
  // Reading takes time even where there is nothing to read.
  const bytes = request.body === null ? Buffer.alloc(0) : Buffer.from(await request.arrayBuffer())
  if (bytes.length === 0) {
    // The Functions host drops a body that is sent in chunks. Taken for an empty one it would ask for something else.
    if (request.headers.has('transfer-encoding')) {
      throw new ServiceError('invalid_request', { detail: 'The body must be sent with Content-Length.' })
    }
    return {}
  }
  if (bytes.length > maxBytes)
    throw new ServiceError('invalid_request', { detail: 'The body is larger than 32 KiB.' })
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') {
    throw new ServiceError('invalid_request', { detail: 'The body must be application/json.' })
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new ServiceError('invalid_request', { cause, detail: 'The body is not JSON.' })
  }
}
