import type { ToolKind } from './floors.js'

const MINUTE = 60_000

/** What a run is at: a call of a kind; `think` while no call is open, `start` while nothing was heard yet. */
export type Step = 'start' | 'think' | Exclude<ToolKind, 'person'>

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
const BY_STEP: Readonly<Record<Exclude<Step, 'start' | 'think'>, Limits>> = {
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
const THINKING: Readonly<Record<string, Limits>> = {
  claude: { quietMs: 5 * MINUTE, stuckMs: 10 * MINUTE },
  acp: { quietMs: 5 * MINUTE, stuckMs: 10 * MINUTE },
  codex: { quietMs: 5 * MINUTE, stuckMs: 25 * MINUTE },
  gemini: { quietMs: 8 * MINUTE, stuckMs: 25 * MINUTE }
}

/**
 * Until the first word. CLIs take 10 to 20 s to start; of 4,121 recorded runs two had a first answer that took 3 to
 * 6 min. Gemini is silent for up to 288 s while it is refused.
 */
const STARTING: Readonly<Record<string, Limits>> = {
  claude: { quietMs: 2 * MINUTE, stuckMs: 6 * MINUTE },
  acp: { quietMs: 2 * MINUTE, stuckMs: 6 * MINUTE },
  codex: { quietMs: 2 * MINUTE, stuckMs: 6 * MINUTE },
  gemini: { quietMs: 2 * MINUTE, stuckMs: 6 * MINUTE }
}

/** A command of which nothing is known may well say everything at its end. */
const UNKNOWN_PROVIDER: Limits = { quietMs: 5 * MINUTE, stuckMs: 25 * MINUTE }

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
