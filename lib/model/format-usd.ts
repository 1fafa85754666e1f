/** An amount as text and page have it: `$0.42`, with more digits for less money. */
export function formatUsd (usd: number): string {
  return `$${usd.toFixed(usd < 0.01 && usd > 0 ? 4 : 2)}`
}
