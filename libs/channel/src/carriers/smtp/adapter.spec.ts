/** Mail servers on real sockets: the conformance suite, one that takes our mail (or does not), and ours that takes theirs. */
import { newSid } from '@parley/domain/sid';
import { generateKeyPairSync } from 'node:crypto';
import type { AddressInfo, LookupFunction } from 'node:net';
import { createServer, type Server } from 'node:net';
import { createTransport, type NodemailerError } from 'nodemailer';
import { SMTPServer } from 'smtp-server';
import { sessionConformsToTheChannelPort } from '../../conformance.testing.js';
import type { InboundEvent } from '../../inbound-event.js';
import type { SendError } from '../../send-error.js';
import { MAIL_DOMAIN, mailConnection, mailDelivery, textFile } from '../../email/mail-delivery.testing.js';
import { parseMail, type Mail } from '../../email/mail.js';
import { openSmtp, type SmtpAdapter } from './adapter.js';
import type { SmtpCredentials, SmtpSettings } from './definition.js';
import { PlayedSmtp } from './played-smtp.testing.js';

const played = new PlayedSmtp();
beforeAll(() => played.listen());
afterAll(() => played.close());
sessionConformsToTheChannelPort('SMTP', () => played.play());

type Taken = { from: string; to: string[]; raw: Buffer; dsn: unknown };
const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => { for (const close of closing.splice(0).reverse()) await close(); });

const refused = (responseCode: number, message: string) => Object.assign(new Error(message), { responseCode });

/** `answer`: what it says to the recipient, or does at the end of the mail. */
async function mailServer(answer?: { rcpt?: Error; data?: Error | 'hang' | 'drop' }) {
  const taken: Taken[] = [];
  const server = new SMTPServer({
    disabledCommands: ['AUTH'], hideSTARTTLS: true, logger: false, disableReverseLookup: true, closeTimeout: 100,
    onRcptTo: (_address, _session, callback) => callback(answer?.rcpt ?? null),
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        taken.push({ from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(({ address }) => address), raw: Buffer.concat(chunks), dsn: mailFrom === false ? null : mailFrom.args });
        if (answer?.data === 'hang') return;
        if (answer?.data === 'drop') return void [...server.connections].forEach((connection) => (connection as unknown as { _socket: { destroy(): void } })._socket.destroy());
        callback(answer?.data ?? null);
      });
    },
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  closing.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { taken, port: (server.server.address() as AddressInfo).port };
}

function open(port: number, { credentials = {}, ...settings }: Partial<SmtpSettings> & { credentials?: SmtpCredentials } = {}): SmtpAdapter {
  const adapter = openSmtp(mailConnection('smtp', credentials, { host: '127.0.0.1', port, tls: 'none' as const, ...settings }));
  closing.push(() => adapter.close());
  return adapter;
}
const send = (adapter: SmtpAdapter, delivery = mailDelivery(), millis = 30_000) => adapter.send(delivery, AbortSignal.timeout(millis));
const failure = (work: Promise<unknown>) => work.then(() => { throw new Error('was sent'); }, (error: SendError) => error);

describe('a mail that goes out', () => {
  it.each([['none'], ['immediate']] as const)('goes where its server is looked up, and nowhere inside: TLS %s', async (tls) => {
    const { taken, port } = await mailServer();
    const opened = (lookup: LookupFunction) => {
      const adapter = openSmtp({ ...mailConnection('smtp', {}, { host: 'mail.example.com', port, tls }), lookup });
      closing.push(() => adapter.close());
      return adapter;
    };
    const inside: LookupFunction = (_name, _options, done) => done(Object.assign(new Error('inside'), { code: 'EPRIVATE' }), '', 0);
    expect(await failure(send(opened(inside)))).toMatchObject({ outcome: 'retryable', code: 'unreachable' });
    expect(taken).toEqual([]);
    if (tls === 'immediate') return;
    await send(opened((_name, { all }, done) => (all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4))));
    expect(taken).toHaveLength(1);
  });

  it('says who, about what, in which thread, and where answers and bounces go', async () => {
    const { taken, port } = await mailServer();
    const delivery = mailDelivery({ authorName: 'Bö', subject: 'Re: Größe 17', inReplyTo: '<m2@example.com>', references: ['<m1@example.com>', '<m2@example.com>'], media: [textFile('notes', 'résumé.txt')] });
    const { providerMessageIds } = await send(open(port), delivery);
    const [{ from, to, raw }] = taken as [Taken];
    const name = `im-${delivery.deliveryId.slice(2)}`;
    expect([from, to]).toEqual([`bounce+${name}@${MAIL_DOMAIN}`, ['ana@example.com']]);
    const mail: Mail = await parseMail(raw);
    expect(providerMessageIds).toEqual([mail.messageId]);
    expect(mail).toMatchObject({
      messageId: `<${name}@${MAIL_DOMAIN}>`, from: { address: `support@${MAIL_DOMAIN}`, name: 'Bö' }, to: [{ address: 'ana@example.com' }], subject: 'Re: Größe 17',
      inReplyTo: '<m2@example.com>', references: ['<m1@example.com>', '<m2@example.com>'], text: delivery.body,
      replyTo: { address: expect.stringMatching(new RegExp(`^reply\\+${delivery.conversationSid!.toLowerCase()}\\.[0-9a-f]{10}@`)) as string },
    });
    expect(mail.html).toContain('<a href="https://example.com/order?id=17&amp;x=1">');
    expect(mail.attachments.map(({ filename, content }) => [filename, content.toString()])).toEqual([['résumé.txt', 'notes']]);
    expect(mail.headers('x-conversations-loop')).toHaveLength(1);
    expect(mail.headers('list-unsubscribe')).toEqual([]);
    expect(mail.headers('auto-submitted')).toEqual([]);
  });

  it('says so where a machine wrote it, so that no machine answers', async () => {
    const { taken, port } = await mailServer();
    await send(open(port), mailDelivery({ automatic: true }));
    const mail = await parseMail(taken[0]!.raw);
    expect(['auto-submitted', 'x-auto-response-suppress'].map((name) => mail.headers(name))).toEqual([['auto-replied'], ['All']]);
    expect(taken[0]!.from).toMatch(/^bounce\+im-/);
  });

  it('can be signed, and carry a way to unsubscribe by one click', async () => {
    const { taken, port } = await mailServer();
    const dkimPrivateKey = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } }).privateKey;
    const adapter = open(port, { credentials: { dkimPrivateKey }, dkimSelector: 's1', listUnsubscribe: true });
    const delivery = mailDelivery();
    await send(adapter, delivery);
    const mail = await parseMail(taken[0]!.raw);
    expect(mail.headers('dkim-signature')[0]).toMatch(/d=inbox\.example\.test;.* s=s1;.* h=[^;]*:list-unsubscribe:list-unsubscribe-post[:;]/i);
    const [, url] = /^<(https:[^>]+)>, <mailto:unsub\+[^>]+>$/.exec(mail.headers('list-unsubscribe')[0]!)!;
    expect(mail.headers('list-unsubscribe-post')).toEqual(['List-Unsubscribe=One-Click']);
    const click = { method: 'POST', url: url!, headers: {}, body: Buffer.from('List-Unsubscribe=One-Click') };
    expect(adapter.handshake({ ...click, method: 'GET' })).toMatchObject({ status: 200 });
    expect(await adapter.parseWebhook(click)).toMatchObject([{ kind: 'status', deliveryId: delivery.deliveryId, suppress: 'unsubscribe' }]);
    await expect(adapter.parseWebhook({ ...click, url: url!.replace(/.$/, (last) => (last === '0' ? '1' : '0')) })).rejects.toMatchObject({ name: 'InvalidSignature' });
  });

  it.each([
    ['550 5.1.1', { rcpt: refused(550, '5.1.1 no such user') }, 'permanent', 'invalid_recipient', 30005],
    ['554 5.7.1', { data: refused(554, '5.7.1 looks like spam') }, 'permanent', 'content_refused', 30007],
    ['552 5.3.4', { data: refused(552, '5.3.4 too large') }, 'permanent', 'content_refused', 30019],
    ['451 4.7.1', { rcpt: refused(451, '4.7.1 come again later') }, 'retryable', 'rate_limited', 30007],
    ['452 4.2.2', { rcpt: refused(452, '4.2.2 mailbox full') }, 'retryable', 'unreachable', 30003],
    ['421 4.3.2', { data: refused(421, '4.3.2 too many connections') }, 'retryable', 'rate_limited', 30003],
  ])('that is answered %s', async (_reply, answer, outcome, code, errorCode) => {
    const { port } = await mailServer(answer);
    expect(await failure(send(open(port)))).toMatchObject({ name: 'SendError', outcome, code, errorCode });
  });

  it('is tried again where nobody listens or nobody speaks, and is in doubt where nobody answers the mail', async () => {
    const silent: Server = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    await new Promise((resolve) => silent.close(resolve));
    expect(await failure(send(open(port)))).toMatchObject({ outcome: 'retryable', code: 'unreachable' });
    // As when its packets are dropped on the way.
    const lookup: LookupFunction = (_name, _options, done) => done(Object.assign(new Error('connect ETIMEDOUT'), { code: 'ETIMEDOUT' }), '', 0);
    const unheard = openSmtp({ ...mailConnection('smtp', {}, { host: 'mail.example.com', port, tls: 'none' as const }), lookup });
    closing.push(() => unheard.close());
    expect(await failure(send(unheard))).toMatchObject({ outcome: 'retryable', code: 'unreachable' });
    const hanging = await mailServer({ data: 'hang' });
    expect(await failure(send(open(hanging.port), mailDelivery(), 300))).toMatchObject({ outcome: 'ambiguous' });
    const dropping = await mailServer({ data: 'drop' });
    expect(await failure(send(open(dropping.port)))).toMatchObject({ outcome: 'ambiguous' });
    for (const end = Date.now() + 30_000; hanging.taken.length === 0 && Date.now() < end;) await new Promise((resolve) => setTimeout(resolve, 5));
    expect([hanging.taken.length, dropping.taken.length]).toEqual([1, 1]);
  });

  it('waits for its operator when the login is refused', async () => {
    const { port } = await mailServer();
    expect(await failure(send(open(port, { credentials: { user: 'u', password: 'p' } })))).toMatchObject({ outcome: 'retryable', code: 'authentication' });
  });
});

describe('a mail that comes in', () => {
  async function listening(protocol: 'smtp' | 'lmtp', authenticate = false) {
    const events: InboundEvent[] = [];
    const sink = { stored: true, receive: async (all: InboundEvent[]) => { if (!sink.stored) throw new Error('no database'); events.push(...all); } };
    const spare = createServer();
    await new Promise<void>((resolve) => spare.listen(0, '127.0.0.1', resolve));
    const { port } = spare.address() as AddressInfo;
    await new Promise((resolve) => spare.close(resolve));
    const adapter = open(1, { listen: { port, protocol, authenticate } });
    await adapter.listen(sink);
    const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true, lmtp: protocol === 'lmtp' });
    closing.push(() => transport.close());
    const write = (to: string, text: string) => transport.sendMail({ from: 'Ana <ana@example.com>', to, subject: 'Order 17', text, messageId: `<${newSid('IM')}@example.com>` });
    return { events, sink, write, adapter };
  }

  it.each(['smtp', 'lmtp'] as const)('by %s is taken once it is stored', async (protocol) => {
    const { events, write, sink } = await listening(protocol);
    await write(`support@${MAIL_DOMAIN}`, 'hello');
    expect(events).toMatchObject([{ kind: 'message', from: 'ana@example.com', to: `support@${MAIL_DOMAIN}`, text: 'hello', email: { subject: 'Order 17' } }]);
    sink.stored = false;
    // By LMTP each recipient is answered for itself.
    const answer = (to: string) => write(to, 'again').then(({ rejectedErrors }) => rejectedErrors?.[0]?.responseCode, (error: NodemailerError) => error.responseCode);
    expect(await answer(`support@${MAIL_DOMAIN}`)).toBe(451);
    expect(await answer('someone@elsewhere.example.test')).toBe(550);
    expect(events).toHaveLength(1);
  });

  it('is held against SPF, DKIM and DMARC where we are the one who receives', async () => {
    const { events, write, adapter } = await listening('smtp', true);
    const records: Record<string, string[][]> = { 'example.com TXT': [['v=spf1 -all']], '_dmarc.example.com TXT': [['v=DMARC1; p=reject']] };
    adapter.resolver = async (name, type) => records[`${name} ${type}`] ?? Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' }));
    await write(`support@${MAIL_DOMAIN}`, 'really me');
    expect(events).toMatchObject([{ email: { authentication: { spf: 'fail', dmarc: 'fail' } } }]);
  });
});
