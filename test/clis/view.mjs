import { RECORDED_PROJECT } from './scripts.mjs'

/**
 * What of a run does not depend on when, where and by which server it was run: tool calls, what else was told, answer,
 * verdict, exit, and which figures there are.
 */
export function viewOf ({ activities, result }, project) {
  const plain = (text) => text?.replaceAll(project, RECORDED_PROJECT)
    .replace(/http:\/\/127\.0\.0\.1:\d+/g, 'http://127.0.0.1')
    .replace(/,? ?request id: [\w-]+/g, '')
  const calls = activities.filter(({ type }) => type === 'tool_exec').map(({ message, metadata }) => ({ message, ...metadata }))
  const starts = calls.filter(({ phase }) => phase === 'start')
  const endOf = (start) => calls.find(({ phase, callId }) => phase === 'end' && callId === start.callId)
  const told = activities.filter(({ type }) => type === 'progress').map(({ metadata }) => metadata.kind)
  return {
    // Parallel calls begin in any order.
    calls: starts.map((start) => {
      const { status, exitCode } = endOf(start) ?? { status: 'never ended' }
      return `${start.tool} · ${plain(start.message)} · ${status}${exitCode === undefined ? '' : ` · exit ${exitCode}`}`
    }).sort(),
    // How often a running tool tells something depends on the machine.
    progress: [...new Set(told)].filter((kind) => kind !== 'tool').sort(),
    errors: [...new Set(activities.filter(({ type }) => type === 'error').map(({ message }) => plain(message)))],
    success: result.success,
    response: plain(result.response),
    error: plain(result.error),
    reason: result.reason,
    exitCode: result.exitCode,
    signal: result.signal,
    figures: Object.keys(result.usage ?? {}).sort(),
    hasSession: result.sessionId !== undefined
  }
}

/** In words, where two views differ. */
export function differences (recorded, seen) {
  return Object.keys(recorded).filter((name) => JSON.stringify(recorded[name]) !== JSON.stringify(seen[name]))
    .map((name) => `${name}\n      recorded: ${JSON.stringify(recorded[name])}\n      now:      ${JSON.stringify(seen[name])}`)
}
