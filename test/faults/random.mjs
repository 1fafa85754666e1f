/**
 * Repeatable random numbers: the same names give the same row of them (mulberry32 over an FNV-1a hash).
 *
 * @param {...(string | number)} names what the numbers are for, the seed first
 */
export function createRandom (...names) {
  let state = hash(names.join('/'))
  function next () {
    state = (state + 0x6D2B79F5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const integer = (min, max) => min + Math.floor(next() * (max - min + 1))
  return {
    next,
    /** From `min` to `max`, both included. */
    integer,
    pick: (list) => list[integer(0, list.length - 1)],
    chance: (probability) => next() < probability,
    /** Waits between things that happen independently of each other. */
    exponential: (mean) => -Math.log(1 - next()) * mean
  }
}

function hash (text) {
  let value = 0x811C9DC5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value
}
