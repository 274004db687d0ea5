// Where an account is at home, by which guests are told: MSAL takes it from `client_info` of Entra's answer.

/** Nothing where there was no `client_info`: MSAL then silently puts `sub` in the place of `<object id>.<tenant id>`. */
export function homeTenantOf(homeAccountId: string | undefined): string | undefined {
  return /^[0-9a-f-]{36}\.([0-9a-f-]{36})$/.exec(homeAccountId ?? '')?.[1]
}
