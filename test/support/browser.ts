// A browser as far as HTTP goes: it keeps the app's cookies (for all ports of localhost, as browsers do) and follows
// redirects one by one, so that a test can look at, change or skip any of them.
import { parseSetCookie, type SetCookie } from 'cookie'
import type { TestService } from './service.ts'

export interface BrowserOptions {
  /** Which instance gets `/login`, and which gets Entra's redirect. Default: the public one. */
  loginAt?: string
  redirectAt?: string
  person?: string
  returnTo?: string
}

export class Browser {
  readonly cookies = new Map<string, string>()
  /** All `Set-Cookie` that ever came, newest last. */
  readonly received: SetCookie[] = []
  readonly #service: Pick<TestService, 'publicUrl'>

  constructor(service: Pick<TestService, 'publicUrl'>) {
    this.#service = service
  }

  get sessionCookie(): string | undefined {
    return this.cookies.get('__Host-session')
  }

  /** One request, with the cookies, without following a redirect. A path goes to the public instance. */
  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    if (cookie && !headers.has('cookie')) headers.set('cookie', cookie)
    const response = await fetch(new URL(url, this.#service.publicUrl), {
      ...init,
      headers,
      redirect: 'manual',
    })
    for (const line of response.headers.getSetCookie()) this.#store(parseSetCookie(line))
    return response
  }

  #store(cookie: SetCookie): void {
    this.received.push(cookie)
    if (cookie.maxAge === 0) this.cookies.delete(cookie.name)
    else this.cookies.set(cookie.name, cookie.value ?? '')
  }

  /** `/login` and Entra's page: the address of the redirect that Entra sends the browser to. */
  async untilRedirect(options: BrowserOptions = {}) {
    const login = await this.login(options)
    if (login.status !== 302) throw new Error(`login answered ${login.status}: ${await login.text()}`)
    return this.passEntra(login, options.redirectAt)
  }

  login({ loginAt, person = 'adele@contoso.example', returnTo }: BrowserOptions = {}): Promise<Response> {
    const query = new URLSearchParams({ loginHint: person, ...(returnTo === undefined ? {} : { returnTo }) })
    return this.fetch(`${loginAt ?? ''}/api/login?${query}`)
  }

  /** From the answer of `/login` through Entra's page. */
  async passEntra(login: Response, redirectAt?: string): Promise<URL> {
    const entra = await fetch(login.headers.get('location') ?? '', { redirect: 'manual' })
    if (entra.status !== 302) throw new Error(`Entra answered ${entra.status}: ${await entra.text()}`)
    const redirect = new URL(entra.headers.get('location') ?? '')
    return new URL(`${redirect.pathname}${redirect.search}`, redirectAt ?? redirect.origin)
  }

  /** A whole sign-in; the answer is that of `/redirect`. */
  async signIn(options: BrowserOptions = {}): Promise<Response> {
    return this.fetch((await this.untilRedirect(options)).href)
  }

  /** `POST` as the service's own pages do. */
  async post(url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch(url, {
      method: 'POST',
      headers: {
        'x-requested-with': 'fetch',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }

  async token(at = ''): Promise<{ token: string; expiresOn: string; user: string }> {
    const response = await this.post(`${at}/api/token`)
    if (response.status !== 200)
      throw new Error(`token answered ${response.status}: ${await response.text()}`)
    // What is left of it differs from answer to answer.
    const { token, expiresOn, user } = (await response.json()) as Record<
      'token' | 'expiresOn' | 'user',
      string
    >
    return { token, expiresOn, user }
  }
}

/** The answer, held to the service's deadline of 9 s; the rest is what a busy machine may add to that. */
export async function inTime(request: Promise<Response>): Promise<Response> {
  const started = performance.now()
  const answer = await request
  const ms = performance.now() - started
  if (ms > 14_000) throw new Error(`the answer took ${Math.round(ms)} ms`)
  return answer
}

/** Status and code of an error, for short expectations. */
export async function problemOf(response: Response): Promise<{ status: number; code: string }> {
  const { code } = (await response.json()) as { code: string }
  return { status: response.status, code }
}
