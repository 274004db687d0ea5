// The command line of the sealing keys. azd runs `create` after it has made the resources; the other commands are for people.
import { sealingKeys } from './sealing-keys-command.ts'

const say = (line: string) => process.stdout.write(`${line}\n`)

await sealingKeys(process.argv.slice(2), say).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
