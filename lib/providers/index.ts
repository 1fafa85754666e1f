export type {
  ActivityType, InvocationActivity, InvocationResult, InvokeOptions, OnActivity, ProgressMetadata, ToolMetadata, Usage
} from '../activity.js'
export { acp, type AcpOptions, type PermissionDecision, type PermissionRequest } from './acp.js'
export type { Agent, AgentCall, AgentOptions } from './adapter.js'
export { claude } from './claude.js'
export { codex } from './codex.js'
export { command, type CommandOptions } from './command.js'
export { gemini } from './gemini.js'
