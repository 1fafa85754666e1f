import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const TIMEOUT_MS = 120_000

/**
 * A child process that is told what to do by messages.
 *
 * @returns its first message, `ask(command, options)` that resolves with its answer, and `stop()`
 */
export async function startChild (file, args, { execArgv = [] } = {}) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args.map(String), { execArgv: ['--expose-gc', '--no-warnings', ...execArgv] })
  const waiting = new Map()
  let asked = 0
  const exited = once(child, 'exit')
  const failed = exited.then(([code, signal]) => { throw new Error(`${file} ended with ${code ?? signal}`) })
  failed.catch(() => {})
  child.on('message', ({ id, error, result }) => {
    if (id === undefined) return
    const { resolve, reject } = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) resolve(result)
    else reject(new Error(`${file}: ${error}`))
  })
  const [first] = await Promise.race([once(child, 'message'), failed])
  return {
    first,
    ask (command, options = {}) {
      const id = ++asked
      const answered = new Promise((resolve, reject) => { waiting.set(id, { resolve, reject }) })
      // A child that is gone says so by its end.
      child.send({ id, command, ...options }, () => {})
      let timer
      const late = new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`${file} has not answered ${command} in ${TIMEOUT_MS} ms`)), TIMEOUT_MS)
      })
      return Promise.race([answered, failed, late]).finally(() => clearTimeout(timer))
    },
    /** Harmless when it has ended. */
    async stop () {
      child.kill('SIGKILL')
      await exited
    }
  }
}

/** Runs work with children, all of which are gone afterwards, whatever happens. */
export async function withChildren (work) {
  const children = []
  try {
    return await work(async (...args) => {
      const child = await startChild(...args)
      children.push(child)
      return child
    })
  } finally {
    await Promise.all(children.map((child) => child.stop()))
  }
}

/** In the child: does what it is asked to; ends with its parent. */
export function obey (commands, first) {
  process.on('message', async ({ id, command, ...options }) => {
    try {
      process.send({ id, result: await commands[command](options) })
    } catch (error) {
      process.send({ id, error: String(error?.stack ?? error) })
    }
  })
  process.on('disconnect', () => process.exit())
  process.send(first)
}
