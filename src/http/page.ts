// The small pages that people meet: fixed words, links, one style sheet, and a script where there is something to do. Loaded when the
// first one is shown.
import { pagePolicy } from './headers.ts'

export interface PageLink {
  href: string
  text: string
}

export interface Page {
  title: string
  text: string
  links?: readonly PageLink[]
  /** Small print: what an operator needs to find the request in the log. */
  note?: string
  /** Of ours, and never with what came in. */
  script?: string
}

const style = `
:root { color-scheme: light dark; --ink: #1b1a19; --paper: #faf9f8; --card: #fff; --edge: #e1dfdd; --accent: #4f52b2; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f3f2f1; --paper: #1b1a19; --card: #292827; --edge: #484644; --accent: #a6a7f5; }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
main { box-sizing: border-box; width: min(28rem, 100vw - 2rem); padding: 2rem; background: var(--card);
  border: 1px solid var(--edge); border-radius: .75rem; }
h1 { margin: 0 0 .5rem; font-size: 1.375rem; }
p { margin: 0 0 1.25rem; }
main > :last-child { margin-bottom: 0; }
nav { display: flex; flex-wrap: wrap; gap: .75rem 1.5rem; }
a { color: var(--accent); }
small { display: block; margin-top: 1.5rem; overflow-wrap: anywhere; opacity: .7; }
`

export function pageResponse(status: number, { title, text, links = [], note, script }: Page) {
  const anchors = links
    .map(({ href, text: label }) => `<a href="${escapeHtml(href)}">${escapeHtml(label)}</a>`)
    .join('')
  const body = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${style}</style></head>
<body><main><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p>${links.length > 0 ? `<nav>${anchors}</nav>` : ''}${
    note ? `<small>${escapeHtml(note)}</small>` : ''
  }</main>${script ? `<script>${script}</script>` : ''}</body>
</html>
`
  return {
    status,
    body,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': pagePolicy(style, script),
    },
  }
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
