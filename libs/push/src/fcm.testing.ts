/** Google as an account meets it: a token service that checks the service account's signature, and FCM v1, which takes only its tokens. */
import { exportPKCS8, generateKeyPair, jwtVerify, type CryptoKey } from 'jose';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type FcmMessage = { token: string; data: Record<string, string>; android: { priority: string; ttl: string } };
const EMAIL = 'push@parley.example';

export class PlayedFcm {
  readonly messages: FcmMessage[] = [];
  /** Tokens given out. */
  granted: string[] = [];
  /** Assertions that were refused. */
  refused = 0;
  /** Default: taken. */
  answer: (message: FcmMessage, response: ServerResponse) => void = (message, response) =>
    void response.end(JSON.stringify({ name: `projects/parley/messages/${message.token}` }));
  /** What a refused access token waits for. */
  late: (() => Promise<void>) | undefined;
  expiresInSeconds = 3599;
  private constructor(private readonly server: Server, private readonly publicKey: CryptoKey, readonly serviceAccount: string) {}

  static async start(): Promise<PlayedFcm> {
    const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
    const account = JSON.stringify({ type: 'service_account', project_id: 'parley', client_email: EMAIL, private_key: await exportPKCS8(privateKey), token_uri: 'http://nowhere.invalid' });
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString())).on('end', () => {
        if (request.url === '/token') return void played.grant(new URLSearchParams(body), response);
        if (request.url !== '/v1/projects/parley/messages:send') return void response.writeHead(404).end();
        if (!played.granted.includes(String(request.headers.authorization).replace(/^Bearer /, ''))) {
          const refused = () => void response.writeHead(401).end(JSON.stringify({ error: { status: 'UNAUTHENTICATED' } }));
          return void (played.late ? played.late().then(refused) : refused());
        }
        const { message } = JSON.parse(body) as { message: FcmMessage };
        played.messages.push(message);
        played.answer(message, response);
      });
    });
    const played = new PlayedFcm(server, publicKey, account);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return played;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get tokenUrl(): string {
    return `${this.url}/token`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async grant(form: URLSearchParams, response: ServerResponse): Promise<void> {
    try {
      if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') throw new Error('no such grant');
      const { payload } = await jwtVerify(form.get('assertion')!, this.publicKey, { algorithms: ['RS256'], issuer: EMAIL, audience: this.tokenUrl, maxTokenAge: 3600 });
      if (payload['scope'] !== 'https://www.googleapis.com/auth/firebase.messaging') throw new Error('no such scope');
      const token = `ya29.${this.granted.length}`;
      this.granted.push(token);
      response.end(JSON.stringify({ access_token: token, expires_in: this.expiresInSeconds, token_type: 'Bearer' }));
    } catch {
      this.refused++;
      response.writeHead(400).end(JSON.stringify({ error: 'invalid_grant' }));
    }
  }
}

/** As FCM refuses: its documented error body. */
export function refuse(response: ServerResponse, status: number, errorCode: string, { field, retryAfter }: { field?: string; retryAfter?: string } = {}): void {
  const details = [
    { '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode },
    ...(field ? [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field, description: 'Invalid' }] }] : []),
  ];
  response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end(JSON.stringify({ error: { code: status, status: 'STATUS', details } }));
}
