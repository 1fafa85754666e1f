import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Everything once and tiny: whether the benchmarks still run, not how fast anything is. */
export const isSmoke = process.argv.includes('--smoke')

/** Rounds of each benchmark, every contender once a round, in an order that rotates; fewer than seven prove nothing. */
export const ROUNDS = isSmoke ? 1 : Number(process.env.BENCH_ROUNDS ?? 7)

/**
 * Measures contenders side by side.
 *
 * @param contenders name → async function (directory) that returns one figure
 * @param hasWarmUp whether the first round does not count; without it where each measurement is a process of its own
 * @returns name → the figures of all rounds that count
 */
export async function alternate (contenders, { hasWarmUp = !isSmoke } = {}) {
  const figures = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]))
  const names = Object.keys(contenders)
  for (let round = hasWarmUp ? 0 : 1; round <= ROUNDS; round++) {
    for (let index = 0; index < names.length; index++) {
      const name = names[(index + round) % names.length]
      const figure = await inDirectory(contenders[name])
      if (round > 0) figures[name].push(figure)
      globalThis.gc?.()
    }
  }
  return figures
}

/** @returns name → one figure of all rounds, where a round gave several */
export function figuresOf (rounds, key) {
  return Object.fromEntries(Object.entries(rounds).map(([name, all]) => [name, all.map((figures) => figures[key])]))
}

/** @returns what the function returns; the directory that it is given goes afterwards */
export async function inDirectory (measure) {
  const directory = mkdtempSync(join(tmpdir(), 'agent-timeline-bench-'))
  try {
    return await measure(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

export function median (values) {
  return quantile(values, 0.5)
}

/** @returns the smallest value that at least this share of the values does not exceed */
export function quantile (values, share) {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
}
