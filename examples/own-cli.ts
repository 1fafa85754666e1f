/**
 * An adapter for a CLI of one's own, made of `command()` and a format. The CLI is made up: `toil` prints JSON, one
 * object a line. `node dist/examples/own-cli.js` plays it.
 */
import { fileURLToPath } from 'node:url'
import {
  command, execMessage, toolKindOf, toolMessage, type Agent, type AgentOptions, type OutputFormat, type RunFacts
} from '../lib/providers/index.js'

/** What `toil --json` prints. */
export const toilFormat: OutputFormat = {
  name: 'toil',
  // `toil_version` is only its own: 1. In the middle of a run it is enough to know one's own words.
  recognise: (objects) => Math.max(...objects.map((one) => 'toil_version' in one ? 1 : typeof one.toil === 'string' ? 0.5 : 0)),
  sessionOf: ({ session }) => typeof session === 'string' ? session : undefined,

  createParser () {
    let facts: RunFacts = {}
    const know = (more: RunFacts): void => { facts = { ...facts, ...more } }
    return {
      facts: () => facts,
      event (event, log) {
        const { toil: kind, id, by, text } = event as Record<string, string | undefined>
        // Who does it is a sub-agent, which that call started.
        const inside = by === undefined ? {} : { parentCallId: by }
        switch (kind) {
          case 'hello':
            know({ sessionId: String(event.session), model: String(event.model) })
            return log.progress('session', `Session ${String(event.session)}`, { sessionId: event.session })
          case 'say':
            if (by === undefined) know({ response: text })
            return log.output(String(text), { source: 'assistant', ...inside })
          case 'think': return log.progress('reasoning', String(text), inside)
          case 'call': {
            const tool = String(event.tool)
            const { command } = event.input as { command?: string }
            return log.toolStart({
              callId: String(id),
              tool,
              toolKind: toolKindOf(tool, command),
              message: command === undefined ? toolMessage(tool, event.input) : execMessage(command),
              input: event.input,
              ...inside
            })
          }
          case 'answer': {
            const status = event.ok === true ? 'ok' : event.refused === true ? 'denied' : 'error'
            const exit = typeof event.exit === 'number' ? { exitCode: event.exit } : {}
            return log.toolEnd(String(id), { status, result: String(text), ...exit, ...inside })
          }
          case 'ask': return log.waiting('person', `May it run ${String(text)}?`, { what: 'permission', callId: String(id) })
          case 'limit': return log.waiting('rate_limit', String(text), { until: String(event.until) })
          case 'again':
            return log.retry('retry', String(text), Number(event.afterMs), { waitKind: 'retry', attempt: event.attempt })
          case 'bye': return know({
            outcome: event.ok === true ? 'success' : 'failure',
            ...(event.ok !== true && { error: String(text), reason: String(event.why) }),
            usage: { inputTokens: Number(event.tokensIn), outputTokens: Number(event.tokensOut) }
          })
        }
        log.unknown(String(kind), event)
      }
    }
  }
}

/** Runs `toil`: the prompt goes to its stdin. */
export function toil (options: Partial<AgentOptions> = {}): Agent {
  return command({
    command: 'toil',
    args: ({ model }) => ['--json', ...(model === undefined ? [] : ['--model', model])],
    format: toilFormat,
    ...options
  })
}

/** For `agent-timeline run --format-module`. */
export default toilFormat

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const lines = [
    { toil: 'hello', toil_version: '1.0', session: 's1', model: 'm1' },
    { toil: 'call', id: 'a', tool: 'bash', input: { command: 'npm test' } },
    { toil: 'answer', id: 'a', ok: true, exit: 0, text: '12 pass' },
    { toil: 'say', text: 'All tests pass.' },
    { toil: 'bye', ok: true, tokensIn: 1200, tokensOut: 80 }
  ]
  const program = `for (const line of ${JSON.stringify(lines)}) console.log(JSON.stringify(line))`
  const result = await toil({ command: process.execPath, args: ['-e', program] }).invoke('Run the tests', {
    onActivity: ({ type, message }) => { console.log(type.padEnd(9), message) }
  })
  console.log(result.success, result.response, result.usage)
}
