import type { ToolEnd, ToolStart } from '../activity-log.js'
import { compact, contentText, identifier, number, object, objects, string, type JsonObject } from '../json.js'
import { unwrapShell } from '../shell-words.js'
import { toolKindOf } from '../../model/tool-kind.js'
import { execMessage, toolMessage } from '../tool-message.js'

/** Older versions call it `item_type`. */
export const itemType = ({ type, item_type: older }: JsonObject): unknown => type ?? older

/** The start of a call; undefined for items that are none. */
export function codexToolStart (item: JsonObject): ToolStart | undefined {
  const start = startOf(item)
  if (start === undefined) return undefined
  const type = itemType(item)
  const toolKind = type === 'collab_tool_call' ? 'agent' : type === 'mcp_tool_call' ? 'mcp' : undefined
  const command = string(object(start.input).command)
  return { ...start, toolKind: toolKind ?? toolKindOf(start.tool, command) }
}

function startOf (item: JsonObject): ToolStart | undefined {
  const callId = identifier(item.id)
  switch (itemType(item)) {
    case 'command_execution': {
      const command = unwrapShell(commandOf(item.command))
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
    case 'web_search': {
      const input = searchOf(item)
      return { callId, tool: 'web_search', message: toolMessage('web_search', input), input }
    }
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
  const exitCode = number(item.exit_code)
  const hasFailed = item.status === 'failed' || (exitCode ?? 0) !== 0 || object(item.result).isError === true
  const status = item.status === 'declined' ? 'denied' : hasFailed ? 'error' : 'ok'
  return compact({ status, exitCode, result: resultOf(item) }) as ToolEnd
}

/** A line of a shell, or the words of one: `["bash", "-lc", "npm test"]`. */
function commandOf (command: unknown): string {
  if (!Array.isArray(command)) return string(command) ?? ''
  const words = command.map(String)
  return words.length === 3 && /^-l?c$/.test(words[1]!) ? words[2]! : words.join(' ')
}

/** What is looked for, or the page that is opened; often known only when it is over. */
function searchOf ({ query, action }: JsonObject): JsonObject {
  const { url, pattern, query: asked } = object(action)
  return compact({ url: string(url), query: string(query) ?? string(asked), pattern: string(pattern) })
}

function resultOf (item: JsonObject): string | undefined {
  switch (itemType(item)) {
    case 'command_execution': return string(item.aggregated_output)
    case 'mcp_tool_call': return mcpResult(item)
    case 'web_search': return string(Object.values(searchOf(item)).join(' '))
    case 'collab_tool_call':
      return string(Object.values(object(item.agents_states)).map((state) => string(object(state).message) ?? '').join('\n').trim())
  }
  return undefined
}

function mcpResult ({ result, error }: JsonObject): string | undefined {
  const { content, structured_content: data } = object(result)
  const text = string(contentText(content)) ?? string(error) ?? string(object(error).message)
  return text ?? (data === undefined || data === null ? undefined : JSON.stringify(data))
}
