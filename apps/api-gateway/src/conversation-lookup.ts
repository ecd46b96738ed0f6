/** Which conversation a path segment means, for commands; reads find out in their own query. */
import { Inject, Injectable } from '@nestjs/common';
import { DomainError } from '@parley/domain/domain-error';
import { isSid, type ConversationSid } from '@parley/domain/sid';
import { LruMap } from '@parley/event-store/lru-map';
import type { Call } from './call.js';
import { NotFound } from './error-answer.js';
import { prepared, Reads } from './reads.js';

type Place = { account: string; service: string };
type Found = { sid: ConversationSid; chat_service_sid: string; state: string };
const find = {
  sid: prepared('conversation-place', `select sid, chat_service_sid, state from model.conversation where account = $1 and sid = $2`),
  name: prepared('conversation-place-by-name',
    `select sid, chat_service_sid, state from model.conversation where account = $1 and chat_service_sid = $3 and unique_name = $2`),
};

/** `sid` or `name`: a unique name never looks like a SID. */
export const namedBy = (segment: string): 'sid' | 'name' => (isSid(segment, 'CH') ? 'sid' : 'name');

/** No name holds a NUL, and Postgres would not take it. */
export function mustBeText(segment: string): string {
  if (segment.includes('\0')) throw new NotFound();
  return segment;
}

@Injectable()
export class ConversationLookup {
  /** Where a conversation is never changes; that it was deleted, the command itself finds out. */
  private readonly places = new LruMap<string, Place>(100_000);

  constructor(@Inject(Reads) private readonly reads: Reads) {}

  /** Throws NotFound: unknown, of another account, or of another service. */
  async sidOf(call: Call, segment: string): Promise<ConversationSid> {
    const { account, service } = call;
    const known = namedBy(segment) === 'sid' ? this.places.get(segment) : undefined;
    if (known && known.account === account.sid && known.service === service) return segment as ConversationSid;
    return this.livingSidOf(call, segment);
  }

  /** By SID alone, whatever the service; certainly not deleted. Throws NotFound. */
  async sidInAccount({ account }: Call, sid: ConversationSid): Promise<ConversationSid> {
    const [row] = await this.reads.query<{ sid: ConversationSid }>(find.sid(account.sid, sid));
    if (!row) throw new NotFound();
    return row.sid;
  }

  /** As `sidOf`, and certainly not deleted: for what no command on the conversation looks at. */
  async livingSidOf(call: Call, segment: string): Promise<ConversationSid> { return (await this.living(call, segment)).sid; }

  /** As `livingSidOf`, and not closed: for changes that no command on the conversation looks at. Throws `conversation_closed`. */
  async openSidOf(call: Call, segment: string): Promise<ConversationSid> {
    const { sid, state } = await this.living(call, segment);
    if (state === 'closed') throw new DomainError('conversation_closed');
    return sid;
  }

  private async living({ account, service }: Call, segment: string): Promise<Found> {
    const query = namedBy(segment) === 'sid' ? find.sid(account.sid, segment) : find.name(account.sid, mustBeText(segment), service);
    const [row] = await this.reads.query<Found>(query);
    if (!row || row.chat_service_sid !== service) throw new NotFound();
    this.places.set(row.sid, { account: account.sid, service });
    return row;
  }
}
