import type { FailureClass, FailureCode } from '../model/failure.js'

/** What one code says. */
export interface FailureKind {
  /** Beginning of the sentence that is shown; what the agent said follows behind a colon. */
  readonly title: string
  readonly class: FailureClass
  readonly retryable: boolean
  /** What it means, one sentence. */
  readonly means: string
  /** What to do, one sentence. */
  readonly remedy: string
}

/** All codes; `class` and `retryable` hold unless a rule says otherwise. */
export const FAILURE_CATALOGUE: Readonly<Record<FailureCode, FailureKind>> = {
  usage_limit: {
    title: 'The usage limit of the account is reached',
    class: 'transient',
    retryable: true,
    means: 'The allowance of the plan for some hours, a day, a week or a month is used up; it fills by itself.',
    remedy: 'Start the run again after `resetAt`, or use another account, model or a larger plan.'
  },
  rate_limit: {
    title: 'Too many requests',
    class: 'transient',
    retryable: true,
    means: 'Requests or tokens of the last seconds or minutes were too many (HTTP 429).',
    remedy: 'Start the run again after a minute, or run fewer agents at once.'
  },
  overloaded: {
    title: 'The model is overloaded',
    class: 'transient',
    retryable: true,
    means: 'The provider has no capacity at the moment, for anybody (HTTP 529 and 503).',
    remedy: 'Start the run again in some minutes, or use another model.'
  },
  api_error: {
    title: 'The API failed',
    class: 'transient',
    retryable: true,
    means: 'The provider answered with another error: its own (HTTP 500, 502, 504), or it did not take the request.',
    remedy: 'Start the run again; where `retryable` is false, change the model or what the message names first.'
  },
  network: {
    title: 'The network failed',
    class: 'transient',
    retryable: true,
    means: 'The API, or a service that a command needs, was not reached, or the connection broke off.',
    remedy: 'See that the address can be reached from this machine (DNS, proxy, firewall), then start the run again.'
  },
  authentication: {
    title: 'Not signed in',
    class: 'needs-person',
    retryable: false,
    means: 'Credentials are missing, wrong, expired or lack a right (HTTP 401, 403): of the API, or of a service that a command used.',
    remedy: 'Sign in again, or give the runner another key.'
  },
  billing: {
    title: 'The account has no credit',
    class: 'needs-person',
    retryable: false,
    means: 'The prepaid credit is used up, or the payment or subscription is not in order (HTTP 402).',
    remedy: 'Pay, or use another account.'
  },
  context_overflow: {
    title: 'Too long for the model',
    class: 'agent',
    retryable: false,
    means: 'The prompt, the conversation or an answer is longer than the model or its program takes.',
    remedy: 'Give the agent a smaller task or less text, or begin a new session.'
  },
  max_turns: {
    title: 'The limit of turns is reached',
    class: 'agent',
    retryable: false,
    means: 'The agent took as many turns, steps or attempts as it was allowed to.',
    remedy: 'Look whether it made progress; then raise the limit, or continue the session.'
  },
  budget: {
    title: 'The budget is used up',
    class: 'needs-person',
    retryable: false,
    means: 'The run cost as much as it was allowed to.',
    remedy: 'Look whether it made progress; then raise the budget, or continue the session.'
  },
  permission_denied: {
    title: 'Not allowed',
    class: 'needs-person',
    retryable: false,
    means: 'A tool call was refused by the rules, the sandbox or a person, the folder is not trusted, or the system denied access to a file.',
    remedy: 'Allow what was refused, or tell the agent how to do without it.'
  },
  deferred: {
    title: 'A person has to decide',
    class: 'needs-person',
    retryable: false,
    means: 'A question or a request for permission was put to a person, and the run ended before there was an answer.',
    remedy: 'Answer it, and resume the session.'
  },
  tests_failed: {
    title: 'Tests failed',
    class: 'tool',
    retryable: false,
    means: 'The run failed, and tests that the agent had run last were still failing.',
    remedy: 'Look at the first failing test.'
  },
  command_failed: {
    title: 'A command failed',
    class: 'tool',
    retryable: false,
    means: 'The run failed, and a build or another command of the agent had failed and was not mended.',
    remedy: 'Look at the first error of its output.'
  },
  cli_missing: {
    title: 'The agent could not be started',
    class: 'host',
    retryable: false,
    means: 'The program is not installed, cannot be executed, does not understand its options or settings, or its working directory is missing.',
    remedy: 'Install or update it on the machine that runs it, and look at its `PATH` and directory.'
  },
  cli_crashed: {
    title: 'The agent crashed',
    class: 'agent',
    retryable: true,
    means: 'The program ended with a fault of its own: an error that nobody caught, a broken memory access, an exit code against its own word.',
    remedy: 'Start the run again; if it comes again, update the program or report it with `stderrTail`.'
  },
  out_of_memory: {
    title: 'Out of memory',
    class: 'host',
    retryable: false,
    means: 'The program, or a command that it ran, needed more memory than it could have.',
    remedy: 'Give it more memory (for Node `--max-old-space-size`), or run fewer at once.'
  },
  killed: {
    title: 'The agent was killed',
    class: 'host',
    retryable: true,
    means: 'A signal from outside ended the program: an operator, a supervisor, a shutdown, or the system when memory was short.',
    remedy: 'Look who sent it (the log of the system names what it killed for memory), then start the run again.'
  },
  timeout: {
    title: 'Out of time',
    class: 'host',
    retryable: false,
    means: 'The run took longer than it was given, and was ended.',
    remedy: 'Look at the open call and where the time went; give it more time, or a smaller task.'
  },
  silence: {
    title: 'The agent fell silent',
    class: 'agent',
    retryable: true,
    means: 'The program printed nothing for longer than it was given, and was ended.',
    remedy: 'Look at the open call; start the run again, or allow longer silence.'
  },
  finished_not_exited: {
    title: 'The work was done, but the program did not exit',
    class: 'agent',
    retryable: false,
    means: 'The agent said that it had finished; its process stayed until the time of the run was over.',
    remedy: 'Use the result; look for what kept the process alive, such as a background command.'
  },
  runner_lost: {
    title: 'The runner is gone',
    class: 'host',
    retryable: true,
    means: 'The process that ran the agent ended without saying how the run ended.',
    remedy: 'Look why it ended (restart, crash, memory), then start the run again.'
  },
  cancelled: {
    title: 'Cancelled',
    class: 'host',
    retryable: false,
    means: 'Somebody, or the program that runs the agent, ended the run on purpose.',
    remedy: 'Nothing, if that was meant.'
  },
  no_result: {
    title: 'It ended without a result',
    class: 'agent',
    retryable: true,
    means: 'The program ended, or the model answered nothing, without a word on why.',
    remedy: 'Look at the last activities and at `stderrTail`; start the run again.'
  },
  unknown: {
    title: 'It failed',
    class: 'unknown',
    retryable: false,
    means: 'Something that no rule knows; what the program said is shown.',
    remedy: 'Read its message, `stderrTail` and the last activities.'
  }
}
