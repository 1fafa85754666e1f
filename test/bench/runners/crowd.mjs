import { join } from 'node:path'
import Database from 'better-sqlite3'
import { openTimeline } from 'fastify-agent-timeline/recorder'
import { figuresOf, inDirectory, isSmoke, quantile, ROUNDS } from '../measure.mjs'
import { withChildren } from '../stream/child.mjs'

const OURS = 'Timeline'
const BY_HAND = 'better-sqlite3 by hand, busy_timeout = 5000'
const CONTENDERS = { [OURS]: 'ours', [BY_HAND]: 'by hand' }
/** Processes, and rows a second of each. */
const CROWDS = isSmoke ? [[3, 20]] : [[60, 5], [120, 2], [200, 2]]
const SECONDS = isSmoke ? 1 : 8
const STARTING = isSmoke ? 3 : 30
/** Each takes as long as two crowds work, and each figure stands for hundreds of operations. */
const CROWD_ROUNDS = Math.min(ROUNDS, 3)
/** So many processes are started at a time. */
const STARTS_AT_ONCE = 4

/** Many processes that record into one file: what of it is acknowledged, how long a start takes. */
export async function runners () {
  return withChildren(async (start) => {
    const crowd = []
    while (crowd.length < Math.max(STARTING, ...CROWDS.map(([size]) => size))) {
      crowd.push(...await Promise.all(Array.from({ length: STARTS_AT_ONCE }, () => start('../runners/runner.mjs', []))))
    }
    const tables = []
    for (const [size, rowsASecond] of CROWDS) {
      const title = `${size} runners on one file, ${rowsASecond} rows a second each, all that is acknowledged found afterwards`
      tables.push(...toTables(title, await inTurn((contender) => record(crowd.slice(0, size), contender, rowsASecond))))
    }
    const title = `${STARTING} processes that open a new file and start a run at once`
    tables.push(...toTables(title, await inTurn((contender) => begin(crowd.slice(0, STARTING), contender))))
    return tables
  })
}

async function inTurn (measure) {
  const results = { [OURS]: [], [BY_HAND]: [] }
  for (let round = 0; round < CROWD_ROUNDS; round++) {
    for (const [name, contender] of Object.entries(CONTENDERS)) results[name].push(await measure(contender))
  }
  return results
}

function record (crowd, contender, rowsASecond) {
  return inDirectory(async (directory) => {
    const path = join(directory, 'bench.db')
    const timeline = await openTimeline({ database: path })
    await timeline.close()
    await Promise.all(crowd.map((child) => child.ask('open', { contender, path })))
    const done = await Promise.all(crowd.map((child, index) =>
      child.ask('record', { taskId: `task-${index}`, rowsASecond, seconds: SECONDS })))
    await Promise.all(crowd.map((child) => child.ask('close')))
    return summarise(path, done)
  })
}

function begin (crowd, contender) {
  return inDirectory(async (directory) => {
    const path = join(directory, 'bench.db')
    const done = await Promise.all(crowd.map((child, index) => child.ask('begin', { contender, path, taskId: `task-${index}` })))
    // Before the close, which ends what still runs.
    const summary = summarise(path, done)
    await Promise.all(crowd.map((child) => child.ask('close')))
    return summary
  })
}

/** @throws when something that was acknowledged is not there */
function summarise (path, done) {
  const db = new Database(path)
  const find = db.prepare(`SELECT status, (SELECT count(*) FROM invocation_activity AS a WHERE a.invocation_id = r.invocation_id)
    AS rows FROM invocation_run AS r WHERE invocation_id = ?`)
  for (const { id, rows, lost, hasEnded } of done.flatMap(({ runs }) => runs)) {
    const found = find.get(id)
    if (found?.rows !== rows - lost || (hasEnded && found.status !== 'completed')) {
      throw new Error(`of run ${id} with ${rows - lost} rows there is ${JSON.stringify(found)}`)
    }
  }
  db.close()
  const all = (kind) => done.flatMap((of) => of[kind])
  const operations = [...all('start'), ...all('flush'), ...all('end')]
  const acknowledged = operations.filter(({ isAcknowledged }) => isAcknowledged)
  return {
    acknowledged: acknowledged.length / operations.length * 100,
    startP95: quantile(all('start').map(({ ms }) => ms), 0.95),
    startP50: quantile(all('start').map(({ ms }) => ms), 0.5),
    endP95: all('end').length === 0 ? 0 : quantile(all('end').map(({ ms }) => ms), 0.95),
    operations: operations.length
  }
}

function toTables (title, results) {
  if (process.env.BENCH_DETAILS) console.log(title, JSON.stringify(results))
  const figures = (key) => figuresOf(results, key)
  return [{
    title,
    metric: 'acknowledged starts, flushes and ends',
    unit: '%',
    figures: figures('acknowledged'),
    isHigherBetter: true,
    target: { text: 'as many as by hand', isMet: ({ ratios }) => ratios[BY_HAND] >= 1 }
  }, {
    title,
    metric: 'p95 of a start',
    unit: 'ms',
    figures: figures('startP95'),
    isHigherBetter: false,
    target: { text: 'within 20 x by hand', isMet: ({ ratios }) => ratios[BY_HAND] >= 1 / 20 }
  }]
}
