/** Mails as they really come, with what each must come to (fixtures/email/index.json). */
import { readFileSync } from 'node:fs';
import { eventKeyOf, type DeliveryReceipt, type InboundEvent, type InboundMessage } from '../inbound-event.js';
import { readMail, type MailHome } from './inbound-mail.js';

type Expected = {
  kind: string; text: string | null; subject?: string; conversationSid?: string | null; replyTo?: string; cc?: string[]; auth?: string; reason?: string;
  media: Array<Record<string, unknown>>; providerMessageId: string; inReplyTo: string | null; from: string; to: string;
  status?: string; deliveryStatus?: string; bounceType?: string; sanitizedHtmlMustNotContain?: string[];
};
type Fixture = { id: string; file: string; desc: string; envelope: { from: string; to: string[] }; expected: [Expected] };
const read = (file: string) => readFileSync(new URL(`../../fixtures/email/${file}`, import.meta.url));
const { fixtures, secrets } = JSON.parse(read('index.json').toString()) as { fixtures: Fixture[]; secrets: { replyToken: { hmacKey: string; domain: string } } };
const home: MailHome = { domain: secrets.replyToken.domain, key: secrets.replyToken.hmacKey, loopMark: 'ours', authenticationServer: 'mx.example.test' };
const idOf = (id: string) => (id.startsWith('sha256:') ? expect.stringMatching(/^sha256:[0-9a-f]{64}$/) : id) as string;

function seen(event: InboundEvent): Record<string, unknown> {
  if (event.kind === 'status') return statusSeen(event);
  if (event.kind === 'ignore') return { kind: 'ignore', from: event.from, to: event.to, providerMessageId: event.providerMessageId };
  const { kind, from, to, text, providerMessageId, inReplyTo, media, email } = event as InboundMessage;
  return { kind, from, to, text, providerMessageId, inReplyTo, media, subject: email!.subject };
}
const statusSeen = ({ from, to, providerMessageId, status, carrierCode, suppress }: DeliveryReceipt) => ({ from, to, providerMessageId, status, carrierCode, suppress });

describe('a mail', () => {
  for (const { id, file, desc, envelope, expected: [expected] } of fixtures)
    it(`${file}: ${desc}`, async () => {
      const [event] = await readMail(read(file), envelope, home);
      if (expected.kind === 'bounce') {
        // The report is about one of our mails: what matters is which, not the report's own id.
        const failed = expected.deliveryStatus !== 'sent';
        return expect(seen(event!)).toEqual({
          from: expected.from, to: expected.to, providerMessageId: expected.inReplyTo, status: expected.deliveryStatus,
          carrierCode: failed ? expect.stringContaining(expected.status!) : undefined, suppress: expected.bounceType === 'hard' ? 'bounce' : undefined,
        });
      }
      const { from, to, text, providerMessageId, inReplyTo, media, subject = null } = expected;
      if (expected.kind === 'ignore') {
        expect(event).toMatchObject({ reason: expected.reason });
        return expect(seen(event!)).toEqual({ kind: 'ignore', from, to, providerMessageId });
      }
      expect(seen(event!)).toEqual({
        kind: expected.kind === 'duplicate' ? 'message' : expected.kind, from, to, text, providerMessageId: idOf(providerMessageId), inReplyTo, subject,
        media: media.map(({ size, declaredContentType: _, blocked: __, ...file }) => expect.objectContaining({ ...file, ...(size !== undefined && { bytes: size }), content: expect.any(Buffer) as Buffer })),
      });
      const { email } = event as InboundMessage;
      expect(email!.replyToken?.toLowerCase() ?? null).toBe(expected.conversationSid ?? null);
      if (expected.cc) expect(email!.cc.map(({ address }) => address)).toEqual(expected.cc);
      if (expected.replyTo) expect(email!.replyTo).toBe(expected.replyTo);
      if (expected.auth) expect(email!.authentication.dmarc).toBe(expected.auth);
      for (const word of expected.sanitizedHtmlMustNotContain ?? []) expect(email!.html).not.toContain(word);
      if (id === 'interleaved') expect(email!.fullText).toContain('> Question one?');
      return undefined;
    });

  it('that comes twice, by whichever way, is the same event', async () => {
    const [first, again] = await Promise.all(['plain', 'plain-duplicate'].map((id) => readMail(read(`${id}.eml`), { from: 'ana@example.com', to: ['support@inbox.example.test'] }, home)));
    expect(eventKeyOf(again![0]!)).toBe(eventKeyOf(first![0]!));
    const bare = read('no-message-id.eml').toString();
    const carried = Buffer.from(`Return-Path: <ana@example.com>\r\nReceived: from a.test\r\n\tby b.test; now\r\n${bare.replace(/\r?\n/g, '\r\n')}`);
    const [one, other] = await Promise.all([Buffer.from(bare), carried].map((raw) => readMail(raw, { from: 'ana@example.com', to: ['support@inbox.example.test'] }, home)));
    expect(eventKeyOf(other![0]!)).toBe(eventKeyOf(one![0]!));
  });
});

describe('a hostile mail', () => {
  const head = 'From: Ana <ana@example.com>\r\nTo: support@inbox.example.test\r\nMessage-ID: <hostile@example.com>\r\n';
  const nested = Array.from({ length: 300 }, (_, i) => `Content-Type: multipart/mixed; boundary="b${i}"\r\n\r\n--b${i}\r\n`).join('');
  const html = (body: string) => `${head}Content-Type: text/html\r\n\r\n${body}`;
  const text = (body: string) => `${head}\r\n${body}`;
  it.each<[string, string, object]>([
    ['nests tags', html('<div>'.repeat(200_000)), { kind: 'message' }],
    ['nests quotes', html(`hi${'<blockquote type=cite>'.repeat(50_000)}`), { kind: 'message', text: 'hi' }],
    ['has more tags than anybody writes', html('<b>x</b>'.repeat(120_000)), { kind: 'message' }],
    ['has pictures in its text', html(`<img src="data:image/png;base64,${'A'.repeat(3_000_000)}">hello`), { kind: 'message', text: 'hello' }],
    ['has a line that looks like a quote all along', text(`On ${'a '.repeat(30)}`.repeat(1_500)), { kind: 'message' }],
    ['is one long line', text('>'.repeat(100_000)), { kind: 'message' }],
    ['nests parts', head + nested, { kind: 'ignore', reason: 'not readable' }],
    ['has no end of headers', `${head}${'X: y\r\n'.repeat(300_000)}\r\nhi`, { kind: 'ignore', reason: 'not readable' }],
    ['has a part of no type, though it says it has one', `${head}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type:\r\nContent-Disposition: attachment; filename=a\r\n\r\nx\r\n--b--\r\n`, {
      kind: 'message', text: 'hi', media: [{ contentType: 'application/octet-stream', filename: 'a' }],
    }],
    ['is of a charset nobody knows, with NULs and half characters', `${head}Content-Type: text/plain; charset=nope\r\n\r\nhi\0 there`, { kind: 'message', text: 'hi there' }],
    ['is nothing', '', { kind: 'ignore' }],
  ])('that %s is read in time', async (_what, raw, expected) => {
    const before = process.cpuUsage();
    const [event] = await readMail(Buffer.from(raw), { from: 'ana@example.com', to: ['support@inbox.example.test'] }, home);
    expect(event).toMatchObject(expected);
    expect(JSON.stringify(event)).not.toContain('\\u0000');
    // Processor time: of a fast machine tenths of a second; squares of these lengths would be minutes.
    expect(process.cpuUsage(before).user / 1_000_000).toBeLessThan(15);
  });
});
