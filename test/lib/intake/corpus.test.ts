/* eslint-disable @stylistic/max-len */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createRedactor } from '../../../lib/intake/redact.js'
import { openTimeline } from '../../../lib/open-timeline.js'
import { Random } from '../../support/random.js'
import { LAYOUTS, makeDocumentedLookalikes, makeDocumentedSecrets } from '../../support/documented-secrets.js'
import { ENCODINGS, makeLookalikes, makeSecrets, type MadeUp } from '../../support/secrets.js'

const random = new Random()
t.comment(`SEED=${random.seed}`)
const secrets = makeSecrets(random)
const redactor = createRedactor()

/** What is between the characters of a secret without hiding it. */
// eslint-disable-next-line no-control-regex
const NOISE = /\s|\[redacted\]|\x1b\[\d*m|\\+[nr]|&#?\w+;/g

/** The longest part of a secret that a text shows, as a share of it. */
function share (secret: string, seen: string): number {
  const [needle, hay] = [secret, seen].map((text) => text.replaceAll(NOISE, ''))
  if (hay!.includes(needle!)) return 1
  let best = 0
  for (let from = 0; from < needle!.length; from++) {
    while (from + best < needle!.length && hay!.includes(needle!.slice(from, from + best + 1))) best++
  }
  return best / needle!.length
}

/** Hidden: less than a quarter of it can be read in one piece. */
const isHidden = (secret: string, seen: string) => share(secret, seen) < 0.25

interface Count { hidden: number, all: number, readonly missed: string[] }

/** Counts by kind of secret, and by setting. */
function createTable () {
  const rows = new Map<string, Map<string, Count>>()
  return {
    add ({ kind, id }: MadeUp, setting: string, isHidden: boolean): void {
      const row = rows.get(kind) ?? new Map<string, Count>()
      rows.set(kind, row)
      const count = row.get(setting) ?? { hidden: 0, all: 0, missed: [] }
      row.set(setting, count)
      count.all++
      if (isHidden) count.hidden++
      else count.missed.push(id)
    },
    print (t: Test): void {
      for (const [kind, row] of rows) {
        t.comment(`${kind}: ${[...row].map(([setting, { hidden, all }]) => `${setting} ${hidden}/${all}`).join(', ')}`)
        if (process.env.MISSED !== undefined) for (const [setting, { missed }] of row) if (missed.length > 0) t.comment(`  missed in ${setting}: ${missed.map((id) => JSON.stringify(id)).join(' ')}`)
      }
    },
    check (t: Test): void {
      let hidden = 0
      let all = 0
      for (const [kind, row] of rows) {
        for (const [setting, count] of row) {
          hidden += count.hidden
          all += count.all
          if (kind === 'documented form') t.same(count.missed, [], `${kind}, ${setting}`)
          else t.ok(count.hidden >= 0.8 * count.all, `${kind}, ${setting}: ${count.hidden} of ${count.all}`)
        }
      }
      t.ok(hidden >= 0.8 * all, `${hidden} of ${all}`)
    }
  }
}

t.test('secrets are hidden in every encoding', async (t) => {
  const table = createTable()
  for (const item of secrets) {
    for (const [encoding, encode] of Object.entries(ENCODINGS)) {
      const seen = redactor.text(encode(item.text))
      table.add(item, encoding, [item.secret, encodeURIComponent(item.secret)].every((secret) => isHidden(secret, seen)))
    }
  }
  table.print(t)
  table.check(t)
})

t.test('secrets in the files, commands and headers of documentation are hidden, in every encoding and layout', async (t) => {
  const table = createTable()
  for (const item of makeDocumentedSecrets(random)) {
    for (const [setting, arrange] of Object.entries({ ...ENCODINGS, ...LAYOUTS })) {
      const seen = redactor.text(arrange(item.text))
      table.add(item, setting, [item.secret, encodeURIComponent(item.secret)].every((secret) => isHidden(secret, seen)))
    }
    const stream = redactor.openStream()
    table.add(item, 'sevens apart', isHidden(item.secret, item.text.match(/[^]{1,7}/g)!.map((piece) => stream.pieces([piece])[0]).join('')))
  }
  table.print(t)
  table.check(t)
})

t.test('secrets are hidden in pieces, wherever they are cut', async (t) => {
  const table = createTable()
  for (const item of secrets) {
    const start = item.text.indexOf(item.secret)
    const middle = start + Math.floor(item.secret.length / 2)
    const inPieces = (pieces: string[]) => {
      const stream = redactor.openStream()
      return pieces.map((piece) => stream.pieces([piece])[0]).join('')
    }
    const { text, secret } = item
    table.add(item, 'two cuts', isHidden(secret, inPieces([text.slice(0, middle - 4), text.slice(middle - 4, middle), text.slice(middle)])))
    table.add(item, 'sevens together', isHidden(secret, redactor.openStream().pieces(text.match(/[^]{1,7}/g)!).join('')))
    table.add(item, 'sevens apart', isHidden(secret, inPieces(text.match(/[^]{1,7}/g)!)))
    if (item.kind === 'documented form') {
      let most = 0
      for (let cut = start; cut < start + secret.length; cut++) most = Math.max(most, share(secret, inPieces([text.slice(0, cut), text.slice(cut)])))
      table.add(item, 'cut anywhere', most < 0.25)
    } else {
      const cut = start + random.below(secret.length)
      table.add(item, 'cut somewhere', isHidden(secret, inPieces([text.slice(0, cut), text.slice(cut)])))
    }
  }
  table.print(t)
  table.check(t)
})

t.test('what only looks like a secret is spared, also at the end of an output', async (t) => {
  const lookalikes = [...makeLookalikes(random), ...makeDocumentedLookalikes(random)]
  const hurt: string[] = []
  for (const text of lookalikes) {
    const kept = [text, `log: ${text}`, `${text}\n`, JSON.stringify({ text })]
    const seen = [...kept.map((one) => redactor.text(one)), ...kept.map((one) => redactor.openStream().pieces([one])[0])]
    if (seen.some((one, index) => one !== kept[index % kept.length])) hurt.push(text)
  }
  t.comment(`${lookalikes.length - hurt.length} of ${lookalikes.length} spared`)
  t.ok(hurt.length <= 0.03 * lookalikes.length, hurt.join('\n'))
  if (process.env.MISSED !== undefined) for (const one of hurt) t.comment(`hurt: ${one}`)
})

t.test('secrets are hidden in every channel of the recorder', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'corpus-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const timeline = await openTimeline({ database: join(directory, 'db.sqlite'), migrate: true })
  t.teardown(() => timeline.close())
  const table = createTable()
  const timestamp = new Date()
  const record = async (item: MadeUp, index: number) => {
    const { text, secret } = item
    const run = await timeline.startInvocation({ taskId: `t${index}`, role: 'coder', provider: 'x', title: text.slice(0, 900), prompt: text })
    run.activity({ type: 'output', message: text, timestamp, metadata: { m: 1 } })
    run.activity({ type: 'tool_exec', message: `exec: ${text}`, timestamp, metadata: { callId: 'c', phase: 'start', input: { command: text, deep: [{ text }] } } })
    run.activity({ type: 'tool_exec', message: 'exec', timestamp, metadata: { callId: 'c', phase: 'end', status: 'ok', result: text } })
    run.activity({ type: 'tool_exec', message: 'exec', timestamp, metadata: { callId: 'd', phase: 'start' } })
    run.activity({ type: 'tool_exec', message: 'exec', timestamp, metadata: { callId: 'd', phase: 'end', status: 'ok', result: `${'lorem ipsum\n'.repeat(2_000)}${text}\n` } })
    run.activity({ type: 'error', message: text, timestamp })
    run.activity({ type: 'progress', message: text, timestamp, metadata: { [text]: 1 } })
    await run.complete({ success: false, response: text, error: text, stderrTail: text, summary: text.slice(0, 4_000), exitCode: 1 })
    const stored = await timeline.getInvocation(run.id!)
    const activities = stored!.activities.map(({ message, metadata }) => ({ message, metadata: flat(metadata) }))
    const [output, input, result, , longResult, error, progress] = activities
    const channels = {
      output: output!.message,
      input: `${input!.message} ${input!.metadata}`,
      result: result!.metadata,
      'end of a long result': longResult!.metadata,
      error: `${error!.message} ${stored!.error}`,
      'metadata key': `${progress!.message} ${progress!.metadata}`,
      prompt: stored!.prompt,
      response: stored!.response,
      stderr: JSON.stringify(stored)
    }
    for (const [channel, seen] of Object.entries(channels)) table.add(item, channel, isHidden(secret, String(seen)))
  }
  // All go through the same redactor: every third tells whether a channel goes through it.
  const first = random.below(3)
  const sample = secrets.filter((_, index) => index % 3 === first)
  for (let index = 0; index < sample.length; index += 8) {
    await Promise.all(sample.slice(index, index + 8).map((item, offset) => record(item, index + offset)))
  }
  table.print(t)
  table.check(t)
})

/** Keys and values as texts, without the escapes of JSON. */
function flat (value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value).map(([key, inner]) => `${key} ${flat(inner)}`).join(' ')
}
