/** Payloads as the Cloud API sends them, with what each must come to (fixtures/whatsapp-cloud/index.json). */
import { readFileSync } from 'node:fs';
import type { InboundEvent } from '../../inbound-event.js';
import { eventKeyOf } from '../../inbound-event.js';
import { InvalidSignature } from '../../send-error.js';
import { WhatsappCloud } from './adapter.js';
import { cloudSettings } from './definition.js';
import { refusal, statusFailure } from './errors.js';

type Fixture = {
  id: string; file: string; desc: string; signatureValid: boolean; expectHttp: number;
  expected: Array<Record<string, unknown> & { kind: string }>;
  request?: { method: string; url: string; headers: Record<string, string> }; response?: { status: number };
};
const read = (file: string) => readFileSync(new URL(`../../../fixtures/whatsapp-cloud/${file}`, import.meta.url));
const { fixtures, secrets } = JSON.parse(read('index.json').toString()) as { fixtures: Fixture[]; secrets: { appSecret: string; verifyToken: string } };

const adapter = new WhatsappCloud({
  sid: `CX${'0'.repeat(32)}`, account: `AC${'0'.repeat(32)}`, publicUrl: 'https://channels.example.test', webhookUrl: 'https://channels.example.test/webhooks/whatsapp',
  credentials: { access_token: 'played', app_secret: secrets.appSecret, verify_token: secrets.verifyToken },
  settings: cloudSettings.parse({ phone_numbers: [{ id: '100000000000001', number: '+15550100100' }, { id: '100000000000009', number: '+15550100200' }] }),
});

/** Where our form says the same in another place. */
function inTheirWords(event: InboundEvent): Record<string, unknown> {
  const { whatsapp = {} } = ('attributes' in event ? event.attributes ?? {} : {}) as { whatsapp?: Record<string, any> };
  return {
    text: null, media: [], inReplyTo: event.kind === 'edit' ? event.editedMessageId : event.kind === 'delete' ? event.deletedMessageId : null,
    ...whatsapp, ...event, ...(whatsapp['contacts'] && { contacts: whatsapp['contacts'].length }), ...(whatsapp['order'] && { order: true }),
    ...('carrierCode' in event ? { errorCode: Number(event.carrierCode) } : { errorCode: whatsapp['unsupported']?.errorCode }),
  };
}
/** What becomes of an event later, or is said only for people who read the table. */
const elsewhere = new Set(['stateAfter', 'unmatched', 'providerStatus']);
const here = (expected: Record<string, unknown>) => Object.fromEntries(Object.entries(expected).filter(([name]) => !elsewhere.has(name)));

describe('a webhook of the Cloud API', () => {
  for (const { id, desc, file, request, signatureValid, expected } of fixtures.filter(({ request }) => request?.method === 'POST'))
    it(`${id}: ${desc}`, () => {
      const parse = () => adapter.parseWebhook({ ...request!, body: read(file) });
      if (!signatureValid) return expect(parse).toThrow(new InvalidSignature(403));
      const events = parse();
      expect(adapter.answer.status).toBe(200);
      expect(events.map(inTheirWords)).toMatchObject(expected.map(here));
      return expect(new Set(events.map(eventKeyOf)).size).toBe(expected.length);
    });
});

describe('its handshake', () => {
  const ask = (url: string) => () => adapter.handshake({ method: 'GET', url, headers: {}, body: Buffer.alloc(0) });
  const wrong = fixtures.find(({ id }) => id === 'wa-verify-bad-token')!;
  it('a wrong token is refused', () => expect(ask(wrong.request!.url)).toThrow(new InvalidSignature(403)));
  it('the right token gets the challenge back, as plain text', () => expect(ask(wrong.request!.url.replace('nope', secrets.verifyToken))())
    .toEqual({ status: 200, contentType: 'text/plain', body: '1158201444' }));
  it('without mode: refused', () => expect(ask(`https://x.example/?hub.verify_token=${secrets.verifyToken}`)).toThrow(InvalidSignature));
});

describe('an answer of the Cloud API', () => {
  const outcomes: Record<string, object> = {
    retry: { outcome: 'retryable', code: 'recipient_rate_limited', errorCode: 63018, retryAfterMillis: 4_000 },
    permanent_failure: { outcome: 'permanent' }, pause_channel: { outcome: 'retryable', code: 'authentication', errorCode: 63001 },
  };
  for (const { id, desc, file, response, expected } of fixtures.filter(({ response }) => response))
    it(`${id}: ${desc}`, () => {
      const { outcome, needsTemplate } = expected as unknown as { outcome: string; needsTemplate?: boolean };
      expect(refusal(response!.status, JSON.parse(read(file).toString()), undefined)).toMatchObject({ ...outcomes[outcome], ...(needsTemplate && { errorCode: 63016 }) });
    });
  it.each([
    [429, undefined, 'retryable', 63018], [401, undefined, 'retryable', 63001], [500, undefined, 'ambiguous', 30008], [500, 131016, 'retryable', 63010],
    [400, 999_999, 'permanent', 63023], [400, 132001, 'permanent', 63027], [400, 131026, 'permanent', 63024], [403, 200, 'retryable', 63001],
  ])('HTTP %i with code %s is %s, %i', (status, code, outcome, errorCode) =>
    expect(refusal(status, code === undefined ? '<html>' : { error: { code } }, undefined)).toMatchObject({ outcome, errorCode }));
  it('a failed status outside the window says that a template would have been let through', () =>
    expect(statusFailure(131047)).toEqual({ errorCode: 63016, carrierCode: '131047', retryable: false, needsTemplate: true }));
  it('a failed status of somebody who wants no marketing says so', () =>
    expect(statusFailure(131050)).toEqual({ errorCode: 63049, carrierCode: '131050', retryable: false, suppress: 'marketing' }));
});

describe('what is not in the table', () => {
  const sign = (value: unknown) => {
    const { createHmac } = process.getBuiltinModule('node:crypto');
    const body = Buffer.from(typeof value === 'string' ? value : JSON.stringify({ object: 'whatsapp_business_account', entry: [{ id: '1', time: 1, changes: [value] }] }));
    return adapter.parseWebhook({ method: 'POST', url: 'https://x.example/', headers: { 'x-hub-signature-256': `sha256=${createHmac('sha256', secrets.appSecret).update(body).digest('hex')}` }, body });
  };
  const metadata = { phone_number_id: '100000000000001' };
  const messages = (message: object, contacts: object[] = []) => sign({ field: 'messages', value: { metadata, contacts, messages: [{ id: 'wamid.1', timestamp: '1795348790', ...message }] } });

  it('a person without a number is known by their id', () => expect(messages({ from_user_id: 'US.17', type: 'text', text: { body: 'hi' } }, [{ user_id: 'US.17', profile: { name: 'Ana', username: 'ana.x' } }]))
    .toMatchObject([{ from: 'whatsapp:US.17', externalUserId: 'US.17', profileName: 'Ana', attributes: { whatsapp: { username: 'ana.x' } }, sentAt: '2026-11-22T11:59:50.000Z' }]));
  it('a number of somebody else is passed over', () => expect(sign({ field: 'messages', value: { metadata: { phone_number_id: '7' }, messages: [{ id: 'wamid.1', from: '15550100002', type: 'text', text: { body: 'x' } }] } }))
    .toMatchObject([{ kind: 'ignore' }]));
  it.each<[string, object]>([
    ['in a list', { user_id_update: [{ user_id: { previous: 'US.1', current: 'US.2' } }] }], ['by itself', { user_id_update: { previous: 'US.1', current: 'US.2' } }],
    ['without a frame', { user_id: { previous: 'US.1', current: 'US.2' } }],
  ])('a new id of a person, %s, is a new address', (_, value) => expect(sign({ field: 'user_id_update', value: { metadata, ...value } }))
    .toMatchObject([{ kind: 'system', change: 'address_changed', from: 'whatsapp:US.1', to: 'whatsapp:+15550100100', newAddress: 'whatsapp:US.2' }]));
  it('the quality of a number is about that number, the state of a template about all', () => {
    const quality = { field: 'phone_number_quality_update', value: { display_phone_number: '1 555-010-0200', event: 'FLAGGED', current_limit: 'TIER_1K' } };
    expect(sign(quality)).toMatchObject([{ kind: 'system', change: 'sender_state', to: 'whatsapp:+15550100200', state: { phone_number_quality_update: { event: 'FLAGGED' } } }]);
    expect(sign({ field: 'message_template_status_update', value: { event: 'PAUSED' } })).toHaveLength(2);
  });
  it('marketing that is refused or allowed again is about that alone; other preferences are passed over', () => {
    const preference = (more: object) => sign({ field: 'user_preferences', value: { metadata, user_preferences: [{ wa_id: '15550100002', category: 'marketing_messages', value: 'stop', timestamp: 1731705721, ...more }] } });
    const about = { kind: 'system', change: 'marketing', from: 'whatsapp:+15550100002', to: 'whatsapp:+15550100100' };
    expect(preference({})).toMatchObject([{ ...about, allowed: false }]);
    expect(preference({ value: 'resume' })).toMatchObject([{ ...about, allowed: true }]);
    expect(preference({ wa_id: undefined, user_id: 'US.17' })).toMatchObject([{ ...about, from: 'whatsapp:US.17' }]);
    expect([...preference({ category: 'calls' }), ...preference({ value: 'later' }), ...preference({ wa_id: undefined })]).toEqual([]);
  });
  it('of several messages of one delivery the first are known by their own ids', () => {
    const status = (reference: string) => sign({ field: 'messages', value: { metadata, statuses: [{ id: 'wamid.1', status: 'failed', biz_opaque_callback_data: reference, errors: [{ code: 131053 }] }] } });
    const [first] = status(`DY${'1'.repeat(32)}/0`);
    expect(first).toMatchObject({ status: 'failed', errorCode: 63019 });
    expect(first).not.toHaveProperty('deliveryId');
    expect(status(`DY${'1'.repeat(32)}`)).toMatchObject([{ deliveryId: `DY${'1'.repeat(32)}` }]);
  });
  it('NULs, half characters and floods do not get through', () => {
    const [event] = messages({ from: '15550100002', type: 'contacts', contacts: [{ name: { formatted_name: 'A\0\ud800' }, 'k\0': '\\u0000', note: 'x'.repeat(9_000) }] });
    expect(JSON.stringify(event)).not.toMatch(/\\u0000(?<!\\\\u0000)|\\ud800/);
    expect(event).toMatchObject({ text: 'A\ufffd' });
    expect(event).not.toHaveProperty('attributes');
  });
  it('what is cut is not cut in the middle of a character', () => {
    const name = `${'x'.repeat(255)}😀`;
    const [event] = messages({ from: '15550100002', from_user_id: 'US.2', type: 'button', button: { text: 'x', payload: `${'x'.repeat(511)}😀` } }, [{ user_id: 'US.2', profile: { name, username: name } }]);
    expect(JSON.stringify(event)).not.toContain(String.raw`\ud83d`);
  });
  it('answers of a form that are nested without end do not get through', () => {
    const response_json = '['.repeat(15_000) + ']'.repeat(15_000);
    expect(messages({ from: '15550100002', type: 'interactive', interactive: { type: 'nfm_reply', nfm_reply: { name: 'flow', body: 'Sent', response_json } } })).toMatchObject([{ text: 'Sent' }]);
  });
  it.each([5, null, [null], [{ changes: 1 }], [{ changes: [{ field: 'messages', value: { metadata, messages: [null, 1, { type: 'text' }], statuses: [{}, { id: 1 }] } }] }], [{ changes: [{ field: 'messages', value: { metadata, messages: [{ id: 'wamid.1', from: '15550100002', type: '__proto__' }] } }] }]])(
    'shapes nobody documents are no errors (%j)', (entry) => expect(Array.isArray(sign(JSON.stringify({ entry })))).toBe(true));
  it('what is no JSON is no error', () => expect(sign('{')).toEqual([]));
});
