import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { StepMove } from '../store/steps.js'

export type Command = StepMove | 'open' | 'close' | 'follow' | 'find' | 'help'

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['j', 'next'], ['k', 'previous'], ['e', 'next-failure'], ['E', 'previous-failure'], ['f', 'follow'], ['/', 'find'], ['?', 'help'],
  ['Escape', 'close'], ['Enter', 'open']
])

const HELP = [
  [['J', 'K'], 'next and previous step'], [['↵'], 'open the step'], [['E', '⇧ E'], 'next and previous failure'],
  [['/'], 'find in the whole task'], [['F'], 'follow, pause'], [['Home', 'End'], 'oldest row, newest row'], [['Esc'], 'close'], [['?'], 'these keys']
] as const

/** What a key means; undefined for one that is somebody else's: of a field, a button, the browser. */
export function commandOf (event: KeyboardEvent): Command | undefined {
  const { key, shiftKey, ctrlKey, metaKey, altKey, target } = event
  if (ctrlKey || metaKey || altKey) return undefined
  const element = target as Element | null
  if (element?.closest('input, textarea, select') != null) return undefined
  if (key === 'Enter' && element?.closest('button, a') != null) return undefined
  // Caps lock is no shift.
  const name = key.length > 1 ? key : shiftKey ? key.toUpperCase() : key.toLowerCase()
  return COMMANDS.get(name) ?? COMMANDS.get(name.toLowerCase())
}

/** All keys. */
export function KeyHelp ({ onClose }: { readonly onClose: () => void }): VNode {
  return html`<div class="help" role="dialog" aria-label="Keys">
    <b>Keys</b><button class="chip" ref=${(button: HTMLElement | null) => button?.focus()} onClick=${onClose}>Close</button>
    ${HELP.map(([keys, text]) => html`<span class="combo">${keys.map((key) => html`<kbd>${key}</kbd>`)}</span><span>${text}</span>`)}
  </div>` as VNode
}

/** The keys that are always in view. */
export function keyHints (onHelp: () => void): VNode {
  return html`<span class="hints">${([[['J', 'K'], 'step'], [['↵'], 'open'], [['E'], 'next failure'], [['/'], 'find'], [['F'], 'follow']] as const).map(([keys, text]) =>
    html`<span aria-hidden="true">${keys.map((key) => html`<kbd>${key}</kbd>`)} ${text}</span>`)}
    <button onClick=${onHelp}><kbd>?</kbd> all keys</button></span>` as VNode
}
