import type { FastifyRequest } from 'fastify'
import type { TimelineCore } from '../lib/open-core.js'
import { timelineError } from '../lib/errors.js'
import { placeOf, type DatabaseSource } from '../lib/store/engines.js'
import { toAbsolute, type ProjectResolver } from './plugin-options.js'
import { scopeOf, type TasksOf } from './tasks-of.js'

/**
 * `create`: whether a file that is missing is made; `project`: the name under which it was asked for first; `signal`:
 * nobody wants it any more.
 */
export type OpenDatabase = (
  database: DatabaseSource, create: boolean, project: string | undefined, signal: AbortSignal
) => Promise<TimelineCore>

/** The databases that requests may see, each opened once, at first use. */
export class Projects {
  readonly #resolve: ProjectResolver
  readonly #open: OpenDatabase
  readonly #tasksOf: TasksOf | undefined
  readonly #cores = new Map<unknown, Promise<TimelineCore>>()
  /** By handle, which tells its file only by a query. */
  readonly #keys = new WeakMap<object, Promise<unknown>>()
  readonly #closing = new AbortController()

  constructor (resolve: ProjectResolver, open: OpenDatabase, tasksOf?: TasksOf) {
    this.#resolve = resolve
    this.#open = open
    this.#tasksOf = tasksOf
  }

  /**
   * The database of a project. The resolver is asked each time: it also decides who may see what. A request never makes
   * a database: the host's own migrations might not expect one.
   *
   * For a request it shows what that may see of it.
   *
   * @throws AGENT_TIMELINE_UNKNOWN_PROJECT where there is none, or the request may not see it;
   * AGENT_TIMELINE_INVALID_TASKS_OF
   */
  async find (project: string | undefined, request?: FastifyRequest): Promise<TimelineCore> {
    const core = await this.#findWhole(project, request)
    const scope = request === undefined ? undefined : await scopeOf(this.#tasksOf, request)
    return scope === undefined ? core : core.within(scope)
  }

  async #findWhole (project: string | undefined, request: FastifyRequest | undefined): Promise<TimelineCore> {
    const source = await this.#resolve(project, request)
    if (source === undefined || source === null) throw timelineError('AGENT_TIMELINE_UNKNOWN_PROJECT')
    const key = await this.#keyOf(source)
    if (this.#closing.signal.aborted) throw timelineError('AGENT_TIMELINE_CLOSED')
    // Whom a request has found missing, the application may make, or wait for.
    if (request === undefined) await this.#cores.get(key)?.catch(() => {})
    let core = this.#cores.get(key)
    if (core === undefined) {
      core = this.#open(source, request === undefined, project, this.#closing.signal)
      this.#cores.set(key, core)
      // A database that was missing may be there next time.
      core.catch(() => this.#cores.delete(key))
    }
    return core
  }

  /** Writes what waits and closes everything that was opened. */
  async close (): Promise<void> {
    this.#closing.abort()
    const cores = await Promise.allSettled(this.#cores.values())
    await Promise.all(cores.map(async (core) => core.status === 'fulfilled' && core.value.close()))
  }

  /** One file under two spellings is one database. Of a handle on a file only the file counts. */
  async #keyOf (source: DatabaseSource): Promise<unknown> {
    if (typeof source === 'string') return await placeOf(toAbsolute(source)) ?? source
    if (typeof source !== 'object') return source
    let key = this.#keys.get(source)
    // One that cannot tell is left to openCore, which says why.
    key ??= placeOf(source).then((file) => file ?? source, () => source)
    this.#keys.set(source, key)
    return await key
  }
}
