// What Entra's refusals of an app mean for the app registration, by AADSTS number, and the step that mends each.
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
import { causes } from './failure.ts'
import { bad, type Finding } from './finding.ts'

/** The app as Entra knows it; nothing of it is secret. */
export interface AppRegistration {
  clientId: string
  tenantId: string
  /** Of the tenant's tokens. */
  issuer: string
  /** Of the managed identity, if one proves the app. */
  principalId: string | undefined
}

type Refusal = (app: AppRegistration) => [text: string, mend: string]

const noSecret: Refusal = () => [
  'Entra wants a secret of this app: its redirect URI is of type Web',
  'set ENTRA_CLIENT_SECRET; or, on localhost only, register the redirect URIs as "Mobile and desktop applications" and allow public client flows',
]
const newSecret = ({ clientId }: AppRegistration) =>
  `az ad app credential reset --id ${clientId} --append --query password --output tsv`
const federation: Refusal = ({ clientId, issuer, principalId = '<principal id>' }) => [
  'the app does not trust this identity: no federated credential of it fits',
  `az ad app federated-credential create --id ${clientId} --parameters '${JSON.stringify({
    name: 'managed-identity',
    issuer,
    subject: principalId,
    audiences: ['api://AzureADTokenExchange'],
  })}'`,
]

const refusals: Record<number, Refusal> = {
  7000215: (app) => ['the secret is wrong (it is the value of a secret, not its id)', newSecret(app)],
  7000222: (app) => ['the secret has expired', newSecret(app)],
  7000218: noSecret,
  700025: () => [
    'the app is a public client, which has no secret',
    'remove ENTRA_CLIENT_SECRET; or, off localhost, register the redirect URIs with type Web, and turn public client flows off',
  ],
  700016: ({ clientId, tenantId }) => [
    `tenant ${tenantId} has no app ${clientId}`,
    `ENTRA_CLIENT_ID and ENTRA_TENANT_ID: az ad app show --id ${clientId} --query appId (after az login --tenant ${tenantId})`,
  ],
  7000229: ({ clientId }) => [
    'the app has no service principal in its tenant',
    `az ad sp create --id ${clientId}`,
  ],
  7000112: ({ clientId }) => [
    'the app is disabled',
    `az ad sp update --id ${clientId} --set accountEnabled=true`,
  ],
  90002: ({ tenantId }) => [
    `there is no tenant ${tenantId}`,
    'ENTRA_TENANT_ID: az account show --query tenantId --output tsv',
  ],
  70021: federation,
  700027: federation,
  700211: federation,
  700212: federation,
  700213: federation,
  700024: () => ['the assertion of the identity is not valid at this time', 'sudo timedatectl set-ntp true'],
  9002327: ({ clientId }) => [
    'the redirect URI is of type Single-page application',
    `portal: App registrations > ${clientId} > Authentication: remove it there and add it with type Web`,
  ],
}

/** The first AADSTS number that an error or a page names. */
export function entraErrorNumber(error: unknown): number | undefined {
  const texts = typeof error === 'string' ? [error] : [...causes(error)].map(({ message }) => message)
  const match = texts.map((text) => /AADSTS(\d{4,8})\b/.exec(text)).find(Boolean)
  return match ? Number(match[1]) : undefined
}

/** Nothing for a number that does not say what is wrong with the app. */
export function refusalOf(number: number | undefined, app: AppRegistration): Finding | undefined {
  const refusal = number === undefined ? undefined : refusals[number]
  if (!refusal) return undefined
  const [text, mend] = refusal(app)
  return bad(`${text} (AADSTS${number})`, mend)
}
