// CPU time and memory of another process, as Linux tells them (proc(5)).
import { readFileSync } from 'node:fs'

/** Fields of /proc/<pid>/stat are in USER_HZ, which is 100 on every architecture that Node runs on. */
const msPerTick = 10

/** User and system time of all threads so far. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the command in parentheses, which may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * msPerTick
}

export function residentMiBOf(pid: number): number {
  const kiB = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kiB) / 1024
}
