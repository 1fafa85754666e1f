export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** One metric of a text exposition. */
export interface Family {
  readonly help: string
  readonly type: string
  readonly samples: Sample[]
}

/**
 * Reads Prometheus' text format, strictly: HELP, then TYPE, then the samples of that metric and no other.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function parseExposition (text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, Family>()
  for (const block of text.trimEnd().split('\n\n')) {
    const [help = '', type = '', ...lines] = block.split('\n')
    const [, name = '', sentence = ''] = /^# HELP ([a-z_]+) (.+)$/.exec(help) ?? fail(help)
    const [, kind = ''] = new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`).exec(type) ?? fail(type)
    if (families.has(name)) fail(`${name} is there twice`)
    families.set(name, { help: sentence, type: kind, samples: lines.map((line) => parseSample(line, name, kind)) })
  }
  return families
}

function parseSample (line: string, family: string, type: string): Sample {
  const suffix = type === 'histogram' ? '_(?:bucket|sum|count)' : ''
  const [, name, list = '', value] = new RegExp(`^(${family}${suffix})(?:\\{(.*)\\})? (\\S+)$`).exec(line) ?? fail(line)
  const labels = [...list.matchAll(/(?:^|,)([a-z]+)="((?:[^"\\]|\\["\\n])*)"/g)].map(([, label, of]) => [label!, of!])
  if (Number.isNaN(Number(value))) fail(line)
  return { name: name!, labels: Object.fromEntries(labels), value: Number(value) }
}

function fail (text: string): never {
  throw new Error(`not in the format: ${text}`)
}
