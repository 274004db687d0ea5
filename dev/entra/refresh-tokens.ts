/**
 * Refresh tokens that carry their own content, encrypted under a key that lives as long as the signing
 * key, so that they survive a restart without a store. Revocations are in memory and do not.
 */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Person } from './directory.ts'
import { EntraError, entraErrors } from './errors.ts'

const prefix = '1.A'
const lifetimeMs = 90 * 24 * 3_600_000

interface Content {
  objectId: string
  tenantId: string
  clientId: string
  scope: string
  issuedAt: number
  /** How often the person's tokens had been revoked by then. A count, since a test's clock may stand still. */
  generation: number
}

export class RefreshTokens {
  readonly #key: Buffer
  readonly #people: readonly Person[]
  readonly #now: () => Date
  readonly #generations = new Map<string, number>()

  constructor(key: Buffer, people: readonly Person[], now: () => Date) {
    this.#key = key
    this.#people = people
    this.#now = now
  }

  issue(person: Person, clientId: string, scope: string): string {
    const { objectId, tenantId } = person
    const content: Content = {
      objectId,
      tenantId,
      clientId,
      scope,
      issuedAt: this.#now().getTime(),
      generation: this.#generation(objectId),
    }
    const iv = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv)
    const sealed = Buffer.concat([
      iv,
      cipher.update(JSON.stringify(content)),
      cipher.final(),
      cipher.getAuthTag(),
    ])
    return prefix + sealed.toString('base64url')
  }

  /** Revokes all of the person's refresh tokens; later ones are good. */
  revoke(objectId: string): void {
    this.#generations.set(objectId, this.#generation(objectId) + 1)
  }

  peek(token: string): Person | undefined {
    const content = this.#open(token)
    return content && this.#personOf(content)
  }

  /** Whose token it is and for what. Refresh tokens are not used up: Entra keeps older ones valid. */
  redeem(token: string, clientId: string): { person: Person; scope: string } {
    const content = this.#open(token)
    const person = content && this.#personOf(content)
    if (!content || !person || content.clientId !== clientId) throw new EntraError(entraErrors.badToken)
    if (content.generation < this.#generation(content.objectId)) {
      throw new EntraError(entraErrors.refreshTokenRevoked)
    }
    if (content.issuedAt + lifetimeMs <= this.#now().getTime()) {
      throw new EntraError(entraErrors.refreshTokenExpired)
    }
    return { person, scope: content.scope }
  }

  #personOf({ objectId, tenantId }: Content): Person | undefined {
    return this.#people.find((person) => person.objectId === objectId && person.tenantId === tenantId)
  }

  #generation(objectId: string): number {
    return this.#generations.get(objectId) ?? 0
  }

  #open(token: string): Content | undefined {
    const sealed = Buffer.from(token.slice(prefix.length), 'base64url')
    if (!token.startsWith(prefix) || sealed.length < 28) return undefined
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, 12), {
        authTagLength: 16,
      })
      decipher.setAuthTag(sealed.subarray(-16))
      return JSON.parse(decipher.update(sealed.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8'))
    } catch {
      return undefined
    }
  }
}
