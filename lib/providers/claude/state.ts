import type { ToolStart } from '../activity-log.js'
import type { JsonObject } from '../json.js'

/** What the parser remembers of one run. */
export interface ClaudeState {
  readonly isResumed: boolean
  sessionId?: string
  model?: string
  /** What the main agent said last. */
  lastText: string
  /** The same, where it has called no tool since. */
  answer: string
  lastError?: string
  /** The class of the last API error, in the CLI's word: `rate_limit`. */
  lastErrorClass?: string
  /** What the last `result` said; undefined again once something new began. */
  outcome?: 'success' | 'failure'
  /** The `result` lines: a run with background work prints several, the last one counts. */
  readonly results: JsonObject[]
  /** Calls whose permission was denied. */
  readonly denied: Set<string>
  /** Calls on which a person is asked, by the id of the question. */
  readonly asked: Map<string, string>
  /** How sub-agents were started, whose work may go on after its end was told. */
  readonly agents: Map<string, ToolStart>
  readonly lineIds: Set<string>
  /** Calls that were stopped from outside. */
  readonly stopped: Set<string>
  /** Calls whose work goes on after their `tool_result`. */
  readonly background: Set<string>
  runningTasks: number
  /** The calls of tasks, by the id of the task. */
  readonly tasks: Map<string, string>
  /** Turns that follow without further input. */
  queuedTurns: number
  /** Estimated tokens of thinking when they were reported last. */
  thinkingTokens: number
  /** Text that came in pieces and will come again as a whole. */
  partialText: string
  /** Text that was shown of a message that then broke off: the next attempt begins anew. */
  brokenText: string
}

export function createClaudeState (isResumed: boolean): ClaudeState {
  return {
    isResumed,
    lastText: '',
    answer: '',
    results: [],
    denied: new Set(),
    asked: new Map(),
    agents: new Map(),
    lineIds: new Set(),
    stopped: new Set(),
    background: new Set(),
    runningTasks: 0,
    tasks: new Map(),
    queuedTurns: 0,
    thinkingTokens: 0,
    partialText: '',
    brokenText: ''
  }
}
