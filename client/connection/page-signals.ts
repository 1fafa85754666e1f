export interface PageSignalHandlers {
  /** Something that made waiting pointless: the network is back, the page is seen again. */
  readonly onWake: () => void
  /** The page leaves, perhaps into the back/forward cache, where an open connection would go on costing the server. */
  readonly onHide: () => void
  /** The page is back. */
  readonly onShow: () => void
}

/**
 * Listens to what the browser says about the page; does nothing where there is none.
 *
 * @returns a function that stops listening
 */
export function watchPage ({ onWake, onHide, onShow }: PageSignalHandlers): () => void {
  const controller = new AbortController()
  const { signal } = controller
  const page = globalThis.window
  page?.addEventListener('online', onWake, { signal })
  page?.addEventListener('offline', onWake, { signal })
  page?.addEventListener('pagehide', onHide, { signal })
  page?.addEventListener('pageshow', onShow, { signal })
  page?.document.addEventListener('visibilitychange', () => {
    if (page.document.visibilityState === 'visible') onWake()
  }, { signal })
  return () => controller.abort()
}

/** False only when the browser is sure to have no network. */
export function isOnline (): boolean {
  return globalThis.navigator?.onLine !== false
}
