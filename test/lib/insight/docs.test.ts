import { readFileSync } from 'node:fs'
import t from 'tap'
import { HEALTH_STATES } from '../../../lib/model/events.js'
import { BY_STEP, HEARTBEAT_FRESH_MS, limitsOf, STARTING, STEP_OF, THINKING, type Limits } from '../../../lib/insight/limits.js'
import { formatSpan } from '../../../lib/insight/sentences.js'
import { WAIT_KINDS, waitKind } from '../../../lib/insight/wait-kind.js'

const text = readFileSync(new URL('../../../docs/health.md', import.meta.url), 'utf8')

t.test('the documentation has every limit as it is, and no other', async (t) => {
  const rows = /<!-- limits -->\n((?:\|.*\n)+)/.exec(text)?.[1]?.trim().split('\n').slice(2) ?? []
  const told = new Map(rows.flatMap((row) => {
    const [, step = '', ...limits] = row.split('|').slice(0, -1)
    const [phase, names = phase] = step.trim().split(': ')
    return (names as string).split(', ').map((name) => [
      names === phase ? name.replaceAll('`', '') : `${phase}: ${name.replaceAll('`', '')}`, limits.map((cell) => cell.trim()).join(', ')
    ] as const)
  }))
  const shown = ({ quietMs, stuckMs }: Limits) => `${formatSpan(quietMs)}, ${formatSpan(stuckMs)}`
  const providers = Object.keys(THINKING)
  t.same(Object.keys(STARTING).sort(), [...providers].sort())
  const expected = new Map<string, string>()
  for (const name of [...providers, 'any other provider']) {
    expected.set(`nothing heard yet: ${name}`, shown(limitsOf('start', name)))
    expected.set(`the model thinks: ${name}`, shown(limitsOf('think', name)))
  }
  for (const [kind, step] of Object.entries(STEP_OF)) if (kind !== 'person') expected.set(kind, shown(BY_STEP[step]))
  t.same([...told].sort(), [...expected].sort())
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
