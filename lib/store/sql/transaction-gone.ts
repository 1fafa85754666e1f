/** The whole transaction was undone, by a trigger of the host's or a full disk: nothing more may be written. */
export class TransactionGone extends Error {
  /** That of the cause: it says whether the data is at fault or the database. */
  readonly code: string

  constructor (cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    const code = (cause as { code?: unknown } | null)?.code
    this.code = typeof code === 'string' ? code : ''
  }
}
