const WRAPPER = /^(?:\/\S*\/)?(?:ba|z|da|k)?sh\s+-l?c\s+(?=\S)/

/**
 * The command itself, without `/bin/bash -lc '…'` around it. Quoting is undone only where what follows is exactly one
 * word of POSIX shell; otherwise only the prefix goes.
 */
export function unwrapShell (command: string): string {
  const prefix = WRAPPER.exec(command)
  if (prefix === null) return command
  const rest = command.slice(prefix[0].length)
  return unquoteWord(rest) ?? rest
}

/** The value of one quoted word; undefined where the text is anything else. */
function unquoteWord (text: string): string | undefined {
  const PARTS = /'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^\s'"\\]+)/y
  let word = ''
  while (PARTS.lastIndex < text.length) {
    const part = PARTS.exec(text)
    if (part === null) return undefined
    const [, single, double, escaped, plain] = part
    word += single ?? double?.replace(/\\([$`"\\])/g, '$1').replace(/\\\n/g, '') ?? escaped ?? plain ?? ''
  }
  return word
}
