import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import t from 'tap'

const MAX_GZIP_BYTES = 48_000

t.test('a page pays no more for the element than it was promised', (t) => {
  const code = readFileSync(new URL('../../dist/client/client.js', import.meta.url))
  const bytes = gzipSync(code, { level: 9 }).length
  t.ok(bytes <= MAX_GZIP_BYTES, `${bytes} bytes of ${MAX_GZIP_BYTES}`)
  t.end()
})
