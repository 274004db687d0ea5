// The card that asks for what only a person can do. Its link opens another tab, so that this page keeps what it has.
import { AccountMismatch, SignInRequired, TokenServiceError } from '../src/errors.ts'
import type { Account } from '../src/session.ts'
import { loginUrl } from '../src/sign-in.ts'
import { endpoint } from './call-token.ts'
import { byId } from './page.ts'
import { errorWords } from './words.ts'

/** Offers what only a person can do, and says whether there is such a thing. */
export function showNotice(error: unknown, account: Account): boolean {
  const offer = offerFor(error, account)
  byId('notice').hidden = !offer
  if (!offer) return false
  byId('notice-heading').textContent = offer.heading
  byId('notice-text').textContent = offer.text
  const link = byId<HTMLAnchorElement>('notice-link')
  link.href = offer.href
  link.textContent = `${offer.link} (new tab)`
  return true
}

interface Offer {
  heading: string
  text: string
  link: string
  href: string
}

function offerFor(error: unknown, account: Account): Offer | undefined {
  const link = `Sign in as ${account.name ?? account.username}`
  if (error instanceof SignInRequired) {
    const text =
      'The next token needs you. Sign in, and this page goes on by itself. The token that it has stays good until it runs out.'
    return { heading: 'Sign in again', text, link, href: signInUrl(account, error) }
  }
  if (error instanceof AccountMismatch) {
    const text = `Somebody else signed in, in another tab. This page keeps to ${account.name ?? account.username} and got no token of the other account.`
    return { heading: 'Another account is signed in now', text, link, href: signInUrl(account) }
  }
  if (error instanceof TokenServiceError && error.adminConsentUrl) {
    const text = errorWords(error).text
    return {
      heading: 'Permission is missing',
      text,
      link: 'Give permission for everyone',
      href: error.adminConsentUrl,
    }
  }
  return undefined
}

function signInUrl(account: Account, error?: TokenServiceError): string {
  return loginUrl({ endpoint, returnTo: '/api/demo', loginHint: account.username, error })
}

export function hideNotice(): void {
  byId('notice').hidden = true
}
