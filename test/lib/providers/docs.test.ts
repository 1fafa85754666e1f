import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type { InvocationActivity, Usage } from '../../../lib/model/activity.js'
import type { CliAdapter } from '../../../lib/providers/adapter.js'
import { claudeAdapter } from '../../../lib/providers/claude/claude.js'
import { createCodexAdapter } from '../../../lib/providers/codex/codex.js'
import { geminiAdapter } from '../../../lib/providers/gemini/gemini.js'
import { read, recordingsOf, type Recording } from './recordings.js'

const page = new URL('../../../docs/providers.md', import.meta.url)
const [begin, end] = ['<!-- begin: recordings (npx tap test/lib/providers/docs.test.ts with UPDATE_DOCS=1) -->', '<!-- end: recordings -->']

const subjects: Array<[string, CliAdapter<never>]> = [
  ['claude-2.1.330', claudeAdapter as CliAdapter<never>],
  ['codex-0.169.0', createCodexAdapter() as CliAdapter<never>],
  ['gemini-0.61.0', geminiAdapter as CliAdapter<never>]
]

function counts (values: readonly unknown[]): string {
  const counted = new Map<unknown, number>()
  for (const value of values) counted.set(value, (counted.get(value) ?? 0) + 1)
  return [...counted].map(([value, count]) => `${count} ${String(value)}`).join(', ') || '—'
}

function row (adapter: CliAdapter<never>, recorded: Recording): string {
  const { activities, result } = read(adapter, recorded)
  const of = (fits: (activity: InvocationActivity) => boolean): InvocationActivity[] => activities.filter(fits)
  const started = of(({ metadata }) => metadata?.phase === 'start').length
  const tools = counts(of(({ metadata }) => metadata?.phase === 'end').map(({ metadata }) => metadata!.status))
  const [outputs, errors] = [of(({ type }) => type === 'output').length, of(({ type }) => type === 'error').length]
  const progress = counts(of(({ type, metadata }) => type === 'progress' && metadata!.kind !== 'usage' && metadata!.kind !== 'session').map(({ metadata }) => metadata!.kind))
  const ended = recorded.signal ?? recorded.exitCode
  const said = (result.error ?? result.response).replace(/\s+/g, ' ').replaceAll('|', '\\|')
  const verdict = result.success ? 'success' : `failed, \`${result.reason}\``
  const excerpt = [...said].length > 60 ? `${[...said].slice(0, 59).join('')}…` : said
  const told = [started, tools, outputs, errors, progress, ...figures(result.usage)]
  const cells = [recorded.name, ...told, ended, verdict, excerpt]
  return `| ${cells.join(' | ')} |`
}

function figures (usage: Usage | undefined): string[] {
  if (usage === undefined) return ['—', '—']
  const { inputTokens, outputTokens, costUsd } = usage
  return [`${inputTokens} / ${outputTokens}`, costUsd === undefined ? '—' : `$${costUsd.toFixed(4)}`]
}

const COLUMNS = [
  'recording', 'calls started', 'ended', 'output', 'errors', 'progress', 'tokens in / out', 'cost', 'exit', 'verdict',
  'response or error'
]

function tables (): string {
  return subjects.map(([cli, adapter]) => [
    `### ${cli}`, '', `| ${COLUMNS.join(' | ')} |`, COLUMNS.map(() => '|---').join('') + '|',
    ...recordingsOf(cli).map((recorded) => row(adapter, recorded)), ''
  ].join('\n')).join('\n')
}

t.test('docs/providers.md shows what the adapters make of the recordings', async (t) => {
  const text = readFileSync(page, 'utf8')
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)]
  t.ok(from < to)
  const updated = `${text.slice(0, from)}\n\n${tables()}\n${text.slice(to)}`
  if (process.env.UPDATE_DOCS === '1') writeFileSync(page, updated)
  else t.equal(text, updated, 'run it with UPDATE_DOCS=1')
})

t.test('the adapter of one\'s own in docs/providers.md is the one of examples/own-cli.ts', async (t) => {
  const between = (text: string, end: string): string => text.slice(text.indexOf('/** What `toil --json` prints. */'), text.indexOf(end)).trim()
  const example = readFileSync(new URL('../../../examples/own-cli.ts', import.meta.url), 'utf8')
  const shown = readFileSync(page, 'utf8').split('```ts').find((block) => block.includes('toilFormat'))!
  t.equal(between(shown, '\n```'), between(example, '\n/** For `agent-timeline run'))
})
