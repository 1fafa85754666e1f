import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { parsePs, readProcessTable } from '../../../lib/providers/process/process-table.js'
import { createProcessTree, signalProcesses, stillRunning } from '../../../lib/providers/process/process-tree.js'

t.test('the answer of ps is read, zombies and junk are left out', async (t) => {
  const output = [
    '    1     0     1 Ss   Mon Nov 23 08:00:00 2026',
    '  501     1   501 S+   Mon Nov 23 08:32:34 2026    ',
    '  502   501   501 Z    Mon Nov 23 08:32:35 2026',
    'nonsense', ''
  ].join('\n')
  t.strictSame(parsePs(output), [
    { pid: 1, ppid: 0, pgid: 1, session: 1, startTime: 'Mon Nov 23 08:00:00 2026', isMarked: false },
    { pid: 501, ppid: 1, pgid: 501, session: 501, startTime: 'Mon Nov 23 08:32:34 2026', isMarked: false }
  ])
})

t.test('this process is in the table, under its parent', async (t) => {
  const me = (await readProcessTable()).find(({ pid }) => pid === process.pid)
  t.match(me, { ppid: process.ppid, startTime: /./ })
})

t.test('a pid that belongs to another process by now is not signalled', async (t) => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { env: { ...process.env, NODE_OPTIONS: '' } })
  await once(child, 'spawn')
  const tree = createProcessTree({ pid: child.pid!, ownsGroup: false, pipes: [] })
  const [entry] = await tree.collect()
  t.equal(entry!.pid, child.pid)
  const former = { ...entry!, startTime: '1' }
  t.strictSame(await stillRunning([former]), [])
  signalProcesses([former], 'SIGKILL')
  t.strictSame(await stillRunning([entry!]), [entry])
  signalProcesses([entry!], 'SIGKILL')
  await once(child, 'exit')
  t.strictSame(await stillRunning([entry!]), [])
})
