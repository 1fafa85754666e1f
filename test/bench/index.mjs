// npm run bench [-- NAME…]: each benchmark measures us and the alternatives in one run, alternating, and prints ratios.
import { ingest } from './ingest.mjs'
import { onActivity } from './on-activity.mjs'
import { parsers } from './parsers.mjs'

const BENCHMARKS = { 'on-activity': onActivity, ingest, parsers }

const wanted = process.argv.slice(2)
for (const name of wanted) {
  if (!(name in BENCHMARKS)) {
    console.error(`There is no benchmark ${name}; there are ${Object.keys(BENCHMARKS).join(', ')}.`)
    process.exit(2)
  }
}

console.log(`Node ${process.version}, ${process.platform} ${process.arch}\n`)
for (const [name, run] of Object.entries(BENCHMARKS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  await run()
  console.log('')
}
