import { debuglog, type DebugLogger } from 'node:util'

const room = (name: string): DebugLogger => debuglog(`agent-timeline:${name}`)

/**
 * What the rooms say of their work on stderr, with `NODE_DEBUG=agent-timeline:store` or `agent-timeline:*`: ids,
 * numbers, codes and names of formats. Never a prompt, a text or a secret. While it is off a call does nothing.
 *
 * @see https://nodejs.org/api/util.html#utildebuglogsection-callback
 */
export const debug = {
  recorder: room('recorder'),
  store: room('store'),
  live: room('live'),
  liveness: room('liveness'),
  providers: room('providers')
}
