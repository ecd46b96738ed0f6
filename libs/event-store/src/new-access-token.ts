/**
 * Access tokens for development: `parley token access` and the gateway's token endpoint make them. In production a customer's
 * backend does, with the official helper libraries. What they hold is read by `access-token.ts`.
 */
import { createHmac } from 'node:crypto';
import type { Pool } from './database.js';
import type { SecretBox } from './secret-box.js';

export type TokenOrder = {
  identity: string;
  /** Default: the account that is there longest, subaccounts apart. */
  account?: string | undefined;
  /** Default: the account's default service. */
  service?: string | undefined;
  /** What devices that register with this token are pushed to with. */
  pushCredential?: string | undefined;
  /** Until it ends: 1 to 86,400. */
  seconds: number;
};
export type NewToken = { identity: string; accountSid: string; serviceSid: string; expires: string; token: string };

/** `missing`: what there is not. An account without a standard key counts as none: nobody could sign. */
export class TokenRefusal extends Error {
  override name = 'TokenRefusal';
  constructor(readonly missing: 'account' | 'service' | 'credential') {
    super({
      account: 'there is no such account, or it has no standard API key: parley key create makes one', service: 'the account has no such service',
      credential: 'the account has no such push credential',
    }[missing]);
  }
}

type Row = { account: string; service: string; key: string; secret: Buffer; service_is_its: boolean; credential_is_its: boolean };
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signed with the account's oldest standard key. Throws TokenRefusal. */
export async function newAccessToken(pool: Pool, box: SecretBox, { identity, account, service, pushCredential, seconds }: TokenOrder): Promise<NewToken> {
  const { rows: [row] } = await pool.query<Row>(
    `select a.sid as account, coalesce($2, f.default_chat_service_sid, a.default_chat_service_sid) as service, k.sid as key, k.secret,
            $2::text is null or exists (select 1 from model.service s where s.sid = $2 and s.account = a.sid) as service_is_its,
            $3::text is null or exists (select 1 from model.credential c where c.sid = $3 and c.account = a.sid) as credential_is_its
       from registry.account a join registry.api_key k on k.account = a.sid and k.kind = 'standard'
       left join model.account_configuration f on f.sid = a.sid
      where case when $1::text is null then a.parent is null else a.sid = $1 end order by a.created_at, a.sid, k.created_at, k.sid limit 1`,
    [account ?? null, service ?? null, pushCredential ?? null],
  );
  if (!row) throw new TokenRefusal('account');
  if (!row.service_is_its) throw new TokenRefusal('service');
  if (!row.credential_is_its) throw new TokenRefusal('credential');
  const iat = Math.floor(Date.now() / 1000);
  const chat = { service_sid: row.service, ...(pushCredential !== undefined && { push_credential_sid: pushCredential }) };
  const claims = { jti: `${row.key}-${iat}`, iss: row.key, sub: row.account, iat, exp: iat + seconds, grants: { identity, chat } };
  const signed = `${part({ typ: 'JWT', alg: 'HS256', cty: 'twilio-fpa;v=1' })}.${part(claims)}`;
  const token = `${signed}.${createHmac('sha256', box.open(row.secret)).update(signed).digest('base64url')}`;
  return { identity, accountSid: row.account, serviceSid: row.service, expires: new Date((iat + seconds) * 1000).toISOString(), token };
}
