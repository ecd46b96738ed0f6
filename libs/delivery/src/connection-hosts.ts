/**
 * Where a connection leads: the hosts its credentials and settings name. Accounts write them, so they get the rules of webhook
 * targets (libs/webhooks/src/target-address.ts): not into the network we call from, neither by address nor by a name that
 * resolves there.
 */
import { isPrivateAddress, isPrivateTarget } from '@parley/webhooks/target-address';
import { lookup } from 'node:dns/promises';

export type Named = { field: string; host: string };
export type Resolve = (host: string) => Promise<string[]>;

/** Values that are a URL, and fields called host. */
export function hostsNamed(given: object, prefix = ''): Named[] {
  return Object.entries(given).flatMap(([name, value]): Named[] => {
    const field = prefix + name;
    if (typeof value === 'object' && value !== null) return hostsNamed(value as object, `${field}.`);
    if (typeof value !== 'string') return [];
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) {
      const url = value.replace(/^[^:]+/, 'http');
      return [{ field, host: URL.canParse(url) ? new URL(url).hostname : '' }];
    }
    return /(^|[a-z])host$/i.test(name) ? [{ field, host: bracketed(value) }] : [];
  });
}
const bracketed = (host: string): string => (host.split(':').length > 2 && !host.startsWith('[') ? `[${host}]` : host);

/** By what it is called alone: no question is asked. */
export const isPrivateHost = (host: string): boolean => !URL.canParse(`http://${host}`) || isPrivateTarget(`http://${host}`);

/** The first that leads inside, asked now: a name may lead elsewhere tomorrow. A name that nobody knows leads nowhere. */
export async function leadingInside(given: object, resolve: Resolve = addressesOf): Promise<Named | undefined> {
  for (const named of hostsNamed(given)) {
    if (isPrivateHost(named.host)) return named;
    const host = named.host.replace(/^\[|\]$/g, '');
    if ((await resolve(host).catch(() => [])).some(isPrivateAddress)) return named;
  }
  return undefined;
}
const addressesOf: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);
