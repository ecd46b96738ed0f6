/** Which open conversation has an address pair: a refusal names it, and clients look it up there (50416, 50425). */
import type { MessagingBinding } from '@parley/domain/address';
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
