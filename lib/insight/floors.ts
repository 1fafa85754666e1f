import type { ToolKind as ToldKind } from '../model/activity.js'
import type { WaitKind } from './wait-kind.js'

/** What a tool call does, as far as its name and command tell; decides how long it may be silent. */
export const TOOL_KINDS = ['file', 'web', 'shell', 'build', 'mcp', 'agent', 'person', 'other'] as const
export type ToolKind = typeof TOOL_KINDS[number]

/** How long silence is nothing unusual, all in milliseconds. */
export interface Floors {
  /** From the start to the first activity: CLIs take 10 to 20 s to start, and the first answer has to come. */
  readonly startMs: number
  /** Between two activities while no tool runs: thinking, and what the CLI does not tell. */
  readonly thinkingMs: number
}

const SECOND = 1_000
const MINUTE = 60 * SECOND

/**
 * By provider; whoever is not here has {@link DEFAULT_FLOORS}.
 *
 * - `claude` and `acp` print thoughts and pieces of the answer as they come.
 * - `codex` prints a thought when it is complete, and nothing of what its sub-agents do.
 * - `gemini` prints no thoughts, and is silent for 258 to 288 s when it is not let into the network.
 */
export const PROVIDER_FLOORS: Readonly<Record<string, Floors>> = {
  claude: { startMs: MINUTE, thinkingMs: 2 * MINUTE },
  acp: { startMs: MINUTE, thinkingMs: 2 * MINUTE },
  codex: { startMs: MINUTE, thinkingMs: 5 * MINUTE },
  gemini: { startMs: MINUTE, thinkingMs: 5 * MINUTE }
}

/** A command of which nothing is known may well say everything at its end. */
export const DEFAULT_FLOORS: Floors = { startMs: 5 * MINUTE, thinkingMs: 5 * MINUTE }

/**
 * How long a call of a tool may show nothing.
 *
 * - `file`: reads, edits and searches take milliseconds; a search through a large tree takes longer.
 * - `web`: slow servers, and redirects that are followed.
 * - `shell`: 10 min is the longest that Claude lets a command run.
 * - `build`: commands that build, test or install; suites of 6 to 7 min were taken for stuck elsewhere, and were not.
 * - `mcp`: another program's tools, about which nothing is known; watchdogs of 5 min have ended healthy ones.
 * - `agent`: a sub-agent, which works like an agent and may not tell of it; 15 min without a word are common.
 * - `person`: a question to a person, who may be asleep.
 */
export const TOOL_FLOORS_MS: Readonly<Record<ToolKind, number>> = {
  file: MINUTE,
  web: 3 * MINUTE,
  shell: 10 * MINUTE,
  build: 20 * MINUTE,
  mcp: 10 * MINUTE,
  agent: 30 * MINUTE,
  person: 24 * 60 * MINUTE,
  other: 5 * MINUTE
}

/**
 * How long a wait without a known end may last since the agent last spoke of it.
 *
 * - `person`: a night and a working day.
 * - `rate_limit`: without a time of its own it is one of requests or tokens, counted in minutes.
 * - `usage_limit`: those of a subscription begin anew after five hours.
 * - `retry`, `network`, `model`: CLIs give up a refused connection after 3 to 5 min.
 * - `background`: what a tool started and left running.
 */
export const WAIT_FLOORS_MS: Readonly<Record<WaitKind, number>> = {
  person: 24 * 60 * MINUTE,
  rate_limit: 15 * MINUTE,
  usage_limit: 6 * 60 * MINUTE,
  retry: 5 * MINUTE,
  network: 5 * MINUTE,
  model: 5 * MINUTE,
  background: 30 * MINUTE,
  other: 10 * MINUTE
}

/** How long after the announced end of a wait the agent may take to go on: an answer has to come first. */
export const WAIT_GRACE_MS = 2 * MINUTE

/**
 * So many times what is usual is `stuck`, up to there it is `quiet`. Twice, as others have it, is where most alarms are
 * false: 189 of 301 in the records of one orchestrator.
 */
export const STUCK_FACTOR = 5

/** After so long without a sign of life a process that cannot be looked at from here is not known to live. */
export const HEARTBEAT_FRESH_MS = 30 * SECOND

/** The floors of a provider, by the first word of its name: `claude-code` is `claude`. */
export function floorsOf (provider: string): Floors {
  const name = /^[a-z]+/.exec(provider.toLowerCase())?.[0] ?? ''
  return Object.hasOwn(PROVIDER_FLOORS, name) ? PROVIDER_FLOORS[name] as Floors : DEFAULT_FLOORS
}

const KINDS: ReadonlyArray<readonly [ToolKind, RegExp]> = [
  ['mcp', /^mcp[_:.]|^[\w-]+\.[\w-]+$/],
  ['person', /^(ask_?user(_?question)?|exit_?plan_?mode|request_?user_?input)$/],
  ['shell', /^(bash|sh|zsh|shell|local_shell|terminal|execute|exec|exec_command|run_shell_command|command(_execution)?|powershell)$/],
  ['agent', /^(task|agent|sub_?agent|spawn_agent|wait_agent|collab_.*|delegate_.*|codebase_investigator)$/],
  ['web', /^(web_?(fetch|search)|google_web_search|fetch|browser_.*)$/],
  ['file', /^(read|write|edit|multi_?edit|notebook_?edit|glob|grep|ls|list|search|move|delete|replace|apply_patch|file_change|(read|write|edit|list|search|glob|replace)_(.*_)?(file|files|directory|content|many_files))$/]
]

const BUILD_COMMAND = /\b(test|tests|build|install|ci|compile|lint|make|cmake|ninja|gradlew?|mvn|bazel|cargo|pytest|tox|jest|vitest|tap|playwright|cypress|docker|podman|tsc|webpack|apt|apt-get|pip|brew|bundle|composer|dotnet|swift|xcodebuild)\b/

/** What adapters say a tool does, as what decides how long it may be silent. */
const TOLD_KINDS: Readonly<Record<ToldKind, ToolKind>> = {
  read: 'file',
  edit: 'file',
  search: 'file',
  shell: 'shell',
  build: 'build',
  test: 'build',
  web: 'web',
  mcp: 'mcp',
  agent: 'agent',
  person: 'person',
  plan: 'other',
  other: 'other'
}

/** What kind of tool a call is of, as its adapter says; only where it does not, names and words are read. */
export function kindOfCall (
  { toolKind: told, name, message }: { readonly toolKind?: string, readonly name: string, readonly message: string }
): ToolKind {
  return told !== undefined && Object.hasOwn(TOLD_KINDS, told) ? TOLD_KINDS[told as ToldKind] : toolKind(name, message)
}

/**
 * A guess for agents of one's own that say no `toolKind`. Adapters put `exec: ` before every command, whatever its tool
 * is called.
 */
export function toolKind (name: string, message: string): ToolKind {
  const known = KINDS.find(([, pattern]) => pattern.test(name.toLowerCase()))?.[0]
  const kind = known ?? (message.startsWith('exec: ') ? 'shell' : 'other')
  return kind === 'shell' && BUILD_COMMAND.test(message) ? 'build' : kind
}
