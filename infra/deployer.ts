// What azd and az know on the machine of whoever deploys: azd's settings, and a token of the one that is signed in.
import { execFile } from 'node:child_process'
import { parseEnv, promisify } from 'node:util'
import {
  AzureCliCredential,
  AzureDeveloperCliCredential,
  ChainedTokenCredential,
  type TokenCredential,
} from '@azure/identity'

/** Finds settings in the environment, which azd fills for its hooks, else in azd's own, which is asked once. */
export async function readSettings(): Promise<(name: string) => string | undefined> {
  const { stdout } = await promisify(execFile)('azd', ['env', 'get-values'], { timeout: 15_000 }).catch(
    () => ({
      // No azd here, or no environment of it.
      stdout: '',
    }),
  )
  const ofAzd = parseEnv(stdout)
  return (name) => process.env[name] || ofAzd[name] || undefined
}

/** Tokens of azd, else of az. Without `tenantId` the service that asks for a token names its tenant. */
export function createCredential(tenantId: string | undefined): TokenCredential {
  const options = { ...(tenantId && { tenantId }), processTimeoutInMs: 60_000 }
  return new ChainedTokenCredential(new AzureDeveloperCliCredential(options), new AzureCliCredential(options))
}
