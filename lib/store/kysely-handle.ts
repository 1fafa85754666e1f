/**
 * A `Kysely` of any version and module format: the class itself, with its private fields, is another type in CommonJS
 * than in an ES module.
 */
export interface KyselyHandle {
  readonly isTransaction: boolean
  getExecutor (): object
  withoutPlugins (): object
}
