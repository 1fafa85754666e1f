import { findPrivateKeys, HAS_PRIVATE_KEY } from './private-keys.js'
import { plainView } from './plain-view.js'
import { findTokens, RULES, WRAPPED, type Rule } from './secret-rules.js'
import { mergeSpans, type Span } from './secret-spans.js'
import { isBegun } from './secret-values.js'

/** Finds what is secret in texts. */
export interface SecretSearch {
  /** False where nothing can be found: one cheap test for nearly every text. */
  mayHold (text: string): boolean
  /** Secrets in order and apart. */
  find (text: string): Span[]
  /** Same for texts of megabytes, in slices: each `yield` is a place to pause. */
  findSlowly (text: string): Generator<void, Span[], void>
  /** What these rules find at the end of a text. */
  findAtEnd (text: string, rules: readonly Rule[]): Span[]
  /** What at the end of a text would be a secret if it went on at random. */
  findBegun (text: string): Span[]
}

/** How a secret might go on. */
const CONTINUATION = 'x7Kq2Lm9Vd4Rt8Wz'

/** No text without any of these has a secret. */
const TRIGGER = new RegExp('[\\w.:~+/=-]{16}|PRIVATE KEY|Private-[LMH]|[Bb]earer|BEARER|[Bb]asic\\s|BASIC\\s|://|[Ss](?:ecret|ECRET)|' +
  '[Tt](?:oken|OKEN)|[Pp](?:ass|ASS)|[Kk](?:ey|EY)|[Pp]wd|masterauth|net user|PWD|psk|PSK|[Cc](?:ookie|OOKIE|redential|REDENTIAL)|uthorization|UTHORIZATION|IDENTIFIED|' +
  'echo|printf|-[A-Za-z] |-p|--user|login|<<<|\\$\\w|[?&]|sid|SID|pin|sig|auth|AUTH')

/** Longest text that a pattern of a user is given, in characters: what it costs there is up to its author. */
const PATTERN_CHARS = 16_384
/** How far the texts that it is given overlap: longest match that is found wherever it stands. */
const PATTERN_OVERLAP_CHARS = 1_024

/** A slice of a long text, and how far it reaches into its neighbours: longest secret at a border, in characters. */
const SLICE_CHARS = 65_536
const SLICE_OVERLAP_CHARS = 8_192

/** @param extra rules of the user */
export function createSecretSearch (extra: readonly Rule[]): SecretSearch {
  const mayHold = (text: string) => extra.length > 0 || TRIGGER.test(text)

  function findIn (text: string): Span[] {
    const spans: Span[] = []
    if (HAS_PRIVATE_KEY.test(text)) spans.push(...findPrivateKeys(text))
    findTokens(text, spans)
    for (const rule of RULES) apply(rule, text, 0, spans)
    apply(WRAPPED, text, 0, spans)
    for (const rule of extra) {
      for (let from = 0; from === 0 || from < text.length; from += PATTERN_CHARS) {
        const start = Math.max(0, from - PATTERN_OVERLAP_CHARS)
        apply(rule, text.slice(start, from + PATTERN_CHARS), start, spans)
      }
    }
    return spans
  }

  function find (text: string): Span[] {
    if (!mayHold(text)) return []
    return throughEscapes(text, findIn)
  }

  return {
    mayHold,
    find,
    * findSlowly (text) {
      const spans = HAS_PRIVATE_KEY.test(text) ? findPrivateKeys(text) : []
      for (let from = 0; from < text.length; from += SLICE_CHARS) {
        const start = Math.max(0, from - SLICE_OVERLAP_CHARS)
        const slice = text.slice(start, from + SLICE_CHARS + SLICE_OVERLAP_CHARS)
        for (const [first, last] of find(slice)) spans.push([first + start, last + start])
        yield
      }
      return mergeSpans(spans)
    },
    findAtEnd: (text, rules) => throughEscapes(text, (given) => {
      const spans: Span[] = []
      for (const rule of rules) apply(rule, given, 0, spans)
      return spans
    }),
    findBegun: (text) => throughEscapes(text, (given) => {
      if (!mayHold(given)) return []
      // What may have to follow a secret: the host of a URL, its quote, the end of an element.
      const quote = /["'`](?=[^"'`]*$)/.exec(given)?.[0] ?? ''
      const continued = `${given}${CONTINUATION}@h${quote}</`
      return RULES.flatMap((rule) => {
        const spans: Span[] = []
        apply(rule, continued, 0, spans)
        return spans.filter(([from, to]) =>
          from < given.length && to > given.length && isBegun(given.slice(from), rule.isGuess !== true))
      })
        .map(([from]) => [from, given.length])
    })
  }
}

/** Searches a text as it is and as a person would read it. */
function throughEscapes (text: string, search: (text: string) => Span[]): Span[] {
  try {
    const spans = search(text)
    const view = plainView(text)
    if (view !== undefined) spans.push(...search(view.text).map(view.toSource))
    return mergeSpans(spans)
  } catch {
    // V8 gives up a match that backtracks over millions of characters: what cannot be searched is not shown.
    return [[0, text.length]]
  }
}

function apply ({ hint, pattern, group, accepts }: Rule, text: string, offset: number, spans: Span[]): void {
  if (hint?.test(text) === false) return
  const matches = pattern.global ? text.matchAll(pattern) : [pattern.exec(text)]
  for (const match of matches) {
    const span = match?.indices?.[group]
    if (match === null || span === undefined || span[1] === span[0]) continue
    if (accepts?.(match[group] as string, match) !== false) spans.push([span[0] + offset, span[1] + offset])
  }
}
