// The picture of a token's life: a bar that drains, with a mark where the SDK will renew. It is full when the page got the token.
import type { TokenSight } from './call-token.ts'
import { byId } from './page.ts'
import { inWords } from './words.ts'

export interface Gauge {
  show(token: TokenSight): void
  /** While a request for the next token is under way. */
  renewing(isRenewing: boolean): void
}

interface Life extends TokenSight {
  totalMs: number
}

export function createGauge(): Gauge {
  const meter = byId<HTMLMeterElement>('life')
  const gauge = byId('gauge')
  let life: Life | undefined
  let isRenewing = false

  function draw(): void {
    if (!life) return
    const now = Date.now()
    const leftMs = Math.max(0, life.expiresAt - now)
    const left = leftMs / life.totalMs
    gauge.dataset.phase = leftMs === 0 ? 'over' : now >= life.renewalAt ? 'due' : 'fresh'
    gauge.style.setProperty('--left', left.toFixed(4))
    meter.value = Math.round(left * 100)
    meter.setAttribute(
      'aria-valuetext',
      leftMs === 0 ? 'expired' : `${inWords(leftMs)} left of ${inWords(life.totalMs)}`,
    )
    byId('remaining').textContent = leftMs === 0 ? 'expired' : inWords(leftMs)
    byId('next').textContent = isRenewing ? 'left · renewing…' : nextStep(life, now)
  }

  setInterval(draw, 1000)
  return {
    show(token) {
      const leftMs = token.expiresAt - Date.now()
      life = { ...token, totalMs: token.isNew || !life ? leftMs : life.totalMs }
      const renewalMs = token.expiresAt - token.renewalAt
      gauge.hidden = false
      gauge.style.setProperty('--renewal', (renewalMs / life.totalMs).toFixed(4))
      byId('renewal-label').textContent =
        renewalMs >= 599_000 ? 'renewal at 10 minutes' : 'renewal at half-time'
      byId('total').textContent = inWords(life.totalMs)
      byId('fingerprint').textContent = `#${token.fingerprint}`
      draw()
    },
    renewing(value) {
      isRenewing = value
      draw()
    },
  }
}

function nextStep({ expiresAt, renewalAt }: Life, now: number): string {
  if (now >= expiresAt) return ''
  return now < renewalAt ? `left · the SDK renews it in ${inWords(renewalAt - now)}` : 'left · not renewed'
}
