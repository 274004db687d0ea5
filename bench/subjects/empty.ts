// The least that a function app can be: what the Functions library and the host cost by themselves.
import { app } from '@azure/functions'

const handler = () => ({ status: 200, jsonBody: { status: 'live' } })

app.http('live', { route: 'health/live', methods: ['GET'], authLevel: 'anonymous', handler })
app.http('token', { route: 'token', methods: ['POST'], authLevel: 'anonymous', handler })
