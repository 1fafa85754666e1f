import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { anthropic } from './anthropic.mjs'
import { google } from './google.mjs'
import { openai } from './openai.mjs'

/**
 * The CLIs, as their recordings were made. `configure(home, url)` writes what a CLI reads from its home directory and
 * gives its environment: the stand-in's address instead of its maker's, no telemetry, no updates.
 */
export const CLIS = {
  claude: {
    package: '@anthropic-ai/claude-code',
    version: '2.1.330',
    // Node is needed to install it, not to run it.
    isNative: true,
    api: anthropic,
    configure: (home, url) => ({
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: 'sk-ant-dummy',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_ERROR_REPORTING: '1'
    })
  },
  codex: {
    package: '@openai/codex',
    version: '0.169.0',
    api: openai,
    configure (home, url) {
      write(join(home, '.codex/config.toml'), `model_provider = "standin"
check_for_update_on_startup = false
[model_providers.standin]
name = "standin"
base_url = "${url}/v1"
env_key = "STANDIN_KEY"
wire_api = "responses"
[analytics]
enabled = false
[otel]
exporter = "none"
`)
      return { STANDIN_KEY: 'dummy' }
    }
  },
  gemini: {
    package: '@google/gemini-cli',
    version: '0.61.0',
    api: google,
    configure (home, url) {
      write(join(home, '.gemini/settings.json'), JSON.stringify({
        general: { enableAutoUpdate: false, disableAutoUpdate: true, disableUpdateNag: true },
        privacy: { usageStatisticsEnabled: false },
        telemetry: { enabled: false },
        security: { auth: { selectedType: 'gemini-api-key' } }
      }))
      return { GEMINI_API_KEY: 'dummy', GOOGLE_GEMINI_BASE_URL: url, GEMINI_TELEMETRY_ENABLED: 'false', NO_BROWSER: '1' }
    }
  }
}

/** The project of the recordings. */
export function writeProject (project) {
  write(join(project, 'src/app.ts'), "// TODO: greet politely\nexport function greet(): string {\n  return 'hello';\n}\n")
  write(join(project, 'src/util.ts'), 'export const add = (a: number, b: number) => a + b; // TODO: test\n')
  write(join(project, 'package.json'), '{"name":"proj","version":"1.0.0"}\n')
}

function write (path, text) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
