import { claudeFormat } from './claude-format.js'
import { createCodexFormat } from './codex.js'
import type { OutputFormat } from './format.js'
import { geminiFormat } from './gemini.js'

/** The formats that `run` recognises by itself. Where two are as sure, the first wins. */
export function knownFormats (): OutputFormat[] {
  return [claudeFormat, createCodexFormat(), geminiFormat]
}
