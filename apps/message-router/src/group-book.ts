/**
 * Which conversation a group on phones has, and what is known of its numbers (API reference 3.5 and 3.10). A carrier tells each of our
 * numbers in a group of a message, and of what we wrote ourselves: one of these reports is taken (group-reports.ts), the others say
 * nothing new.
 */
import { carrierNamed } from '@parley/channel/carriers/catalogue';
import type { AddParticipant, AutoCreation, InboundMessage } from '@parley/contracts/commands';
import { GROUP_MEMBERS_MAX, groupKey, isGroupNumber } from '@parley/domain/conversation/group';
import type { ConversationSid } from '@parley/domain/sid';
import type { Pool } from '@parley/event-store/database';
import type { GroupReports } from './group-reports.js';

/** `conversationSid`: its open conversation. `told`: another report on it is the one that is taken. undefined: no conversation has these numbers. */
export type GroupPlace = { conversationSid: ConversationSid } | 'told' | undefined;
export type GroupOpening = { autoCreation: AutoCreation; participants: AddParticipant[]; others: string[] } | 'told' | undefined;
type Number = { number: string; ours: boolean; carrier: string | null; auto_creation: AutoCreation | null };

export class GroupBook {
  constructor(
    private readonly pool: Pool,
    private readonly reports: GroupReports,
  ) {}

  async placeOf(account: string, message: InboundMessage): Promise<GroupPlace> {
    const { rows: [row] } = await this.pool.query<{ conversationSid: ConversationSid; ours: string[] }>({
      name: 'group-book', values: [account, groupKey(numbersOf(message))],
      text: `select g.conversation_sid as "conversationSid",
                    array(select p.projected_address from model.participant p where p.conversation_sid = g.conversation_sid and p.projected_address is not null) as ours
               from model.group_conversation g where g.account = $1 and g.numbers = $2`,
    });
    if (!row) return undefined;
    if (row.ours.includes(message.from)) return 'told';
    if (row.ours.length > 1 && (await this.reports.turn(account, message, firstOf(await this.lookUp(account, row.ours), message.to))) === 'told') return 'told';
    return { conversationSid: row.conversationSid };
  }

  /** How this message opens a conversation of its group. undefined: it does not, so it is a message of its author alone. */
  async openingOf(account: string, message: InboundMessage): Promise<GroupOpening> {
    const all = [...new Set(numbersOf(message))];
    if (all.length < 3) return undefined;
    const known = await this.lookUp(account, all);
    const ours = known.filter(({ number, ours: is }) => is || number === message.to);
    if (ours.some(({ number }) => number === message.from)) return 'told';
    const first = firstOf(ours, message.to);
    const { auto_creation: autoCreation } = ours.find(({ number }) => number === first)!;
    if (autoCreation?.enabled !== true) return undefined;
    const takes = Math.min(GROUP_MEMBERS_MAX, ...ours.map((one) => recipientsMax(one) + 1));
    if (all.length > takes || !all.every(isGroupNumber)) return undefined;
    if (ours.length > 1 && (await this.reports.turn(account, message, first)) === 'told') return 'told';
    const phones = all.filter((number) => ours.every((one) => one.number !== number));
    return {
      autoCreation, others: all.filter((number) => number !== message.from),
      participants: [...phones.map((address) => ({ group: { address } })), ...ours.map(({ number }) => ({ group: { projectedAddress: number } }))],
    };
  }

  private async lookUp(account: string, numbers: readonly string[]): Promise<Number[]> {
    const { rows } = await this.pool.query<Number>(
      `select n.number, s.sid is not null or (c.sid is not null and delivery.carrier_of($1, 'sms', n.number) is not null) as ours, c.auto_creation,
              case when s.sid is null or s.capabilities is null or 'group' = any (s.capabilities) then delivery.carrier_of($1, 'sms', n.number) end as carrier
         from unnest($2::text[]) n (number)
         left join delivery.sender s on s.account = $1 and s.channel = 'sms' and s.address = n.number
         left join model.address_configuration c on c.account = $1 and c.address = n.number`, [account, numbers]);
    return rows;
  }
}

const numbersOf = ({ from, to, group = [] }: Pick<InboundMessage, 'from' | 'to' | 'group'>): string[] => [from, to, ...group];

/** To how many others its carrier brings a message; 0: it has no groups, or the number is not ours any more. */
const recipientsMax = ({ carrier }: Number): number => carrierNamed(carrier ?? '')?.groupRecipientsMax ?? 0;

/**
 * The number of ours whose report is taken: one that opens conversations, so that the choice is the same before there is one and after.
 * Only of one that its carrier can tell of a group a report is waited for; where there is none such, the first that comes is taken.
 */
function firstOf(ours: readonly Number[], to: string): string {
  const telling = ours.filter((one) => recipientsMax(one) > 0);
  const opening = telling.filter(({ auto_creation }) => auto_creation?.enabled === true);
  return (opening.length > 0 ? opening : telling).map(({ number }) => number).toSorted()[0] ?? to;
}
