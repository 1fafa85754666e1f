import { channel } from 'node:diagnostics_channel'

/** What is published, by the channel's name behind `agent-timeline:`. Ids, numbers and states only. */
export interface LifecycleMessages {
  /** The start of a run is committed. */
  readonly 'invocation.started': { readonly taskId: string, readonly invocationId: number }
  /** The end that a run's recorder gave it is committed, or came too late because somebody had ended it before. */
  readonly 'invocation.ended': { readonly taskId: string, readonly invocationId: number }
  /** A batch is committed. */
  readonly 'batch.committed': { readonly operations: number, readonly tasks: number, readonly seconds: number }
  /** This process has ended the run of one that is dead. */
  readonly 'invocation.lost': { readonly taskId: string, readonly invocationId: number }
  /** A viewer follows a task. */
  readonly 'viewer.connected': { readonly taskId: string }
  /** A viewer took nothing for too long. `seq`: what it has got. */
  readonly 'viewer.evicted': { readonly taskId: string, readonly seq: number }
}

const CHANNELS = {
  'invocation.started': channel('agent-timeline:invocation.started'),
  'invocation.ended': channel('agent-timeline:invocation.ended'),
  'batch.committed': channel('agent-timeline:batch.committed'),
  'invocation.lost': channel('agent-timeline:invocation.lost'),
  'viewer.connected': channel('agent-timeline:viewer.connected'),
  'viewer.evicted': channel('agent-timeline:viewer.evicted')
} satisfies Readonly<Record<keyof LifecycleMessages, unknown>>

/**
 * Publishes on `node:diagnostics_channel`. The message is made only where somebody has subscribed.
 *
 * @see https://nodejs.org/api/diagnostics_channel.html
 */
export function publish<Name extends keyof LifecycleMessages> (
  name: Name, message: () => LifecycleMessages[Name]
): void {
  const to = CHANNELS[name]
  if (to.hasSubscribers) to.publish(message())
}
