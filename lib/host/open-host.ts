import type { OpenHost } from '../store/host-rows.js'
import { createHost, type HostOptions } from './host.js'
import type { TaskEventSource } from './task-events.js'

export interface OpenHostOptions extends Pick<HostOptions, 'now' | 'clean'> {
  /** Where the host keeps its tasks' changes, if this database has it. */
  readonly taskEvents: TaskEventSource
}

/** What a store is given to read and write the host's rows with. */
export function hostOpener ({ taskEvents, ...options }: OpenHostOptions): OpenHost {
  return async (db, schema, tryPart) => {
    const isPresent = taskEvents.name === 'audit' ? schema.hasAudit : await taskEvents.isPresent(db)
    return createHost({ ...options, schema, tryPart, taskEvents: isPresent ? taskEvents : undefined })
  }
}
