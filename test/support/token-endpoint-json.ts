// JSON that a token endpoint may answer, and more: fields of tokens and errors, of any type.
import fc from 'fast-check'

const word = fc.constantFrom('invalid_grant', 'interaction_required', 'invalid_client', 'x')
const fields = fc.record(
  {
    error: fc.oneof(word, fc.anything()),
    error_codes: fc.oneof(
      fc.array(fc.oneof(fc.constantFrom(50076, 65001, 70000, 50196), fc.anything())),
      fc.anything(),
    ),
    error_description: fc.oneof(fc.constant('AADSTS50105: x'), fc.anything()),
    suberror: fc.oneof(fc.constantFrom('bad_token', 'basic_action'), fc.anything()),
    claims: fc.oneof(fc.string(), fc.anything()),
    access_token: fc.oneof(fc.string(), fc.anything()),
    id_token: fc.oneof(fc.constant('a.b.c'), fc.anything()),
    client_info: fc.anything(),
    expires_in: fc.anything(),
    refresh_token: fc.anything(),
    scope: fc.anything(),
    token_type: fc.anything(),
  },
  { requiredKeys: [] },
)
export const tokenEndpointJson = fc
  .oneof(fields, fc.anything())
  .map((body) => JSON.stringify(body, (_, value) => (typeof value === 'bigint' ? `${value}` : value)) ?? '')
