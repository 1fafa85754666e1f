import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import t from 'tap'

const MAX_GZIP_BYTES = 48_000
const FOLDER = new URL('../../dist/client/', import.meta.url)

/** A file and all that it imports at once; what it may load later is not among it. */
function closureOf (url: URL, found = new Map<string, string>()): Map<string, string> {
  if (found.has(url.href)) return found
  const code = readFileSync(url, 'utf8')
  found.set(url.href, code)
  for (const [, path] of code.matchAll(/(?:from|import)\s*"(\.[^"]+)"/g)) closureOf(new URL(path!, url), found)
  return found
}

t.test('a page pays no more for a first look than it was promised, and loads it in one go', (t) => {
  for (const [entry, page] of [['client.js', 'task'], ['pages/index.js', 'index']] as const) {
    const files = closureOf(new URL(entry, FOLDER))
    const bytes = [...files.values()].reduce((sum, code) => sum + gzipSync(code, { level: 9 }).length, 0)
    t.ok(bytes <= MAX_GZIP_BYTES, `${entry}: ${bytes} bytes of ${MAX_GZIP_BYTES}`)
    t.ok(bytes > 5_000, `${entry} was measured with its parts`)
    const html = readFileSync(new URL(`pages/${page}.html`, FOLDER), 'utf8')
    for (const href of files.keys()) t.ok(html.includes(href.slice(FOLDER.href.length)), `${page}.html names ${href}`)
  }
  t.end()
})
