/** Of the exported page: light and dark as the reader's system is, wide and narrow, on paper. */
export const EXPORT_STYLES = `
:root { color-scheme: light dark; --text: #1c2024; --quiet: #60646c; --back: #fff; --line: #e0e1e6; --bad: #b3261e; --warn: #915930; --good: #2b7a4b; --block: #f5f5f7 }
@media (prefers-color-scheme: dark) { :root { --text: #edeef0; --quiet: #b0b4ba; --back: #111113; --line: #363a3f; --bad: #ff9592; --warn: #ffa057; --good: #71d083; --block: #1b1c1f } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1200px; padding: 24px 16px; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 22px; line-height: 1.3; margin: 0 }
h2 { font-size: 15px; margin: 0 }
#log { margin: 24px 0 8px }
p { margin: 0 }
.quiet, time, .who, li > a { color: var(--quiet) }
.state { margin: 12px 0 16px; padding: 10px 14px; border-left: 4px solid var(--line); background: var(--block) }
.state.failed, .state.stuck { border-color: var(--bad) }
.state.needs_you, .state.not_running, .state.quiet, .state.unknown { border-color: var(--warn) }
.state.done, .state.working { border-color: var(--good) }
section { display: grid; grid-template-columns: 90px 1fr; gap: 12px; padding: 8px 0; border-top: 1px solid var(--line) }
section ul { margin: 4px 0 0; padding: 0; list-style: none; font: 13px/1.6 ui-monospace, monospace }
.log { margin: 0; padding: 0; list-style: none }
.log li { display: grid; grid-template-columns: 56px 150px 110px 1fr; gap: 12px; padding: 5px 0; border-top: 1px solid var(--line) }
.log li > a { text-align: right; text-decoration: none }
.log li > a, time, .who { font-size: 13px }
.log li > div { min-width: 0 }
.log li.gap { grid-template-columns: 56px 1fr; font-style: italic }
.edge .text { font-weight: 600 }
.text { white-space: pre-wrap }
.bad .text, .bad .mark { color: var(--bad) }
pre { margin: 6px 0 2px; padding: 8px 10px; background: var(--block); font: 12.5px/1.5 ui-monospace, monospace; white-space: pre-wrap }
li:target { background: var(--block) }
@media (max-width: 700px) { section { grid-template-columns: 1fr; gap: 2px } .log li { grid-template-columns: 1fr; gap: 0 } .log li > a { text-align: left } }
@media print { body { max-width: none; padding: 0 } }
`
