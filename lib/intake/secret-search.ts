import { eachMatch } from './each-match.js'
import { startOfLastRun, findTokens, hasTokenRun } from './find-tokens.js'
import { findPrivateKeys, HAS_PRIVATE_KEY, PRIVATE_KEY_WORDS } from './private-keys.js'
import { HIDES_WORDS, plainView } from './plain-view.js'
import type { Rule, RuleGroup } from './rule.js'
import { NAME_RULES, UNFINISHED, UNFINISHED_TOKENS, WRAPPED } from './secret-rules.js'
import { mergeSpans, type Span } from './secret-spans.js'
import { isBegun } from './secret-values.js'
import { TOOL_RULES } from './tool-rules.js'
import { MAY_BEGIN, MAY_BEGIN_CHARS, TOKEN_WORDS } from './vendor-tokens.js'
import { createWordScan } from './word-scan.js'

/** Finds what is secret in texts. */
export interface SecretSearch {
  /** False where nothing can be found: one cheap test for nearly every text. */
  mayHold (text: string): boolean
  /** Secrets in order and apart. */
  find (text: string): Span[]
  /** Same for texts of megabytes, in slices: each `yield` is a place to pause. */
  findSlowly (text: string): Generator<void, Span[], void>
  /** False where no secret is begun at the end of a text. */
  mayGoOn (text: string): boolean
  /** The beginnings of secrets that the end of a text cuts. */
  findUnfinished (text: string): Span[]
  /** What at the end of a text would be a secret if it went on at random. */
  findBegun (text: string): Span[]
}

/** How a secret might go on. */
const CONTINUATION = 'x7Kq2Lm9Vd4Rt8Wz'

/** All that is looked for in a text, besides private keys and tokens. */
const RULE_GROUPS: readonly RuleGroup[] = [...NAME_RULES, ...TOOL_RULES]
const GROUPS: readonly RuleGroup[] = [...RULE_GROUPS, { words: TOKEN_WORDS, hint: WRAPPED.hint, rules: [WRAPPED] }]

/** A bit for each group with words, in their order; the next for private keys, and for tokens. */
const scanWords = createWordScan([...GROUPS.map(({ words = [] }) => words), PRIVATE_KEY_WORDS, TOKEN_WORDS])
const PRIVATE_KEY_BIT = 1 << GROUPS.length
const TOKEN_BIT = PRIVATE_KEY_BIT << 1
const scanEnd = createWordScan(UNFINISHED.map(({ words = [] }) => words))

const COLOUR_BEGIN = '\x1b['
// eslint-disable-next-line no-control-regex
const COLOURS = /\x1b\[[\d;]*m/g

/** Longest text that a pattern of a user is given, in characters: what it costs there is up to its author. */
const PATTERN_CHARS = 16_384
/** How far the texts that it is given overlap: longest match that is found wherever it stands. */
const PATTERN_OVERLAP_CHARS = 1_024

/** A slice of a long text, and how far it reaches into its neighbours: longest secret at a border, in characters. */
const SLICE_CHARS = 65_536
const SLICE_OVERLAP_CHARS = 8_192

/** @param extra rules of the user */
export function createSecretSearch (extra: readonly Rule[]): SecretSearch {
  function tracesIn (text: string): Traces {
    const words = scanWords(text)
    return {
      groups: groupsWith(GROUPS, words, text),
      hasPrivateKey: (words & PRIVATE_KEY_BIT) !== 0 && HAS_PRIVATE_KEY.test(text),
      hasTokenRun: hasTokenRun(text, (words & TOKEN_BIT) !== 0)
    }
  }

  const isEmpty = ({ groups, hasPrivateKey, hasTokenRun }: Traces) =>
    groups.length === 0 && !hasPrivateKey && !hasTokenRun && extra.length === 0

  const mayHold = (text: string) => HIDES_WORDS.test(text) || !isEmpty(tracesIn(text))

  function findIn (text: string, traces: Traces): Span[] {
    const spans: Span[] = []
    if (traces.hasPrivateKey) spans.push(...findPrivateKeys(text))
    if (traces.hasTokenRun) findTokens(text, spans)
    applyGroups(traces.groups, text, (_, found) => { for (const span of found) spans.push(span) })
    for (const rule of extra) {
      for (let from = 0; from === 0 || from < text.length; from += PATTERN_CHARS) {
        const start = Math.max(0, from - PATTERN_OVERLAP_CHARS)
        apply(rule, text.slice(start, from + PATTERN_CHARS), start, spans)
      }
    }
    return spans
  }

  function find (text: string): Span[] {
    // Most coloured texts have nothing else to read: what such a text has, it has without its colours, too.
    const plain = text.includes(COLOUR_BEGIN) ? text.replaceAll(COLOURS, '') : text
    if (plain !== text && !HIDES_WORDS.test(plain) && isEmpty(tracesIn(plain))) return []
    const traces = tracesIn(text)
    if (isEmpty(traces) && !HIDES_WORDS.test(text)) return []
    return throughEscapes(text, (given) => findIn(given, given === text ? traces : tracesIn(given)))
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
    findUnfinished: (text) => throughEscapes(text, (given) => {
      const spans: Span[] = []
      applyGroups(groupsWith(UNFINISHED, scanEnd(given), given), given, (_, found) => { spans.push(...found) })
      const from = startOfLastRun(given)
      if (from < given.length) for (const rule of UNFINISHED_TOKENS) apply(rule, given.slice(from), from, spans)
      return spans
    }),
    mayGoOn (text) {
      if (HIDES_WORDS.test(text) || MAY_BEGIN.test(text.slice(-MAY_BEGIN_CHARS))) return true
      const continued = goOn(text)
      return groupsWith(RULE_GROUPS, scanWords(continued), continued).length > 0
    },
    findBegun: (text) => throughEscapes(text, (given) => {
      const continued = goOn(given)
      const begun: Span[] = []
      applyGroups(groupsWith(RULE_GROUPS, scanWords(continued), continued), continued, (rule, found) => {
        for (const [from, to] of found) {
          if (from >= given.length || to <= given.length || !isBegun(given.slice(from), rule.isGuess !== true)) continue
          begun.push([from, given.length])
        }
      })
      return begun
    })
  }
}

/** A text with what may have to follow a secret: the host of a URL, its quote, the end of an element. */
function goOn (text: string): string {
  const quote = /["'`](?=[^"'`]*$)/.exec(text)?.[0] ?? ''
  return `${text}${CONTINUATION}@h${quote}</`
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

/** What a text has of what is looked for. */
interface Traces {
  readonly groups: readonly RuleGroup[]
  readonly hasPrivateKey: boolean
  readonly hasTokenRun: boolean
}

/** @param words which groups have a word in the text, a bit for each */
function groupsWith (groups: readonly RuleGroup[], words: number, text: string): RuleGroup[] {
  const present: RuleGroup[] = []
  for (let index = 0; index < groups.length; index++) {
    const group = groups[index] as RuleGroup
    if (group.words !== undefined && (words & 1 << index) === 0) continue
    if (group.hint?.test(text) !== false) present.push(group)
  }
  return present
}

function applyGroups (
  groups: readonly RuleGroup[], text: string, onFound: (rule: Rule, spans: readonly Span[]) => void
): void {
  for (const { starts, rules } of groups) {
    const places = starts === undefined ? [] : findPlaces(starts, text)
    for (const rule of rules) {
      const spans: Span[] = []
      if (rule.pattern.sticky) applyAt(places, rule, text, spans)
      else apply(rule, text, 0, spans)
      if (spans.length > 0) onFound(rule, spans)
    }
  }
}

/** Where something begins, also inside of itself. */
function findPlaces (pattern: RegExp, text: string): number[] {
  const places: number[] = []
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    places.push(match.index)
    pattern.lastIndex = match.index + 1
  }
  return places
}

/** Applies a rule where its matches may begin. */
function applyAt (places: readonly number[], rule: Rule, text: string, spans: Span[]): void {
  if (places.length === 0 || rule.hint?.test(text) === false) return
  let done = 0
  for (const place of places) {
    if (place < done) continue
    rule.pattern.lastIndex = place
    const match = rule.pattern.exec(text)
    if (match === null) continue
    done = rule.pattern.lastIndex
    addMatch(rule, match, 0, spans)
  }
}

function apply (rule: Rule, text: string, offset: number, spans: Span[]): void {
  if (rule.hint?.test(text) === false) return
  if (rule.pattern.global) return eachMatch(rule.pattern, text, (match) => { addMatch(rule, match, offset, spans) })
  const match = rule.pattern.exec(text)
  if (match !== null) addMatch(rule, match, offset, spans)
}

function addMatch ({ group, accepts }: Rule, match: RegExpExecArray, offset: number, spans: Span[]): void {
  const span = match.indices?.[group]
  if (span === undefined || span[1] === span[0]) return
  if (accepts?.(match[group] as string, match) !== false) spans.push([span[0] + offset, span[1] + offset])
}
