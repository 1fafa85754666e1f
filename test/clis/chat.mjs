import { nextStep, pieces, serverSentEvent } from './model-server.mjs'
import { TOKENS } from './scripts.mjs'

/** Chat completions, which many CLIs take from any address: Qwen Code, opencode, Copilot, Cline, Kimi Code. */
export const chat = {
  isModelRequest: (url) => /\/chat\/completions(\?|$)/.test(url),

  /** Small requests beside the conversation carry no tools, or other ones. */
  isTurn: ({ tools = [] }) => tools.some(({ function: tool }) => tool?.name in TOOLS.shell),

  /** The tools that were called carry the step in their ids. */
  stepOf: ({ messages }) => nextStep(messages, /"call_s(\d+)_/g),

  refuse: () => ({
    status: 401,
    json: { error: { message: 'Incorrect API key provided: dummy.', type: 'invalid_request_error', code: 'invalid_api_key' } }
  }),

  respond ({ body, turn, step }) {
    const isTurn = chat.isTurn(body)
    const { think, text, calls = [] } = isTurn ? turn : { text: 'ok' }
    const usage = {
      prompt_tokens: TOKENS.input,
      completion_tokens: TOKENS.output,
      total_tokens: TOKENS.input + TOKENS.output,
      prompt_tokens_details: { cached_tokens: TOKENS.cached }
    }
    const toolCalls = calls.map((call, index) => {
      const [name, args] = callOf(call, body.tools)
      return { id: `call_s${step}_${index}`, type: 'function', function: { name, arguments: JSON.stringify(args) } }
    })
    const about = { id: `chatcmpl_${step}`, created: 1, model: body.model }
    const finish = toolCalls.length === 0 ? 'stop' : 'tool_calls'
    if (body.stream !== true) {
      const message = { role: 'assistant', content: text ?? null, ...(toolCalls.length > 0 && { tool_calls: toolCalls }) }
      return { json: { ...about, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: finish }], usage } }
    }
    const chunk = (delta, finishReason = null) => serverSentEvent(undefined, {
      ...about, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finishReason }]
    })
    return {
      events: [
        chunk({ role: 'assistant', content: '' }),
        ...(think === undefined ? [] : pieces(think, 40).map((piece) => chunk({ reasoning_content: piece }))),
        ...(text === undefined ? [] : pieces(text).map((piece) => chunk({ content: piece }))),
        ...toolCalls.map((call, index) => chunk({ tool_calls: [{ index, ...call }] })),
        chunk({}, finish),
        serverSentEvent(undefined, { ...about, object: 'chat.completion.chunk', choices: [], usage }),
        'data: [DONE]\n\n'
      ]
    }
  }
}

/** What each purpose is called by one CLI or another, and how its input is made. */
const TOOLS = {
  shell: {
    run_shell_command: ({ command }) => ({ command, description: 'Run a command', is_background: false }),
    bash: ({ command }) => ({ command, description: 'Run a command' }),
    Bash: ({ command }) => ({ command, description: 'Run a command' }),
    run_commands: ({ command }) => ({ commands: [command] })
  },
  read: {
    read_file: ({ path }) => ({ file_path: path }),
    read: ({ path }) => ({ filePath: path }),
    view: ({ path }) => ({ path }),
    Read: ({ path }) => ({ path }),
    read_files: ({ path }) => ({ files: [{ path }] })
  },
  edit: {
    // One name, three ways to call its members: those that the CLI does not declare are left out.
    edit: (call) => ({
      ...{ file_path: call.path, old_string: call.old, new_string: call.new },
      ...{ filePath: call.path, oldString: call.old, newString: call.new },
      ...{ path: call.path, old_str: call.old, new_str: call.new }
    }),
    Edit: (call) => ({ path: call.path, old_string: call.old, new_string: call.new }),
    editor: (call) => ({ path: call.path, old_text: call.old, new_text: call.new })
  },
  write: {
    write_file: ({ path, content }) => ({ file_path: path, content }),
    write: ({ path, content }) => ({ filePath: path, content }),
    Write: ({ path, content }) => ({ path, content }),
    create: ({ path, content }) => ({ path, file_text: content }),
    editor: ({ path, content }) => ({ path, new_text: content })
  }
}

function callOf (call, tools) {
  if (call.kind === 'raw') return [call.name, call.args]
  const named = tools.map(({ function: tool }) => tool).filter((tool) => tool !== undefined)
  const offered = new Map(named.map(({ name, parameters }) => [name, parameters]))
  const name = Object.keys(TOOLS[call.kind]).find((name) => offered.has(name))
  if (name === undefined) throw new Error(`no tool to ${call.kind} among ${[...offered.keys()].join(', ')}`)
  const input = TOOLS[call.kind][name](call)
  const known = offered.get(name)?.properties
  return [name, known === undefined ? input : Object.fromEntries(Object.entries(input).filter(([key]) => key in known))]
}
