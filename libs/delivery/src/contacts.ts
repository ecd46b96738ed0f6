/**
 * People of channels that know one person by several names (WhatsApp: number, user id, a number written otherwise). Whoever
 * writes is noted with all their names, so that they meet their conversation under whichever of them it has.
 */
import type { InboundMessage } from '@parley/channel/inbound-event';
import { transaction, type Pool } from '@parley/event-store/database';

type Known = { address: string; contact: string; username: string | null; profile_name: string | null; stale: boolean };
type Person = { account: string; channel: string };
type Names = { username?: string | undefined; profileName?: string | undefined };

export class Contacts {
  constructor(private readonly pool: Pool) {}

  /** Notes who wrote; the names they go by, `from` among them. */
  async met(account: string, { channel, from, externalUserId, profileName, attributes }: InboundMessage): Promise<string[]> {
    const { username, parentUserId } = (attributes?.[channel] ?? {}) as { username?: string; parentUserId?: string };
    // The carrier's ids first: numbers change hands.
    const ids = [externalUserId, parentUserId].filter((id) => typeof id === 'string').map((id) => `${channel}:${id}`);
    return this.note({ account, channel }, [...new Set([...ids, from])], { username, profileName });
  }

  /** These addresses are one person's; those known before count by their order. All that are known, afterwards. */
  async note(person: Person, addresses: readonly string[], names: Names = {}): Promise<string[]> {
    const known = await this.known(this.pool, person, addresses);
    const [first] = known;
    const told = first && addresses.every((address) => known.some((one) => one.address === address)) && known.every(({ contact }) => contact === first.contact)
      && !first.stale && (names.username ?? first.username) === first.username && (names.profileName ?? first.profile_name) === first.profile_name;
    if (told) return known.map(({ address }) => address);
    return transaction(this.pool, async (tx) => {
      await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 11))', [person.account]);
      const before = await this.known(tx, person, addresses);
      const chosen = addresses.map((address) => before.find((one) => one.address === address)).find((one) => one !== undefined)?.contact;
      const { rows: [contact] } = chosen !== undefined
        ? await tx.query<{ id: string }>(
          `update delivery.contact set username = coalesce($2, username), profile_name = coalesce($3, profile_name), seen_at = now() where id = $1 returning id`,
          [chosen, names.username ?? null, names.profileName ?? null])
        : await tx.query<{ id: string }>(
          'insert into delivery.contact (account, channel, username, profile_name) values ($1, $2, $3, $4) returning id',
          [person.account, person.channel, names.username ?? null, names.profileName ?? null]);
      await tx.query(
        `insert into delivery.contact_address (account, channel, address, contact) select $1, $2, a, $4 from unnest($3::text[]) a
         on conflict (account, channel, address) do update set contact = excluded.contact`, [person.account, person.channel, addresses, contact!.id]);
      return (await this.known(tx, person, addresses)).map(({ address }) => address);
    });
  }

  /** They left `from`, which may be somebody else's from now on. */
  async moved(person: Person, from: string, to: string): Promise<void> {
    await this.note(person, [from, to]);
    await this.pool.query('delete from delivery.contact_address where account = $1 and channel = $2 and address = $3', [person.account, person.channel, from]);
  }

  /** Under which of their names they take part in a conversation behind this address of ours; `from` when under none. */
  async addressIn(account: string, proxyAddress: string, from: string, names: readonly string[]): Promise<string> {
    if (names.length < 2) return from;
    const { rows } = await this.pool.query<{ address: string }>(
      'select address from model.address_binding where account = $1 and proxy_address = $2 and address = any ($3) order by address', [account, proxyAddress, names]);
    return rows.some(({ address }) => address === from) ? from : rows[0]?.address ?? from;
  }

  private async known(db: Pick<Pool, 'query'>, { account, channel }: Person, addresses: readonly string[]): Promise<Known[]> {
    const { rows } = await db.query<Known>({
      name: 'contact',
      text: `select a.address, a.contact, c.username, c.profile_name, c.seen_at < now() - interval '1 day' as stale
               from delivery.contact_address a join delivery.contact c on c.id = a.contact
              where a.contact in (select contact from delivery.contact_address where account = $1 and channel = $2 and address = any ($3))`,
      values: [account, channel, addresses],
    });
    return rows;
  }
}
