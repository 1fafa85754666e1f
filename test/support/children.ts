import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import type { Test } from 'tap'

/** A process that plays one role of a script in this folder. */
export class Child {
  readonly process: ChildProcess
  readonly #messages: unknown[] = []
  #wake = (): void => {}

  /**
   * @param under a command that runs the process, with its arguments; by default nothing but Node
   * @param script the file with the roles
   */
  constructor (
    t: Test, role: string, options: object, env: Record<string, string> = {}, under: readonly string[] = [],
    script = 'actor.mjs'
  ) {
    const [execPath = process.execPath, ...execArgv] = under.length === 0 ? [] : [...under, process.execPath]
    this.process = fork(new URL(script, import.meta.url), [role, JSON.stringify(options)], {
      execPath,
      // Without the loader that tap runs tests under: these scripts are JavaScript, and many.
      execArgv,
      env: { ...process.env, NODE_OPTIONS: '', ...env }
    })
    this.process.on('message', (message) => { this.#messages.push(message); this.#wake() })
    this.process.on('exit', () => { this.#wake() })
    t.teardown(async () => { await this.kill('SIGKILL') })
  }

  get hasExited (): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null
  }

  /** The next thing it says. */
  async message<Message = any> (): Promise<Message> {
    while (this.#messages.length === 0) {
      if (this.hasExited) throw new Error(`the child ended: ${this.process.exitCode ?? this.process.signalCode}`)
      await new Promise<void>((resolve) => { this.#wake = resolve })
    }
    return this.#messages.shift() as Message
  }

  tell (message: string): void {
    // One that is about to end may close its channel meanwhile.
    if (this.process.connected) this.process.send(message, () => {})
  }

  /** Stops it at a moment at which it has no lock on the database, for which everybody would wait. Linux only. */
  async suspend (database: string): Promise<void> {
    const raw = new Sqlite(database, { timeout: 0 })
    try {
      for (;;) {
        this.process.kill('SIGSTOP')
        while (!/\) [Tt] /.test(readFileSync(`/proc/${this.process.pid}/stat`, 'utf8'))) await nextTurn()
        try {
          raw.exec('BEGIN IMMEDIATE; ROLLBACK')
          return
        } catch {
          this.process.kill('SIGCONT')
          await nextTurn()
        }
      }
    } finally {
      raw.close()
    }
  }

  async kill (signal: NodeJS.Signals): Promise<void> {
    if (this.hasExited) return
    this.process.kill(signal)
    await this.exit()
  }

  async exit (): Promise<void> {
    if (!this.hasExited) await once(this.process, 'exit')
  }
}
