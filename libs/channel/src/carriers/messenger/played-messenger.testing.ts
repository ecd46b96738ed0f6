/** Messenger's Graph API played on a socket, and its webhooks as Meta signs them. Ours, written from the documented facts. */
import { createHmac } from 'node:crypto';
import type { RawWebhook } from '../../channel-adapter.js';
import { PlayedHttpCarrier, playedConnection, playedUrl, type PlayedRequest } from '../../played-http-carrier.testing.js';
import { Messenger } from './adapter.js';
import { messengerSettings } from './definition.js';

export const PAGE = '100000000000020';
export const PERSON = '7200000000000001';
const APP = '300000000000003';
const SECRET = 'played-app-secret';
const AT = 1_795_348_790_123;

export const messengerCredentials = { app_secret: SECRET, verify_token: 'played-verify', pages: [{ id: PAGE, access_token: 'EAApage' }] };

export const openPlayed = (baseUrl: string, more: object = {}): Messenger => new Messenger(playedConnection(
  messengerCredentials, messengerSettings.parse({ app_id: APP, baseUrl, ...more }),
));

export function signedByMeta(payload: object): RawWebhook {
  const body = JSON.stringify(payload);
  const signature = `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`;
  return { method: 'POST', url: `${playedUrl}/webhooks/messenger/CX`, headers: { 'content-type': 'application/json', 'x-hub-signature-256': signature }, body: Buffer.from(body) };
}
/** One thing that happened on the page. */
export const happened = (item: object): RawWebhook =>
  signedByMeta({ object: 'page', entry: [{ id: PAGE, time: AT, messaging: [{ sender: { id: PERSON }, recipient: { id: PAGE }, timestamp: AT, ...item }] }] });

export const messageIn = ({ body }: PlayedRequest) => JSON.parse(body) as { messaging_type: string; tag?: string; recipient: { id: string }; message: Record<string, unknown> & { metadata: string } };

export const playedMessenger = (more: object = {}): PlayedHttpCarrier => new PlayedHttpCarrier({
  addresses: { sender: `messenger:${PAGE}`, recipient: `messenger:${PERSON}` },
  open: (baseUrl) => openPlayed(baseUrl, more),
  referenceIn: (request) => messageIn(request).message.metadata,
  accept: (request) => ({ status: 200, body: JSON.stringify({ recipient_id: PERSON, message_id: `m_${messageIn(request).message.metadata}` }) }),
  refuse: { status: 400, body: JSON.stringify({ error: { message: 'played', type: 'OAuthException', code: 100, error_subcode: 2018001, fbtrace_id: 'x' } }) },
  message: ({ id, text }) => happened({ message: { mid: id, text } }),
  status: ({ id, status, deliveryId, extra }) => happened({
    ...(status === 'echo' ? { sender: { id: PAGE }, recipient: { id: PERSON }, message: { mid: id, is_echo: true, app_id: Number(APP), ...(deliveryId !== undefined && { metadata: deliveryId }) } } : { [status]: { mids: [id], watermark: AT } }),
    ...extra,
  }),
  forged: (webhook) => ({ ...webhook, body: Buffer.from(webhook.body.toString().replace(PERSON, '7200000000000666')) }),
  words: { sent: 'echo', delivered: 'delivery', failed: null },
});
