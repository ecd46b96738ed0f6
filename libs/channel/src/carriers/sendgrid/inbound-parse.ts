/** SendGrid's Inbound Parse: the raw mail in one field (`send_raw`, which is better), or a mail taken apart into fields. */
import { statedAuthentication, type Authentication } from '../../email/authentication.js';
import { mailOf } from '../../email/field-mail.js';
import type { FormParts } from '../../email/form-parts.js';
import { eventOf, type Envelope, type MailHome } from '../../email/inbound-mail.js';
import type { InboundEvent } from '../../inbound-event.js';

/** `arrivedFrom`: the address of the server that handed it in. */
type Read = (raw: Buffer, envelope: Envelope, arrivedFrom: string) => Promise<InboundEvent[]>;

export async function parsedMail(form: FormParts, home: MailHome, read: Read): Promise<InboundEvent[]> {
  const envelope = envelopeOf(form.text('envelope'));
  const raw = form.parts.find(({ name }) => name === 'email');
  if (raw) return read(raw.bytes, envelope, form.text('sender_ip') ?? '');
  const charsets = json(form.text('charsets'));
  const contentIds = new Map(Object.entries(json(form.text('content-ids'))).map(([cid, field]) => [String(field), cid]));
  const text = (name: string) => form.text(name, typeof charsets[name] === 'string' ? charsets[name] : undefined);
  // Message-ID, In-Reply-To and References are nowhere but in the head.
  const head = form.text('headers');
  if (head === undefined) return [];
  const mail = await mailOf({
    head, text: text('text'), html: text('html'),
    files: form.parts.filter(({ name }) => /^attachment\d+$/.test(name))
      .map(({ name, filename, contentType, bytes }) => ({ filename, contentType, bytes, contentId: contentIds.get(name) })),
  });
  return [eventOf(mail, envelope, home, { ...foundBySendgrid(form), ...statedAuthentication(mail, home) })];
}

/** `pass`, and `{@example.com : pass, @lists.test : fail}`: of several DKIM signatures one that fits is enough. */
export function foundBySendgrid(form: FormParts): Authentication {
  const spf = /^[a-z]+/.exec(form.text('SPF')?.toLowerCase().trim() ?? '')?.[0];
  const signatures = [...(form.text('dkim') ?? '').toLowerCase().matchAll(/:\s*([a-z]+)/g)].map(([, verdict]) => verdict!);
  const dkim = signatures.find((verdict) => verdict === 'pass') ?? signatures[0];
  return { ...(dkim && { dkim }), ...(spf && { spf }) };
}

function envelopeOf(text: string | undefined): Envelope {
  const { from, to } = json(text) as { from?: unknown; to?: unknown };
  return { from: typeof from === 'string' ? from : undefined, to: Array.isArray(to) ? to.filter((one): one is string => typeof one === 'string') : [] };
}

function json(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {};
  } catch {
    return {};
  }
}
