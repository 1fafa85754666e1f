/** Extra request headers, or a function that makes them before each request. */
export type HeadersSource = Readonly<Record<string, string>> |
  (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)

export interface ApiOptions {
  /** The API's prefix, relative to the page or absolute. */
  readonly src: string
  readonly task: string
  readonly project?: string
  readonly headers?: HeadersSource
}

/** An answer that is not the one asked for, or none; the message is for people. */
export class ApiError extends Error {
  /** 0 where it was not the status that was wrong. */
  readonly status: number
  readonly code: unknown
  readonly retryAfterMs: number | undefined
  /** How long nothing had been heard when it was noticed. */
  readonly silentMs: number

  constructor (message: string, status = 0, code?: unknown, retryAfterMs?: number, silentMs = 0) {
    super(message)
    this.status = status
    this.code = code
    this.retryAfterMs = retryAfterMs
    this.silentMs = silentMs
  }
}

/** The address of a route, `*` in it being the task. */
export function apiUrl (
  { src, task, project }: ApiOptions, route: string, query: Readonly<Record<string, string | number>>
): string {
  const base = globalThis.document?.baseURI
  const url = new URL(`${src.replace(/\/+$/, '')}/${route.replace('*', () => encodeURIComponent(task))}`, base)
  if (project !== undefined && project !== '') url.searchParams.set('project', project)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value))
  return url.href
}

/**
 * Sends a GET with the user's headers.
 *
 * @throws ApiError when the status is not 200 or 204
 */
export async function get (
  url: string, source: HeadersSource | undefined, headers: Readonly<Record<string, string>>, signal: AbortSignal
): Promise<Response> {
  const own = typeof source === 'function' ? await source() : source
  signal.throwIfAborted()
  const response = await fetch(url, {
    headers: { ...headers, ...own }, signal, cache: 'no-store'
  })
  if (response.status === 200 || response.status === 204) return response
  throw await readError(response)
}

async function readError (response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => undefined)
  const { error, message, code } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const text = [error, message].find((candidate) => typeof candidate === 'string' && candidate.includes(' '))
  return new ApiError(
    typeof text === 'string' ? text : `The server answered ${response.status}`,
    response.status,
    code,
    readRetryAfter(response.headers.get('retry-after'))
  )
}

/** Seconds, as milliseconds; at most a minute, for somebody is watching. A date is not worth trusting two clocks. */
function readRetryAfter (value: string | null): number | undefined {
  const seconds = Number(value)
  return seconds > 0 ? Math.min(60, seconds) * 1000 : undefined
}
