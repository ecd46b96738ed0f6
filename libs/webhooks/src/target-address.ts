/**
 * Where webhooks may not lead: into the network they are sent from. A URL that names such an address is refused when it is
 * configured; what a name resolves to is checked at each connect, as it may change after the configuration. Carriers' hosts and files go by the same rule.
 */
import { lookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Special-purpose blocks of the IANA registries: nothing a customer's server has a public address in. */
const blocks: readonly (readonly [address: string, prefix: number])[] = [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24],
  ['192.0.2.0', 24], ['192.88.99.0', 24], ['192.168.0.0', 16], ['198.18.0.0', 15], ['198.51.100.0', 24], ['203.0.113.0', 24],
  ['224.0.0.0', 4], ['240.0.0.0', 4],
  // Of IPv6, those that hold an IPv4 address (translation, 6to4, Teredo) too: the inner one could be private.
  ['::', 96], ['::ffff:0:0:0', 96], ['64:ff9b::', 96], ['64:ff9b:1::', 48], ['100::', 64], ['2001::', 23], ['2001:db8::', 32], ['2002::', 16], ['3fff::', 20],
  ['5f00::', 16], ['fc00::', 7], ['fe80::', 10], ['fec0::', 10], ['ff00::', 8],
];
const blocked = new BlockList();
for (const [address, prefix] of blocks) blocked.addSubnet(address, prefix, isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** IPv4 inside IPv6 (`::ffff:10.0.0.1`) counts as what it is. */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address);
  return family === 0 || blocked.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** The URL names a private address itself, or a name that never leaves the machine. */
export function isPrivateTarget(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '').toLowerCase();
  if (isIP(host)) return isPrivateAddress(host);
  return host === 'localhost' || host.endsWith('.localhost') || host.endsWith('.local') || host.endsWith('.internal') || !host.includes('.');
}

/** `code` of the error when a name leads into a private network, found at the connect: nothing was connected. */
export const PRIVATE_ADDRESS = 'EPRIVATE';
/** Whatever the client made of it. */
export const leadsInside = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === PRIVATE_ADDRESS;

/** What a name means is decided here, and connected to is what was checked: a name cannot change its mind in between. */
export const publicOnly = (resolve: typeof lookup): LookupFunction => (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error) return callback(error, '', 0);
    if (addresses.some(({ address }) => isPrivateAddress(address))) return callback(Object.assign(new Error('the name leads into a private network'), { code: PRIVATE_ADDRESS }), '', 0);
    if (options.all) return callback(null, addresses);
    callback(null, addresses[0]!.address, addresses[0]!.family);
  });
};
/** For every connection that must not lead inside, whoever wrote where it leads. */
export const publicLookup = publicOnly(lookup);

/** `WEBHOOK_PRIVATE_TARGETS=allow`, as `npm start` sets it; otherwise they are refused. */
export const privateTargetsAllowed = (env: NodeJS.ProcessEnv = process.env): boolean => env['WEBHOOK_PRIVATE_TARGETS'] === 'allow';
