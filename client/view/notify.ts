import type { TaskState } from '../../lib/model/answers.js'
import type { Verdict } from '../store/summary.js'
import { toPlainText } from './ansi.js'

/** What somebody who looks elsewhere is called for, and in which words. */
const WORDS: Partial<Record<Verdict | TaskState, string>> = {
  needs_you: 'Needs you',
  stuck: 'Probably stuck',
  looping: 'Going in circles',
  not_running: 'No agent is running',
  lost: 'Its process is gone',
  completed: 'Completed',
  done: 'Done',
  failed: 'Failed',
  timeout: 'Timed out'
}

export interface Notice {
  readonly id: string
  readonly title: string | undefined
  /** Why, where it is known. */
  readonly reason?: string | undefined
  readonly onOpen?: () => void
}

/**
 * Shows a notification of the browser that a task stands differently: that a run has ended, that it needs a person, or
 * that it is stuck. Nothing where the page is being looked at, or where the reader has not allowed it.
 *
 * @returns whether it was shown
 */
export function notify (state: Verdict | TaskState, { id, title, reason, onOpen }: Notice): boolean {
  const word = WORDS[state]
  if (word === undefined || globalThis.Notification?.permission !== 'granted' || document.hasFocus()) return false
  try {
    const notification = new Notification(toPlainText(title ?? `Task ${id}`, 120), {
      body: toPlainText(reason === undefined ? word : `${word}: ${reason}`, 240),
      // Of several tabs one is enough.
      tag: `agent-timeline ${id}`
    })
    notification.onclick = () => {
      window.focus()
      notification.close()
      onOpen?.()
    }
    return true
  } catch {
    // Browsers of phones show notifications of service workers only.
    return false
  }
}
