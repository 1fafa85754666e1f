const KEY = 'agent-timeline-notify'

/**
 * Makes a button of the page switch an element's `notify` on and off; asks for the reader's permission then, and
 * remembers the answer for this site. It stays hidden where the browser has no notifications.
 */
export function bindNotifyButton (button: HTMLButtonElement, element: HTMLElement): void {
  if (globalThis.Notification === undefined) return
  button.hidden = false
  const set = (isOn: boolean): void => {
    button.setAttribute('aria-pressed', String(isOn))
    button.textContent = Notification.permission === 'denied' ? 'Notifications are blocked' : isOn ? 'Notifying' : 'Notify me'
    element.toggleAttribute('notify', isOn)
  }
  set(remembered() && Notification.permission === 'granted')
  button.addEventListener('click', () => {
    const isOn = button.getAttribute('aria-pressed') !== 'true'
    Notification.requestPermission().then((permission) => {
      set(isOn && permission === 'granted')
      try {
        localStorage.setItem(KEY, isOn && permission === 'granted' ? 'on' : 'off')
      } catch {
        // Then it holds for this page only.
      }
    }, () => {})
  })
}

function remembered (): boolean {
  try {
    return localStorage.getItem(KEY) === 'on'
  } catch {
    return false
  }
}
