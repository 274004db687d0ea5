// The doctor where everything is right.
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { allRows, clientId, managedIdentity, startService, type TestService } from '../support/service.ts'
import { type Command, startCommand } from './fixtures/command.ts'
import { examine, good, startDoctor } from './fixtures/doctor.ts'

let keys: TestService
let secretless: TestService

beforeAll(async () => {
  keys = await startService({ clientSecret: 'canary-of-the-secret' })
  secretless = await startService({ secretless: true })
  // The doctor looks at what the service needs, not at the service.
  await Promise.all([...keys.instances, ...secretless.instances].map((instance) => instance.kill()))
})
afterEach(() => {
  keys.entra.faults.clear()
  keys.acs.faults.clear()
})
afterAll(() => Promise.all([keys.stop(), secretless.stop()]))

describe('when everything is right', () => {
  test('every check is good with keys, and the table keeps nothing', async () => {
    const { code, marks, output } = await examine(keys.env)
    expect(marks).toEqual(good)
    expect(code).toBe(0)
    expect(output).toContain(`registered: ${keys.publicUrl}/api/redirect, ${keys.publicUrl}/api/signed-out`)
    expect(output).toMatch(/\n\nNothing to mend: 8 good, 3 not checked\.\n$/)
    expect(await allRows(keys.table)).toEqual([])
  })

  test('every check is good with a managed identity', async () => {
    const { code, marks, line } = await examine({ ...secretless.env, API_AUDIENCE: clientId })
    expect(marks).toEqual({ ...good, 'managed identity': '✓', 'own API': '✓' })
    expect(line('managed identity')).toContain(managedIdentity.principalId)
    expect(code).toBe(0)
    expect(await allRows(secretless.table)).toEqual([])
  })

  test('rows of others stay as they are', async () => {
    await keys.table.createTable().catch(() => {})
    await keys.table.createEntity({ partitionKey: 'somebody', rowKey: 'else', sealed: 'theirs' })
    const before = await allRows(keys.table)
    onTestFinished(() => void keys.table.deleteEntity('somebody', 'else'))
    expect((await examine(keys.env)).marks).toEqual(good)
    expect(await allRows(keys.table)).toEqual(before)
  })

  test('nothing secret is printed, however talkative Node and the SDKs are told to be', async () => {
    const talkative = {
      NODE_DEBUG: 'http,https,tls,net,undici,fetch',
      AZURE_LOG_LEVEL: 'verbose',
      DEBUG: '*',
    }
    const runs = [keys.env, secretless.env].map((env) => examine({ ...env, ...talkative }))
    expect((await Promise.all(runs)).map(({ code }) => code)).toEqual([0, 0])
  })
})

test('what is waited for is named, and the other checks do not wait', async () => {
  let doctor: Command | undefined
  let printed: string | undefined
  keys.entra.faults.add({ hang: true })
  keys.acs.faults.add({
    match: () => {
      printed ??= doctor?.output()
      return true
    },
    hang: true,
  })
  doctor = startDoctor(keys.env)
  await doctor.ended
  expect(doctor.output()).toContain('… Entra\n')
  // When ACS was asked, nothing had come of Entra yet.
  expect(printed).toBeTypeOf('string')
  expect(printed).not.toContain('✗ Entra')
})

test('a flag that it does not know is refused in one line', async () => {
  const doctor = startCommand('doctor/doctor.ts', ['--fix'])
  expect(await doctor.ended).toBe(1)
  expect(doctor.output()).toMatch(/^Unknown option '--fix'.*\n$/)
})
