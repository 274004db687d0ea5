// How the az commands name what they are about: a resource by its host name, an identity by its principal.

/** @param scope The resource's id, or a shell expression for it. */
export function assignRole(role: string, principalId = '<principal id>', scope: string): string {
  return `az role assignment create --role "${role}" --assignee ${principalId} --scope ${scope}`
}

/** The first label of the host names of Azure; nothing can be read from a stand-in's. */
export function resourceName(host: string): string {
  return /^([a-z0-9-]+)\.[a-z]/i.exec(host)?.[1] ?? '<name>'
}
