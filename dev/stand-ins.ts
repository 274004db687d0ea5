// `npm run stand-ins`: Entra, ACS and Azurite on the fixed ports of local.settings.sample.json, for a Functions host
// that is started by hand (`func start`, or `npm run host`).
import { startCloud } from './cloud.ts'
import { runCommand } from './command.ts'
import { requireFree } from './ports.ts'
import { describePeople, devFolder, standInPorts as ports } from './settings.ts'

runCommand(async (onStop) => {
  await requireFree(Object.values(ports))
  const { entra, acs, caFile } = await startCloud(
    { folder: devFolder, app: 'http://localhost:7071', ports, storage: ['blob', 'queue', 'table'] },
    onStop,
  )

  console.log(`Entra    ${entra.authorityHost} (its pages: ${entra.pageOrigin})`)
  console.log(`ACS      ${acs.endpoint}`)
  console.log(`Azurite  blob ${ports.blob}, queue ${ports.queue}, table ${ports.table}`)
  console.log(`CA       ${caFile}`)
  console.log('People who can sign in, each by a click:')
  for (const line of describePeople()) console.log(line)
  console.log(
    'Start the app with: cp local.settings.sample.json local.settings.json && npm run host (or npm start)',
  )
  console.log('ready')
})
