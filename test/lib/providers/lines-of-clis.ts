export const SESSION = 'a1b2c3d4-0000-4000-8000-000000000001'
/** Lines of one session of Claude. */
export const from = (sessionId: string) => {
  const line = (type: string, more: object): object => ({ type, session_id: sessionId, ...more })
  const say = (content: object, more: object = {}, id = 'msg_1'): object =>
    line('assistant', { message: { id, role: 'assistant', content: [content] }, parent_tool_use_id: null, ...more })
  return {
    line,
    say,
    init: (more: object = {}): object => line('system', {
      subtype: 'init',
      cwd: '/w',
      tools: ['Bash'],
      mcp_servers: [],
      model: 'claude-x',
      permissionMode: 'default',
      claude_code_version: '2.1.340',
      ...more
    }),
    text: (text: string, more: object = {}): object => say({ type: 'text', text }, more),
    call: (id: string, name: string, input: object, more: object = {}, messageId = `msg_${id}`): object =>
      say({ type: 'tool_use', id, name, input }, more, messageId),
    result: (id: string, content: unknown, more: object = {}, parent: string | null = null): object => line('user', {
      message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content, ...more }] }, parent_tool_use_id: parent
    }),
    done: (more: object = {}): object => line('result', {
      subtype: 'success',
      is_error: false,
      num_turns: 1,
      result: 'All done.',
      total_cost_usd: 0.05,
      usage: { input_tokens: 10, output_tokens: 20 },
      permission_denials: [],
      terminal_reason: 'completed',
      ...more
    })
  }
}
/** A whole process of Codex. */
export const thread = (id: string, tokens: number, commands: readonly string[]): object[] => [
  { type: 'thread.started', thread_id: id },
  { type: 'turn.started' },
  ...commands.flatMap((command, at) => ['started', 'completed'].map((phase) => ({
    type: `item.${phase}`,
    item: { id: `item_${at}`, type: 'command_execution', command, status: phase, exit_code: phase === 'started' ? null : 0 }
  }))),
  { type: 'item.completed', item: { id: `item_${commands.length}`, type: 'agent_message', text: `${id} is done` } },
  { type: 'turn.completed', usage: { input_tokens: tokens, cached_input_tokens: 0, output_tokens: 10 } }
]
