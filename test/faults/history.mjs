import { digestOf } from './digest.mjs'

/** The event that a row must be shown as; written from the documented wire, not with the product's own code. */
export function eventOf (row) {
  const { task_id: taskId, seq, kind } = row
  const timestamp = new Date(Date.parse(row.created_at) - row.lag_ms).toISOString()
  if (kind.startsWith('task.')) return { seq, taskId, timestamp, type: kind, actor: row.actor, message: row.message }
  const details = row.details === null ? undefined : JSON.parse(row.details)
  const invocationId = row.invocation_id
  if (kind.startsWith('invocation.')) return { seq, taskId, timestamp, type: kind, invocationId, ...details }
  const event = { seq, taskId, timestamp, type: 'invocation.activity', invocationId, activity: row.message, activityType: kind }
  return details === undefined ? event : { ...event, metadata: details }
}

/** One log from its beginning to its end: what was stored under which number, and until when it was there. */
class Log {
  digests = ['']
  at = [0]
  bytes = [0]
  deletedAt = []
  /** When the log itself was deleted; infinite for one that is there. */
  goneAt = Infinity
  floors = []

  get lastSeq () { return this.digests.length - 1 }
  wasDeleted (seq, at) { return this.deletedAt[seq] <= at }
  floorAt (at) { return this.floors.reduce((floor, one) => one.at <= at ? Math.max(floor, one.seq) : floor, 0) }
}

/**
 * Everything that was ever committed, by log. `onRow` sees every row in the order of its log.
 *
 * @returns {Map<string, Log>} by task and epoch, with a blank in between
 */
export function readHistory (raw, violations, onRow) {
  const logs = new Map()
  const logOf = (taskId, epoch) => {
    const key = `${taskId} ${epoch}`
    if (!logs.has(key)) logs.set(key, new Log())
    return logs.get(key)
  }
  raw.exec('CREATE INDEX IF NOT EXISTS history_order ON history (task_id, epoch, seq)')
  for (const row of raw.prepare('SELECT * FROM history ORDER BY task_id, epoch, seq').iterate()) {
    const log = logOf(row.task_id, row.epoch)
    if (row.seq !== log.lastSeq + 1) violations.push(`numbers: ${row.task_id} has ${row.seq} after ${log.lastSeq} in ${row.epoch}`)
    const event = eventOf(row)
    log.digests[row.seq] = digestOf(event)
    log.at[row.seq] = row.at
    log.bytes[row.seq] = row.message?.length ?? 0
    onRow(row, event)
  }
  for (const row of raw.prepare('SELECT * FROM history_deleted').iterate()) logOf(row.task_id, row.epoch).deletedAt[row.seq] = row.at
  for (const row of raw.prepare('SELECT * FROM history_stream ORDER BY rowid').iterate()) {
    const log = logOf(row.task_id, row.epoch)
    if (row.what === 'gone') log.goneAt = row.at
    if (row.what === 'floor') log.floors.push({ at: row.at, seq: row.last_seq })
  }
  for (const { what } of raw.prepare('SELECT what FROM history_changed').iterate()) violations.push(`a stored row was changed: ${what}`)
  return logs
}

/** What is in the tables now is what was stored and not deleted, and nothing else. */
export function checkTables (raw, logs, violations) {
  const left = new Map()
  const rows = raw.prepare(`SELECT task_id, seq, activity_type AS kind, invocation_id, NULL AS actor, message, metadata AS details,
    created_at, lag_ms FROM invocation_activity UNION ALL SELECT task_id, seq, type, invocation_id, actor, message, payload,
    created_at, 0 FROM timeline_event`)
  const epochs = new Map(raw.prepare('SELECT task_id, epoch, last_seq FROM task_stream').all().map((row) => [row.task_id, row]))
  for (const row of rows.iterate()) {
    const stream = epochs.get(row.task_id)
    const log = logs.get(`${row.task_id} ${stream?.epoch}`)
    const isSame = log?.digests[row.seq] === digestOf(eventOf(row)) && log.deletedAt[row.seq] === undefined
    if (!isSame) violations.push(`the tables hold what was not stored: ${row.task_id} ${row.seq}`)
    left.set(row.task_id, (left.get(row.task_id) ?? 0) + 1)
  }
  for (const [taskId, { epoch, last_seq: lastSeq }] of epochs) {
    const log = logs.get(`${taskId} ${epoch}`)
    if ((log?.lastSeq ?? 0) !== lastSeq) violations.push(`the head of ${taskId} is ${lastSeq}, stored was ${log?.lastSeq}`)
    const deleted = log?.deletedAt.filter((at) => at !== undefined).length ?? 0
    const expected = lastSeq - deleted
    if ((left.get(taskId) ?? 0) !== expected) violations.push(`${taskId} has ${left.get(taskId) ?? 0} rows, ${expected} should be left`)
  }
}
