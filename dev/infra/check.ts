// `npm run check:infra`: compiles and lints every template with the Bicep CLI, evaluates main.bicep, and holds what a deployment would
// make against our own rules. Without a CLI nothing is checked, so that is a failure. Another folder may be named.
import { join } from 'node:path'
import { runCommand } from '../command.ts'
import { findBicep, noBicep, startBicep } from './bicep.ts'
import { evaluate, judge } from './deployment.ts'

await runCommand(async (onStop) => {
  const path = findBicep()
  if (!path) throw new Error(`Nothing was checked. ${noBicep}`)
  const bicep = await startBicep(path)
  onStop(async () => bicep.close())
  console.log(`Bicep CLI ${bicep.version}`)
  const folder = process.argv[2] ?? join(import.meta.dirname, '..', '..', 'infra')
  const deployment = await evaluate(bicep, folder).finally(bicep.close)
  const problems = judge(deployment)
  for (const { where, rule, message } of problems) console.log(`${where} ${rule} ${message}`)
  const [templates, sets] = [deployment.templates, deployment.snapshots].map((one) => Object.keys(one).length)
  console.log(`${problems.length} problems in ${templates} templates with ${sets} parameter sets`)
  if (problems.length > 0) process.exitCode = 1
})
