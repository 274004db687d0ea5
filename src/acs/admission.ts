// Which exchange may be made now, which waits for a moment, and when everybody else is to come back. ACS limits the calls to a
// resource, and no instance knows the others, so each learns its share from what ACS answers. See docs/decisions/0012.

/** Milliseconds of a clock that is never set back, and a timer on it; what that returns cancels it. */
export interface AdmissionClock {
  now(): number
  after(ms: number, work: () => void): () => void
}

/**
 * How a user stands without an exchange: with nothing (`now`), with a token that ends `soon`, or with one that lasts (`early`). When
 * there is not room for all only the first is held for a moment, and the last goes last.
 */
export type Urgency = 'now' | 'soon' | 'early'

export interface Asker {
  urgency: Urgency
  /** How long the request may be held at most. */
  patienceMs: number
}

/** One call to ACS that may be made. One of these is called when it has ended. */
export interface Turn {
  succeeded(): void
  /** By a 429. Returns the seconds after which whose call it was is to come back. */
  refused(retryAfterSeconds: number | undefined): number
  /** By anything else, which says nothing about the limit. */
  failed(): void
}

export interface Admission {
  /** Calls one of the two: at once, or within the patience of who asks. */
  ask(asker: Asker, admit: (turn: Turn) => void, refuse: (retryAfterSeconds: number) => void): void
}

/** ACS documents 500 exchanges in 30 s; until a 429 says more, people are sent away by that. */
const windowMs = 30_000
const documentedGapMs = windowMs / 500
const mostCalls = 8
/** Of the 16 requests that a Flex instance takes at once; the others are for whoever needs nothing of ACS. */
const mostHeld = 4
/** While ACS answers at once and refuses nobody, the next turn is a moment away, and waiting for it is no holding. */
const mostQueued = 64
/** A call that takes longer says nothing about the next ones, and does not stand in their way. */
const slowCallMs = 1_000
/** Where a 429 names no time. */
const defaultPauseMs = 5_000
const earlyRetrySeconds = 5
/**
 * Nobody is sent further away than this. What the first seconds of a rush say of the share is a guess: of instances that do not begin at the
 * very same moment the first may have had it all. So at first people are told times within two rounds, and later ones as time goes by.
 */
const furthest = { rounds: 2, everyMs: 0.25, mostMs: 300_000 }

/** So many turns that nobody took may be made up for. */
const burst = 2
const fasterBySuccess = 0.995
const slowerByRefusal = 0.92
/**
 * With fewer successes in a window one more or less is chance, and thirty instances that try for more would be refused thirty times:
 * so they stay further below what they seem to have, and do not try.
 */
const fewSuccesses = 3
const slowerByRefusalOfFew = 0.78
/** How much a new measurement counts. */
const newWeight = 0.1
/**
 * People come to another instance than the one that sent them away, some at once and then nobody. So they are asked back at shorter
 * intervals than turns come: a request in vain is cheap, a turn that nobody takes is lost to all.
 */
const overbooking = 0.56
/**
 * All instances see people come at the same rate, whatever share each believes to have. By its share alone an instance that happened
 * to get little would send people away for longer and longer; by that rate alone nothing would keep it from rising.
 */
const arrivalWeight = 0.7
/** That rate also says what all get on the average. Who is slower than that by more than this has been unlucky, and catches up. */
const slowestOfAverage = 4

interface Waiting {
  admit: (turn: Turn) => void
  refuse: (retryAfterSeconds: number) => void
  /** The end of its patience. */
  until: number
  cancel: () => void
}

export function createAdmission({ now, after }: AdmissionClock, random: () => number): Admission {
  const waiting: Waiting[] = []
  let calls = 0
  let slowCalls = 0
  let callLimit = 1
  let firstCallAt: number | undefined
  /** When calls of the last window were let through. */
  const successes: number[] = []
  /**
   * What 429s have taught: how far apart calls begin (`gapMs`), how far apart ACS lets them through (`shareMs`), and how long it took
   * from the first call to the end of the first pause (`roundMs`).
   */
  let pace: { gapMs: number; shareMs: number; roundMs: number; since: number } | undefined
  let nextAt = 0
  let pausedUntil = 0
  let learnedAt = Number.NEGATIVE_INFINITY
  /** Until when people have been asked to come back. */
  let bookedUntil = 0
  /** How far apart people come while there is a pace and no pause. */
  let arrivalGapMs = 0
  let lastArrivalAt: number | undefined
  let cancelNext = () => {}

  function begin(admit: (turn: Turn) => void): void {
    const begunAt = now()
    firstCallAt ??= begunAt
    if (pace) nextAt = Math.max(nextAt, begunAt) + pace.gapMs
    calls++
    let isSlow = false
    const cancelSlow = after(slowCallMs, () => {
      isSlow = true
      slowCalls++
      serveNext()
    })
    const ended = () => {
      cancelSlow()
      calls--
      if (isSlow) slowCalls--
      serveNext()
    }
    admit({
      succeeded() {
        successes.push(now())
        forgetOldSuccesses()
        if (pace) pace.shareMs = Math.min(pace.shareMs, windowMs / (successes.length + 1))
        if (isCrowded()) {
          if (turnInMs() === 0) callLimit += 1 / (4 * callLimit)
          if (pace && successes.length >= fewSuccesses) pace.gapMs *= fasterBySuccess
        }
        ended()
      },
      refused(retryAfterSeconds) {
        const pauseMs = retryAfterSeconds === undefined ? defaultPauseMs : retryAfterSeconds * 1_000
        pausedUntil = Math.max(pausedUntil, now() + pauseMs)
        // Of calls that were under way together the first refusal says it all.
        if (begunAt > learnedAt) learn()
        ended()
        return book()
      },
      failed: ended,
    })
  }

  function learn(): void {
    learnedAt = now()
    callLimit = 1
    forgetOldSuccesses()
    const from = Math.max(firstCallAt ?? learnedAt, learnedAt - windowMs)
    const roundMs = Math.min(windowMs, pausedUntil - from)
    // The share is somewhere between what was let through and one more. Too many people who come in vain cost less than too few.
    const shareMs = roundMs / (successes.length + 1)
    const gapMs = pace?.gapMs ?? roundMs / Math.max(0.5, successes.length)
    const slower = successes.length < fewSuccesses ? slowerByRefusalOfFew : slowerByRefusal
    pace = {
      gapMs: Math.min(gapMs / slower, 2 * shareMs),
      shareMs: pace ? average(pace.shareMs, shareMs) : shareMs,
      roundMs: pace?.roundMs ?? roundMs,
      since: pace?.since ?? learnedAt,
    }
    // Instances that were refused together do not begin together.
    nextAt = pausedUntil + (burst + random()) * pace.gapMs
  }

  function forgetOldSuccesses(): void {
    while ((successes[0] ?? now()) < now() - windowMs) successes.shift()
  }

  function noticeArrival(): void {
    const isPaced = pace !== undefined && pausedUntil <= now()
    if (pace && isPaced && lastArrivalAt !== undefined) {
      arrivalGapMs = average(arrivalGapMs || bookingGapMs(), now() - lastArrivalAt)
      pace.gapMs = Math.min(pace.gapMs, (slowestOfAverage * arrivalGapMs) / overbooking)
    }
    lastArrivalAt = isPaced ? now() : undefined
  }

  function bookingGapMs(): number {
    if (!pace) return documentedGapMs
    const gapMs = pace.shareMs * overbooking
    return arrivalGapMs === 0 ? gapMs : gapMs ** (1 - arrivalWeight) * arrivalGapMs ** arrivalWeight
  }

  function isCrowded(): boolean {
    return waiting.length > 0 || bookedUntil > now() || pausedUntil > now()
  }

  function turnInMs(): number {
    const pacedUntil = pace ? nextAt - burst * pace.gapMs : 0
    return Math.max(0, pausedUntil - now(), pacedUntil - now())
  }

  function isFree(): boolean {
    return calls < mostCalls && calls - slowCalls < Math.floor(callLimit)
  }

  function mostWaiting(): number {
    return pace || slowCalls > 0 ? mostHeld : mostQueued
  }

  function serveNext(): void {
    cancelNext()
    // Whoever waited for a moment only, and would now have to wait for longer.
    const most = mostWaiting()
    for (const [place, one] of [...waiting].entries()) {
      if (place >= most || now() + turnInMs() > one.until) sendAway(one)
    }
    while (waiting.length > 0 && isFree()) {
      const ms = turnInMs()
      if (ms > 0) {
        cancelNext = after(ms, serveNext)
        return
      }
      const first = waiting.shift() as Waiting
      first.cancel()
      begin(first.admit)
    }
  }

  function sendAway(one: Waiting): void {
    waiting.splice(waiting.indexOf(one), 1)
    one.cancel()
    one.refuse(book())
  }

  /** The next place among those who are to come back, in seconds from now. */
  function book(): number {
    const eachMs = bookingGapMs()
    const from = Math.max(now(), pausedUntil)
    const { rounds, everyMs, mostMs } = furthest
    const furthestMs = pace
      ? Math.min(mostMs, rounds * pace.roundMs + everyMs * (now() - pace.since))
      : mostMs
    if (bookedUntil - from > furthestMs) return (from + furthestMs * (1 - random() / 2) - now()) / 1_000
    bookedUntil = Math.max(from, bookedUntil) + eachMs
    return (bookedUntil - random() * eachMs - now()) / 1_000
  }

  return {
    ask({ urgency, patienceMs }, admit, refuse) {
      // Nobody was sent away for a whole window: there is room for all.
      if (Math.max(bookedUntil, pausedUntil) < now() - windowMs) {
        pace = undefined
        arrivalGapMs = 0
      }
      const areSentAway = bookedUntil > now() || pausedUntil > now()
      if (urgency === 'early' && (areSentAway || (pace && waiting.length > 0))) {
        return refuse(earlyRetrySeconds)
      }
      noticeArrival()
      const ms = turnInMs()
      if (waiting.length === 0 && ms === 0 && isFree()) return begin(admit)
      const mayBeHeld = urgency === 'now' || !pace
      const expectedMs = ms + waiting.length * (pace?.gapMs ?? 0)
      if (!mayBeHeld || waiting.length >= mostWaiting() || expectedMs > patienceMs) return refuse(book())
      const one: Waiting = { admit, refuse, until: now() + patienceMs, cancel: () => {} }
      one.cancel = after(patienceMs, () => sendAway(one))
      waiting.push(one)
      serveNext()
    },
  }
}

function average(earlier: number, latest: number): number {
  return earlier * (1 - newWeight) + latest * newWeight
}
