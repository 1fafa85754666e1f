/**
 * What the stand-ins of the models say, turn by turn: the sessions that test/fixtures/transcripts recorded. Each
 * stand-in makes of a call the tool that its CLI has for it. A prompt names its script: `[[script:main]]`.
 *
 * @typedef {{ kind: 'shell', command: string } | { kind: 'read', path: string } |
 *   { kind: 'edit', path: string, old: string, new: string } | { kind: 'write', path: string, content: string } |
 *   { kind: 'raw', name: string, args: object }} Call
 * @typedef {{ think?: string, text?: string, calls?: Call[] }} Turn
 */

/** The directory that the recordings were made in; the scratch one takes its place. */
export const RECORDED_PROJECT = '/tmp/proj'

const SLOW = 'for i in 1 2 3 4 5; do echo "tick $i"; sleep 1; done; echo done'

/** @type {(project: string) => Record<string, Turn[]>} */
export const scriptsFor = (project) => ({
  main: [
    {
      think: 'The user wants a tour of the project. First I search for TODO markers.',
      text: "I'll look around.",
      calls: [{ kind: 'shell', command: 'rg -n TODO src/' }]
    },
    { calls: [{ kind: 'read', path: `${project}/src/app.ts` }] },
    {
      text: 'Now I fix the greeting.',
      calls: [{ kind: 'edit', path: `${project}/src/app.ts`, old: "return 'hello';", new: "return 'hello, world';" }]
    },
    { calls: [{ kind: 'write', path: `${project}/NOTES.md`, content: '# Notes\n\nGreeting changed.\n' }] },
    {
      text: 'Two things at once.',
      calls: [{ kind: 'shell', command: 'ls -la src' }, { kind: 'read', path: `${project}/src/util.ts` }]
    },
    { calls: [{ kind: 'shell', command: 'echo "1 test failed" >&2; exit 1' }] },
    { think: 'The tests failed as expected; now the slow build.', calls: [{ kind: 'shell', command: SLOW }] },
    { think: 'All done, time to sum up.', text: 'Done: the greeting now says "hello, world" and NOTES.md was added.' }
  ],
  parallel: [
    {
      text: 'Two at once.',
      calls: [{ kind: 'shell', command: 'sleep 2; echo A' }, { kind: 'shell', command: 'sleep 1; echo B' }]
    },
    { calls: [{ kind: 'read', path: `${project}/src/app.ts` }, { kind: 'read', path: `${project}/src/util.ts` }] },
    { text: 'Both done.' }
  ],
  badtool: [
    { calls: [{ kind: 'raw', name: 'no_such_tool', args: { a: 1 } }] },
    { calls: [{ kind: 'read', path: `${project}/missing.txt` }] },
    { text: 'ok, gave up.' }
  ],
  short: [
    { text: 'Listing.', calls: [{ kind: 'shell', command: 'ls src' }] },
    { text: 'Final answer: two files.' }
  ]
})

/** The scenarios that are run, by the names of their recordings. */
export const SCENARIOS = {
  main: { script: 'main' },
  parallel: { script: 'parallel' },
  badtool: { script: 'badtool' },
  'err-401': { script: 'short', refuses: true }
}

/** Tokens that a stand-in says each turn took: what arrives must be their sum. */
export const TOKENS = { input: 1000, cached: 400, output: 50 }
