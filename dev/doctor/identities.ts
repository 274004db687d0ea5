// The identities that stand in the place of secrets and keys: whether each gives tokens here, and who it is, so that what it
// lacks can be given to it by a command.
import { decodeJwt } from 'jose'
import { createIdentity } from '../../src/azure/identity.ts'
import type { Config } from '../../src/config/settings.ts'
import { ServiceError } from '../../src/errors.ts'
import { bad, type Finding, good } from './finding.ts'

export interface Identities {
  /** Those in use; nothing in the place of a client id is the usual chain of credentials, such as `az login`. */
  clientIds: readonly (string | undefined)[]
  check(clientId: string | undefined): Promise<Finding>
  /** Object id of its service principal (or of the person of `az login`), known after its check. */
  principalOf(clientId: string | undefined): string | undefined
}

const assertionScope = 'api://AzureADTokenExchange/.default'
/** A person of `az login` gets no assertion, but tokens for storage. */
const storageScope = 'https://storage.azure.com/.default'

export function createIdentities({ entra, acs, tableService }: Config, clock: () => Date): Identities {
  const { credential } = entra
  const principals = new Map<string | undefined, string>()
  return {
    clientIds: [
      ...new Set([
        ...(credential.kind === 'managed-identity' ? [credential.identityClientId] : []),
        ...[acs, tableService].flatMap((access) =>
          access.kind === 'identity' ? [access.identityClientId] : [],
        ),
      ]),
    ],
    async check(clientId) {
      try {
        const { token } = await createIdentity(clientId, clock).getToken(
          clientId ? assertionScope : storageScope,
        )
        const { oid, sub } = decodeJwt<{ oid?: string }>(token)
        const principal = oid ?? sub ?? ''
        principals.set(clientId, principal)
        return good(`tokens for ${clientId ?? 'the identity of this machine'} (principal ${principal})`)
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error
        return clientId === undefined ? notSignedIn() : refused(clientId, error)
      }
    },
    principalOf: (clientId) => principals.get(clientId) || undefined,
  }
}

function notSignedIn(): Finding {
  return bad('no Azure identity on this machine', 'az login --tenant <ENTRA_TENANT_ID>')
}

function refused(clientId: string, { code }: ServiceError): Finding {
  if (!process.env.IDENTITY_ENDPOINT) {
    return bad(
      `no managed identity on this machine: ${clientId} is one of Azure`,
      'here, set ENTRA_CLIENT_SECRET in the place of ENTRA_MANAGED_IDENTITY_CLIENT_ID, remove AZURE_CLIENT_ID, and az login',
    )
  }
  if (code !== 'misconfigured') {
    return bad(
      'the identity endpoint (IDENTITY_ENDPOINT) does not answer',
      'az functionapp restart --name <app> --resource-group <group>',
    )
  }
  return bad(
    `the app has no identity with the client id ${clientId}`,
    `az functionapp identity assign --name <app> --resource-group <group> --identities $(az identity list --query "[?clientId=='${clientId}'].id" --output tsv)`,
  )
}
