// Settings that are addresses: origins of pages, and the endpoints of Azure. Plain http is for a loopback address only.
import { form, isLoopback, listOf, Refusal, where } from './forms.ts'

/** The authority host of Entra in the public cloud. */
export const publicCloud = 'https://login.microsoftonline.com'

/** @param what With an example, as in "must be an origin, like https://calls.example.com". */
function readUrl(text: string, what: string): URL | Refusal {
  if (/^(endpoint|[A-Za-z]+Endpoint|DefaultEndpointsProtocol|AccountName|accesskey)\s*=/i.test(text)) {
    return new Refusal(`${what}: it is a connection string, which has a setting of its own`)
  }
  if (!/^https?:\/\//i.test(text)) return new Refusal(`${what}: it does not begin with https://`)
  if (/[\s\\]/.test(text) || !URL.canParse(text)) return new Refusal(`${what}: it is not a URL`)
  const url = new URL(text)
  if (url.hostname.includes('*')) return new Refusal(`${what}: each host by its name, without *`)
  // Somebody may paste one with a password or a shared access signature.
  if (url.username || url.password) return new Refusal(`${what}: without a user name and password`)
  if (url.hash || url.href.endsWith('#')) return new Refusal(`${what}: without #`)
  return url
}

const anOrigin = 'must be an origin, like https://calls.example.com'

export function readOrigin(text: string, what = anOrigin): string | Refusal {
  const url = readUrl(text, what)
  if (url instanceof Refusal) return url
  if (url.search) return new Refusal(`${what}: without a query`)
  return url.pathname === '/' ? url.origin : new Refusal(`${what}, without a path`)
}

/** An origin that people's browsers show or send. */
function readSecureOrigin(text: string): string | Refusal {
  const isSecure = (value: string) => value.startsWith('https:') || isLoopback(value)
  return where(readOrigin(text), isSecure, 'must be https, except on a loopback address')
}

export const secureOrigin = form(readSecureOrigin)
export const secureOrigins = form((text): ReadonlySet<string> | Refusal => {
  const origins = listOf(readSecureOrigin, anOrigin)(text)
  return origins instanceof Refusal ? origins : new Set(origins)
})

/** A host name, made an origin: plain http on a loopback address only. */
export const hostName = form((host) => {
  const origin = readOrigin(`${isLoopback(`http://${host}`) ? 'http' : 'https'}://${host}`)
  return origin instanceof Refusal ? new Refusal('must be a host name') : origin
})

/** Names by which the public cloud goes too; its tokens say `publicCloud` as their issuer all the same. */
const publicCloudToo = new Set(['login.windows.net', 'login.microsoft.com', 'sts.windows.net'])

/** What Microsoft calls its other clouds, by the ends of their hosts' names. */
const otherClouds: [RegExp, string][] = [
  [/(\.microsoft(online)?\.us|^login-us\.microsoftonline\.com|\.usgovcloudapi\.net)$/, 'Azure Government'],
  [/\.(microsoftonline|chinacloudapi)\.cn$/, 'Azure in China'],
  [/\.microsoftonline\.de$/, 'Azure Germany, which has ended'],
  [/\.sovcloud-identity\.[a-z]+$/, 'a sovereign cloud'],
  [/\.(ciamlogin|b2clogin)\.com$/, 'an External ID tenant'],
]

/** Scopes, issuers and ACS itself differ in other clouds, so only the public one is spoken to (and stand-ins of it). */
export const authorityHost = form((text) => {
  const origin = readOrigin(text, 'must be an origin, like https://login.microsoftonline.com')
  if (origin instanceof Refusal) return origin
  if (!origin.startsWith('https:')) return new Refusal('must be https')
  const { hostname } = new URL(origin)
  if (publicCloudToo.has(hostname)) return publicCloud
  const other = otherClouds.find(([pattern]) => pattern.test(hostname))?.[1]
  return other
    ? new Refusal(`is of ${other}: this service works with Teams and ACS of the public cloud only`)
    : origin
})

/** An endpoint that tokens of an identity are sent to: the SDKs send none over plain http. */
function readHttps(text: string, example: string, toKey: string): URL | Refusal {
  const what = `must be an https URL, like ${example}`
  const url = readUrl(text, what)
  if (url instanceof Refusal) return url
  if (url.protocol !== 'https:') return new Refusal(what)
  return url.search ? new Refusal(`${what}: without a query (${toKey})`) : url
}

export const acsEndpoint = form((text) => {
  const example = 'https://<resource>.communication.azure.com'
  const url = readHttps(text, example, 'a key belongs in COMMUNICATION_SERVICES_CONNECTION_STRING')
  if (url instanceof Refusal) return url
  return url.pathname === '/'
    ? url.origin
    : new Refusal(`must be an https URL, like ${example}: without a path`)
})

/** Azure's own hosts have no path; an emulator's has the account's name there. */
export const tableEndpoint = form((text) => {
  const example = 'https://<account>.table.core.windows.net'
  const url = readHttps(text, example, 'a SAS belongs in TokenStore: TableEndpoint=…;SharedAccessSignature=…')
  return url instanceof Refusal
    ? url
    : (tableRefusal(url, `must be an https URL, like ${example}`) ?? shown(url))
})

/** What of a URL cannot be of a table service. */
export function tableRefusal({ hostname, pathname }: URL, what: string): Refusal | undefined {
  const service = /^[^.]+\.(blob|queue|file|dfs|web)\./.exec(hostname)?.[1]
  if (service)
    return new Refusal(`${what}: it is the endpoint of another of the account's services, not of its tables`)
  if (/^[^.]+\.table\./.test(hostname) && pathname !== '/') {
    return new Refusal(`${what}: without a path (the table's name is in TOKEN_TABLE)`)
  }
  return undefined
}

/** Without the slash at its end. */
export function shown({ origin, pathname }: URL): string {
  return origin + pathname.replace(/\/+$/, '')
}

/** Of a storage account, in the public cloud. */
export const accountName = form((text) =>
  /^[a-z0-9]{3,24}$/.test(text)
    ? text
    : new Refusal("must be a storage account's name: 3 to 24 small letters and digits"),
)
