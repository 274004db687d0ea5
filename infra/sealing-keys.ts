// Makes and rotates the sealing keys, straight in the vault: a key is never printed and never on a command line. azd runs
// `create` after it has made the resources; the other commands are for people.
import { execFile } from 'node:child_process'
import { parseArgs, promisify } from 'node:util'
import {
  AzureCliCredential,
  AzureDeveloperCliCredential,
  ChainedTokenCredential,
  type TokenCredential,
} from '@azure/identity'
import {
  createKey,
  formatKeys,
  type KeyRing,
  parseKeys,
  type SealingKeyEntry,
  type Step,
  takeStep,
  tooEarly,
} from './key-rotation.ts'
import { openVaultSecret, type SecretVersion, VaultError, type VaultSecret } from './vault-secret.ts'

const usage = `usage: npm run sealing-keys -- <command> [options]

  create    makes the first key, if there is none yet
  append    rotation 1: adds a new key, which only opens
  promote   rotation 2: the newest key seals from now on
  drop      rotation 3: removes all keys but the one that seals
  show      names and ages of the keys, never the keys

  --vault NAME               default: AZURE_KEY_VAULT_NAME, from the environment or from azd
  --refresh                  makes the app read the secret anew, at once
  --now                      takes a step that is too early for some sessions
  --session-max-hours HOURS  default: SESSION_MAX_HOURS, else 168
  --wait-seconds SECONDS     how long create waits for a new role to arrive; default 300`

const steps: readonly string[] = ['append', 'promote', 'drop'] satisfies Step[]

await main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = 1
})

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      vault: { type: 'string' },
      arm: { type: 'string', default: 'https://management.azure.com' },
      refresh: { type: 'boolean', default: false },
      now: { type: 'boolean', default: false },
      'session-max-hours': { type: 'string' },
      'wait-seconds': { type: 'string', default: '300' },
    },
  })
  const [command = ''] = positionals
  if (!['create', 'show', ...steps].includes(command)) throw new Error(usage)
  const vault = values.vault ?? (await setting('AZURE_KEY_VAULT_NAME'))
  if (!vault) throw new Error('no vault: give --vault NAME')
  const waitSeconds = Number(values['wait-seconds'])
  if (!(waitSeconds >= 0)) throw new Error('--wait-seconds must be a number')
  const credential = createCredential()
  const secret = openVaultSecret({
    vaultUrl: vault.startsWith('https://') ? new URL(vault).origin : `https://${vault}.vault.azure.net`,
    name: 'sealing-keys',
    credential,
    waitForRoleSeconds: command === 'create' ? waitSeconds : 0,
    onWait: say,
  })
  if (command === 'show') return show(await readRing(secret))
  if (command === 'create') await create(secret)
  else {
    const sessionMaxHours = Number(values['session-max-hours'] ?? (await setting('SESSION_MAX_HOURS')) ?? 168)
    if (!(sessionMaxHours > 0)) throw new Error('--session-max-hours must be a number above 0')
    await rotate(secret, command as Step, { force: values.now, sessionMaxHours })
  }
  await refreshApp(credential, values.arm, values.refresh)
}

type TaggedRing = KeyRing & Pick<SecretVersion, 'tags'>

async function readRing(secret: VaultSecret): Promise<TaggedRing> {
  const version = await secret.read()
  if (!version) throw new Error('there are no sealing keys yet: run create')
  return {
    keys: parseKeys(version.value),
    lastStep: version.tags.step,
    writtenAt: version.createdAt,
    tags: version.tags,
  }
}

async function create(secret: VaultSecret): Promise<void> {
  const existing = await secret.read()
  if (existing)
    return say(`The vault has sealing keys (${names(parseKeys(existing.value))}): left as they are.`)
  const now = new Date()
  const key = createKey(now, [])
  const written = await secret.write(formatKeys([key]), { step: 'create', [key.kid]: now.toISOString() })
  // The vault has no conditional write: two first runs at once both write, and the later one stands.
  const others = (await secret.versions()).filter((id) => id !== written.id)
  say(
    others.length > 0
      ? 'Another run made a key at the same moment: the later one stands.'
      : `Made ${key.kid}.`,
  )
}

async function rotate(
  secret: VaultSecret,
  step: Step,
  { force, sessionMaxHours }: { force: boolean; sessionMaxHours: number },
): Promise<void> {
  const known = await secret.versions()
  const ring = await readRing(secret)
  const now = new Date()
  const keys = takeStep(step, ring, now)
  const reason = tooEarly(step, ring, { now, sessionMaxHours })
  if (reason && !force) throw new Error(`Not done: ${reason}. With --now it is done all the same.`)
  const isNew = (kid: string) => !ring.keys.some((key) => key.kid === kid)
  const madeAt = keys.flatMap(({ kid }) => {
    const time = ring.tags[kid] ?? (isNew(kid) ? now.toISOString() : undefined)
    return time ? [[kid, time]] : []
  })
  const written = await secret.write(formatKeys(keys), { step, ...Object.fromEntries(madeAt) })
  const others = (await secret.versions()).filter((id) => id !== written.id && !known.includes(id))
  if (others.length > 0) {
    throw new Error(
      `Somebody else changed the keys at the same moment. See what these versions hold, and begin again: ${others.join(' ')}`,
    )
  }
  say(`Done: ${names(keys)}; the first one seals, all of them open.`)
}

function show({ keys, lastStep, writtenAt, tags }: TaggedRing): void {
  for (const [index, { kid }] of keys.entries()) {
    const madeAt = Date.parse(tags[kid] ?? '')
    const age = Number.isNaN(madeAt) ? 'age unknown' : `${hoursSince(madeAt)} hours old`
    say(`${kid}  ${index === 0 ? 'seals and opens' : 'opens'}  ${age}`)
  }
  say(`last step: ${lastStep ?? 'unknown'}, ${hoursSince(writtenAt.getTime())} hours ago`)
}

/** References to the vault are read once a day unless asked for: asks, or says how to. */
async function refreshApp(credential: TokenCredential, arm: string, ask: boolean): Promise<void> {
  const [subscription, group, site] = await Promise.all(
    ['AZURE_SUBSCRIPTION_ID', 'AZURE_RESOURCE_GROUP', 'AZURE_FUNCTION_APP_NAME'].map(setting),
  )
  const known = Boolean(subscription && group && site)
  const url =
    `${arm}/subscriptions/${subscription ?? '<subscription>'}/resourceGroups/${group ?? '<group>'}` +
    `/providers/Microsoft.Web/sites/${site ?? '<app>'}/config/configreferences/appsettings/refresh?api-version=2022-03-01`
  if (ask && known) {
    const token = await credential.getToken(`${arm}/.default`)
    const headers = { authorization: `Bearer ${token?.token}` }
    const signal = AbortSignal.timeout(30_000)
    const response = await fetch(url, { method: 'POST', headers, signal }).catch(() => undefined)
    if (response?.ok) return say('The app reads the keys anew.')
    say(`The app was not told (${response?.status ?? 'no answer'}).`)
  }
  say(`The app reads the secret once a day. At once: az rest --method post --url "${url}"`)
}

function createCredential(): TokenCredential {
  const tenantId = process.env.AZURE_TENANT_ID
  const options = tenantId ? { tenantId } : {}
  return new ChainedTokenCredential(new AzureDeveloperCliCredential(options), new AzureCliCredential(options))
}

/** In a hook azd gives its values as environment variables; by hand they are asked for. */
async function setting(name: string): Promise<string | undefined> {
  if (process.env[name]) return process.env[name]
  try {
    const { stdout } = await promisify(execFile)('azd', ['env', 'get-value', name])
    return stdout.trim() || undefined
  } catch {
    return undefined
  }
}

function explain(error: unknown): string {
  if (!(error instanceof VaultError)) return error instanceof Error ? error.message : String(error)
  const hints: Record<string, string> = {
    ForbiddenByRbac: 'you need the role Key Vault Secrets Officer on the vault',
    ForbiddenByFirewall: "the vault's firewall does not let this machine in",
    ObjectIsDeletedButRecoverable: 'the secret was deleted: az keyvault secret recover --name sealing-keys',
    SecretDisabled: 'the secret is disabled',
  }
  const hint = hints[error.code]
  return hint ? `${error.message}: ${hint}` : error.message
}

function names(keys: readonly SealingKeyEntry[]): string {
  return keys.map(({ kid }) => kid).join(', ')
}

function hoursSince(time: number): number {
  return Math.max(0, Math.floor((Date.now() - time) / 3_600_000))
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
