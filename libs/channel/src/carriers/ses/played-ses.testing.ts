/** SNS as SES's messenger: posts signed as SNS signs, with a key that lies where SNS would keep its certificate. */
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import type { RawWebhook } from '../../channel-adapter.js';
import { mailConnection, publicUrl } from '../../email/mail-delivery.testing.js';
import { openSes } from './adapter.js';

export const topic = 'arn:aws:sns:eu-west-1:123456789012:parley-mail';
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
const sns = 'https://sns.eu-west-1.amazonaws.com';

/** What SNS was asked, newest last. */
export const asked: string[] = [];
const fetchText = async (url: string) => {
  asked.push(url);
  if (url.includes('/SimpleNotificationService-')) return publicKey;
  if (url.includes('Token=slow')) throw new Error('SNS answered 500');
  return '<ConfirmSubscriptionResponse/>';
};

export const openPlayedSes = (baseUrl: string) =>
  openSes(mailConnection('ses', { accessKeyId: 'AKID', secretAccessKey: 'secret' }, { baseUrl, region: 'eu-west-1', topics: [topic] }), fetchText);

/** Fields of SNS's post; a change to one of them after it was signed is `tampered`. */
export function postedBySns(fields: Record<string, string>, tampered: Record<string, unknown> = {}): RawWebhook {
  const all: Record<string, string> = {
    Type: 'Notification', MessageId: 'f3e8', TopicArn: topic, Timestamp: new Date().toISOString(), SignatureVersion: '2',
    SigningCertURL: `${sns}/SimpleNotificationService-0a1b.pem`, ...fields,
  };
  const text = Object.keys(all).filter((name) => !name.startsWith('Sign')).sort().map((name) => `${name}\n${all[name]}\n`).join('');
  const Signature = sign(all['SignatureVersion'] === '1' ? 'RSA-SHA1' : 'RSA-SHA256', Buffer.from(text), createPrivateKey(privateKey)).toString('base64');
  return {
    method: 'POST', url: `${publicUrl}/webhooks/ses/CX1`, headers: { 'content-type': 'text/plain; charset=UTF-8', 'x-amz-sns-message-type': all['Type'] },
    body: Buffer.from(JSON.stringify({ ...all, Signature, ...tampered })),
  };
}

export const published = (message: object, fields: Record<string, string> = {}) => postedBySns({ Message: JSON.stringify(message), ...fields });
export const confirmation = (token: string) => postedBySns({
  Type: 'SubscriptionConfirmation', Message: 'You have chosen to subscribe', Token: token, SubscribeURL: `${sns}/?Action=ConfirmSubscription&TopicArn=${topic}&Token=${token}`,
});
