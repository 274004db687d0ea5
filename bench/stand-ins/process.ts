// Entra and ACS in a process of their own, so that their CPU time is in nobody's figures. Driven by messages of its parent.
import { once } from 'node:events'
import { type AcsStandIn, startAcs } from '../../dev/acs/acs.ts'
import { runCommand } from '../../dev/command.ts'
import { type EntraStandIn, startEntra } from '../../dev/entra/entra.ts'
import type { AdjustStandIns, StandInCounts, StandInsStarted, StartStandIns } from './messages.ts'

runCommand(async (onStop) => {
  const [{ people, ...start }] = (await once(process, 'message')) as [StartStandIns]
  const entra = await startEntra({ ...start, people })
  onStop(entra.stop)
  const acs = await startAcs({ entra, entraAuthorityHost: entra.authorityHost, people })
  onStop(acs.stop)
  const started: StandInsStarted = {
    authorityHost: entra.authorityHost,
    pageOrigin: entra.pageOrigin,
    acsConnectionString: acs.connectionString,
  }
  process.on('message', (adjust: AdjustStandIns) => {
    apply(adjust, entra, acs)
    process.send?.(takeCounts(entra, acs))
  })
  process.send?.(started)
})

function apply({ delayMs, accessTokenSeconds }: AdjustStandIns, entra: EntraStandIn, acs: AcsStandIn): void {
  if (accessTokenSeconds !== undefined) entra.options.lifetimes.accessTokenSeconds = accessTokenSeconds
  if (delayMs === undefined) return
  entra.faults.clear()
  acs.faults.clear()
  if (delayMs === 0) return
  entra.faults.add({ match: ({ endpoint }) => /^(token|keys|discovery)$/.test(endpoint), delayMs })
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
