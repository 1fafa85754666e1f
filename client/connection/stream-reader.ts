import { ApiError, get, type HeadersSource } from './api.js'
import { createSseParser, type SseHandlers } from './sse-parser.js'

/** Assumed until the first ping says the server's interval. */
const DEFAULT_HEARTBEAT_MS = 30_000
const WATCHDOG_GRACE_MS = 5_000
/** A server that streams answers at once; a connection kept alive that died meanwhile does not. */
const ANSWER_MS = 10_000

export interface StreamReaderOptions extends SseHandlers {
  readonly url: string
  readonly headers: HeadersSource | undefined
  /** Sent as `Last-Event-ID`; empty for none. */
  readonly lastEventId: string
  readonly signal: AbortSignal
  readonly onOpen: () => void
  /** The server's clock and its interval, from each `ping`. */
  readonly onPing: (serverTime: string, intervalMs: number) => void
  /** Assumed interval of the server's pings until it says so; 30,000 by default. */
  readonly heartbeatMs?: number
}

/**
 * Reads one event stream until it ends.
 *
 * @returns `'ended'` when the server closed it, `'finished'` when it answered 204: nothing will follow
 * A stream that no byte has come from for two heartbeats and five seconds is dead, whatever TCP thinks; so is a request
 * without an answer for ten seconds.
 *
 * @throws ApiError, or what `fetch` throws
 */
export async function readStream (options: StreamReaderOptions): Promise<'ended' | 'finished'> {
  const { url, headers, lastEventId, signal, onMessage, onRetry, onOpen, onPing } = options
  let { heartbeatMs = DEFAULT_HEARTBEAT_MS } = options
  let timer: ReturnType<typeof setTimeout> | undefined
  let isOpen = false
  const watchdog = new AbortController()
  const arm = (): void => {
    clearTimeout(timer)
    const limitMs = isOpen ? 2 * heartbeatMs + WATCHDOG_GRACE_MS : ANSWER_MS
    timer = setTimeout(() => {
      watchdog.abort(new ApiError('Nothing has come from the server for too long', 0, undefined, undefined, limitMs))
    }, limitMs)
  }
  const feed = createSseParser({
    onRetry,
    onMessage (message) {
      if (message.event !== 'ping') return onMessage(message)
      const { serverTime, intervalMs } = JSON.parse(message.data) as { serverTime?: string, intervalMs?: number }
      if (typeof intervalMs === 'number' && intervalMs > 0) heartbeatMs = intervalMs
      onPing(String(serverTime), heartbeatMs)
    }
  })
  try {
    arm()
    const both = AbortSignal.any([signal, watchdog.signal])
    const accept = { accept: 'text/event-stream', ...(lastEventId === '' ? {} : { 'last-event-id': lastEventId }) }
    const response = await get(url, headers, accept, both)
    if (response.status === 204) return 'finished'
    if (response.body === null || !(response.headers.get('content-type') ?? '').startsWith('text/event-stream')) {
      await response.body?.cancel()
      throw new ApiError('The answer is no event stream')
    }
    isOpen = true
    arm()
    onOpen()
    const decoder = new TextDecoder()
    const reader = response.body.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return 'ended'
      feed(decoder.decode(value, { stream: true }))
      // Behind the feed: a ping in it may have brought another interval.
      arm()
    }
  } finally {
    clearTimeout(timer)
    watchdog.abort()
  }
}
