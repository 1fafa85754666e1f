/** Names one use of a call: `callId` alone is unique only while the call is open. */
export interface CallUse {
  readonly callId: string
  /** Which use of the id it is, from the second on, where who reports it counts. */
  readonly use?: number | undefined
  readonly parentCallId?: string | undefined
}

/** A call that is open. */
export interface OpenUse extends CallUse {
  readonly message: string
}

/** One text for an id and its use. */
export function keyOfUse ({ callId, use }: CallUse): string {
  return use === undefined ? callId : `${callId}\0${use}`
}

/**
 * The calls that are open, paired by use. Where who reports them does not count the uses, an end goes to the oldest
 * call of its id, best to one of the same parent; the same start once more is no other call.
 */
export class OpenUses<Call extends OpenUse> {
  readonly #byKey = new Map<string, Call[]>()
  #size = 0

  get size (): number { return this.#size }

  /** @returns whether it is another call than those that are open */
  start (call: Call): boolean {
    const key = keyOfUse(call)
    const open = this.#byKey.get(key)
    if (open === undefined) this.#byKey.set(key, [call])
    else if (open.some((one) => one.message === call.message && one.parentCallId === call.parentCallId)) return false
    else open.push(call)
    this.#size++
    return true
  }

  /** @returns the call that is over; undefined where none is open */
  end (use: CallUse): Call | undefined {
    const key = keyOfUse(use)
    const open = this.#byKey.get(key)
    if (open === undefined) return undefined
    const at = Math.max(0, open.findIndex(({ parentCallId }) => parentCallId === use.parentCallId))
    const [call] = open.splice(at, 1)
    if (open.length === 0) this.#byKey.delete(key)
    this.#size--
    return call
  }

  /** Oldest first, as far as their ids differ. */
  * [Symbol.iterator] (): Generator<Call, void, undefined> {
    for (const open of this.#byKey.values()) yield * open
  }

  clear (): void {
    this.#byKey.clear()
    this.#size = 0
  }
}

/** The use in metadata; undefined where they have no id. */
export function readUse (metadata: Readonly<Record<string, unknown>>): CallUse | undefined {
  const { callId, use, parentCallId } = metadata
  if (typeof callId !== 'string') return undefined
  return {
    callId,
    ...(typeof use === 'number' ? { use } : {}),
    ...(typeof parentCallId === 'string' ? { parentCallId } : {})
  }
}
