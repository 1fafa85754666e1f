import t from 'tap'
import { createRedactor } from '../../../lib/intake/redact.js'

/** What the patterns begin with, go on with or wait for, each repeated: the worst that a text can do to them. */
const UNITS = [
  'password=', 'token: "', 'a://b:', 'Bearer a1 ', ' -p ', 'cookie: a=b;', 'key ', '-----BEGIN PRIVATE KEY-----\n', '-----END PRIVATE KEY-----',
  '\n a1B2c3D4', 'login a password ', 'bundle config ', 'auth("a",', 'Client("a", "', ' [x', '%25', '\\', '&amp;', 'a:5432:b:', '\x1b[', 'sk-', 'eyJ',
  'eyJ.', '/a', '!1', 'name=token value=', '"token":{', '_1', 'echo a | ', 'secret ', 'net user ', 'token is ', 'A3-', '.aaaaaa.', '<<<', 'set -x PASS ',
  '"', 'a', '1', '-', '=', '+/', 'A1', '?key=', 'api-', 'apikeyapikey', 'pass pass', ' -u a', '$2a$', 'LS0tLS1CRUdJTi'
]
const CHARS = 32_768

const redactor = createRedactor()
const ways: ReadonlyArray<(text: string) => unknown> = [
  (text) => redactor.text(text),
  (text) => redactor.openStream().pieces([text]),
  (text) => redactor.json(JSON.stringify({ text }))
]

/** Microseconds of CPU. */
function cpuOf (work: () => unknown): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

// Added up: a single text of a few milliseconds says little, and one that costs its square more than all others.
t.test('four times the text costs some four times as much, whatever it repeats', async (t) => {
  const costOf = (chars: number) => {
    const texts = UNITS.map((unit) => unit.repeat(Math.ceil(chars / unit.length)).slice(0, chars))
    return cpuOf(() => { for (const redact of ways) for (const text of texts) redact(text) })
  }
  costOf(CHARS / 8)
  const once = costOf(CHARS)
  const fourTimes = costOf(4 * CHARS)
  t.ok(fourTimes < 8 * once, `${once} to ${fourTimes} µs`)
})
