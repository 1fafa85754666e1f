/**
 * The offer that an `Accept` header likes best; the first one where it names none or has no opinion.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-accept
 */
export function negotiate<Offer extends string> (
  accept: string | undefined, offers: readonly [Offer, ...Offer[]]
): Offer {
  let best: { readonly offer: Offer, readonly quality: number } = { offer: offers[0], quality: 0 }
  for (const range of (accept ?? '').toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    const quality = weight === undefined ? 1 : Number(weight.slice(2))
    const offer = offers.find((candidate) => matches(type, candidate))
    if (offer !== undefined && quality > best.quality) best = { offer, quality }
  }
  return best.offer
}

function matches (range: string, type: string): boolean {
  return range === '*/*' || range === type || (range.endsWith('/*') && type.startsWith(range.slice(0, -1)))
}
