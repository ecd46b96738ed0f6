/**
 * A chat member who uses the official client SDK, as the server sees it: the frames, requests and subscriptions of its start
 * and of one joined conversation, and an acknowledgement of everything it is sent. What the SDK does for people is left out.
 */
import { accessToken } from './access-token.ts';
import { ByteMark } from './byte-mark.ts';
import type { Member } from './member-socket.ts';
import type { Access } from './rest-client.ts';
import { SdkFrames, type SdkHeader } from './sdk-frames.ts';
import { WebsocketConnection, type OnMessage } from './websocket-connection.ts';

const MESSAGE_ADDED = new ByteMark('"event_type":"list_item_added"');
const MESSAGE_TYPES = ['twilio.ipmsg.typing_indicator', 'twilio.sync.event', 'com.twilio.rtd.cds.document', 'com.twilio.rtd.cds.list', 'com.twilio.rtd.cds.map'];
type Answer = { header: SdkHeader; body: any };
type SyncObject = { sid: string; type: string; last_event_id: number };

export class SdkMemberSocket {
  private readonly access: Access;
  private readonly member: Member;
  private readonly onMessage: OnMessage;
  private readonly connection: WebsocketConnection;
  private readonly asked = new Map<string, { resolve(answer: Answer): void; reject(error: Error): void }>();
  private readonly established = new Set<string>();
  private onEstablished: () => void = () => {};
  private requests = 0;

  constructor(access: Access, member: Member, onMessage: OnMessage, onEnd: () => void) {
    this.access = access;
    this.member = member;
    this.onMessage = onMessage;
    this.connection = new WebsocketConnection({
      url: access.clientWsUrl,
      onMessage: (data, start, end) => this.take(data, start, end),
      onEnd: (code, reason) => {
        for (const { reject } of this.asked.values()) reject(new Error(`the websocket ended: ${code} ${reason}`));
        onEnd();
      },
    });
  }

  /** Resolves when everything the SDK has open of a conversation is subscribed. */
  async open(): Promise<void> {
    await this.connection.open();
    await this.ask({
      method: 'init', token: accessToken(this.access, this.member.identity), continuation_token: null,
      registrations: [{ product: 'ip_messaging', type: 'ers', notification_protocol_version: 0, message_types: MESSAGE_TYPES }],
      tweaks: null, capabilities: ['client_update', 'offline_storage', 'telemetry.v1'],
    });
    const configuration = await this.get('/Client/v2/Configuration');
    const { my_conversations: mine, my_user_info: info } = configuration['sync_objects'] as Record<string, string>;
    const own = await Promise.all([this.get(`/v3/Maps/${mine}`), this.get(`/v3/Maps/${info}`, { Include: 'items' })]);
    await this.get(new URL((configuration['links'] as Record<string, string>)['my_conversations']!).pathname);
    const { conversationSid } = this.member;
    const joined = await Promise.all(
      [`Documents/${conversationSid}.channel`, `Lists/${conversationSid}.messages`, `Maps/${conversationSid}.roster`].map((path) => this.get(`/v3/${path}`)));
    await this.get(`/v3/Maps/${conversationSid}.roster/Items`, { HideExpired: 'true', PageSize: '50', Order: 'asc' });
    await this.subscribe([...own, ...joined] as SyncObject[]);
  }

  destroy(): void {
    this.connection.destroy();
  }

  static parseMessage(text: string): { conversationSid: string; index: number; body: string | null } | undefined {
    const { payload } = SdkFrames.parse(text);
    const { event_type, event } = JSON.parse(payload) as { event_type: string; event: { list_sid: string; item_index: number; item_data: { text: string | null } } };
    return event_type === 'list_item_added' ? { conversationSid: `CH${event.list_sid.slice(2)}`, index: event.item_index, body: event.item_data.text } : undefined;
  }

  private async subscribe(objects: SyncObject[]): Promise<void> {
    const all = new Promise<void>((resolve) => {
      this.onEstablished = () => { if (objects.every(({ sid }) => this.established.has(sid))) resolve(); };
    });
    await this.request('POST', '/v4/Subscriptions', {}, {
      event_protocol_version: 4, action: 'establish', correlation_id: Date.now(), retried_requests: 0, ttl_in_s: -1,
      requests: objects.map(({ sid, type, last_event_id }) => ({ object_sid: sid, object_type: type, last_event_id })),
    });
    this.onEstablished();
    await all;
  }

  private get(path: string, params: Record<string, string> = {}): Promise<Record<string, unknown>> {
    return this.request('GET', path, params);
  }

  private async request(method: string, path: string, params: Record<string, string>, body?: object): Promise<Record<string, unknown>> {
    const http_request = { host: 'aim.us1.twilio.com', method, path, params, headers: { 'Content-Type': 'application/json; charset=utf-8' } };
    const answer = await this.ask({ method: 'message', active_grant: 'ip_messaging', payload_type: 'application/json; charset=utf-8', http_request }, body);
    const { code } = answer.header['http_status'] as { code: number };
    if (code >= 300) throw new Error(`${method} ${path}: ${code} ${JSON.stringify(answer.body)}`);
    return answer.body as Record<string, unknown>;
  }

  private async ask(header: { method: string } & Record<string, unknown>, body?: object): Promise<Answer> {
    const id = `TM${++this.requests}`;
    const answer = new Promise<Answer>((resolve, reject) => this.asked.set(id, { resolve, reject }));
    this.connection.sendFrame(SdkFrames.encode({ id, ...header }, body));
    const { header: replied, body: given } = await answer;
    const { code, description } = replied['status'] as { code: number; description?: string };
    if (code !== 200) throw new Error(`${header.method} was answered ${code} ${description}`);
    return { header: replied, body: given };
  }

  private take(data: Buffer, start: number, end: number): void {
    if (MESSAGE_ADDED.find(data, start, end) >= 0) {
      this.connection.sendFrame(SdkFrames.acknowledgement(data, start, end));
      return this.onMessage(data, start, end);
    }
    const { header, payload } = SdkFrames.parse(data.toString('utf8', start, end));
    if (header.method === 'reply') {
      this.asked.get(header.id)?.resolve({ header, body: payload === '' ? undefined : JSON.parse(payload) });
      this.asked.delete(header.id);
      return;
    }
    this.connection.sendFrame(SdkFrames.acknowledgement(data, start, end));
    if (header.method !== 'notification') return;
    const { event_type, events } = JSON.parse(payload) as { event_type?: string; events?: { object_sid: string }[] };
    if (event_type !== 'subscription_established') return;
    for (const { object_sid } of events!) this.established.add(object_sid);
    this.onEstablished();
  }
}
