import t, { type Test } from 'tap'
import { join } from 'node:path'
import { hostOpener } from '../../../lib/host/open-host.js'
import { Observer } from '../../../lib/insight/observer.js'
import { createRunObserver, createUsual, type Usual } from '../../../lib/insight/run-observer.js'
import { activityOp, prepareOps } from '../../../lib/intake/prepare.js'
import { createPieceStreams } from '../../../lib/intake/piece-streams.js'
import { createRedactor } from '../../../lib/intake/redact.js'
import { createStoredMemory } from '../../../lib/live/run-memory.js'
import { noMeter } from '../../../lib/meter.js'
import type { InvocationActivity } from '../../../lib/model/activity.js'
import type { Health } from '../../../lib/model/events.js'
import type { Op } from '../../../lib/model/operations.js'
import { resolveCaps } from '../../../lib/options.js'
import { createRun, type Run } from '../../../lib/recorder/run.js'
import { openStore } from '../../../lib/store/engines.js'
import { createAuditSource } from '../../../lib/host/task-events.js'
import { temporaryDirectory } from '../../support/host-database.js'
import { activityOf, ALIVE, readRuns, START, type RecordedRun } from '../insight/replay.js'

const MINUTE = 60_000

/** A database whose clock stands where it is put, and an observer that sees what is in it. */
class Project {
  at = START
  readonly usual: Usual = createUsual()
  readonly #redactor = createRedactor()
  readonly #caps = resolveCaps(undefined)
  #batches = 0
  #looks = 0
  #store!: Awaited<ReturnType<typeof openStore>>
  #memory!: ReturnType<typeof createStoredMemory>
  #observer!: Observer

  async open (t: Test): Promise<this> {
    const now = (): number => this.at
    this.#store = await openStore({
      database: join(temporaryDirectory(t), 'x.db'),
      migrate: true,
      create: true,
      isAwaited: false,
      openHost: hostOpener({ taskEvents: createAuditSource(now), now, clean: (text) => text }),
      writerId: 'w',
      owner: '{}',
      activitiesPerInvocation: 100_000,
      logger: { error () {}, warn () {}, info () {}, debug () {} },
      meter: noMeter,
      now,
      opening: {},
      onTrouble () {},
      onUsable () {},
      onImported () {},
      onImportError () {}
    })
    t.teardown(() => this.#store.close())
    // What was read a minute ago is read again: here at every look.
    const { calls: history, advice } = this.#store
    this.#memory = createStoredMemory({ history, advice, now, monotonic: () => ++this.#looks * MINUTE })
    this.#observer = new Observer({
      now,
      awake: now,
      lookAt: () => 'alive',
      memory: this.#memory,
      onWentOn: (_row, { state, step }, silentForMs) => {
        if (state !== 'looping') this.#memory.wasFalse(step, silentForMs, state)
      }
    })
    return this
  }

  async begin (taskId: string, provider: string): Promise<Run> {
    const streams = createPieceStreams(this.#redactor.openStream)
    const run = createRun(taskId, { taskId, role: 'coder', provider }, () => this.at, streams)
    await this.#commit([{ kind: 'start', run }])
    return run
  }

  async act (run: Run, { type, message, metadata }: InvocationActivity): Promise<void> {
    const options = { caps: this.#caps, redactor: this.#redactor }
    const op = activityOp(run, type, message, metadata, this.at, options)
    await this.#commit(await prepareOps([op], options))
  }

  async end (run: Run): Promise<void> {
    await this.#commit([{ kind: 'end', run, ending: { status: 'completed' } as never, at: this.at }])
    this.#observer.keep(new Set())
    this.#memory.keep(new Set())
  }

  async look (run: Run): Promise<Health> {
    const rows = await this.#store.runningRows([run.id as number])
    await this.#memory.load(rows)
    return this.#observer.see(rows[0]!)
  }

  async #commit (ops: ReadonlyArray<Op<Run>>): Promise<void> {
    const batch = { number: ++this.#batches, ops, generation: 0, withoutHost: false }
    const { ids, logs } = await this.#store.writer.commit(batch)
    for (const [run, id] of ids) run.id = id
    for (const [run, log] of logs) Object.assign(run, log)
  }
}

/** What both have to say, whatever the numbers of events and the caps of texts are. */
function essence (health: Health) {
  const { state, since, because, tool, waitingFor, loop, silentForMs, expectedSilenceMs, stuckAfterMs } = health
  // The history of a call that has only just begun is not read: most are over before it could matter.
  if (tool !== undefined && tool.elapsedMs < 2_000) return { state, since, silentForMs }
  const { calls, times } = loop ?? {}
  const open = { call: tool?.callId, ran: tool?.elapsedMs }
  return { state, since, because, ...open, waitingFor, calls, times, silentForMs, expectedSilenceMs, stuckAfterMs }
}

/** The runs of one project, told to the library and to the store; @returns how often which state was seen */
async function compare (t: Test, project: Project, runs: readonly RecordedRun[]): Promise<Map<string, number>> {
  const states = new Map<string, number>()
  for (const [index, { provider, events }] of runs.entries()) {
    const begin = project.at
    const observer = createRunObserver({ provider, startedAt: begin, usual: project.usual })
    const run = await project.begin(`task-${index}`, provider)
    const look = async (): Promise<void> => {
      const [seen, stored] = [observer.healthAt(project.at, ALIVE), await project.look(run)]
      states.set(seen.state, (states.get(seen.state) ?? 0) + 1)
      if (JSON.stringify(essence(seen)) !== JSON.stringify(essence(stored))) {
        t.same(essence(stored), essence(seen), `run ${index} at ${project.at - begin} ms`)
      }
    }
    await look()
    for (const event of events) {
      const at = begin + event[0]
      // Every limit lies between two of these.
      for (const ms of [1, 2.5, 4, 5.5, 9, 10.5, 12, 16, 21, 26, 40].map((minutes) => minutes * MINUTE)) {
        const last = project.at
        if (at - last < MINUTE) break
        if (last + ms >= at) break
        project.at = last + ms
        await look()
        project.at = last
      }
      project.at = at
      const activity = activityOf(event)
      if (activity === undefined) continue
      const { until } = activity.metadata ?? {}
      const shifted = typeof until === 'string' ? { until: new Date(Date.parse(until) - START + begin).toISOString() } : {}
      const metadata = activity.metadata && { metadata: { ...activity.metadata, ...shifted } }
      const given = { ...activity, timestamp: new Date(at), ...metadata }
      observer.activity(given)
      await project.act(run, given)
      await look()
    }
    await project.end(run)
    project.at += MINUTE
  }
  return states
}

t.test('what is stored of a run is judged as what is observed of it', async (t) => {
  const byProject = new Map<string, RecordedRun[]>()
  for (const run of readRuns()) byProject.set(run.project, [...byProject.get(run.project) ?? [], run])
  const longestMs = ({ events }: RecordedRun) =>
    Math.max(...events.map(([at], index) => at - (events[index - 1]?.[0] ?? 0)))
  const states = new Map<string, number>()
  let activities = 0
  // Those projects first in which something is to be seen: repetition, silence, waits.
  const hasMuch = (runs: readonly RecordedRun[]) =>
    Math.max(...runs.map((run) => run.loops === true ? Infinity : longestMs(run)))
  for (const runs of [...byProject.values()].sort((a, b) => hasMuch(b) - hasMuch(a))) {
    const some = runs.filter(({ events }) => events.length < 300)
    if (some.length === 0 || some.length > 12) continue
    activities += some.reduce((sum, { events }) => sum + events.length, 0)
    if (activities > 1_500) break
    const seen = await compare(t, await new Project().open(t), some)
    for (const [state, count] of seen) states.set(state, (states.get(state) ?? 0) + count)
  }
  t.comment(JSON.stringify([...states]))
  for (const state of ['starting', 'working', 'in_tool', 'quiet', 'stuck', 'looping']) t.ok(states.has(state), state)
})
