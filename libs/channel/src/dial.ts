/** A TCP connection to a carrier that speaks no HTTP, with TLS where wanted. */
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export type Place = {
  host: string; port: number; tls: boolean;
  /** PEM of the authority, where it is none that everybody knows. */
  tlsCa?: string | undefined;
  /** So long connecting may take, and later every answer. */
  responseMillis: number;
  /** As CarrierConnection has it. */
  lookup?: LookupFunction | undefined;
};

/** Rejects when it did not come about in time (`timeoutType` CONNECT_TIMEOUT, as nodemailer names it: not a byte of ours left), or the certificate is not this host's. */
export function dial({ host, port, tls, tlsCa, responseMillis, lookup }: Place, ending: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // An address is no server name; the certificate is compared with it all the same.
    const servername = /[a-z]/i.test(host) && !host.includes(':') ? host : '';
    const socket = tls ? connectTls({ host, port, servername, ...(tlsCa && { ca: tlsCa }), ...(lookup && { lookup }) }) : connectTcp({ host, port, ...(lookup && { lookup }) });
    const signal = AbortSignal.any([ending, AbortSignal.timeout(responseMillis)]);
    const fail = (error?: unknown) => {
      socket.destroy();
      // Where a name has several addresses, Node itself gives up on each.
      if (error instanceof Error && (error as NodeJS.ErrnoException).code !== 'ETIMEDOUT') return reject(error);
      reject(Object.assign(new Error('not connected in time', { cause: error }), { code: 'ETIMEDOUT', timeoutType: 'CONNECT_TIMEOUT' }));
    };
    socket.once('error', fail);
    signal.addEventListener('abort', fail, { once: true });
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      socket.off('error', fail);
      signal.removeEventListener('abort', fail);
      resolve(socket);
    });
  });
}

/** For clients that look names up themselves: an address that may be connected to, and the name its certificate has to have. */
export async function addressBy(lookup: LookupFunction, host: string): Promise<{ host: string; servername?: string }> {
  const address = await new Promise<string>((resolve, reject) => {
    lookup(host, {}, (error, found) => (error ? reject(error) : resolve(found as string)));
  });
  return { host: address, ...(isIP(host) === 0 && { servername: host }) };
}
