import type { NoticeKind } from '../model/notice.js'

/** Ways that notices are told: the host's callback, a webhook. */
export type NoticeChannel = 'callback' | 'webhook'

/** What one process at a time does: make notices, and tell them by each of the ways. */
export type LeaseName = 'notices' | NoticeChannel

/** A notice as it is stored. */
export interface StoredNotice {
  readonly id: number
  readonly noticeId: string
  readonly taskId: string
  readonly invocationId: number | undefined
  readonly kind: NoticeKind
  /** JSON. */
  readonly data: string
}

export type NewNotice = Omit<StoredNotice, 'id'>

/** The end of a run, as its event tells it. */
export interface EndedRun {
  readonly eventId: number
  readonly taskId: string
  readonly invocationId: number
  readonly status: string
  /** JSON. */
  readonly payload: string | null
}

/** Notices, and who makes and tells them. */
export interface NoticeStore {
  /** Takes or keeps a lease. @returns whether it is this holder's until then */
  hold (name: LeaseName, holder: string, now: number, until: number): Promise<boolean>
  /** Lets go of all that this holder has. */
  release (holder: string): Promise<void>
  /** The last of each run and of each task. */
  latest (): Promise<readonly StoredNotice[]>
  /** Ends that were not noticed yet, of at most a day ago, oldest first. */
  ends (since: string): Promise<readonly EndedRun[]>
  /**
   * Stores notices, and up to which event the ends are noticed; nothing where the holder has lost its lease.
   *
   * @returns whether they are stored
   */
  add (holder: string, notices: readonly NewNotice[], at: string, position: number | undefined): Promise<boolean>
  /** The last of all, and by which ways it was told. */
  last (): Promise<StoredNotice & { readonly told: readonly NoticeChannel[] } | undefined>
  /** Those made since somebody first held the channel, and since `since`, that were not told, in their order. */
  waiting (channel: NoticeChannel, since: string, limit: number): Promise<readonly StoredNotice[]>
  done (channel: NoticeChannel, id: number, at: string): Promise<void>
  /** Deletes those made before. */
  prune (before: string): Promise<void>
}
