// What happened, newest first. Not a live region, of which a screen reader would read every line aloud: the status
// line says what matters.
import { byId } from './page.ts'
import { clockTime } from './words.ts'

export interface PageEvent {
  kind: 'new' | 'same' | 'error' | 'note'
  text: string
  /** Shown small: a code, or what to do. */
  more?: string
}

const longest = 200

export function addEvent({ kind, text, more }: PageEvent): void {
  const list = byId('event-list')
  const at = new Date()
  const time = document.createElement('time')
  time.dateTime = at.toISOString()
  time.textContent = clockTime(at)
  const words = document.createElement('p')
  words.append(text)
  if (more) words.append(Object.assign(document.createElement('small'), { textContent: more }))
  const item = document.createElement('li')
  item.dataset.kind = kind
  item.append(time, words)
  list.prepend(item)
  while (list.children.length > longest) list.lastElementChild?.remove()
  byId('events').hidden = false
}
