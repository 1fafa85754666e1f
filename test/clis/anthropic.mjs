import { nextStep, pieces, serverSentEvent as event } from './model-server.mjs'
import { TOKENS } from './scripts.mjs'

/** The Messages API, for Claude Code. */
export const anthropic = {
  isModelRequest: (url) => /\/v1\/messages(\?|$)/.test(url),

  /** Small requests beside the conversation carry no tools. */
  isTurn: ({ tools }) => tools?.length > 0,

  /** The tools that were called carry the step in their ids. */
  stepOf: ({ messages }) => nextStep(messages, /"toolu_s(\d+)_/g),

  refuse: () => ({
    status: 401,
    headers: { 'x-should-retry': 'false' },
    json: { type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } }
  }),

  respond ({ body, turn, step }) {
    const isTurn = anthropic.isTurn(body)
    const blocks = isTurn ? blocksOf(turn, step, body) : [{ type: 'text', text: 'ok' }]
    const usage = {
      input_tokens: TOKENS.input,
      cache_read_input_tokens: TOKENS.cached,
      cache_creation_input_tokens: 0,
      output_tokens: 1
    }
    const message = {
      id: `msg_${step}`,
      type: 'message',
      role: 'assistant',
      model: body.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage
    }
    const stopReason = isTurn && turn.calls !== undefined ? 'tool_use' : 'end_turn'
    const outputUsage = { output_tokens: TOKENS.output }
    if (body.stream !== true) {
      return { json: { ...message, content: blocks, stop_reason: stopReason, usage: { ...usage, ...outputUsage } } }
    }
    const typed = (type, data) => event(type, { type, ...data })
    return {
      events: [
        typed('message_start', { message }),
        ...blocks.flatMap((block, index) => [
          typed('content_block_start', { index, content_block: emptied(block) }),
          ...deltas(block).map((delta) => typed('content_block_delta', { index, delta })),
          typed('content_block_stop', { index })
        ]),
        typed('message_delta', { delta: { stop_reason: stopReason, stop_sequence: null }, usage: outputUsage }),
        typed('message_stop', {})
      ]
    }
  }
}

const TOOLS = {
  shell: ({ command }) => ['Bash', { command, description: 'Run a command' }],
  read: ({ path }) => ['Read', { file_path: path }],
  edit: (call) => ['Edit', { file_path: call.path, old_string: call.old, new_string: call.new }],
  write: ({ path, content }) => ['Write', { file_path: path, content }],
  raw: ({ name, args }) => [name, args]
}

function blocksOf ({ think, text, calls = [] }, step, { thinking }) {
  const mayThink = thinking !== undefined && thinking.type !== 'disabled'
  return [
    ...(think !== undefined && mayThink ? [{ type: 'thinking', thinking: think, signature: 'c2ln' }] : []),
    ...(text === undefined ? [] : [{ type: 'text', text }]),
    ...calls.map((call, index) => {
      const [name, input] = TOOLS[call.kind](call)
      return { type: 'tool_use', id: `toolu_s${step}_${index}`, name, input }
    })
  ]
}

function emptied (block) {
  if (block.type === 'text') return { ...block, text: '' }
  return block.type === 'thinking' ? { ...block, thinking: '', signature: '' } : { ...block, input: {} }
}

function deltas (block) {
  if (block.type === 'text') return pieces(block.text).map((text) => ({ type: 'text_delta', text }))
  if (block.type === 'tool_use') {
    return pieces(JSON.stringify(block.input), 40).map((json) => ({ type: 'input_json_delta', partial_json: json }))
  }
  return [
    ...pieces(block.thinking).map((thinking) => ({ type: 'thinking_delta', thinking })),
    { type: 'signature_delta', signature: block.signature }
  ]
}
