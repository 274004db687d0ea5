// Whether Entra is there, knows the tenants and names itself as the service expects, and whether its clock and ours agree.
import * as z from 'zod'
import type { EntraConfig } from '../../src/config/settings.ts'
import type { EntraEndpoints } from '../../src/entra/endpoints.ts'
import { ServiceError } from '../../src/errors.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'
import { unreachable } from './failure.ts'
import { bad, type Finding, good, unchecked } from './finding.ts'

const discovery = z.object({ issuer: z.string() })

/** More than that, and the service refuses Entra's tokens (src/entra/keys.ts). */
const toleranceSeconds = 60

export interface EntraChecks {
  tenants(): Promise<Finding>
  /** After `tenants`: from the same answers. */
  clock(): Finding
}

export function createEntraChecks(entra: EntraConfig, endpoints: EntraEndpoints): EntraChecks {
  let skewSeconds: number | undefined

  async function findTenant(tenant: string): Promise<Finding | undefined> {
    const target = { url: entra.authorityHost, setting: 'ENTRA_AUTHORITY_HOST' }
    const url = `${endpoints.authority(tenant)}/v2.0/.well-known/openid-configuration`
    const { host } = new URL(url)
    try {
      const asked = Date.now()
      const response = await fetch(url, { signal: startDeadline().signal() })
      const text = await response.text()
      skewSeconds ??= skewOf(response.headers, (asked + Date.now()) / 2)
      if (/AADSTS(90002|900023)\b/.test(text)) return unknownTenant(tenant, entra)
      if (response.status === 429 || response.status >= 500) throw new ServiceError('upstream_unavailable')
      const document = discovery.safeParse(asJson(text)).data
      if (!response.ok || !document) {
        return bad(
          `${host} answers ${response.status}, and not as Entra does`,
          'ENTRA_AUTHORITY_HOST is https://login.microsoftonline.com; without the setting it is, too',
        )
      }
      if (document.issuer !== endpoints.issuer(tenant)) {
        const issuer = URL.canParse(document.issuer) ? new URL(document.issuer).host : 'something else'
        return bad(
          `${host} issues tokens as ${issuer}, which the service refuses`,
          'ENTRA_AUTHORITY_HOST is https://login.microsoftonline.com; without the setting it is, too',
        )
      }
      return undefined
    } catch (error) {
      const finding = unreachable(error, target)
      if (!finding) throw error
      return finding
    }
  }

  return {
    async tenants() {
      const tenants = [...new Set([entra.tenantId, ...entra.allowedTenants])]
      const failures = await Promise.all(tenants.map(findTenant))
      const { host } = new URL(entra.authorityHost)
      return failures.find(Boolean) ?? good(`${host} knows ${tenants.join(', ')}`)
    },
    clock() {
      if (skewSeconds === undefined) return unchecked('Entra did not say what time it is')
      const seconds = Math.round(Math.abs(skewSeconds))
      if (seconds < toleranceSeconds) return good('agrees with the clock of Entra')
      return bad(
        `${seconds} s ${skewSeconds > 0 ? 'behind' : 'ahead of'} the clock of Entra: tokens will be refused`,
        'sudo timedatectl set-ntp true (Windows: w32tm /resync; WSL: wsl --shutdown)',
      )
    },
  }
}

function unknownTenant(tenant: string, { tenantId }: EntraConfig): Finding {
  const setting = tenant === tenantId ? 'ENTRA_TENANT_ID' : 'ALLOWED_TENANTS'
  return bad(
    `there is no tenant ${tenant} (AADSTS90002)`,
    `${setting}: az account show --query tenantId --output tsv`,
  )
}

/** `Date` counts whole seconds (RFC 9110, 6.6.1), and is as old as `Age` where a cache answered. */
function skewOf(headers: Headers, now: number): number | undefined {
  const date = Date.parse(headers.get('date') ?? '')
  if (Number.isNaN(date)) return undefined
  return (date + 500 - now) / 1000 + Number(headers.get('age') ?? 0)
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
