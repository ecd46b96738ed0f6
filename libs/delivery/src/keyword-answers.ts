/**
 * What a person who said STOP, START or HELP is told: once, by us unless the carrier did, in the words of the sender's policy.
 * It leaves as a delivery outside any conversation, so it is retried, limited and ordered like every other.
 */
import type { InboundMessage } from '@parley/channel/inbound-event';
import type { SenderPolicy } from '@parley/contracts/rest/sender-policy';
import { derivedSid } from '@parley/event-store/derived-sid';
import type { Pool } from '@parley/event-store/database';

const DEADLINE_SECONDS = 14_400;
const usual = {
  opt_out: 'You have unsubscribed and will get no more messages from this number. Reply START to get them again.',
  opt_in: 'You will get messages from this number again. Reply HELP for help, STOP to unsubscribe.',
  help: 'Reply STOP to unsubscribe.',
};
const names = { opt_out: 'stop', opt_in: 'start', help: 'help' } as const;

/** `changed`: the keyword changed something; a START without a refusal before, such as YES, is just a message. */
export async function answerKeyword(pool: Pool, account: string, event: InboundMessage, reference: string, changed: boolean): Promise<void> {
  const { kind, channel, from, to, keywordAnswered } = event;
  if (keywordAnswered || (kind !== 'help' && !(changed && (kind === 'opt_out' || kind === 'opt_in')))) return;
  const { rows: [sender] } = await pool.query<{ policy: SenderPolicy }>(
    'select policy from delivery.sender where account = $1 and channel = $2 and address = $3', [account, channel, to],
  );
  if (!sender) return;
  const said = sender.policy.opt_out ?? {};
  const text = said[names[kind]] === undefined ? usual[kind] : said[names[kind]];
  if (!(said.answers ?? channel === 'sms') || !text) return;
  await pool.query(
    `insert into delivery.delivery (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender, recipient, deadline, body)
     values ($1, $2, '', '', 0, '', $3, $4, $5, now() + ${DEADLINE_SECONDS} * interval '1 s', $6) on conflict do nothing`,
    [derivedSid('DY', account, `answer:${reference}`), account, channel, to, from, text],
  );
}
