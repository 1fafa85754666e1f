import { AgentTimelineListElement } from '../view/list-element.js'
import { bindNotifyButton } from './notify-button.js'

const element = document.querySelector('agent-timeline-list')!
const project = new URLSearchParams(location.search).get('project')
if (project !== null) element.setAttribute('project', project)
element.addEventListener('agent-timeline-counts', ({ detail: { running } }) => {
  document.title = `${running > 0 ? `(${running}) ` : ''}Runs · Agent timeline`
})
bindNotifyButton(document.querySelector('#notify')!, element)
customElements.define('agent-timeline-list', AgentTimelineListElement)

// On this page the keys are nobody else's: they work before anything was focused.
document.addEventListener('keydown', (event) => {
  const { key, ctrlKey, metaKey, altKey, target } = event
  if (target !== document.body || ctrlKey || metaKey || altKey || key === 'Tab') return
  const root = element.shadowRoot?.querySelector('[part=base]')
  if (root?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })) === false) event.preventDefault()
})
