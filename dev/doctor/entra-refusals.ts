// What Entra's refusals of an app mean for the app registration, by number, and the step that mends each. https://learn.microsoft.com/entra/identity-platform/reference-error-codes
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

/** Azure Communication Services itself, in every tenant that uses it. */
const acsApp = '1fd5118e-2576-4263-8130-9503064c837a'

const newSecret = ({ clientId }: AppRegistration) =>
  `az ad app credential reset --id ${clientId} --append --query password --output tsv`
const noSecret: Refusal = () => [
  'Entra wants a secret of this app: its redirect URI is of type Web',
  'set ENTRA_CLIENT_SECRET; or, on localhost only, register the redirect URIs as "Mobile and desktop applications" and allow public client flows',
]
const noApp: Refusal = ({ clientId, tenantId }) => [
  `tenant ${tenantId} has no app ${clientId}`,
  `ENTRA_CLIENT_ID and ENTRA_TENANT_ID: az ad app show --id ${clientId} --query appId (after az login --tenant ${tenantId})`,
]
const noTenant: Refusal = ({ tenantId }) => [
  `there is no tenant ${tenantId}`,
  'ENTRA_TENANT_ID: az account show --query tenantId --output tsv',
]
const disabledApp: Refusal = ({ clientId }) => [
  'the app is disabled',
  `az ad sp update --id ${clientId} --set accountEnabled=true`,
]
const federation =
  (text: string): Refusal =>
  ({ clientId, issuer, principalId = '<principal id>' }) => [
    text,
    `az ad app federated-credential create --id ${clientId} --parameters '${JSON.stringify({
      name: 'managed-identity',
      issuer,
      subject: principalId,
      audiences: ['api://AzureADTokenExchange'],
    })}'`,
  ]
const noFederation = federation('the app does not trust this identity: no federated credential of it fits')
const noAcs: Refusal = ({ tenantId }) => [
  `tenant ${tenantId} has no service principal of Azure Communication Services`,
  `az ad sp create --id ${acsApp} (after az login --tenant ${tenantId})`,
]
const noPermission: Refusal = ({ clientId }) => [
  'the app does not name the permissions of Azure Communication Services that it asks for',
  `az ad app permission add --id ${clientId} --api ${acsApp} --api-permissions de8ec1df-066a-4817-bc5d-9a985b986262=Scope 6290af7f-b407-49f9-92d5-bf584fdc4019=Scope`,
]
const noConsent: Refusal = ({ clientId }) => [
  'the permissions of the app have not been consented to',
  `az ad app permission admin-consent --id ${clientId}`,
]
const policy: Refusal = ({ clientId }) => [
  'a Conditional Access policy keeps the app out',
  `portal: Entra ID > Sign-in logs > Service principal sign-ins, for ${clientId}: the policy that failed has to let it in from here`,
]
const wrongAssertion = federation('Entra does not accept the assertion of the identity, or its signature')
const ofAccount: Refusal = () => [
  'Entra refuses an account, not the app',
  'portal: Entra ID > Sign-in logs; the account has to be one of ALLOWED_TENANTS, enabled, and assigned to the app where that is required',
]
const throttled: Refusal = () => ['Entra throttles the app', 'wait a minute, and run the doctor again']
const passing: Refusal = () => [
  'Entra is not able to answer at the moment',
  'try again shortly; https://azure.status.microsoft says whether others wait too',
]

const refusals: Record<number, Refusal> = {
  // The secret.
  7000215: (app) => ['the secret is wrong (it is the value of a secret, not its id)', newSecret(app)],
  7000222: (app) => ['the secret has expired', newSecret(app)],
  7000218: noSecret,
  7000216: noSecret,
  700025: () => [
    'the app is a public client, which has no secret',
    'remove ENTRA_CLIENT_SECRET; or, off localhost, register the redirect URIs with type Web, and turn public client flows off',
  ],
  // The identity in its place.
  70021: noFederation,
  700211: federation(
    'the app trusts no identity of this issuer: its federated credential names another tenant',
  ),
  700212: federation('the federated credential of the app names another audience'),
  700213: federation('the federated credential of the app names another identity as its subject'),
  7002131: noFederation,
  7002138: federation(
    'no federated credential of the app fits this identity: its subject has to be the same to the letter, capitals too',
  ),
  70025: noFederation,
  ...sameFor(
    () => [
      'the tenant lets no app trust an identity in the place of a secret',
      'an administrator of the tenant has to allow workload identity federation; or ENTRA_CLIENT_SECRET in the place of ENTRA_MANAGED_IDENTITY_CLIENT_ID',
    ],
    [700223, 700238],
  ),
  700222: () => [
    'Entra takes no token of this identity as an assertion',
    'ENTRA_MANAGED_IDENTITY_CLIENT_ID has to be a user-assigned managed identity in the tenant of the app',
  ],
  700021: wrongAssertion,
  700023: wrongAssertion,
  700027: wrongAssertion,
  50012: wrongAssertion,
  50013: wrongAssertion,
  700024: () => ['the assertion of the identity is not valid at this time', 'sudo timedatectl set-ntp true'],
  // The registration.
  700016: noApp,
  70001: noApp,
  7000229: ({ clientId }) => [
    'the app has no service principal in its tenant',
    `az ad sp create --id ${clientId}`,
  ],
  7000112: disabledApp,
  7000110: disabledApp,
  90002: noTenant,
  900023: noTenant,
  50194: ({ clientId }) => [
    'the app is registered for one tenant, and ALLOWED_TENANTS names another',
    `az ad app update --id ${clientId} --sign-in-audience AzureADMultipleOrgs, or remove ALLOWED_TENANTS`,
  ],
  9002327: ({ clientId }) => [
    'the redirect URI is of type Single-page application',
    `portal: App registrations > ${clientId} > Authentication: remove it there and add it with type Web`,
  ],
  50011: ({ clientId }) => [
    'the redirect URI is not registered',
    `portal: App registrations > ${clientId} > Authentication: <PUBLIC_URL>/api/redirect, with type Web`,
  ],
  // Permissions, and Azure Communication Services as an app of the tenant.
  650052: noAcs,
  500011: noAcs,
  500014: () => [
    'the service principal of Azure Communication Services is disabled',
    `az ad sp update --id ${acsApp} --set accountEnabled=true`,
  ],
  650053: noPermission,
  650057: noPermission,
  65005: noPermission,
  70011: noPermission,
  28002: noPermission,
  65001: noConsent,
  65004: noConsent,
  90094: noConsent,
  501051: ({ clientId }) => [
    'the tenant lets in only what is assigned to the app, and this is not',
    `az ad sp update --id ${clientId} --set appRoleAssignmentRequired=false, or assign it`,
  ],
  ...sameFor(policy, [53000, 53001, 53002, 53003, 530003, 53011]),
  ...sameFor(
    ofAccount,
    [
      50105, 50020, 51004, 90072, 50034, 50057, 16000, 50076, 50079, 50072, 50074, 50158, 70043, 50055, 50078,
      50097,
    ],
  ),
  50196: throttled,
  ...sameFor(passing, [90033, 90024, 90006, 50033, 90055]),
}

function sameFor(refusal: Refusal, numbers: readonly number[]): Record<number, Refusal> {
  return Object.fromEntries(numbers.map((number) => [number, refusal]))
}

/** Of policies for apps alone: no sign-in of a person meets them. */
export const aboutAppAlone = new Set([53003, 530003, 501051])

/** Of the code that was asked about, worthless as it is: Entra has accepted the app by then. */
const aboutCode = new Set([54005, 70000, 70002, 70008, 700084, 700082, 50173, 500133, 9002313])

/** A general number may come before the one that says what is wrong. */
export function knownRefusalOf(numbers: readonly number[], app: AppRegistration): Finding | undefined {
  const number = numbers.find((one) => refusals[one])
  const refusal = number === undefined ? undefined : refusals[number]
  if (!refusal) return undefined
  const [text, mend] = refusal(app)
  return bad(`${text} (AADSTS${number})`, mend)
}

/** Nothing where every number is about the code. */
export function refusalOf(numbers: readonly number[], app: AppRegistration): Finding | undefined {
  const other = numbers.find((one) => !aboutCode.has(one))
  return (
    knownRefusalOf(numbers, app) ??
    (other === undefined
      ? undefined
      : bad(
          `Entra refuses the app (AADSTS${other})`,
          `https://login.microsoftonline.com/error?code=${other}`,
        ))
  )
}
