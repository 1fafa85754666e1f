import { digest } from './digest.js'

/** A call that came to an end, as far as repetition goes. */
export interface EndedCall {
  /** The number of its start, and that of its end. */
  readonly seq: number
  readonly endSeq: number
  /** The call within which it was made: the level of a sub-agent. */
  readonly parentSeq: number | null
  /** Tool and input: the same text is the same call. */
  readonly call: string
  readonly tool: string
  /** See {@link fingerprint}. */
  readonly result: string
  readonly isError: boolean
  /** It asks how something else goes on, or nobody knows whether it does. */
  readonly isPoll: boolean
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly endedAt: number
}

/** A repetition that goes on. */
export interface Loop {
  /** How many different calls repeat: 1, or the length of the cycle. */
  readonly calls: number
  /** How often they have come. */
  readonly times: number
  /** Where it began: the number that the first of its calls was given. */
  readonly sinceSeq: number
  readonly since: number
  readonly why: 'same result' | 'same error' | 'same tool, same error' | 'cycle'
}

/** The same call with the same result. Four in a row happen in healthy runs. */
const SAME_RESULT = 5
/** The same call with the same error. */
const SAME_ERROR = 3
/** One tool with one error, whatever it is given: an agent that tries every file it was not told about. */
const SAME_TOOL_ERROR = 8
/** Calls of one message follow each other at once; a model that has read the answer takes longer. */
const NEW_MESSAGE_MS = 500
/** Many calls written in one go fail together within seconds. */
const SAME_TOOL_ERROR_MS = 30_000
/** Edit, test, revert, test: the longest cycle that is looked for. */
const MAX_CYCLE = 4
const CYCLES = 3

interface Step {
  readonly key: string
  readonly seq: number
  readonly at: number
}

/**
 * Finds calls that repeat without getting anywhere, at one level of an agent. The rules are those that raised no false
 * alarm in some 2,100 recorded sessions; a call counts only if it started after the one before had ended.
 */
export class LoopFinder {
  #steps: Step[] = []
  #last: EndedCall | undefined
  #same = 0
  #sameError = 0
  #toolErrors = 0
  #sameFrom: Step | undefined
  #errorsFrom: Step | undefined

  /** Takes the next call in. */
  add (call: EndedCall): void {
    if (call.isPoll) {
      if (!call.isError) this.#forget()
      return
    }
    const last = this.#last
    const step = { key: `${call.call} ${call.result}`, seq: call.seq, at: call.startedAt }
    const isAfter = last !== undefined && call.seq > last.endSeq
    const isSame = isAfter && last.call === call.call && last.result === call.result
    this.#same = isSame ? this.#same + 1 : 1
    if (!isSame) this.#sameFrom = step
    this.#sameError = call.isError ? (isSame && last.isError ? this.#sameError + 1 : 1) : 0
    this.#countToolErrors(call, step)
    this.#steps.push(step)
    if (this.#steps.length > MAX_CYCLE * CYCLES) this.#steps.shift()
    this.#last = call
  }

  /** The repetition that the last calls are in; undefined for none. */
  find (): Loop | undefined {
    const from = this.#sameFrom
    if (from !== undefined && this.#sameError >= SAME_ERROR) return one(from, this.#sameError, 'same error')
    if (from !== undefined && this.#same >= SAME_RESULT) return one(from, this.#same, 'same result')
    const first = this.#errorsFrom
    const lastsMs = first === undefined ? 0 : (this.#last?.endedAt ?? 0) - first.at
    if (first !== undefined && this.#toolErrors >= SAME_TOOL_ERROR && lastsMs >= SAME_TOOL_ERROR_MS) {
      return one(first, this.#toolErrors, 'same tool, same error')
    }
    return this.#findCycle()
  }

  /** Counted once a message of the model. */
  #countToolErrors (call: EndedCall, step: Step): void {
    const last = this.#last
    const isSameError = call.isError && last?.isError === true && last.tool === call.tool && last.result === call.result
    if (!isSameError) {
      this.#toolErrors = call.isError ? 1 : 0
      this.#errorsFrom = call.isError ? step : undefined
    } else if (call.startedAt >= last.endedAt + NEW_MESSAGE_MS) {
      this.#toolErrors++
    }
  }

  #findCycle (): Loop | undefined {
    const steps = this.#steps
    for (let length = 2; length <= MAX_CYCLE; length++) {
      const tail = steps.slice(-length * CYCLES)
      const [first] = tail
      if (first === undefined || tail.length < length * CYCLES) return undefined
      const isCycle = tail.every(({ key }, index) => index < length || key === tail[index - length]?.key)
      // One call again and again is not a cycle of two.
      if (isCycle && new Set(tail.map(({ key }) => key)).size === length) {
        return { calls: length, times: CYCLES, sinceSeq: first.seq, since: first.at, why: 'cycle' }
      }
    }
    return undefined
  }

  #forget (): void {
    this.#steps = []
    this.#last = this.#sameFrom = this.#errorsFrom = undefined
    this.#same = this.#sameError = this.#toolErrors = 0
  }
}

/** The loops of one run, each level of sub-agents by itself. */
export class RunLoops {
  readonly #levels = new Map<number, LoopFinder>()

  /** Takes the next call in, in the order of their ends. */
  add (call: EndedCall): void {
    // A sub-agent that has answered repeats nothing any more.
    this.#levels.delete(call.seq)
    const level = call.parentSeq ?? 0
    let finder = this.#levels.get(level)
    if (finder === undefined) this.#levels.set(level, finder = new LoopFinder())
    finder.add(call)
  }

  /** The repetition that one of the levels is in; of several the one that goes on longest. */
  find (): Loop | undefined {
    let worst: Loop | undefined
    for (const finder of this.#levels.values()) {
      const loop = finder.find()
      if (loop !== undefined && (worst === undefined || loop.since < worst.since)) worst = loop
    }
    return worst
  }
}

function one ({ seq, at }: Step, times: number, why: Loop['why']): Loop {
  return { calls: 1, times, sinceSeq: seq, since: at, why }
}

/** Of a result, what is the same when nothing has changed: without times and durations, but with all other numbers. */
export function fingerprint (result: string): string {
  const timeless = result
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?/g, '<time>')
    .replace(/\b\d\d:\d\d:\d\d(?:[.,]\d{1,9})?/g, '<time>')
    .replace(/\b\d+(?:[.,]\d+)?\s?(?:ms|µs|us|ns|s|sec|secs|seconds?|min|minutes?)\b/g, '<duration>')
  return digest(timeless)
}
