// The rush as a picture: who has a token at which time, for the least that is possible, this version and 0.1.0. SVG by hand, since it
// is three lines and two axes; it follows the reader's colour scheme.

export interface Line {
  name: string
  colour: string
  /** People with a token, second by second. */
  served: ArrayLike<number>
}

const width = 720
const height = 360
const margin = { top: 48, right: 24, bottom: 48, left: 64 }

export function picture(title: string, people: number, lines: readonly Line[]): string {
  const seconds = Math.max(...lines.map(({ served }) => served.length))
  const step = niceStep(seconds)
  const last = Math.ceil(seconds / step) * step
  const x = (at: number) => round(margin.left + (at / last) * (width - margin.left - margin.right))
  const y = (count: number) =>
    round(height - margin.bottom - (count / people) * (height - margin.top - margin.bottom))
  const times = Array.from({ length: last / step + 1 }, (_, index) => index * step)
  const shares = [0, 0.25, 0.5, 0.75, 1]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" font-family="system-ui, sans-serif" font-size="13">`,
    `<title>${title}</title>`,
    '<style>text{fill:#333}.grid{stroke:#8884}.line{fill:none;stroke-width:2.5}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>',
    ...shares.flatMap((share) => [
      `<path class="grid" d="M${x(0)} ${y(share * people)}H${x(last)}"/>`,
      text(x(0) - 8, y(share * people) + 4, Math.round(share * people).toLocaleString('en'), 'end'),
    ]),
    ...times.map((at) => text(x(at), height - margin.bottom + 20, `${at} s`, 'middle')),
    ...lines.flatMap(({ name, colour, served }, index) => [
      `<path class="line" stroke="${colour}" d="${pathOf(served, x, y)}"/>`,
      `<path class="line" stroke="${colour}" d="M${margin.left + index * 210} 20h24"/>`,
      text(margin.left + index * 210 + 32, 24, name, 'start'),
    ]),
    '</svg>\n',
  ].join('\n')
}

/** A point wherever the number changes, a hundred at most. */
function pathOf(served: ArrayLike<number>, x: (at: number) => number, y: (count: number) => number): string {
  const every = Math.max(1, Math.floor(served.length / 100))
  const points = Array.from(served)
    .map((count, at) => ({ count, at }))
    .filter(({ at }) => at % every === 0 || at === served.length - 1)
  return `M${x(0)} ${y(0)}${points.map(({ count, at }) => `L${x(at + 1)} ${y(count)}`).join('')}`
}

function text(x: number, y: number, words: string, anchor: string): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${words}</text>`
}

function niceStep(seconds: number): number {
  return [10, 30, 60, 120, 300, 600, 1_800].find((step) => seconds / step <= 10) ?? 3_600
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
