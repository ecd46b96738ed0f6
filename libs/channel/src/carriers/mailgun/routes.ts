/** What a Mailgun route forwards: the raw mail, or a mail taken apart into fields. */
import { statedAuthentication } from '../../email/authentication.js';
import { mailOf } from '../../email/field-mail.js';
import type { FormParts } from '../../email/form-parts.js';
import { eventOf, type Envelope, type MailHome } from '../../email/inbound-mail.js';
import type { InboundEvent } from '../../inbound-event.js';

export async function routedMail(form: FormParts, home: MailHome, read: (raw: Buffer, envelope: Envelope) => Promise<InboundEvent[]>): Promise<InboundEvent[]> {
  const recipients = (form.text('recipient') ?? '').split(',').map((one) => one.trim()).filter(Boolean);
  const envelope = { from: form.text('sender'), to: recipients };
  const raw = form.text('body-mime');
  if (raw !== undefined) return read(form.parts.find(({ name }) => name === 'body-mime')!.bytes, envelope);
  const contentIds = new Map(Object.entries(object(form.text('content-id-map'))).map(([cid, field]) => [String(field), cid]));
  const mail = await mailOf({
    head: headOf(form), text: form.text('body-plain'), html: form.text('body-html'),
    files: form.parts.filter(({ name }) => /^attachment-\d+$/.test(name))
      .map(({ name, filename, contentType, bytes }) => ({ filename, contentType, bytes, contentId: contentIds.get(name) })),
  });
  return [eventOf(mail, envelope, home, statedAuthentication(mail, home))];
}

/** All headers come as a JSON list; the few that matter are also fields of their own. */
function headOf(form: FormParts): string {
  const listed = list(form.text('message-headers'));
  const names = new Set(listed.map(([name]) => name.toLowerCase()));
  const single = ['From', 'Subject', 'Message-Id', 'In-Reply-To', 'References'].filter((name) => !names.has(name.toLowerCase()))
    .flatMap((name): [string, string][] => {
      const value = form.text(name) ?? form.text(name.toLowerCase());
      return value === undefined ? [] : [[name, value]];
    });
  return [...listed, ...single].map(([name, value]) => `${name}: ${value.replace(/\r?\n(?![ \t])/g, ' ')}`).join('\r\n');
}

function list(text: string | undefined): [string, string][] {
  const value = json(text);
  return (Array.isArray(value) ? value : []).filter((pair): pair is [string, string] =>
    Array.isArray(pair) && typeof pair[0] === 'string' && /^[A-Za-z0-9-]+$/.test(pair[0]) && typeof pair[1] === 'string');
}

function object(text: string | undefined): Record<string, unknown> {
  const value = json(text);
  return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {};
}

function json(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined;
  }
}
