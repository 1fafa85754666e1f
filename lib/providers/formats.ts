import { claudeFormat } from './claude/format.js'
import { createCodexFormat } from './codex/codex.js'
import type { OutputFormat } from './format.js'
import { clineFormat } from './formats/cline.js'
import { copilotFormat } from './formats/copilot.js'
import { cursorFormat } from './formats/cursor.js'
import { droidFormat } from './formats/droid.js'
import { gooseFormat } from './formats/goose.js'
import { kimiFormat } from './formats/kimi.js'
import { opencodeFormat } from './formats/opencode.js'
import { qwenFormat } from './formats/qwen.js'
import { geminiFormat } from './gemini/gemini.js'

/** The formats that `run` recognises by itself. Where two are as sure, the first wins. */
export function knownFormats (): OutputFormat[] {
  return [
    claudeFormat, createCodexFormat(), geminiFormat, opencodeFormat, copilotFormat, qwenFormat, cursorFormat,
    droidFormat, gooseFormat, clineFormat, kimiFormat
  ]
}
