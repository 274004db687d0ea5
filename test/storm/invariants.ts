// What must hold of every storm. Each function reads the history, and says of each violation what it saw; its name says
// what holds.
import type { History } from './history.ts'
import {
  every503HasACause,
  everyAnswerIsAboutItsOwnUser,
  everyAnswerIsOneThatItsRequestMayGet,
  everyRequestIsAnswered,
  everyTokenLasts,
} from './invariants-of-answers.ts'
import {
  everyRowBelongsToALivingSession,
  everyRowOpensToItsOwnAccount,
  noRefreshTokenIsLost,
} from './invariants-of-rows.ts'
import {
  aRefusedSessionStaysDead,
  everybodyHasATokenInTheEnd,
  everySignOutIsDoneInTheEnd,
  noSessionEndsByItself,
  noSessionIsAliveAfterItsLogout,
  revokedSessionsEndAtTheirNextRenewal,
} from './invariants-of-sessions.ts'
import {
  noCodeIsSentTwice,
  noDeadRefreshTokenIsSentAgain,
  nothingIsLoggedAsAnError,
} from './invariants-of-upstreams.ts'

export type Invariant = (history: History) => string[]

export const invariants = {
  noSessionIsAliveAfterItsLogout,
  aRefusedSessionStaysDead,
  noSessionEndsByItself,
  revokedSessionsEndAtTheirNextRenewal,
  everyAnswerIsAboutItsOwnUser,
  everyRowOpensToItsOwnAccount,
  everyRowBelongsToALivingSession,
  noRefreshTokenIsLost,
  everyRequestIsAnswered,
  everyAnswerIsOneThatItsRequestMayGet,
  every503HasACause,
  everyTokenLasts,
  everybodyHasATokenInTheEnd,
  everySignOutIsDoneInTheEnd,
  noCodeIsSentTwice,
  noDeadRefreshTokenIsSentAgain,
  nothingIsLoggedAsAnError,
} satisfies Record<string, Invariant>

export interface Violation {
  invariant: keyof typeof invariants
  what: string
}

export function checkInvariants(history: History): Violation[] {
  const names = Object.keys(invariants) as (keyof typeof invariants)[]
  return names.flatMap((invariant) => invariants[invariant](history).map((what) => ({ invariant, what })))
}
