/** Plays one attack on a websocket, and judges what comes back: known close codes, known frames, no internal errors, or an open line that answers. */
import { serverFrameFault } from '@parley/contracts/stream/server-frames';
import { createHmac } from 'node:crypto';
import { WebSocket } from 'ws';
import type { Credentials, Parley } from '../installation.js';
import { decodeWire, encodeWire, type WireFrame } from '../sdk-wire.js';
import type { Attack, Entrance } from './attacks.js';

/** docs/websocket.md and docs/client-sdk.md; 1000 is the SDK's own goodbye, 1007 text that is no UTF-8. */
const closeCodes = { ours: [1003, 1007, 1009, 4000, 4001, 4004, 4010, 4029], sdk: [1000, 1003, 1007, 1009, 4000, 4001, 4010, 4029] };
const ANSWER_MILLIS = 30_000;
type Claims = Record<string, unknown>;

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
function signed({ accountSid, apiKeySid, apiKeySecret, serviceSid }: Credentials, claims: Claims = {}): string {
  const iat = Math.floor(Date.now() / 1000);
  const text = `${part({ typ: 'JWT', alg: 'HS256', cty: 'twilio-fpa;v=1' })}.${part({
    jti: `${apiKeySid}-${iat}`, iss: apiKeySid, sub: accountSid, iat, exp: iat + 600, grants: { identity: 'mallory', chat: { service_sid: serviceSid } }, ...claims })}`;
  return `${text}.${createHmac('sha256', apiKeySecret).update(text).digest('base64url')}`;
}

export class Attacker {
  /** How often each protocol's connection ended how. */
  readonly ends = new Map<string, number>();

  constructor(private readonly parley: Parley, private readonly other: Credentials) {}

  token(entrance: Entrance): string | undefined {
    const { account } = this.parley;
    switch (entrance) {
      case 'silent': return undefined;
      case 'member': return signed(account);
      case 'expired': return signed(account, { iat: 1_700_000_000, exp: 1_700_000_600 });
      case 'tampered': return signed(account).replace(/\.([^.]+)\./, (_, claims: string) => `.${part({ ...JSON.parse(Buffer.from(claims, 'base64url').toString()) as object, grants: { identity: 'alice', chat: { service_sid: account.serviceSid } } })}.`);
      case 'foreign': return signed(this.other, { sub: account.accountSid });
      case 'rubbish': return 'eyJhbGciOiJub25lIn0.e30.';
    }
  }

  /** What was wrong; undefined: nothing. */
  async play(attack: Attack): Promise<string | undefined> {
    const { protocol, entrance, messages } = attack;
    const { wsUrl, clientWsUrl } = this.parley.installation.info;
    const socket = new WebSocket(protocol === 'ours' ? wsUrl : clientWsUrl);
    const faults: string[] = [];
    let pong = false;
    const over = new Promise<string>((resolve) => {
      const patience = setTimeout(() => resolve('neither answered nor closed'), ANSWER_MILLIS);
      const done = (how: string) => { clearTimeout(patience); resolve(how); };
      socket.on('error', () => {}); // followed by close
      socket.on('close', (code) => { this.count(`${protocol} ${code}`); done(closeCodes[protocol].includes(code) || (code === 1006 && messages.some((message) => message.length > 100_000)) ? '' : `closed with ${code}`); });
      socket.on('message', (data: Buffer) => {
        const seen = protocol === 'ours' ? seenOfOurs(data) : seenOfSdk(decodeWire(data));
        if (seen.fault) faults.push(seen.fault);
        pong ||= seen.last;
        if (pong) done('');
      });
    });
    const first = (event: string) => new Promise((resolve) => { socket.once(event, resolve); socket.once('close', resolve); });
    await first('open');
    const token = this.token(entrance);
    if (token !== undefined) socket.send(protocol === 'ours' ? JSON.stringify({ type: 'hello', token }) : encodeWire({ method: 'init', id: 'init', token }));
    if (token !== undefined && protocol === 'sdk') await first('message'); // ours may be spoken to at once
    for (const message of messages) socket.send(message);
    // Worked on after everything before; who is not let in is closed for it.
    socket.send(protocol === 'ours' ? '{"type":"unsubscribe","conversations":"all","id":"last"}' : encodeWire({ method: 'ping', id: 'last' }));
    const how = await over;
    if (pong) this.count(`${protocol} open`);
    socket.removeAllListeners('close').terminate();
    return [...faults, ...(how === '' ? [] : [how])].join('; ') || undefined;
  }

  private count(how: string): void { this.ends.set(how, (this.ends.get(how) ?? 0) + 1); }
}

function seenOfOurs(data: Buffer): { last: boolean; fault?: string | undefined } {
  const frame = JSON.parse(String(data)) as { type: string; id?: unknown; status?: number; code?: number };
  const internal = (frame.status ?? 0) >= 500 || frame.code === 20500 || frame.code === 20503;
  return { last: frame.type === 'unsubscribed' && frame.id === 'last', fault: internal ? `internal: ${JSON.stringify(frame)}` : serverFrameFault(frame) };
}

function seenOfSdk({ header, payload }: WireFrame): { last: boolean; fault?: string | undefined } {
  const status = Math.max(header['status']?.code ?? 0, header['http_status']?.code ?? 0) as number;
  return { last: header['method'] === 'reply' && header['id'] === 'last', ...(status >= 500 && { fault: `internal: ${JSON.stringify([header, payload])}` }) };
}
