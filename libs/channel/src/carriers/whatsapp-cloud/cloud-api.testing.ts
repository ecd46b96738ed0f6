/**
 * A stand-in for Meta's Cloud API on a real socket, written from the documented facts (channel facts, section 2), as there is
 * none to be had: messages with their rules and refusals, read marks, files (upload, address, download), the 24-hour window,
 * people with and without a phone number, signed webhooks with statuses in any order. It is ours, not Meta's: what the facts
 * do not say it does not know either.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageValue, payload, signed, statusValue, written, type CloudNumber, type Person } from './cloud-webhooks.testing.js';

export type SentToCloud = { id: string; number: CloudNumber; to: string; reference: string; message: Record<string, any> };
/** `code`: that error of theirs. `fine`: none. `hang`: no answer. `drop`: taken, then the connection closes. `break`: 503 without a word of theirs. */
export type Trouble = { code: number; status?: number; retryAfter?: number } | 'fine' | 'hang' | 'drop' | 'break';

const WINDOW_MILLIS = 24 * 3600_000;
const interactiveMax: Record<string, (action: any) => boolean> = {
  button: ({ buttons }) => buttons.length >= 1 && buttons.length <= 3 && buttons.every(({ reply }: any) => reply.title.length <= 20 && reply.id.length <= 256),
  list: ({ button, sections }) => button.length <= 20 && sections.flatMap(({ rows }: any) => rows).length <= 10,
  cta_url: ({ parameters }) => parameters.display_text.length <= 20 && URL.canParse(parameters.url),
};

export class CloudApi {
  readonly token = 'EAAstandin';
  readonly appSecret = 'standin-app-secret';
  readonly verifyToken = 'standin-verify';
  readonly numbers: CloudNumber[] = [{ id: '100000000000001', number: '+15550100100' }, { id: '100000000000009', number: '+15550100200' }];
  readonly sent: SentToCloud[] = [];
  readonly reads: { number: CloudNumber; messageId: string; typing: boolean }[] = [];
  /** Read marks and typing are taken and never answered. */
  hangsOnReads = false;
  /** Files people sent, and those uploaded to them. */
  readonly files = new Map<string, { type: string; bytes: Buffer; filename?: string }>();
  /** Approved templates by name, with how many values their body takes. */
  readonly templates = new Map<string, { language: string; parameters: number }>();
  /** Reported after each message that was taken, in this order. */
  statuses: string[] = [];
  /** Outside the window: refused at once, or taken and reported as failed. */
  windowErrors: 'none' | 'at once' | 'later' = 'none';
  /** Where webhooks go. */
  webhookUrl: string | undefined;
  private readonly troubles: Trouble[] = [];
  private readonly people = new Map<string, Person>();
  private readonly heard = new Map<string, number>();
  private counter = 0;
  private readonly server = createServer((request, response) => {
    this.handle(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  /** Webhooks on their way; they go one after another. */
  private calling: Promise<unknown> = Promise.resolve();

  static async start(): Promise<CloudApi> {
    const api = new CloudApi();
    await new Promise<void>((resolve) => api.server.listen(0, '127.0.0.1', resolve));
    return api;
  }
  get url(): string { return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`; }
  async close(): Promise<void> {
    await this.calling;
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** The next so many messages meet this. */
  trouble(trouble: Trouble, times = 1): void { this.troubles.push(...Array.from({ length: times }, () => trouble)); }
  clear(): void { this.troubles.length = 0; this.sent.length = 0; this.reads.length = 0; }

  person(person: Person): Person {
    for (const name of [person.phone, person.userId]) if (name) this.people.set(name, person);
    return person;
  }

  /** Meta's question before it sends anything: the status and text of the answer. */
  async subscribe(verifyToken = this.verifyToken): Promise<{ status: number; body: string }> {
    const query = new URLSearchParams({ 'hub.mode': 'subscribe', 'hub.verify_token': verifyToken, 'hub.challenge': '1158201444' });
    const answer = await fetch(`${this.webhookUrl}?${query}`);
    return { status: answer.status, body: await answer.text() };
  }

  /** Somebody writes; `message` is the particular part, `{ type: 'text', text: { body } }`. Resolves with the id once we were answered. */
  async says(person: Person, message: object, { number = this.numbers[0]!, id = this.newId(), at = Date.now() } = {}): Promise<string> {
    this.person(person);
    for (const name of [person.phone, person.userId]) if (name) this.heard.set(`${number.id} ${name}`, at);
    await this.call(payload(number, messageValue(person, id, message, at)));
    return id;
  }

  /** As if they had never written. */
  forget({ phone, userId }: Person): void {
    for (const { id } of this.numbers) for (const name of [phone, userId]) this.heard.delete(`${id} ${name}`);
  }

  /** What becomes of a message we were sent. */
  async reports({ id, number, to, reference }: SentToCloud, status: string, code?: number): Promise<void> {
    const recipient = this.people.get(to);
    await this.call(payload(number, statusValue(id, status, { reference, ...(recipient && { recipient }), ...(code !== undefined && { code }) })));
  }

  /** Any other change of a number. */
  tells(field: string, value: object, number = this.numbers[0]!): Promise<void> { return this.call(payload(number, value, field)); }

  newId(): string { return `wamid.${Buffer.from(`STANDIN-${++this.counter}-${randomBytes(3).toString('hex')}`).toString('base64')}`; }

  private call(content: object): Promise<void> {
    const body = written(content);
    const calling = this.calling.catch(() => {}).then(async () => {
      if (this.webhookUrl === undefined) return;
      const answer = await fetch(this.webhookUrl, { method: 'POST', body, headers: signed(this.appSecret, body) });
      if (answer.status !== 200) throw new Error(`webhook answered ${answer.status}`);
    });
    this.calling = calling.catch(() => {});
    return calling;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, this.url);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    if (request.headers.authorization !== `Bearer ${this.token}`) return refuse(response, { code: 190, status: 401 });
    const file = this.files.get(url.pathname.split('/').at(-1)!);
    if (url.pathname.startsWith('/files/')) {
      if (!file) return void response.writeHead(404).end();
      return void response.writeHead(200, { 'content-type': file.type }).end(file.bytes);
    }
    const [, version, subject, edge] = url.pathname.split('/');
    if (!/^v\d+\.\d$/.test(version ?? '')) return refuse(response, { code: 100 });
    if (request.method === 'GET') {
      if (!file) return refuse(response, { code: 100, status: 404 });
      return answer(response, { messaging_product: 'whatsapp', id: subject, url: `${this.url}/files/${subject}`, mime_type: file.type, file_size: file.bytes.length });
    }
    const number = this.numbers.find(({ id }) => id === subject);
    if (!number) return refuse(response, { code: 33 });
    if (edge === 'media') return this.upload(request, response, body);
    return this.take(response, number, JSON.parse(body.toString()) as Record<string, any>);
  }

  private async upload(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': request.headers['content-type']! } }).formData();
    const file = form.get('file');
    if (form.get('messaging_product') !== 'whatsapp' || !(file instanceof File)) return refuse(response, { code: 100 });
    const id = String(900_000_000_000_000 + ++this.counter);
    this.files.set(id, { type: String(form.get('type')), bytes: Buffer.from(await file.arrayBuffer()), filename: file.name });
    return answer(response, { id });
  }

  private take(response: ServerResponse, number: CloudNumber, message: Record<string, any>): void {
    if (message['messaging_product'] !== 'whatsapp') return refuse(response, { code: 131008 });
    if (message['status'] === 'read') {
      this.reads.push({ number, messageId: message['message_id'], typing: message['typing_indicator'] !== undefined });
      if (!this.hangsOnReads) return answer(response, { success: true });
      return undefined;
    }
    const trouble = this.troubles.shift();
    if (trouble === 'hang') return undefined;
    if (trouble === 'break') return void response.writeHead(503).end('<html>');
    if (typeof trouble === 'object') return refuse(response, trouble);
    const to = String(message['to'] ?? message['recipient'] ?? '');
    const wrong = this.wrongWith(message, to);
    if (wrong !== undefined) return refuse(response, { code: wrong });
    const open = message['type'] === 'template' || (this.heard.get(`${number.id} ${to}`) ?? 0) > Date.now() - WINDOW_MILLIS;
    if (!open && this.windowErrors === 'at once') return refuse(response, { code: 131047 });
    const sent = { id: this.newId(), number, to, reference: String(message['biz_opaque_callback_data'] ?? ''), message };
    this.sent.push(sent);
    const late = !open && this.windowErrors === 'later';
    for (const status of late ? ['failed'] : this.statuses) void this.reports(sent, status, late ? 131047 : undefined).catch(() => {});
    if (trouble === 'drop') return void response.destroy();
    const person = this.people.get(to);
    return answer(response, {
      messaging_product: 'whatsapp', contacts: [{ input: to, ...((person?.phone ?? to).startsWith('+') && { wa_id: (person?.phone ?? to).slice(1) }), ...(person && { user_id: person.userId }) }],
      messages: [{ id: sent.id, message_status: 'accepted' }],
    });
  }

  /** A code of theirs; undefined: nothing. */
  private wrongWith({ type, text, interactive, template, ...message }: Record<string, any>, to: string): number | undefined {
    if (!/^(\+?\d{5,15}|[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128})$/.test(to)) return 131009;
    if (String(message['biz_opaque_callback_data'] ?? '').length > 512) return 100;
    if (type === 'text') return typeof text?.body === 'string' && text.body.length > 0 && text.body.length <= 4096 ? undefined : 131009;
    if (type === 'interactive') return interactive.body.text.length <= 1024 && interactiveMax[interactive.type]?.(interactive.action) ? undefined : 131009;
    if (type === 'template') {
      const known = this.templates.get(template.name);
      if (known?.language !== template.language.code) return 132001;
      const given = template.components?.find((component: any) => component.type === 'body')?.parameters.length ?? 0;
      return given === known?.parameters ? undefined : 132000;
    }
    if (type === 'reaction') return typeof message['reaction']?.message_id === 'string' ? undefined : 131009;
    if (['image', 'audio', 'video', 'document', 'sticker'].includes(type)) {
      const { link, id } = message[type] ?? {};
      return (link !== undefined && URL.canParse(link)) || this.files.has(id) ? undefined : 131053;
    }
    return ['location', 'contacts'].includes(type) ? undefined : 131051;
  }
}

const answer = (response: ServerResponse, content: object) => void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(content));
const refuse = (response: ServerResponse, { code, status = 400, retryAfter }: Exclude<Trouble, string>) => void response
  .writeHead(status, { 'content-type': 'application/json', ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }) })
  .end(JSON.stringify({ error: { message: `(#${code}) played`, type: 'OAuthException', code, error_data: { messaging_product: 'whatsapp', details: 'played' }, fbtrace_id: 'x' } }));
