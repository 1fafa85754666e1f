/**
 * Plays a recorded session of an agent's CLI as if it ran now: the same bytes at the same moments, the same end.
 *
 *     node player.js FILE.stdout.ndjson [--speed 4]
 *
 * Beside FILE it uses, where they exist, `.chunks.tsv` (when each chunk came, on which stream and how long it was; else
 * a line every 50 ms), `.stderr.txt` and `.meta.json` (exit code, signal). Like the real CLIs it first reads its prompt
 * from stdin, to the end. All other arguments are ignored.
 */
import { existsSync, readFileSync } from 'node:fs'
import { finished } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'

interface Step {
  readonly atMs: number
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
}

const LINE_PACE_MS = 50

function readOptional (path: string): Buffer | undefined {
  return existsSync(path) ? readFileSync(path) : undefined
}

function recordedSteps (chunks: string, stdout: Buffer, stderr: Buffer): Step[] {
  const left = { stdout, stderr }
  const steps: Step[] = []
  for (const row of chunks.split('\n').slice(1)) {
    const [ms, stream, bytes] = row.split('\t')
    if (stream !== 'stdout' && stream !== 'stderr') continue
    steps.push({ atMs: Number(ms), stream, bytes: left[stream].subarray(0, Number(bytes)) })
    left[stream] = left[stream].subarray(Number(bytes))
  }
  const atMs = steps.at(-1)?.atMs ?? 0
  return [...steps, { atMs, stream: 'stdout', bytes: left.stdout }, { atMs, stream: 'stderr', bytes: left.stderr }]
}

function pacedSteps (stdout: Buffer, stderr: Buffer): Step[] {
  const steps: Step[] = [{ atMs: 0, stream: 'stderr', bytes: stderr }]
  for (let from = 0; from < stdout.length;) {
    const newline = stdout.indexOf('\n', from)
    const to = newline === -1 ? stdout.length : newline + 1
    steps.push({ atMs: steps.length * LINE_PACE_MS, stream: 'stdout', bytes: stdout.subarray(from, to) })
    from = to
  }
  return steps
}

async function write (stream: NodeJS.WriteStream, bytes: Buffer): Promise<void> {
  if (bytes.length === 0) return
  await new Promise<void>((resolve) => { stream.write(bytes, () => { resolve() }) })
}

const file = process.argv[2]
if (file === undefined) {
  process.stderr.write('usage: player.js FILE.stdout.ndjson [--speed N]\n')
  process.exit(2)
}
const speedAt = process.argv.indexOf('--speed')
const speed = speedAt === -1 ? 1 : Number(process.argv[speedAt + 1])
const base = file.replace(/\.stdout\.(ndjson|txt)$/, '')
const stdout = readFileSync(file)
const stderr = readOptional(`${base}.stderr.txt`) ?? Buffer.alloc(0)
const chunks = readOptional(`${base}.chunks.tsv`)
const meta = JSON.parse(String(readOptional(`${base}.meta.json`) ?? '{}')) as {
  exit_code?: number | null, signal?: NodeJS.Signals | null, duration_ms?: number
}
const steps = chunks === undefined ? pacedSteps(stdout, stderr) : recordedSteps(String(chunks), stdout, stderr)

if (!process.stdin.isTTY) await finished(process.stdin.resume(), { writable: false }).catch(() => {})
const startedAt = performance.now()
const until = async (atMs: number): Promise<void> => {
  const leftMs = atMs / speed - (performance.now() - startedAt)
  if (leftMs >= 1) await sleep(leftMs)
}
for (const { atMs, stream, bytes } of steps) {
  await until(atMs)
  await write(process[stream], bytes)
}
if (chunks !== undefined) await until(meta.duration_ms ?? 0)
if (typeof meta.signal === 'string') process.kill(process.pid, meta.signal)
else process.exitCode = meta.exit_code ?? 0
