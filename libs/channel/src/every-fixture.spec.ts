/**
 * Every payload of the given set, in one walk: which there are and what becomes of each is a list of its own
 * (fixtures/every-fixture.json), so none can drop out of a carrier's table or change unseen. What each event says in detail
 * is tested beside its adapter.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BandwidthSms } from './carriers/bandwidth/adapter.js';
import { bandwidthConnection } from './carriers/bandwidth/played-bandwidth.testing.js';
import { openMailgun } from './carriers/mailgun/adapter.js';
import { openSendgrid } from './carriers/sendgrid/adapter.js';
import { sendErrorOf } from './carriers/smpp/command-status.js';
import { eventOf, type Delivered } from './carriers/smpp/inbound.js';
import { decodePdu, MalformedPdu } from './carriers/smpp/pdu.js';
import { PduReader } from './carriers/smpp/pdu-reader.js';
import { settingsOf } from './carriers/smpp/played-smpp.testing.js';
import { TelnyxSms } from './carriers/telnyx/adapter.js';
import { TwilioSms } from './carriers/twilio/adapter.js';
import { VonageSms } from './carriers/vonage/adapter.js';
import { WhatsappCloud } from './carriers/whatsapp-cloud/adapter.js';
import { cloudSettings } from './carriers/whatsapp-cloud/definition.js';
import type { ChannelAdapter, RawWebhook } from './channel-adapter.js';
import { readMail } from './email/inbound-mail.js';
import type { InboundEvent } from './inbound-event.js';
import { playedConnection } from './played-http-carrier.testing.js';
import { InvalidSignature, SendError } from './send-error.js';

/** `kinds`: taken, and these events came of it. `http`: refused with this status. `outcome`: what an answer to a send means. */
type Verdict = { kinds: string[] } | { http: number } | { outcome: string };
type Entry = { id: string; table: string; sha256: string; verdict: Verdict };
type Fixture = {
  id: string; file?: string; clock?: string; request?: { method: string; url: string; headers: Record<string, string> };
  response?: { status: number; headers: Record<string, string> }; envelope?: { from: string; to: string[] };
};
type Table = { clock?: string; secrets: any; fixtures: Fixture[] };

const IN_ALL = 116;
const fixtures = (path: string) => readFileSync(new URL(`../fixtures/${path}`, import.meta.url));
const entries = JSON.parse(fixtures('every-fixture.json').toString()) as Entry[];
const tables = new Map([...new Set(entries.map(({ table }) => table))].map((name) => [name, JSON.parse(fixtures(`${name}/index.json`).toString()) as Table]));
const WHEN = '2026-11-22T12:00:00Z';
const about = { sid: 'CX1', account: 'AC1', publicUrl: 'https://channels.example.test', webhookUrl: 'https://channels.example.test/webhooks/x/CX1' };

/** As if it were the moment the payload came, with the secrets its signature was made with. */
const openers: Record<string, (of: { secrets: any; now: () => number; request?: Fixture['request']; baseUrl?: string }) => ChannelAdapter> = {
  twilio: ({ secrets, baseUrl = 'https://api.example.test' }) => new TwilioSms({ ...secrets, baseUrl, publicUrl: about.publicUrl }),
  telnyx: ({ secrets, now }) => new TelnyxSms(playedConnection({ apiKey: 'KEY', publicKey: secrets.publicKeyBase64 }, {}), now),
  vonage: ({ secrets }) => new VonageSms(playedConnection({ apiKey: secrets.apiKey, signatureSecret: secrets.signatureSecret, apiSecret: 'x' }, { smsApiSignature: 'unsigned' })),
  bandwidth: () => new BandwidthSms(bandwidthConnection()),
  'whatsapp-cloud': ({ secrets, baseUrl = 'https://graph.example.test' }) => new WhatsappCloud({
    ...about, credentials: { access_token: 'x', app_secret: secrets.appSecret, verify_token: secrets.verifyToken },
    settings: cloudSettings.parse({ baseUrl, phone_numbers: [{ id: '100000000000001', number: '+15550100100' }, { id: '100000000000009', number: '+15550100200' }] }),
  }),
  sendgrid({ secrets, now, request }) {
    const parseSecret = new URL(request!.url).searchParams.get('key');
    return Object.assign(openSendgrid({
      ...about, signingKey: secrets.replyToken.hmacKey, settings: { domain: secrets.replyToken.domain },
      credentials: { apiKey: 'SG.x', eventPublicKey: secrets.publicKeyDerBase64, ...(parseSecret === null ? { parsePublicKey: secrets.publicKeyDerBase64 } : { parseSecret }) },
    }), { now });
  },
  mailgun: ({ secrets, now }) => Object.assign(openMailgun({
    ...about, signingKey: secrets.replyToken.hmacKey, settings: { domain: secrets.replyToken.domain }, credentials: { apiKey: 'key', signingKey: secrets.signingKey },
  }), { now }),
};

const kindsOf = (events: InboundEvent[]): Verdict => ({ kinds: events.map(({ kind }) => kind) });

async function verdictOf(table: string, fixture: Fixture): Promise<Verdict> {
  const { clock = WHEN, secrets } = tables.get(table)!;
  const body = fixture.file === undefined ? Buffer.alloc(0) : fixtures(`${table}/${fixture.file}`);
  if (table === 'smpp') return ofPacket(fixture.id, body);
  if (fixture.envelope) {
    const { domain, hmacKey: key } = secrets.replyToken;
    return kindsOf(await readMail(body, fixture.envelope, { domain, key, loopMark: 'ours', authenticationServer: 'mx.example.test' }));
  }
  const open = (baseUrl?: string) => openers[table]!({ secrets, now: () => Date.parse(fixture.clock ?? clock), ...(fixture.request && { request: fixture.request }), ...(baseUrl && { baseUrl }) });
  return fixture.response ? ofAnswer(open, fixture.response, body) : ofWebhook(open(), { ...fixture.request!, body });
}

async function ofWebhook(adapter: ChannelAdapter, webhook: RawWebhook): Promise<Verdict> {
  try {
    if (webhook.method === 'GET') return { http: adapter.handshake!(webhook).status };
    return kindsOf(await adapter.parseWebhook(webhook));
  } catch (error) {
    if (error instanceof InvalidSignature) return { http: error.status };
    throw error;
  }
}

/** What a send comes to that is answered like this. */
async function ofAnswer(open: (baseUrl: string) => ChannelAdapter, { status, headers }: NonNullable<Fixture['response']>, body: Buffer): Promise<Verdict> {
  const server = createServer((_, reply) => reply.writeHead(status, headers).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const adapter = open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const prefix = adapter instanceof WhatsappCloud ? 'whatsapp:' : '';
  const delivery = { deliveryId: `DY${'0'.repeat(32)}` as const, sender: `${prefix}+15550100100`, recipient: `${prefix}+15550100002`, body: 'hi', media: [], firstAttemptAt: WHEN };
  const error: unknown = await adapter.send(delivery, AbortSignal.timeout(30_000)).catch((thrown: unknown) => thrown);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return { outcome: error instanceof SendError ? error.outcome : 'sent' };
}

function ofPacket(id: string, hex: Buffer): Verdict {
  try {
    const [packet] = [...new PduReader().push(Buffer.from(hex.toString().trim(), 'hex'))].map(decodePdu);
    if (packet!.command !== 'deliver_sm') return { outcome: sendErrorOf(packet!.status).outcome };
    return kindsOf([eventOf(packet as Delivered, settingsOf({ port: 1, ...(id === 'smpp-dlr-hex-dec' && { messageIdFormat: 'hexToDec' }) }), () => 'made')]);
  } catch (error) {
    if (error instanceof MalformedPdu) return { outcome: 'malformed' };
    throw error;
  }
}

it(`there are ${IN_ALL} payloads, each once`, () => expect(new Set(entries.map(({ id }) => id)).size).toBe(IN_ALL));

describe.each([...tables.keys()])('the table of %s', (table) => {
  const listed = entries.filter((entry) => entry.table === table);
  const known = new Map(tables.get(table)!.fixtures.map((fixture) => [fixture.id, fixture]));
  it('has all of its payloads and no others', () => expect([...known.keys()].toSorted()).toEqual(listed.map(({ id }) => id).toSorted()));
  it.each(listed)('$id', async ({ id, sha256, verdict }) => {
    const fixture = known.get(id)!;
    const body = fixture.file === undefined ? Buffer.alloc(0) : fixtures(`${table}/${fixture.file}`);
    expect(createHash('sha256').update(body).digest('hex').slice(0, 16)).toBe(sha256);
    expect(await verdictOf(table, fixture)).toEqual(verdict);
  });
});
