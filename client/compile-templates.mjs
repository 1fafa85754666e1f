import htm from 'htm'
import ts from 'typescript'
import { readFile } from 'node:fs/promises'

/**
 * An esbuild plugin that turns htm's templates into calls of `h` when the bundle is made: the page pays neither for the
 * parser nor for parsing. What the templates mean is still htm's to say: its own parser reads them here.
 */
export const compileTemplates = {
  name: 'compile-templates',
  setup ({ onLoad, onResolve }) {
    onResolve({ filter: /^htm\/preact$/ }, () => ({ path: 'htm/preact', namespace: 'templates' }))
    onLoad({ filter: /./, namespace: 'templates' }, () => ({
      contents: "export { h as html } from 'preact'", resolveDir: import.meta.dirname
    }))
    onLoad({ filter: /[\\/]client[\\/](view|pages)[\\/].*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8')
      return { contents: compile(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)), loader: 'ts' }
    })
  }
}

/** The source with its templates replaced, inner ones first. */
function compile (source) {
  const print = (node) => {
    if (ts.isTaggedTemplateExpression(node) && node.tag.getText() === 'html') return templateToCalls(node.template, print)
    const children = []
    ts.forEachChild(node, (child) => { children.push(child) })
    let text = ''
    let end = node.getFullStart()
    for (const child of children) {
      text += source.text.slice(end, child.getFullStart()) + print(child)
      end = child.getEnd()
    }
    return text + source.text.slice(end, node.getEnd())
  }
  return print(source)
}

function templateToCalls (template, print) {
  const spans = ts.isTemplateExpression(template) ? template.templateSpans : []
  const statics = [template.head ?? template, ...spans.map(({ literal }) => literal)].map(({ text }) => text)
  // Whoever joins a placeholder with text would lose it.
  const values = spans.map(({ expression }) => ({
    code: print(expression), toString () { throw new Error(`Part of an attribute: ${template.getText()}`) }
  }))
  const evaluate = htm.bind((type, props, ...children) => ({ type, props, children }))
  const roots = [evaluate(statics, ...values)].flat()
  const calls = roots.map(toCode)
  return ` ${calls.length === 1 ? calls[0] : `[${calls.join(', ')}]`}`
}

function toCode (value) {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if ('code' in value) return `(${value.code.trim()})`
  const { type, props, children } = value
  const members = Object.entries(props ?? {}).map(([name, member]) => `${JSON.stringify(name)}: ${toCode(member)}`)
  return `html(${[toCode(type), members.length > 0 ? `{${members.join(', ')}}` : 'null', ...children.map(toCode)].join(', ')})`
}
