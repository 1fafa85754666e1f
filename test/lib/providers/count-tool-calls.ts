/**
 * Counts tool calls in the raw bytes of a recording. Deliberately shares nothing with lib: it looks for the CLIs' own
 * words in the text instead of parsing events.
 */
export interface Counted {
  started: number
  /** Distinct calls that were answered by the CLI. */
  answered: number
  /** Answered as a failure. */
  failed: number
}

const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map((match) => match[1]!)

export function countClaude (text: string): Counted {
  const lines = text.split('\n').filter((line) => !line.includes('"type":"stream_event"'))
  const starts = lines.flatMap((line) => line.includes('"type":"assistant"') ? all(line, /"type":"tool_use","id":"([^"]+)"/g) : [])
  const results = lines.filter((line) => line.includes('"type":"user"') && line.includes('"type":"tool_result"'))
  const answered = results.flatMap((line) => all(line, /"tool_use_id":"([^"]+)"/g).slice(0, 1))
  const failed = results.filter((line) => line.includes('"is_error":true'))
  return { started: new Set(starts).size, answered: new Set(answered).size, failed: failed.length }
}

export function countCodex (text: string): Counted {
  const tools = /"id":"([^"]+)","type":"(?:command_execution|file_change|mcp_tool_call|web_search|collab_tool_call)"/g
  const ended = text.split('\n').filter((line) => line.startsWith('{"type":"item.completed"') && line.search(tools) !== -1)
  return {
    started: new Set(all(text, tools)).size,
    answered: ended.length,
    failed: ended.filter((line) => line.includes('"status":"failed"')).length
  }
}

export function countGemini (text: string): Counted {
  const lines = text.split('\n')
  const results = lines.filter((line) => line.startsWith('{"type":"tool_result"'))
  return {
    started: lines.filter((line) => line.startsWith('{"type":"tool_use"')).length,
    answered: results.length,
    failed: results.filter((line) => line.includes('"status":"error"')).length
  }
}

export function countAcp (text: string): Counted {
  const lines = text.split('\n').filter((line) => line.includes('"agent->client"') && line.includes('"toolCallId"'))
  const idsOf = (lines: string[]): Set<string> => new Set(lines.flatMap((line) => all(line, /"toolCallId":"([^"]+)"/g)))
  const ended = lines.filter((line) => /"sessionUpdate":"tool_call_update"/.test(line) && /"status":"(completed|failed)"/.test(line))
  const failed = ended.filter((line) => /"status":"failed"|"exit":[1-9]|"exit_code":[1-9]/.test(line))
  return { started: idsOf(lines).size, answered: idsOf(ended).size, failed: idsOf(failed).size }
}
