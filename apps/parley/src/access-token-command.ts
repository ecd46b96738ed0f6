/** `parley token access …`: an access token of a user, for development. In production a customer's backend makes them. */
import { IDENTITY_CHARS_MAX, isIdentity } from '@parley/domain/identity';
import { createHmac } from 'node:crypto';
import { CommandError, sidArgument, UsageError, type Action } from './command-group.js';
import type { Databases } from './new-account.js';

const SECONDS_DEFAULT = 3_600;
const SECONDS_MAX = 86_400;
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
type Row = { account: string; service: string; key: string; secret: Buffer };

export const accessTokenAction: Action<Databases> = {
  usage: 'access <identity> [--account <account>] [--service <service>] [--seconds <1..86400>]', args: [1, 1],
  about: 'an access token of a user, for development: of the first account and its default service unless named, signed with its oldest standard key',
  options: { account: { type: 'string' }, service: { type: 'string' }, seconds: { type: 'string' } },
  async run({ pool, box }, [identity = ''], { account, service, seconds = String(SECONDS_DEFAULT) }) {
    const lifetime = Number(seconds);
    if (!isIdentity(identity)) throw new UsageError(`this is no identity: 1 to ${IDENTITY_CHARS_MAX} characters, not "system", nothing like a user's SID`);
    if (!Number.isInteger(lifetime) || lifetime < 1 || lifetime > SECONDS_MAX) throw new UsageError(`--seconds is a whole number from 1 to ${SECONDS_MAX}`);
    const { rows: [row] } = await pool.query<Row>(
      `select a.sid as account, a.default_chat_service_sid as service, k.sid as key, k.secret from registry.account a
         join registry.api_key k on k.account = a.sid and k.kind = 'standard'
        where case when $1::text is null then a.parent is null else a.sid = $1 end order by a.created_at, a.sid, k.created_at, k.sid limit 1`,
      [account === undefined ? null : sidArgument(account as string, 'AC', 'account SID')],
    );
    if (!row) throw new CommandError('there is no such account, or it has no standard API key: parley key create makes one');
    const serviceSid = service === undefined ? row.service : sidArgument(service as string, 'IS', 'service SID');
    const iat = Math.floor(Date.now() / 1000);
    const claims = { jti: `${row.key}-${iat}`, iss: row.key, sub: row.account, iat, exp: iat + lifetime, grants: { identity, chat: { service_sid: serviceSid } } };
    const signed = `${part({ typ: 'JWT', alg: 'HS256', cty: 'twilio-fpa;v=1' })}.${part(claims)}`;
    const token = `${signed}.${createHmac('sha256', box.open(row.secret)).update(signed).digest('base64url')}`;
    return { identity, accountSid: row.account, serviceSid, expires: new Date((iat + lifetime) * 1000).toISOString(), token };
  },
};
