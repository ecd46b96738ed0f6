/**
 * The people of story.e2e.ts, each with what they hold in their hands: a phone at a carrier, WhatsApp, a mailbox. Whatever their
 * channel, a story only knows that they write, receive, and that their carrier reports.
 */
import { CloudApi } from '@parley/channel/carriers/whatsapp-cloud/cloud-api.testing';
import { playedTelnyx, signedByTelnyx, telnyxCredentials } from '@parley/channel/carriers/telnyx/played-telnyx.testing';
import type { RawWebhook } from '@parley/channel/channel-adapter';
import type { PlayedCarrier } from '@parley/channel/conformance.testing';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Caller } from './caller.js';
import { until } from './installation.js';
import { MailPeer, sparePort } from './mail-peer.js';

export type Got = { text: string; files: Buffer[] };
export type Picture = { name: string; bytes: Buffer };
export interface Customer {
  readonly channel: string;
  readonly address: string;
  /** The sender of ours they know. */
  readonly ours: string;
  /** The last receipt their channel can give. */
  readonly best: string;
  connect(caller: Caller): Promise<void>;
  write(text: string, picture?: Picture): Promise<void>;
  /** All they have, in the order it came. */
  received(): Promise<Got[]>;
  end(): Promise<void>;
}

const connectionOf = (caller: Caller, Carrier: string, credentials: object, settings: object) => caller.post<{ sid: string; webhook_url: string }>(
  '/v1/CarrierConnections', { Carrier, Credentials: JSON.stringify(credentials), Settings: JSON.stringify(settings) });
const fetched = async (url: string) => Buffer.from(await (await fetch(url)).arrayBuffer());

/** A phone: SMS and MMS by Telnyx, played on a socket. */
export class Phone implements Customer {
  readonly channel = 'sms';
  readonly address = '+12025550102';
  readonly ours = '+12025550101';
  readonly best = 'delivered';
  private readonly telnyx = playedTelnyx();
  /** Where the carrier keeps what people photograph. */
  private readonly pictures = new Map<string, Buffer>();
  private readonly store = createServer((request, response) => void response.writeHead(200, { 'content-type': 'image/png' }).end(this.pictures.get(request.url!)));
  private webhookUrl = '';
  private reported = 0;
  private reporting: NodeJS.Timeout | undefined;
  private carrier: PlayedCarrier | undefined;

  async connect(caller: Caller): Promise<void> {
    await Promise.all([this.telnyx.listen(), new Promise<void>((resolve) => this.store.listen(0, '127.0.0.1', resolve))]);
    const { sid, webhook_url } = await connectionOf(caller, 'telnyx', telnyxCredentials, { baseUrl: this.telnyx.url });
    await caller.post('/v1/Senders', { Address: this.ours, ConnectionSid: sid });
    this.webhookUrl = webhook_url.replace(/^.*(?=\/webhooks\/)/, new URL(caller.places.webhookUrl).origin);
    const carrier = (this.carrier = this.telnyx.play(webhook_url));
    this.reporting = setInterval(() => {
      for (; this.reported < this.telnyx.ids.length; this.reported++) {
        const [id, deliveryId] = [this.telnyx.ids[this.reported]!, carrier.references()[this.reported]!];
        for (const status of ['sent', 'delivered']) void this.tell(carrier.status({ id, status, deliveryId }));
      }
    }, 50);
  }

  async write(text: string, picture?: Picture): Promise<void> {
    const place = `/${randomUUID()}.png`;
    if (picture) this.pictures.set(place, picture.bytes);
    const url = `http://127.0.0.1:${(this.store.address() as AddressInfo).port}${place}`;
    await this.tell(signedByTelnyx({
      id: randomUUID(), direction: 'inbound', text, from: { phone_number: this.address }, to: [{ phone_number: this.ours, status: 'webhook_delivered' }], cc: [],
      media: picture ? [{ url, content_type: 'image/png', size: picture.bytes.length }] : [],
    }, this.webhookUrl));
  }

  received(): Promise<Got[]> {
    return Promise.all(this.telnyx.taken.map(async ({ body }) => {
      const { text = '', media_urls = [] } = JSON.parse(body) as { text?: string; media_urls?: string[] };
      return { text, files: await Promise.all(media_urls.map(fetched)) };
    }));
  }

  /** The carrier takes nothing more that is sent to this phone. */
  refuse(): void {
    this.carrier!.answerWith('refuse');
  }

  async end(): Promise<void> {
    clearInterval(this.reporting);
    this.store.closeAllConnections();
    await Promise.all([this.telnyx.close(), new Promise((resolve) => this.store.close(resolve))]);
  }

  private async tell({ method, url, headers, body }: RawWebhook): Promise<void> {
    const { search } = new URL(url);
    const answer = await fetch(this.webhookUrl + search, { method, headers: headers as Record<string, string>, body: new Uint8Array(body) });
    if (answer.status !== 200) throw new Error(`the webhook of the phone's carrier was answered ${answer.status}`);
  }
}

/** WhatsApp, by a stand-in of Meta's Cloud API; its owner reads everything at once. */
export class Whatsapp implements Customer {
  readonly channel = 'whatsapp';
  readonly address = 'whatsapp:+15550200002';
  readonly ours = 'whatsapp:+15550100100';
  readonly best = 'read';
  private readonly person = { phone: '+15550200002', userId: 'US.2', name: 'Ben' };
  private api!: CloudApi;

  async connect(caller: Caller): Promise<void> {
    this.api = await CloudApi.start();
    this.api.person(this.person);
    this.api.statuses = ['sent', 'delivered', 'read'];
    const { sid } = await connectionOf(caller, 'whatsapp-cloud', { access_token: this.api.token, app_secret: this.api.appSecret, verify_token: this.api.verifyToken }, {
      phone_numbers: this.api.numbers, baseUrl: this.api.url,
    });
    await caller.post('/v1/Senders', { Address: this.ours, ConnectionSid: sid });
    this.api.webhookUrl = `${caller.places.webhookUrl}/whatsapp-cloud/${sid}`;
    if ((await this.api.subscribe()).status !== 200) throw new Error('Meta was not answered');
  }

  async write(text: string, picture?: Picture): Promise<void> {
    const id = String(Math.floor(Math.random() * 1e15));
    if (picture) this.api.files.set(id, { type: 'image/png', bytes: picture.bytes });
    await this.api.says(this.person, picture ? { type: 'image', image: { id, mime_type: 'image/png', caption: text } } : { type: 'text', text: { body: text } });
  }

  received(): Promise<Got[]> {
    return Promise.all(this.api.sent.map(async ({ message }) => message['type'] === 'image'
      ? { text: (message['image'].caption as string | undefined) ?? '', files: [await fetched(message['image'].link as string)] }
      : { text: (message['text']?.body as string | undefined) ?? '', files: [] }));
  }

  async end(): Promise<void> {
    await this.api?.close();
  }
}

/** A mailbox on a mail server of its own; Parley is written to at its own listener. */
export class Mailbox implements Customer {
  readonly channel = 'email';
  readonly address = 'cleo@example.com';
  readonly ours = 'support@inbox.example.test';
  /** Mail servers do not tell more than that they took it. */
  readonly best = 'sent';
  private peer!: MailPeer;

  async connect(caller: Caller): Promise<void> {
    const port = await sparePort();
    this.peer = new MailPeer(port);
    const settings = { domain: 'inbox.example.test', host: '127.0.0.1', port: await this.peer.listen(), tls: 'none', subject: 'Order 17', listen: { port } };
    const { sid } = await connectionOf(caller, 'smtp', {}, settings);
    await caller.post('/v1/Senders', { Address: this.ours, ConnectionSid: sid });
    const probe = () => this.peer.write('probe@example.com', 'probe@elsewhere.example.test', { text: 'x' });
    await until(() => probe().then(() => false, (error: { responseCode?: number }) => error.responseCode === 550), 'the listener is open');
  }

  async write(text: string, picture?: Picture): Promise<void> {
    const [newest] = this.peer.arrived.toReversed();
    await this.peer.write(this.address, this.ours, {
      from: `Cleo <${this.address}>`, to: this.ours, subject: 'Re: Order 17', messageId: `<${randomUUID()}@example.com>`, text,
      ...(newest?.mail.messageId && { inReplyTo: newest.mail.messageId, references: newest.mail.messageId }),
      ...(picture && { attachments: [{ filename: picture.name, content: picture.bytes, contentType: 'image/png' }] }),
    });
  }

  async received(): Promise<Got[]> {
    return this.peer.arrived.map(({ mail }) => ({ text: mail.text ?? '', files: mail.attachments.map(({ content }) => content) }));
  }

  async end(): Promise<void> {
    await this.peer?.close();
  }
}
