// Entra and ACS in a process of their own, so that their CPU time is in nobody's figures. Driven by messages of its parent.
import { once } from 'node:events'
import { type AcsStandIn, startAcs } from '../../dev/acs/acs.ts'
import type { Certificate } from '../../dev/certificate.ts'
import { runCommand } from '../../dev/command.ts'
import type { Person } from '../../dev/entra/directory.ts'
import { type EntraStandIn, startEntra } from '../../dev/entra/entra.ts'
import { clientId } from '../../dev/settings.ts'

/** The first message: what to start. */
export interface StartStandIns {
  certificate: Certificate
  people: readonly Person[]
}

/** The answer to it. */
export interface StandInsStarted {
  authorityHost: string
  acsConnectionString: string
}

/** Every later message; what it names is changed. */
export interface AdjustStandIns {
  /** Of every answer of Entra's server side and of ACS. */
  delayMs?: number
  /** Of Entra tokens, and so of ACS tokens, that are issued from now on. */
  accessTokenSeconds?: number
  /** Registered beside those of before. */
  redirectUris?: string[]
}

/** The answer to each of them: what was asked of the stand-ins since the one before. */
export interface StandInCounts {
  /** Codes redeemed, and refresh tokens. */
  entraTokens: number
  /** Metadata and keys. */
  entraDocuments: number
  acsExchanges: number
}

runCommand(async (onStop) => {
  const [{ certificate, people }] = (await once(process, 'message')) as [StartStandIns]
  const entra = await startEntra({ certificate, clientId, redirectUris: [], people })
  onStop(entra.stop)
  const acs = await startAcs({ entra, entraAuthorityHost: entra.authorityHost, people })
  onStop(acs.stop)
  process.on('message', (adjust: AdjustStandIns) => {
    apply(adjust, entra, acs)
    process.send?.(takeCounts(entra, acs))
  })
  const { authorityHost } = entra
  process.send?.({ authorityHost, acsConnectionString: acs.connectionString } satisfies StandInsStarted)
})

function apply(
  { delayMs, accessTokenSeconds, redirectUris = [] }: AdjustStandIns,
  { options, faults }: EntraStandIn,
  acs: AcsStandIn,
): void {
  options.redirectUris.push(...redirectUris)
  if (accessTokenSeconds !== undefined) options.lifetimes.accessTokenSeconds = accessTokenSeconds
  if (delayMs === undefined) return
  faults.clear()
  acs.faults.clear()
  if (delayMs === 0) return
  faults.add({ match: ({ endpoint }) => /^(token|keys|discovery)$/.test(endpoint), delayMs })
  acs.faults.add({ delayMs })
}

/** The logs are emptied: over a long run they would fill the memory. */
function takeCounts({ requests, issuedAccessTokens, issuedRefreshTokens }: EntraStandIn, acs: AcsStandIn) {
  const of = (pattern: RegExp) => requests.filter(({ endpoint }) => pattern.test(endpoint)).length
  const counts: StandInCounts = {
    entraTokens: of(/^token$/),
    entraDocuments: of(/^(keys|discovery)$/),
    acsExchanges: acs.requests.length,
  }
  for (const log of [requests, issuedAccessTokens, issuedRefreshTokens, acs.requests]) log.length = 0
  return counts
}
