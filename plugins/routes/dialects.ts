/** A JSON schema. */
export type Schema = { readonly [keyword: string]: unknown }

/** Schemas by the names under which a document has them. */
export type Schemas = { readonly [name: string]: Schema }

/** How a kind of document writes what the others write differently. */
export interface Dialect {
  /** Where schemas with names are. */
  ref (name: string): Schema
  nullable (type: string): Schema
  /**
   * One of several objects, told apart by their `type`.
   *
   * @param mapping the object's name by its `type`; where a type may be any of a kind, well-known ones stand for it
   * @param schemas those that are named
   */
  union (mapping: Readonly<Record<string, string>>, schemas: Schemas): Schema
  /** An answer. */
  answer (answer: Answer): Schema
}

/** What a route answers with a status. */
export interface Answer {
  readonly description: string
  readonly headers?: Schemas
  /** By media type. */
  readonly content: Schemas
}

const ANY_TEXT: Schema = { type: 'string' }

/** Swagger 2 has neither unions nor an answer of several types: what is said is true, and less. */
export const swagger2: Dialect = {
  ref: (name) => ({ $ref: `#/definitions/${name}` }),
  nullable: (type) => ({ type, 'x-nullable': true }),
  union: (mapping, schemas) => flatten(namesIn(mapping).map((name) => schemas[name] as Schema)),
  answer: ({ description, headers, content: { 'application/json': json } }) => ({
    'x-response-description': description, ...(headers === undefined ? {} : { headers }), ...(json ?? ANY_TEXT)
  })
}

export const openapi30: Dialect = {
  ref: (name) => ({ $ref: refTo(name) }),
  nullable: (type) => ({ type, nullable: true }),
  union: (mapping) => ({
    oneOf: namesIn(mapping).map((name) => ({ $ref: refTo(name) })),
    discriminator: {
      propertyName: 'type',
      mapping: Object.fromEntries(Object.entries(mapping).map(([type, name]) => [type, refTo(name)]))
    }
  }),
  answer: ({ description, headers, content }) => ({
    description,
    ...(headers === undefined ? {} : { headers }),
    content: Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }]))
  })
}

/** Its schemas are those of JSON Schema 2020-12. */
export const openapi31: Dialect = { ...openapi30, nullable: (type) => ({ type: [type, 'null'] }) }

function refTo (name: string): string {
  return `#/components/schemas/${name}`
}

function namesIn (mapping: Readonly<Record<string, string>>): string[] {
  return [...new Set(Object.values(mapping))]
}

/** One object with the fields of all: required is what all of them require. */
function flatten (members: readonly Schema[]): Schema {
  const properties: Record<string, Schema> = {}
  for (const member of members) {
    for (const [name, schema] of Object.entries(member.properties as Schemas)) {
      const known = properties[name]
      properties[name] = known === undefined || isSame(known, schema) ? schema : common(known, schema)
    }
  }
  const [first = [], ...others] = members.map(({ required }) => required as string[])
  return {
    type: 'object',
    required: first.filter((name) => others.every((required) => required.includes(name))),
    properties
  }
}

function common (one: Schema, other: Schema): Schema {
  return one.type === other.type && typeof one.type === 'string' ? { type: one.type } : {}
}

function isSame (one: Schema, other: Schema): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
