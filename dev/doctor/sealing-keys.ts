// Whether each sealing key seals and opens. Keys have names (kid), which are stored beside every row and are not secret.
import { sampleSealingKey } from '../../src/config/forms.ts'
import type { Config } from '../../src/config/settings.ts'
import { createSealer } from '../../src/sessions/seal.ts'
import { bad, type Finding, good } from './finding.ts'

const context = { purpose: 'session', version: 1, place: ['doctor'] } as const

export function checkSealingKeys(keys: Config['sealingKeys']): Finding {
  const plain = Buffer.from('doctor')
  const all = createSealer(keys)
  for (const key of keys) {
    const { kid, sealed } = createSealer([key]).seal(context, plain)
    const opened = all.open(context, kid, sealed)
    if (!Buffer.isBuffer(opened) || !opened.equals(plain)) {
      return bad(
        `${kid} does not open what it sealed`,
        `node -p "'${kid}:' + crypto.randomBytes(32).toString('base64url')"`,
      )
    }
  }
  const [newest, ...older] = keys
  const rest = older.length === 0 ? '' : `, ${older.map(({ kid }) => kid).join(' and ')} only open`
  const isSample = keys.some(({ key }) => key.toString('base64url') === sampleSealingKey)
  return good(
    `${keys.length}: ${newest.kid} seals and opens${rest}${isSample ? ' (the key of the sample is public: for this machine only)' : ''}`,
  )
}
