/** A browser with its push service: checks who sends (VAPID) and decrypts what arrives with the browser's own keys. */
import { importJWK, jwtVerify } from 'jose';
import { createDecipheriv, createECDH, hkdfSync, randomBytes, type ECDH } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WebPushSubscription } from './web-push.js';

export type Shown = { path: string; headers: IncomingHttpHeaders; payload: any; subject: string };

export class PlayedBrowser {
  readonly shown: Shown[] = [];
  answer: (shown: Shown) => { status: number; headers?: Record<string, string> } = () => ({ status: 201 });
  private readonly ecdh: ECDH = createECDH('prime256v1');
  private readonly auth = randomBytes(16);
  private constructor(private readonly server: Server) {
    this.ecdh.generateKeys();
  }

  static async start(): Promise<PlayedBrowser> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
        played.received(request.url!, request.headers, Buffer.concat(parts)).then((shown) => {
          played.shown.push(shown);
          const { status, headers } = played.answer(shown);
          response.writeHead(status, headers).end();
        }, (error: Error) => response.writeHead(403).end(error.message));
      });
    });
    const played = new PlayedBrowser(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return played;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  subscription(path = '/send/1'): WebPushSubscription {
    return { endpoint: `${this.origin}${path}`, keys: { p256dh: this.ecdh.getPublicKey('base64url'), auth: this.auth.toString('base64url') } };
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async received(path: string, headers: IncomingHttpHeaders, body: Buffer): Promise<Shown> {
    const [, token, key] = /^vapid t=([^,]+), k=([\w-]+)$/.exec(headers.authorization ?? '') ?? [];
    const point = Buffer.from(key!, 'base64url');
    const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')];
    const publicKey = await importJWK({ kty: 'EC', crv: 'P-256', x, y }, 'ES256');
    const { payload } = await jwtVerify(token!, publicKey, { audience: this.origin });
    if (payload.exp! - Date.now() / 1000 > 86_400) throw new Error('lives too long');
    if (headers['content-encoding'] !== 'aes128gcm' || headers.ttl === undefined) throw new Error('headers');
    return { path, headers, payload: JSON.parse(this.decrypted(body)) as unknown, subject: payload.sub! };
  }

  /** RFC 8188 and 8291, from the browser's side. */
  private decrypted(body: Buffer): string {
    const salt = body.subarray(0, 16);
    const length = body[20]!;
    const sender = body.subarray(21, 21 + length);
    const record = body.subarray(21 + length);
    const derive = (secret: Buffer, by: Buffer, info: Buffer, bytes: number) => Buffer.from(hkdfSync('sha256', secret, by, info, bytes));
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), this.ecdh.getPublicKey(), sender]);
    const secret = derive(this.ecdh.computeSecret(sender), this.auth, info, 32);
    const decipher = createDecipheriv('aes-128-gcm', derive(secret, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16),
      derive(secret, salt, Buffer.from('Content-Encoding: nonce\0'), 12));
    decipher.setAuthTag(record.subarray(-16));
    const plain = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
    if (plain.at(-1) !== 2) throw new Error('no end of the record');
    return plain.subarray(0, -1).toString('utf8');
  }
}
