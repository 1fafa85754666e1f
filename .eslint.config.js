import neostandard, { plugins } from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: ['dist/**', '.tap/**', 'test/fixtures/**'] }),
  { rules: { '@stylistic/max-len': ['error', { code: 120, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }] } },
  {
    // A promise that nobody awaits must say so: what it rejects with would end the host's process. Not in tests, whose
    // `t.test()` are promises that tap waits for. One program for all files, because each costs seconds.
    files: ['lib/**/*.ts', 'plugins/**/*.ts', 'client/**/*.ts', 'migrations/**/*.ts', 'examples/**/*.ts'],
    plugins: { '@typescript-eslint': plugins['typescript-eslint'].plugin },
    languageOptions: { parserOptions: { project: 'test/tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: { '@typescript-eslint/no-floating-promises': 'error', 'no-void': ['error', { allowAsStatement: true }] }
  }
]
