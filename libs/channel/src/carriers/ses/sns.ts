/**
 * Amazon SNS, which brings what SES has to say: whether a post is from SNS and about a topic of ours, and the answer to the
 * question it asks once, whether a topic is wanted here. Signed is a list of fields, with a key whose certificate lies with SNS.
 */
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import type { RawWebhook } from '../../channel-adapter.js';
import { callCarrier, jsonOf } from '../../http-call.js';
import { meaningOf } from '../../inbound-values.js';
import { InvalidSignature } from '../../send-error.js';

type Fields = Record<string, unknown>;

const GET_MILLIS = 5_000;
/** It gives up after hours; what is older is somebody else's repetition. */
const AGE_MILLIS_MAX = 24 * 3_600_000;
const CERTIFICATES_MAX = 10;
const hashes: Readonly<Record<string, string>> = { 1: 'RSA-SHA1', 2: 'RSA-SHA256' };
const signedFields = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
  UnsubscribeConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
} as const;

/** An address of SNS. Throws SendError when it does not answer, or not well. */
export type Get = (url: string) => Promise<string>;

async function get(url: string): Promise<string> {
  // Its host is Amazon's, as was checked before.
  const { ok, status, text } = await callCarrier(url, { signal: AbortSignal.timeout(GET_MILLIS), lookup: undefined });
  if (!ok) throw new Error(`SNS answered ${status}`);
  return text;
}

export class SnsTopics {
  private readonly keys = new Map<string, KeyObject>();

  constructor(private readonly topics: readonly string[], private readonly fetchText: Get = get, private readonly now: () => number = Date.now) {}

  /** The published text; undefined: SNS asked something, and was answered. Throws InvalidSignature, or whatever kept us from asking SNS: it comes again. */
  async open({ headers, body }: RawWebhook): Promise<string | undefined> {
    const fields = jsonOf({ text: body.toString() });
    const { Type: type, TopicArn: topic, Timestamp: at, SubscribeURL: subscribeUrl, Message: message } = fields;
    if (typeof type !== 'string' || !Object.hasOwn(signedFields, type) || headers['x-amz-sns-message-type'] !== type) throw new InvalidSignature();
    if (typeof topic !== 'string' || !this.topics.includes(topic)) throw new InvalidSignature();
    if (typeof at !== 'string' || !(this.now() - Date.parse(at) < AGE_MILLIS_MAX)) throw new InvalidSignature();
    if (!(await this.isSigned(fields, type as keyof typeof signedFields, topic))) throw new InvalidSignature();
    if (type === 'Notification') return String(message);
    // Whoever ends the subscription meant it.
    if (type === 'SubscriptionConfirmation') await this.fetchText(atSns(subscribeUrl, topic));
    return undefined;
  }

  private async isSigned(fields: Fields, type: keyof typeof signedFields, topic: string): Promise<boolean> {
    const { SignatureVersion: version, Signature: signature, SigningCertURL: certificate } = fields;
    const hash = meaningOf(hashes, String(version));
    if (hash === undefined || typeof signature !== 'string') return false;
    const present = signedFields[type].filter((name) => fields[name] !== undefined);
    if (!present.every((name) => isPlain(name, fields[name]))) return false;
    const text = present.map((name) => `${name}\n${String(fields[name])}\n`).join('');
    return verify(hash, Buffer.from(text), await this.keyAt(atSns(certificate, topic, /^\/SimpleNotificationService-[0-9a-f]+\.pem$/)), Buffer.from(signature, 'base64'));
  }

  private async keyAt(url: string): Promise<KeyObject> {
    const known = this.keys.get(url);
    if (known) return known;
    const key = createPublicKey(await this.fetchText(url));
    if (this.keys.size >= CERTIFICATES_MAX) this.keys.clear();
    this.keys.set(url, key);
    return key;
  }
}

/** What is signed separates fields by line breaks: one in a field would let its end pass for another. A message has them rightly. */
const isPlain = (name: string, value: unknown): boolean => typeof value === 'string' && (name === 'Message' || !value.includes('\n'));

/** Of SNS itself, in the topic's region: anybody can name an address. */
function atSns(url: unknown, topic: string, path = /^\/$/): string {
  const [, partition, , region] = topic.split(':');
  const host = `sns.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}`;
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== 'https:' || parsed.host !== host || parsed.username !== '' || !path.test(parsed.pathname)) throw new InvalidSignature();
  return parsed.href;
}
