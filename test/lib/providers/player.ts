import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import ts from 'typescript'

/** Compiles a program of one file, so that a test needs no build; gives the path to run. */
export function compileProgram (dir: string, source: string): string {
  const { outputText } = ts.transpileModule(readFileSync(new URL(source, import.meta.url), 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  })
  const path = join(dir, basename(source).replace(/\.ts$/, '.mjs'))
  writeFileSync(path, outputText)
  return path
}
