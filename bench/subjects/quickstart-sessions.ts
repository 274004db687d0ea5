// People who have signed in to the quickstart, and their token requests.
import { Browser } from '../../test/support/browser.ts'
import type { Cloud } from '../stand-ins/cloud.ts'
import { tokenRequest } from './sessions.ts'
import type { Subject } from './subject.ts'

/** Signs the first of the directory's people in; the answer is each one's `POST /api/token`. */
export async function signInToQuickstart(cloud: Cloud, subject: Subject, count: number): Promise<Buffer[]> {
  const requests: Buffer[] = []
  for (const { username } of cloud.people.slice(0, count)) {
    const browser = new Browser(subject)
    const answer = await browser.signIn({ person: username })
    const session = browser.cookies.get('session')
    if (!session) throw new Error(`the quickstart's sign-in ended with ${answer.status}`)
    requests.push(tokenRequest(subject, `session=${session}`))
  }
  return requests
}
