import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startHost } from '../../dev/host/host.ts'
import { appFolder, runApp } from './fixtures/app-folder.ts'

test('an app is loaded in the order of the real host, and cannot register a function afterwards', async () => {
  const { url, lines } = await runApp(`
    const steps = ['loaded']
    app.hook.appStart(() => {
      steps.push('appStart')
      app.http('late-hook', { route: 'added-by-hook', handler: () => ({}) })
    })
    app.http('steps', {
      handler: () => {
        try {
          app.http('too-late', { handler: () => ({}) })
        } catch (error) {
          steps.push(error.message)
        }
        return { jsonBody: steps }
      },
    })
  `)
  const response = await fetch(`${url}/api/steps`)
  expect(await response.json()).toEqual([
    'loaded',
    'appStart',
    'A function can only be registered during app startup.',
  ])
  expect((await fetch(`${url}/api/added-by-hook`)).status).toBe(200)
  expect(lines).toEqual([])
})

test('hooks run around an invocation, share their data, and may change inputs, handler, result and error', async () => {
  const { url } = await runApp(`
    app.hook.preInvocation((context) => {
      context.hookData.seen = ['before ' + context.invocationContext.functionName]
      context.inputs[0].added = 'by the hook'
      const inner = context.functionHandler
      context.functionHandler = async (...inputs) => ({ wrapped: (await inner(...inputs)).jsonBody })
    })
    app.hook.postInvocation((context) => {
      context.error = null
      context.result = { jsonBody: { ...context.result, seen: context.hookData.seen } }
    })
    app.http('hooked', { handler: (request) => ({ jsonBody: request.added }) })
    app.http('rescued', { handler: () => { throw new Error('mended by the hook') } })
  `)
  expect(await (await fetch(`${url}/api/hooked`)).json()).toEqual({
    wrapped: 'by the hook',
    seen: ['before hooked'],
  })
  expect(await (await fetch(`${url}/api/rescued`)).json()).toEqual({ seen: ['before rescued'] })
})

test('what a function logs reaches the log with its level, and a log hook may change it', async () => {
  const { url, lines } = await runApp(`
    app.hook.log((context) => {
      if (context.level === 'error') context.message = 'cleaned'
    })
    app.http('log', {
      handler: (request, context) => {
        context.log('hello %s', 'there')
        context.trace('fine detail')
        context.warn({ a: 1 })
        context.error('a secret')
        return {}
      },
    })
  `)
  await fetch(`${url}/api/log`)
  expect(lines).toEqual([
    '[information] hello there',
    '[trace] fine detail',
    '[warning] { a: 1 }',
    '[error] cleaned',
  ])
})

test('a function that throws, rejects or returns junk is a 500 without a body, and the host goes on', async () => {
  const { url, lines } = await runApp(`
    app.http('junk', { handler: () => 'not an answer' })
    app.http('rejects', { handler: async () => { throw 'a string' } })
    app.http('throws', { handler: () => { throw new Error('on purpose') } })
  `)
  for (const name of ['throws', 'rejects', 'junk', 'throws']) {
    const response = await fetch(`${url}/api/${name}`)
    expect([response.status, await response.text()], name).toEqual([500, ''])
  }
  expect(lines[0]).toMatch(/^\[error\] GET \/api\/throws failed: Error: on purpose\n {4}at /)
})

test('an app whose entry point throws is served with zero functions', async () => {
  const { url, functions, lines } = await runApp(`
    app.http('here', { handler: () => ({}) })
    throw new Error('half way')
  `)
  expect(functions).toEqual([])
  expect((await fetch(`${url}/api/here`)).status).toBe(404)
  expect((await fetch(url)).status).toBe(200)
  expect(lines[0]).toContain('[error] Worker was unable to load the function app: Error: half way')
})

test('every start gets a fresh copy of the app and of its libraries', async () => {
  const folder = await appFolder(`
    let calls = 0
    app.http('count', { handler: () => ({ jsonBody: ++calls }) })
  `)
  const counts: unknown[] = []
  for (let start = 0; start < 2; start++) {
    const host = await startHost({ folder })
    for (let call = 0; call < 2; call++) counts.push(await (await fetch(`${host.url}/api/count`)).json())
    await host.stop()
  }
  expect(counts).toEqual([1, 2, 1, 2])
})

test('two hosts can run side by side', async () => {
  const [one, other] = [
    await runApp(`app.http('who', { handler: () => ({ body: 'one' }) })`),
    await runApp(`app.http('who', { handler: () => ({ body: 'other' }) })`),
  ]
  expect(await (await fetch(`${one.url}/api/who`)).text()).toBe('one')
  expect(await (await fetch(`${other.url}/api/who`)).text()).toBe('other')
})

test('WEBSITE_HOSTNAME is there before the app loads', async () => {
  const { url } = await runApp(`
    const hostname = process.env.WEBSITE_HOSTNAME
    app.http('hostname', { handler: () => ({ body: hostname }) })
  `)
  expect(`http://${await (await fetch(`${url}/api/hostname`)).text()}`).toBe(url)
})

test('a stop lets a request under way finish, and runs the terminate hooks', async () => {
  onTestFinished(() => void delete process.env.TEST_TERMINATED)
  const folder = await appFolder(`
    app.hook.appTerminate(() => { process.env.TEST_TERMINATED = 'yes' })
    app.http('slow', {
      handler: (request, context) => {
        context.log('began')
        return new Promise((resolve) => setTimeout(resolve, 100, { body: 'done' }))
      },
    })
  `)
  const began = Promise.withResolvers<void>()
  const host = await startHost({ folder, log: () => began.resolve() })
  const slow = fetch(`${host.url}/api/slow`)
  await began.promise
  await host.stop()
  expect(await (await slow).text()).toBe('done')
  expect(process.env.TEST_TERMINATED).toBe('yes')
  await expect(fetch(host.url)).rejects.toThrow()
})

test('a port that is taken and a broken host.json are refused in one plain sentence', async () => {
  const { url } = await runApp('')
  const folder = await appFolder('')
  const port = Number(new URL(url).port)
  await expect(startHost({ folder, port })).rejects.toThrow(`port ${port} is in use`)
  await writeFile(join(folder, 'host.json'), '{')
  await expect(startHost({ folder })).rejects.toThrow(`${join(folder, 'host.json')} cannot be read`)
})

test('a timer runs when it is asked to, and not otherwise', async () => {
  const { url, functions, lines } = await runApp(`
    app.timer('purge', {
      schedule: '0 0 3 * * *',
      handler: (timer, context) => context.log(timer.isPastDue, typeof timer.scheduleStatus.last),
    })
    app.http('page', { handler: () => ({}) })
  `)
  expect(functions.find(({ name }) => name === 'purge')).toEqual({ name: 'purge', type: 'timerTrigger' })
  expect((await fetch(`${url}/admin/functions/purge`)).status).toBe(404)
  expect((await fetch(`${url}/admin/functions/page`, { method: 'POST' })).status).toBe(404)
  expect(lines).toEqual([])
  expect((await fetch(`${url}/admin/functions/purge`, { method: 'POST' })).status).toBe(202)
  await expect.poll(() => lines).toEqual(['[information] false string'])
})

test('what an app loads later is its own, and not the copy of another app in the same process', async () => {
  const source = `
    app.http('later', { handler: () => ({ jsonBody: [require('./later.cjs').count += 1, require('./later.cjs').app] }) })
    module.exports = { app: Math.random() }
  `
  const folder = await appFolder(source)
  const later = "module.exports = { count: 0, app: require('./main.cjs').app }"
  await writeFile(join(folder, 'later.cjs'), later)
  const [one, other] = [await runApp(source, { folder }), await runApp(source, { folder })]
  const answers = []
  for (const { url } of [one, other, one])
    answers.push((await (await fetch(`${url}/api/later`)).json()) as [number, number])
  expect(answers.map(([count]) => count)).toEqual([1, 1, 2])
  expect(answers[0]?.[1]).toBe(answers[2]?.[1])
  expect(answers[0]?.[1]).not.toBe(answers[1]?.[1])
})
