import type { ToolStart } from '../activity-log.js'
import { compact, object, string, type JsonObject } from '../json.js'
import { toolKindOf } from '../../model/tool-kind.js'
import { execMessage, toolMessage } from '../tool-message.js'

/** What is special about a call, where its name and input do not say it. */
export type CallDetails = Pick<Partial<ToolStart>, 'toolKind' | 'parentCallId' | 'messageId'>

const EDITED = ['content', 'new_string', 'newString', 'new_str', 'newText', 'new_text', 'file_text', 'contents', 'streamContent']
const PATHS = ['file_path', 'filePath', 'absolute_path', 'path']

/** The start of a call, by the names that coding agents give to tools and inputs. Of an edit path and size are kept. */
export function describeCall (callId: string, tool: string, input: JsonObject, details: CallDetails = {}): ToolStart {
  const command = commandOf(input)
  const toolKind = details.toolKind ?? toolKindOf(tool, command)
  const call = { callId, tool, ...compact({ ...details, toolKind }) }
  if (command !== undefined && ['shell', 'build', 'test'].includes(toolKind)) {
    return { ...call, message: execMessage(command), input }
  }
  const path = PATHS.map((name) => string(input[name])).find((path) => path !== undefined)
  if (toolKind !== 'edit' || path === undefined) return { ...call, message: toolMessage(tool, input), input }
  const bytes = EDITED.reduce((sum, name) => sum + Buffer.byteLength(string(input[name]) ?? ''), 0)
  return { ...call, message: toolMessage(tool, { path }), input: { path }, files: [{ path, bytes }] }
}

function commandOf ({ command, commands, cmd }: JsonObject): string | undefined {
  if (Array.isArray(commands)) return string(commands.map((one) => string(one) ?? string(object(one).command) ?? '').join('\n'))
  return string(command) ?? string(cmd)
}
