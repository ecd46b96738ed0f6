/** A TCP connection to a message centre, with TLS where wanted. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export type Place = {
  host: string; port: number; tls: boolean;
  /** PEM of the authority, where it is none that everybody knows. */
  tlsCa?: string | undefined;
  /** So long connecting may take, and later every answer. */
  responseMillis: number;
};

/** Rejects when it did not come about in time, or the certificate is not this host's. */
export function dial({ host, port, tls, tlsCa, responseMillis }: Place, ending: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // An address is no server name; the certificate is compared with it all the same.
    const servername = /[a-z]/i.test(host) && !host.includes(':') ? host : '';
    const socket = tls ? connectTls({ host, port, servername, ...(tlsCa && { ca: tlsCa }) }) : connectTcp({ host, port });
    const signal = AbortSignal.any([ending, AbortSignal.timeout(responseMillis)]);
    const fail = (error?: unknown) => {
      socket.destroy();
      reject(error instanceof Error ? error : new Error('not connected in time'));
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
