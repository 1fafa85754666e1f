import type { ProcessSign } from './evidence.js'
import type { Expectation } from './expected.js'
import type { TreeSample } from './process-tree.js'
import type { RunningCall, RunWait } from './run-state.js'

/** What is known of a run's process at the moment of a verdict. */
export interface ProcessEvidence {
  readonly process: ProcessSign
  /** Milliseconds since its process last said that it lives. */
  readonly heartbeatAgeMs: number
  /** The processes below the agent, where somebody looks at them. */
  readonly tree?: TreeSample
}

/** What a run is at. */
export interface Situation {
  readonly expectation: Expectation
  readonly call: RunningCall | undefined
  readonly wait: RunWait | undefined
}
