// The environment that the service would run in: the process's own, then local.settings.json as Core Tools applies it.
import { settingNames } from '../../src/config/settings.ts'
import { applyLocalSettings, readLocalSettings } from '../host/local-settings.ts'
import { bad, type Finding, good, unchecked } from './finding.ts'

/**
 * Applies the file to `process.env`. A file that cannot be used is a finding, and the rest goes by the environment alone.
 * @param isNamed Whether somebody named the file, so that it has to be there.
 */
export async function readEnvironment(file: string | undefined, isNamed: boolean): Promise<Finding> {
  if (file === undefined) return unchecked('left out: the environment alone counts')
  try {
    const settings = await readLocalSettings(file)
    if (!settings) {
      const missing = `${file} is not there: the environment alone counts`
      const copy = 'cp local.settings.sample.json local.settings.json'
      return isNamed ? bad(missing, copy) : unchecked(missing)
    }
    // As Core Tools does.
    process.env.WEBSITE_HOSTNAME ??= `localhost:${settings.port ?? 7071}`
    await applyLocalSettings(settings)
    const { values } = settings
    const shadowed = settingNames.filter((name) => name in values && values[name] !== process.env[name])
    const rest =
      shadowed.length === 0 ? '' : `; the environment has its own ${shadowed.join(', ')}, which wins`
    return good(`${file}${rest}`)
  } catch (error) {
    return refusal(error)
  }
}

function refusal(error: unknown): Finding {
  const message = error instanceof Error ? error.message : ''
  const compare = 'compare it with local.settings.sample.json'
  if (message.includes(' is not JSON')) return bad(message, `${compare}; JSON has no comments`)
  if (message.includes('IsEncrypted')) {
    return bad(message, 'func settings decrypt; a file written by hand says "IsEncrypted": false')
  }
  if (message.includes('NODE_EXTRA_CA_CERTS')) {
    return bad(message, 'npm run stand-ins; for the real cloud, remove NODE_EXTRA_CA_CERTS')
  }
  return bad(message, compare)
}
