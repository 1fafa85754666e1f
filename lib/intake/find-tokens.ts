import type { Span } from './secret-spans.js'
import { isFilled } from './secret-values.js'
import { TOKEN_CHARACTER, TOKEN_CHARS, TOKEN_HEAD, VENDOR_LIKE, VENDOR_TOKENS } from './vendor-tokens.js'

const TOKENS = new RegExp(VENDOR_TOKENS, 'g')
const HAS_HEAD = new RegExp(TOKEN_HEAD)
const TOKENS_LIKE = new RegExp(VENDOR_LIKE, 'g')
/** What every token of that form has. */
const MAY_BE_LIKE = /[_-][A-Za-z0-9]{28}/

/** Whether tokens have the character, by its code; all others have none. */
const IS_TOKEN_CHARACTER = Array.from({ length: 128 }, (_, code) => TOKEN_CHARACTER.test(String.fromCharCode(code)))
const isTokenCharacter = (text: string, at: number) => IS_TOKEN_CHARACTER[text.charCodeAt(at)] === true

/** Tokens in forms of their vendors. Only runs of the characters that they are made of are looked at. */
export function findTokens (text: string, spans: Span[]): void {
  findRuns(text, (run, offset) => findInRun(text, run, offset, spans))
}

/** Whether there is a run in which a token may be. */
export function hasTokenRun (text: string): boolean {
  let has = false
  findRuns(text, (run) => { has ||= MAY_BE_LIKE.test(run) || HAS_HEAD.test(run) })
  return has
}

/** Where the characters of tokens begin that a text ends with, and the few before them; its end for none. */
export function startOfLastRun (text: string): number {
  let from = text.length
  while (from > 0 && isTokenCharacter(text, from - 1)) from--
  return from === text.length ? from : Math.max(0, from - BEFORE_CHARS)
}

/** `base64,`: what follows is no token. */
const BEFORE_CHARS = 7

function findRuns (text: string, onRun: (run: string, offset: number) => void): void {
  let done = 0
  while (done + TOKEN_CHARS <= text.length) {
    // Where the last of so many characters is none, no run is long enough: most texts cost a look at a few places.
    const probe = done + TOKEN_CHARS - 1
    if (!isTokenCharacter(text, probe)) {
      done += TOKEN_CHARS
      continue
    }
    let from = probe
    while (from > done && isTokenCharacter(text, from - 1)) from--
    let to = probe + 1
    while (to < text.length && isTokenCharacter(text, to)) to++
    if (to - from >= TOKEN_CHARS) onRun(text.slice(from, to), from)
    done = to
  }
}

function findInRun (text: string, run: string, offset: number, spans: Span[]): void {
  const mayBeLike = MAY_BE_LIKE.test(run)
  const hasHead = HAS_HEAD.test(run)
  if (!mayBeLike && !hasHead) return
  // Pictures and the like, and what documentation shows.
  if (!/[0-9A-Z]/.test(run) || text.endsWith('base64,', offset) || run.includes('EXAMPLE')) return
  const known = hasHead ? [...run.matchAll(TOKENS)] : []
  const tokens = known.length === 0 && mayBeLike ? run.matchAll(TOKENS_LIKE) : known
  for (const { index, 0: token } of tokens) {
    if (!isFilled(token)) spans.push([offset + index, offset + index + token.length])
  }
}
