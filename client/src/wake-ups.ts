// The moments at which a page may find that time has passed, that the network is back, or that somebody has signed in. Browsers
// without one of these events, and pages without a document, are left to the credential's own tick.

/** Where tabs and popups of one origin tell each other that somebody has signed in; a message carries no data. */
export const channelName = 'teams-token-service'
export const signedInType = 'teams-token-service:signed-in'

/** Calls back at each of them, until the returned function is called. */
export function onWakeUp(callback: () => void): () => void {
  const visible = () => {
    if (document.visibilityState === 'visible') callback()
  }
  const ends = [
    listenTo(globalThis.document, 'visibilitychange', visible),
    // From the back/forward cache, and not at the end of loading.
    listenTo(globalThis.window, 'pageshow', (event) => {
      if ((event as PageTransitionEvent).persisted) callback()
    }),
    listenTo(globalThis.window, 'online', callback),
    onSignedIn(callback),
  ]
  return () => {
    for (const end of ends) end()
  }
}

/** Calls back when a tab of this origin, or a popup that ends there, says that somebody has signed in. */
export function onSignedIn(callback: () => void): () => void {
  const channel = openChannel()
  const end = listenTo(channel, 'message', callback)
  return () => {
    end()
    channel?.close()
  }
}

/** Tells all pages of this origin, this one included. */
export function tellSignedIn(): void {
  const channel = openChannel()
  channel?.postMessage({ type: signedInType })
  channel?.close()
}

export function listenTo(
  target: EventTarget | undefined,
  type: string,
  listener: (event: Event) => unknown,
): () => void {
  target?.addEventListener(type, listener)
  return () => target?.removeEventListener(type, listener)
}

function openChannel(): BroadcastChannel | undefined {
  return globalThis.BroadcastChannel && new BroadcastChannel(channelName)
}
