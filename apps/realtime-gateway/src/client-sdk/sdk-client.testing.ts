/** A client of the official SDK's protocol on `RealtimeWorld`, frame by frame, for what the SDK itself would not do or could not be made to. */
import { newSid } from '@parley/domain/sid';
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import type { RealtimeWorld, TestAccount } from '../realtime.testing.js';
import { decodeFrame, encodeFrame, type Header } from './frame-codec.js';
import { sidOf, syncObject, typeOf } from './sync-names.js';

/** `event_type`, `event`, `events`, `correlation_id`: of notifications. */
type Told = { header: Header & { status?: { code: number; errorCode?: number }; http_status?: { code: number } }; payload: any };

/** A service that tells who can be reached. */
export const insertService = (world: RealtimeWorld, { sid, service }: TestAccount) => world.database.pool.query(
  `insert into model.service (sid, account, friendly_name, default_chat_service_role_sid, default_conversation_role_sid, default_conversation_creator_role_sid, reachability_enabled, created_at, updated_at)
    values ($1, $2, 'x', 'RL1', 'RL1', 'RL1', true, now(), now())`, [service, sid]);

/** The user's SID. */
export async function insertUser(world: RealtimeWorld, { sid: account, service }: TestAccount, identity: string): Promise<string> {
  const sid = newSid('US');
  await world.database.pool.query(
    `insert into model.chat_user (sid, account, chat_service_sid, identity, attributes, role_sid, created_at, updated_at) values ($1, $2, $3, $4, '{}', 'RL1', now(), now())`,
    [sid, account, service, identity]);
  return sid;
}

export class SdkClient {
  readonly told: Told[] = [];
  closed: number | undefined;
  private correlation = Date.now();
  private changed: () => void = () => {};

  private constructor(readonly websocket: WebSocket) {
    websocket.on('message', (data: Buffer) => {
      const { header, payload } = decodeFrame(data);
      this.told.push({ header, payload: payload === '' ? undefined : JSON.parse(payload) });
      this.changed();
    });
    websocket.on('close', (code) => { this.closed = code; this.changed(); });
    websocket.on('error', () => {}); // followed by close
  }

  /** Resolves when `init` was answered with 200. The user must be there. */
  static async open(world: RealtimeWorld, account: TestAccount, identity: string, init: object = {}): Promise<SdkClient> {
    const client = new SdkClient(new WebSocket(world.url.replace('/v1/stream', '/v3/wsconnect')));
    await new Promise((resolve) => client.websocket.once('open', resolve));
    const { header: { status } } = await client.asks({ method: 'init', token: await world.token(account, { identity }), ...init });
    if (status!.code !== 200) throw new Error(`init was answered with ${JSON.stringify(status)}`);
    return client;
  }

  send(header: Omit<Header, 'id'> & { method: string; id?: string }, payload?: object): void {
    this.websocket.send(encodeFrame({ id: randomUUID(), ...header } as Header, payload && JSON.stringify(payload)), { binary: true }); // as bytes: the frame is text
  }

  /** Its reply. */
  async asks(header: Omit<Header, 'id'> & { method: string }, payload?: object): Promise<Told> {
    const id = randomUUID();
    this.send({ ...header, id }, payload);
    return this.next(({ header: { method, id: of } }) => method === 'reply' && of === id);
  }

  async request(method: string, path: string, payload?: object, params: object = {}): Promise<{ status: number; body: any }> {
    const { header, payload: body } = await this.asks({ method: 'message', active_grant: 'ip_messaging', http_request: { host: 'x', path, method, params, headers: {} } }, payload);
    return { status: header.http_status!.code, body };
  }

  /** Objects by SID or name, each after a position; resolves with what the request is known by once it was taken. */
  async subscribe(objects: Readonly<Record<string, number>>, action: 'establish' | 'cancel' = 'establish'): Promise<number> {
    const correlation = (this.correlation += 1);
    const requests = Object.entries(objects).map(([id, last_event_id]) => ({ object_sid: sidOfObject(id), object_type: typeOf(syncObject(id)!.kind), last_event_id }));
    await this.request('POST', '/v4/Subscriptions', { event_protocol_version: 4, action, correlation_id: correlation, requests });
    return correlation;
  }

  /** What is known of all objects of that request, in the order it came: replayed events, then that each is established. */
  async established(correlation: number, count: number): Promise<Told[]> {
    const mine = () => this.told.filter(({ payload }) => payload?.correlation_id === correlation);
    await this.until(() => mine().flatMap(({ payload }) => (payload.event_type.startsWith('subscription_') ? payload.events as unknown[] : [])).length >= count);
    return mine();
  }

  /** Events of an object, in the order they came. */
  events(id: string): { id: number; item_index?: number; item_key?: string; type: string; item_data: any }[] {
    const sid = sidOfObject(id);
    return this.told.flatMap(({ payload }) => (payload?.event && [payload.event.list_sid, payload.event.map_sid, payload.event.document_sid].includes(sid) ? [{ ...payload.event, type: payload.event_type }] : []));
  }

  /** The first that fits, and came or comes. */
  async next(fits: (told: Told) => boolean): Promise<Told> {
    await this.until(() => this.told.some(fits));
    return this.told.find(fits)!;
  }

  /** Resolves once the condition holds; throws with what came instead after 30 s. */
  async until(condition: () => boolean): Promise<void> {
    for (const end = Date.now() + 30_000; !condition();) {
      const left = end - Date.now();
      if (left <= 0) throw new Error(`still not so: ${condition.toString()}; closed ${this.closed}, last ${JSON.stringify(this.told.slice(-3))}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 50)); // several may wait at once
        this.changed = () => { clearTimeout(timer); resolve(); };
      });
    }
  }

  close(): void { this.websocket.terminate(); }
}

function sidOfObject(id: string): string {
  const object = syncObject(id)!;
  return 'conversation' in object ? sidOf(object.kind, object.conversation) : 'user' in object ? sidOf(object.kind, object.user) : id;
}
