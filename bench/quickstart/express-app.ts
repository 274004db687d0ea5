// The quickstart as an Express program, as Microsoft's is; run as a child process that is told its port.
import { parseCookie } from 'cookie'
import express from 'express'
import { createQuickstart, sessionCookieName } from './tokens.ts'

const quickstart = createQuickstart(process.env)
const app = express()

app.get('/api/login', async ({ query }, response) => {
  const loginHint = typeof query.loginHint === 'string' ? query.loginHint : undefined
  response.redirect(await quickstart.login(loginHint))
})

app.get('/api/redirect', async ({ query }, response) => {
  const session = await quickstart.redirect(String(query.code), String(query.state))
  if (session) response.cookie(sessionCookieName, session, { httpOnly: true, sameSite: 'lax' }).redirect('/')
  else response.sendStatus(400)
})

app.post('/api/token', async ({ headers }, response) => {
  const answer = await quickstart.token(parseCookie(headers.cookie ?? '')[sessionCookieName])
  if (answer) response.json(answer)
  else response.sendStatus(401)
})

const port = Number(process.env.PORT)
const server = app.listen(port, () => process.send?.({ ready: `http://localhost:${port}` }))
// As the Functions host, so that no idle connection is cut under the next request.
server.keepAliveTimeout = 130_000
process.on('disconnect', () => process.exit())
