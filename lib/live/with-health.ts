import type { CurrentFrame, Health, HealthState } from '../model/events.js'
import type { LogReader } from '../store/port.js'
import type { HealthMonitor } from './health-monitor.js'

/** Puts the verdicts to what a reader tells of running invocations: in lists, details and the frames of streams. */
export function withHealth (reader: LogReader, monitor: Pick<HealthMonitor, 'healthOf'>): LogReader {
  return {
    ...reader,

    async running (taskId) {
      const frames = await reader.running(taskId)
      const verdicts = await monitor.healthOf(frames.map(({ invocationId }) => invocationId))
      return frames.map((frame) => ({ ...frame, ...verdictOn(frame.invocationId, verdicts) }))
    },

    async getInvocation (id, query) {
      const invocation = await reader.getInvocation(id, query)
      if (invocation?.status !== 'running') return invocation
      return { ...invocation, ...verdictOn(id, await monitor.healthOf([id])) }
    },

    async listInvocations (filter) {
      const list = await reader.listInvocations(filter)
      const running = list.invocations.filter(({ status }) => status === 'running')
      if (running.length === 0) return list
      const verdicts = await monitor.healthOf(running.map(({ id }) => id))
      return { ...list, invocations: list.invocations.map((one) => ({ ...one, ...verdictOn(one.id, verdicts) })) }
    }
  }
}

function verdictOn (id: number, verdicts: ReadonlyMap<number, Health>): { readonly health?: Health } {
  const health = verdicts.get(id)
  return health === undefined ? {} : { health }
}

/** Worst first: what calls for a look, what is not known, what waits, what goes on. */
const WORST_FIRST: readonly HealthState[] =
  ['lost', 'stuck', 'looping', 'quiet', 'unknown', 'waiting', 'starting', 'in_tool', 'working']

/** The place of a verdict among others: who waits for a person comes before everything else. */
export function rankOfHealth ({ state, waitingFor }: Health): number {
  return state === 'waiting' && waitingFor?.kind === 'person' ? -1 : WORST_FIRST.indexOf(state)
}

/** The worst verdict among a task's running invocations; undefined when none runs. */
export function worstOf (running: readonly CurrentFrame[]): (Health & { readonly invocationId: number }) | undefined {
  const rank = ({ health }: CurrentFrame) => health === undefined ? Infinity : rankOfHealth(health)
  const [worst] = [...running].sort((a, b) => rank(a) - rank(b))
  return worst?.health && { invocationId: worst.invocationId, ...worst.health }
}
