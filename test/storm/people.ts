// As many people as a storm needs, all of one tenant and with a Teams license.
import { createHash } from 'node:crypto'
import { member, type Person, tenants } from '../../dev/entra/directory.ts'

export function generatePeople(count: number): Person[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `user${index + 1}`
    return member(tenants.contoso, objectIdOf(name), name, `${name}@contoso.example`)
  })
}

function objectIdOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
