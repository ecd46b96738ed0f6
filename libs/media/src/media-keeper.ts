/**
 * Keeps files and messages together: what the log says a message has is attached, what went with its message or conversation
 * is removed, what nobody sent in time too. Any number of instances may run: each step takes what nobody else holds.
 */
import type { MessageAdded, MessageDeleted } from '@parley/domain/conversation/events';
import type { LogEvent } from '@parley/domain/event';
import type { Connection, Pool } from '@parley/event-store/database';
import { mediaKey, type MediaStorage } from './media-storage.js';
import { attachMedia, removeMedia } from './media-store.js';
import { removeLeftOver } from './spool.js';

export const mediaTypes = ['MessageAdded', 'MessageDeleted', 'ConversationDeleted'];
/** Most messages have none. */
export const concernsMedia = ({ type, data }: LogEvent): boolean =>
  type !== 'MessageAdded' || ((data as MessageAdded).media?.length ?? 0) > 0;

const STEP = 1000;
const PAUSE_MILLIS = 1000;
const REMOVED_AT_ONCE = 50;

/** Of the log's consumer: in the transaction of its checkpoint. */
export async function keepMedia(tx: Connection, events: LogEvent[]): Promise<void> {
  for (const { type, conversation, data } of events) {
    if (type === 'MessageAdded') {
      const { media, messageSid } = data as MessageAdded;
      await attachMedia(tx, media!.map(({ sid }) => sid), conversation!, messageSid);
    } else if (type === 'MessageDeleted') await removeMedia(tx, 'message_sid = $1', [(data as MessageDeleted).messageSid]);
    else while ((await removeMedia(tx, ofConversation, [conversation])) === STEP);
  }
}
const ofConversation = `sid in (select sid from media.media where conversation_sid = $1 order by sid limit ${STEP})`;

export class MediaKeeper {
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly pool: Pool,
    private readonly storage: MediaStorage,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.working = this.work().catch(this.onError).then(() => this.start());
    }, PAUSE_MILLIS);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.working;
  }

  /** One round: what expired, and what the storage has to give up. */
  async work(): Promise<void> {
    while ((await removeMedia(this.pool, expired, [])) === STEP && !this.stopped);
    while ((await this.removeBytes()) === REMOVED_AT_ONCE && !this.stopped);
    await removeLeftOver(this.storage);
  }

  private async removeBytes(): Promise<number> {
    // Due again later, each time later: a storage that is away is asked again, and one bad key does not stop the others.
    const { rows } = await this.pool.query<{ sid: string; account: string }>(
      `update media.removal set attempts = attempts + 1, due_at = now() + least(3600, 2 ^ least(attempts, 12)) * interval '1 s'
        where sid in (select sid from media.removal where due_at <= now() order by due_at limit ${REMOVED_AT_ONCE} for update skip locked)
        returning sid, account`,
    );
    await Promise.all(rows.map(async ({ sid, account }) => {
      await this.storage.remove(mediaKey(account, sid));
      await this.pool.query('delete from media.removal where sid = $1', [sid]);
    }).map((removing) => removing.catch(this.onError)));
    return rows.length;
  }
}

const expired = `sid in (select sid from media.media where expires_at <= now() order by expires_at limit ${STEP} for update skip locked)`;
