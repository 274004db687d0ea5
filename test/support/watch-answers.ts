// Makes every `fetch` of a test fail when the app's answer is not what the OpenAPI document says.
const fetchAnswer = globalThis.fetch

globalThis.fetch = async (input, init) => {
  const answer = await fetchAnswer(input, init)
  const request = input instanceof Request ? input : undefined
  const url = new URL(request?.url ?? String(input))
  if (url.hostname !== 'localhost') return answer
  // Loaded when it is needed: most files of unit tests never ask the app.
  const { breachOf } = await import('./api-contract.ts')
  const method = init?.method ?? request?.method ?? 'GET'
  const breach = await breachOf(method, url, answer.clone())
  if (breach) throw new Error(`${method} ${url.pathname} breaks its OpenAPI contract: ${breach}`)
  return answer
}

export {}
