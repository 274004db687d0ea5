// The two routes of the service, beside the token's, that a page needs: who is signed in, and sign-out.
import { TokenServiceError } from '../errors.ts'

export interface Account {
  username: string
  name?: string
  tenantId: string
  objectId: string
}

export interface Session {
  account: Account
  signedInAt: string
  expiresAt: string
}

/** Nothing when nobody is signed in. */
export async function readSession(): Promise<Session | undefined> {
  try {
    return await call<Session>('/api/session')
  } catch (error) {
    if (error instanceof TokenServiceError && error.status === 401) return undefined
    throw error
  }
}

/** Ends the session; the answer is the page where Entra's own sign-in ends. */
export async function signOut(): Promise<string> {
  const headers = { 'X-Requested-With': 'fetch' }
  return (await call<{ signOutUrl: string }>('/api/logout', { method: 'POST', headers })).signOutUrl
}

async function call<T>(path: string, init?: RequestInit): Promise<T> {
  try {
    const response = await fetch(path, init)
    const answer = await response.json()
    if (response.ok) return answer
    throw new TokenServiceError(answer)
  } catch (cause) {
    if (cause instanceof TokenServiceError) throw cause
    throw new TokenServiceError({ code: 'unreachable', cause })
  }
}
