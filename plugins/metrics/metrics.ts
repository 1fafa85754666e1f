import { isTimelineError, timelineError } from '../../lib/errors.js'
import type { Meter } from '../../lib/meter.js'
import type { OpenStreams } from '../stream/open-streams.js'
import { addTo, ProjectMeter } from './project-meter.js'

/** Numbers by the value of a label, or a number alone. */
type Value = number | ReadonlyMap<string, number>

interface Series<Source> {
  readonly type: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  /** What tells the numbers of a map apart. */
  readonly label?: string
  readonly read: (source: Source) => Value | Promise<Value>
}

/** What is counted over all projects. */
interface Streams {
  readonly open: OpenStreams
  readonly refused: Map<string, number>
}

const OF_STREAMS: ReadonlyArray<Series<Streams>> = [
  { type: 'gauge', name: 'viewers', help: 'Streams that are open.', read: ({ open }) => open.counts.open },
  { type: 'counter', name: 'streams_opened_total', help: 'Streams that were opened.', read: ({ open }) => open.counts.opened },
  {
    type: 'counter',
    name: 'streams_refused_total',
    help: 'Streams that were asked for and not opened.',
    label: 'reason',
    read: ({ refused }) => refused
  }
]

const OF_PROJECT: ReadonlyArray<Series<ProjectMeter>> = [
  {
    type: 'counter',
    name: 'events_delivered_total',
    help: 'Events written to viewers, once for each viewer.',
    read: (meter) => meter.events
  },
  { type: 'counter', name: 'gaps_delivered_total', help: 'Gaps told to viewers.', read: (meter) => meter.gaps },
  {
    type: 'counter',
    name: 'stream_writes_total',
    help: 'Writes of events and gaps to viewers, each of all that were ready.',
    read: (meter) => meter.writes
  },
  {
    type: 'counter',
    name: 'delivered_bytes_total',
    help: 'Bytes of events and gaps written to viewers.',
    read: (meter) => meter.bytes
  },
  {
    type: 'counter',
    name: 'replayed_pages_total',
    help: 'Pages of a log handed to viewers that were behind.',
    read: (meter) => meter.replayedPages
  },
  {
    type: 'counter',
    name: 'slow_viewers_total',
    help: 'Viewers that did not keep up and were paused, or took nothing at all and were disconnected.',
    label: 'outcome',
    read: (meter) => meter.slowViewers
  },
  {
    type: 'counter',
    name: 'wakeups_total',
    help: 'Looks for news, by what caused them.',
    label: 'source',
    read: (meter) => meter.wakeUps
  },
  {
    type: 'counter',
    name: 'lock_retries_total',
    help: 'Times that the database was locked by somebody else.',
    read: (meter) => meter.lockRetries
  },
  { type: 'gauge', name: 'queue_bytes', help: 'Bytes in memory that wait to be written.', read: (meter) => meter.queueBytes },
  {
    type: 'counter',
    name: 'dropped_pieces_total',
    help: 'Activities that found no room in the queue.',
    read: (meter) => meter.droppedPieces
  },
  {
    type: 'counter',
    name: 'troubles_total',
    help: 'Attempts to write that failed, by the code of the error.',
    label: 'code',
    read: (meter) => meter.troubles
  },
  {
    type: 'counter',
    name: 'heartbeats_total',
    help: 'Times that the open runs of this process were marked as alive.',
    read: (meter) => meter.heartbeats
  },
  {
    type: 'gauge',
    name: 'running_invocations',
    help: 'Invocations that run, by the verdict on them.',
    label: 'state',
    read: (meter) => meter.verdicts()
  },
  {
    type: 'counter',
    name: 'advised_runs_total',
    help: 'Runs that this process was the first to call quiet, looping or stuck.',
    label: 'state',
    read: (meter) => meter.advice
  },
  {
    type: 'counter',
    name: 'wrongly_advised_runs_total',
    help: 'Those of them, and of others, that this process saw go on by themselves.',
    label: 'state',
    read: (meter) => meter.wrongAdvice
  },
  {
    type: 'counter',
    name: 'lost_runs_total',
    help: 'Runs of dead processes that this process ended.',
    read: (meter) => meter.lostRuns
  }
]

const LAG_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const COMMIT_BUCKETS_SECONDS = [0.00025, 0.0005, ...LAG_BUCKETS_SECONDS]
const ROWS_BUCKETS = [1, 2, 5, 10, 25, 50, 100, 250, 500]

const PREFIX = 'agent_timeline_'
/** Refusals that say something of the server rather than of who asks. */
const LIMITS = [
  'AGENT_TIMELINE_TOO_MANY_STREAMS', 'AGENT_TIMELINE_TOO_MANY_STREAMS_PER_ADDRESS',
  'AGENT_TIMELINE_TOO_MANY_STREAMS_PER_CONNECTION'
] as const

/** What the plugin counts, for Prometheus. */
export interface Metrics {
  readonly contentType: string
  /** Where the numbers of a project go; those of projects without a label are added up. */
  meterFor (project: string | undefined): Meter
  /** A stream was asked for, and was not opened. */
  streamRefused (error: unknown): void
  /** Everything, in the text format. */
  text (): Promise<string>
}

/**
 * Loads prom-client and makes a registry of our own: the host's default one stays as it is.
 *
 * @param projects the names that become values of the label `project`; none but the host's own, because any other
 * could be there any number of times
 * @throws AGENT_TIMELINE_PROM_CLIENT_MISSING
 */
export async function createMetrics (open: OpenStreams, projects: readonly string[]): Promise<Metrics> {
  const { Counter, Gauge, Histogram, Registry } = await loadPromClient()
  const registry = new Registry()
  const streams: Streams = { open, refused: new Map(LIMITS.map((code) => [reasonOf(timelineError(code)), 0])) }
  const meters = new Map<string | undefined, ProjectMeter>()

  /** Numbers are added up in plain fields, and copied when they are asked for: that keeps deliveries cheap. */
  function register<Source> (
    { type, name, help, label, read }: Series<Source>,
    sources: () => Iterable<readonly [Record<string, string>, Source]>
  ): void {
    const Metric = type === 'counter' ? Counter : Gauge
    const labelNames = ['project', ...(label === undefined ? [] : [label])]
    const metric = new Metric({
      name: PREFIX + name,
      help,
      labelNames,
      registers: [registry],
      async collect () {
        const samples: Array<readonly [labels: Record<string, string>, count: number]> = []
        for (const [labels, source] of sources()) {
          const value = await read(source)
          if (typeof value === 'number') samples.push([labels, value])
          else for (const [key, count] of value) samples.push([{ ...labels, [label as string]: key }, count])
        }
        // Without a pause in between: somebody else may be reading, too.
        metric.reset()
        for (const [labels, count] of samples) metric.inc(labels, count)
      }
    })
  }

  function histogram (name: string, help: string, buckets: number[]) {
    return new Histogram({ name: PREFIX + name, help, buckets, labelNames: ['project'], registers: [registry] })
  }

  for (const series of OF_STREAMS) register(series, () => [[{}, streams]])
  for (const series of OF_PROJECT) {
    register(series, () => [...meters].map(([project, meter]) => [labelsOf(project), meter]))
  }
  const lag = histogram('delivery_lag_seconds',
    'From the insertion of an activity to its write to live viewers; the oldest activity of each read.',
    LAG_BUCKETS_SECONDS)
  const rows = histogram('batch_rows', 'Activities and events in a commit.', ROWS_BUCKETS)
  const duration = histogram('batch_duration_seconds', 'Duration of a commit.', COMMIT_BUCKETS_SECONDS)

  function meterFor (given: string | undefined): Meter {
    const project = given !== undefined && projects.includes(given) ? given : undefined
    let meter = meters.get(project)
    if (meter === undefined) {
      const labels = labelsOf(project)
      for (const distribution of [lag, rows, duration]) distribution.zero(labels)
      meter = new ProjectMeter({
        deliveryLag: (seconds) => lag.observe(labels, seconds),
        batchRows: (count) => rows.observe(labels, count),
        batchDuration: (seconds) => duration.observe(labels, seconds)
      })
      meters.set(project, meter)
    }
    return meter
  }

  // A number that begins at 0 shows its first step, one that appears does not.
  for (const project of projects.length > 0 ? projects : [undefined]) meterFor(project)

  return {
    contentType: registry.contentType,
    meterFor,
    streamRefused (error) { addTo(streams.refused, reasonOf(error)) },
    text: () => registry.metrics()
  }
}

function labelsOf (project: string | undefined): Record<string, string> {
  return project === undefined ? {} : { project }
}

/** Of our own errors the code; what the host's hooks refuse for is theirs to count. */
function reasonOf (error: unknown): string {
  return isTimelineError(error) ? error.code.replace('AGENT_TIMELINE_', '').toLowerCase() : 'other'
}

async function loadPromClient (): Promise<typeof import('prom-client')> {
  try {
    return await import('prom-client')
  } catch (error) {
    throw timelineError('AGENT_TIMELINE_PROM_CLIENT_MISSING', [(error as Error).message], error)
  }
}
