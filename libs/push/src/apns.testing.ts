/** APNs as a provider meets it: HTTP/2, each request's token checked against the team's key, its documented refusals. */
import { exportPKCS8, generateKeyPair, jwtVerify, type CryptoKey } from 'jose';
import http2, { type Http2Server, type Http2SecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';

export type ApnsRequest = { device: string; headers: Record<string, string>; payload: any };
export type ApnsReply = { status: number; reason?: string; headers?: Record<string, string>; timestamp?: number } | 'never';
export const KEY_ID = 'ABC1234567';
export const TEAM_ID = 'TEAM123456';

export class PlayedApns {
  readonly requests: ApnsRequest[] = [];
  readonly sessions = new Set<ServerHttp2Session>();
  connections = 0;
  answer: (request: ApnsRequest) => ApnsReply = () => ({ status: 200 });
  private constructor(private readonly server: Http2Server | Http2SecureServer, private readonly publicKey: CryptoKey, readonly privateKey: string, private readonly scheme: string) {}

  /** With `tls`: as Apple takes certificates, then nobody needs a token. */
  static async start(tls?: { cert: string; key: string; ca: string }): Promise<PlayedApns> {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const server = tls ? http2.createSecureServer({ ...tls, requestCert: true, rejectUnauthorized: false }) : http2.createServer();
    const played = new PlayedApns(server, publicKey, await exportPKCS8(privateKey), tls ? 'https' : 'http');
    (server as Http2Server).on('session', (session) => {
      played.connections++;
      played.sessions.add(session);
      session.on('close', () => played.sessions.delete(session)).on('error', () => {});
    });
    (server as Http2Server).on('stream', (stream, headers) => {
      let body = '';
      stream.setEncoding('utf8').on('error', () => {}).on('data', (part: string) => (body += part)).on('end', () => void played.received(stream, headers as Record<string, string>, body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return played;
  }

  get url(): string {
    return `${this.scheme}://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    for (const session of this.sessions) session.destroy();
    this.server.close();
  }

  private async received(stream: ServerHttp2Stream, headers: Record<string, string>, body: string): Promise<void> {
    const device = decodeURIComponent(/^\/3\/device\/(.+)$/.exec(headers[':path']!)?.[1] ?? '');
    const request = { device, headers, payload: JSON.parse(body) as unknown };
    const refusal = await this.refusal(stream, headers);
    if (!refusal) this.requests.push(request);
    const reply = refusal ? { status: 403, reason: refusal } : this.answer(request);
    if (reply === 'never' || stream.destroyed) return;
    const { status, reason, timestamp, headers: more = {} } = reply;
    stream.respond({ ':status': status, 'apns-id': headers['apns-id'], ...more });
    stream.end(reason && JSON.stringify({ reason, timestamp }));
  }

  private async refusal(stream: ServerHttp2Stream, headers: Record<string, string>): Promise<string | undefined> {
    if (this.scheme === 'https') return (stream.session!.socket as TLSSocket).getPeerCertificate().subject?.CN === 'com.example.chat' ? undefined : 'BadCertificate';
    const token = /^bearer (.+)$/.exec(headers['authorization'] ?? '')?.[1];
    if (token === undefined) return 'MissingProviderToken';
    try {
      const { protectedHeader } = await jwtVerify(token, this.publicKey, { algorithms: ['ES256'], issuer: TEAM_ID, maxTokenAge: 3600 });
      return protectedHeader.kid === KEY_ID ? undefined : 'InvalidProviderToken';
    } catch {
      return 'InvalidProviderToken';
    }
  }
}
