/**
 * Opens a file at a carrier. The address came in a webhook, so it is not trusted further than a stranger's: no private network
 * (asked at each connect), few redirects, and credentials only for the carrier itself, never for whom it redirects to.
 */
import { isPrivateTarget, leadsInside, publicLookup } from '@parley/webhooks/target-address';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';

export type RemoteOptions = {
  /** Credentials for this address, if it is the carrier's own. */
  headersFor(url: string): Record<string, string>;
  privateAllowed: boolean;
  signal: AbortSignal;
};

/** It will not be otherwise at the next try. */
export class RemoteRefused extends Error {
  override name = 'RemoteRefused';
}

const REDIRECTS_MAX = 3;
const temporary = new Set([408, 409, 425, 429]);

/** The answer with its body unread. Throws RemoteRefused when asking again would change nothing, other errors when it might. */
export async function openRemote(address: string, options: RemoteOptions): Promise<IncomingMessage> {
  let url = address;
  for (let hop = 0; hop <= REDIRECTS_MAX; hop++) {
    if (!options.privateAllowed && isPrivateTarget(url)) throw new RemoteRefused('a private address');
    const answer = await requested(url, options);
    const { statusCode: status = 0, headers: { location } } = answer;
    if (status >= 200 && status < 300) return answer;
    answer.destroy();
    if (status >= 300 && status < 400 && location !== undefined && URL.canParse(location, url)) url = new URL(location, url).href;
    else if (status >= 400 && status < 500 && !temporary.has(status)) throw new RemoteRefused(`HTTP ${status}`);
    else throw new Error(`HTTP ${status}`);
  }
  throw new RemoteRefused('too many redirects');
}

function requested(url: string, { headersFor, privateAllowed, signal }: RemoteOptions): Promise<IncomingMessage> {
  const { protocol } = new URL(url);
  if (protocol !== 'https:' && (protocol !== 'http:' || !privateAllowed)) throw new RemoteRefused(protocol);
  return new Promise((resolve, reject) => {
    (protocol === 'https:' ? https : http)
      .get(url, { signal, headers: headersFor(url), ...(!privateAllowed && { lookup: publicLookup }) }, resolve)
      .on('error', (error) => reject(leadsInside(error) ? new RemoteRefused('a private address') : error))
      // Without an answer (101 is none), and then neither an error nor `signal` tells.
      .on('close', () => reject(new Error('no answer')));
  });
}
