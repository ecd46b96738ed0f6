/**
 * Amazon SES by its v2 API, signed with AWS Signature 4. SES gives every mail a Message-ID of its own, which answers then name.
 * What it has to say comes by SNS: events, and mail it received. Bounces are forwarded to our bounce address besides.
 */
import { AwsClient } from 'aws4fetch';
import type { CarrierConnection } from '../../carrier-definition.js';
import type { ChannelLimits, Delivery, RawWebhook } from '../../channel-adapter.js';
import { EVENT_DELAY_MILLIS, MailAdapter } from '../../email/mail-adapter.js';
import type { CarrierFaultName } from '../../carrier-errors.js';
import { callCarrier, jsonOf, noAnswer, refusalOf, type HttpAnswer } from '../../http-call.js';
import type { InboundEvent } from '../../inbound-event.js';
import type { SesCredentials, SesSettings } from './definition.js';
import { receiptOf, receivedOf } from './events.js';
import { SnsTopics, type Get } from './sns.js';

export class SesAdapter extends MailAdapter {
  /** A raw mail has 40 MB at most. */
  override readonly limits: ChannelLimits;
  private readonly aws: AwsClient;
  private readonly topics: SnsTopics;

  /** `fetchText`: for tests, which have no SNS to ask. */
  constructor(protected override readonly connection: CarrierConnection<SesCredentials, SesSettings>, fetchText?: Get) {
    super(connection);
    const { credentials, settings: { region, configurationSet, topics = [] } } = connection;
    // Only a configuration set makes SES name our reference.
    this.limits = { bodyCharsMax: 100_000, mediaBytesMax: 28_000_000, lookupDelayMillis: topics.length > 0 && configurationSet !== undefined ? EVENT_DELAY_MILLIS : 0 };
    this.topics = new SnsTopics(topics, fetchText);
    this.aws = new AwsClient({ accessKeyId: credentials.accessKeyId, secretAccessKey: credentials.secretAccessKey, ...(credentials.sessionToken && { sessionToken: credentials.sessionToken }), region, service: 'ses' });
  }

  override async send(delivery: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] }> {
    const { settings: { region, configurationSet, baseUrl = `https://email.${region}.amazonaws.com` } } = this.connection;
    const { message, mail } = await this.raw(delivery);
    const body = JSON.stringify({
      FromEmailAddress: delivery.sender, Destination: { ToAddresses: [delivery.recipient] }, Content: { Raw: { Data: message.toString('base64') } },
      FeedbackForwardingEmailAddress: mail.envelope.from, EmailTags: [{ Name: 'delivery', Value: delivery.deliveryId }],
      ...(configurationSet && { ConfigurationSetName: configurationSet }),
    });
    const url = `${baseUrl}/v2/email/outbound-emails`;
    const signed = await this.aws.sign(url, {
      method: 'POST', body, headers: { 'content-type': 'application/json', 'x-parley-delivery': delivery.deliveryId },
    });
    const answer = await callCarrier(url, { body, signal, lookup: this.connection.lookup, headers: Object.fromEntries(signed.headers) });
    if (!answer.ok) throw refusalOf(answer, faultIn(answer), { words: wordsIn(answer) });
    const { MessageId: id } = jsonOf(answer);
    if (typeof id !== 'string' || id === '') throw noAnswer('no MessageId');
    return { providerMessageIds: [this.messageIdOf(id)] };
  }

  /** Only SES knows. */
  override answeredBy(): undefined {}

  protected override async parseCarrierWebhook(webhook: RawWebhook): Promise<InboundEvent[]> {
    const published = await this.topics.open(webhook);
    if (published === undefined) return [];
    const said = jsonOf({ text: published });
    const received = receivedOf(said);
    if (!received) return receiptOf(said, this.home.domain, (id) => this.messageIdOf(id));
    if ('raw' in received) return this.read(received.raw, { from: received.from, to: received.to }, received.authentication);
    const { id, from, to, reason } = received;
    return [{ channel: 'email', kind: 'ignore', providerMessageId: id, from, to, reason }];
  }

  /** The header its recipients see. */
  private messageIdOf(id: string): string {
    const { region } = this.connection.settings;
    return `<${id}@${region === 'us-east-1' ? 'email' : region}.amazonses.com>`;
  }
}

export const openSes = (connection: CarrierConnection<SesCredentials, SesSettings>, fetchText?: Get) => new SesAdapter(connection, fetchText);

/** Its exceptions are its codes: in a header, or in the answer; what they are about is in words. */
function wordsIn({ headers, text }: HttpAnswer): string {
  const { __type, message = '', Message = message } = jsonOf({ text });
  const type = headers.get('x-amzn-errortype') ?? (typeof __type === 'string' ? __type : '');
  return [type.split(':')[0]!.split('#').at(-1), Message].filter(Boolean).join(' ');
}

const faults: readonly (readonly [words: RegExp, fault: CarrierFaultName])[] = [
  [/TooManyRequests|Throttling|LimitExceeded/, 'rate_limited'],
  [/SendingPaused|AccountSuspended/, 'account_suspended'],
  [/MailFromDomainNotVerified|SignatureDoesNotMatch|ExpiredToken|UnrecognizedClient/, 'authentication'],
  [/not verified/, 'not_our_sender'],
  [/MessageRejected/, 'content_refused'],
  [/final '@domain'|illegal address|local address/i, 'invalid_recipient'],
];
const faultIn = (answer: HttpAnswer): CarrierFaultName | undefined => faults.find(([words]) => words.test(wordsIn(answer)))?.[1];
