// Counts what a host and its timeline have in their files, in a process of its own: `look.mjs <options as JSON>`.
import { createRequire } from 'node:module'

const { file, source, library } = JSON.parse(process.argv[2])
const require = createRequire(import.meta.url)

function open (path) {
  if (library === 'node:sqlite') return new (require('node:sqlite').DatabaseSync)(path)
  return new (require(library === 'none' ? 'better-sqlite3' : library))(path)
}

const host = open(file)
const timeline = source === 'own' ? open(`${file}-timeline`) : host

function count (db, query) {
  try {
    return db.prepare(`SELECT count(*) AS n FROM ${query}`).get().n
  } catch {
    return 0
  }
}

console.log(JSON.stringify({
  hostRows: count(host, 'notes'),
  activities: count(timeline, 'invocation_activity'),
  ends: count(timeline, "timeline_event WHERE type = 'invocation.completed'"),
  isWhole: Object.values(host.prepare('PRAGMA integrity_check').get())[0] === 'ok'
}))
