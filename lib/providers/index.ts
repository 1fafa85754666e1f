export { TOOL_KINDS, WAIT_KINDS } from '../model/activity.js'
export type {
  ActivityType, InvocationActivity, InvocationResult, InvokeOptions, OnActivity, ProgressMetadata, ToolKind,
  ToolMetadata, Usage, WaitKind
} from '../model/activity.js'
export { acp, type AcpOptions, type PermissionDecision, type PermissionRequest } from './acp/acp.js'
export {
  createActivityLog, type ActivityLog, type ActivityLogOptions, type ToolEnd, type ToolStart, type WaitDetails
} from './activity-log.js'
export type { Agent, AgentCall, AgentOptions } from './adapter.js'
export type { Verdict } from './verdict.js'
export { endOfText, oneLine } from './caps.js'
export { claude } from './claude/claude.js'
export { codex } from './codex/codex.js'
export { command, type CommandOptions } from './command.js'
export type { OutputFormat, OutputParser, ParserStart, RunFacts } from './format.js'
export { gemini } from './gemini/gemini.js'
export type { JsonObject } from './json.js'
export { judge } from './judge.js'
export { createLineSplitter, type Line, type LineSplitter } from './process/lines.js'
export { reportPlan, type PlanEntry } from './plan.js'
export type { ProcessEnd } from './process/process-end.js'
export { readJsonLine, type LinePart } from './read-json-line.js'
export { toolKindOf } from '../model/tool-kind.js'
export { execMessage, toolMessage } from './tool-message.js'
export { reportUsage } from './usage.js'
