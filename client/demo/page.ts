// The elements of page.html by their id.

/** Throws when page.html has no such element, which no test would miss. */
export function byId<Element extends HTMLElement = HTMLElement>(id: string): Element {
  const element = document.getElementById(id)
  if (!element) throw new Error(`page.html has no #${id}`)
  return element as Element
}

/** The one live region: say what a person who does not see the page has to know, and nothing twice. */
export function say(text: string): void {
  const status = byId('status')
  if (status.textContent !== text) status.textContent = text
}
