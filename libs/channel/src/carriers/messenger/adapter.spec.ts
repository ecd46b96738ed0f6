/** Messenger against the conformance suite and a table of payloads (own examples: there are no captures to be had). */
import { newSid } from '@parley/domain/sid';
import { conformsToTheChannelPort } from '../../conformance.testing.js';
import { fixturesOf, parsesItsPayloads } from '../../fixture-table.testing.js';
import { playedConnection } from '../../played-http-carrier.testing.js';
import { InvalidSignature } from '../../send-error.js';
import { Messenger } from './adapter.js';
import { messengerSettings } from './definition.js';
import { isOutsideWindow, refusal } from './errors.js';
import { happened, messageIn, openPlayed, PAGE, PERSON, playedMessenger, signedByMeta } from './played-messenger.testing.js';

const messenger = playedMessenger();
const agents = playedMessenger({ human_agent: true });
beforeAll(() => Promise.all([messenger.listen(), agents.listen()]));
afterAll(() => Promise.all([messenger.close(), agents.close()]));
const signal = () => AbortSignal.timeout(30_000);

conformsToTheChannelPort('Messenger', () => messenger.play());

const { secrets } = fixturesOf<{ appSecret: string; verifyToken: string; pageId: string; otherPageId: string; appId: string }>('messenger');
parsesItsPayloads('messenger', () => new Messenger(playedConnection(
  { app_secret: secrets.appSecret, verify_token: secrets.verifyToken, pages: [secrets.pageId, secrets.otherPageId].map((id) => ({ id, access_token: 'x' })) },
  messengerSettings.parse({ app_id: secrets.appId }),
)));

describe('a delivery', () => {
  const file = (contentType: string | null) => ({ url: 'https://parley.example.test/f/1', contentType, filename: null, bytes: 10 });

  it('is one request for the text and one for each file, and the last carries our plain reference', async () => {
    const { adapter, delivery } = messenger.play();
    const { providerMessageIds } = await adapter.send({ ...delivery, media: [file('image/png'), file('application/pdf')] }, signal());
    expect(messenger.taken.map((request) => [request.url, request.headers.authorization, messageIn(request)])).toEqual([
      { text: 'hello', metadata: `${delivery.deliveryId}/0` },
      { attachment: { type: 'image', payload: { url: 'https://parley.example.test/f/1', is_reusable: false } }, metadata: `${delivery.deliveryId}/1` },
      { attachment: { type: 'file', payload: { url: 'https://parley.example.test/f/1', is_reusable: false } }, metadata: delivery.deliveryId },
    ].map((message) => [`/v23.0/${PAGE}/messages`, 'Bearer EAApage', { recipient: { id: PERSON }, message, messaging_type: 'RESPONSE' }]));
    expect(providerMessageIds).toEqual([`m_${delivery.deliveryId}`, `m_${delivery.deliveryId}/1`, `m_${delivery.deliveryId}/0`]);
  });
  it('from a page that is not connected is refused here', () => expect(openPlayed(messenger.url).send({
    ...messenger.play().delivery, sender: 'messenger:999', deliveryId: newSid('DY'),
  }, signal())).rejects.toMatchObject({ outcome: 'permanent', errorCode: 63007 }));

  const outside = { error: { code: 10, error_subcode: 2018278 } };
  it.each<[number, object, object]>([
    [400, outside, { outcome: 'permanent', errorCode: 63016 }],
    [400, { error: { code: 10 } }, { outcome: 'retryable', code: 'authentication', errorCode: 63001 }],
    [401, { error: { code: 190 } }, { outcome: 'retryable', code: 'authentication' }],
    [400, { error: { code: 613 } }, { outcome: 'retryable', code: 'rate_limited', retryAfterMillis: 60_000 }],
    [400, { error: { code: 551 } }, { outcome: 'permanent', code: 'invalid_recipient', errorCode: 63003 }],
    [500, { error: { code: 1200 } }, { outcome: 'retryable', code: 'unreachable' }],
    [500, {}, { outcome: 'ambiguous' }], [429, {}, { outcome: 'retryable', code: 'rate_limited' }], [400, { error: { code: 99_999 } }, { outcome: 'permanent', errorCode: 63023 }],
  ])('refused with %i %j: %j', (status, answer, expected) => expect(refusal(status, answer as Record<string, unknown>, undefined)).toMatchObject(expected));
  it('outside the window is told from other refusals', () => {
    expect(isOutsideWindow(refusal(400, outside, undefined))).toBe(true);
    expect(isOutsideWindow(refusal(400, {}, undefined))).toBe(false);
  });
});

describe('its handshake', () => {
  const ask = (query: string) => () => openPlayed(messenger.url).handshake({ method: 'GET', url: `https://parley.example.test/webhooks/messenger/CX?${query}`, headers: {}, body: Buffer.alloc(0) });
  it('gets its challenge back for the right token', () => expect(ask('hub.mode=subscribe&hub.verify_token=played-verify&hub.challenge=17')()).toEqual({ status: 200, contentType: 'text/plain', body: '17' }));
  it('is refused for another', () => expect(ask('hub.mode=subscribe&hub.verify_token=nope&hub.challenge=17')).toThrow(InvalidSignature));
});

describe('what is not in the table', () => {
  const parse = (webhook: ReturnType<typeof signedByMeta>) => openPlayed(messenger.url).parseWebhook(webhook);
  it('is no error', () => {
    for (const payload of [[], { object: 'page' }, { object: 'page', entry: [{ id: PAGE, messaging: [null, 7, { message: { mid: {} } }, { sender: { id: 'x' }, recipient: { id: PAGE }, read: { watermark: 'soon' } }] }] }])
      expect(parse(signedByMeta(payload))).toEqual([]);
    expect(parse(happened({ message: { mid: 'm', attachments: [{ type: 'image', payload: { url: 'nowhere' } }, 'x'] } }))).toMatchObject([{ kind: 'unsupported' }]);
  });
});
