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

/** An answer that is not the one asked for. */
export class ApiError extends Error {
  override readonly name = 'ApiError'

  constructor (
    message: string,
    readonly status: number,
    readonly code: string | undefined,
    readonly retryAfterMs: number | undefined
  ) {
    super(message)
  }
}

/** The address of one of a task's routes. */
export function taskUrl (
  { src, task, project }: ApiOptions, route: 'timeline' | 'stream', query: Readonly<Record<string, string | number>>
): string {
  const base = globalThis.document?.baseURI
  const url = new URL(`${src.replace(/\/+$/, '')}/tasks/${encodeURIComponent(task)}/${route}`, base)
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
    headers: { ...headers, ...own }, signal, cache: 'no-store', credentials: 'same-origin'
  })
  if (response.status === 200 || response.status === 204) return response
  throw await readError(response)
}

async function readError (response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => undefined)
  const { error, message, code } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const text = [error, message].find((candidate) => typeof candidate === 'string' && candidate.includes(' '))
  return new ApiError(
    typeof text === 'string' ? text : `The server answered ${response.status} ${response.statusText}`.trim(),
    response.status,
    typeof code === 'string' ? code : undefined,
    readRetryAfter(response.headers.get('retry-after'))
  )
}

/** Seconds or a date, as milliseconds from now; at most a minute, so that a wrong clock does not end the view. */
function readRetryAfter (value: string | null): number | undefined {
  if (value === null || value === '') return undefined
  const seconds = Number(value)
  const ms = Number.isNaN(seconds) ? Date.parse(value) - Date.now() : seconds * 1000
  return Number.isNaN(ms) ? undefined : Math.min(60_000, Math.max(0, ms))
}
