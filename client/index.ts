import type { HeadersSource } from './connection/api.js'
import { AgentTimelineElement } from './view/element.js'
import { AgentTimelineListElement } from './view/list-element.js'

export { AgentTimelineElement, type AgentTimelineEventDetail, type AgentTimelineStateDetail } from './view/element.js'
export {
  AgentTimelineListElement, type AgentTimelineCountsDetail, type AgentTimelineOpenDetail
} from './view/list-element.js'
export type { LiveElement } from './view/live-element.js'
export type { HeadersSource } from './connection/api.js'
export type { Verdict } from './store/summary.js'

declare global {
  interface HTMLElementTagNameMap {
    'agent-timeline': AgentTimelineElement
    'agent-timeline-list': AgentTimelineListElement
  }
  interface HTMLElementEventMap {
    'agent-timeline-state': CustomEvent<import('./view/element.js').AgentTimelineStateDetail>
    'agent-timeline-event': CustomEvent<import('./view/element.js').AgentTimelineEventDetail>
    'agent-timeline-counts': CustomEvent<import('./view/list-element.js').AgentTimelineCountsDetail>
    'agent-timeline-open': CustomEvent<import('./view/list-element.js').AgentTimelineOpenDetail>
  }
}

/** What can be written on `<agent-timeline>` in JSX and templates; `headers` is a property. */
export interface AgentTimelineAttributes extends Omit<AgentTimelineListAttributes, 'href'> {
  readonly task?: string | undefined
  readonly event?: string | number | undefined
}

/** What can be written on `<agent-timeline-list>`. */
export interface AgentTimelineListAttributes {
  readonly src?: string | undefined
  readonly project?: string | undefined
  readonly theme?: 'light' | 'dark' | undefined
  readonly share?: 'off' | undefined
  readonly notify?: boolean | undefined
  readonly href?: string | undefined
  readonly headers?: HeadersSource | undefined
}

const NAME = 'agent-timeline'
const LIST_NAME = 'agent-timeline-list'

/** Defines the timeline's element under a name, unless the name is taken; does nothing where there are no elements. */
export function define (name = NAME): void {
  // A class can have one name only.
  defineOnce(name, name === NAME ? AgentTimelineElement : class extends AgentTimelineElement {})
}

/** Does the same for the list's element. */
export function defineList (name = LIST_NAME): void {
  defineOnce(name, name === LIST_NAME ? AgentTimelineListElement : class extends AgentTimelineListElement {})
}

function defineOnce (name: string, element: CustomElementConstructor): void {
  const registry = globalThis.customElements
  if (registry !== undefined && registry.get(name) === undefined) registry.define(name, element)
}

define()
defineList()
