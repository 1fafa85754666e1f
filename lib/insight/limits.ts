import type { ToolKind } from '../model/activity.js'

const MINUTE = 60_000

/** Calls that take similar times. */
export const CALL_STEPS = ['file', 'web', 'mcp', 'agent', 'shell', 'build', 'other'] as const
export type CallStep = typeof CALL_STEPS[number]

/** What a run is at: a call; `think` while no call is open, `start` while nothing was heard yet. */
export type Step = 'start' | 'think' | CallStep

/** The step that a call of each kind is. A question to a person has no limit: see {@link RunningCall.isPerson}. */
export const STEP_OF: Readonly<Record<ToolKind, CallStep>> = {
  read: 'file',
  edit: 'file',
  search: 'file',
  shell: 'shell',
  build: 'build',
  test: 'build',
  web: 'web',
  mcp: 'mcp',
  agent: 'agent',
  person: 'other',
  plan: 'other',
  other: 'other'
}

/** How long silence is usual, and from when on it is no longer explained by anything; milliseconds. */
export interface Limits {
  readonly quietMs: number
  readonly stuckMs: number
}

/**
 * The limits of a step of which nothing is known but its kind, in milliseconds.
 *
 * They are what 124,000 silences of Claude, 32,000 of Codex and 75,000 calls in recorded sessions left open: 3 of
 * Claude's thoughts took over 10 min, 2 of 3,531 builds did, none of 50,357 calls on files took 5.
 */
export const BY_STEP: Readonly<Record<CallStep, Limits>> = {
  file: { quietMs: 2 * MINUTE, stuckMs: 5 * MINUTE },
  web: { quietMs: 5 * MINUTE, stuckMs: 15 * MINUTE },
  mcp: { quietMs: 8 * MINUTE, stuckMs: 15 * MINUTE },
  agent: { quietMs: 10 * MINUTE, stuckMs: 20 * MINUTE },
  // Claude ends a command by itself after 10 min at the latest, and says so a few seconds later.
  shell: { quietMs: 11 * MINUTE, stuckMs: 15 * MINUTE },
  build: { quietMs: 10 * MINUTE, stuckMs: 15 * MINUTE },
  other: { quietMs: 8 * MINUTE, stuckMs: 15 * MINUTE }
}

/** Codex and Gemini print a thought when it is complete, or none; a model that thinks for 20 min has been seen. */
export const THINKING: Readonly<Record<string, Limits>> = {
  claude: { quietMs: 5 * MINUTE, stuckMs: 10 * MINUTE },
  acp: { quietMs: 5 * MINUTE, stuckMs: 10 * MINUTE },
  codex: { quietMs: 5 * MINUTE, stuckMs: 25 * MINUTE },
  gemini: { quietMs: 8 * MINUTE, stuckMs: 25 * MINUTE }
}

/**
 * Until the first word. CLIs take 10 to 20 s to start; of 4,121 recorded runs two had a first answer that took 3 to
 * 6 min. Gemini is silent for up to 288 s while it is refused.
 */
export const STARTING: Readonly<Record<string, Limits>> = {
  claude: { quietMs: 2 * MINUTE, stuckMs: 6 * MINUTE },
  acp: { quietMs: 2 * MINUTE, stuckMs: 6 * MINUTE },
  codex: { quietMs: 2 * MINUTE, stuckMs: 6 * MINUTE },
  gemini: { quietMs: 2 * MINUTE, stuckMs: 6 * MINUTE }
}

/** A command of which nothing is known may well say everything at its end. */
export const UNKNOWN_PROVIDER: Limits = { quietMs: 5 * MINUTE, stuckMs: 25 * MINUTE }

/** A sub-agent's own calls are followed by its thoughts, which nobody prints. */
export const SUB_AGENT_STUCK_MS = 20 * MINUTE

/** So long after a command's own time is over its end must have been told. */
export const AFTER_TIMEOUT_MS = 5 * MINUTE

/**
 * @param provider known by the first word of its name: `claude-code` is `claude`
 */
export function limitsOf (step: Step, provider: string): Limits {
  if (step !== 'start' && step !== 'think') return BY_STEP[step]
  const name = /^[a-z]+/.exec(provider.toLowerCase())?.[0] ?? ''
  const known = step === 'start' ? STARTING : THINKING
  return Object.hasOwn(known, name) ? known[name] as Limits : UNKNOWN_PROVIDER
}

/** After the announced end of a wait an answer has to come first. */
export const WAIT_GRACE_MS = 2 * MINUTE
/** A wait without an end of its own. */
export const OPEN_WAIT_MS = 5 * MINUTE
/** Attempts that fail one after the other are no progress, however short each wait is. */
export const REPEATED_WAITS_MS = 20 * MINUTE
/** Lines that a command prints while it runs show that it moves; one that prints for so long may do so for ever. */
export const LIVE_OUTPUT_MS = 15 * MINUTE
/** After so long without a sign of life a process that cannot be looked at from here is not known to live. */
export const HEARTBEAT_FRESH_MS = 30_000

/** Of what calls and waits say of themselves, so many characters are kept while they last. */
export const SHOWN_CHARS = { message: 200, name: 100, callId: 128 } as const
