/** Access tokens of chat members as a customer's backend makes them: a JWT signed with an API key's secret. */
import { createHmac } from 'node:crypto';

export type TokenSource = { accountSid: string; apiKeySid: string; apiKeySecret: string; serviceSid: string };

const LIFETIME_SECONDS = 24 * 3600;
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** `seconds`: how long it lives. `chat`: more of the chat grant. */
export function accessToken(
  { accountSid, apiKeySid, apiKeySecret, serviceSid }: TokenSource, identity: string, seconds = LIFETIME_SECONDS, chat: Record<string, string> = {},
): string {
  const iat = Math.floor(Date.now() / 1000);
  const claims = {
    jti: `${apiKeySid}-${iat}`, iss: apiKeySid, sub: accountSid, iat, exp: iat + seconds,
    grants: { identity, chat: { service_sid: serviceSid, ...chat } },
  };
  const signed = `${part({ typ: 'JWT', alg: 'HS256', cty: 'twilio-fpa;v=1' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', apiKeySecret).update(signed).digest('base64url')}`;
}
