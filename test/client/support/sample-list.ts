import type { TaskRow, TaskState } from '../../../lib/model/answers.js'

const usual = [4, 9, 6, 3, 3, 4, 7, 2, 9, 6, 4, 3, 3, 5, 8, 2, 9, 6, 3, 3, 4, 7, 1, 9, 6, 4, 3, 3, 5, 8]
const quiet = (busyMinutes: number): number[] => usual.map((count, minute) => minute < busyMinutes ? count : 0)

type Line = readonly [
  state: TaskState, id: string, title: string, now: string | undefined, minutes: number, usd: number | undefined,
  more?: Partial<TaskRow>
]

const LINES: readonly Line[] = [
  ['needs_you', 'OPS-31', 'Delete the old tenants from staging', 'permission: psql -c "delete from tenants where closed_at < now()"', 10.2, 0.12, { recent: quiet(12) }],
  ['needs_you', 'TEAM-416', 'Upgrade pg to 16', 'permission: git push origin pg-16', 4, 0.38, { recent: quiet(20) }],
  ['stuck', 'SLOW-2', 'Find the deadlock in the importer', 'silent 41 min, 2 min usual · process alive', 41.9, 0.61, { recent: quiet(3) }],
  ['not_running', 'TEAM-458', 'Remove the legacy importer', undefined, 35.9, 0.2, { recent: quiet(5) }],
  ['quiet', 'TEAM-460', 'Describe the export format', 'silent 6 min, 2 min usual', 12, 0.07],
  ['working', 'SOC-121', 'Verify social login only accepts provider-verified emails, whatever the provider', '$ npm test -- --coverage', 9.6, 0.42],
  ['working', 'SOC-119', 'Store refresh tokens encrypted', '$ npm audit --production', 7.4, undefined, { runs: 3, who: [{ role: 'reviewer', provider: 'codex', model: 'gpt-5.2' }, { role: 'coder', provider: 'claude' }] }],
  ['working', 'TEAM-401', 'Fix the flaky upload test', 'edit web/upload/retry.ts', 2.2, 0.17],
  ['working', 'TEAM-404', 'בדיקת תרגום של דף הכניסה', 'thinking', 0.9, 0.21],
  ['failed', 'SOC-120', 'Reject sign-ups from disposable addresses', undefined, 5.3, 0.93, {
    runs: 5,
    outcomes: ['completed', 'completed', 'completed', 'completed', 'failed'],
    failure: { summary: 'expected 200 to be 403 · github.service.test.ts:112', code: 'tests_failed' } as unknown as NonNullable<TaskRow['failure']>
  }],
  ['done', 'LOOP-300', 'Make the flaky end-to-end suite green', undefined, 375, 4.37, { runs: 300, outcomes: ['completed', 'failed', 'completed', 'timeout', 'completed', 'completed', 'failed', 'completed'] }],
  ['done', 'SOC-118', 'Let users change their e-mail address', undefined, 7.7, 0.53, { runs: 4, outcomes: ['completed', 'failed', 'completed', 'completed'] }]
]

/** A row a task, in every state, worst first. */
export function sampleTasks (): TaskRow[] {
  return LINES.map(([state, id, title, now, minutes, costUsd, more = {}]) => ({
    id,
    title,
    state,
    ...(now === undefined ? {} : { now: { text: now, elapsedMs: 1_000 } }),
    who: [{ role: 'coder', provider: 'claude', model: 'sonnet-4-5' }],
    runs: 1,
    elapsedMs: Math.round(minutes * 60_000),
    usage: costUsd === undefined ? {} : { costUsd, inputTokens: 90_000, outputTokens: 8_000 },
    recent: usual,
    outcomes: ['completed'],
    ...more
  }) as unknown as TaskRow)
}
