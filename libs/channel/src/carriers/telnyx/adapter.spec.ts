import { conformsToTheChannelPort } from '../../conformance.testing.js';
import { fixturesOf, parsesItsPayloads } from '../../fixture-table.testing.js';
import { playedConnection } from '../../played-http-carrier.testing.js';
import { InvalidSignature } from '../../send-error.js';
import { TelnyxSms } from './adapter.js';
import { playedTelnyx } from './played-telnyx.testing.js';

const telnyx = playedTelnyx();
beforeAll(() => telnyx.listen());
afterAll(() => telnyx.close());
const signal = () => AbortSignal.timeout(30_000);

conformsToTheChannelPort('Telnyx', () => telnyx.play());

const { secrets } = fixturesOf<{ publicKeyBase64: string }>('telnyx');
parsesItsPayloads('telnyx', (clock) => new TelnyxSms(playedConnection({ apiKey: 'KEY', publicKey: secrets.publicKeyBase64 }, {}), () => clock));

describe('Telnyx', () => {
  const photo = { url: 'https://parley.example.test/media/ME1', contentType: 'image/jpeg', filename: 'a.jpg', bytes: 10 };
  const sent = () => JSON.parse(telnyx.taken.at(-1)!.body);

  it('is sent files as MMS, larger ones as links', async () => {
    const { adapter, delivery } = telnyx.play();
    await adapter.send({ ...delivery, body: null, media: [photo, { ...photo, url: `${photo.url}x`, bytes: 2_000_000 }] }, signal());
    expect(sent()).toMatchObject({ text: `${photo.url}x`, media_urls: [photo.url], to: delivery.recipient });
  });
  it('is sent a message to a group once', async () => {
    const { adapter, delivery } = telnyx.play();
    await adapter.send({ ...delivery, group: ['+12025550103'] }, signal());
    expect(telnyx.taken.at(-1)!.url).toBe('/v2/messages/group_mms');
    expect(sent().to).toEqual([delivery.recipient, '+12025550103']);
  });
  it('tells who said stop', async () => {
    const { adapter, status } = telnyx.play();
    const [event] = await adapter.parseWebhook(status({ id: 'x', status: 'delivery_failed', extra: { errors: [{ code: '40300' }] as never } }));
    expect(event).toMatchObject({ status: 'undelivered', errorCode: 21610, carrierCode: '40300', retryable: false });
  });
  it('is not believed five minutes later, or without a time', async () => {
    const { adapter, message } = telnyx.play();
    const webhook = message({ id: 'x', text: 'hi' });
    for (const time of ['now', '', String(Number(webhook.headers['telnyx-timestamp']) - 301)])
      await expect((async () => adapter.parseWebhook({ ...webhook, headers: { ...webhook.headers, 'telnyx-timestamp': time } }))()).rejects.toThrow(InvalidSignature);
  });
  it('answers STOP and START in English itself', async () => {
    const { adapter, message } = telnyx.play();
    expect(await adapter.parseWebhook(message({ id: 'x', text: 'stop' }))).toMatchObject([{ kind: 'opt_out', keywordAnswered: true }]);
    for (const text of ['baja', 'help']) expect((await adapter.parseWebhook(message({ id: 'x', text })))[0]).not.toHaveProperty('keywordAnswered');
  });
});
