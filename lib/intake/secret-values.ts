/** What stands where a secret could stand and is none: variables, examples, types. */
const PLACEHOLDER = new RegExp('^(?:[<{\\[(*#@]|\\$\\{|\\$\\(|\\$[A-Za-z_]+$|\\$env:|%[A-Za-z_]+%?$|\\.\\.\\.|…)' +
  '|^(?:your|my|some|enter|insert|replace|change|example|sample|dummy|fake|test|todo|tbd|fixme|redacted|hidden|masked|' +
  'removed|placeholder|null|none|nil|undefined|true|false|string|number|boolean|integer|object|any|unknown|required|' +
  'optional|password|passwd|pass|secret|token|value|absent|missing|invalid|expired|empty)' +
  '(?:[-_ .]?(?:your|my|me|with|by|a|an|the|real|own|here|goes|this|password|passwd|secret|token|key|api|value|string|in|it|now|only))*[-_.!?>)\\]]*$' +
  '|^(.)\\1+$|x{8}|\\*{8}|^(?:x{3,}|\\*{3,}|\\.{3,})|^(?:your|my)[-_]|[-_]here$|(?:\\.\\.\\.|…)$|EXAMPLE|^redacted', 'i')

/** A member, an index or a call: what code assigns. */
const CODE = /^[!&*(]{0,3}(?:new |await |typeof )?[A-Za-z_$][\w$]*(?:(?:\.|::|->|\?\.)#?[A-Za-z_$][\w$]*)*(?:[([{<`!?]|$)|^[A-Za-z_$][\w$]*(?:\.|::|->|\?\.)[A-Za-z_$]/
const WORDS = /^[A-Za-z]+(?:[-_ ./'’:][A-Za-z]*)*[.!?:)]*$/
const NUMBER = /^[-+]?[\d_.,:]+(?:[a-z]{1,3})?$|^0x[0-9a-f]{1,16}$/i
const TIME = /^\d{4}-\d\d-\d\d[T ]?/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** Words may say what it is of. */
const HASH = /^(?:[A-Za-z]{1,32}[-_.]){0,8}(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$|^(?:[0-9a-f]{7,12}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/i

/** Longest part of a value that is looked at, in characters. */
const MAX_VALUE_CHARS = 512

/** `${TOKEN}`, `<your-token>`, `changeme`, `null`. */
export function isPlaceholder (value: string): boolean {
  return PLACEHOLDER.test(value.slice(0, MAX_VALUE_CHARS))
}

/** `ghp_xxxxxxxxxxxx`: how documentation and logs show a token without showing it. */
export function isFilled (token: string): boolean {
  return /([xX0*])\1{11}/.test(token)
}

/**
 * Made by a generator of random characters, as far as can be told: letters and digits alternate, as they do in no word.
 *
 * @param isPrefix the value may go on
 */
export function isRandom (value: string, isPrefix = false): boolean {
  const text = value.slice(0, MAX_VALUE_CHARS)
  if (isPlaceholder(text) || TIME.test(text) || !/\d/.test(text) || !/[A-Za-z]/.test(text)) return false
  const changes = countChanges(text)
  return changes >= (isPrefix ? 2 : 3) || (changes >= 2 && text.length >= 16 && /\d.*\d.*\d/.test(text))
}

/** A file, a port with its path, a key of a keyboard, two words as one: not the beginning of something random. */
const NO_BEGINNING = /^(?:[A-Z]?[a-z]+\d{1,3}|[A-Z]+\d{1,3}|[A-Za-z]*[a-z]{2,}[A-Z][a-z]{2,}|!?\d{1,5}(?:[^A-Za-z0-9].*)?|(?:[~.]{0,2}\/[A-Za-z._-]{1,64}){2,16}\/?)$/
/** Same where a name says that a secret follows. */
const NAMED_NO_BEGINNING = /^(?:(?:sha|md|utf|base|oauth|http|ipv|es|v|x|test|user|name|value|key|token|item|step|level|part|password|secret)[-_]?\d{1,4}|[A-Za-z]*[a-z]{2,}[A-Z][a-z]{2,}|\d{1,5}(?:[/?#].*)?)$/i

/**
 * The beginning of a value that is cut: whether it is random so far.
 *
 * @param isNamed what stands before it says that it is a secret
 */
export function isBegun (value: string, isNamed: boolean): boolean {
  const text = value.slice(0, MAX_VALUE_CHARS)
  if (text.length < 3 || isPlaceholder(text) || isIdentifier(text)) return false
  if ((isNamed ? NAMED_NO_BEGINNING : NO_BEGINNING).test(text)) return false
  return countChanges(text) >= (/[./:]/.test(text) ? 3 : 1)
}

/**
 * Same for the beginning of a token: its prefix, which may be a word, and what follows that.
 *
 * @param rest of it, behind the prefix
 */
export function isBegunToken (token: string, rest: string): boolean {
  const changes = countChanges(rest.slice(0, MAX_VALUE_CHARS))
  if (changes >= 3 || (changes >= 2 && rest.length <= 8)) return true
  const prefix = token.slice(0, token.length - rest.length)
  return prefix.length >= 6 && /[_.-]$/.test(prefix) && rest.length <= 8 && !/^[a-z]+$/.test(rest)
}

/** A UUID or a digest: it names something, and is a secret only where a name says so. */
export function isIdentifier (value: string): boolean {
  return UUID.test(value) || HASH.test(value)
}

/** Passwords that Apple and Google make for one application: letters, four by four. */
const APP_PASSWORD = /^[a-z]{4}(?:-[a-z]{4}){3}$/

/** From letter to digit and back, from small to capital (a capital that begins a word is none). */
function countChanges (text: string): number {
  return text.match(/[A-Za-z](?=\d)|\d(?=[A-Za-z])|[a-z](?=[A-Z](?![a-z]{3}))|[+/=~!@#$%^&*](?=\w)/g)?.length ?? 0
}

/** A word of prose between quotes, or what a field is called. */
const LABEL = / |passw|secret|token|field|input|label/i

/** How an assignment is written, as far as its value can be judged by that. */
export interface Assignment {
  /** The name says password: people choose those. */
  readonly isPassword: boolean
  /** `NAME=value`, as shells and .env files have it. */
  readonly isEnvironment: boolean
  readonly isQuoted: boolean
  /** The value may go on: the piece ends here. */
  readonly isPrefix?: boolean
}

/** Whether what is assigned to the name of a secret is one, and no code, type, example or word of prose. */
export function isSecretValue (
  value: string, { isPassword, isEnvironment, isQuoted, isPrefix = false }: Assignment
): boolean {
  const text = value.slice(0, MAX_VALUE_CHARS)
  if (isPlaceholder(text)) return false
  if (isPassword && APP_PASSWORD.test(text)) return true
  if (NUMBER.test(text)) return isPassword && !isPrefix && text.length >= 6
  if (isRandom(text, isPrefix)) return !isCall(text, isQuoted)
  const isProse = WORDS.test(text)
  const isChosen = isPassword && /^\w*\d\w*$/.test(text)
  if (!isQuoted && !isEnvironment && !isChosen && (CODE.test(text) || isProse)) return false
  if (isPrefix) return isEnvironment ? !isProse || text.length >= 3 : text.length >= 3 && /\d|[a-z][A-Z]/.test(text)
  if (isProse && isEnvironment) return text.length >= 8
  if (isProse) return isPassword && isQuoted && text.length >= 8 && !LABEL.test(text)
  if (isEnvironment || isPassword) return text.length >= 6 && !isCall(text, isQuoted)
  return text.length >= 8 && /\d/.test(text) && !isCall(text, isQuoted)
}

function isCall (text: string, isQuoted: boolean): boolean {
  return !isQuoted && /^[!&*]{0,2}[A-Za-z_$][\w$]*(?:(?:\.|::|->|\?\.)[A-Za-z_$#][\w$]*)*[([]/.test(text)
}
