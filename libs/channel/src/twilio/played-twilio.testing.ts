/// <reference types="jest" />
/** Twilio's Messaging API played on a real socket, for the conformance suite of every adapter that speaks it. */
import { newSid } from '@parley/domain/sid';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ChannelAdapter, Delivery, RawWebhook } from '../channel-adapter.js';
import type { CarrierAnswer, PlayedCarrier } from '../conformance.testing.js';
import { twilioSignature } from '../signatures.js';
import type { TwilioOptions } from './messaging-adapter.js';

const accountSid = newSid('AC');
const authToken = 'played';
const publicUrl = 'https://parley.example.test';

export class PlayedTwilio {
  private readonly server: Server;
  /** Was free a moment ago: nobody listens there. */
  private readonly nowhere = createServer();
  private nowhereUrl = '';
  private answer: CarrierAnswer = 'accept';
  private received: Array<{ reference: string; form: URLSearchParams }> = [];

  constructor(private readonly build: (options: TwilioOptions) => ChannelAdapter) {
    this.server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        if (request.method === 'GET') return response.end(JSON.stringify({ messages: this.received.map(resource) }));
        if (this.answer === 'hang') return undefined;
        if (this.answer === 'throttle')
          return response.writeHead(429, { 'retry-after': '2' }).end('{"code":20429,"message":"","status":429}');
        if (this.answer === 'refuse') return response.writeHead(400).end('{"code":21211,"message":"","status":400}');
        if (this.answer === 'break') return response.writeHead(503).end('<html>');
        const form = new URLSearchParams(body);
        const reference = new URL(form.get('StatusCallback')!).searchParams.get('delivery')!;
        this.received.push({ reference, form });
        if (this.answer === 'drop') return response.destroy();
        return response.writeHead(201).end(JSON.stringify(resource(this.received.at(-1)!)));
      });
    });
  }

  async listen(): Promise<void> {
    for (const server of [this.server, this.nowhere])
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.nowhereUrl = urlOf(this.nowhere);
    await new Promise((resolve) => this.nowhere.close(resolve));
  }
  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  /** What was sent, of text and files. */
  forms(): Record<string, string>[] {
    return this.received.map(({ form }) => Object.fromEntries([...form].filter(([name]) => name === 'Body' || name === 'MediaUrl')));
  }

  play(addresses: Pick<Delivery, 'sender' | 'recipient'>): PlayedCarrier {
    this.received = [];
    const at = (baseUrl: string) => this.build({ accountSid, authToken, publicUrl, baseUrl });
    const [live, dead] = [at(urlOf(this.server)), at(this.nowhereUrl)];
    const delivery: Delivery = {
      deliveryId: newSid('DY'), ...addresses, body: 'hello', media: [], firstAttemptAt: new Date().toISOString(),
    };
    const signed = (path: string, fields: Record<string, string>): RawWebhook => {
      const url = publicUrl + path;
      const form = new URLSearchParams({ AccountSid: accountSid, From: addresses.recipient, To: addresses.sender, ...fields });
      return { method: 'POST', url, headers: { 'x-twilio-signature': twilioSignature(authToken, url, form) }, body: Buffer.from(form.toString()) };
    };
    const played: PlayedCarrier = {
      adapter: live, delivery,
      answerWith: (answer) => {
        this.answer = answer;
        played.adapter = answer === 'unreachable' ? dead : live;
      },
      references: () => this.received.map(({ reference }) => reference),
      message: ({ id, text }) => signed('/webhooks/twilio/sms', { MessageSid: id, SmsStatus: 'received', Body: text }),
      status: ({ id, status, deliveryId, extra }) => signed(
        `/webhooks/twilio/status${deliveryId === undefined ? '' : `?delivery=${deliveryId}`}`,
        { MessageSid: id, MessageStatus: status, ...extra },
      ),
      forged: (webhook) => ({ ...webhook, body: Buffer.from(webhook.body.toString().replace('From=', 'From=0')) }),
      words: { sent: 'sent', delivered: 'delivered', failed: 'failed' },
    };
    return played;
  }
}

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const resource = ({ form }: { form: URLSearchParams }) => ({
  sid: `SM${'0'.repeat(32)}`, body: form.get('Body') ?? '', direction: 'outbound-api', date_created: new Date().toUTCString(),
});
