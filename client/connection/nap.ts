/** Waits that something else may cut short. */
export class Nap {
  #wake: (() => void) | undefined

  /** Resolves after `ms`, at {@link wake}, or when the signal aborts. */
  async sleep (ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#wake = undefined
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener('abort', done)
      this.#wake = done
    })
  }

  wake (): void {
    this.#wake?.()
  }
}
