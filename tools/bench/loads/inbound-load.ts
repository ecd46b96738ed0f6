/** `inbound`: customers' texts at the signed carrier webhook, to the websocket of the agent they belong to. */
import { createHmac } from 'node:crypto';
import type { Load, LoadResult, Wrong } from '../load.ts';
import { httpRequest } from '../http-connection.ts';
import { BODY_BYTES, emptyBody, writeBody } from '../message-body.ts';
import type { Member } from '../member-socket.ts';
import { ownProtocol } from '../protocols.ts';
import type { Pace } from '../request-pool.ts';
import { inParallel, RestClient, type Access } from '../rest-client.ts';
import { createConversations } from './conversations.ts';
import { MessageReceivers } from './message-receivers.ts';
import { PostAndReceive } from './post-and-receive.ts';

const CONVERSATIONS = 100;
const CONNECTIONS = 64;
const OURS = '+15550100000';

export class InboundLoad implements Load {
  private receivers: MessageReceivers | undefined;
  private traffic: PostAndReceive | undefined;
  private access: Access | undefined;
  private customers: string[] = [];
  private sent = 0;
  /** Carriers number their messages; a run of its own must not repeat those of an earlier one. */
  private readonly series = Date.now().toString(16).padStart(16, '0');

  async open(access: Access): Promise<void> {
    this.access = access;
    const rest = new RestClient(access);
    const members: Member[] = await createConversations(rest, CONVERSATIONS, 1);
    this.customers = await inParallel(CONVERSATIONS, 8, async (c) => {
      const address = `+1555${this.series.slice(-3).replace(/\D/g, '7')}${String(c).padStart(4, '0')}`;
      await rest.post(`/v1/Conversations/${members[c]!.conversationSid}/Participants`, {
        'MessagingBinding.Address': address, 'MessagingBinding.ProxyAddress': OURS,
      });
      return address;
    });
    this.receivers = new MessageReceivers(access, members, ownProtocol);
    await this.receivers.open();
    this.traffic = new PostAndReceive(access, CONNECTIONS, (_connection, at) => this.compose(at), this.receivers, false);
    await this.traffic.open();
  }

  round(pace: Pace): Promise<LoadResult> {
    return this.traffic!.round(pace);
  }

  verify(): Promise<Wrong> {
    return this.traffic!.verify();
  }

  close(): void {
    this.traffic?.close();
    this.receivers?.close();
  }

  /** As Twilio sends it: signed over the URL and all parameters in the order of their names. */
  private compose(at: number): Buffer {
    const { webhookUrl, accountSid, authToken } = this.access!;
    const number = this.sent++;
    const sid = `SM${this.series}${number.toString(16).padStart(16, '0')}`;
    const bodyBytes = Buffer.from(emptyBody());
    writeBody(bodyBytes, 0, at);
    const text = bodyBytes.toString('latin1', 0, BODY_BYTES);
    const from = this.customers[number % this.customers.length]!;
    const url = `${webhookUrl}/twilio/sms`;
    const parameters: [name: string, value: string][] = [
      ['AccountSid', accountSid], ['ApiVersion', '2010-04-01'], ['Body', text.replaceAll('+', ' ')], ['From', from], ['MessageSid', sid],
      ['NumMedia', '0'], ['NumSegments', '1'], ['SmsMessageSid', sid], ['SmsSid', sid], ['SmsStatus', 'received'], ['To', OURS],
    ];
    const signature = createHmac('sha1', authToken).update(url + parameters.map(([name, value]) => name + value).join('')).digest('base64');
    const form = parameters.map(([name, value]) => `${name}=${name === 'Body' ? text : value.replace('+', '%2B')}`).join('&');
    const { pathname } = new URL(url);
    return httpRequest('POST', pathname, new URL(url).host, [`X-Twilio-Signature: ${signature}`], form);
  }
}
