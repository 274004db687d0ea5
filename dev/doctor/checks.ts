// Which checks there are, and what each waits for. All start at once; one whose settings are bad, or whose forerunner failed,
// is not made.
// The service loads these when they are first used. Used at the same time for the first time, they would be loaded at the same
// time, which Node cannot do with what they share (ERR_REQUIRE_ESM_RACE_CONDITION): so they are loaded now.
import '../../src/acs/exchange.ts'
import '../../src/azure/credential.ts'
import '../../src/entra/on-behalf-of.ts'
import '../../src/sessions/table-client.ts'
import type { ResourceAccess } from '../../src/config/settings.ts'
import { createService } from '../../src/service.ts'
import { checkAcs } from './acs.ts'
import { checkClientCredential } from './client-credential.ts'
import { createEntraChecks } from './entra.ts'
import { type Check, type Finding, unchecked } from './finding.ts'
import { createIdentities } from './identities.ts'
import { checkOwnApi } from './own-api.ts'
import { checkRedirectUris } from './redirect-uris.ts'
import { checkSealingKeys } from './sealing-keys.ts'
import type { CheckedSettings, Part } from './settings.ts'
import { startCheck } from './start-check.ts'
import { createTableCheck, shortLimits } from './table.ts'

const limitMs = 12_000

export interface StartedChecks {
  checks: Check[]
  /** Leaves nothing behind when the doctor is interrupted. */
  cleanUp(): Promise<void>
}

export function startChecks({ config: settings, broken }: CheckedSettings): StartedChecks {
  if (!settings) return { checks: [], cleanUp: async () => {} }
  const config = { ...settings, sessionLimits: shortLimits }
  const { entra, acs, tableService } = config
  const clock = () => new Date()
  const service = createService(config, clock)
  const entraChecks = createEntraChecks(entra, service.endpoints)
  const identities = createIdentities(config, clock)
  const table = createTableCheck(service)

  function start(
    name: string,
    { parts = [], after = [] }: { parts?: Part[]; after?: Check[] },
    work: () => Finding | Promise<Finding>,
  ): Check {
    if (parts.some((part) => broken.has(part)))
      return { name, finding: Promise.resolve(unchecked('its settings have to be mended first')) }
    return startCheck(name, { after, limitMs }, work)
  }

  const tenant = start('Entra', { parts: ['tenant'] }, () => entraChecks.tenants())
  const time = start('clock', { parts: ['tenant'], after: [tenant] }, () => entraChecks.clock())
  const ofIdentity = new Map(
    identities.clientIds.map((id) => [id, start('managed identity', {}, () => identities.check(id))]),
  )
  const { credential } = entra
  const idOf = (access: ResourceAccess) => (access.kind === 'identity' ? [access.identityClientId] : [])
  const first = (ids: (string | undefined)[]) => ids.flatMap((id) => ofIdentity.get(id) ?? [])
  const principalOf = ([id]: (string | undefined)[]) => identities.principalOf(id)

  const appIds = credential.kind === 'managed-identity' ? [credential.identityClientId] : []
  const registration = () => ({
    clientId: entra.clientId,
    tenantId: entra.tenantId,
    issuer: service.endpoints.issuer(entra.tenantId),
    principalId: principalOf(appIds),
  })
  const clientCredential = start(
    'client credential',
    { parts: ['tenant', 'app', 'credential'], after: [tenant, ...first(appIds)] },
    () => checkClientCredential(service, registration()),
  )
  const exchange = start('ACS', { parts: ['acs'], after: first(idOf(acs)) }, () =>
    checkAcs(service, principalOf(idOf(acs))),
  )
  return {
    checks: [
      tenant,
      time,
      ...(ofIdentity.size > 0
        ? ofIdentity.values()
        : [start('managed identity', {}, () => unchecked('not in use'))]),
      clientCredential,
      start('redirect URIs', { parts: ['tenant', 'app', 'address'], after: [tenant] }, () =>
        checkRedirectUris(service),
      ),
      exchange,
      start('table', { parts: ['table'], after: first(idOf(tableService)) }, () =>
        table.check(principalOf(idOf(tableService))),
      ),
      start('sealing keys', { parts: ['sealing'] }, () => checkSealingKeys(config.sealingKeys)),
      start('own API', { parts: ['api'] }, () =>
        checkOwnApi(service, registration(), [clientCredential, exchange]),
      ),
    ],
    cleanUp: table.cleanUp,
  }
}
