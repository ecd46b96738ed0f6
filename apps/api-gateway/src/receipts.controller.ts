/** `…/Messages/{Sid}/Receipts` (API reference 1.6): read only, written by what carriers report. */
import { Controller, Get, Inject, Param } from '@nestjs/common';
import type { Paging } from '@parley/contracts/rest/paging';
import { isSid } from '@parley/domain/sid';
import { families, PagingOf, TheCall, type Call } from './call.js';
import { mustBeText, namedBy } from './conversation-lookup.js';
import { NotFound } from './error-answer.js';
import { plainOrNull, textOrNull, time } from './json-text.js';
import { listAnswer } from './list-answer.js';
import { readPageToken, sidOfKind } from './page-token.js';
import { prepared, Reads } from './reads.js';

type ReceiptRow = {
  sid: string; participant_sid: string | null; channel_message_sid: string | null; status: string; error_code: number;
  created_at: string; updated_at: string;
};
/** The conversation and the message exist as soon as there is a row; without receipts its columns are null. */
type Found = { conversation: string } & ({ sid: null } | ReceiptRow);

const message = (by: 'sid' | 'name') => `
  select c.sid as conversation, r.* from model.conversation c
    join model.message m on m.conversation_sid = c.sid and m.sid = $4`
  + ` left join lateral (select sid, participant_sid, channel_message_sid, status, error_code, created_at, updated_at from model.receipt`
  + ` where message_sid = m.sid and %) r on true where c.account = $1 and c.chat_service_sid = $2 and c.${by === 'sid' ? 'sid' : 'unique_name'} = $3`;
const queries = (by: 'sid' | 'name') => ({
  forward: prepared(`receipts-${by}`, message(by).replace('%', 'sid > $5 order by sid asc limit $6')),
  backward: prepared(`receipts-back-${by}`, message(by).replace('%', 'sid < $5 order by sid desc limit $6')),
  one: prepared(`receipt-${by}`, message(by).replace('%', 'sid = $5')),
});
const by = { sid: queries('sid'), name: queries('name') };

@Controller(families('Conversations/:ConversationSid/Messages/:MessageSid/Receipts'))
export class ReceiptsController {
  constructor(@Inject(Reads) private readonly reads: Reads) {}

  @Get()
  async list(
    @TheCall() call: Call, @Param('ConversationSid') conversation: string, @Param('MessageSid') messageSid: string,
    @PagingOf(50) paging: Paging,
  ): Promise<string> {
    const cursor = readPageToken(paging.PageToken, 'receipts', ([sid]) => (sidOfKind(sid, 'DY') ? ([sid] as const) : undefined));
    const query = by[namedBy(conversation)][cursor?.back ? 'backward' : 'forward'];
    const rows = await this.reads.query<Found>(
      query(call.account.sid, call.service, mustBeText(conversation), mustBeMessage(messageSid), cursor?.key[0] ?? '', paging.PageSize + 1));
    const found = rows[0];
    if (!found) throw new NotFound();
    const receipts = rows.filter((row): row is { conversation: string } & ReceiptRow => row.sid !== null);
    return listAnswer({
      key: 'delivery_receipts', url: urlOf(call, found.conversation, messageSid), list: 'receipts', paging, cursor, rows: receipts,
      keyOf: ({ sid }) => [sid] as const, json: (row) => receiptJson(call, found.conversation, messageSid, row),
    });
  }

  @Get(':Sid')
  async fetch(
    @TheCall() call: Call, @Param('ConversationSid') conversation: string, @Param('MessageSid') messageSid: string, @Param('Sid') sid: string,
  ): Promise<string> {
    if (!isSid(sid, 'DY')) throw new NotFound();
    const query = by[namedBy(conversation)].one(call.account.sid, call.service, mustBeText(conversation), mustBeMessage(messageSid), sid);
    const [found] = await this.reads.query<Found>(query);
    if (!found || found.sid === null) throw new NotFound();
    return receiptJson(call, found.conversation, messageSid, found);
  }
}

function mustBeMessage(segment: string): string {
  if (!isSid(segment, 'IM')) throw new NotFound();
  return segment;
}

const urlOf = ({ base }: Call, conversation: string, messageSid: string) => `${base}/Conversations/${conversation}/Messages/${messageSid}/Receipts`;

function receiptJson(call: Call, conversation: string, messageSid: string, r: ReceiptRow): string {
  const service = call.ofService ? `"chat_service_sid":"${call.service}",` : '';
  return `{"sid":"${r.sid}","account_sid":"${call.account.sid}",${service}"conversation_sid":"${conversation}","message_sid":"${messageSid
  }","channel_message_sid":${textOrNull(r.channel_message_sid)},"participant_sid":${plainOrNull(r.participant_sid)},"status":"${
    r.status}","error_code":${r.error_code},"date_created":${time(r.created_at)},"date_updated":${time(r.updated_at)},"url":"${
    urlOf(call, conversation, messageSid)}/${r.sid}"}`;
}
