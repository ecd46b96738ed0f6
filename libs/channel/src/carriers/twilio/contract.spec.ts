/** Our calls of Twilio against the OpenAPI document that Twilio publishes (`twilio_api_v2010.json` of its command line). */
import { newSid } from '@parley/domain/sid';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Delivery } from '../../channel-adapter.js';
import { playedConnection } from '../../played-http-carrier.testing.js';
import { PublishedApi } from '../../published-api.testing.js';
import { openTwilio } from './adapter.js';

const file = createRequire(import.meta.url).resolve('@twilio/cli-core/src/services/twilio-api/twilio_api_v2010.json');
const published = new PublishedApi(JSON.parse(readFileSync(file, 'utf8')));
beforeAll(() => published.listen());
afterAll(() => published.close());
beforeEach(() => published.answerWith());

const signal = () => AbortSignal.timeout(30_000);
const credentials = { accountSid: newSid('AC'), authToken: 'played' };
const open = (channel: 'sms' | 'whatsapp' = 'sms', given = credentials) =>
  openTwilio(playedConnection(given, { baseUrl: published.url, contents: { order_update: `HX${'a'.repeat(32)}` } }), channel);
const photo = { url: 'https://parley.example.test/media/ME1?expires=1&signature=a', contentType: 'image/jpeg', filename: 'a.jpg', bytes: 10 };
const plain: Delivery = {
  deliveryId: newSid('DY'), sender: '+12025550101', recipient: '+12025550102', body: 'hello & “goodbye” 👍', media: [], firstAttemptAt: new Date().toISOString(),
};

describe('Twilio, as it is published', () => {
  it.each<[string, 'sms' | 'whatsapp', Partial<Delivery>]>([
    ['a text', 'sms', {}],
    ['files with a text', 'sms', { media: [photo, { ...photo, url: 'https://parley.example.test/media/ME2' }] }],
    ['files alone', 'sms', { body: null, media: [photo] }],
    ['a link instead of a file', 'sms', { recipient: '+4915550100002', body: null, media: [photo] }],
    ['a name as sender', 'sms', { sender: 'Parley' }],
    ['WhatsApp', 'whatsapp', { sender: 'whatsapp:+12025550101', recipient: 'whatsapp:+12025550102', media: [photo] }],
    ['a template', 'whatsapp', { rich: { kind: 'template', name: 'order_update', language: 'en', values: { 1: '17' }, body: [{ value: '17' }], buttons: [] } }],
    ['a place', 'whatsapp', { rich: { kind: 'location', latitude: 52.5, longitude: 13.4, name: 'Here' } }],
  ])('takes %s', async (_, channel, fields) => {
    expect(await open(channel).send({ ...plain, ...fields }, signal())).toEqual({ providerMessageIds: [expect.stringMatching(/^(SM|MM)\w{32}$/)] });
    expect(published).toMatchObject({ faults: [], served: ['CreateMessage'] });
  });

  it('is asked for what it has, and its list is understood', async () => {
    const sid = `SM${'a'.repeat(32)}`;
    const message = { sid, body: plain.body, direction: 'outbound-api', date_created: new Date().toUTCString().replace('GMT', '+0000') };
    published.answerWith('ListMessage', { status: 200, body: { messages: [message, { ...message, direction: 'inbound' }] } });
    expect(await open('whatsapp').lookup(plain, signal())).toEqual({ providerMessageIds: [sid] });
    expect(published).toMatchObject({ faults: [], served: ['ListMessage'] });
    // The document's own example is somebody else's message, years ago.
    published.answerWith();
    expect(await open().lookup(plain, signal())).toBeUndefined();
  });

  it('would say so if a request were not as published', async () => {
    await expect(open('sms', { ...credentials, accountSid: 'AC1' }).send(plain, signal())).rejects.toMatchObject({ outcome: 'permanent' });
    expect(published.faults).toEqual(expect.arrayContaining([expect.stringMatching(/path parameter accountsid must match pattern/)]));
    for (const body of ['From=%2B12025550101', 'To=%2B12025550102&StatusCallback=nowhere', 'To=%2B12025550102&Text=hi']) {
      published.answerWith();
      const { status } = await fetch(`${published.url}/2010-04-01/Accounts/${credentials.accountSid}/Messages.json`, {
        method: 'POST', body: new URLSearchParams(body), headers: { authorization: 'Basic YTpi' }, signal: signal(),
      });
      expect([status, published.faults.length]).toEqual([422, 1]);
    }
  });
});
