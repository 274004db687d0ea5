// Answers that nobody foresaw: any status with JSON, HTML, XML, text, nothing, or half of it. What is asked of them is how they
// are borne, so the shapes matter more than the words.
import fc from 'fast-check'
import type { Fault } from '../../dev/faults.ts'

/** For the `faults` of any stand-in. */
export type OddAnswer = Omit<Fault<never>, 'match'>

/** How many answers a property test plays in all; `FUZZ_RUNS=20000` for a long night. */
export const oddAnswers = Number(process.env.FUZZ_RUNS ?? 300)

const json = { contentType: 'application/json' }

/** @param codes What the service says in its own errors, so that odd statuses come with known codes, too. */
export function oddAnswer(codes: readonly string[]): fc.Arbitrary<OddAnswer> {
  const code = fc.oneof(fc.constantFrom(...codes), fc.string({ maxLength: 20 }))
  const target = fc.constantFrom('userId', 'APPID', 'Token', '', undefined)
  const inner = fc.oneof(fc.jsonValue(), fc.record({ code, target }))
  const error = fc.record(
    {
      code: fc.oneof(code, fc.jsonValue()),
      message: fc.jsonValue(),
      target,
      innererror: inner,
      details: fc.array(inner),
    },
    { requiredKeys: [] },
  )
  const body = fc.oneof<fc.Arbitrary<Partial<OddAnswer>>[]>(
    fc.constant({ raw: '' }),
    fc.jsonValue().map((value) => ({ ...json, raw: JSON.stringify(value) })),
    error.map((value) => ({ ...json, raw: JSON.stringify({ error: value }) })),
    error.map((value) => ({ ...json, raw: JSON.stringify({ 'odata.error': value }) })),
    error.map((value) => ({ contentType: 'text/plain', raw: JSON.stringify({ error: value }) })),
    error.map((value) => ({ ...json, raw: JSON.stringify({ error: value }).slice(0, -3) })),
    fc
      .record({
        token: fc.jsonValue(),
        expiresOn: fc.oneof(fc.jsonValue(), fc.constant('+100000-01-01T00:00:00Z')),
      })
      .map((value) => ({ ...json, raw: JSON.stringify(value) })),
    fc
      .record(
        { value: fc.jsonValue(), PartitionKey: fc.jsonValue(), RowKey: fc.jsonValue() },
        { requiredKeys: [] },
      )
      .map((value) => ({ ...json, raw: JSON.stringify(value) })),
    code.map((text) => ({ raw: `<html><code>${text}</code><p>ErrorCode: ${text}</p></html>` })),
    code.map((text) => ({
      contentType: 'application/xml',
      raw: `<?xml version="1.0"?><error><code>${text}</code></error>`,
    })),
    code.map((text) => ({ contentType: 'application/xml', raw: `<error><code>${text}` })),
    fc.constant({ ...json, raw: '{"token":"', headers: { 'content-length': '999', connection: 'close' } }),
    fc.constant({ ...json, raw: 'not gzip', headers: { 'content-encoding': 'gzip' } }),
  )
  const headers = fc.record(
    {
      'retry-after': fc.constantFrom('0', '5', '102378060', 'soon', 'Thu, 01 Jan 2026 00:00:00 GMT'),
      location: fc.constantFrom('/', 'http://127.0.0.1:1/', 'junk://', ''),
      'x-ms-error-code': fc.constantFrom(...codes),
      'www-authenticate': fc.constantFrom(
        'Bearer authorization_uri=junk resource_id=junk',
        'Bearer claims="%%%", error="insufficient_claims"',
      ),
    },
    { requiredKeys: [] },
  )
  const status = fc.oneof(
    fc.constantFrom(200, 201, 204, 301, 302, 307, 400, 401, 403, 404, 408, 409, 412, 429, 500, 503),
    fc.integer({ min: 200, max: 599 }),
  )
  return fc.tuple(status, body, headers).map(([at, what, more]) => {
    // No body can go with these.
    if (at === 204 || at === 205 || at === 304) return { status: at, headers: more }
    return { status: at, ...what, headers: { ...more, ...what.headers } }
  })
}

/** Plays so many answers, several at once. A failure names the answer, and the seed that brings all of them again. */
export async function playOddAnswers(
  answers: fc.Arbitrary<OddAnswer>,
  play: (answer: OddAnswer, index: number) => Promise<void>,
  seed = Date.now() % 2 ** 31,
): Promise<void> {
  const left = fc.sample(answers, { numRuns: oddAnswers, seed }).entries()
  const worker = async () => {
    for (const [index, answer] of left) {
      await play(answer, index).catch((cause: unknown) => {
        throw new Error(`seed ${seed}, answer ${JSON.stringify(answer)}`, { cause })
      })
    }
  }
  await Promise.all(Array.from({ length: 20 }, worker))
}
