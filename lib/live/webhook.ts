import { createHmac } from 'node:crypto'
import { NOTICE_KINDS, type Notice, type NoticeKind } from '../model/notice.js'
import { timelineError } from '../errors.js'
import { checkKnown } from '../options.js'

/** Where changes are posted to. */
export interface WebhookOptions {
  /** http or https. */
  readonly url: string
  /** Sent with each, for example `authorization`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Signs each, as Standard Webhooks have it. @see https://www.standardwebhooks.com */
  readonly secret?: string
  /** Default: all. */
  readonly events?: readonly NoticeKind[]
}

/** After so long a receiver that has not answered has failed; milliseconds. */
export const WEBHOOK_TIMEOUT_MS = 10_000

/** @throws AGENT_TIMELINE_INVALID_OPTION, AGENT_TIMELINE_UNKNOWN_OPTION */
export function checkWebhook (webhook: WebhookOptions): void {
  checkKnown('webhook.', webhook, ['url', 'headers', 'secret', 'events'])
  const { url, headers, secret, events } = webhook
  const read = URL.canParse(String(url)) ? new URL(url) : undefined
  // Whatever is wrong with it, it may hold a secret: it is not repeated.
  if (read === undefined || !/^https?:$/.test(read.protocol) || read.username !== '' || read.password !== '') {
    throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['webhook.url', 'is an http or https address without a name and password in it'])
  }
  if (secret !== undefined && (typeof secret !== 'string' || secret === '')) {
    throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['webhook.secret', 'is a text'])
  }
  if (headers !== undefined && !areHeaders(headers)) {
    throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['webhook.headers', 'is an object of names and values as HTTP has them'])
  }
  if (events !== undefined && !(Array.isArray(events) && events.every((kind) => NOTICE_KINDS.includes(kind)))) {
    throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['webhook.events', `is a list of ${NOTICE_KINDS.join(', ')}`])
  }
}

function areHeaders (headers: unknown): boolean {
  try {
    return typeof headers === 'object' && headers !== null && new Headers(headers as Record<string, string>) instanceof Headers
  } catch {
    return false
  }
}

/**
 * Posts a notice as a CloudEvent.
 *
 * @returns undefined where the receiver took it; else what went wrong, without the address and what is secret
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 */
export async function postNotice (
  { url, headers, secret }: WebhookOptions, notice: Notice, source: string, now: number, signal: AbortSignal
): Promise<string | undefined> {
  const { id, at, taskId, kind, ...data } = notice
  const body = JSON.stringify({
    specversion: '1.0',
    id,
    source,
    type: `fastify-agent-timeline.${kind}`,
    subject: taskId,
    time: at,
    datacontenttype: 'application/json',
    data: { kind, taskId, ...data }
  })
  const all = new Headers(headers)
  all.set('content-type', 'application/cloudevents+json; charset=utf-8')
  const timestamp = String(Math.floor(now / 1000))
  all.set('webhook-id', id)
  all.set('webhook-timestamp', timestamp)
  if (secret !== undefined) all.set('webhook-signature', sign(secret, `${id}.${timestamp}.${body}`))
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(WEBHOOK_TIMEOUT_MS)])
    // Another address was not what anybody has agreed to, and would get the headers, too.
    const response = await fetch(url, { method: 'POST', headers: all, body, redirect: 'manual', signal: limit })
    await response.body?.cancel()
    return response.ok ? undefined : `status ${response.status}`
  } catch (error) {
    const { name, cause } = error as Error & { readonly cause?: { readonly code?: unknown } }
    return typeof cause?.code === 'string' ? cause.code : name
  }
}

/** As Standard Webhooks have it: a secret that begins with `whsec_` is base64. */
function sign (secret: string, content: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret)
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`
}
