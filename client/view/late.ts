/** Parts of the page that a first look does without; one file, loaded when the first of them is opened. */
export { FindBar } from './find-bar.js'
export { Inspector } from './inspector.js'
export { notify } from './notify.js'
