/** Bandwidth's side: how it answers and lists, and callbacks with the application's credentials. */
import type { RawWebhook } from '../../channel-adapter.js';
import { basicAuthorization } from '../../http-call.js';
import { PlayedHttpCarrier, playedConnection, playedUrl } from '../../played-http-carrier.testing.js';
import { BandwidthSms } from './adapter.js';

const addresses = { sender: '+12025550101', recipient: '+12025550102' };
export const bandwidthCredentials = { accountId: '12345', username: 'played', password: 'played', callbackUsername: 'bw-user', callbackPassword: 'bw-pass' };
export const bandwidthSettings = { applicationId: 'd2a57dc1-d883-4d21-8b99-51699df71cc7' };
export const bandwidthConnection = (settings = {}) => playedConnection(bandwidthCredentials, { ...bandwidthSettings, ...settings });

export const calledBack = (event: object, url = `${playedUrl}/webhooks/bandwidth/CX1`): RawWebhook => ({
  method: 'POST', url, headers: { authorization: basicAuthorization('bw-user', 'bw-pass') },
  body: Buffer.from(JSON.stringify([event])),
});
/** One word for our suite; theirs are a type and, where it matters who found it, a code. */
const failedBeforeSending = 'message-failed 4403';

export const playedBandwidth = (settings = {}): PlayedHttpCarrier => new PlayedHttpCarrier({
  addresses,
  open: (baseUrl) => new BandwidthSms(bandwidthConnection({ ...settings, baseUrl })),
  referenceIn: ({ body }) => JSON.parse(body).tag,
  accept: (_, id) => ({ status: 202, body: JSON.stringify({ id, direction: 'out' }) }),
  refuse: { status: 400, body: '{"type":"request-validation","description":"","fieldErrors":[{"fieldName":"to","description":""}]}' },
  list: (ids) => ({
    status: 200, body: JSON.stringify({ totalCount: ids.length, messages: ids.map((messageId) => ({ messageId, messageDirection: 'OUTBOUND' })) }),
  }),
  message: ({ id, text }, url) => calledBack({ type: 'message-received', to: addresses.sender, message: { id, owner: addresses.sender, from: addresses.recipient, to: [addresses.sender], text, direction: 'in' } }, url),
  status({ id, status, deliveryId, extra }, url) {
    const [type, errorCode] = status.split(' ');
    return calledBack({
      type, to: addresses.recipient, ...(errorCode !== undefined && { errorCode: Number(errorCode) }), ...extra,
      message: { id, owner: addresses.sender, from: addresses.sender, to: [addresses.recipient], direction: 'out', ...(deliveryId !== undefined && { tag: deliveryId }) },
    }, url);
  },
  forged: (webhook) => ({ ...webhook, headers: { authorization: basicAuthorization('bw-user', 'guessed') } }),
  words: { sent: 'message-sending', delivered: 'message-delivered', failed: failedBeforeSending },
});
