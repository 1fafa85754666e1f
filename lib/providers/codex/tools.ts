import type { ToolEnd, ToolStart } from '../activity-log.js'
import { compact, contentText, number, object, objects, string, type JsonObject } from '../json.js'
import { unwrapShell } from '../shell-words.js'
import { toolKindOf } from '../../model/tool-kind.js'
import { execMessage, toolMessage } from '../tool-message.js'

/** The start of a call; undefined for items that are none. */
export function codexToolStart (item: JsonObject): ToolStart | undefined {
  const start = startOf(item)
  if (start === undefined) return undefined
  const toolKind = item.type === 'collab_tool_call' ? 'agent' : item.type === 'mcp_tool_call' ? 'mcp' : undefined
  const command = string(object(start.input).command)
  return { ...start, toolKind: toolKind ?? toolKindOf(start.tool, command) }
}

function startOf (item: JsonObject): ToolStart | undefined {
  const callId = string(item.id) ?? ''
  switch (item.type) {
    case 'command_execution': {
      const command = unwrapShell(string(item.command) ?? '')
      return { callId, tool: 'shell', message: execMessage(command), input: { command } }
    }
    case 'file_change': {
      const files = objects(item.changes).map(({ path, kind }) => compact({ path: string(path) ?? '', kind: string(kind) }))
      const more = files.length > 1 ? ` and ${files.length - 1} more` : ''
      return { callId, tool: 'apply_patch', message: `apply_patch: ${files[0]?.path ?? 'files'}${more}`, files }
    }
    case 'mcp_tool_call': {
      const tool = `${string(item.server) ?? 'mcp'}.${string(item.tool) ?? 'tool'}`
      return { callId, tool, message: toolMessage(tool, item.arguments), input: item.arguments }
    }
    case 'web_search':
      return { callId, tool: 'web_search', message: toolMessage('web_search', item), input: compact({ query: string(item.query) }) }
    case 'collab_tool_call': {
      const tool = string(item.tool) ?? 'collab'
      const input = compact({ prompt: string(item.prompt) })
      return { callId, tool, message: toolMessage(tool, input), input }
    }
  }
  return undefined
}

/** The end of a call. */
export function codexToolEnd (item: JsonObject): ToolEnd {
  const status = item.status === 'failed' ? 'error' : item.status === 'declined' ? 'denied' : 'ok'
  return compact({ status, exitCode: number(item.exit_code), result: resultOf(item) }) as ToolEnd
}

function resultOf (item: JsonObject): string | undefined {
  if (item.type === 'command_execution') return string(item.aggregated_output)
  if (item.type === 'mcp_tool_call') return string(contentText(object(item.result).content)) ?? string(object(item.error).message)
  if (item.type === 'collab_tool_call') {
    return string(Object.values(object(item.agents_states)).map((state) => string(object(state).message) ?? '').join('\n').trim())
  }
  return undefined
}
