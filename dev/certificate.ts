/**
 * The throw-away TLS certificate of the stand-ins. The CA's key never leaves this function, so whoever
 * trusts `ca` trusts one loopback certificate and nothing else, ever.
 */

import { randomUUID } from 'node:crypto'
import { generate } from 'selfsigned'

/** PEM: a CA (public part only), and a certificate of it with its key. */
export interface Certificate {
  ca: string
  cert: string
  key: string
}

/** Makes a new CA and a certificate of it for localhost, 127.0.0.1 and ::1, good for a year. */
export async function createCertificate(): Promise<Certificate> {
  // An hour back, for a container whose clock runs behind.
  const notBeforeDate = new Date(Date.now() - 3_600_000)
  const ec = { keyType: 'ec', algorithm: 'sha256', notBeforeDate } as const
  // OpenSSL finds an issuer by its name: where several such CAs are trusted, each needs one of its own.
  const ca = await generate([{ name: 'commonName', value: `Stand-ins CA ${randomUUID()}` }], {
    ...ec,
    extensions: [
      { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  })
  const leaf = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...ec,
    ca: { cert: ca.cert, key: ca.private },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  })
  return { ca: ca.cert, cert: leaf.cert, key: leaf.private }
}
