import type { Agent, AgentOptions, CliAdapter } from '../adapter.js'
import type { Verdict } from '../verdict.js'
import { converse } from './session.js'
import type { PermissionDecision, PermissionRequest } from './conversation.js'
import { requireSdk } from './connection.js'
import { createAcpState, type AcpState } from './state.js'
import { acpUpdate } from './updates.js'
import { usageOfRun } from './usage.js'
import { createAgent } from '../agent.js'
import { compact, object, string, type JsonObject } from '../json.js'
import { jsonLines } from '../json-lines.js'
import { howEnded, lastErrorLine, type ProcessEnd } from '../process/process-end.js'

export type { PermissionDecision, PermissionRequest }

/** Options of {@link acp}. */
export interface AcpOptions extends AgentOptions {
  /** The agent's program, for example `claude-agent-acp`, `codex-acp`, `opencode` (args `['acp']`). */
  readonly command: string
  /** What the agent is called; `acp` by default. */
  readonly name?: string
  /** Which version is offered; 1 by default, which all agents know. The agent's answer counts. */
  readonly protocolVersion?: 1 | 2
  /** What is answered when the agent asks whether it may use a tool; `'allow'` by default, as in its command line. */
  readonly permission?: 'allow' | 'deny' | PermissionDecision
  /**
   * How to sign in, by the id that the agent gives the method. Default: nothing is done until the agent refuses; then
   * the method it calls its default, or its only one that needs no terminal.
   */
  readonly authMethod?: string
}

/**
 * Any agent that speaks the Agent Client Protocol over stdio: one process, one session and one prompt per run. The only
 * way to see what a tool prints while it runs (Codex, opencode). Needs the package `@agentclientprotocol/sdk`.
 *
 * Succeeds only if the turn ended by itself (`end_turn`); the exit code says nothing, agents are ended after the turn.
 * A run that is aborted or over its time is first cancelled as the protocol has it, then ended.
 *
 * @see https://agentclientprotocol.com
 */
export function acp (options: AcpOptions): Agent {
  return createAgent(createAcpAdapter(options), options)
}

/** What is special about ACP. */
export function createAcpAdapter (options: Omit<AcpOptions, 'command'> & { readonly command?: string }): CliAdapter<AcpState> {
  const { command = 'claude-agent-acp', name = 'acp', protocolVersion = 1, permission = 'allow', authMethod } = options
  return {
    name,
    command,
    args: (_call, extraArgs) => extraArgs,
    start: ({ sessionId }) => createAcpState(sessionId !== undefined),
    line: jsonLines((message, state, log) => {
      const notification = state.connection?.receive(message)
      if (notification === undefined) return
      const { method, params } = notification
      if (method === 'session/update') acpUpdate(object(params.update), stateOf(params, state), log)
      else if (!method.startsWith('_')) log.unknown(method, params)
    }),
    prepare: requireSdk,
    async converse (conversation) {
      await converse({ ...conversation, protocolVersion, decide: permission, ...compact({ authMethod }) })
    },
    verdict
  }
}

/** A sub-agent that was announced has a session of its own: it is shown, but does not answer or end the run. */
function stateOf ({ sessionId }: JsonObject, state: AcpState): AcpState {
  return state.children.get(string(sessionId) ?? '') ?? state
}

function verdict (state: AcpState, end: ProcessEnd): Verdict {
  const { sessionId, model, stopReason, error, reason = 'api_error' } = state
  const usage = usageOfRun(state)
  const known = { ...compact({ sessionId, model, usage }), response: state.answer.trim() }
  if (error !== undefined) return { ...known, success: false, error, reason }
  if (stopReason === 'end_turn') return { ...known, success: true }
  if (stopReason !== undefined) {
    return { ...known, success: false, error: `The turn ended with ${stopReason}.`, reason: stopReason }
  }
  const why = lastErrorLine(end) ?? `The agent ended before its turn did (${howEnded(end)}).`
  return { ...known, success: false, error: why, reason: 'no-result' }
}
