// Loads a function app as the Node worker of Azure Functions does, and invokes its functions.
// The real worker is a process of its own; here every app gets a fresh copy of all its modules instead.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import Module, { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { type Core, createCore, type Log, type RegisteredFunction } from './core.ts'

export interface TraceContext {
  traceParent: string
  traceState: string
}

export interface App {
  functions: RegisteredFunction[]
  /** Rejects with what the function threw. Resolves to the HTTP answer of the function, if it gave one. */
  invoke(called: RegisteredFunction, input: object, trace: TraceContext): Promise<unknown>
  stop(): Promise<void>
}

/** Never rejects for what the app does: if its entry point or start hook throws, the host runs on with no functions. */
export async function loadApp(folder: string, write: Log): Promise<App> {
  const core = createCore(write)
  const appData = {}
  let started = true
  try {
    const { main } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { main?: string }
    if (!main) throw new Error('package.json has no "main"')
    requireFresh(resolve(folder, main), core)
    await core.runHooks('appStart', { hookData: appData, appHookData: appData, functionAppDirectory: folder })
    await core.model()?.getCapabilities({})
  } catch (error) {
    started = false
    core.log('error', 'system', `Worker was unable to load the function app: ${describe(error)}`)
  }
  core.lock()

  return {
    functions: started ? [...core.functions.values()] : [],
    invoke: (called, input, trace) => invoke(core, called, input, trace, appData),
    async stop() {
      await core.runHooks('appTerminate', { hookData: appData, appHookData: appData })
    },
  }
}

/** An error for the log; a function may throw anything. */
export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

async function invoke(
  core: Core,
  { metadata, callback }: RegisteredFunction,
  input: object,
  { traceParent, traceState }: TraceContext,
  appHookData: object,
): Promise<unknown> {
  const [bindingName] = Object.entries(metadata.bindings).find(([, { type }]) => /trigger$/i.test(type)) ?? []
  const invocationId = randomUUID()
  const coreContext: Record<string, unknown> = {
    invocationId,
    metadata,
    request: {
      invocationId,
      functionId: metadata.name,
      inputData: [{ name: bindingName, data: input }],
      triggerMetadata: {},
      traceContext: { traceParent, traceState, attributes: {} },
    },
    log: core.log,
  }
  const model = await core.model()?.getInvocationModel(coreContext)
  if (!model) throw new Error('the app has no programming model')
  const { context, inputs } = await model.getArguments()
  const shared = { hookData: {}, appHookData, invocationContext: context }

  coreContext.state = 'preInvocationHooks'
  const before = await core.runHooks('preInvocation', { ...shared, inputs, functionCallback: callback })

  coreContext.state = 'invocation'
  const outcome: { result: unknown; error: unknown } = { result: null, error: null }
  try {
    outcome.result = await model.invokeFunction(context, before.inputs, before.functionCallback)
  } catch (error) {
    outcome.error = error
  }

  // A hook may change both, so that what it leaves decides.
  coreContext.state = 'postInvocationHooks'
  const after = await core.runHooks('postInvocation', { ...shared, inputs: before.inputs, ...outcome })
  coreContext.state = undefined
  if (after.error !== null && after.error !== undefined) throw after.error
  return (await model.getResponse(context, after.result)).returnValue?.http
}

/**
 * Requires a CommonJS entry point with `@azure/functions-core` in reach and modules of its own, also those that it loads later:
 * @azure/functions remembers the first core that it meets, so a second app needs a second copy of it.
 */
function requireFresh(entry: string, core: Core): void {
  const require = createRequire(entry)
  const original = Module.prototype.require
  let own: NodeJS.Dict<NodeJS.Module> = {}
  let isInside = false

  const requireOfApp = Object.assign(function (this: NodeJS.Module, id: string) {
    return id === '@azure/functions-core' ? core.api : inside(() => original.call(this, id))
  }, original)

  /** Does `load` with the app's modules in the place of everybody else's. */
  function inside<T>(load: () => T): T {
    if (isInside) return load()
    isInside = true
    const others = exchange(require.cache, own)
    Module.prototype.require = requireOfApp
    try {
      return load()
    } finally {
      Module.prototype.require = original
      own = exchange(require.cache, others)
      for (const module of Object.values(own)) if (module) module.require = requireOfApp
      isInside = false
    }
  }

  inside(() => require(entry))
}

/** Puts `modules` in the cache, and returns those that were there. */
function exchange(
  cache: NodeJS.Dict<NodeJS.Module>,
  modules: NodeJS.Dict<NodeJS.Module>,
): NodeJS.Dict<NodeJS.Module> {
  const before = { ...cache }
  for (const file of Object.keys(before)) delete cache[file]
  Object.assign(cache, modules)
  return before
}
