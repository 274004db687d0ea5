// Prints findings in their order, each as soon as all before it are there, and names what is waited for.
import type { Check, Finding } from './finding.ts'

const patienceMs = 1_000

/** Returns whether nothing has to be mended. */
export async function report(checks: readonly Check[]): Promise<boolean> {
  const width = Math.max(...checks.map(({ name }) => name.length))
  const findings: Finding[] = []
  for (const { name, finding } of checks) {
    const wait = showWait(name)
    const found = await finding.finally(wait.end)
    findings.push(found)
    console.log(`${found.mark} ${name.padEnd(width)}  ${found.text}`)
    if (found.mend) console.log(`    ${found.mend}`)
  }
  const count = (mark: Finding['mark']) => findings.filter((found) => found.mark === mark).length
  const broken = count('✗')
  console.log()
  console.log(
    broken === 0
      ? `Nothing to mend: ${count('✓')} good, ${count('–')} not checked.`
      : `${broken} to mend: ${count('✓')} good, ${count('–')} not checked.`,
  )
  return broken === 0
}

/** On a terminal the line goes away when the wait is over. */
function showWait(name: string): { end(): void } {
  const { isTTY } = process.stderr
  let shown = false
  const timer = setTimeout(() => {
    process.stderr.write(`… ${name}${isTTY ? '' : '\n'}`)
    shown = true
  }, patienceMs)
  return {
    end() {
      clearTimeout(timer)
      if (shown && isTTY) process.stderr.write('\r\x1b[2K')
    },
  }
}
