import t from 'tap'
import { taskText } from '../../client/view/row-text.js'

t.test("a task's change is worded as everywhere, with what somebody said about it", (t) => {
  t.equal(taskText('failed', 'Task failed'), 'Task failed')
  t.equal(taskText('failed', ''), 'Task failed')
  t.equal(taskText('failed', 'gave up after 3 attempts'), 'Task failed: gave up after 3 attempts')
  t.equal(taskText('completed', 'all tests pass'), 'Task completed: all tests pass')
  t.equal(taskText('on_hold', 'waits for the release'), 'waits for the release')
  t.equal(taskText('on_hold', ''), 'Task on hold')
  t.end()
})
