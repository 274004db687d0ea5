// The module `@azure/functions-core` as the Functions host gives it to an app: what the app registers lands here.
// Types are cut down to what the local host uses; @azure/functions brings none of its own for this module.

export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical'
export type Log = (level: LogLevel, message: string) => void
export type Callback = (...args: unknown[]) => unknown

export interface Binding {
  type: string
  direction?: 'in' | 'out'
  route?: string
  methods?: string[]
  authLevel?: 'anonymous' | 'function' | 'admin'
}

export interface FunctionMetadata {
  name: string
  bindings: Record<string, Binding>
}

export interface RegisteredFunction {
  metadata: FunctionMetadata
  callback: Callback
}

export interface Invocation {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>
  invokeFunction(context: unknown, inputs: unknown[], callback: Callback): Promise<unknown>
  getResponse(context: unknown, result: unknown): Promise<{ returnValue?: { http?: unknown } | null }>
}

/** What `@azure/functions` hands over: it turns the host's messages into requests, contexts and answers. */
export interface ProgrammingModel {
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>
  getInvocationModel(invocation: unknown): Invocation | Promise<Invocation>
}

const hookNames = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation', 'log'] as const
export type HookName = (typeof hookNames)[number]

export interface Core {
  /** The exports of `@azure/functions-core`. */
  api: object
  functions: Map<string, RegisteredFunction>
  model(): ProgrammingModel | undefined
  runHooks<T extends object>(name: Exclude<HookName, 'log'>, context: T): Promise<T>
  log(level: LogLevel, category: 'system' | 'user', message: string): void
  /** From here on a registration throws, as it does once the real host has read the list of functions. */
  lock(): void
}

export function createCore(write: Log): Core {
  const functions = new Map<string, RegisteredFunction>()
  const hooks = new Map<string, Callback[]>(hookNames.map((name) => [name, []]))
  let model: ProgrammingModel | undefined
  let locked = false

  class Disposable {
    readonly dispose: () => void
    constructor(dispose: () => void) {
      this.dispose = dispose
    }
  }

  const core: Core = {
    functions,
    model: () => model,
    lock: () => {
      locked = true
    },
    async runHooks(name, context) {
      for (const hook of hooks.get(name) ?? []) await hook(context)
      return context
    },
    log(level, category, message) {
      const entry = { level, message, category, hookData: {} }
      for (const hook of hooks.get('log') ?? []) hook(entry)
      write(entry.level, entry.message)
    },
    api: {
      version: '3.13.0',
      hostVersion: '4.1044.0',
      Disposable,
      log: (level: LogLevel, category: 'system' | 'user', message: string) =>
        core.log(level, category, message),
      setProgrammingModel: (given: ProgrammingModel) => {
        model = given
      },
      getProgrammingModel: () => model,
      registerFunction(metadata: FunctionMetadata, callback: Callback) {
        if (locked) throw new Error('A function can only be registered during app startup.')
        if (functions.has(metadata.name)) {
          core.log(
            'error',
            'system',
            `The function name '${metadata.name}' must be unique within the function app.`,
          )
        } else {
          functions.set(metadata.name, { metadata, callback })
        }
        return new Disposable(() => {
          if (locked) throw new Error('A function can only be disposed during app startup.')
          functions.delete(metadata.name)
        })
      },
      registerHook(name: string, callback: Callback) {
        const callbacks = hooks.get(name)
        if (!callbacks) throw new RangeError(`Unrecognized hook "${name}"`)
        hooks.set(name, [...callbacks, callback])
        return new Disposable(() => {
          hooks.set(name, hooks.get(name)?.filter((hook) => hook !== callback) ?? [])
        })
      },
    },
  }
  return core
}
