/** How the page is connected right now; every member has words of its own in the status bar. */
export type ConnectionState =
  | { readonly name: 'idle' }
  | { readonly name: 'loading' }
  /** The stream is open: what happens shows at once. */
  | { readonly name: 'live' }
  /** The stream is open, but the server cannot read its database: what is shown was so before. */
  | { readonly name: 'trouble', readonly since: string }
  | { readonly name: 'reconnecting', readonly sinceMs: number, readonly retryAtMs: number, readonly reason: string }
  | { readonly name: 'offline', readonly sinceMs: number }
  /** The timeline is asked for every few seconds; `reason` is a clause that follows "because". */
  | { readonly name: 'polling', readonly reason: string }
  | { readonly name: 'denied', readonly sinceMs: number, readonly status: number, readonly message: string }
  /** The server said that nothing will follow. */
  | { readonly name: 'ended' }
