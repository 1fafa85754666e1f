import { isIPv6 } from 'node:net'

/**
 * What counts as one client: an IPv4 address, or the /64 network of an IPv6 address, all of which one household has.
 *
 * Anything else, as a trusted proxy may report it, counts as it is.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6177
 */
export function groupOf (address: string): string {
  const plain = address.replace(/%.*$/, '')
  if (!isIPv6(plain)) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)
  if (mapped?.[1] !== undefined) return mapped[1]
  // The last 32 bits may be written like an IPv4 address; they are not part of the network.
  const words = plain.replace(/\d+\.\d+\.\d+\.\d+$/, '0:0').split('::')
  const head = words[0] === '' ? [] : (words[0] ?? '').split(':')
  const tail = words[1] === undefined || words[1] === '' ? [] : words[1].split(':')
  const zeros = words.length === 1 ? [] : Array.from({ length: 8 - head.length - tail.length }, () => '0')
  const network = [...head, ...zeros, ...tail].slice(0, 4).map((word) => Number.parseInt(word, 16).toString(16))
  return `${network.join(':')}::/64`
}
