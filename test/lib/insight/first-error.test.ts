import t from 'tap'
import { firstErrorOf } from '../../../lib/insight/first-error.js'
import { OUTPUTS, type Output } from './first-error-outputs.js'

type Asserts = Pick<typeof t, 'ok' | 'equal'>

function check (t: Asserts, text: string, { name, says, file, line }: Output): void {
  const found = firstErrorOf(text)
  t.ok(found?.message.includes(says), `${name}: ${found?.message}`)
  if (file !== undefined) t.equal(found?.location?.file, file, `${name}: file`)
  if (line !== undefined) t.equal(found?.location?.line, line, `${name}: line`)
}

t.test('the first error of what compilers, test runners, crashes and shells print', async (t) => {
  t.ok(OUTPUTS.length >= 80)
  for (const output of OUTPUTS) check(t, output.text, output)
})

/** What stands before and after it in real outputs, none of which is an error. */
const BEFORE = [
  '\u001b[33mwarning\u001b[0m package.json: No license field',
  '(node:4321) [DEP0040] DeprecationWarning: The `punycode` module is deprecated. Please use a userland alternative instead.',
  '(Use `node --trace-deprecation ...` to show where the warning was created)',
  'npm warn deprecated inflight@1.0.6: This module is not supported, and leaks memory.',
  '\rDownloading: [##########----------]  50%\rDownloading: [####################] 100%',
  'added 312 packages, and audited 313 packages in 4s',
  'found 0 vulnerabilities',
  '✔ Checked 41 files: 0 errors, 0 warnings',
  'Compiled with no errors.',
  'error handling: enabled',
  'src/errors.ts 1.2 kB',
  ' ✓ tests/errors.test.ts > shows an error message (4ms)',
  'test errors::tests::failure_is_told ... ok',
  'INFO  no failed migrations, 0 failed jobs',
  ''
].join('\n')
const AFTER = [
  '', '8 vulnerabilities (3 moderate, 5 high)', 'To address all issues, run:', '  npm audit fix', 'Done in 4.21s.', 'Some details of errors were left out.'
].join('\n')

t.test('noise before and after changes nothing, nor do colours and line ends', async (t) => {
  for (const output of OUTPUTS) {
    check(t, `${BEFORE}\n${output.text}\n${AFTER}`, output)
    check(t, output.text.replaceAll('\n', '\r\n'), output)
    check(t, output.text.split('\n').map((line) => line === '' || line.includes('\u001b') ? line : `\u001b[31m${line}\u001b[39m`).join('\n'), output)
  }
})

t.test('an output that tells of no error is named by its first line, and none by nothing', async (t) => {
  t.same(firstErrorOf('building\nlinking\n'), { message: 'building' })
  t.same(firstErrorOf('Exit code 2'), undefined)
  t.same(firstErrorOf(' \n\u001b[0m\n'), undefined)
})

t.test('a long output is read at its beginning and its end, and a message is cut at a whole character', async (t) => {
  const filler = 'nothing to see here, line after line\n'.repeat(20_000)
  t.match(firstErrorOf(`${filler}src/a.ts(1,2): error TS1: x`), { location: { file: 'src/a.ts', line: 1 } })
  const { message } = firstErrorOf(`Error: ${'😀'.repeat(400)}`)!
  t.ok(message.length <= 300)
  t.notMatch(message, /[\ud800-\udbff](?![\udc00-\udfff])/)
})
