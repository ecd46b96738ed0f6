/** Which files there are, whose they are and which message has each (migrations/0007_media.sql). */
import { DomainError } from '@parley/domain/domain-error';
import type { Media } from '@parley/domain/conversation/events';
import { newSid, type Sid } from '@parley/domain/sid';
import { derivedSid } from '@parley/event-store/derived-sid';
import { transaction, type Connection, type Pool } from '@parley/event-store/database';
import { mediaKey, type MediaStorage, type SpooledFile } from './media-storage.js';

export type MediaCategory = 'media' | 'body' | 'history';
export type MediaRow = {
  sid: string; account: string; chat_service_sid: string | null; conversation_sid: string | null; message_sid: string | null;
  state: 'uploading' | 'stored' | 'fetching' | 'failed'; category: MediaCategory; author: string | null; size: number;
  content_type: string; filename: string | null; multipart: boolean; created_at: string; updated_at: string;
};
export type NewMedia = {
  account: string; service: string; author: string | null; category: MediaCategory; contentType: string; filename: string | null;
  multipart: boolean;
};

/** A request with an Idempotency-Key. */
export type RepeatableUpload = { key?: string; hash?: string };

const COLUMNS = `sid, account, chat_service_sid, conversation_sid, message_sid, state, category, author, size, content_type, filename,
  multipart, created_at, updated_at`;
/** Longer than any storage takes; what a dead process left is removed then. */
const UPLOADING_SECONDS = 3600;
/** From the claim to the message's fact, and that fact's consumer: seconds, with everything broken minutes. */
const CLAIMED_SECONDS = 3600;
/** As long as an idempotency key: afterwards the same key would be another message. */
const REPEATED_WITHIN = '1 day';

export class MediaStore {
  constructor(
    private readonly pool: Pool,
    private readonly storage: MediaStorage,
    /** API reference 3.9: what no message has after five minutes is removed. */
    private readonly unattachedSeconds = 300,
  ) {}

  /**
   * The row is first: bytes without a row would lie there for ever. A repetition finds it, and finishes what the first one did
   * not; with another file it is no repetition.
   */
  async upload(file: SpooledFile, media: NewMedia, by: RepeatableUpload = {}): Promise<MediaRow> {
    const { account, contentType } = media;
    const sid = by.key === undefined ? newSid('ME') : derivedSid('ME', account, by.key);
    const before = await this.begin(sid, file, media, by);
    if (before && before.state !== 'uploading') return before;
    await this.storage.put(mediaKey(account, sid), file, contentType);
    const { rows } = await this.pool.query<MediaRow>(
      `update media.media set state = 'stored', expires_at = now() + $2 * interval '1 s', updated_at = now()
        where sid = $1 and state = 'uploading' returning ${COLUMNS}`, [sid, this.unattachedSeconds],
    );
    const stored = rows[0] ?? (await this.find(sid, account)); // a repetition may have been faster
    if (!stored) throw new DomainError('unavailable');
    return stored;
  }

  /** The row as a request with the same key left it; undefined: this is the first one. */
  private async begin(sid: string, file: SpooledFile, media: NewMedia, by: RepeatableUpload): Promise<MediaRow | undefined> {
    const { account, service, author, category, contentType, filename, multipart } = media;
    return transaction(this.pool, async (tx) => {
      if (by.key !== undefined && !(await remember(tx, account, by))) {
        const { rows: [before] } = await tx.query<MediaRow>(`select ${COLUMNS} from media.media where sid = $1`, [sid]);
        if (!before) throw new DomainError('media_not_found'); // removed since
        if (before.size !== file.size) throw new DomainError('idempotency_key_reused');
        return before;
      }
      await tx.query(
        `insert into media.media (sid, account, chat_service_sid, state, category, author, size, content_type, filename, multipart, expires_at)
         values ($1, $2, $3, 'uploading', $4, $5, $6, $7, $8, $9, now() + ${UPLOADING_SECONDS} * interval '1 s')`,
        [sid, account, service, category, author, file.size, contentType, filename, multipart],
      );
      return undefined;
    });
  }

  /** Uploaded or still with a carrier; not while it is on its way into the storage, nor when its time is over. */
  async find(sid: string, account?: string): Promise<MediaRow | undefined> {
    const { rows } = await this.pool.query<MediaRow>({
      name: 'media', values: [sid, account ?? null],
      text: `select ${COLUMNS} from media.media where sid = $1 and ($2::text is null or account = $2) and state <> 'uploading'
               and (expires_at is null or expires_at > now())`,
    });
    return rows[0];
  }

  /**
   * For a message about to be added: nobody else can have them from now on. The same claim again is the same request. Throws
   * DomainError `media_not_found`, `media_in_use`.
   */
  async claim(owner: { account: string; service: string }, sids: readonly string[], claim: string): Promise<Media[]> {
    return transaction(this.pool, async (tx) => {
      // In one order everywhere, so that two requests never wait for each other crosswise.
      const { rows } = await tx.query<MediaRow & { mine: boolean; free: boolean }>(
        `select ${COLUMNS}, coalesce(claim = $4 and updated_at > now() - interval '${REPEATED_WITHIN}', false) as mine,
                claim is null and message_sid is null as free
           from media.media where account = $1 and chat_service_sid = $2 and sid = any ($3) and state = 'stored'
            and (expires_at is null or expires_at > now()) order by sid for update`,
        [owner.account, owner.service, sids, claim],
      );
      const found = sids.map((sid) => rows.find((row) => row.sid === sid));
      if (found.includes(undefined)) throw new DomainError('media_not_found');
      if (rows.some(({ mine, free }) => !mine && !free)) throw new DomainError('media_in_use');
      await tx.query(
        `update media.media set claim = $2, expires_at = now() + ${CLAIMED_SECONDS} * interval '1 s', updated_at = now()
          where sid = any ($1) and message_sid is null`, [sids, claim],
      );
      return found.map((row) => mediaOf(row!));
    });
  }

  /** No message came of it. */
  async release(sids: readonly string[], claim: string): Promise<void> {
    await this.pool.query(
      `update media.media set claim = null, expires_at = now() + $3 * interval '1 s' where sid = any ($1) and claim = $2 and message_sid is null`,
      [sids, claim, this.unattachedSeconds],
    );
  }

  async attach(sids: readonly string[], conversation: string, message: string): Promise<void> {
    await attachMedia(this.pool, sids, conversation, message);
  }

  /** False: there is none. */
  async remove(sid: string, account: string, by: RepeatableUpload = {}): Promise<boolean> {
    return transaction(this.pool, async (tx) => {
      if ((await removeMedia(tx, 'sid = $1 and account = $2', [sid, account])) === 0) return false;
      if (by.key !== undefined) await remember(tx, account, by);
      return true;
    });
  }
}

/** False: it is remembered already, for this very request. */
async function remember(tx: Connection, account: string, { key, hash = '' }: RepeatableUpload): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into log.command (account, key, hash, result, at, expires_at) values ($1, $2, $3, 'null', now(), now() + interval '${REPEATED_WITHIN}')
     on conflict do nothing`, [account, key, hash],
  );
  if (rowCount === 1) return true;
  const { rows } = await tx.query<{ hash: string }>('select hash from log.command where account = $1 and key = $2', [account, key]);
  if (rows[0]?.hash !== hash) throw new DomainError('idempotency_key_reused');
  return false;
}

const mediaOf = ({ sid, content_type: contentType, filename, size }: MediaRow): Media => ({ sid: sid as Sid<'ME'>, contentType, filename, size });

export async function attachMedia(on: Pool | Connection, sids: readonly string[], conversation: string, message: string): Promise<void> {
  await on.query(
    `update media.media set conversation_sid = $2, message_sid = $3, expires_at = null, updated_at = now(),
       chat_service_sid = coalesce(chat_service_sid, (select chat_service_sid from model.conversation where sid = $2))
      where sid = any ($1) and message_sid is null`, [sids, conversation, message],
  );
}

/** Rows go at once, their bytes as soon as the storage answers (media-keeper.ts). Resolves with how many there were. */
export async function removeMedia(on: Pool | Connection, where: string, values: unknown[]): Promise<number> {
  const { rowCount } = await on.query(
    `with gone as (delete from media.media where ${where} returning sid, account)
     insert into media.removal (sid, account) select sid, account from gone on conflict do nothing`, values,
  );
  return rowCount ?? 0;
}
