/**
 * Files that came in by a carrier: noted before their message is routed, fetched once a message has them and again while that
 * may help. Each account and each host has its share of the fetches: one that hangs delays nobody else. Until a file is here its
 * message shows it with size 0 and its content answers 503.
 */
import type { InboundEvent, InboundMessage } from '@parley/channel/inbound-event';
import type { Media } from '@parley/domain/conversation/events';
import { derivedSid } from '@parley/event-store/derived-sid';
import type { Pool } from '@parley/event-store/database';
import { checkedContentType, typeOf } from '@parley/media/content-type';
import { mediaKey, type MediaStorage } from '@parley/media/media-storage';
import { discard, receive, TooLarge, type Received } from '@parley/media/spool';
import { logger } from '@parley/telemetry/logger';
import type { Carriers } from './carriers.js';
import { FairPool, type Open, type Shares } from './fair-pool.js';
import { withMailAttributes, withMailBodies } from './mail-bodies.js';
import { openRemote, RemoteRefused } from './remote-file.js';
import { Readable } from 'node:stream';

type Source = { carrier: string; channel: string; sender: string; url: string };
type Row = { sid: string; account: string; host: string; content_type: string; attempts: number; source: Source; connection: string | null; version: number | null };
/** A file whose bytes came along, in the storage since before the event was stored. */
type Kept = { sid: string; contentType: string; filename: string | null; size: number };
type KeptMedia = InboundMessage['media'][number] & { kept?: Kept };
type Options = {
  /** Of which files are fetched: this app has the carriers of one channel. */
  channel: string;
  bytesMax: number;
  privateAllowed: boolean;
};

/** Of all files, of one account's, of those at one host: who hangs has no more than this. */
const SHARES: Shares = { all: 32, account: 4, host: 8 };
/** Of one account's due files, the oldest are looked at. */
const LOOK_AHEAD = 50;
/** Of whom a file is asked; ids of files have their carrier instead. */
const HOST = "coalesce(substring(source->>'url' from '^https?://([^/?#]+)'), source->>'carrier')";
const FETCHING = "state = 'fetching' and message_sid is not null and source->>'channel' = $1";
const PAUSE_MILLIS = 500;
const FETCH_MILLIS = 60_000;
/** About half a day: the pauses double up to two hours. */
const ATTEMPTS_MAX = 12;
/** Unrouted messages have no use for theirs. */
const UNROUTED_SECONDS = 86_400;
const log = logger('inbound-media');

/** Same message, same SIDs: what a carrier repeats is noted once. */
export async function noteInboundMedia(pool: Pool, account: string, { channel, to, media }: InboundMessage, reference: string): Promise<Media[] | null> {
  const files = (media as KeptMedia[]).map(({ contentType, url, filename, kept }, i) => kept ?? (url === undefined ? undefined : {
    sid: derivedSid('ME', account, `${reference}/${i}`), contentType: typeOf(contentType) ?? 'application/octet-stream', filename: filename ?? null, size: 0,
    source: { carrier: reference.slice(0, reference.indexOf(':')), channel, sender: to, url } satisfies Source,
  })).filter((file) => file !== undefined);
  const remote = files.filter((file) => 'source' in file);
  if (remote.length > 0) await pool.query(
    `insert into media.media (sid, account, state, content_type, filename, source, due_at, expires_at)
     select f.sid, $1, 'fetching', f."contentType", f.filename, f.source, now(), now() + ${UNROUTED_SECONDS} * interval '1 s'
       from jsonb_to_recordset($2) f (sid text, "contentType" text, filename text, source jsonb) on conflict do nothing`, [account, JSON.stringify(remote)],
  );
  return files.length === 0 ? null : files.map(({ sid, contentType, filename, size }) => ({ sid, contentType, filename, size }));
}

export class InboundMedia {
  private timer: NodeJS.Timeout | undefined;
  private readonly fetches = new FairPool<Row>(SHARES, (open) => this.take(open), (row) => this.fetchOne(row));
  private readonly stopping = new AbortController();

  constructor(
    private readonly pool: Pool,
    private readonly storage: MediaStorage,
    private readonly carriers: Carriers,
    private readonly options: Options,
  ) {}

  /** Puts files whose bytes came along into the storage and takes the bytes out of the events: the same event again meets its own. */
  async keep(account: string, carrier: string, events: readonly InboundEvent[]): Promise<InboundEvent[]> {
    return Promise.all(events.map(async (given) => {
      const sidOf = (i: number) => derivedSid('ME', account, `${carrier}:${given.providerMessageId}/${i}`);
      const event = 'email' in given ? withMailBodies(given, sidOf) : given;
      if (!('media' in event) || event.media.every(({ content }) => content === undefined)) return withMailAttributes(event);
      const media = await Promise.all(event.media.map(async ({ content, ...file }, i) => {
        if (content === undefined) return file;
        return { ...file, kept: await this.keepOne(account, sidOf(i), file, content) };
      }));
      return withMailAttributes({ ...event, media } as InboundMessage);
    }));
  }

  private async keepOne(account: string, sid: string, { contentType, filename, category }: InboundMessage['media'][number], content: Buffer): Promise<Kept> {
    const file = await receive(this.storage, Readable.from([content]), Infinity);
    try {
      const type = (await checkedContentType(typeOf(contentType) ?? 'application/octet-stream', file.head)) ?? 'application/octet-stream';
      const { rows: [fresh] } = await this.pool.query(
        `insert into media.media (sid, account, state, size, content_type, filename, category, expires_at)
         values ($1, $2, 'uploading', $3, $4, $5, $6, now() + ${UNROUTED_SECONDS} * interval '1 s')
         on conflict (sid) do update set updated_at = now() where media.media.state = 'uploading' returning sid`,
        [sid, account, file.size, type, filename ?? null, category ?? 'media'],
      );
      if (fresh) {
        await this.storage.put(mediaKey(account, sid), file, type);
        await this.pool.query("update media.media set state = 'stored', updated_at = now() where sid = $1 and state = 'uploading'", [sid]);
      }
      return { sid, contentType: type, filename: filename ?? null, size: file.size };
    } finally {
      await discard(file);
    }
  }

  start(): void {
    if (this.stopping.signal.aborted) return;
    this.timer = setTimeout(() => {
      void this.fetches.fill().catch((error: unknown) => log.warn('looking for files to fetch failed', { error })).then(() => this.start());
    }, PAUSE_MILLIS);
  }

  /** What is under way is given up, and fetched again by somebody. */
  async stop(): Promise<void> {
    this.stopping.abort();
    clearTimeout(this.timer);
    await this.fetches.stop();
  }

  /** There is something new; does not wait for it. */
  soon(): void {
    this.fetches.fill().catch((error: unknown) => log.warn('looking for files to fetch failed', { error }));
  }

  /** Until nothing is due. */
  work(): Promise<void> {
    return this.fetches.drain();
  }

  /** Nobody else looks at them for as long as a fetch may take, and then each time longer. */
  private async take({ all, accounts, hosts }: Open): Promise<Row[]> {
    const { rows } = await this.pool.query<Row>({
      name: 'take-files', values: [this.options.channel, all, JSON.stringify(accounts), JSON.stringify(hosts)],
      text: `with recursive account as (
         (select account from media.media where ${FETCHING} order by account limit 1)
         union all
         select n.account from account a cross join lateral (select account from media.media where ${FETCHING} and media.account > a.account order by account limit 1) n
       ), turn as (
         select f.sid, row_number() over (partition by f.host order by f.due_at) as n, f.host, f.due_at from account a cross join lateral (
           select w.sid, w.host, w.due_at from (
             select sid, due_at, ${HOST} as host from media.media where ${FETCHING} and media.account = a.account and due_at <= now() order by due_at limit ${LOOK_AHEAD}) w
            where coalesce(($4::jsonb->>w.host)::integer, ${SHARES.host}) > 0
            order by w.due_at limit greatest(0, coalesce(($3::jsonb->>a.account)::integer, ${SHARES.account}))) f
       ), chosen as (
         select m.sid from (select sid from turn where n <= coalesce(($4::jsonb->>host)::integer, ${SHARES.host}) order by n, due_at limit $2) t
           cross join lateral (select e.sid from media.media e where e.sid = t.sid and e.state = 'fetching' and e.due_at <= now() for update skip locked) m
       ), due as (
         update media.media set attempts = attempts + 1, due_at = now() + greatest(${FETCH_MILLIS / 1000 + 15}, least(7200, 5 * 2 ^ attempts)) * interval '1 s'
          where sid in (select sid from chosen)
         returning sid, account, content_type, attempts, source, ${HOST} as host)
       select d.*, c.sid as connection, c.version from due d
         left join delivery.sender s on s.account = d.account and s.channel = d.source->>'channel' and s.address = d.source->>'sender'
         left join delivery.connection c on c.sid = s.connection and c.carrier = d.source->>'carrier'`,
    });
    return rows;
  }

  private async fetchOne(row: Row): Promise<void> {
    let file: Received | undefined;
    try {
      file = await this.download(row);
      const contentType = (await checkedContentType(row.content_type, file.head)) ?? 'application/octet-stream';
      await this.storage.put(mediaKey(row.account, row.sid), file, contentType);
      await this.stored(row, file.size, contentType);
    } catch (error) {
      const forGood = error instanceof RemoteRefused || error instanceof TooLarge || row.attempts >= ATTEMPTS_MAX;
      log.warn('file not fetched from its carrier', { sid: row.sid, attempts: row.attempts, givenUp: forGood, error });
      const next = forGood ? "state = 'failed', due_at = null" : "due_at = now() + least(7200, 5 * 2 ^ (attempts - 1)) * interval '1 s'";
      await this.pool.query(`update media.media set ${next}, updated_at = now() where sid = $1 and state = 'fetching'`, [row.sid])
        .catch((cause: unknown) => log.warn('it is tried again later', { sid: row.sid, error: cause }));
    } finally {
      if (file) await discard(file);
    }
  }

  private async download({ account, source, connection, version }: Row): Promise<Received> {
    const adapter = await this.carriers.adapterFor({ account, carrier: source.carrier, connection, version });
    const signal = AbortSignal.any([AbortSignal.timeout(FETCH_MILLIS), this.stopping.signal]);
    const url = adapter?.resolveMedia ? await adapter.resolveMedia(source.url, signal) : source.url;
    const answer = await openRemote(url, {
      headersFor: (url) => adapter?.mediaHeaders(url) ?? {}, privateAllowed: this.options.privateAllowed, signal,
    });
    return receive(this.storage, answer, this.options.bytesMax);
  }

  /** Its message may have gone meanwhile: then its bytes go too. */
  private async stored({ sid, account }: Row, size: number, contentType: string): Promise<void> {
    const { rowCount } = await this.pool.query(
      `update media.media set state = 'stored', size = $2, content_type = $3, source = null, due_at = null, updated_at = now()
        where sid = $1 and state = 'fetching'`, [sid, size, contentType],
    );
    if (rowCount === 0) await this.pool.query('insert into media.removal (sid, account) values ($1, $2) on conflict do nothing', [sid, account]);
  }
}
