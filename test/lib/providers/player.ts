import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** Compiles examples/player.ts, so that a test needs no build; gives the path to run. */
export function compilePlayer (dir: string): string {
  const source = readFileSync(new URL('../../../examples/player.ts', import.meta.url), 'utf8')
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  })
  const path = join(dir, 'player.mjs')
  writeFileSync(path, outputText)
  return path
}
