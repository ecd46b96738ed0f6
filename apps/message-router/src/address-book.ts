/** Which open conversation an address pair belongs to; asked many times a second, so many at a time. */
import type { AutoCreation } from '@parley/contracts/commands';
import type { ConversationSid, ParticipantSid } from '@parley/domain/sid';
import { Batcher } from '@parley/delivery/batcher';
import type { Pool } from '@parley/event-store/database';
import { textArray } from '@parley/event-store/pg-arrays';

type Pair = { account: string; address: string; proxyAddress: string };

export class AddressBook {
  private readonly lookups = new Batcher<Pair, ConversationSid | undefined>((pairs) => this.lookUp(pairs));

  constructor(private readonly pool: Pool) {}

  find(account: string, address: string, proxyAddress: string): Promise<ConversationSid | undefined> {
    return this.lookups.do({ account, address, proxyAddress });
  }

  /** Who takes part under this pair, in conversations that are not closed. */
  async participants(account: string, address: string, proxyAddress: string): Promise<{ conversationSid: ConversationSid; participantSid: ParticipantSid }[]> {
    const { rows } = await this.pool.query<{ conversationSid: ConversationSid; participantSid: ParticipantSid }>(
      `select conversation_sid as "conversationSid", participant_sid as "participantSid" from model.address_binding
        where account = $1 and address = $2 and proxy_address = $3`, [account, address, proxyAddress],
    );
    return rows;
  }

  /** Who was last written to by another way than the conversation has: where they take part, and under which address. */
  async otherWay(account: string, channel: string, address: string, proxyAddress: string): Promise<{ conversationSid: ConversationSid; address: string } | undefined> {
    const { rows: [row] } = await this.pool.query<{ conversationSid: ConversationSid; address: string }>({
      name: 'address-book-other-way', values: [account, channel, proxyAddress, address],
      text: `select p.conversation_sid as "conversationSid", p.address from delivery.delivery d join model.address_binding p on p.conversation_sid = d.conversation_sid and p.participant_sid = d.participant_sid
              where d.account = $1 and d.channel = $2 and d.sender = $3 and d.recipient = $4 and d.leg > 0 order by d.created_at desc limit 1`,
    });
    return row;
  }

  /** What an address of ours does with messages nobody waits for; undefined: nothing. */
  async autoCreation(account: string, address: string): Promise<AutoCreation | undefined> {
    const { rows } = await this.pool.query<{ auto_creation: AutoCreation }>(
      'select auto_creation from model.address_configuration where account = $1 and address = $2', [account, address],
    );
    return rows[0]?.auto_creation.enabled === true ? rows[0].auto_creation : undefined;
  }

  private async lookUp(pairs: Pair[]): Promise<(ConversationSid | undefined)[]> {
    const { rows } = await this.pool.query<{ o: number; conversation_sid: ConversationSid }>({
      name: 'address-book',
      text: `select p.o::integer, b.conversation_sid
               from unnest($1::text[], $2::text[], $3::text[]) with ordinality p (account, address, proxy_address, o)
               join model.address_binding b on b.account = p.account and b.address = p.address and b.proxy_address = p.proxy_address`,
      values: [
        textArray(pairs.map(({ account }) => account)), textArray(pairs.map(({ address }) => address)),
        textArray(pairs.map(({ proxyAddress }) => proxyAddress)),
      ],
    });
    const found = new Map(rows.map((row) => [row.o, row.conversation_sid]));
    return Promise.all(pairs.map((pair, i) => found.get(i + 1) ?? this.byStandIn(pair)));
  }

  /** Who was written to by a stand-in answers it: the conversation is that of the sender it stood in for. */
  private async byStandIn({ account, address, proxyAddress }: Pair): Promise<ConversationSid | undefined> {
    const { rows: [row] } = await this.pool.query<{ conversation_sid: ConversationSid }>({
      name: 'address-book-stand-in', values: [account, address, proxyAddress],
      text: `select b.conversation_sid from delivery.sender s
               join delivery.sticky_sender k on k.sender = s.sid and k.recipient = $2
               join delivery.sticky_sender o on o.service = k.service and o.channel = k.channel and o.recipient = k.recipient and o.sender <> k.sender
               join delivery.sender f on f.sid = o.sender
               join model.address_binding b on b.account = $1 and b.address = $2 and b.proxy_address = f.address
              where s.account = $1 and s.address = $3 order by o.updated_at desc limit 1`,
    });
    return row?.conversation_sid;
  }
}
