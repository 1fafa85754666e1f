import { openCore } from './open-core.js'
import type { OpenOptions } from './open-options.js'
import type { Timeline } from './timeline.js'

export type { ActivityType, InvocationActivity, InvocationResult, OnActivity, Usage } from './model/activity.js'
export type { ErrorCode, TimelineError } from './errors.js'
export type * from './model/answers.js'
export type * from './model/events.js'
export type * from './model/failure.js'
export type { Notice, NoticeKind } from './model/notice.js'
export type { WebhookOptions } from './live/webhook.js'
export type { HostTaskEvent, HostTaskEvents, TaskEventSource } from './host/task-events.js'
export type { Logger } from './logger.js'
export type { Caps } from './options.js'
export type { ResultLike } from './model/ending.js'
export type { InvocationHandle, InvocationRun } from './recorder/recorder.js'
export type { RecordOptions } from './intake/record-options.js'
export type { RedactOptions } from './intake/redact.js'
export type { InvocationMeta } from './model/invocation-meta.js'
export type { InvocationFilter, InvocationList, PageQuery, TimelinePage } from './store/port.js'
export type { DatabaseSource } from './store/engines.js'
export type { OpenOptions } from './open-options.js'
export type { TaskEventInput, Timeline } from './timeline.js'

/**
 * Opens the timeline of a database.
 *
 * @throws AGENT_TIMELINE_INVALID_OPTION, AGENT_TIMELINE_UNKNOWN_OPTION, AGENT_TIMELINE_NOT_MIGRATED,
 * AGENT_TIMELINE_DATABASE_MISSING, AGENT_TIMELINE_NOT_A_DATABASE, AGENT_TIMELINE_DATABASE_LOCKED
 */
export async function openTimeline (options: OpenOptions): Promise<Timeline> {
  return (await openCore(options)).timeline
}
