const usage = (costUsd) => ({ inputTokens: 1_200, outputTokens: 300, costUsd })

/** An agent that says things. */
function speak (run, now) {
  let calls = 0
  const say = (type, message, metadata) => {
    run.activity({ type, message, timestamp: now(), ...(metadata && { metadata }) })
  }
  const open = (message, about = {}) => {
    const callId = `call_${++calls}`
    const metadata = { callId, tool: 'Bash', input: { command: message.replace(/^exec: /, '') }, ...about }
    say('tool_exec', message, { ...metadata, phase: 'start' })
    return (end = {}) => say('tool_exec', message, { ...metadata, phase: 'end', status: 'ok', ...end })
  }
  return {
    text: (message) => say('output', message),
    plan: (...entries) => say('progress', 'Plan', { kind: 'plan', entries: entries.map(([content, status]) => ({ content, status })) }),
    open,
    command: (command, end) => open(`exec: ${command}`)(end),
    edit: (path, added, removed) => open(`Edit: ${path}`, { tool: 'Edit', input: { file_path: path, old_string: path, new_string: `${calls}` } })({ files: [{ path, added, removed }] }),
    spent: (costUsd) => say('progress', '', { kind: 'usage', usage: usage(costUsd) }),
    waitFor: (waitKind, what) => say('progress', what, { kind: 'waiting', waitKind, what })
  }
}

const FAILING_TESTS = [
  '=================================== FAILURES ===================================',
  '__________________________________ test_total __________________________________',
  '    def test_total():',
  '>       assert total([1, 2]) == 4',
  'E       assert 3 == 4',
  'tests/test_cart.py:9: AssertionError',
  '1 failed, 12 passed in 0.21s'
].join('\n')

/** Each with what is right to say of it, as the summary says it. */
export const TASKS = {
  busy: {
    expected: {
      state: 'working',
      health: { state: 'in_tool', tool: { message: 'exec: npm test' } },
      plan: { done: 1, total: 3 },
      files: [{ path: 'src/login.ts', added: 4, removed: 1 }],
      usage: { costUsd: 0.4, isProvisional: true }
    },
    async record ({ start, at, now }) {
      await at(4)
      const agent = speak(await start({ title: 'Mend the login' }), now)
      agent.plan(['read', 'completed'], ['mend', 'in_progress'], ['test', 'pending'])
      agent.edit('src/login.ts', 4, 1)
      agent.spent(0.4)
      await at(1)
      agent.open('exec: npm test')
    }
  },
  hanging: {
    expected: { state: 'stuck', health: { state: 'stuck' }, plan: undefined, filesTotal: 0 },
    async record ({ start, at, now }) {
      await at(120)
      const agent = speak(await start({ title: 'Write the report' }), now)
      agent.command('ls')
      agent.text('I think about it.')
    }
  },
  tests: {
    expected: {
      state: 'failed',
      failure: { code: 'tests_failed', class: 'tool', firstError: { location: { file: 'tests/test_cart.py', line: 9 } } },
      files: [{ path: 'cart.py' }],
      usage: { costUsd: 1.1, isProvisional: false },
      calls: { failed: 2 }
    },
    async record ({ start, at, now }) {
      await at(30)
      const run = await start({ title: 'Add discounts' })
      const agent = speak(run, now)
      agent.command('pytest -q', { status: 'error', exitCode: 1, result: FAILING_TESTS })
      agent.edit('cart.py', 2, 2)
      agent.command('pytest -q', { status: 'error', exitCode: 1, result: FAILING_TESTS })
      agent.text('I cannot make it pass.')
      await run.complete({ success: false, response: '', error: 'It gave up', exitCode: 1, durationMs: 60_000, usage: usage(1.1) })
    }
  },
  limit: {
    expected: { state: 'failed', failure: { code: 'rate_limit', class: 'transient', retryable: true }, usage: { costUsd: 0.2 } },
    async record ({ start, at, now }) {
      await at(20)
      const run = await start({ title: 'Translate', provider: 'codex', model: 'gpt-5' })
      speak(run, now).text('I begin.')
      await run.complete({
        success: false, response: '', error: 'exceeded retry limit, last status: 429 Too Many Requests', reason: 'turn-failed', exitCode: 1, durationMs: 9_000, usage: usage(0.2)
      })
    }
  },
  memory: {
    expected: { state: 'failed', failure: { code: 'out_of_memory', class: 'host', signal: 'SIGABRT' } },
    async record ({ start, at, now }) {
      await at(15)
      const run = await start({ title: 'Index the archive' })
      speak(run, now).text('Reading.')
      await run.complete({
        success: false,
        response: '',
        error: 'Claude ended without a result (signal SIGABRT).',
        reason: 'no-result',
        signal: 'SIGABRT',
        stderrTail: 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n',
        durationMs: 9_000
      })
    }
  },
  lost: {
    isLost: true,
    expected: { state: 'failed', failure: { code: 'runner_lost', class: 'host', openTool: { message: 'exec: make all' } } },
    async record ({ start, now }) {
      speak(await start({ title: 'Build' }), now).open('exec: make all')
    }
  },
  late: {
    expected: { state: 'failed', failure: { code: 'timeout', class: 'host', openTool: { message: 'exec: cargo build' } }, runs: { timeout: 1 } },
    async record ({ start, at, now }) {
      await at(40)
      const run = await start({ title: 'Port to Rust' })
      const agent = speak(run, now)
      agent.open('exec: cargo build')
      await at(10)
      await run.timedOut({ success: false, response: '', error: 'The run took longer than 1800000 ms and was ended.', durationMs: 1_800_000 })
    }
  },
  asking: {
    expected: { state: 'needs_you', health: { state: 'waiting', waitingFor: { kind: 'person', what: 'Bash: rm -rf build' } } },
    async record ({ start, at, now }) {
      await at(12)
      speak(await start({ title: 'Clean up' }), now).waitFor('person', 'Bash: rm -rf build')
    }
  },
  loop: {
    expected: { state: 'stuck', health: { state: 'looping' } },
    async record ({ start, at, now }) {
      await at(10)
      const agent = speak(await start({ title: 'Fix the build' }), now)
      for (let time = 0; time < 12; time++) {
        await at(10 - time / 2)
        agent.command('npm run build', { status: 'error', exitCode: 2, result: "src/a.ts(3,1): error TS2304: Cannot find name 'x'." })
      }
    }
  },
  done: {
    expected: {
      state: 'done',
      failure: undefined,
      runs: { total: 4, completed: 4 },
      plan: { done: 2, total: 2 },
      files: [{ path: 'src/a.ts', edits: 2, added: 6, removed: 3 }, { path: 'src/b.ts', edits: 1 }],
      filesTotal: 2,
      usage: { costUsd: 3.25, isProvisional: false },
      budget: { limitUsd: 3, isExceeded: true }
    },
    async record ({ start, at, now }) {
      for (const [minutes, role, costUsd, outcome] of [[50, 'coder', 1.5], [40, 'reviewer', 0.25, 'rejected'], [30, 'coder', 1], [20, 'reviewer', 0.5, 'approved']]) {
        await at(minutes)
        const run = await start({ title: 'Ship the release', role, budgetUsd: { task: 3 } })
        const agent = speak(run, now)
        if (role === 'coder') {
          agent.plan(['write', 'completed'], ['test', minutes === 50 ? 'in_progress' : 'completed'])
          agent.command('npm test', minutes === 50 ? { status: 'error', exitCode: 1, result: 'not ok 1 - ships' } : { result: 'ok 1 - ships' })
          agent.edit('src/a.ts', 3, minutes === 50 ? 1 : 2)
          if (minutes === 30) agent.edit('src/b.ts', 1, 0)
        }
        await run.complete({ success: true, response: 'done', durationMs: 300_000, usage: usage(costUsd), ...(outcome && { outcome }) })
      }
    }
  }
}
