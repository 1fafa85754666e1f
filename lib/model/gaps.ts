import type { Gap } from './events.js'

/**
 * The numbers that are missing from an unfiltered, ascending read.
 * Since numbers are dense, each of them was deleted.
 *
 * @param from the first number that the read answers for
 * @param to the last one
 * @param floorSeq up to here rows may have expired; a gap that reaches beyond was removed otherwise
 */
export function findGaps (seqs: readonly number[], from: number, to: number, floorSeq: number): Gap[] {
  const gaps: Gap[] = []
  let next = from
  for (const seq of seqs) {
    if (seq > next) gaps.push(toGap(next, seq - 1, floorSeq))
    next = seq + 1
  }
  if (next <= to) gaps.push(toGap(next, to, floorSeq))
  return gaps
}

function toGap (fromSeq: number, toSeq: number, floorSeq: number): Gap {
  return { fromSeq, toSeq, reason: toSeq <= floorSeq ? 'expired' : 'removed' }
}
