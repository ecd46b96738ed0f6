/**
 * Senders an account owns at real carriers. The first one on a channel ends the simulator there for that account: from then
 * on only its own senders are valid proxy addresses.
 */
import { channelOfProxy } from '@parley/domain/address';
import type { Pool } from '@parley/event-store/database';
import type { SecretBox } from '@parley/event-store/secret-box';

/** What Twilio's console calls Account SID and Auth Token. */
export type TwilioSender = { account: string; address: string; carrier: 'twilio'; accountSid: string; authToken: string };

/** Adds a sender or changes its credentials. Throws RangeError when no carrier here could send from it. */
export async function saveSender(pool: Pool, box: SecretBox, sender: TwilioSender): Promise<void> {
  const { account, address, carrier, accountSid, authToken } = sender;
  const channel = channelOfProxy(address);
  if (channel !== 'sms' && channel !== 'whatsapp') throw new RangeError(`${address} is neither a number nor a whatsapp: address`);
  await pool.query(
    `insert into delivery.sender (account, channel, address, carrier, carrier_account, credentials) values ($1, $2, $3, $4, $5, $6)
     on conflict (account, channel, address) do update
       set carrier = excluded.carrier, carrier_account = excluded.carrier_account, credentials = excluded.credentials`,
    [account, channel, address, carrier, accountSid, box.seal(JSON.stringify({ accountSid, authToken }))],
  );
}

/** False when there was none. */
export async function removeSender(pool: Pool, account: string, address: string): Promise<boolean> {
  const { rowCount } = await pool.query('delete from delivery.sender where account = $1 and address = $2', [account, address]);
  return rowCount === 1;
}

export type SenderInfo = { account: string; channel: string; address: string; carrier: string; carrierAccount: string };

/** Without secrets. */
export async function listSenders(pool: Pool, account: string): Promise<SenderInfo[]> {
  const { rows } = await pool.query<SenderInfo>(
    `select account, channel, address, carrier, carrier_account as "carrierAccount" from delivery.sender
      where account = $1 order by channel, address`, [account],
  );
  return rows;
}
