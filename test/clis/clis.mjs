import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { anthropic } from './anthropic.mjs'
import { chat } from './chat.mjs'
import { google } from './google.mjs'
import { openai } from './openai.mjs'

/**
 * The CLIs, as their recordings were made. `configure(home, url)` writes what a CLI reads from its home directory and
 * gives its environment: the stand-in's address instead of its maker's, no telemetry, no updates.
 */
export const CLIS = {
  claude: {
    package: '@anthropic-ai/claude-code',
    version: '2.1.332',
    recorded: '2.1.330',
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
    version: '0.171.0',
    recorded: '0.169.0',
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

/** Model settings that several CLIs want as a whole. */
const MODEL = { name: 'Stand-in', tool_call: true, reasoning: true, cost: { input: 1, output: 2 }, limit: { context: 200_000, output: 32_000 } }

const OTHERS = {
  opencode: {
    package: 'opencode-ai',
    version: '1.18.33',
    isNative: true,
    api: chat,
    args: () => ['run', '--format', 'json', '--auto'],
    acp: ['acp'],
    configure (home, url) {
      const provider = { npm: '@ai-sdk/openai-compatible', options: { baseURL: `${url}/v1`, apiKey: 'dummy' }, models: { m: MODEL } }
      const model = 'standin/m'
      write(join(home, '.config/opencode/opencode.json'), JSON.stringify({
        autoupdate: false, share: 'disabled', model, small_model: model, provider: { standin: provider }
      }))
      const off = ['AUTOUPDATE', 'MODELS_FETCH', 'LSP_DOWNLOAD', 'DEFAULT_PLUGINS', 'SHARE']
      return Object.fromEntries(off.map((name) => [`OPENCODE_DISABLE_${name}`, '1']))
    }
  },
  copilot: {
    package: '@github/copilot',
    version: '1.0.102',
    isNative: true,
    api: chat,
    args: (prompt) => ['-p', prompt, '--allow-all-tools', '--allow-all-paths', '--output-format', 'json'],
    acp: ['--acp'],
    configure: (home, url) => ({
      COPILOT_OFFLINE: 'true',
      COPILOT_PROVIDER_BASE_URL: `${url}/v1`,
      COPILOT_PROVIDER_API_KEY: 'dummy',
      COPILOT_MODEL: 'claude-sonnet-4.5',
      COPILOT_AUTO_UPDATE: 'false'
    })
  },
  qwen: {
    package: '@qwen-code/qwen-code',
    version: '0.24.4',
    api: chat,
    args: () => ['--output-format', 'stream-json', '--yolo'],
    acp: ['--acp'],
    configure (home, url) {
      write(join(home, '.qwen/settings.json'), JSON.stringify({
        general: { enableAutoUpdate: false },
        privacy: { usageStatisticsEnabled: false },
        telemetry: { enabled: false },
        // What it asks beside the conversation it tells nobody.
        ui: { enableFollowupSuggestions: false },
        memory: { enableManagedAutoMemory: false },
        security: { auth: { selectedType: 'openai' } }
      }))
      return { OPENAI_API_KEY: 'dummy', OPENAI_BASE_URL: `${url}/v1`, OPENAI_MODEL: 'qwen3-coder', NO_BROWSER: '1' }
    }
  },
  kimi: {
    package: '@moonshot-ai/kimi-code',
    version: '2.1.0',
    api: chat,
    args: (prompt) => ['-p', prompt, '--output-format', 'stream-json'],
    acp: ['acp'],
    configure (home, url) {
      write(join(home, '.kimi-code/config.toml'), `default_model = "standin"
telemetry = false
[providers.standin]
type = "openai"
base_url = "${url}/v1"
api_key = "dummy"
[models.standin]
provider = "standin"
model = "m"
max_context_size = 200000
`)
      return {}
    }
  },
  cline: {
    package: 'cline',
    version: '3.0.65',
    isNative: true,
    api: chat,
    args: (prompt) => ['--json', '--auto-approve', 'true', prompt],
    configure (home, url) {
      const provider = 'openai-compatible'
      const settings = { provider, apiKey: 'dummy', model: 'm', baseUrl: `${url}/v1` }
      const entry = { settings, updatedAt: '2026-01-01T00:00:00.000Z', tokenSource: 'manual' }
      write(join(home, '.cline/data/settings/providers.json'), JSON.stringify({
        version: 1, lastUsedProvider: provider, modes: {}, providers: { [provider]: entry }
      }))
      return { CLINE_NO_AUTO_UPDATE: '1', DO_NOT_TRACK: '1' }
    }
  }
}
Object.assign(CLIS, OTHERS)
for (const [name, cli] of Object.entries(OTHERS)) {
  if (cli.acp !== undefined) CLIS[`${name}-acp`] = { ...cli, command: name }
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
