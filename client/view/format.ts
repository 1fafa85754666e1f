/** `12:49:05`, in the reader's time zone. */
export function formatTime (ms: number): string {
  const date = new Date(ms)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':')
}

const DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' })

/** `3 Feb 2026`, in the reader's time zone; nothing for the day of `nowMs` and where no time is known. */
export function formatDate (ms = 0, nowMs = 0): string {
  const day = DAY.format(ms)
  return ms === 0 || day === DAY.format(nowMs) ? '' : day
}

/** `40 ms`, `21.5 s`, `4m 26s`, `1h 05m`: how long something took. */
export function formatDuration (ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  return ms < 59_950 ? `${(ms / 1000).toFixed(1)} s` : formatSeconds(ms)
}

/** The same in whole seconds, for what still counts up. */
export function formatSeconds (ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${twoDigits(seconds % 60)}s`
  const hours = Math.floor(seconds / 3600)
  if (hours < 48) return `${hours}h ${twoDigits(Math.floor(seconds / 60) % 60)}m`
  return `${Math.floor(hours / 24)}d ${hours % 24}h`
}

/** `950`, `4.2k`, `112k`, `1.3M`. */
export function formatTokens (count: number): string {
  if (count < 1000) return String(count)
  const [value, unit] = count < 999_500 ? [count / 1000, 'k'] : [count / 1_000_000, 'M']
  return `${value < 10 ? value.toFixed(1) : Math.round(value)}${unit}`
}

/** `1 event`, `24 events`, `1,024 events`. */
export function formatCount (count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}

/** `coder` as a name. */
export function capitalise (text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** `in_progress` as words. */
export function toWords (text: string): string {
  return text.replaceAll('_', ' ')
}

function twoDigits (value: number): string {
  return String(value).padStart(2, '0')
}
