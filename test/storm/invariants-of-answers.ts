// What must hold of each answer by itself.
import type { History, RecordedRequest, RequestKind } from './history.ts'
import { describeRequest } from './life.ts'

/** Twice the service's own deadline: a busy machine adds time that the service does not see. */
const limitMs = 20_000

export function everyRequestIsAnsweredInTime({ requests }: History): string[] {
  return requests
    .filter(({ status, begun, ended }) => status === undefined || ended - begun > limitMs)
    .map((request) => describeRequest(request))
}

/** A storm has no faults, so sign-ins and logouts succeed, and the other requests find a session or are told to sign in. */
export function everyAnswerIsOneThatItsRequestMayGet({ requests }: History): string[] {
  const may: Record<RequestKind, (string | undefined)[]> = {
    'sign-in': ['302'],
    token: ['200', '401 sign_in_required'],
    session: ['200', '401 sign_in_required'],
    logout: ['200'],
  }
  return requests
    .filter(({ status }) => status !== undefined)
    .filter(({ kind, status, problem }) => !may[kind].includes([status, problem].filter(Boolean).join(' ')))
    .map((request) => describeRequest(request))
}

export function everyAnswerIsAboutItsOwnUser({ requests }: History): string[] {
  return requests.filter(isAboutSomebodyElse).map((request) => describeRequest(request))
}

function isAboutSomebodyElse({ session, token, account }: RecordedRequest): boolean {
  if (!session) return false
  const { objectId, tenantId, username } = session.person
  if (account)
    return account.objectId !== objectId || account.tenantId !== tenantId || account.username !== username
  if (!token) return false
  const { user, content } = token
  return user !== objectId || content?.objectId !== objectId || content.tenantId !== tenantId
}

/** Entra's tokens last 12 minutes at least in a storm, so there is always one with 10 minutes left. */
export function everyTokenLastsTenMinutes({ requests }: History): string[] {
  return requests
    .filter(({ token, ended }) => token && token.expiresOn.getTime() - ended < 10 * 60_000)
    .map((request) => describeRequest(request))
}
