// Connection strings as people have them: copied with quotes and line breaks, in any order and case, without the parts that have a
// default. They become the one form that the SDKs take, since these read some of the others wrongly, and print a key that they
// cannot read.
import { shown, tableRefusal } from './addresses.ts'
import { form, isLoopback, Refusal } from './forms.ts'

/** By name in small letters. */
type Parts = ReadonlyMap<string, string>

const base64 = /^[A-Za-z0-9+/]{4,}={0,2}$/

/** Nothing in these strings has blanks: those that are there come from copying. */
function readParts(text: string, what: string): Parts | Refusal {
  const refuse = (reason: string) => new Refusal(`${what}: ${reason}`)
  const packed = text.replace(/\s+/g, '')
  if (/^[{[]/.test(packed)) return refuse('it is JSON: only what is between the quotes counts')
  if (/^https?:/i.test(packed)) return refuse(urlReason(packed))
  if (packed.length >= 20 && base64.test(packed)) return refuse('it is a key alone')
  const parts = new Map<string, string>()
  for (const part of packed.split(';').filter((one) => one !== '')) {
    const [, name, value] = /^([A-Za-z]+)=(.*)$/.exec(part) ?? []
    if (name === undefined || value === undefined) {
      return refuse('a part of it is not of the form name=value')
    }
    if (value === '') return refuse(`its ${knownName(name)} is empty`)
    if (parts.has(name.toLowerCase())) return refuse(`it has ${knownName(name)} twice`)
    parts.set(name.toLowerCase(), value)
  }
  return parts
}

function urlReason(url: string): string {
  return url.includes('sig=')
    ? 'it is a URL with a SAS: write TableEndpoint=<URL>;SharedAccessSignature=<what follows the ?>'
    : 'it is a URL alone, which is for an identity: that setting ends in ENDPOINT or __tableServiceUri'
}

const names = [
  'endpoint',
  'accesskey',
  'DefaultEndpointsProtocol',
  'AccountName',
  'AccountKey',
  'EndpointSuffix',
  'TableEndpoint',
  'SharedAccessSignature',
]

/** Of what came in, only names that are known are said again. */
function knownName(name: string): string {
  return names.find((one) => one.toLowerCase() === name.toLowerCase()) ?? 'part'
}

const acsForm = 'must be endpoint=https://…;accesskey=…'

/** Strict, since the ACS SDK's parser puts the whole string, key included, into the error it throws otherwise. */
export const acsConnectionString = form((text) => {
  const refuse = (reason: string) => new Refusal(`${acsForm}: ${reason}`)
  const parts = readParts(text, acsForm)
  if (parts instanceof Refusal) return parts
  if (parts.has('accountname') || parts.has('tableendpoint')) return refuse('it is that of a storage account')
  const { endpoint, accesskey } = Object.fromEntries(parts)
  if (!endpoint) return refuse('its endpoint is missing')
  if (!accesskey) return refuse('its accesskey is missing')
  if (parts.size > 2) return refuse('it has other parts too, as that of another service has')
  if (!base64.test(accesskey)) return refuse('its accesskey is not base64')
  const url = readEndpoint(endpoint, refuse, 'endpoint')
  if (url instanceof Refusal) return url
  if (url.pathname !== '/') return refuse('its endpoint has a path')
  return `endpoint=${url.origin}/;accesskey=${accesskey}`
})

function readEndpoint(value: string, refuse: (reason: string) => Refusal, name: string): URL | Refusal {
  if (!/^https?:\/\//i.test(value)) return refuse(`its ${name} does not begin with https://`)
  if (!URL.canParse(value)) return refuse(`its ${name} is not a URL`)
  const url = new URL(value)
  if (url.username || url.password || url.search || url.hash)
    return refuse(`its ${name} is more than an address`)
  if (url.protocol === 'http:' && !isLoopback(url.origin)) {
    return refuse(`its ${name} must be https, except on a loopback address`)
  }
  return url
}

const storageForm = 'must be a connection string of a storage account'
const refuseStorage = (reason: string) => new Refusal(`${storageForm}: ${reason}`)
const emulator = 'UseDevelopmentStorage=true'

/** The result names the table endpoint, unless it is `UseDevelopmentStorage=true`. */
export const storageConnectionString = form((text) => {
  const parts = readParts(text, storageForm)
  if (parts instanceof Refusal) return parts
  if (parts.has('usedevelopmentstorage')) return readEmulator(parts)
  if (parts.has('endpoint')) return refuseStorage('it is that of another service')
  const endpoint = tableEndpointOf(parts)
  if (endpoint instanceof Refusal) return endpoint
  const url = readEndpoint(endpoint, refuseStorage, 'TableEndpoint')
  if (url instanceof Refusal) return url
  const refusal = tableRefusal(url, `${storageForm}: its TableEndpoint`)
  if (refusal) return refusal
  const credential = readCredential(parts)
  if (credential instanceof Refusal) return credential
  const protocol = url.protocol.slice(0, -1)
  return `DefaultEndpointsProtocol=${protocol};${credential};TableEndpoint=${shown(url)}`
})

/** The SDK drops DevelopmentStorageProxyUri in silence: it is taken where it changes nothing. */
function readEmulator(parts: Parts): string | Refusal {
  if (parts.get('usedevelopmentstorage')?.toLowerCase() !== 'true') {
    return refuseStorage('UseDevelopmentStorage is true or not there')
  }
  const proxy = parts.get('developmentstorageproxyuri')
  const isHere = proxy === undefined || /^http:\/\/(127\.0\.0\.1|localhost)(:\d+)?\/?$/i.test(proxy)
  return isHere
    ? emulator
    : refuseStorage(
        'DevelopmentStorageProxyUri is for this machine: write the whole string, with TableEndpoint',
      )
}

function tableEndpointOf(parts: Parts): string | Refusal {
  const endpoint = parts.get('tableendpoint')
  if (endpoint !== undefined) return endpoint
  const suffix = parts.get('endpointsuffix')
  // Accounts without tables, and strings for blobs alone, name the other endpoints.
  if (suffix === undefined && [...parts.keys()].some((name) => /^(blob|queue|file)endpoint$/.test(name))) {
    return refuseStorage('it names endpoints, and no TableEndpoint')
  }
  const account = parts.get('accountname')
  if (account === undefined) return refuseStorage('its AccountName is missing')
  if (!/^[a-z0-9]{1,24}$/.test(account)) return refuseStorage('its AccountName is small letters and digits')
  const protocol = parts.get('defaultendpointsprotocol') ?? 'https'
  if (!/^https?$/i.test(protocol)) return refuseStorage('its DefaultEndpointsProtocol must be https')
  return `${protocol}://${account}.table.${suffix ?? 'core.windows.net'}`
}

/** A key where there is one, as the SDK does. */
function readCredential(parts: Parts): string | Refusal {
  const { accountname: account, accountkey: key } = Object.fromEntries(parts)
  if (key !== undefined) {
    if (account === undefined) return refuseStorage('its AccountName is missing')
    if (!/^[\w-]+$/.test(account)) return refuseStorage('its AccountName is small letters and digits')
    if (!base64.test(key)) return refuseStorage('its AccountKey is not base64')
    return `AccountName=${account};AccountKey=${key}`
  }
  // The portal shows it with the question mark of a URL.
  const sas = parts.get('sharedaccesssignature')?.replace(/^\?+/, '')
  if (sas === undefined) return refuseStorage('its AccountKey, or a SharedAccessSignature, is missing')
  if (!/(^|&)sig=[^&]/.test(sas)) return refuseStorage('its SharedAccessSignature has no sig')
  return `SharedAccessSignature=${sas}`
}
