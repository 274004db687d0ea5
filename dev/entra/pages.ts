/** The pages that people meet, plain enough to need no script and marked so that nobody takes them for real. */

import { isSharedTenant, type Person, tenantName } from './directory.ts'
import type { entraErrors } from './errors.ts'
import { Html, html } from './html.ts'

/** What a developer may have the sign-in refused with, to see what the app says then. */
export const refusals = [
  { name: 'adminConsentRequired', text: 'an administrator has to consent' },
  { name: 'notAssigned', text: 'the account is not assigned to the app' },
  { name: 'blockedByPolicy', text: 'a Conditional Access policy' },
  { name: 'scopeMissing', text: 'the registration is wrong' },
  { name: 'transient', text: 'Entra has trouble' },
] as const satisfies { name: keyof typeof entraErrors; text: string }[]

export function signInPage(tenant: string, people: readonly Person[], hint?: string): Html {
  const where = isSharedTenant(tenant) ? 'any organization' : tenantName(tenant)
  const unknown = hint !== undefined && !people.some(({ username }) => username === hint)
  return page(
    'Pick an account',
    html`<p>to sign in to ${where}</p>
${unknown ? html`<p class="note">There is nobody called ${hint} here.</p>` : undefined}
<form method="post">
<ul>${people.map(personButton)}</ul>
<button class="quiet" name="cancel" value="1">Cancel</button>
<details><summary>Have it refused</summary><ul>${refusals.map(
      ({ name, text }) => html`<li><button class="quiet" name="refuse" value="${name}">${text}</button></li>`,
    )}</ul></details>
</form>`,
  )
}

function personButton(person: Person): Html {
  const remark =
    person.tenantId !== person.homeTenantId ? 'guest' : person.teamsLicense ? undefined : 'no Teams licence'
  return html`<li><button class="person" name="person" value="${person.objectId}">
<span class="face" aria-hidden="true">${initials(person.name)}</span>
<span><strong>${person.name}</strong>${remark ? html` <em>${remark}</em>` : undefined}<br><small>${person.username}</small></span>
</button></li>`
}

function initials(name: string): string {
  return name
    .split(' ')
    .slice(0, 2)
    .map((word) => word.charAt(0))
    .join('')
}

export function consentPage(tenant: string, clientId: string): Html {
  return page(
    'Permissions requested',
    html`<p>for ${isSharedTenant(tenant) ? 'your organization' : tenantName(tenant)}</p>
<p>The app <code>${clientId}</code> would like to make and take calls, and read and send chats, for its Teams users.</p>
<form method="post">
<button name="accept" value="1">Accept</button>
<button class="quiet" name="cancel" value="1">Cancel</button>
</form>`,
  )
}

export function signedOutPage(): Html {
  return page('You signed out of your account', html`<p>It is a good idea to close all browser windows.</p>`)
}

export function errorPage(message: string): Html {
  return page('Sorry, but we’re having trouble signing you in', html`<p class="note">${message}</p>`)
}

function page(title: string, body: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – Entra stand-in (local)</title>
<style>${new Html(style)}</style>
</head>
<body>
<main>
<p class="brand">Entra stand-in (local)</p>
<h1>${title}</h1>
${body}
</main>
<footer>Runs on this machine. No password, no real account.</footer>
</body>
</html>
`
}

const style = `
:root { color-scheme: light dark; --line: light-dark(#d5d8de, #3b3f47); --accent: light-dark(#0f5fb8, #7ab8ff); }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; padding: 1rem; display: grid; place-content: center; justify-items: center;
  grid-template-columns: minmax(0, 27rem); font: 1rem/1.5 system-ui, sans-serif;
  color: light-dark(#1b1d21, #eceef1); background: light-dark(#eef1f5, #15171b); }
main { width: 100%; padding: 2rem 1.75rem; border-radius: 12px; background: light-dark(#fff, #1f2228);
  border: 1px solid var(--line); overflow-wrap: anywhere; }
h1 { margin: .75rem 0 .25rem; font-size: 1.45rem; line-height: 1.25; }
p { margin: 0 0 1rem; }
.brand { display: inline-block; margin: 0; padding: .15rem .6rem; border-radius: 6px; font-size: .8125rem; font-weight: 600;
  color: light-dark(#6b4300, #ffd591); background: light-dark(#ffefcf, #463411); }
.note { padding: .6rem .8rem; border-left: 4px solid var(--accent); background: light-dark(#eef4fb, #242b35); }
ul { list-style: none; margin: 0 0 1rem; padding: 0; display: grid; gap: .5rem; }
button { font: inherit; padding: .6rem 1rem; border-radius: 8px; cursor: pointer; color: light-dark(#fff, #10131a);
  background: var(--accent); border: 1px solid var(--accent); }
button.quiet { color: inherit; background: transparent; border-color: var(--line); }
button.person { width: 100%; display: flex; gap: .9rem; align-items: center; text-align: start; color: inherit;
  background: transparent; border-color: var(--line); }
button:hover { filter: brightness(1.08); }
button.person:hover, button.quiet:hover { filter: none; background: light-dark(#f2f6fb, #292d35); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.face { flex: none; width: 2.5rem; height: 2.5rem; border-radius: 50%; display: grid; place-content: center; font-weight: 600;
  color: light-dark(#0b4a91, #cfe4ff); background: light-dark(#dcebfb, #2b4161); }
em { padding: 0 .4rem; border-radius: 5px; font-size: .75rem; font-style: normal; border: 1px solid var(--line); }
small { color: light-dark(#575c66, #a9afba); }
footer { margin-top: 1rem; font-size: .8125rem; color: light-dark(#575c66, #a9afba); }
`
