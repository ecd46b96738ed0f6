/** The websocket on a real log for specs: commands go straight to the streams, clients are real websockets. */
import type { ConversationCommand } from '@parley/domain/conversation/conversation';
import { defaultLimits } from '@parley/domain/conversation/conversation';
import { serverFrameFault } from '@parley/contracts/stream/server-frames';
import { newSid } from '@parley/domain/sid';
import type { Principal } from '@parley/event-store/access-token';
import { Accounts } from '@parley/event-store/accounts';
import { type TestDatabase, testDatabase } from '@parley/event-store/database.testing';
import { GroupCommit } from '@parley/event-store/group-commit';
import { LogReader } from '@parley/event-store/log-reader';
import { LogTail } from '@parley/event-store/log-tail';
import { Streams } from '@parley/event-store/streams';
import { Connection } from '@parley/messaging/connection';
import { testNatsUrl } from '@parley/messaging/nats-server.testing';
import { Presence } from '@parley/runtime/presence';
import { Redis } from 'ioredis';
import { SignJWT } from 'jose';
import { randomBytes } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { attachRealtime, type Realtime } from './attach-realtime.js';
import { ClientGateway } from './client-sdk/client-gateway.js';
import { realtimeLimits, type RealtimeLimits } from './limits.js';
import { RestUpstream } from './rest-upstream.js';
import { Signals } from './signals.js';

export type TestAccount = { sid: string; token: string; keySid: string; keySecret: string; service: string };
type Token = { identity?: unknown; service?: string; seconds?: number; claims?: Record<string, unknown>; header?: Record<string, unknown>; secret?: string };

const now = () => new Date().toISOString();
const hex = () => randomBytes(16).toString('hex');

export class RealtimeWorld {
  private readonly clients: Client[] = [];
  /** Stands where the REST API is: what it does with requests inside a websocket is proven in test-e2e/stream.e2e.ts. */
  api: RequestListener = (_, response) => response.end();
  /** What becomes of a member of the official client SDK's protocol who is no user. */
  makesUser: (member: Principal) => Promise<unknown> = () => Promise.resolve();
  private constructor(
    readonly database: TestDatabase, readonly tail: LogTail, readonly streams: Streams, readonly accounts: Accounts,
    private readonly commit: GroupCommit, readonly server: Server, private realtime: Realtime,
    readonly parts: { rest: RestUpstream; redis: Redis; nats: Connection; signals: Signals; presence: Presence },
  ) {}

  static async open(limits: Partial<RealtimeLimits> = {}): Promise<RealtimeWorld> {
    const database = await testDatabase();
    const { pool, keys, box } = database;
    const tail = new LogTail(new LogReader(pool, keys));
    await tail.start();
    const commit = new GroupCommit(pool, (events) => tail.feed(events));
    const accounts = new Accounts(pool, box);
    const server = createServer((request, response) => world.api(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const rest = new RestUpstream(() => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const redis = new Redis(process.env['TEST_REDIS_URL']!);
    const nats = await Connection.open({ url: testNatsUrl(), name: 'realtime-world' });
    const signals = new Signals(nats);
    const presence = new Presence(redis, (scope, identities) => signals.reachability(scope, identities));
    const publicUrl = 'http://parley.test';
    const client = new ClientGateway({ tail, pool, accounts, limits: { ...realtimeLimits(), ...limits }, rest, redis, signals, presence, publicUrl, welcome: async (member, missing) => { if (missing) await world.makesUser(member); } });
    const realtime = attachRealtime(server, { tail, pool, accounts, limits, rest, redis, signals, presence, client });
    const world: RealtimeWorld = new RealtimeWorld(database, tail, new Streams(pool, commit, keys), accounts, commit, server, realtime, { rest, redis, nats, signals, presence });
    return world;
  }

  get url(): string { return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1/stream`; }

  async account(): Promise<TestAccount> {
    const account = { sid: newSid('AC'), token: hex(), keySid: newSid('SK'), keySecret: hex(), service: newSid('IS') };
    const { pool, box } = this.database;
    await pool.query('insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, $1, $2, $3)',
      [account.sid, box.seal(account.token), account.service]);
    await pool.query('insert into registry.api_key (sid, account, friendly_name, secret) values ($1, $2, $1, $3)',
      [account.keySid, account.sid, box.seal(account.keySecret)]);
    return account;
  }

  token(account: TestAccount, { identity = 'alice', service = account.service, seconds = 3600, claims, header, secret }: Token = {}): Promise<string> {
    const at = Math.floor(Date.now() / 1000);
    return new SignJWT({
      jti: `${account.keySid}-${at}`, iss: account.keySid, sub: account.sid, iat: at, exp: at + seconds,
      grants: { identity, chat: { service_sid: service } }, ...claims,
    }).setProtectedHeader({ alg: 'HS256', typ: 'JWT', cty: 'twilio-fpa;v=1', ...header }).sign(Buffer.from(secret ?? account.keySecret));
  }

  async conversation(account: TestAccount, identities: string[] = [], service = account.service): Promise<string> {
    const sid = newSid('CH');
    await this.do(account, sid, {
      type: 'CreateConversation',
      data: {
        conversationSid: sid, chatServiceSid: service as never, messagingServiceSid: null, friendlyName: null, uniqueName: null, attributes: '{}',
        state: 'active', timers: {}, email: {}, now: now(),
      },
    }, true);
    for (const identity of identities) await this.join(account, sid, identity);
    return sid;
  }

  async join(account: TestAccount, sid: string, identity: string): Promise<string> {
    const participantSid = newSid('MB');
    await this.do(account, sid, {
      type: 'AddParticipant', data: { participantSid, identity, binding: null, attributes: '{}', roleSid: null, limits: defaultLimits, now: now() },
    }, true);
    return participantSid;
  }

  leave(account: TestAccount, sid: string, participantSid: string): Promise<void> {
    return this.do(account, sid, { type: 'RemoveParticipant', data: { participantSid: participantSid as never, now: now() } });
  }

  say(account: TestAccount, sid: string, body: string, author = 'system'): Promise<void> {
    return this.do(account, sid, {
      type: 'AddMessage',
      data: { messageSid: newSid('IM'), author, body, attributes: '{}', media: null, contentSid: null, subject: null, source: null, now: now() },
    });
  }

  async do(account: TestAccount, sid: string, command: ConversationCommand, unique = false): Promise<void> {
    await this.streams.onConversation({ account: account.sid }, sid, () => command, { result: null, unique });
  }

  /** As a member by token, or (without) with the account's credentials. */
  async connect(account: TestAccount, identity?: string): Promise<Client> {
    const client = identity === undefined
      ? this.client('', basic(account.sid, account.token))
      : this.client(`?token=${await this.token(account, { identity })}`);
    await client.next('ready');
    return client;
  }

  client(query = '', headers: Record<string, string> = {}): Client {
    const client = new Client(new WebSocket(this.url + query, { headers }));
    this.clients.push(client);
    return client;
  }

  closeRealtime(): Promise<void> { return this.realtime.close(); }

  async close(): Promise<void> {
    await this.realtime.close();
    await this.parts.presence.stop();
    this.parts.signals.close();
    this.parts.rest.close();
    await this.parts.nats.close();
    this.parts.redis.disconnect();
    for (const client of this.clients) client.websocket.terminate();
    await new Promise((resolve) => this.server.close(resolve));
    await this.commit.stop();
    this.tail.stop();
    await this.database.drop();
    expect(this.clients.flatMap(({ faults }) => faults)).toEqual([]);
  }
}

export const basic = (user: string, password: string) =>
  ({ authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });

export type Frame = {
  type: string; conversation: string; position: number; event: string; code: number; message: string; id: unknown;
  positions: Record<string, number>; data: Record<string, unknown>; status: number; body: any; retry_after: number;
};

export class Client {
  readonly frames: Frame[] = [];
  /** What the AsyncAPI document does not describe. */
  readonly faults: string[] = [];
  closed: { code: number; reason: string } | undefined;
  /** The HTTP answer when the upgrade was refused. */
  refused: { status: number; body: string } | undefined;
  private changed: () => void = () => {};

  constructor(readonly websocket: WebSocket) {
    websocket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as Frame;
      const fault = serverFrameFault(frame);
      if (fault !== undefined) this.faults.push(fault);
      this.frames.push(frame);
      this.changed();
    });
    websocket.on('close', (code, reason) => { this.closed = { code, reason: String(reason) }; this.changed(); });
    websocket.on('error', () => this.changed());
    websocket.on('unexpected-response', (_, response) => {
      let body = '';
      response.on('data', (chunk) => (body += String(chunk))).on('end', () => { this.refused = { status: response.statusCode!, body }; this.changed(); });
    });
  }

  send(frame: unknown): void { this.websocket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)); }

  /** Resolves once the condition holds; throws with what came instead after 30 s. */
  async until(condition: () => boolean, ms = 30_000): Promise<void> {
    const end = Date.now() + ms;
    while (!condition()) {
      const left = end - Date.now();
      if (left <= 0) throw new Error(`still not so; ${JSON.stringify({ closed: this.closed, last: this.frames.slice(-4) })}: ${condition.toString()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 50));
        this.changed = () => { clearTimeout(timer); resolve(); };
      });
    }
  }

  /** The first frame of that type that comes, or came and was not asked for yet. */
  async next(type: string): Promise<Frame> {
    const from = this.seen;
    let at = -1;
    await this.until(() => (at = this.frames.findIndex((frame, i) => i >= from && frame.type === type)) >= 0);
    this.seen = at + 1;
    return this.frames[at]!;
  }
  private seen = 0;

  async subscribe(conversations: 'all' | string[] = 'all', from?: Record<string, number>): Promise<Frame> {
    this.send({ type: 'subscribe', conversations, from });
    return this.next('subscribed');
  }

  get events(): Frame[] { return this.frames.filter(({ type }) => type === 'event'); }
  /** Bodies of the messages it was told, in order. */
  bodies(conversation?: string): unknown[] {
    return this.events.filter((f) => f.event === 'onMessageAdded' && (!conversation || f.conversation === conversation)).map((f) => f.data.body);
  }
}
