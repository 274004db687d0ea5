import { app } from '@azure/functions'

app.http('health-live', {
  route: 'health/live',
  methods: ['GET', 'HEAD'],
  handler: () => ({ status: 200, jsonBody: {} }),
})
