// What happens in a storm, step by step. It follows from the seed alone; only what a step finds (a session, or none yet)
// depends on the steps before it.
import type { Random } from './random.ts'

export type StepKind =
  /** One request of a session. */
  | 'token'
  | 'session'
  /** Several requests of one session at once, each at another process. */
  | 'race'
  /** The end of a session while other processes renew it. */
  | 'logout'
  /** A new sign-in in a browser that has a session, while other processes renew that. */
  | 'replace'
  /** A request with the cookie of a session that has ended. */
  | 'replay'
  /** Entra revokes a user's refresh tokens while sessions of theirs renew. */
  | 'revoke'
  /** The row of a session is written as 0.1.0 would have written it, while other processes renew it. */
  | 'older'

export type Weights = Record<StepKind, number>

export const usualWeights: Weights = {
  token: 40,
  session: 12,
  race: 20,
  logout: 12,
  replace: 6,
  replay: 8,
  revoke: 2,
  older: 10,
}

export interface Step {
  kind: StepKind
  user: number
  /** Which browser of the user. */
  browser: number
  /** Different places of processes, four where there are so many. */
  at: readonly number[]
  /** How long the end of a session is put off, so that its renewal is under way by then. */
  pauseMs: number
  /** Entra's tokens have to be renewed at the next request, from this step on. */
  shortTokens: boolean
  /** A session that begins in this step begins as a row of 0.1.0. */
  beginsOlder: boolean
  /** Picks one of any number of things: from 0 up to 1. */
  pick: number
}

export interface PlanOptions {
  users: number
  browsers: number
  processes: number
  weights: Weights
}

const shortShare = 0.7
const olderShare = 0.5
const maxPauseMs = 60

export function* planSteps(
  random: Random,
  { users, browsers, processes, weights }: PlanOptions,
): Generator<Step, never> {
  for (;;) {
    yield {
      kind: random.weighted(weights),
      user: random.below(users),
      browser: random.below(browsers),
      at: random.distinct(4, processes),
      pauseMs: random.below(maxPauseMs),
      shortTokens: random.chance(shortShare),
      beginsOlder: random.chance(olderShare),
      pick: random.next(),
    }
  }
}
