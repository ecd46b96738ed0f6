/** The channel facts have no captured payloads of Plivo: these forms are written from its documented parameters. */
import { createHmac } from 'node:crypto';
import { conformsToTheChannelPort } from '../../conformance.testing.js';
import { playedPlivo, signedByPlivo } from './played-plivo.testing.js';
import { isPlivoSignature, plivoSignature } from './signature.js';

const plivo = playedPlivo();
const pooled = playedPlivo({ powerpackUuid: '5ec4c8c9-cd74-42b5-9e41-0d7670d6bb46' });
beforeAll(() => Promise.all([plivo.listen(), pooled.listen()]));
afterAll(() => Promise.all([plivo.close(), pooled.close()]));
const signal = () => AbortSignal.timeout(30_000);

conformsToTheChannelPort('Plivo', () => plivo.play());

describe('Plivo', () => {
  const sent = (carrier = plivo) => JSON.parse(carrier.taken.at(-1)!.body);
  const parse = (fields: Record<string, string>) => plivo.play().adapter.parseWebhook(signedByPlivo({ MessageUUID: 'm1', From: '12025550102', To: '12025550101', ...fields }));

  it('is sent text and files', async () => {
    const { adapter, delivery } = plivo.play();
    await adapter.send({ ...delivery, media: [{ url: 'https://parley.example.test/media/ME1', contentType: 'image/png', filename: null, bytes: 9 }] }, signal());
    expect(sent()).toMatchObject({ src: '12025550101', dst: '12025550102', type: 'mms', text: 'hello', media_urls: ['https://parley.example.test/media/ME1'] });
  });
  it('refuses in words, which are kept', async () => {
    const played = plivo.play();
    played.answerWith('refuse');
    await expect(played.adapter.send(played.delivery, signal())).rejects.toMatchObject({ outcome: 'permanent', errorCode: 21211, carrierCode: 'HTTP 400: dst is not valid' });
  });
  it('chooses the number where there is a powerpack', async () => {
    const { adapter, delivery } = pooled.play();
    await adapter.send(delivery, signal());
    expect(sent(pooled)).toMatchObject({ powerpack_uuid: '5ec4c8c9-cd74-42b5-9e41-0d7670d6bb46' });
    expect(sent(pooled)).not.toHaveProperty('src');
  });
  it('does not take a message to somebody else for ours', async () => {
    const { adapter, delivery } = plivo.play();
    await adapter.send(delivery, signal());
    expect(await adapter.lookup!({ ...delivery, recipient: '+12025550199' }, signal())).toBeUndefined();
    expect(await adapter.lookup!(delivery, signal())).toEqual({ providerMessageIds: plivo.ids });
  });
  it.each<[string, Record<string, string>, object]>([
    ['a text', { Type: 'sms', Text: 'hi' }, { kind: 'message', from: '+12025550102', to: '+12025550101', text: 'hi', media: [] }],
    ['a short code', { From: '55501', Text: 'BAL' }, { from: '55501' }],
    ['files', { Type: 'mms', Text: '', Media0: 'https://media.plivo.com/a.jpg', Media1: 'https://media.plivo.com/b' }, {
      text: null, media: [{ contentType: 'image/jpeg', url: 'https://media.plivo.com/a.jpg', filename: 'a.jpg' }, { contentType: 'application/octet-stream' }],
    }],
    ['stop', { Text: 'Stop' }, { kind: 'opt_out' }],
    ['a receipt', { Status: 'delivered', ErrorCode: '000' }, { kind: 'status', status: 'delivered' }],
    ['a receipt of a piece', { Status: 'sent', ParentMessageUUID: 'm0' }, { providerMessageId: 'm0', status: 'sent' }],
    ['a failure', { Status: 'undelivered', ErrorCode: '200' }, { status: 'undelivered', errorCode: 21610, carrierCode: '200', retryable: false }],
    ['a failure of a code nobody knows', { Status: 'failed', ErrorCode: '777' }, { status: 'failed', errorCode: 30008 }],
  ])('brings %s', async (_, fields, expected) => expect(await parse(fields)).toMatchObject([expected]));
});

describe('X-Plivo-Signature-V3', () => {
  const url = 'https://a.test/answer';
  const form = new URLSearchParams([['b', '2'], ['a', '1'], ['a', '0']]);
  const over = (text: string) => createHmac('sha256', 'token').update(text).digest('base64');

  it.each([
    ['POST', url, form, 'https://a.test/answer?a0a1b2.n'],
    ['POST', `${url}?y=2&x=1`, form, 'https://a.test/answer?x=1&y=2.a0a1b2.n'],
    ['POST', `${url}?x=1`, new URLSearchParams(), 'https://a.test/answer?x=1.n'],
    ['POST', url, new URLSearchParams(), 'https://a.test/answer.n'],
    ['GET', `${url}?y=2&x=1`, new URLSearchParams(), 'https://a.test/answer?x=1&y=2.n'],
    ['GET', url, new URLSearchParams(), 'https://a.test/answer.n'],
  ])('%s %s is over what the facts say', (method, address, parameters, text) =>
    expect(plivoSignature('token', method, address, parameters, 'n')).toBe(over(text)));
  it('may be one of several', () => {
    const signature = plivoSignature('token', 'POST', url, form, 'n');
    expect(isPlivoSignature('token', `x, ${signature}`, 'POST', url, form, 'n')).toBe(true);
    expect(isPlivoSignature('token', 'x,', 'POST', url, form, 'n')).toBe(false);
    expect(isPlivoSignature('token', signature, 'POST', url, form, 'm')).toBe(false);
  });
});
