import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { openTimeline } from 'fastify-agent-timeline/recorder'
import { alternate, isSmoke, median } from '../measure.mjs'
import { withChildren } from './child.mjs'
import { SseReader } from './sse-reader.mjs'

/** Activities; every log has two events more, the start and the end. */
const SIZES = { small: isSmoke ? 100 : 1000, large: isSmoke ? 1000 : 1_000_000 }
const REQUESTS = isSmoke ? 3 : 60
const RESUMES = isSmoke ? 2 : 20
const FEW = 10

/** What a long log costs those who look at a part of it: the first page, the last, the rest after a cut. */
export async function history () {
  const directory = mkdtempSync(join(tmpdir(), 'agent-timeline-bench-'))
  try {
    for (const [name, count] of Object.entries(SIZES)) await build(join(directory, `${name}.db`), count)
    return await withChildren(async (start) => {
      const server = await start('./server.mjs', ['archive', directory])
      return [...await pages(server), ...await resumes(server)]
    })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function build (path, count) {
  const timeline = await openTimeline({ database: path })
  const handle = await timeline.startInvocation({ taskId: 't', role: 'coder', provider: 'x' })
  const db = new Database(path)
  db.exec(`BEGIN IMMEDIATE;
    INSERT INTO invocation_activity (invocation_id, activity_type, message, created_at, task_id, seq, metadata)
      WITH RECURSIVE n (value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM n WHERE value < ${count - 1})
      SELECT ${handle.id}, 'tool_exec', 'exec: rg -n ''verified email'' src/ # ' || value || ' @0',
        strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 't', 2 + value, '{"callId":"toolu_' || value || '","phase":"start","tool":"Bash"}' FROM n;
    UPDATE task_stream SET last_seq = last_seq + ${count};
    COMMIT`)
  db.close()
  await handle.complete('done')
  await timeline.close()
}

async function pages (server) {
  const agent = new Agent({ keepAlive: true })
  const tables = []
  for (const [end, query, isRight] of [
    ['first', '', (page) => page.firstSeq === 1],
    ['last', '&before=end', (page, size) => page.lastSeq === size + 2 && page.headSeq === size + 2]
  ]) {
    const measure = (name) => async () => {
      const took = []
      for (let request = 0; request < REQUESTS; request++) {
        const startedAt = performance.now()
        const body = await read(agent, server.first.port, `/api/tasks/t/timeline?project=/${name}${query}`)
        took.push(performance.now() - startedAt)
        const { timeline, page } = JSON.parse(body)
        const isDense = timeline.every(({ seq }, index) => seq === page.firstSeq + index)
        const expected = Math.min(500, SIZES[name] + 2)
        if (timeline.length !== expected || !isDense || !isRight(page, SIZES[name])) throw new Error(`a wrong page: ${body.slice(0, 200)}`)
      }
      return median(took)
    }
    tables.push({
      title: `The ${end} page (500 events) over HTTP, of ${events('large')} beside ${events('small')}`,
      metric: 'time to the whole answer',
      unit: 'ms',
      figures: await alternate({ [events('large')]: measure('large'), [events('small')]: measure('small') }),
      isHigherBetter: false,
      target: { text: 'within 1.5 x', isMet: ({ ratios }) => Object.values(ratios)[0] >= 1 / 1.5 }
    })
  }
  agent.destroy()
  return tables
}

async function resumes (server) {
  const measure = (name, missed) => async () => {
    const before = await server.ask('usage')
    for (let resume = 0; resume < RESUMES; resume++) {
      const after = SIZES[name] + 2 - missed
      const path = `/api/tasks/t/stream?project=/${name}&after=${after}`
      const reader = new SseReader({ port: server.first.port, path, firstIndex: after - 1 })
      await reader.opened
      // The end of the run is one of those that were missed.
      await reader.seen(missed - 1)
      reader.socket.destroy()
      await once(reader.socket, 'close')
    }
    const after = await server.ask('usage')
    return (after.cpuSeconds - before.cpuSeconds) * 1000 / RESUMES
  }
  const many = Math.min(1000, SIZES.small)
  return [{
    title: `Resume after a cut, ${many} events missed of ${events('large')}`,
    metric: 'server CPU of each',
    unit: 'ms',
    figures: await alternate({
      [`${many} of ${events('large')}`]: measure('large', many),
      [`${many} of ${events('small')}`]: measure('small', many),
      [`${FEW} of ${events('large')}`]: measure('large', FEW)
    }),
    isHigherBetter: false,
    target: {
      text: 'as of the small log, within 1.5 x; less for fewer',
      isMet: ({ ratios: { [`${many} of ${events('small')}`]: small, [`${FEW} of ${events('large')}`]: few } }) =>
        small >= 1 / 1.5 && few < 0.5
    }
  }]
}

function events (name) {
  return `${SIZES[name].toLocaleString('en-US')} events`
}

async function read (agent, port, path) {
  const [response] = await once(get({ port, host: '127.0.0.1', path, agent }), 'response')
  const parts = []
  for await (const part of response) parts.push(part)
  const body = Buffer.concat(parts).toString()
  if (response.statusCode !== 200) throw new Error(`${path} answered ${response.statusCode}: ${body}`)
  return body
}
