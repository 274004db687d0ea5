// Makes the app read its references to the vault at once, by a call of Azure Resource Manager; by itself it reads them once a day.
import type { TokenCredential } from '@azure/identity'
import pRetry from 'p-retry'

export interface AppRefresh {
  /** Names of the settings that are missing to find the app; nothing to refresh by then. */
  missing: string[]
  /** What a person does in its place. */
  command: string
  /** Throws, with the reason and the command, if the app was not told. */
  run(credential: TokenCredential): Promise<void>
}

const placeholders = {
  AZURE_SUBSCRIPTION_ID: '<subscription>',
  AZURE_RESOURCE_GROUP: '<group>',
  AZURE_FUNCTION_APP_NAME: '<app>',
}

const hints: Record<number, string> = {
  401: 'sign in to the tenant of the subscription, which AZURE_TENANT_ID names',
  403: 'you need the role Website Contributor on the app',
  404: 'there is no such app, or you may not see it',
}

/** `setting` finds a setting by its name; `arm` is the origin of Azure Resource Manager. */
export function findApp(setting: (name: string) => string | undefined, arm: string): AppRefresh {
  const known = Object.entries(placeholders).map(([name, placeholder]) => ({
    name,
    placeholder,
    value: setting(name),
  }))
  const [subscription, group, site] = known.map(({ value, placeholder }) => value ?? placeholder)
  const url =
    `${arm}/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Web/sites/${site}` +
    '/config/configreferences/appsettings/refresh?api-version=2022-03-01'
  const command = `az rest --method post --url "${url}"`
  return {
    missing: known.filter(({ value }) => !value).map(({ name }) => name),
    command,
    async run(credential) {
      const failed = (reason: string, cause: unknown) =>
        new Error(`The app was not told to read the keys anew: ${reason}. By hand: ${command}`, { cause })
      const token = await credential.getToken(`${arm}/.default`).catch((cause: unknown) => {
        throw failed(`neither azd nor az gives a token for ${arm}`, cause)
      })
      try {
        await pRetry(() => post(url, token?.token), {
          retries: 3,
          shouldRetry: ({ error }) => !(error instanceof RefusedRefresh) || error.passes,
        })
      } catch (cause) {
        throw failed(cause instanceof RefusedRefresh ? cause.message : `no answer of ${arm}`, cause)
      }
    },
  }
}

class RefusedRefresh extends Error {
  readonly passes: boolean
  constructor(status: number) {
    super(hints[status] ? `${status}, ${hints[status]}` : String(status))
    this.passes = status === 429 || status >= 500
  }
}

async function post(url: string, token: string | undefined): Promise<void> {
  const headers = { authorization: `Bearer ${token}` }
  const signal = AbortSignal.timeout(30_000)
  const response = await fetch(url, { method: 'POST', headers, redirect: 'error', signal })
  await response.body?.cancel()
  if (!response.ok) throw new RefusedRefresh(response.status)
}
