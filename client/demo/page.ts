// The elements of page.html by their id.

/** Throws when page.html has no such element. */
export function byId<Element extends HTMLElement = HTMLElement>(id: string): Element {
  const element = document.getElementById(id)
  if (!element) throw new Error(`page.html has no #${id}`)
  return element as Element
}

/** Writes to the page's one live region, which screen readers read aloud; the same text again is not read again. */
export function say(text: string): void {
  const status = byId('status')
  if (status.textContent !== text) status.textContent = text
}
