// Headers of every answer, whatever its status: it is not stored, not framed, not sniffed, and loads nothing.
import { createHash } from 'node:crypto'

const csp = "default-src 'none'; frame-ancestors 'none'"

export function securityHeaders(secure: boolean): Record<string, string> {
  return {
    'Cache-Control': 'no-store',
    'Content-Security-Policy': csp,
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    ...(secure ? { 'Strict-Transport-Security': 'max-age=31536000; includeSubDomains' } : {}),
  }
}

/** The same policy, with exactly one style sheet, and perhaps one script, let in by its hash. */
export function pagePolicy(style: string, script?: string): string {
  return `${csp}; style-src ${sourceHash(style)}${script ? `; script-src ${sourceHash(script)}` : ''}`
}

/** The source expression that lets in exactly this inline script or style sheet. */
export function sourceHash(source: string): string {
  return `'sha256-${createHash('sha256').update(source).digest('base64')}'`
}
