// How the local app is registered and set up, shared by `npm run dev`, `npm run stand-ins` and local.settings.sample.json.
// Nothing here is a secret: none of it opens anything but the stand-ins of one machine.
import { join } from 'node:path'
import { people, tenantName, tenants } from './entra/directory.ts'

/** Keys, certificates and data of the commands; ignored by git. */
export const devFolder = join(import.meta.dirname, '..', '.dev')

export const tenantId = tenants.contoso
export const clientId = '8d3f6a52-1c7e-4b90-a4d6-5e2f0b9c7a11'
export const acsAccessKey = Buffer.from('opens the local ACS stand-in, nothing else').toString('base64')

/** The ports of `npm run stand-ins`, as in local.settings.sample.json. Azurite's are those of UseDevelopmentStorage. */
export const standInPorts = {
  entra: 7072,
  entraPages: 7073,
  acs: 7074,
  blob: 10000,
  queue: 10001,
  table: 10002,
} as const

/** What the app at this origin has registered with Entra. */
export function redirectUris(origin: string): string[] {
  return [`${origin}/api/redirect`, `${origin}/api/signed-out`]
}

/** One line for each person who can sign in at the app. */
export function describePeople(): string[] {
  return people
    .filter((person) => person.tenantId === tenantId)
    .map((person) => {
      const notes = [
        person.teamsLicense ? [] : ['no Teams license'],
        person.homeTenantId === person.tenantId ? [] : [`a guest from ${tenantName(person.homeTenantId)}`],
      ].flat()
      return `  ${person.name}, ${person.username}${notes.length ? ` (${notes.join(', ')})` : ''}`
    })
}
