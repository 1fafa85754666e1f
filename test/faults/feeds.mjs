import { digestOf } from './digest.mjs'

/** One task, as an EventSource follows it: it keeps the last `id` and sends it back. */
export function oneTask (taskId) {
  let cursor = ''
  return {
    tasks: [taskId],
    request: () => ({
      path: `/api/tasks/${taskId}/stream`,
      headers: cursor === '' ? {} : { 'last-event-id': cursor }
    }),
    cursorOf: () => cursor || '-',
    /** @param {(...words: unknown[]) => void} write */
    take (frame, id, write) {
      if (id === undefined) return takeState(frame, write)
      cursor = id
      const [seq, epoch] = id.split('.')
      takeEvent(frame, epoch, write)
      const last = frame.toSeq ?? frame.seq
      if (String(last) !== seq) write('!', taskId, `the id ${id} is not that of ${last}`.replaceAll(' ', '_'))
    }
  }
}

/** Many tasks on one connection, as the documentation tells a client to: no ids, a position for each task. */
export function manyTasks (tasks) {
  const positions = new Map(tasks.map((taskId) => [taskId, { seq: 0, epoch: '' }]))
  return {
    tasks,
    request () {
      const list = [...positions].map(([id, { seq, epoch }]) => seq === 0 ? `${id}:0` : `${id}:${seq}.${epoch}`)
      return { path: `/api/stream?tasks=${list.join()}`, headers: {} }
    },
    cursorOf (taskId) {
      const { seq, epoch } = positions.get(taskId)
      return seq === 0 ? '-' : `${seq}.${epoch}`
    },
    take (frame, id, write) {
      if (id !== undefined) write('!', frame.taskId, 'an_id_on_a_stream_of_many_tasks')
      const position = positions.get(frame.taskId)
      const isMoving = frame.seq !== undefined || frame.toSeq !== undefined
      if (frame.type === 'timeline.snapshot') position.epoch = frame.epoch
      if (frame.reason === 'unknown-cursor') position.seq = 0
      if (!isMoving) return takeState(frame, write)
      position.seq = frame.toSeq ?? frame.seq
      takeEvent(frame, position.epoch, write)
    }
  }
}

function takeState (frame, write) {
  if (frame.type === 'timeline.snapshot') write('S', frame.taskId, frame.epoch || '-', frame.headSeq)
  if (frame.type === 'timeline.gap') write('U', frame.taskId)
}

function takeEvent (frame, epoch, write) {
  if (frame.type === 'timeline.gap') write('G', frame.taskId, epoch, frame.fromSeq, frame.toSeq, frame.reason)
  else write('E', frame.taskId, epoch, frame.seq, digestOf(frame))
}
