import type { AgentTimelineStateDetail } from '../index.js'
import { toPlainText } from '../view/ansi.js'
import { bindNotifyButton } from './notify-button.js'

/** Marks in the tab's title: what runs is seen without opening the tab. */
const MARKS: Readonly<Record<AgentTimelineStateDetail['state'], string>> = {
  none: '',
  running: '● ',
  starting: '● ',
  working: '● ',
  in_tool: '● ',
  waiting: '‖ ',
  needs_you: '✋ ',
  not_running: '! ',
  quiet: '… ',
  looping: '! ',
  stuck: '! ',
  lost: '✕ ',
  unknown: '? ',
  completed: '✓ ',
  failed: '✕ ',
  timeout: '✕ ',
  disconnected: '? '
}

/** State of an entry of the history that a step made. */
const OPENED = 'opened'

const element = document.querySelector('agent-timeline')!
const project = new URLSearchParams(location.search).get('project')
// The last part of the path, wherever a proxy put the page.
const id = decodeURIComponent(location.pathname.replace(/\/+$/, '').split('/').pop() ?? '')

const crumb = document.querySelector('h1')!

crumb.textContent = toPlainText(id)
element.addEventListener('agent-timeline-state', ({ detail }) => {
  const name = toPlainText(detail.task.title ?? `Task ${detail.task.id}`)
  document.title = `${MARKS[detail.state]}${name} · Agent timeline`
})
if (project !== null) {
  element.setAttribute('project', project)
  document.querySelector<HTMLAnchorElement>('#all')!.search = new URLSearchParams({ project }).toString()
}
element.setAttribute('task', id)
bindNotifyButton(document.querySelector('#notify')!, element)
document.querySelector<HTMLAnchorElement>('#export')!.href =
  `${element.getAttribute('src')!}/timeline/tasks/${encodeURIComponent(id)}/export${
    project === null ? '' : `?${new URLSearchParams({ project }).toString()}`}`

/** The address is that of what is shown: it can be sent, kept, and gone back to. */
function showEvent (): void {
  const event = new URLSearchParams(location.search).get('event')
  if (event === null) element.removeAttribute('event')
  else element.setAttribute('event', event)
}

showEvent()
addEventListener('popstate', showEvent)
element.addEventListener('agent-timeline-event', ({ detail: { event } }) => {
  const url = new URL(location.href)
  const hadEvent = url.searchParams.has('event')
  if (event === undefined) url.searchParams.delete('event')
  else url.searchParams.set('event', String(event))
  if (url.href === location.href) return
  // Closing is going back to before it was opened, where that was on this page.
  if (event === undefined && history.state === OPENED) return history.back()
  if (hadEvent) history.replaceState(history.state, '', url)
  else history.pushState(OPENED, '', url)
})

// On this page the keys are nobody else's: they work before anything was focused.
document.addEventListener('keydown', (event) => {
  const { key, ctrlKey, metaKey, altKey, shiftKey, target } = event
  if (target !== document.body || ctrlKey || metaKey || altKey || key === 'Tab') return
  const list = element.shadowRoot?.querySelector<HTMLElement>('[part=list]')
  const isTaken = list?.dispatchEvent(new KeyboardEvent('keydown', { key, shiftKey, bubbles: true, cancelable: true })) === false
  if (isTaken) event.preventDefault()
})
