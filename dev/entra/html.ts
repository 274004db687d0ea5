/** A template tag that escapes what it is given, so that a page cannot forget to. */

export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Value = string | Html | undefined | readonly Html[]

/** Escapes every value that is not itself made by `html`. */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(render)))
}

function render(value: Value): string {
  if (value === undefined) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'string') return escapeText(value)
  return value.map(render).join('')
}

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

export function htmlResponse(page: Html, status = 200): Response {
  return new Response(page.text, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
      'referrer-policy': 'strict-origin-when-cross-origin',
      // No form-action: browsers apply it to the redirect that answers the form, which leaves this origin.
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    },
  })
}
