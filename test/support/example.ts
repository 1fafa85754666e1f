import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The example, running. */
export interface RunningExample {
  readonly child: ChildProcess
  readonly database: string
  /** The address of the first task's page. */
  readonly page: string
  /** Base of the server's addresses. */
  readonly origin: string
  readonly taskId: string
  stop (): Promise<void>
}

/** Starts `npm start` as a user would, on any free port; ends it with `stop`. */
export async function startExample (...args: string[]): Promise<RunningExample> {
  const directory = mkdtempSync(join(tmpdir(), 'example-'))
  const database = join(directory, 'orchestrator.db')
  const script = fileURLToPath(new URL('../../dist/examples/orchestrator.js', import.meta.url))
  const child = spawn(process.execPath, [script, '--port', '0', '--database', database, ...args], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const page = await firstMatch(child, /http:\S+\/timeline\/tasks\/\S+/)
  const { origin, pathname } = new URL(page)
  return {
    child,
    database,
    page,
    origin,
    taskId: pathname.split('/').at(-1) as string,
    async stop () {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      rmSync(directory, { recursive: true, force: true })
    }
  }
}

async function firstMatch (child: ChildProcess, pattern: RegExp): Promise<string> {
  let printed = ''
  return await new Promise((resolve, reject) => {
    child.stdout?.on('data', (data) => {
      printed += String(data)
      const match = pattern.exec(printed)
      if (match !== null) resolve(match[0])
    })
    child.once('exit', (code) => { reject(new Error(`the example ended with ${code}: ${printed}`)) })
  })
}
