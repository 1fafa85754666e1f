import { median } from './measure.mjs'

/**
 * What a benchmark returns, several of them.
 *
 * @typedef {object} Table
 * @property {string} title what was done
 * @property {string} metric what was measured of it
 * @property {string} [unit]
 * @property {Record<string, number[]>} figures by contender, ours first
 * @property {boolean} isHigherBetter
 * @property {{ text: string, isMet: (result: { ours: number, ratios: Record<string, number> }) => boolean }} [target]
 */

/** Medians, spreads, what the others' are worth beside ours (above 1: we are better), and whether the target is met. */
export function evaluate ({ figures, isHigherBetter, target }) {
  const rows = Object.entries(figures).map(([name, values]) => ({
    name, median: median(values), least: Math.min(...values), most: Math.max(...values)
  }))
  const [{ median: ours }, ...others] = rows
  for (const row of others) row.ratio = isHigherBetter ? ours / row.median : row.median / ours
  const ratios = Object.fromEntries(others.map(({ name, ratio }) => [name, ratio]))
  return { rows, isMet: target?.isMet({ ours, ratios }) }
}

/** For a terminal. */
export function printTable (table) {
  const { rows, isMet } = evaluate(table)
  const { unit = '' } = table
  console.log(`${table.title}: ${table.metric}`)
  for (const { name, median, least, most, ratio } of rows) {
    const spread = `(${format(least)} – ${format(most)})`
    const versus = formatRatio(ratio) === '' ? '' : `we: ${formatRatio(ratio)} x as good`
    console.log(`  ${name.padEnd(50)} ${format(median).padStart(11)} ${unit.padEnd(7)} ${spread.padEnd(26)} ${versus}`)
  }
  if (table.target !== undefined) console.log(`  target ${table.target.text}: ${isMet ? 'met' : 'FALLS SHORT'}`)
}

/** All tables as one of Markdown, a line for each other contender. */
export function toMarkdown (tables) {
  const lines = ['| | ours | the other | ours is x times as good | target | |', '|---|---|---|---|---|---|']
  for (const table of tables) {
    const { rows: [ours, ...others], isMet } = evaluate(table)
    const verdict = isMet === undefined ? '' : isMet ? 'met' : '**short**'
    const unit = table.unit === undefined ? '' : ` ${table.unit}`
    const cell = ({ median, least, most }) => `${format(median)}${unit} (${format(least)} – ${format(most)})`
    const start = `${table.title}: ${table.metric}`
    const end = `${table.target?.text ?? ''} | ${verdict}`
    if (others.length === 0) lines.push(`| ${start} | ${cell(ours)} | | | ${end} |`)
    others.forEach((other, index) => {
      const isFirst = index === 0
      const cells = [isFirst ? start : '', isFirst ? cell(ours) : '', `${other.name}: ${cell(other)}`, formatRatio(other.ratio)]
      lines.push(`| ${cells.join(' | ')} | ${isFirst ? end : ' | '} |`)
    })
  }
  return lines.join('\n')
}

function format (value) {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3)
}

/** Nothing where ours is nothing: no number is right then. */
function formatRatio (ratio) {
  if (!Number.isFinite(ratio) || ratio <= 0) return ''
  return ratio >= 100 ? ratio.toFixed(0) : ratio.toPrecision(3)
}
