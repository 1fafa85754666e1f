import { readFileSync } from 'node:fs'
import t from 'tap'
import { HEALTH_STATES } from '../../../lib/model/events.js'
import {
  DEFAULT_FLOORS, HEARTBEAT_FRESH_MS, PROVIDER_FLOORS, STUCK_FACTOR, TOOL_FLOORS_MS, WAIT_FLOORS_MS, WAIT_GRACE_MS
} from '../../../lib/insight/floors.js'
import { formatSpan } from '../../../lib/insight/sentences.js'
import { WAIT_KINDS, waitKind } from '../../../lib/insight/wait-kind.js'

const text = readFileSync(new URL('../../../docs/health.md', import.meta.url), 'utf8')

t.test('the documentation has every floor as it is, and no other', async (t) => {
  const rows = /<!-- floors -->\n((?:\|.*\n)+)/.exec(text)?.[1]?.trim().split('\n').slice(2) ?? []
  const told = Object.fromEntries(rows.map((row) => {
    const [, name, floor] = row.split('|').map((cell) => cell.replaceAll('`', '').trim())
    return [name, floor]
  }))
  const providers = Object.entries(PROVIDER_FLOORS)
  t.same(told, Object.fromEntries([
    ...providers.map(([name, { startMs }]) => [`first activity of ${name}`, startMs] as const),
    ['first activity of any other provider', DEFAULT_FLOORS.startMs] as const,
    ...providers.map(([name, { thinkingMs }]) => [`${name} thinks`, thinkingMs] as const),
    ['any other provider thinks', DEFAULT_FLOORS.thinkingMs] as const,
    ...Object.entries(TOOL_FLOORS_MS).map(([kind, ms]) => [`tool: ${kind}`, ms] as const),
    ...Object.entries(WAIT_FLOORS_MS).map(([kind, ms]) => [`wait: ${kind}`, ms] as const),
    ['wait that has an until', WAIT_GRACE_MS] as const
  ].map(([name, ms]) => [name, formatSpan(ms)])))
  t.match(text, `stuck\` at ${STUCK_FACTOR} times the floor`)
  t.match(text, `after ${formatSpan(HEARTBEAT_FRESH_MS)} without a sign`)
})

t.test('the documentation has every state and every kind of wait', async (t) => {
  for (const state of HEALTH_STATES) t.match(text, `| \`${state}\` |`)
  for (const kind of WAIT_KINDS) t.match(text, `\`${kind}\``)
})

t.test('the documentation has the words that decide the kind of a wait', async (t) => {
  const rows = /<!-- waits -->\n((?:\|.*\n)+)/.exec(text)?.[1]?.trim().split('\n').slice(2, -1) ?? []
  const told = rows.map((row) => row.split('|').slice(1, 3).map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word!)))
  t.ok(told.length > 3)
  for (const [words, [kind]] of told as Array<[string[], string[]]>) {
    for (const word of words) t.equal(waitKind('waiting', word), kind, word)
  }
  t.equal(waitKind('retry', 'a word of none'), 'retry')
  t.equal(waitKind('waiting', 'a word of none'), 'other')
})
