/**
 * Users come into being by themselves when they are first named: as a participant, or by an access token (API reference 3.4
 * and 7). A fact of their own, stored before the fact that names them, with the service's default role of that moment; so a
 * rebuild, which reads shard by shard, gives the same rows.
 */
import type { Caller } from '@parley/contracts/commands';
import { DomainError } from '@parley/domain/domain-error';
import type { RegistryEvent } from '@parley/domain/registry-events';
import { newSid } from '@parley/domain/sid';
import type { Pool } from './database.js';
import type { Streams } from './streams.js';

export class ChatUsers {
  constructor(
    private readonly streams: Streams,
    private readonly pool: Pool,
    /** Conversations that are not closed, of one identity in one service. */
    private readonly conversationsMax: number,
  ) {}

  /** Before they take part, so that nobody is in a conversation who does not exist. Throws `user_conversation_limit_exceeded`. */
  async joining(caller: Caller, service: string, conversation: string, identities: readonly string[]): Promise<void> {
    if (identities.length === 0) return;
    const { rowCount } = await this.pool.query(
      `select 1 from unnest($4::text[]) as i (identity)
        where (select count(*) from (
                 select 1 from model.participant p join model.conversation c on c.sid = p.conversation_sid and c.chat_service_sid = $2
                  where p.account = $1 and p.identity = i.identity and p.ended is null limit $5) as open) >= $5
          -- Who is in already is refused for that, or the request is a repetition.
          and not exists (select 1 from model.participant p where p.conversation_sid = $3 and p.identity = i.identity)
        limit 1`,
      [caller.account, service, conversation, identities, this.conversationsMax],
    );
    if (rowCount !== 0) throw new DomainError('user_conversation_limit_exceeded');
    await this.ensure(caller, service, identities);
  }

  /** Makes those who are not there yet. False, and nothing made: the service is not the account's. `roleSid`: instead of its default, when it is one of its roles. */
  async ensure({ key: _key, hash: _hash, ...caller }: Caller, service: string, identities: readonly string[], roleSid?: string): Promise<boolean> {
    const { rows } = await this.pool.query<{ identity: string; role_sid: string; known: boolean }>(
      `select i.identity, coalesce((select r.sid from model.role r where r.sid = $4 and r.chat_service_sid = s.sid and r.type = 'service'),
                                   s.default_chat_service_role_sid) as role_sid,
              exists (select 1 from model.chat_user u where u.chat_service_sid = s.sid and u.identity = i.identity) as known
         from model.service s, unnest($3::text[]) as i (identity)
        where s.sid = $2 and s.account = $1`,
      [caller.account, service, [...new Set(identities)], roleSid ?? null],
    );
    await Promise.all(rows.filter(({ known }) => !known).map(({ identity, role_sid }) => this.create(caller, service, identity, role_sid)));
    return rows.length > 0;
  }

  private async create(caller: Caller, service: string, identity: string, role_sid: string): Promise<void> {
    const sid = newSid('US');
    const at = new Date().toISOString();
    const created: RegistryEvent = {
      type: 'UserCreated',
      data: {
        sid, account: caller.account, chat_service_sid: service, identity, friendly_name: null, attributes: '{}', role_sid,
        created_at: at, updated_at: at,
      },
    };
    try {
      await this.streams.onRegistry(caller, sid, `chat_user-${sid}`, () => [created], { result: null, unique: true }, sid);
    } catch (error) {
      // Somebody else made him in the meantime.
      if (!(error instanceof DomainError && error.code === 'user_exists')) throw error;
    }
  }
}
