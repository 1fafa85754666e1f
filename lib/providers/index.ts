export type {
  ActivityType, InvocationActivity, InvocationResult, InvokeOptions, OnActivity, ProgressMetadata, ToolMetadata, Usage
} from '../activity.js'
export type { Agent, AgentCall, AgentOptions } from './adapter.js'
export { claude } from './claude.js'
