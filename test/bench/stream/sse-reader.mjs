import { connect } from 'node:net'
import { crc32 } from 'node:zlib'
import { readDue } from './payload.mjs'
import { ChunkedBody } from './chunked-body.mjs'

/** One for all viewers: what was read is dealt with before the next read. */
const READ_BUFFER = Buffer.alloc(65_536)
const BLANK_LINE = Buffer.from('\n\n')
/** What is no activity: what describes the moment or keeps the connection alive, and how a run began and ended. */
const NO_ACTIVITY = ['"type":"timeline.', '"type":"connected"', '"type":"invocation.c', '"type":"invocation.s', 'retry:', '\n:']
  .map((mark) => Buffer.from(mark))
const COLON = 58
const ACTIVITY = '"type":"invocation.activity"'

/** One viewer of one stream. */
export class SseReader {
  /** Of the activities' frames. */
  bytes = 0
  checksum = 0
  /** Only where `isRead`. */
  events = 0
  failure
  #latencies = []
  #rest = Buffer.alloc(0)
  #hasBegun = false
  #firstIndex
  #onNews = () => {}

  constructor ({ port, path, isRead = true, isSilent = false, firstIndex = 0 }) {
    this.isRead = isRead
    this.#firstIndex = firstIndex
    const body = new ChunkedBody((slice) => this.#take(slice))
    const socket = connect({
      port,
      host: '127.0.0.1',
      onread: { buffer: READ_BUFFER, callback: (length, buffer) => { body.push(buffer.subarray(0, length)) } }
    })
    this.socket = socket
    socket.on('error', (error) => this.#fail(error))
    socket.on('end', () => this.#fail(new Error('the server ended a stream')))
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`)
    this.opened = new Promise((resolve, reject) => {
      socket.once('error', reject)
      body.onHead = (status) => {
        if (status !== 200) reject(new Error(`the server answered ${status}`))
        else resolve()
        if (isSilent) socket.pause()
      }
    })
  }

  /** Resolves when so many activities have been seen. @throws what was wrong with them */
  async seen (events) {
    while (this.failure === undefined && this.events < events) {
      await new Promise((resolve) => { this.#onNews = resolve })
    }
    if (this.failure !== undefined) throw this.failure
    if (this.events > events) throw new Error(`${this.events} activities were seen where ${events} were told`)
  }

  takeLatencies () {
    return this.#latencies.splice(0)
  }

  #fail (error) {
    this.failure ??= error
    this.#onNews()
  }

  #take (slice) {
    const end = slice.lastIndexOf(BLANK_LINE)
    if (end < 0) {
      this.#rest = Buffer.concat([this.#rest, slice])
      return
    }
    const whole = slice.subarray(0, end + 2)
    const frames = this.#rest.length > 0 ? Buffer.concat([this.#rest, whole]) : whole
    this.#rest = Buffer.from(slice.subarray(end + 2))
    const isPure = this.#hasBegun && frames[0] !== COLON && !NO_ACTIVITY.some((mark) => frames.includes(mark))
    const activities = isPure ? frames : this.#activitiesOf(frames)
    this.bytes += activities.length
    this.checksum = crc32(activities, this.checksum)
    if (this.isRead) this.#read(activities)
  }

  #activitiesOf (frames) {
    const parts = []
    for (let from = 0; from < frames.length;) {
      const to = frames.indexOf(BLANK_LINE, from) + 2
      const frame = frames.subarray(from, to)
      if (frame.includes(ACTIVITY)) parts.push(frame)
      from = to
    }
    if (parts.length > 0) this.#hasBegun = true
    return Buffer.concat(parts)
  }

  #read (activities) {
    if (activities.length === 0) return
    const nowMicros = Number(process.hrtime.bigint() / 1000n)
    for (const frame of activities.toString().split('\n\n')) {
      if (frame === '') continue
      const event = JSON.parse(/^data: ?(.*)$/m.exec(frame)[1])
      const { index, dueAtMicros } = readDue(event.activity)
      const due = this.#firstIndex + this.events
      if (index !== due) this.#fail(new Error(`activity ${index} arrived where ${due} was due`))
      this.events++
      this.#latencies.push((nowMicros - dueAtMicros) / 1000)
    }
    this.#onNews()
  }
}
