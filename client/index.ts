import { AgentTimelineElement } from './view/element.js'

export { AgentTimelineElement, type AgentTimelineEventDetail, type AgentTimelineStateDetail } from './view/element.js'
export type { HeadersSource } from './connection/api.js'
export type { Verdict } from './store/summary.js'

declare global {
  interface HTMLElementTagNameMap {
    'agent-timeline': AgentTimelineElement
  }
  interface HTMLElementEventMap {
    'agent-timeline-state': CustomEvent<import('./view/element.js').AgentTimelineStateDetail>
    'agent-timeline-event': CustomEvent<import('./view/element.js').AgentTimelineEventDetail>
  }
}

const DEFAULT_NAME = 'agent-timeline'

/** Defines the element under a name, unless the name is taken; does nothing where there are no elements. */
export function define (name = DEFAULT_NAME): void {
  const registry = globalThis.customElements
  if (registry === undefined || registry.get(name) !== undefined) return
  // A class can have one name only.
  registry.define(name, name === DEFAULT_NAME ? AgentTimelineElement : class extends AgentTimelineElement {})
}

define()
