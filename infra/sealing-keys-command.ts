// What `npm run sealing-keys` does: makes and rotates the sealing keys straight in the vault, so that a key is never printed and
// never on a command line. The order of the steps is in key-rotation.ts, what a vault may answer in vault-failure.ts.
import { parseArgs } from 'node:util'
import { findApp } from './app-refresh.ts'
import { createCredential, readSettings } from './deployer.ts'
import {
  createKey,
  formatKeys,
  type KeyRing,
  keyMadeAt,
  parseKeys,
  type SealingKeyEntry,
  type Step,
  takeStep,
  tooEarly,
} from './key-rotation.ts'
import { VaultFailure } from './vault-failure.ts'
import { openVaultSecret, type SecretVersion, type VaultSecret } from './vault-secret.ts'

const usage = `usage: npm run sealing-keys -- <command> [options]

  create    makes the first key, if there is none yet
  append    rotation 1: adds a new key, which only opens
  promote   rotation 2: the newest key seals from now on
  drop      rotation 3: removes all keys but the one that seals
  show      names and ages of the keys, never the keys

  --vault NAME               or its URL; default: AZURE_KEY_VAULT_NAME, from the environment or from azd
  --refresh                  makes the app read the secret anew, at once
  --skip-closed              create: ends well where the vault takes no calls from this place, and says what is left
                             to do
  --now                      takes a step that is too early for some sessions; never one that is out of order
  --session-max-hours HOURS  default: SESSION_MAX_HOURS, else 168
  --wait-seconds SECONDS     how long to try again while the vault is throttled or not well, and, for create,
                             while a new role or address has not arrived; default 300 for create, else 60

A step that was taken is not taken twice: give the same command again if you do not know.`

/** The vault's limit. */
const maxTags = 15
const steps: readonly string[] = ['append', 'promote', 'drop'] satisfies Step[]

/** Carries out the command line `args`, and says with `say` what it did. Throws an error whose message is for the user. */
export async function sealingKeys(args: readonly string[], say: Say): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      vault: { type: 'string' },
      arm: { type: 'string', default: 'https://management.azure.com' },
      refresh: { type: 'boolean', default: false },
      now: { type: 'boolean', default: false },
      'skip-closed': { type: 'boolean', default: false },
      'session-max-hours': { type: 'string' },
      'wait-seconds': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const [command = '', ...more] = positionals
  if (values.help) return say(usage)
  if (more.length > 0 || !['create', 'show', ...steps].includes(command)) throw new Error(usage)
  const setting = await readSettings()
  const vault = values.vault ?? setting('AZURE_KEY_VAULT_NAME')
  if (!vault) throw new Error('no vault: give --vault NAME')
  const vaultUrl = toVaultUrl(vault)
  const waitSeconds = toNumber(
    'wait-seconds',
    values['wait-seconds'] ?? (command === 'create' ? '300' : '60'),
  )
  const sessionMaxHours = toNumber(
    'session-max-hours',
    values['session-max-hours'] ?? setting('SESSION_MAX_HOURS') ?? '168',
  )
  if (sessionMaxHours === 0) throw new Error('--session-max-hours must be above 0')
  // Before anything is written, so that a command that cannot be carried out to its end changes nothing.
  const app = findApp(setting, values.arm)
  if (values.refresh && app.missing.length > 0) {
    const how = `set ${app.missing.join(', ')} in the environment, or choose azd's environment of the app`
    throw new Error(`Nothing was done: --refresh does not know the app. Please ${how}.`)
  }

  const tenantId = setting('AZURE_TENANT_ID')
  const credential = createCredential(tenantId)
  const secret = openVaultSecret({
    vaultUrl,
    name: 'sealing-keys',
    credential,
    signInTenantId: tenantId,
    waitSeconds,
    waitFor: command !== 'create' ? [] : setting('VAULT_ALLOWED_ADDRESSES') ? ['role', 'closed'] : ['role'],
    onWait: say,
  })
  if (command === 'show') show(await readRing(secret), say)
  else if (command === 'create') {
    try {
      await create(secret, say)
    } catch (error) {
      const isClosed = error instanceof VaultFailure && error.kind === 'closed'
      if (!(values['skip-closed'] && isClosed)) throw error
      return say(leftToDo(error, vault))
    }
  } else await rotate(secret, command as Step, { force: values.now, sessionMaxHours }, say)
  if (values.refresh) {
    await app.run(credential)
    say('The app reads the keys anew.')
  } else if (command !== 'show') say(`The app reads the secret once a day. At once: ${app.command}`)
}

function leftToDo({ message }: VaultFailure, vault: string): string {
  return `No sealing key was made. ${message}
Until there is one, the service answers 503 misconfigured. Make it on a machine in the network of the vault, or on one whose public
address VAULT_ALLOWED_ADDRESSES names (then provision first), signed in as somebody with the role Key Vault Secrets Officer:
  npm run sealing-keys -- create --vault ${vault}`
}

type Say = (line: string) => void
type StoredRing = KeyRing & { version: SecretVersion }

async function readRing(secret: VaultSecret): Promise<StoredRing> {
  const version = await secret.read()
  if (!version) throw new Error('there are no sealing keys yet: run create')
  const { value, tags, createdAt } = version
  return { keys: parseKeys(value), lastStep: tags.step, writtenAt: createdAt, version }
}

async function create(secret: VaultSecret, say: Say): Promise<void> {
  const known = await secret.versions()
  const existing = await secret.read()
  if (existing)
    return say(`The vault has sealing keys (${names(parseKeys(existing.value))}): left as they are.`)
  const key = createKey(new Date())
  const value = formatKeys([key])
  const others = await secret.write({ value, tags: { step: 'create' }, contentType: 'sealing keys' }, known)
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
  say: Say,
): Promise<void> {
  const known = await secret.versions()
  const ring = await readRing(secret)
  const now = new Date()
  const keys = takeStep(step, ring, now)
  if (!keys) {
    const hours = hoursSince(ring.writtenAt)
    return say(`Nothing to do, ${step} was the last step, ${hours} hours ago: ${describe(ring.keys)}`)
  }
  const reason = tooEarly(step, ring, { now, sessionMaxHours })
  if (reason && !force) throw new Error(`Not done: ${reason}. With --now it is done all the same.`)
  const { id, createdAt: _, tags: before, ...kept } = ring.version
  const tags = { ...before, step }
  if (Object.keys(tags).length > maxTags)
    throw new Error(
      `Not done: the secret has ${maxTags} tags, and the step needs one of its own. Remove one.`,
    )
  const others = await secret.write({ ...kept, value: formatKeys(keys), tags }, [...known, id])
  if (others.length > 0) {
    throw new Error(
      `Somebody else changed the keys at the same moment. See what these versions hold, and begin again: ${others.join(' ')}`,
    )
  }
  say(`Done: ${describe(keys)}`)
}

function show({ keys, lastStep, writtenAt, version }: StoredRing, say: Say): void {
  for (const [index, { kid }] of keys.entries()) {
    const madeAt = keyMadeAt(kid)
    const age = madeAt ? `${hoursSince(madeAt)} hours old` : 'age unknown'
    say(`${kid}  ${index === 0 ? 'seals and opens' : 'opens'}  ${age}`)
  }
  say(`last step: ${lastStep ?? 'unknown'}, ${hoursSince(writtenAt)} hours ago`)
  if (version.expiresOn) say(`the secret expires: ${version.expiresOn.toISOString()}`)
}

function toVaultUrl(vault: string): string {
  const url = URL.parse(vault.includes('://') ? vault : `https://${vault}.vault.azure.net`)
  if (url?.protocol !== 'https:' || !(vault.includes('://') || /^[\w-]+$/.test(vault)))
    throw new Error('--vault must be the name of a vault, or its https URL')
  return url.origin
}

function toNumber(option: string, text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`--${option} must be a number`)
  return Number(text)
}

function describe(keys: readonly SealingKeyEntry[]): string {
  return `${names(keys)}; the first one seals, all of them open.`
}

function names(keys: readonly SealingKeyEntry[]): string {
  return keys.map(({ kid }) => kid).join(', ')
}

function hoursSince(time: Date): number {
  return Math.max(0, Math.floor((Date.now() - time.getTime()) / 3_600_000))
}
