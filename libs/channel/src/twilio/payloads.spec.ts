/** Payloads as Twilio sends them, with what each must come to (fixtures/twilio/index.json). */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvalidSignature, SendError } from '../send-error.js';
import { twilioSignature } from '../signatures.js';
import { TwilioMessaging } from './messaging-adapter.js';

type Fixture = {
  id: string; file: string; desc: string; signatureValid: boolean; expected: Array<{ kind: string }>;
  request: { url: string; headers: Record<string, string> }; response?: { status: number };
};
const read = (file: string) => readFileSync(new URL(`../../fixtures/twilio/${file}`, import.meta.url), 'utf8');
const { fixtures, secrets } = JSON.parse(read('index.json')) as {
  fixtures: Fixture[]; secrets: { accountSid: string; authToken: string };
};

class Twilio extends TwilioMessaging {
  limits = { bodyCharsMax: 1600, mediaBytesMax: 5_000_000, lookupDelayMillis: 0 };
}
const at = (baseUrl: string) => new Twilio({ ...secrets, baseUrl, publicUrl: 'https://channels.example.test' });

describe('a webhook of Twilio', () => {
  for (const { desc, file, request, signatureValid, expected } of fixtures.filter(({ response }) => !response))
    it(`${file}: ${desc}`, () => {
      const parse = () => at('https://api.example.test').parseWebhook({ ...request, method: 'POST', body: Buffer.from(read(file)) });
      if (!signatureValid) return expect(parse).toThrow(InvalidSignature);
      // That it came before is seen by the inbox, not in the payload.
      const seen = expected.map((event) => ({ ...event, kind: event.kind === 'duplicate' ? 'message' : event.kind }));
      return expect(parse()).toMatchObject(seen);
    });
});

describe('what WhatsApp says through Twilio', () => {
  const posted = (fields: Record<string, string>) => {
    const url = 'https://channels.example.test/webhooks/twilio/sms';
    const form = new URLSearchParams({ MessageSid: 'SM1', From: 'whatsapp:+15550100002', To: 'whatsapp:+15550100100', ...fields });
    return at('https://api.example.test').parseWebhook({ method: 'POST', url, headers: { 'x-twilio-signature': twilioSignature(secrets.authToken, url, form) }, body: Buffer.from(form.toString()) });
  };
  it.each<[string, Record<string, string>, object]>([
    ['a place', { Body: '', Latitude: '52.5', Longitude: '13.4', Label: 'Here', Address: 'Street 1' }, {
      text: 'Here\nStreet 1\n(52.5,13.4)', attributes: { whatsapp: { location: { latitude: 52.5, longitude: 13.4, name: 'Here', address: 'Street 1' } } },
    }],
    ['a place that is none', { Body: 'hi', Latitude: 'north', Longitude: '1' }, { text: 'hi' }],
    ['what was passed on', { Body: 'hi', Forwarded: 'true', FrequentlyForwarded: 'false' }, { attributes: { whatsapp: { forwarded: true } } }],
    ['an advertisement', { Body: 'hi', ReferralHeadline: 'Sale', ReferralSourceType: 'ad', ReferralNumMedia: '0' }, { attributes: { whatsapp: { referral: { headline: 'Sale', source_type: 'ad' } } } }],
  ])('%s', (_, fields, expected) => {
    const [seen] = posted(fields);
    expect(seen).toMatchObject({ kind: 'message', channel: 'whatsapp', ...expected });
    if (!('attributes' in expected)) expect(seen).not.toHaveProperty('attributes');
  });
  it('with a user id that is too long to be one is a message all the same', () => {
    expect(posted({ Body: 'hi', ExternalUserId: `US.${'1'.repeat(300)}` })).toEqual([expect.not.objectContaining({ externalUserId: expect.anything() as unknown })]);
    expect(posted({ Body: 'hi', ExternalUserId: 'whatsapp:US.1' })).toMatchObject([{ text: 'hi', externalUserId: 'US.1' }]);
  });
  it('keeps its own code beside ours', () => {
    expect(posted({ MessageStatus: 'undelivered', ErrorCode: '63016' })).toMatchObject([{ kind: 'status', errorCode: 63016, carrierCode: '63016', needsTemplate: true }]);
  });
});

describe('an answer of Twilio', () => {
  it('400 with 21610 is permanent: the recipient opted out', async () => {
    const { file, response } = fixtures.find(({ id }) => id === 'twilio-api-400-21610')!;
    const server = createServer((_, reply) => reply.writeHead(response!.status).end(read(file)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const delivery = {
      deliveryId: `DY${'0'.repeat(32)}` as const, sender: '+15550100001', recipient: '+15550100002', body: 'hi', media: [],
      firstAttemptAt: new Date().toISOString(),
    };
    const sent = at(`http://127.0.0.1:${(server.address() as AddressInfo).port}`).send(delivery, AbortSignal.timeout(30_000));
    const error: unknown = await sent.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SendError);
    expect(error).toMatchObject({ outcome: 'permanent', code: 'opted_out', errorCode: 21610 });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
