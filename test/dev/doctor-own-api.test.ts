// What the doctor says of the own API: where `az` gives a token for it, the whole exchange on behalf of a user is tried.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { acsErrors } from '../../dev/acs/errors.ts'
import { personNamed } from '../../dev/entra/directory.ts'
import { entraErrors } from '../../dev/entra/errors.ts'
import { onBehalfOfGrant } from '../../dev/entra/on-behalf-of.ts'
import { apiUri, clientId, startService, type TestService } from '../support/service.ts'
import { examine, good } from './fixtures/doctor.ts'

const adele = personNamed('adele@contoso.example')
const lee = personNamed('lee@contoso.example')
const azureCli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46'
let service: TestService
let folder: string

beforeAll(async () => {
  service = await startService({ clientSecret: 'canary-of-the-secret', env: { API_AUDIENCE: clientId } })
  folder = await mkdtemp(join(tmpdir(), 'az-'))
  await Promise.all(service.instances.map((instance) => instance.kill()))
})
afterEach(() => {
  service.entra.faults.clear()
  service.acs.faults.clear()
})
afterAll(() => Promise.all([service.stop(), rm(folder, { recursive: true })]))

/** The doctor's line, where `az` gives a token of this person, or has not signed in. */
async function ownApi(person = adele, signedIn = true) {
  const accessToken = service.entra.accessToken(person, `${apiUri}/Tokens.Exchange`, azureCli)
  const answer = JSON.stringify({ accessToken, expires_on: Math.floor(Date.now() / 1000) + 3_600 })
  const script = signedIn ? `echo '${answer}'` : 'echo "Please run \'az login\'" >&2; exit 1'
  await writeFile(join(folder, 'az'), `#!/bin/sh\n${script}\n`)
  await chmod(join(folder, 'az'), 0o755)
  const { marks, line, output } = await examine({ ...service.env, PATH: `${folder}:${process.env.PATH}` })
  expect(output).not.toContain('unforeseen')
  expect(marks).toEqual({ ...good, 'own API': expect.stringMatching(/[✓✗]/) })
  return `${marks['own API']} ${line('own API')}`
}

test('a user of az for whom it works is proof', async () => {
  service.acs.requests.length = 0
  expect(await ownApi()).toMatch(/^✓ .*ACS gave a token on behalf of the user of az/)
  expect(service.acs.requests.at(-1)).toMatchObject({ appId: clientId, userId: adele.objectId, status: 200 })
})

test('without az it says how to have it tried', async () => {
  expect(await ownApi(adele, false)).toMatch(RegExp(`^✓ .*was tried.*az login --scope ${clientId}/.default`))
})

test('a user who may not is no fault of the settings', async () => {
  expect(await ownApi(lee)).toMatch(/^✓ .*does not let the user of az in/)
  service.entra.faults.add({ match: { grantType: onBehalfOfGrant }, entraError: entraErrors.mfaRequired })
  expect(await ownApi()).toMatch(/^✓ .*does not let the user of az in/)
})

test.each([
  [
    'the token of that grant',
    acsErrors.invalidAccessToken,
    /^✗ ACS refuses .*InvalidAccessToken, token\) => .*teamsUserAadToken/,
  ],
  ['its app', acsErrors.otherApp, /^✗ ACS refuses .*ValidationError, appId\) => .*teamsUserAadToken/],
])('an ACS that refuses %s is what nobody has seen, and is told', async (_, acsError, says) => {
  service.acs.faults.add({ match: ({ userId }) => userId === adele.objectId, acsError })
  expect(await ownApi()).toMatch(says)
})

test.each([
  [
    'permissions that nobody consented to',
    entraErrors.consentRequired,
    /65001.* => az ad app permission admin-consent/,
  ],
  ['the API of another registration', entraErrors.assertionAudience, /500131.* => API_AUDIENCE=/],
])('%s are to be mended', async (_, entraError, says) => {
  service.entra.faults.add({ match: { grantType: onBehalfOfGrant }, entraError })
  const line = await ownApi()
  expect(line).toMatch(/^✗/)
  expect(line).toMatch(says)
})
