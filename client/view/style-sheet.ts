import { declareColours } from './styles/colours.js'
import frame from './styles/frame.css'
import list from './styles/list.css'
import live from './styles/live.css'
import strip from './styles/strip.css'
import tokens from './styles/tokens.css'

/** One sheet for a document's elements. Adopted, since `<style>` is what strict policies forbid. */
export function createStyleSheet (): CSSStyleSheet {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(`.frame{${declareColours()}}${tokens}${frame}${strip}${list}${live}`)
  return sheet
}
