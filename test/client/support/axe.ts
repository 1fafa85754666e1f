import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

/** A width and a scheme in which a page is looked at. */
export interface Look {
  readonly width: number
  readonly colorScheme: 'light' | 'dark'
}

/** The wide one in one scheme, the narrow one in the other; the next state has them the other way around. */
export function looksAt (index: number): readonly Look[] {
  const schemes = index % 2 === 0 ? ['light', 'dark'] as const : ['dark', 'light'] as const
  return [{ width: 1440, colorScheme: schemes[0] }, { width: 360, colorScheme: schemes[1] }]
}

/** How many rules of WCAG 2 A and AA axe applied to a page, and what it found against them. */
export async function checkAccess (page: Page): Promise<{ passes: number, violations: string[] }> {
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'))
  return page.evaluate(async () => {
    const { passes, violations } = await (window as unknown as { axe: typeof import('axe-core') }).axe.run({
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
    })
    const lines = violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} ${target.join(' ')} ${failureSummary}`))
    return { passes: passes.length, violations: lines }
  })
}
