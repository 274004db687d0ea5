import { X509Certificate } from 'node:crypto'
import { createServer, get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createCertificate } from '../../dev/certificate.ts'

test('the certificate is good for the loopback names and is of its own CA', async () => {
  const { ca, cert, key } = await createCertificate()
  const [authority, leaf] = [new X509Certificate(ca), new X509Certificate(cert)]

  expect(leaf.verify(authority.publicKey)).toBe(true)
  expect(leaf.checkIssued(authority)).toBe(true)
  expect(leaf.checkHost('localhost')).toBe('localhost')
  expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1')
  expect(leaf.checkIP('::1')).toBe('::1')
  expect(leaf.checkHost('example.com')).toBeUndefined()
  expect(key).toContain('BEGIN PRIVATE KEY')
})

test('only the CA is a CA', async () => {
  const { ca, cert } = await createCertificate()

  expect(new X509Certificate(ca).ca).toBe(true)
  expect(new X509Certificate(cert).ca).toBe(false)
})

test('several CAs can be trusted at once', async () => {
  const all = await Promise.all([1, 2, 3, 4].map(() => createCertificate()))
  const trusted = all.map(({ ca }) => ca)

  for (const { cert, key } of all) {
    const server = createServer({ cert, key }, (_, response) => response.end('hello'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const status = await new Promise((resolve, reject) => {
      get({ host: 'localhost', port, ca: trusted, agent: false }, (response) => {
        resolve(response.resume().statusCode)
      }).once('error', reject)
    })
    server.close()
    expect(status).toBe(200)
  }
})

test('a certificate is not of another CA', async () => {
  const [one, other] = [await createCertificate(), await createCertificate()]

  expect(new X509Certificate(one.cert).verify(new X509Certificate(other.ca).publicKey)).toBe(false)
})
