// What went wrong between this machine and the vault, each fault in words of its own. Error texts name codes, never what was sent
// or received: an SDK error holds the whole request, secrets included, so nothing of it is printed but its code.

/**
 * `missing`: no such secret. `role`: a role assignment is missing, or has not arrived. `closed`: the vault takes no calls from this
 * place. `unanswered`: what was asked may have been done all the same. `refused`: anything else; nothing was done.
 */
export type FailureKind = 'missing' | 'role' | 'closed' | 'unanswered' | 'refused'

export class VaultFailure extends Error {
  readonly kind: FailureKind

  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

export interface FailureContext {
  vaultUrl: string
  /** Of the secret. */
  name: string
  /** The vault's tenant, if it has said so. */
  tenantId: string | undefined
  /** The tenant that tokens are asked for, if one is set. */
  signInTenantId: string | undefined
}

/** For one answer of the vault. */
export const answerWithinMs = 30_000

const refusals: Record<string, (context: FailureContext) => string> = {
  ForbiddenByRbac: () => 'you need the role Key Vault Secrets Officer on the vault',
  ForbiddenByFirewall: ({ vaultUrl }) =>
    `the vault's firewall does not let this machine in: az keyvault network-rule add --name ${vaultName(vaultUrl)} --ip-address <yours>`,
  ForbiddenByConnection: () =>
    'the vault is closed to public networks: run this where its private endpoint is reached',
  ForbiddenByPolicy: () => 'an access policy or an Azure policy of the vault forbids it',
  AccessDenied: () => 'the vault works with access policies: yours needs get, list and set for secrets',
  SecretDisabled: () =>
    'the secret is disabled: enable it with az keyvault secret set-attributes --enabled true',
  ObjectIsDeletedButRecoverable: ({ vaultUrl, name }) => {
    const target = `--vault-name ${vaultName(vaultUrl)} --name ${name}`
    return (
      `the secret was deleted, and its name is kept. To have its keys back: az keyvault secret recover ${target}. ` +
      `To begin anew, where the vault allows it: az keyvault secret purge ${target}`
    )
  },
  ObjectIsBeingDeleted: () => 'the secret is being deleted: try again in a minute',
  ObjectIsBeingRecovered: () => 'the secret is being recovered: try again in a minute',
}

const kinds: Record<string, FailureKind> = {
  ForbiddenByRbac: 'role',
  ForbiddenByFirewall: 'closed',
  ForbiddenByConnection: 'closed',
}

const noNames = ['ENOTFOUND', 'EAI_AGAIN']
const badCertificate = /CERT|UNABLE_TO|SIGNATURE|SELF_SIGNED/

/** `error` is what the SDK threw, or a status and the vault's code. */
export function toVaultFailure(error: unknown, context: FailureContext): VaultFailure {
  if (error instanceof VaultFailure) return error
  const { name, status, code, message } = readError(error)
  const because = (kind: FailureKind, text: string) => new VaultFailure(kind, text, { cause: error })
  if (status !== undefined) return because(...answered(status, code, context))
  if (name === 'AbortError') {
    const seconds = answerWithinMs / 1000
    return because(
      'unanswered',
      `${context.vaultUrl} does not answer within ${seconds} s: is there a firewall in between?`,
    )
  }
  if (/^(AggregateAuthentication|CredentialUnavailable|AuthenticationRequired)Error$/.test(name))
    return because('refused', withoutToken(error, context))
  if (message.startsWith('The challenge ')) {
    const text = 'its answer, or a link in it, names another place, which gets no token'
    return because('refused', `${context.vaultUrl} is not a vault that can be trusted: ${text}`)
  }
  return because(...unreachable(code, context))
}

function answered(status: number, code: string | undefined, context: FailureContext): [FailureKind, string] {
  const { vaultUrl } = context
  const said = `Key Vault: ${status}${code ? ` ${code}` : ''}`
  const hint = code && refusals[code]?.(context)
  if (hint) return [kinds[code] ?? 'refused', `${said}: ${hint}`]
  if (status === 404 && code === 'SecretNotFound') return ['missing', `${said}: there is no such secret`]
  if (status === 401) return ['refused', `${said}: the vault does not take this token. ${signIn(context)}`]
  if (status === 429) return ['refused', `${said}: the vault is throttled; try again in a minute`]
  if (status >= 500) return ['unanswered', `${said}: the vault is not well; try again later`]
  if (status >= 300 && status < 400)
    return [
      'refused',
      `${vaultUrl} answers with a redirect (${status}): a proxy or a sign-in page of the network is in between`,
    ]
  if (!code)
    return ['refused', `${vaultUrl} answers ${status}, but not as a vault does: is a proxy in between?`]
  return ['refused', said]
}

function unreachable(code: string | undefined, { vaultUrl }: FailureContext): [FailureKind, string] {
  if (noNames.includes(code ?? ''))
    return [
      'refused',
      `${vaultUrl} is not known by that name (${code}): is the vault's name right, and is there a network?`,
    ]
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return ['refused', `${vaultUrl} shows the certificate of another name: is the vault's name right?`]
  if (code && badCertificate.test(code)) {
    const mend = 'if a proxy of yours opens TLS, give its CA in NODE_EXTRA_CA_CERTS'
    return ['refused', `The certificate of ${vaultUrl} is not trusted (${code}): ${mend}`]
  }
  if (code === 'ECONNREFUSED')
    return ['refused', `${vaultUrl} refuses the connection: is a firewall or proxy in between?`]
  if (!code || code === 'PARSE_ERROR')
    return ['unanswered', `${vaultUrl} does not answer as a vault does: is a proxy in between?`]
  return ['unanswered', `The connection to ${vaultUrl} was lost (${code})`]
}

/** The credential's own words help (install, sign in, MFA); one line of each, as they hold no token. */
function withoutToken(error: unknown, context: FailureContext): string {
  const all = error instanceof AggregateError || hasErrors(error) ? error.errors : [error]
  const words = all.map((one) => (one instanceof Error ? (one.message.split('\n', 1)[0] ?? '') : ''))
  return `Neither azd nor az gives a token for the vault. ${signIn(context)}\n${words.map((line) => `  ${line}`).join('\n')}`
}

function signIn({ tenantId, signInTenantId }: FailureContext): string {
  const other =
    tenantId && signInTenantId && signInTenantId !== tenantId
      ? `The vault belongs to tenant ${tenantId}, and AZURE_TENANT_ID is ${signInTenantId}: is it the right vault? `
      : ''
  const tenant = tenantId ?? '<tenant>'
  return `${other}Sign in to the vault's tenant: azd auth login --tenant-id ${tenant}, or az login --tenant ${tenant}`
}

interface ErrorFacts {
  name: string
  status: number | undefined
  code: string | undefined
  message: string
}

/** Reads what errors say without depending on the SDK's classes, which live in packages that we do not name. */
function readError(error: unknown): ErrorFacts {
  const { name, message, statusCode, code } = (error ?? {}) as Record<string, unknown>
  return {
    name: String(name),
    message: String(message),
    status: typeof statusCode === 'number' ? statusCode : undefined,
    code: typeof code === 'string' ? code : undefined,
  }
}

function hasErrors(error: unknown): error is { errors: unknown[] } {
  return Array.isArray((error as { errors?: unknown } | undefined)?.errors)
}

function vaultName(vaultUrl: string): string {
  return new URL(vaultUrl).hostname.split('.')[0] ?? ''
}
