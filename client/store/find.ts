import type { TimelineEvent } from '../../lib/model/events.js'
import { isMurmur } from './reduce.js'
import type { Row } from './rows.js'
import type { TimelineState } from './state.js'

type RunsById = TimelineState['runsById']

/** Characters before and after what was found, in an excerpt. */
const CONTEXT_CHARS = 60

/** Whether a text is in what a row tells, its output and input included, whatever the capitals. */
export function rowHas (row: Row, runsById: RunsById, lowerText: string): boolean {
  return textsOf(row, runsById).some((text) => text.toLowerCase().includes(lowerText))
}

/** Where in a row a text is found, with what is around it; `what` is the text as it stands there. */
export function excerptAround (
  row: Row, runsById: RunsById, lowerText: string
): { readonly before: string, readonly what: string, readonly after: string } | undefined {
  for (const text of textsOf(row, runsById)) {
    const at = text.toLowerCase().indexOf(lowerText)
    if (at === -1) continue
    const end = at + lowerText.length
    return {
      before: text.slice(Math.max(0, at - CONTEXT_CHARS), at),
      what: text.slice(at, end),
      after: text.slice(end, end + CONTEXT_CHARS)
    }
  }
  return undefined
}

/**
 * Whether an event that a server found can have the text at all, and a row that a reader would look for it in. One
 * that has not comes from a server which does not search.
 */
export function eventHas (event: TimelineEvent, lowerText: string): boolean {
  return JSON.stringify(event).toLowerCase().includes(JSON.stringify(lowerText).slice(1, -1))
}

/** Whether an event's row is one that the story leaves out. */
export function isEventMurmur (event: TimelineEvent): boolean {
  return event.type === 'invocation.activity' && event.activityType === 'progress' && isMurmur(event.metadata?.kind)
}

function textsOf (row: Row, runsById: RunsById): string[] {
  switch (row.kind) {
    case 'start': {
      const { role = '', provider = '', model = '' } = runsById.get(row.invocationId) ?? {}
      return [role, provider, model]
    }
    case 'end': {
      const { error = '', summary = '' } = runsById.get(row.invocationId) ?? {}
      return [error, summary]
    }
    case 'task': return [row.message]
    case 'tool': {
      if (row.isSuperseded === true) return []
      const { input } = row
      const given = input === undefined ? '' : typeof input === 'string' ? input : JSON.stringify(input)
      return [`${row.verb} ${row.target}`, row.result ?? '', given]
    }
    case 'output': case 'error': return [row.text]
    case 'progress': return isMurmur(row.progressKind) ? [] : [row.text]
    default: return []
  }
}
