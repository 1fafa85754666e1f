export interface PageSignalHandlers {
  /** The page is seen again: waiting ends. */
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
  const page = globalThis.window
  const onVisible = (): void => {
    if (page.document.visibilityState === 'visible') onWake()
  }
  // What was open before may be half-open now, without a sign of it.
  const restart = (): void => {
    onHide()
    onShow()
  }
  const listeners = {
    online: restart, offline: restart, pagehide: onHide, pageshow: onShow, visibilitychange: onVisible
  }
  for (const [type, listener] of Object.entries(listeners)) {
    // What happens to the document bubbles to the window.
    page?.addEventListener(type, listener, controller)
  }
  return () => controller.abort()
}
