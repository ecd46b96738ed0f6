/** Payloads as Twilio sends them, with what each must come to (fixtures/twilio/index.json). */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvalidSignature, SendError } from '../send-error.js';
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

describe('an answer of Twilio', () => {
  it('400 with 21610 is permanent: the recipient opted out', async () => {
    const { file, response } = fixtures.find(({ id }) => id === 'twilio-api-400-21610')!;
    const server = createServer((_, reply) => reply.writeHead(response!.status).end(read(file)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const delivery = {
      deliveryId: `DY${'0'.repeat(32)}` as const, sender: '+15550100001', recipient: '+15550100002', body: 'hi', media: [],
      firstAttemptAt: new Date().toISOString(),
    };
    const sent = at(`http://127.0.0.1:${(server.address() as AddressInfo).port}`).send(delivery, AbortSignal.timeout(5_000));
    const error: unknown = await sent.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SendError);
    expect(error).toMatchObject({ outcome: 'permanent', code: 'opted_out', errorCode: 21610 });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
