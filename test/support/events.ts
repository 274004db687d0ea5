// What a host process has logged of itself: the service's own lines, one JSON object each.
import type { HostProcess } from './host-process.ts'

export type LogEvent = Record<string, unknown> & { event: string }

export function eventsOf({ output }: Pick<HostProcess, 'output'>): LogEvent[] {
  return output()
    .split('\n')
    .flatMap((line) => /\{"event":.*\}/.exec(line)?.[0] ?? [])
    .map((json) => JSON.parse(json) as LogEvent)
}
