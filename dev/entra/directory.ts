/**
 * The tenants and people of the local Entra ID, as plain data. Each person is one account of one tenant;
 * a guest is a second account of someone whose home is elsewhere.
 */

export const tenants = {
  contoso: '5d1c33a8-02f4-4d0e-9a3b-7c1f40d5e201',
  fabrikam: 'b7a4e6f0-6c5d-4f0b-8f57-2e90c8a1d302',
} as const

export interface Person {
  objectId: string
  tenantId: string
  homeTenantId: string
  homeObjectId: string
  name: string
  username: string
  teamsLicense: boolean
}

/** Someone who lives in the tenant; guests are written out. */
export function member(tenantId: string, objectId: string, name: string, username: string): Person {
  return {
    objectId,
    tenantId,
    homeTenantId: tenantId,
    homeObjectId: objectId,
    name,
    username,
    teamsLicense: true,
  }
}

const megan = member(
  tenants.fabrikam,
  '3f0e2b61-94c7-4a15-b1d8-60a7c95e4f21',
  'Megan Bowen',
  'megan@fabrikam.example',
)

export const people: readonly Person[] = [
  member(tenants.contoso, '0c9a7d1e-5b34-4e67-8f21-a3d4b6c8e911', 'Adele Vance', 'adele@contoso.example'),
  member(tenants.contoso, '1e8f4c2b-7a90-4d53-9c16-b2e5f7a0d812', 'Alex Wilber', 'alex@contoso.example'),
  {
    ...member(tenants.contoso, '2b7d6e3c-8f01-4a92-a5d7-c4f3e1b09713', 'Lee Gu', 'lee@contoso.example'),
    teamsLicense: false,
  },
  // Entra's own form of a guest's user name, except that the domain is not onmicrosoft.com.
  {
    ...megan,
    tenantId: tenants.contoso,
    objectId: '4a6c9f85-1d2e-4b70-9e38-d5b7a2c4f614',
    username: 'megan_fabrikam.example#EXT#@contoso.example',
    teamsLicense: false,
  },
  member(tenants.contoso, '6d5b0e97-3c48-4f1a-8b29-e7c6d4a1f315', 'Zoë Nuñez Kovač', 'zoe@contoso.example'),
  megan,
  member(
    tenants.fabrikam,
    '7f4a8d06-2e59-4c3b-a7e1-f8d5b3c2a416',
    'Diego Siciliani',
    'diego@fabrikam.example',
  ),
]

/** Microsoft's own apps that bring the tokens of Teams tabs (learn.microsoft.com/microsoftteams/platform/tabs/how-to/authentication). */
export const teamsClients = {
  desktop: '1fec8e78-bce4-4aaf-ab1b-5451cc387264',
  web: '5e3ce6c0-2b1f-4285-8d4b-75ee78787346',
} as const

/** The person with this user name; throws when nobody has it. */
export function personNamed(username: string): Person {
  const person = people.find((candidate) => candidate.username === username)
  if (!person) throw new Error(`nobody is called ${username}`)
  return person
}

/** `organizations` and `common` take anyone at their home tenant, never as a guest elsewhere. */
export function isSharedTenant(tenant: string): boolean {
  return tenant === 'organizations' || tenant === 'common'
}

export function isTenant(tenant: string): boolean {
  return isSharedTenant(tenant) || Object.values<string>(tenants).includes(tenant)
}

/** Who of `everyone` can sign in at an authority. */
export function peopleAt(tenant: string, everyone: readonly Person[]): Person[] {
  return everyone.filter((person) =>
    isSharedTenant(tenant) ? person.tenantId === person.homeTenantId : person.tenantId === tenant,
  )
}

export function tenantName(tenantId: string): string {
  const name = Object.entries(tenants).find(([, id]) => id === tenantId)?.[0] ?? tenantId
  return name.charAt(0).toUpperCase() + name.slice(1)
}
