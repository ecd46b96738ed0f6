/** Which open conversation has an address pair, or the numbers of a group: a refusal names it, and clients look it up there (50416, 50425, 50438). */
import type { MessagingBinding } from '@parley/domain/address';
import { groupKey } from '@parley/domain/conversation/group';
import type { Pool } from './database.js';

/** Of the first of these pairs that belongs to one; undefined when all are free. */
export async function ownerOfPairs(
  pool: Pick<Pool, 'query'>, account: string, pairs: readonly Pick<MessagingBinding, 'address' | 'proxyAddress'>[],
): Promise<string | undefined> {
  const { rows } = await pool.query<{ conversation_sid: string }>(
    `select b.conversation_sid from unnest($2::text[], $3::text[]) with ordinality p (address, proxy_address, o)
       join model.address_binding b on b.account = $1 and b.address = p.address and b.proxy_address = p.proxy_address order by o limit 1`,
    [account, pairs.map(({ address }) => address), pairs.map(({ proxyAddress }) => proxyAddress)],
  );
  return rows[0]?.conversation_sid;
}

/** undefined: no group has these numbers. */
export async function ownerOfGroup(pool: Pick<Pool, 'query'>, account: string, numbers: readonly string[]): Promise<string | undefined> {
  const { rows } = await pool.query<{ conversation_sid: string }>(
    'select conversation_sid from model.group_conversation where account = $1 and numbers = $2', [account, groupKey(numbers)]);
  return rows[0]?.conversation_sid;
}

/** Numbers in a conversation's group, by the participant who has each. */
export async function numbersOfGroup(pool: Pick<Pool, 'query'>, conversationSid: string): Promise<Map<string, string>> {
  const { rows } = await pool.query<{ sid: string; number: string }>(
    `select sid, coalesce(projected_address, address) as number from model.participant
      where conversation_sid = $1 and type = 'sms' and proxy_address is null`, [conversationSid]);
  return new Map(rows.map(({ sid, number }) => [sid, number]));
}
