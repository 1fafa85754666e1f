import type { ToolKind } from './activity.js'

const KINDS: ReadonlyArray<readonly [ToolKind, readonly string[]]> = [
  ['read', ['read', 'readfile', 'readmanyfiles', 'readimage', 'view', 'viewimage', 'notebookread', 'cat', 'lsp', 'readlints']],
  ['edit', [
    'edit', 'multiedit', 'write', 'writefile', 'notebookedit', 'replace', 'applypatch', 'patch', 'strreplace', 'strreplaceeditor',
    'create', 'createfile', 'editfile', 'delete', 'deletefile', 'move', 'filechange', 'insert', 'texteditor'
  ]],
  ['search', [
    'grep', 'glob', 'ls', 'list', 'listdirectory', 'listdir', 'listfiles', 'search', 'searchfilecontent', 'searchfiles', 'find',
    'codesearch', 'toolsearch', 'grepsearch', 'codebasesearch', 'ripgrep'
  ]],
  ['shell', [
    'bash', 'sh', 'shell', 'execute', 'exec', 'execcommand', 'runshellcommand', 'runterminalcmd', 'terminal', 'command',
    'commandexecution', 'powershell', 'bashoutput', 'killshell', 'killbash', 'localshell', 'executecommand', 'monitor'
  ]],
  ['web', ['webfetch', 'websearch', 'googlewebsearch', 'fetch', 'browser', 'webfetchtool', 'fetchurl']],
  ['agent', [
    'task', 'agent', 'subagent', 'spawnagent', 'waitagent', 'waitforagent', 'delegate', 'delegatetask', 'codebaseinvestigator',
    'sendmessage', 'taskoutput', 'agentoutput', 'sendinput', 'closeagent'
  ]],
  ['person', ['askuserquestion', 'askuser', 'ask', 'question', 'requestuserinput', 'askfollowupquestion', 'exitplanmode']],
  ['plan', [
    'todowrite', 'todoread', 'writetodos', 'updateplan', 'plan', 'enterplanmode', 'taskcreate', 'taskupdate', 'tasklist',
    'taskget', 'updatetopic', 'todo'
  ]]
]
const BY_NAME = new Map(KINDS.flatMap(([kind, names]) => names.map((name) => [name, kind] as const)))

/**
 * What a tool does, by the names that coding agents give theirs: `Read`, `read_file` and `readFile` are one. A tool of
 * an MCP server (`mcp__db__query`, `db.query`) is of the kind `mcp`. A command decides: `shell`, `build`, `test`.
 */
export function toolKindOf (tool: string, command?: string): ToolKind {
  if (/^mcp[_:.]/.test(tool) || /^[\w-]+\.[\w-]+$/.test(tool)) return 'mcp'
  const kind = BY_NAME.get(tool.toLowerCase().replace(/[^a-z]/g, '')) ?? (command === undefined ? 'other' : 'shell')
  return kind === 'shell' && command !== undefined ? shellKind(command) : kind
}

/** The programs at the beginning of a command, or behind a separator, after variables and wrappers. */
const BEGINNING = String.raw`(?:^|[;&|(]|\b(?:sudo|time|env|npx|pnpx|bunx|exec|xargs|timeout \S+|poetry run|uv run|bundle exec)\s)\s*(?:\w+=\S*\s+)*`
const RUNNERS = String.raw`(?:npm|pnpm|yarn|bun)(?:\s+-\S+)*\s+(?:run(?:-script)?\s+)?`
const TEST = new RegExp(`${BEGINNING}(?:${RUNNERS}(?:t|tst|test)(?:[:.-]\\S*)?(?!\\S)|(?:cargo|go|deno|dotnet|swift|mix|bazel|zig|flutter|make|gradle|\\./gradlew|mvn|\\./mvnw|sbt|rake|rails|php artisan|composer|python3? manage\\.py)\\s(?:[^;&|]*\\s)?(?:[\\w:]*test|check|verify)\\w*(?!\\S)|(?:pytest|py\\.test|jest|vitest|mocha|ava|tap|tox|nox|rspec|phpunit|ctest|playwright test|cypress run|nextest)\\b|(?:python3?|node)\\s+(?:-m\\s+(?:pytest|unittest)|--test)\\b)`)
const BUILD = new RegExp(`${BEGINNING}(?:${RUNNERS}(?:build|compile|lint|typecheck|types|install|ci|i|add)(?:[:.-]\\S*)?(?!\\S)|(?:make|cmake|ninja|tsc|webpack|vite build|esbuild|rollup|eslint|gradle|\\./gradlew|mvn|\\./mvnw|bazel|xcodebuild|docker (?:compose )?build|podman build|gcc|g\\+\\+|clang|rustc|javac)\\b|(?:cargo|go|deno|dotnet|swift|zig|mix|sbt|flutter)\\s+(?:build|compile|check|clippy|vet|install|restore|publish)\\b|(?:pip3?|poetry|uv|bundle|composer|apt|apt-get|brew)\\s+(?:-\\S+\\s+)*(?:install|sync|add)\\b)`)

/** What a shell command does: `test`, `build` (compiling, checking, installing), or anything else. */
export function shellKind (command: string): 'shell' | 'build' | 'test' {
  const line = command.slice(0, 2_000)
  return TEST.test(line) ? 'test' : BUILD.test(line) ? 'build' : 'shell'
}
