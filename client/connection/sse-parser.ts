/** One dispatched event of a server-sent event stream. */
export interface SseMessage {
  /** `message` unless the server named it. */
  readonly event: string
  readonly data: string
  /** The stream's last event id, which a message without `id:` inherits; empty at first. */
  readonly id: string
}

export interface SseHandlers {
  readonly onMessage: (message: SseMessage) => void
  /** Milliseconds, as the server asked for by `retry:`. */
  readonly onRetry?: (delayMs: number) => void
}

/**
 * Reads an event stream from text that arrives in any pieces.
 *
 * Comments are dropped: that bytes arrive at all is the transport's business, and byte order marks are the decoder's. A
 * message that no empty line has ended is never dispatched.
 *
 * @returns a function to call with each piece
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export function createSseParser ({ onMessage, onRetry }: SseHandlers): (text: string) => void {
  let rest = ''
  let data: string[] = []
  let event = ''
  let id = ''
  let skipsLineFeed = false

  function dispatch (): void {
    if (data.length > 0) onMessage({ event: event === '' ? 'message' : event, data: data.join('\n'), id })
    data = []
    event = ''
  }

  function takeLine (line: string): void {
    if (line === '') return dispatch()
    const colon = line.indexOf(':')
    if (colon === 0) return
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') data.push(value)
    else if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) id = value
    else if (field === 'retry' && /^\d+$/.test(value)) onRetry?.(Number(value))
  }

  return (text) => {
    if (text === '') return
    let start = 0
    // The line feed of a CRLF that two pieces share.
    if (skipsLineFeed && text[start] === '\n') start++
    skipsLineFeed = false
    for (let end = findLineEnd(text, start); end !== -1; end = findLineEnd(text, start)) {
      const line = rest + text.slice(start, end)
      rest = ''
      start = end + 1
      if (text[end] === '\r') {
        if (start === text.length) skipsLineFeed = true
        else if (text[start] === '\n') start++
      }
      takeLine(line)
    }
    rest += text.slice(start)
  }
}

function findLineEnd (text: string, from: number): number {
  const lineFeed = text.indexOf('\n', from)
  const carriageReturn = text.slice(from, lineFeed === -1 ? text.length : lineFeed).indexOf('\r')
  return carriageReturn === -1 ? lineFeed : from + carriageReturn
}
