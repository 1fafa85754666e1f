import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Health } from '../../lib/model/events.js'
import { formatSeconds } from './format.js'

/** A sign of life older than this, as it was heard, is no sign any more. */
const ALIVE_MS = 30_000

/** A verdict and how long ago it was given. */
export interface Heard {
  readonly health: Health & { readonly stuckAfterMs?: number }
  readonly ageMs: number
}

/** How long it has been at it, against what is usual; the end of the bar is where it would be called stuck. */
export function gauge ({ health, ageMs }: Heard): VNode | false {
  const { tool, silentForMs, expectedSilenceMs, stuckAfterMs, state } = health
  if (!(expectedSilenceMs > 0) || state === 'waiting' || state === 'lost') return false
  const ms = (tool?.elapsedMs ?? silentForMs) + ageMs
  const fullMs = Math.max(stuckAfterMs ?? 0, expectedSilenceMs)
  const tone = ms > fullMs ? 'bad' : ms > expectedSilenceMs ? 'warn' : 'running'
  const mark = expectedSilenceMs < fullMs && html`<b style=${`left:${(expectedSilenceMs / fullMs * 100).toFixed(1)}%`}></b>`
  return html`<span class=${`gauge ${tone}`}><span class="track" aria-hidden="true">
    <i style=${`width:${Math.min(100, Math.max(1.5, ms / fullMs * 100)).toFixed(1)}%`}></i>${mark}</span>
    <span class="quiet">usual: up to ${roughly(expectedSilenceMs)}</span></span>` as VNode
}

/** Whether the process lives is another question than whether the agent moves. */
export function signOfLife ({ health: { heartbeatAgeMs, state }, ageMs }: Heard): VNode | false {
  const atMs = heartbeatAgeMs + ageMs
  if (state === 'lost' || !(atMs < ALIVE_MS)) return false
  return html`<span class="quiet">process alive, ${formatSeconds(atMs)} ago</span>` as VNode
}

/** `20 min`, `90 s`: a limit, not a measurement. */
export function roughly (ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`
}
