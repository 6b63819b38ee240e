// Following redirects by hand, so that each stop can be refused.
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { MelodyError } from '../errors.ts';
import { checkAddress, checkRedirect, type Follow, shorten } from './http.ts';

const MAX_REDIRECTS = 5;

/** Ranges that are no public host (RFC 1918, 6890, 4193): a server outside must not send us to one. */
const PRIVATE = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  PRIVATE.addSubnet(net, bits, 'ipv4');
  PRIVATE.addSubnet(`::ffff:${net}`, 96 + bits, 'ipv6');
}
for (const [net, bits] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  PRIVATE.addSubnet(net, bits, 'ipv6');
}

/** Is this IP address, as text, one that is not on the public network? */
export function isPrivateIp(ip: string): boolean {
  const version = isIP(ip);
  return version !== 0 && PRIVATE.check(ip, version === 6 ? 'ipv6' : 'ipv4');
}

/** Throws `io` for an address on a host that is not allowed. */
export function checkHost({ host }: URL, allowed: readonly string[] | undefined): void {
  if (allowed && !allowed.includes(host))
    throw new MelodyError('io', `address of ${host} refused; got allowedHosts ${JSON.stringify(allowed)}`);
}

interface FollowOptions {
  /** Sent to the origin that is asked first, and to no other. */
  token?: string | undefined;
  /** Called with the head of every answer of the host that is asked first, redirects too. */
  onHop?: (headers: Headers) => void;
  /** Asks. Default: Node's own fetch. */
  fetch?: typeof fetch | undefined;
}

/** fetch that follows at most five redirects: on the same host, or to a public host in `redirectHosts`. */
export function followInNode(redirectHosts: readonly string[], { token, onHop, fetch: own = fetch }: FollowOptions = {}): Follow {
  return async (address, init) => {
    let url = address;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const headers = new Headers(init.headers);
      if (token !== undefined && url.origin === address.origin) headers.set('authorization', `Bearer ${token}`);
      const response = await ask(own, url, { ...init, headers, redirect: 'manual' });
      if (url.origin === address.origin) onHop?.(response.headers);
      if (![301, 302, 303, 307, 308].includes(response.status)) return response;
      await response.body?.cancel();
      const next = checkAddress(response.headers.get('location') ?? '', url);
      checkRedirect(address, next, redirectHosts);
      if (next.hostname !== address.hostname) await refusePrivate(address, next);
      url = next;
    }
    throw new MelodyError('io', `${shorten(address.href)}: got more than ${MAX_REDIRECTS} redirects`);
  };
}

/** fetch, once more where the connection closed without an answer: servers close idle ones, perhaps just as they are used again. */
async function ask(own: typeof fetch, url: URL, init: RequestInit): Promise<Response> {
  try {
    return await own(url, init);
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (init.signal?.aborted || !['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(code ?? '')) throw error;
    return own(url, init);
  }
}

async function refusePrivate(from: URL, to: URL): Promise<void> {
  const host = to.hostname.replace(/^\[|\]$/g, '');
  const ips = isIP(host) ? [host] : (await lookup(host, { all: true })).map(({ address }) => address);
  const inside = ips.find(isPrivateIp);
  if (inside) throw new MelodyError('io', `${from.host} redirects to ${to.host}, which is ${inside} on a private network; refused`);
}
