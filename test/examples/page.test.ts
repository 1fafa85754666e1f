import t from 'tap'
import { launchBrowser } from '../support/browser.js'
import { startExample } from '../support/example.js'

t.test('the page shows the example while it runs, with one request for its rows and one stream', async (t) => {
  const browser = await launchBrowser()
  t.teardown(() => browser.close())
  const example = await startExample()
  t.teardown(() => example.stop())
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  const requests: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => { requests.push(new URL(request.url()).pathname) })
  page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()) })
  page.on('pageerror', (error) => { complaints.push(error.message) })
  await page.goto(example.page)

  await page.getByRole('article').first().waitFor()
  const seen = new Set<number>()
  const isOver = async () => await page.getByText('Task completed').count() > 0
  while (!await isOver()) seen.add(await page.getByRole('article').count())
  t.ok(seen.size > 3, `rows arrived one by one: ${[...seen].join(', ')}`)

  await page.getByRole('heading', { name: 'Verify social login only accepts provider-verified emails' }).first().waitFor()
  for (const text of ['Coder', 'Reviewer', 'approved', 'rg -n TODO src/', 'exit 1']) {
    t.ok(await page.getByText(text).count() > 0, `it says ${text}`)
  }
  const api = requests.filter((path) => path.startsWith('/api'))
  const task = `/api/tasks/${example.taskId}`
  const isRow = (path: string) => path.startsWith('/api/tasks/')
  t.strictSame(api.filter(isRow), [`${task}/timeline`, `${task}/stream`], 'rows are asked for once')
  const answers = api.filter((path) => !isRow(path))
  t.ok(answers.every((path) => path === '/api/invocations' || path.startsWith(`/api/timeline/tasks/${example.taskId}/`)),
    'and what is known besides as it changes')
  t.strictSame(complaints, [], 'nothing broke the content security policy or threw')

  await page.goto(`${example.origin}/timeline/`)
  const link = page.getByRole('link', { name: /Verify social login/ }).first()
  await link.waitFor()
  t.match(await link.getAttribute('href'), example.taskId, 'the list leads to the task')
})
