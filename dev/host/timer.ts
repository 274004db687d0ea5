// The input of a timer function. Its JSON has the .NET names; @azure/functions makes camel case of them.
import type { RegisteredFunction } from './core.ts'

export function isTimer({ metadata }: RegisteredFunction): boolean {
  return Object.values(metadata.bindings).some(({ type }) => type.toLowerCase() === 'timertrigger')
}

export function timerInput(now: Date): { json: string } {
  const status = { Last: now, Next: now, LastUpdated: now }
  return {
    json: JSON.stringify({ Schedule: { AdjustForDST: true }, ScheduleStatus: status, IsPastDue: false }),
  }
}
