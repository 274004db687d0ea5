// The service in a process of its own, for tests that kill it, read all that it prints, or need two instances.
import { inject } from 'vitest'
import { type HostProcess, type HostProcessOptions, spawnHost } from './spawn-host.ts'

export { freePort } from '../../dev/ports.ts'
export type { HostProcess, HostProcessOptions } from './spawn-host.ts'

/** Rejects with what the process printed when it ends before it is ready. */
export function startHostProcess(options: HostProcessOptions): Promise<HostProcess> {
  return spawnHost(options, inject('caFile'))
}
