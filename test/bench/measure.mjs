import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Rounds of each benchmark: every contender once a round, in an order that rotates. */
const ROUNDS = Math.max(7, Number(process.env.BENCH_ROUNDS ?? 7))

/**
 * Measures contenders side by side.
 *
 * @param contenders name → async function (directory) that returns one figure
 * @returns name → the figures of all rounds but the first, which warms up
 */
export async function alternate (contenders) {
  const figures = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]))
  const names = Object.keys(contenders)
  for (let round = 0; round <= ROUNDS; round++) {
    for (let index = 0; index < names.length; index++) {
      const name = names[(index + round) % names.length]
      const directory = mkdtempSync(join(tmpdir(), 'agent-timeline-bench-'))
      try {
        const figure = await contenders[name](directory)
        if (round > 0) figures[name].push(figure)
      } finally {
        rmSync(directory, { recursive: true, force: true })
      }
      globalThis.gc?.()
    }
  }
  return figures
}

export function median (values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

/** Prints a table of medians with their spread, and each contender's ratio to the first. */
export function report (title, unit, figures, { isHigherBetter }) {
  const names = Object.keys(figures)
  const ours = median(figures[names[0]])
  console.log(title)
  for (const name of names) {
    const middle = median(figures[name])
    const ratio = isHigherBetter ? ours / middle : middle / ours
    const spread = `${format(Math.min(...figures[name]))} – ${format(Math.max(...figures[name]))}`
    const versus = name === names[0] ? '' : `we are ${ratio.toFixed(2)} x as good`
    console.log(`  ${name.padEnd(44)} ${format(middle).padStart(12)} ${unit}  (${spread})  ${versus}`)
  }
}

function format (value) {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3)
}
