/**
 * Access tokens of chat members (API reference, section 5): JWT signed with the secret of one of the account's API keys.
 * They name the account (`sub`), the key (`iss`), the identity and the chat service.
 */
import { isIdentity } from '@parley/domain/identity';
import { isSid } from '@parley/domain/sid';
import type { Accounts } from './accounts.js';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose';

/** Who a socket speaks for. Without an identity: an observer of the whole account. */
export type Principal = {
  account: string;
  /** The API key it came with, looked up again while the socket lives. */
  key: string | undefined;
  identity: string | undefined;
  /** Chat service whose conversations a member sees; an observer sees all of the account. */
  service: string | undefined;
  /** Milliseconds since 1970 when the token ends; undefined with Basic authentication. */
  expiresAt: number | undefined;
  /** Service role of the user, should the token be what brings him into being. */
  roleSid?: string;
  /** Credential that devices registered with this token are pushed to with. */
  pushCredentialSid?: string;
};

const reasons = {
  20003: 'Authenticate',
  20005: 'Account not active',
  20101: 'Invalid Access Token',
  20102: 'Invalid Access Token header',
  20103: 'Invalid Access Token issuer/subject',
  20104: 'Access Token expired or expiration date invalid',
  20105: 'Access Token not yet valid',
  20106: 'Invalid Access Token grants',
  20107: 'Invalid Access Token signature',
  20157: 'Expiration Time in the Access Token Exceeds Maximum Time Allowed',
  51102: 'Access Token names no chat service of this account',
  51105: 'Access Token names no identity',
} as const;
export class AuthenticationError extends Error {
  constructor(readonly code: keyof typeof reasons) {
    super(reasons[code]);
  }
}

const LIFETIME_SECONDS_MAX = 86_400;
const CLOCK_SKEW_SECONDS = 5;
const digests = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' };
type Algorithm = keyof typeof digests;
const compact = /^[\w-]+\.[\w-]+\.[\w-]+$/;
type Grants = { identity?: unknown; chat?: { service_sid?: unknown; deployment_role_sid?: unknown; push_credential_sid?: unknown } };

/** Throws AuthenticationError with the documented code. */
export async function verifyAccessToken(token: string, accounts: Accounts): Promise<Principal> {
  const { algorithm, payload } = claimsOf(token);
  const { iss, sub } = payload;
  if (typeof iss !== 'string' || typeof sub !== 'string' || !isSid(iss, 'SK') || !isSid(sub, 'AC')) throw new AuthenticationError(20103);
  const key = await accounts.findKey(iss);
  // A restricted key signs no access tokens: its permissions could not be told from the token.
  if (key?.secret === undefined || key.account !== sub) throw new AuthenticationError(20103);
  checkSignature(token, algorithm, key.secret);
  const now = Math.floor(Date.now() / 1000);
  checkTimes(payload, now);
  const account = await accounts.find(sub);
  if (account?.status !== 'active') throw new AuthenticationError(20005);

  const { exp, iat = now } = payload as { exp: number; iat?: number };
  // Made in the future, it would live longer than it says.
  if (exp - Math.min(iat, now + CLOCK_SKEW_SECONDS) > LIFETIME_SECONDS_MAX) throw new AuthenticationError(20157);
  const grants = payload.grants as Grants | undefined;
  if (typeof grants !== 'object' || grants === null) throw new AuthenticationError(20106);
  // Tokens with a numeric identity are seen in the wild.
  const identity = typeof grants.identity === 'number' ? String(grants.identity) : grants.identity;
  if (typeof identity !== 'string' || !isIdentity(identity)) throw new AuthenticationError(51105);
  const service = grants.chat?.service_sid;
  if (typeof service !== 'string' || !isSid(service, 'IS')) throw new AuthenticationError(51102);
  const role = grants.chat?.deployment_role_sid;
  const pushCredential = grants.chat?.push_credential_sid;
  return {
    account: sub, key: iss, identity, service, expiresAt: exp * 1000,
    ...(typeof role === 'string' && isSid(role, 'RL') && { roleSid: role }),
    ...(typeof pushCredential === 'string' && isSid(pushCredential, 'CR') && { pushCredentialSid: pushCredential }),
  };
}

/** Only to find the key by; nothing of it is believed before the signature was checked. */
function claimsOf(token: string): { algorithm: Algorithm; payload: JWTPayload } {
  try {
    const { alg, cty, crit } = decodeProtectedHeader(token);
    if (!Object.hasOwn(digests, alg ?? '') || crit !== undefined) throw new AuthenticationError(20102); // RFC 7515, 4.1.11: nothing critical is known here
    if (cty !== undefined && !cty.startsWith('twilio-fpa')) throw new AuthenticationError(20102);
    // Decoders skip white space; what goes on as a header may have none.
    if (!compact.test(token)) throw new AuthenticationError(20101);
    return { algorithm: alg as Algorithm, payload: decodeJwt(token) };
  } catch (error) {
    throw error instanceof AuthenticationError ? error : new AuthenticationError(20101);
  }
}

/**
 * By node:crypto at once instead of by Web Crypto on a thread: a fifth of the time, which counts when thousands come back in
 * the same moment.
 */
function checkSignature(token: string, algorithm: Algorithm, secret: string): void {
  const end = token.lastIndexOf('.');
  const right = createHmac(digests[algorithm], secret).update(token.slice(0, end)).digest();
  const given = Buffer.from(token.slice(end + 1), 'base64url');
  if (given.length !== right.length || !timingSafeEqual(given, right)) throw new AuthenticationError(20107);
}

/** RFC 7519, 4.1: what is there must be a time. */
function checkTimes({ exp, nbf, iat }: JWTPayload, now: number): void {
  for (const time of [exp, nbf, iat] as unknown[]) if (time !== undefined && typeof time !== 'number') throw new AuthenticationError(20101);
  if (nbf !== undefined && nbf > now + CLOCK_SKEW_SECONDS) throw new AuthenticationError(20105);
  if (exp === undefined || exp <= now - CLOCK_SKEW_SECONDS) throw new AuthenticationError(20104);
}
