// Azure's own credentials. A module of its own because it is large: it is loaded at the first use, so never where
// connection strings are used.
import { DefaultAzureCredential, ManagedIdentityCredential, type TokenCredential } from '@azure/identity'

/** Retries are the caller's: the SDK's own go on for longer than a request lasts. */
const options = { retryOptions: { maxRetries: 0 } }

/** The user-assigned managed identity, or the usual chain (a system-assigned identity, `az login` on a developer's machine). */
export function createAzureCredential(clientId: string | undefined): TokenCredential {
  return clientId === undefined
    ? new DefaultAzureCredential(options)
    : new ManagedIdentityCredential({ clientId, ...options })
}
