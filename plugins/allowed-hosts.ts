import { isIP, isIPv4, isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'
import type { FastifyRequest } from 'fastify'
import { timelineError } from '../lib/errors.js'

/**
 * Throws where a request names a host that it may not.
 *
 * @throws AGENT_TIMELINE_HOST_NOT_ALLOWED
 */
export type HostCheck = (request: FastifyRequest) => void

/**
 * Makes the check of the names under which this server may be asked.
 *
 * A page on somebody's site may let its own name resolve to 127.0.0.1: what it then reads from a server there is of the
 * same origin to the browser, and only the name in `Host` tells it apart. An address and `localhost` cannot be made to
 * point elsewhere, so these are always allowed.
 *
 * @param allowedHosts as given; undefined looks at connections over loopback only, false at none
 * @throws AGENT_TIMELINE_INVALID_OPTION
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-7.4
 */
export function createHostCheck (allowedHosts: readonly string[] | false | undefined): HostCheck {
  if (allowedHosts === false) return () => {}
  const isAllowed = createMatcher(resolveNames(allowedHosts))
  return (request) => {
    if (allowedHosts === undefined && !isLoopback(request.socket.remoteAddress)) return
    const { hosts, others } = hostsOf(request)
    const all = [...hosts, ...others]
    // Of several Host headers nobody knows which one a proxy before us has gone by.
    if (all.length > 0 && hosts.length < 2 && all.every(isAllowed)) return
    const told = all.find((host) => !isAllowed(host)) ?? all.join(', ')
    throw timelineError('AGENT_TIMELINE_HOST_NOT_ALLOWED', [told === '' ? 'none' : told.slice(0, 256)])
  }
}

/**
 * All that a request says about whom it is for, as it came: `X-Forwarded-Host` is anybody's to send. Of HTTP/2 that is
 * `:authority`, beside which `host` may stand; a target in absolute form goes before both.
 */
function hostsOf ({ raw: { rawHeaders }, originalUrl }: FastifyRequest): { hosts: string[], others: string[] } {
  const valuesOf = (wanted: string): string[] =>
    rawHeaders.filter((_value, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === wanted)
  const target = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i.exec(originalUrl)?.[1]
  return { hosts: valuesOf('host'), others: [...valuesOf(':authority'), ...(target === undefined ? [] : [target])] }
}

function createMatcher (names: readonly string[]): (host: string) => boolean {
  const exact = new Set(names.map((name) => name.replace(/^\./, '')))
  const suffixes = names.filter((name) => /^[*.]/.test(name)).map((name) => name.replace('*', ''))
  return (host) => {
    const name = nameOf(host)
    return isIP(name) !== 0 || exact.has(name) || suffixes.some((suffix) => name.endsWith(suffix))
  }
}

/** The name or address before the port, in lower case, without the dot of the root and the brackets of IPv6. */
function nameOf (host: string): string {
  const [, address, name = ''] = /^(?:\[([\d.:a-f]+)\]|([\w.-]+))(?::\d*)?$/i.exec(host.trim()) ?? []
  if (address !== undefined) return isIPv6(address) ? address : ''
  return name.toLowerCase().replace(/\.$/, '')
}

const LOCAL = ['localhost', '*.localhost']
/** What a browser takes for a path, a port or an account is none; neither are names that end in a number. */
const NAME = /^(?:\*?\.)?[a-z\d_-]+(?:\.[a-z\d_-]+)*$/

function resolveNames (given: readonly string[] = []): string[] {
  if (!Array.isArray(given)) throw invalid('allowedHosts', 'is a list of names, or false')
  return [...LOCAL, ...given.map((name: unknown, index) => checkHostName(`allowedHosts[${index}]`, name))]
}

/** A name as it is compared: in lower case, in ASCII. @throws AGENT_TIMELINE_INVALID_OPTION */
export function checkHostName (option: string, given: unknown): string {
  if (typeof given !== 'string') throw invalid(option, 'is a name, for example agents.example.com')
  const bare = given.replace(/^\[(.*)\]$/, '$1')
  if (isIP(bare) !== 0) return bare.toLowerCase()
  const [, wildcard, rest] = /^(\*\.|\.|)(.*)$/s.exec(given)!
  // Only of what has none of these: domainToASCII() reads a name up to a slash, and more besides.
  const name = wildcard + (/[\s/:@?#\\%]/.test(rest!) ? '' : domainToASCII(rest!).replace(/\.$/, ''))
  if (NAME.test(name) && !isIPv4(name)) return name
  throw invalid(option, 'is a name without scheme, port and path: agents.example.com, *.example.com for the names ' +
    'below it, .example.com for both')
}

/** Whether this end of a connection is the machine itself. */
export function isLoopback (address: string | undefined): boolean {
  return address !== undefined && /^(?:::ffff:)?127\.|^::1$/i.test(address)
}

function invalid (name: string, problem: string): Error {
  return timelineError('AGENT_TIMELINE_INVALID_OPTION', [name, problem])
}
