import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { TaskSummary } from '../../lib/model/answers.js'
import type { Filter, TimelineState } from '../store/state.js'
import type { StepMove } from '../store/steps.js'
import { icon } from './icons.js'

export interface StoryBarProps {
  readonly state: TimelineState
  readonly summary: TaskSummary | undefined
  readonly isFollowing: boolean
  readonly hasOutline: boolean
  readonly onFilter: (filter: Filter) => void
  readonly onFollow: (isFollowing: boolean) => void
  readonly onOutline: () => void
  readonly onFind: () => void
  readonly onMove: (move: StepMove) => void
}

/** Which rows are shown, the way to failures, find, and follow. */
export function StoryBar ({
  state, summary, isFollowing, hasOutline, onFilter, onFollow, onOutline, onFind, onMove
}: StoryBarProps): VNode {
  const failed = summary?.calls.failed ?? state.errors
  const chips: ReadonlyArray<readonly [Filter, string, number?]> = [
    ['story', 'Story'],
    ['steps', 'Steps', summary?.calls.total ?? state.toolCalls],
    ['edits', 'Edits', summary?.calls.byKind.edit?.total],
    ['failed', 'Failed', failed],
    ['all', 'Everything']
  ]
  return html`<div class="bar"><div class="chips" role="group" aria-label="Which rows">
      ${summary !== undefined && html`<button class="chip outline-toggle" aria-expanded=${hasOutline} onClick=${onOutline}>${
        icon('plan')}<span class="unseen">Outline</span></button>`}
      ${chips.map(([filter, name, count = 0]) => html`<button class="chip" aria-pressed=${state.filter === filter}
        onClick=${() => onFilter(filter)}>${name}${count > 0 && html` <b class=${filter === 'failed' ? 'bad' : ''}>${count.toLocaleString('en-US')}</b>`}</button>`)}
    </div>
    ${failed > 0 && html`<span class="jump">
      <button class="chip back" title="Previous failure (Shift E)" aria-label="Previous failure" onClick=${() => onMove('previous-failure')}>${icon('up')}</button>
      <button class="chip" title="Next failure (E)" aria-label="Next failure" onClick=${() => onMove('next-failure')}>${icon('down')}</button></span>`}
    <button class="button search" aria-label="Find in the whole task" onClick=${onFind}>${icon('search')}<span>Find <kbd>/</kbd></span></button>
    <button class="button follow" part="follow" aria-label="Follow" aria-pressed=${isFollowing} onClick=${() => onFollow(!isFollowing)}>
      ${icon('end')}<span>Follow</span></button>
  </div>` as VNode
}
