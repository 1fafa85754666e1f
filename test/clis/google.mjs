import { pieces, serverSentEvent } from './model-server.mjs'
import { TOKENS } from './scripts.mjs'

/** `generateContent` of the Gemini API, for Gemini CLI. */
export const google = {
  isModelRequest: (url) => /enerateContent/.test(url),

  isTurn: ({ tools }) => tools?.length > 0,

  stepOf: ({ contents = [] }) => contents.filter(isModelCall).length,

  refuse: () => ({
    status: 401,
    json: { error: { code: 401, message: 'Request had invalid authentication credentials.', status: 'UNAUTHENTICATED' } }
  }),

  respond ({ url, body, turn, step }) {
    const usageMetadata = {
      promptTokenCount: TOKENS.input,
      cachedContentTokenCount: TOKENS.cached,
      candidatesTokenCount: TOKENS.output,
      totalTokenCount: TOKENS.input + TOKENS.output
    }
    const chunk = (parts, finishReason) => ({
      candidates: [{ content: { role: 'model', parts }, index: 0, ...(finishReason && { finishReason }) }],
      usageMetadata,
      modelVersion: /models\/([^:]+):/.exec(url)?.[1],
      responseId: `resp_${step}`
    })
    if (!url.includes('streamGenerateContent')) {
      // A small model is asked first how hard the request is.
      const choice = { reasoning: 'scripted', model_choice: 'pro', complexity_score: 90, complexity_reasoning: 'scripted' }
      const isJson = body.generationConfig?.responseMimeType === 'application/json'
      return { json: chunk([{ text: isJson ? JSON.stringify(choice) : 'ok' }], 'STOP') }
    }
    const { think, text, calls = [] } = turn
    const parts = [
      ...(think === undefined ? [] : pieces(`**Thinking** ${think}`, 60).map((text) => ({ text, thought: true }))),
      ...(text === undefined ? [] : pieces(text).map((text) => ({ text })))
    ]
    const last = calls.length === 0 ? [{ text: '' }] : calls.map((call, index) => functionCall(call, step, index))
    return { events: [...parts.map((part) => chunk([part])), chunk(last, 'STOP')].map((data) => serverSentEvent(undefined, data)) }
  }
}

const isModelCall = ({ role, parts }) => role === 'model' && parts?.some((part) => part.functionCall) === true

const TOOLS = {
  shell: ({ command }) => ['run_shell_command', { command, description: 'Run a command' }],
  read: ({ path }) => ['read_file', { file_path: path }],
  edit: (call) => ['replace', {
    file_path: call.path, instruction: 'Change the text', old_string: call.old, new_string: call.new, allow_multiple: false
  }],
  write: ({ path, content }) => ['write_file', { file_path: path, content }],
  raw: ({ name, args }) => [name, args]
}

function functionCall (call, step, index) {
  const [name, args] = TOOLS[call.kind](call)
  const signature = index === 0 ? { thoughtSignature: 'c2ln' } : {}
  return { functionCall: { id: `fc_s${step}_${index}`, name, args }, ...signature }
}
