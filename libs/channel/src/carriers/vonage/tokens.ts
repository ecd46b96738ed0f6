/** Vonage's tokens: one that says who calls them, and one by which they say who calls us (channel facts, 1.2). RFC 7519. */
import { createHash, createHmac, randomUUID, sign, timingSafeEqual, type KeyObject } from 'node:crypto';
import { objectOf } from '../../inbound-values.js';
import { smsApiSignatures } from './definition.js';

const CALL_SECONDS = 300;
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** RS256, for one call. */
export function applicationToken(applicationId: string, privateKey: KeyObject, now: number): string {
  const iat = Math.floor(now / 1000);
  const content = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ application_id: applicationId, iat, exp: iat + CALL_SECONDS, jti: randomUUID() })}`;
  return `${content}.${sign('sha256', Buffer.from(content), privateKey).toString('base64url')}`;
}

/** True when the token (HS256) is signed with the secret, for this account and exactly this body. */
export function isSignedWebhook(authorization: unknown, body: Buffer, { apiKey, signatureSecret }: { apiKey: string; signatureSecret: string }): boolean {
  const [, header, payload, signature] = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/i.exec(typeof authorization === 'string' ? authorization : '') ?? [];
  if (header === undefined || payload === undefined || signature === undefined || decoded(header)['alg'] !== 'HS256') return false;
  const wanted = createHmac('sha256', signatureSecret).update(`${header}.${payload}`).digest();
  if (!same(Buffer.from(signature, 'base64url'), wanted)) return false;
  const { api_key, payload_hash } = decoded(payload);
  const hash = Buffer.from(createHash('sha256').update(body).digest('hex'));
  return api_key === apiKey && typeof payload_hash === 'string' && same(Buffer.from(payload_hash.toLowerCase()), hash);
}

/** `sig` of the SMS API: over all other parameters by name, `&` and `=` in values written as `_`. */
export function smsApiSignature(method: (typeof smsApiSignatures)[number], secret: string, parameters: Readonly<Record<string, string>>): string {
  const content = Object.entries(parameters).filter(([name]) => name !== 'sig').sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `&${name}=${value.replace(/[&=]/g, '_')}`).join('');
  return method === 'md5hash' ? createHash('md5').update(content + secret).digest('hex') : createHmac(method, secret).update(content).digest('hex');
}

export function isSmsApiSignature(method: (typeof smsApiSignatures)[number], secret: string, parameters: Readonly<Record<string, string>>): boolean {
  const { sig = '' } = parameters;
  return method === 'unsigned' || same(Buffer.from(sig.toLowerCase()), Buffer.from(smsApiSignature(method, secret, parameters)));
}

const same = (given: Buffer, wanted: Buffer) => given.length === wanted.length && timingSafeEqual(given, wanted);

function decoded(text: string): Record<string, unknown> {
  try {
    return objectOf(JSON.parse(Buffer.from(text, 'base64url').toString()));
  } catch {
    return {};
  }
}
