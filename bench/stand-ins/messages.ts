// What the bench and its stand-ins' process say to each other.
import type { Certificate } from '../../dev/certificate.ts'
import type { Person } from '../../dev/entra/directory.ts'

/** The first message: what to start. */
export interface StartStandIns {
  certificate: Certificate
  clientId: string
  redirectUris: string[]
  people: readonly Person[]
}

/** The answer to it. */
export interface StandInsStarted {
  authorityHost: string
  pageOrigin: string
  acsConnectionString: string
}

/** Every later message; what it names is changed. */
export interface AdjustStandIns {
  /** Of every answer of Entra's server side and of ACS. */
  delayMs?: number
  /** Of Entra tokens, and so of ACS tokens, that are issued from now on. */
  accessTokenSeconds?: number
}

/** The answer to each of them: what was asked of the stand-ins since the one before. */
export interface StandInCounts {
  /** Codes redeemed, and refresh tokens. */
  entraTokens: number
  /** Metadata and keys. */
  entraDocuments: number
  acsExchanges: number
}
