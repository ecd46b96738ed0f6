/** Where a request inside the socket goes, by its path: the host it names is the SDK's idea of Twilio's. */
import type { Pool } from '@parley/event-store/database';
import { takesPart } from '../membership.js';
import type { ClientApi } from './client-api.js';
import type { ClientSession } from './client-session.js';
import { configurationOf, type ClientLinks } from './configuration.js';
import type { Registrations } from './registrations.js';
import { TYPING_SHOWN_SECONDS, type Signals } from '../signals.js';
import type { Subscriptions, SubscriptionRequest } from './subscriptions.js';
import type { SyncApi } from './sync-api.js';
import { TunnelRefusal, type TunnelAnswer, type TunnelRequest } from './tunnel-request.js';

/** Said in answer to "I am typing": not again before, in seconds. */
const TYPING_SECONDS = TYPING_SHOWN_SECONDS - 1;
const OBJECTS_MAX = 1_000;
const SUBSCRIPTION_SECONDS = 86_400;

/** What waits for its turn is counted by objects. */
const NAME_CHARS_MAX = 64;
const isShort = (value: unknown): value is string => typeof value === 'string' && value.length <= NAME_CHARS_MAX;

export type TunnelParts = { api: ClientApi; sync: SyncApi; registrations: Registrations; subscriptions: Subscriptions; signals: Signals; pool: Pool; links: ClientLinks; publicUrl: string };

export class Tunnel {
  constructor(private readonly parts: TunnelParts) {}

  /** Throws TunnelRefusal. */
  async answer(session: ClientSession, request: TunnelRequest): Promise<TunnelAnswer> {
    const { api, sync, registrations, links, publicUrl } = this.parts;
    const [version, resource, below] = request.segments;
    if (version === 'Client' && resource === 'v2')
      return below === 'Configuration' ? { status: 200, body: configurationOf(session, links, publicUrl) } : api.answer(session, request);
    if (version === 'v3') return sync.answer(session, request);
    if (version === 'v4' && resource === 'Subscriptions' && request.method === 'POST') return this.subscribe(session, request);
    if (version === 'v1' && resource === 'typing' && request.method === 'POST') return this.typing(session, request);
    if (version === 'v1' && resource === 'registrations') return registrations.answer(session, request);
    throw new TunnelRefusal(404, 20404, 'The requested resource was not found');
  }

  private subscribe(session: ClientSession, { json }: TunnelRequest): TunnelAnswer {
    const { action, correlation_id: correlation, requests } = json;
    if ((action !== 'establish' && action !== 'cancel') || typeof correlation !== 'number' || !Array.isArray(requests) || requests.length > OBJECTS_MAX)
      throw new TunnelRefusal(400, 54003, 'action, correlation_id and requests are needed');
    const objects: SubscriptionRequest['objects'] = [];
    for (const each of requests as Record<string, unknown>[]) {
      const { object_sid: sid, object_type: type, last_event_id: after } = typeof each === 'object' && each !== null ? each : {};
      if (!isShort(sid) || !isShort(type)) throw new TunnelRefusal(400, 54003, 'a request names its object_sid and its object_type');
      objects.push({ sid, type, after: typeof after === 'number' && after > 0 && Number.isSafeInteger(after) ? after : 0 });
    }
    this.parts.subscriptions.enqueue(session, { action, correlation, objects });
    return { status: 202, body: { estimated_delivery_in_ms: 10_000, max_batch_size: OBJECTS_MAX, ttl_in_s: SUBSCRIPTION_SECONDS } };
  }

  private async typing(session: ClientSession, { form }: TunnelRequest): Promise<TunnelAnswer> {
    const { pool, signals } = this.parts;
    const conversation = new URLSearchParams(form).get('ChannelSid')?.slice(0, NAME_CHARS_MAX).replaceAll('\0', '') ?? null;
    // He may type before the client follows what he is in.
    if (conversation === null || !(session.memberships?.has(conversation) || (await takesPart(pool, session.principal!, conversation)))) throw new TunnelRefusal(403, 50430, 'Who is not in the conversation types nothing in it');
    signals.typing({ conversation, identity: session.principal!.identity });
    return { status: 200, body: { typing_timeout: TYPING_SECONDS } };
  }
}
