// The body of a request, as the Functions library hands it over.
import azureFunctions from '@azure/functions'
import { describe, expect, it } from 'vitest'
import { readJson } from '../../src/http/json-body.ts'

const { HttpRequest } = azureFunctions

function read(bytes: Buffer | string, contentType = 'application/json') {
  return readJson(
    new HttpRequest({
      method: 'POST',
      url: 'http://localhost/api/token',
      headers: { 'content-type': contentType },
      body: { bytes: Buffer.from(bytes) },
    }),
  )
}

describe('a JSON body', () => {
  it('is what it says, and nothing where there is none', async () => {
    expect(await read('{"user":"Zoë"}', 'application/json; charset=utf-8')).toEqual({ user: 'Zoë' })
    expect(await read('', 'text/plain')).toEqual({})
  })

  // Read leniently, each of these is a well-formed string with U+FFFD in it: another name than the one that was sent.
  it.each([
    ['a byte that no UTF-8 has', [0xff]],
    ['half a character', [0xc3]],
    ['Latin-1', [0x5a, 0x6f, 0xeb]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
  ])('with %s is refused', async (_, bytes) => {
    const body = Buffer.concat([Buffer.from('{"user":"'), Buffer.from(bytes), Buffer.from('"}')])
    await expect(read(body)).rejects.toMatchObject({
      code: 'invalid_request',
      detail: 'The body is not JSON.',
    })
  })

  it('of another type, or too large, is refused', async () => {
    await expect(read('{}', 'text/plain')).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(read(`"${'a'.repeat(33 * 1024)}"`)).rejects.toMatchObject({ code: 'invalid_request' })
  })
})
