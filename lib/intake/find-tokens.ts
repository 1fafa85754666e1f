import { eachMatch } from './each-match.js'
import type { Span } from './secret-spans.js'
import { isFilled } from './secret-values.js'
import { LONG_END, TOKEN_CHARACTER, TOKEN_CHARS, TOKEN_HEAD, VENDOR_LIKE, VENDOR_TOKENS } from './vendor-tokens.js'

const TOKENS = new RegExp(VENDOR_TOKENS, 'g')
const HAS_HEAD = new RegExp(TOKEN_HEAD)
const TOKENS_LIKE = new RegExp(VENDOR_LIKE, 'g')
/** Every token has a digit or a capital; most paths have none. */
const MAY_BE_TOKEN = /[0-9A-Z]/

/** Whether tokens have the character, by its code; all others have none. */
const IS_TOKEN_CHARACTER = Array.from({ length: 128 }, (_, code) => TOKEN_CHARACTER.test(String.fromCharCode(code)))
const isTokenCharacter = (text: string, at: number) => IS_TOKEN_CHARACTER[text.charCodeAt(at)] === true

/** Tokens in forms of their vendors. Only runs of the characters that they are made of are looked at. */
export function findTokens (text: string, spans: Span[]): void {
  findRuns(text, (run, offset) => findInRun(text, run, offset, spans))
}

/**
 * Whether there is a run in which a token may be.
 *
 * @param hasWord whether the text has one of the words that most tokens begin with
 */
export function hasTokenRun (text: string, hasWord: boolean): boolean {
  let has = false
  findRuns(text, (run) => {
    has ||= MAY_BE_TOKEN.test(run) && (LONG_END.test(run) || (hasWord && HAS_HEAD.test(run)))
  })
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
  if (!MAY_BE_TOKEN.test(run)) return
  const mayBeLike = LONG_END.test(run)
  const hasHead = HAS_HEAD.test(run)
  if (!mayBeLike && !hasHead) return
  // Pictures and the like, and what documentation shows.
  if (text.endsWith('base64,', offset) || run.includes('EXAMPLE')) return
  let isKnown = false
  const add = ({ index, 0: token }: RegExpExecArray) => {
    isKnown = true
    if (!isFilled(token)) spans.push([offset + index, offset + index + token.length])
  }
  if (hasHead) eachMatch(TOKENS, run, add)
  if (!isKnown && mayBeLike) eachMatch(TOKENS_LIKE, run, add)
}
