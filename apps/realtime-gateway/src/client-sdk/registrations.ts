/**
 * `/v1/registrations` inside the socket: the SDK's registration for push is a device of the REST API, kept under the credential its
 * access token names. The SDK asks again for ever what is refused, so what can never be kept is taken and forgotten.
 */
import { pushBindingSid } from '@parley/event-store/push-binding-sid';
import { logger } from '@parley/telemetry/logger';
import { randomUUID } from 'node:crypto';
import type { RestUpstream } from '../rest-upstream.js';
import type { ClientSession } from './client-session.js';
import { TunnelRefusal, type TunnelAnswer, type TunnelRequest } from './tunnel-request.js';

const TYPE_PREFIX = 'twilio.conversations.';
const pushed = new Set(['new_message', 'added_to_conversation', 'removed_from_conversation']);
const log = logger('client-sdk');

export class Registrations {
  constructor(private readonly rest: RestUpstream) {}

  /** Throws TunnelRefusal for what may go well later. */
  answer(session: ClientSession, request: TunnelRequest): Promise<TunnelAnswer> {
    if (request.method === 'POST') return this.register(session, request);
    if (request.method === 'DELETE') return this.remove(session, request);
    throw new TunnelRefusal(405, 20004, 'Method not allowed');
  }

  private async register({ principal, token }: ClientSession, { json }: TunnelRequest): Promise<TunnelAnswer> {
    const { channel_type: type, data, message_types: types } = json;
    const address = (data as { registration_id?: unknown } | null | undefined)?.registration_id;
    const wanted = (Array.isArray(types) ? types : []).map((name) => String(name).replace(TYPE_PREFIX, '')).filter((name) => pushed.has(name));
    if (typeof address !== 'string' || typeof type !== 'string' || wanted.length === 0 || principal!.pushCredentialSid === undefined) return forgotten();
    const form = new URLSearchParams({ BindingType: type, Address: address });
    for (const name of wanted) form.append('MessageTypes', name);
    const { status, body } = await this.rest.call({
      account: principal!.account, method: 'POST', path: devices(principal!), credentials: bearer(token), body: { type: 'application/x-www-form-urlencoded', text: form.toString() },
    });
    if (status === 201) return { status, body: { id: body.sid as string } };
    if (status === 429 || status >= 500) return { status, body: body as unknown };
    log.info('a device is not registered for push', { account: principal!.account, credential: principal!.pushCredentialSid, code: body?.code, message: body?.message });
    return forgotten();
  }

  /** By the registration's id, or by the device's address. */
  private async remove({ principal, token }: ClientSession, { segments, json }: TunnelRequest): Promise<TunnelAnswer> {
    const { binding_type: type, address } = json;
    const { account, service } = principal!;
    const byAddress = () => (typeof type === 'string' && typeof address === 'string' && ['fcm', 'gcm', 'apn'].includes(type)
      ? pushBindingSid(account, service, type, type === 'apn' ? address.toLowerCase() : address) : undefined);
    const sid = segments[2] ?? byAddress();
    if (sid === undefined || !sid.startsWith('BS')) return { status: 204 };
    const { status, body } = await this.rest.call({ account, method: 'DELETE', path: `${devices(principal!)}/${encodeURIComponent(sid)}`, credentials: bearer(token) });
    return status === 429 || status >= 500 ? { status, body: body as unknown } : { status: 204 };
  }
}

const devices = ({ service }: { service: string }): string => `/v1/Services/${service}/Devices`;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

const forgotten = (): TunnelAnswer => ({ status: 201, body: { id: randomUUID() } });
