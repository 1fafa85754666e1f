import { timelineError } from '../errors.js'
import { checkKnown } from '../options.js'
import { roundUsd } from './prices.js'

/** What may be spent, in USD: a number is for one run. */
export type BudgetUsd = number | Budgets

export interface Budgets {
  /** For one run. */
  readonly invocation?: number
  /** For all runs of its task together. */
  readonly task?: number
}

/** A budget, and what was spent of it so far. */
export interface Budget {
  readonly limitUsd: number
  readonly spentUsd: number
  /** More was spent than the limit. */
  readonly isExceeded: boolean
}

const MAX_BUDGET_USD = 1_000_000_000

/** Both budgets of what was given. */
export function toBudgets (given: BudgetUsd | undefined): Budgets {
  if (given === undefined) return {}
  return typeof given === 'object' ? given : { invocation: given }
}

/** @throws AGENT_TIMELINE_INVALID_OPTION, AGENT_TIMELINE_UNKNOWN_OPTION */
export function checkBudget (given: BudgetUsd | undefined): Budgets {
  const budgets = toBudgets(given)
  checkKnown('budgetUsd.', budgets, ['invocation', 'task'])
  for (const [name, usd] of Object.entries(budgets)) {
    if (usd === undefined || (typeof usd === 'number' && usd > 0 && usd <= MAX_BUDGET_USD)) continue
    const path = typeof given === 'object' ? `budgetUsd.${name}` : 'budgetUsd'
    throw timelineError('AGENT_TIMELINE_INVALID_OPTION', [path, `is an amount in USD above 0, up to ${MAX_BUDGET_USD}`])
  }
  return budgets
}

/** @returns undefined where there is no limit */
export function budgetOf (
  limitUsd: number | null | undefined, spentUsd: number | null | undefined
): Budget | undefined {
  if (limitUsd === null || limitUsd === undefined) return undefined
  const spent = roundUsd(spentUsd ?? 0)
  return { limitUsd, spentUsd: spent, isExceeded: spent > limitUsd }
}
