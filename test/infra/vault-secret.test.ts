// Where the token for the vault goes.
import { expect, inject, it, onTestFinished } from 'vitest'
import { listen } from '../../dev/faults.ts'
import { openVaultSecret } from '../../infra/vault-secret.ts'

it('the token goes to the vault alone, wherever the next page of a list is said to be', async () => {
  const certificate = inject('certificate')
  const asked: string[] = []
  const elsewhere = await listen(
    async (request) => {
      asked.push(request.headers.get('authorization') ?? '')
      return Response.json({ value: [], nextLink: null })
    },
    { certificate },
  )
  const vault = await listen(
    async () =>
      Response.json({
        value: [{ id: 'v1' }],
        nextLink: `https://localhost:${elsewhere.port}/secrets/x/versions`,
      }),
    { certificate },
  )
  onTestFinished(async () => {
    await Promise.all([elsewhere.stop(), vault.stop()])
  })
  const secret = openVaultSecret({
    vaultUrl: `https://localhost:${vault.port}`,
    name: 'x',
    credential: { getToken: async () => ({ token: 'canary', expiresOnTimestamp: Date.now() + 3_600_000 }) },
    waitForRoleSeconds: 0,
    onWait: () => {},
  })
  expect(await secret.versions()).toEqual(['v1'])
  expect(asked).toEqual([])
})
