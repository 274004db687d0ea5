import { createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../dev/ports.ts'

/** Of Linux; those of macOS and Windows begin at 49152. */
const firstOfTheSystem = 32_768

it('a free port is none that the system may give to somebody else before it is used', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, freePort))
  for (const port of ports) expect(port).toBeLessThan(firstOfTheSystem)
  expect(new Set(ports).size).toBeGreaterThan(25)
})

it('a free port can be listened on', async () => {
  const server = createServer()
  onTestFinished(() => void server.close())
  const port = await freePort()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  expect(server.address()).toMatchObject({ port })
})
