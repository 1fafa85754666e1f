import type { Browser } from 'playwright-core'
import t from 'tap'
import { launchBrowser } from '../support/browser.js'
import { show } from './support/stage.js'

t.setTimeout(300_000)

let browser: Browser
t.before(async () => { browser = await launchBrowser() })
t.teardown(() => browser?.close())

const LIGHT = 'rgb(255, 255, 255)'
const DARK = 'rgb(12, 13, 15)'

/** Pages by what they do to their elements, and the background that the timeline is to have. */
const PAGES: ReadonlyArray<readonly [css: string, system: 'light' | 'dark', background: string]> = [
  ['', 'light', LIGHT],
  ['* { all: unset } agent-timeline { display: block; height: 500px }', 'light', LIGHT],
  ['* { color: red; font-family: serif; font-size: 30px; text-align: right; letter-spacing: 9px }', 'light', LIGHT],
  ['* { --bg: red; --text: red; --tone: red; --gutter: 99px; --font: serif; line-height: 3; cursor: wait }', 'light', LIGHT],
  ['* { color: red !important; text-transform: uppercase !important }', 'light', LIGHT],
  [':root { color-scheme: dark }', 'light', DARK],
  [':root { color-scheme: light }', 'dark', LIGHT],
  ['', 'dark', LIGHT],
  [':root { color-scheme: light dark }', 'dark', DARK],
  ['agent-timeline { --agent-timeline-bg: rgb(1, 2, 3) }', 'light', 'rgb(1, 2, 3)'],
  ['agent-timeline::part(base) { background: rgb(4, 5, 6) }', 'light', 'rgb(4, 5, 6)']
]

t.test('of a page\'s styles its scheme, the documented properties and parts reach the timeline, and nothing else', async (t) => {
  let clean: unknown
  for (const [css, colorScheme, background] of PAGES) {
    const { page } = await show(browser, t, {
      end: 'completed',
      colorScheme,
      path: '/page.html',
      prepare: (_server, origin) => {
        origin.files.set('/page.css', `agent-timeline { height: 500px } ${css}`)
        origin.files.set('/page.html', `<!doctype html><html><head><link rel="stylesheet" href="/page.css"></head>
          <body><agent-timeline src="/api" task="9cefe1b1"></agent-timeline>
          <script type="module" src="/timeline/client.js"></script></body></html>`)
      }
    })
    await page.getByRole('article').first().waitFor()
    const seen = await page.evaluate(() => {
      const root = document.querySelector('agent-timeline')!.shadowRoot!
      const names = [
        'color', 'display', 'font-family', 'font-size', 'line-height', 'text-align', 'letter-spacing', 'text-transform',
        'padding-left', 'cursor', 'box-sizing', 'margin-top', 'white-space'
      ]
      const styles = ['.root', 'header', 'h2', '.state', '.button', 'dd', '.list', 'article .message', '.status-bar']
        .map((selector) => {
          const style = getComputedStyle(root.querySelector(selector)!)
          return [selector, ...names.map((name) => style.getPropertyValue(name))]
        })
      return { styles, background: getComputedStyle(root.querySelector('.root')!).backgroundColor }
    })
    t.equal(seen.background, background, css)
    clean ??= seen.styles
    if (background === LIGHT) t.strictSame(seen.styles, clean, css)
    // Eleven pages that live are slow together.
    await page.close()
  }
})
