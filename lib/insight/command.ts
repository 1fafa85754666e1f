/** What a shell command tells of itself without being run. */
export interface CommandShape {
  /** Its programs with their subcommands, in order: `git add + git commit`. The same chain takes similar times. */
  readonly chain: string
  /** How long it sleeps by its own words, in milliseconds. */
  readonly sleepMs: number
  /** It waits for something else, so that the same answer again is no sign of a loop. */
  readonly isPoll: boolean
}

/** Longer commands are scripts; their beginning says what they are. */
const MAX_CHARS = 2_000
/** A chain is a name, not a script. */
const MAX_PROGRAMS = 8
const SETTING = /^(?:cd|export|set|source|true|echo|printf|\.|:)$/
const SUBCOMMAND = /^[a-z][a-z:_-]{1,20}$/
const POLL = /(?:^|[\s;&|(])(?:sleep|watch|wait)\s|\btail\s+(?:-\w+\s+)*-\w*[fF]|--(?:watch|follow)\b/

export function shapeOf (command: string): CommandShape {
  const text = command.slice(0, MAX_CHARS)
  return { chain: chainOf(text), sleepMs: sleepOf(text), isPoll: POLL.test(text) }
}

function chainOf (text: string): string {
  const programs: string[] = []
  for (const part of text.split(/&&|\|\||[;|\n]/)) {
    const words = part.trim().split(/\s+/).filter((word) => !/^\w+=/.test(word))
    const [program = '', sub = ''] = words
    if (program === '' || SETTING.test(program) || program === 'sleep') continue
    const name = program.slice(program.lastIndexOf('/') + 1)
    programs.push(SUBCOMMAND.test(sub) ? `${name} ${sub}` : name)
    if (programs.length === MAX_PROGRAMS) break
  }
  return programs.join(' + ')
}

/** The command of a call, by its input or by its message, `exec: npm test`; undefined for what is none. */
export function commandOf (message: string, { input }: Readonly<Record<string, unknown>>): string | undefined {
  const { command } = (input ?? {}) as { command?: unknown }
  if (typeof command === 'string' && command !== '') return command
  return message.startsWith(EXEC) ? message.slice(EXEC.length) : undefined
}

/** How adapters begin the message of every command. */
const EXEC = 'exec: '

/** The time that a call asks for in its input, in milliseconds; 0 for none. */
export function askedMs ({ input }: Readonly<Record<string, unknown>>): number {
  const { timeout } = (input ?? {}) as { timeout?: unknown }
  return typeof timeout === 'number' && timeout > 0 ? timeout : 0
}

const UNITS: Readonly<Record<string, number>> = { '': 1_000, s: 1_000, m: 60_000, h: 3_600_000 }

/** How long a command sleeps by its own words, in milliseconds. */
export function sleepOf (text: string): number {
  let ms = 0
  if (!text.includes('sleep')) return ms
  for (const [, count, unit = ''] of text.slice(0, MAX_CHARS).matchAll(/(?:^|[\s;&|(])sleep\s+(\d{1,6}(?:\.\d{1,3})?)([smh]?)/g)) {
    ms += Number(count) * (UNITS[unit] ?? 0)
  }
  return ms
}
