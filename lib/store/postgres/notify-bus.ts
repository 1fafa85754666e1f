import { createHash, randomBytes } from 'node:crypto'
import type { Logger } from '../../logger.js'
import { clearTimeout, setTimeout } from '../../time/timers.js'
import type { WakeBus } from '../port.js'
import { untilEnded } from './connections.js'
import type { PgSoleClient } from './pg.js'

export interface NotifyBusOptions {
  readonly createClient: () => PgSoleClient
  readonly logger: Logger
}

/** A bus that can be waited for. */
export interface NotifyBus extends WakeBus {
  /** Resolves when its connection is closed. */
  ended (): Promise<void>
}

type OnWake = Parameters<WakeBus['subscribe']>[0]

/** Rings that follow each other are one: NOTIFY takes a lock that all of a server's writers share. In milliseconds. */
const COALESCE_MS = 20
/** A server takes less than 8,000 bytes. */
const MAX_PAYLOAD = 7_000
/** Between two attempts to connect, in milliseconds, growing from the first to the second. */
const RECONNECT_MS = [100, 5_000] as const
/** How long a ring of ours may take to come back, in milliseconds: a pooler that swallows LISTEN gives none back. */
const ECHO_MS = 2_000

/**
 * A bus between machines: NOTIFY, after the commit and on a connection of its own. A hint and no more: what it loses,
 * while it is not connected or behind a pooler, is found four times a second by the hub.
 */
export function createNotifyBus ({ createClient, logger }: NotifyBusOptions): NotifyBus {
  const self = randomBytes(6).toString('hex')
  const listeners = new Set<OnWake>()
  let waiting = new Set<string>()
  let client: PgSoleClient | undefined
  let channel = ''
  let isReady = false
  let isClosing = false
  let hasWarned = false
  let failures = 0
  let ringTimer: NodeJS.Timeout | undefined
  let connectTimer: NodeJS.Timeout | undefined
  let echoTimer: NodeJS.Timeout | undefined
  let ending: Promise<void> = Promise.resolve()

  function wake (taskIds: readonly string[] | '*'): void {
    for (const listener of listeners) listener(taskIds)
  }

  function warn (fields: object, message: string): void {
    if (hasWarned || isClosing) return
    hasWarned = true
    logger.warn(fields, `${message}; news from other processes takes up to 250 ms`)
  }

  function hear (payload = ''): void {
    const from = payload.slice(0, self.length)
    const list = payload.slice(self.length + 1)
    if (from === self) {
      clearTimeout(echoTimer)
      return
    }
    // Without tasks it is somebody's echo.
    if (list !== '') wake(readList(list))
  }

  async function connect (): Promise<void> {
    const opened = client = createClient()
    opened.on('error', () => lose(opened))
    opened.on('end', () => lose(opened))
    opened.on('notification', (message) => { if (message.channel === channel) hear(message.payload) })
    try {
      await opened.connect()
      opened.unref()
      channel = await channelOf(opened)
      if (listeners.size > 0) await listen(opened)
      if (client !== opened) return
      isReady = true
      // What was rung while nobody heard is not rung again.
      if (listeners.size > 0) wake('*')
      if (waiting.size > 0) schedule()
    } catch (err) {
      lose(opened)
      warn({ err }, 'the server cannot be listened to')
    }
  }

  async function listen (opened: PgSoleClient): Promise<void> {
    await opened.query({ text: `LISTEN ${channel}` })
    void callOneself()
  }

  /**
   * From another connection: a pooler that shares connections by transaction may give this one the same server again,
   * which then tells whoever it is lent to at that moment.
   */
  async function callOneself (): Promise<void> {
    const other = createClient()
    other.on('error', () => {})
    try {
      await other.connect()
      clearTimeout(echoTimer)
      echoTimer = setTimeout(() => {
        warn({}, 'LISTEN has no effect on this connection, as behind a pooler that shares connections by transaction')
      }, ECHO_MS)
      echoTimer.unref()
      await other.query({ text: 'SELECT pg_notify($1, $2)', values: [channel, `${self} `] })
    } catch {
      // Nothing was said, so nothing is to be heard.
      clearTimeout(echoTimer)
    } finally {
      await other.end().catch(() => {})
    }
  }

  function lose (lost: PgSoleClient): void {
    if (client !== lost) return
    client = undefined
    isReady = false
    clearTimeout(echoTimer)
    lost.end().catch(() => {})
    if (isClosing) return
    const [least, most] = RECONNECT_MS
    const pauseMs = Math.min(least * 2 ** Math.min(failures++, 10), most) * (0.75 + Math.random() / 2)
    connectTimer = setTimeout(() => { void connect().then(() => { if (isReady) failures = 0 }) }, pauseMs).unref()
  }

  function schedule (): void {
    ringTimer ??= setTimeout(() => {
      ringTimer = undefined
      void send()
    }, COALESCE_MS).unref()
  }

  async function send (): Promise<void> {
    if (!isReady || client === undefined || waiting.size === 0) return
    const opened = client
    const list = JSON.stringify([...waiting])
    waiting = new Set()
    const payload = Buffer.byteLength(list) > MAX_PAYLOAD ? '*' : list
    await opened.query({ text: 'SELECT pg_notify($1, $2)', values: [channel, `${self} ${payload}`] })
      .catch(() => lose(opened))
  }

  void connect()

  return {
    ring (taskIds) {
      wake(taskIds)
      if (isClosing) return
      for (const taskId of taskIds) waiting.add(taskId)
      schedule()
    },

    subscribe (onWake) {
      const isFirst = listeners.size === 0
      listeners.add(onWake)
      const opened = client
      if (isFirst && isReady && opened !== undefined) listen(opened).catch(() => lose(opened))
      return () => { listeners.delete(onWake) }
    },

    close () {
      if (isClosing) return
      isClosing = true
      for (const timer of [ringTimer, connectTimer, echoTimer]) clearTimeout(timer)
      const opened = client
      ending = untilEnded((async () => {
        // What was committed last is rung, as far as that goes.
        await send()
        client = undefined
        await opened?.end()
      })()).catch(() => {})
      listeners.clear()
    },

    ended: () => ending
  }
}

/** A database has channels of its own; in it, each schema may have a timeline. */
async function channelOf (client: PgSoleClient): Promise<string> {
  const { rows } = await client.query({ text: 'SELECT current_schema() AS name' })
  const { name } = rows[0] as { name: string | null }
  return `agent_timeline_${createHash('sha256').update(String(name)).digest('hex').slice(0, 16)}`
}

/** Anybody may write to a channel: what is no list of ours says that something is new. */
function readList (text: string): readonly string[] | '*' {
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) && list.every((taskId) => typeof taskId === 'string') ? list : '*'
  } catch {
    return '*'
  }
}
