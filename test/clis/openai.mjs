import { nextStep, pieces, serverSentEvent } from './model-server.mjs'
import { TOKENS } from './scripts.mjs'

/** The Responses API, for Codex. */
export const openai = {
  isModelRequest: (url) => /\/responses(\?|$)/.test(url),

  isTurn: () => true,

  stepOf: ({ input }) => nextStep(input, /"call_s(\d+)_/g),

  refuse: () => ({
    status: 401,
    json: { error: { message: 'Incorrect API key provided: dummy.', type: 'invalid_request_error', code: 'invalid_api_key' } }
  }),

  respond ({ body, turn, step }) {
    const items = itemsOf(turn, step, toolNames(body))
    const response = { id: `resp_${step}`, object: 'response', created_at: 1, status: 'in_progress', model: body.model, output: [] }
    const usage = {
      input_tokens: TOKENS.input,
      input_tokens_details: { cached_tokens: TOKENS.cached },
      output_tokens: TOKENS.output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: TOKENS.input + TOKENS.output
    }
    let number = 0
    const event = (type, data) => serverSentEvent(type, { type, sequence_number: number++, ...data })
    return {
      events: [
        event('response.created', { response }),
        ...items.flatMap((item, index) => [
          event('response.output_item.added', { output_index: index, item: { ...item, ...begun(item) } }),
          ...deltas(item, index, event),
          event('response.output_item.done', { output_index: index, item })
        ]),
        event('response.completed', { response: { ...response, status: 'completed', output: items, usage } })
      ]
    }
  }
}

/** Newer models are given one tool that runs JavaScript, `exec`; older ones a tool for each purpose. */
function toolNames ({ tools = [], input = [] }) {
  const all = [...tools, ...input.filter(({ type }) => type === 'additional_tools').flatMap(({ tools }) => tools)]
  return new Set(all.flatMap(({ type, name, tools }) => type === 'namespace' ? tools.map((tool) => tool.name) : [name ?? type]))
}

function itemsOf ({ think, text, calls = [] }, step, tools) {
  const items = []
  if (think !== undefined) {
    items.push({
      type: 'reasoning', id: `rs_${step}`, summary: [{ type: 'summary_text', text: `**Thinking**\n\n${think}` }], encrypted_content: 'ZmFrZQ=='
    })
  }
  if (text !== undefined) {
    items.push({
      type: 'message', id: `msg_${step}`, role: 'assistant', status: 'completed', content: [{ type: 'output_text', text, annotations: [] }]
    })
  }
  if (calls.length === 0) return items
  if (tools.has('exec') && !tools.has('exec_command')) return [...items, programOf(calls, step)]
  return [...items, ...calls.map((call, index) => callOf(call, `call_s${step}_${index}`, tools))]
}

function programOf (calls, step) {
  const lines = calls.map((call) => {
    if (call.kind === 'raw') return `tools.${call.name}(${JSON.stringify(call.args)})`
    if (call.kind === 'edit' || call.kind === 'write') return `tools.apply_patch(${JSON.stringify(patchOf(call))})`
    return `tools.exec_command(${JSON.stringify({ cmd: commandOf(call), yield_time_ms: 30_000 })})`
  })
  const input = `const results = await Promise.all([\n${lines.join(',\n')}\n])\nfor (const result of results) text(result)\n`
  return { type: 'custom_tool_call', id: `ctc_s${step}_0`, call_id: `call_s${step}_0`, name: 'exec', input, status: 'completed' }
}

function callOf (call, callId, tools) {
  const of = (name, args) => ({
    type: 'function_call', id: `fc_${callId}`, call_id: callId, name, arguments: JSON.stringify(args), status: 'completed'
  })
  if (call.kind === 'raw') return of(call.name, call.args)
  if ((call.kind === 'edit' || call.kind === 'write') && tools.has('apply_patch')) {
    return { type: 'custom_tool_call', id: `ctc_${callId}`, call_id: callId, name: 'apply_patch', input: patchOf(call), status: 'completed' }
  }
  if (tools.has('exec_command')) return of('exec_command', { cmd: commandOf(call), yield_time_ms: 30_000 })
  return of('shell_command', { command: commandOf(call), timeout_ms: 60_000 })
}

const commandOf = ({ kind, command, path }) => kind === 'read' ? `cat '${path}'` : command

function patchOf ({ kind, path, content, old, new: now }) {
  const name = path.split('/').slice(path.includes('/src/') ? -2 : -1).join('/')
  const body = kind === 'write'
    ? `*** Add File: ${name}\n${content.trimEnd().split('\n').map((line) => `+${line}`).join('\n')}`
    : `*** Update File: ${name}\n@@\n-  ${old}\n+  ${now}`
  return `*** Begin Patch\n${body}\n*** End Patch`
}

function begun (item) {
  if (item.type === 'reasoning') return { summary: [] }
  if (item.type === 'message') return { status: 'in_progress', content: [] }
  return item.type === 'function_call' ? { status: 'in_progress', arguments: '' } : { status: 'in_progress', input: '' }
}

function deltas (item, index, event) {
  const about = { item_id: item.id, output_index: index }
  if (item.type === 'reasoning') {
    const { text } = item.summary[0]
    return [
      event('response.reasoning_summary_part.added', { ...about, summary_index: 0, part: { type: 'summary_text', text: '' } }),
      ...pieces(text).map((delta) => event('response.reasoning_summary_text.delta', { ...about, summary_index: 0, delta })),
      event('response.reasoning_summary_text.done', { ...about, summary_index: 0, text })
    ]
  }
  if (item.type !== 'message') return []
  const { text } = item.content[0]
  return [
    ...pieces(text).map((delta) => event('response.output_text.delta', { ...about, content_index: 0, delta })),
    event('response.output_text.done', { ...about, content_index: 0, text })
  ]
}
