/** Our calls of Bandwidth against the OpenAPI document that Bandwidth publishes (`bandwidth.yml` of its SDK). */
import { newSid } from '@parley/domain/sid';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parse } from 'yaml';
import type { Delivery } from '../../channel-adapter.js';
import { PublishedApi } from '../../published-api.testing.js';
import { BandwidthSms } from './adapter.js';
import { bandwidthConnection } from './played-bandwidth.testing.js';

const published = new PublishedApi(parse(readFileSync(createRequire(import.meta.url).resolve('bandwidth-sdk/bandwidth.yml'), 'utf8')));
beforeAll(() => published.listen());
afterAll(() => published.close());
beforeEach(() => published.answerWith());

const signal = () => AbortSignal.timeout(30_000);
const open = () => new BandwidthSms(bandwidthConnection({ baseUrl: published.url }));
const photo = { url: 'https://parley.example.test/media/ME1?expires=1&signature=a', contentType: 'image/jpeg', filename: 'a.jpg', bytes: 10 };
const plain: Delivery = {
  deliveryId: newSid('DY'), sender: '+12025550101', recipient: '+12025550102', body: 'hello & “goodbye” 👍', media: [], firstAttemptAt: new Date().toISOString(),
};

describe('Bandwidth, as it is published', () => {
  it.each<[string, Partial<Delivery>]>([
    ['a text', {}],
    ['the longest text', { body: 'a'.repeat(2048) }],
    ['files with a text', { media: [photo, { ...photo, url: 'https://parley.example.test/media/ME2' }] }],
    ['files alone', { body: null, media: [photo] }],
    ['a message to a group', { group: ['+12025550103', '+12025550104'] }],
    ['a name as sender', { sender: 'Parley' }],
  ])('takes %s', async (_, fields) => {
    expect(await open().send({ ...plain, ...fields }, signal())).toEqual({ providerMessageIds: [expect.stringMatching(/^\w+$/)] });
    expect(published).toMatchObject({ faults: [], served: ['createMessage'] });
  });

  it.each([
    [400, 'permanent', 'invalid_recipient', { type: 'request-validation', fieldErrors: [{ fieldName: 'to', description: 'must be a valid number' }] }],
    [400, 'permanent', 'rejected', { type: 'request-validation' }],
    [401, 'retryable', 'authentication', {}], [403, 'permanent', 'rejected', {}], [404, 'permanent', 'rejected', {}], [405, 'permanent', 'rejected', {}],
    [406, 'permanent', 'rejected', {}], [415, 'permanent', 'rejected', {}], [429, 'retryable', 'rate_limited', {}], [500, 'ambiguous', 'no_answer', {}],
  ])('is understood when it answers %i: %s', async (status, outcome, code, fields) => {
    published.answerWith('createMessage', { status, body: { type: 'error', description: 'in words', ...(status === 400 && { fieldErrors: [] }), ...fields } });
    await expect(open().send(plain, signal())).rejects.toMatchObject({ outcome, code, carrierCode: `HTTP ${status}: ${'type' in fields ? fields.type : 'error'}${'fieldErrors' in fields ? ' to' : ''}` });
    expect(published).toMatchObject({ faults: [], served: ['createMessage'] });
    expect(published.statusesOf('createMessage')).toEqual([202, 400, 401, 403, 404, 405, 406, 415, 429, 500]);
  });

  it('is asked for what it has, and its list and its pause are understood', async () => {
    expect(await open().lookup(plain, signal())).toEqual({ providerMessageIds: [expect.stringMatching(/^\w+$/)] });
    published.answerWith('listMessages', { status: 200, body: { totalCount: 0, messages: [] } });
    expect(await open().lookup(plain, signal())).toBeUndefined();
    published.answerWith('listMessages', { status: 429, headers: { 'retry-after': '300' } });
    await expect(open().lookup(plain, signal())).rejects.toMatchObject({ outcome: 'retryable', retryAfterMillis: 300_000 });
    expect(published).toMatchObject({ faults: [], served: ['listMessages'] });
  });

  it('would say so if a request were not as published', async () => {
    await expect(open().send({ ...plain, body: 'a'.repeat(2049) }, signal())).rejects.toMatchObject({ outcome: 'permanent' });
    expect(published.faults).toEqual(['Request body property text must NOT have more than 2048 characters']);
    for (const [body, fault] of [[{ to: 'x' }, /required property|must be array/], [{ applicationId: 'a', to: ['b'], from: 'c', tags: 'd' }, /^tags is not known/]] as const) {
      published.answerWith();
      await fetch(`${published.url}/api/v2/users/1/messages`, {
        method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', authorization: 'Basic YTpi' }, signal: signal(),
      });
      expect(published.faults).toEqual(expect.arrayContaining([expect.stringMatching(fault)]));
    }
  });
});
