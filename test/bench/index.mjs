// npm run bench [-- NAME…]: each benchmark measures us and the alternatives in one run, alternating, and prints ratios.
// --markdown also writes them into docs/performance.md; --smoke does everything once and tiny, to see that it runs.
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { answers } from './answers.mjs'
import { ingest } from './ingest.mjs'
import { isSmoke, ROUNDS } from './measure.mjs'
import { onActivity } from './on-activity.mjs'
import { parsers } from './parsers.mjs'
import { recorded } from './recorded.mjs'
import { redaction } from './redaction.mjs'
import { runners } from './runners/crowd.mjs'
import { afterIdle } from './stream/after-idle.mjs'
import { fanOut } from './stream/fan-out.mjs'
import { flood } from './stream/flood.mjs'
import { history } from './stream/history.mjs'
import { idle } from './stream/idle.mjs'
import { slowViewers } from './stream/slow-viewers.mjs'
import { printTable, toMarkdown } from './table.mjs'
import { verdicts } from './verdicts/verdicts.mjs'

const BENCHMARKS = {
  'on-activity': onActivity,
  ingest,
  recorded,
  'fan-out': fanOut,
  flood,
  'after-idle': afterIdle,
  idle,
  history,
  answers,
  'slow-viewers': slowViewers,
  runners,
  parsers,
  redaction,
  verdicts
}
const DOCUMENT = new URL('../../docs/performance.md', import.meta.url)
const MARKS = ['<!-- figures -->\n', '\n<!-- /figures -->']

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
for (const name of wanted) {
  if (!(name in BENCHMARKS)) {
    console.error(`There is no benchmark ${name}; there are ${Object.keys(BENCHMARKS).join(', ')}.`)
    process.exit(2)
  }
}
const isForDocument = process.argv.includes('--markdown')
if (isForDocument && (wanted.length > 0 || isSmoke || ROUNDS < 7)) {
  console.error('docs/performance.md takes the figures of one whole run, of 7 rounds or more.')
  process.exit(2)
}

const machine = `Node ${process.version.slice(1)} on ${process.platform} ${process.arch}, ${availableParallelism()} cores, ` +
  `median of ${ROUNDS} rounds (least – most)`
console.log(`${machine}\n`)
const tables = []
for (const [name, run] of Object.entries(BENCHMARKS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const results = await run()
  results.forEach(printTable)
  console.log('')
  tables.push(...results)
}
if (isForDocument) writeDocument()

/** One table from one run: figures of different runs do not belong side by side. */
function writeDocument () {
  const text = readFileSync(DOCUMENT, 'utf8')
  const [start, end] = [text.indexOf(MARKS[0]) + MARKS[0].length, text.indexOf(MARKS[1])]
  writeFileSync(DOCUMENT, `${text.slice(0, start)}${machine}.\n\n${toMarkdown(tables)}${text.slice(end)}`)
}
