// Run by `npm version`: moves what is unreleased in CHANGELOG.md under the new version, with today's date.
import { readFileSync, writeFileSync } from 'node:fs'

const version = process.env.npm_package_version
const text = readFileSync('CHANGELOG.md', 'utf8')
const heading = '## [Unreleased]\n'
const start = text.indexOf(heading)
const [unreleased] = text.slice(start + heading.length).split(/^## /m)
if (version === undefined || start === -1 || unreleased.trim() === '') {
  throw new Error('CHANGELOG.md says nothing of what is unreleased: nothing can be released')
}
const date = new Date().toISOString().slice(0, 10)
writeFileSync('CHANGELOG.md', text.replace(heading, () => `${heading}\n## [${version}] - ${date}\n`))
