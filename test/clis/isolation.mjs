import { execFileSync } from 'node:child_process'

const UNSHARE = ['--user', '--map-root-user', '--net', '--pid', '--fork', '--mount-proc', '--kill-child']
const ENTER = ['unshare', ...UNSHARE, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']

/**
 * Keeps programs on this machine: in a network with nothing but the loopback, where the system allows it, and with
 * process numbers of their own, so that nothing of them stays. Elsewhere a proxy that does not exist takes whatever is
 * not for this machine.
 *
 * @returns what to put before a command line, its environment, and in words what it is
 */
export function isolation () {
  try {
    execFileSync(ENTER[0], [...ENTER.slice(1), 'true'], { stdio: 'ignore' })
    return { prefix: ENTER, env: {}, words: 'a network of their own that has only the loopback' }
  } catch {
    const nowhere = 'http://127.0.0.1:9'
    const local = '127.0.0.1,localhost'
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()])
    const env = Object.fromEntries(names.map((name) => [name, nowhere]))
    return { prefix: [], env: { ...env, NO_PROXY: local, no_proxy: local }, words: 'an environment whose proxy leads nowhere' }
  }
}
