// One point read with the table SDK as it comes, and nothing else: what a session in a table costs at least.
import { TableClient } from '@azure/data-tables'
import { app } from '@azure/functions'

const { TokenStore = '', TOKEN_TABLE = '' } = process.env
// The emulator speaks plain http.
const table = TableClient.fromConnectionString(TokenStore, TOKEN_TABLE, { allowInsecureConnection: true })

app.http('token', {
  route: 'token',
  methods: ['POST'],
  authLevel: 'anonymous',
  async handler({ query }) {
    const row = await table.getEntity<{ token: Uint8Array }>(
      query.get('partitionKey') ?? '',
      query.get('rowKey') ?? '',
    )
    return { status: 200, jsonBody: { bytes: row.token.length } }
  },
})
