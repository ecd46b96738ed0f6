/** `/v3/…` inside the socket: the synchronised objects as the SDK reads them. It writes none: whatever changes goes by the client API. */
import type { Somebody } from '@parley/runtime/presence';
import type { ClientSession } from './client-session.js';
import { documentData, infoData, messageData, mineData, rosterData } from './sync-data.js';
import { infoName, mineName, nameOf, sidOf, syncObject, typeOf, type ConversationPart, type SyncObject } from './sync-names.js';
import type { SyncReads } from './sync-reads.js';
import { TunnelRefusal, type TunnelAnswer, type TunnelRequest } from './tunnel-request.js';
import { readerOf } from './user-objects.js';

const typeOfPath: Readonly<Record<string, string>> = { Documents: 'document', Lists: 'list', Maps: 'map' };
const PAGE_DEFAULT = 50;
const PAGE_MAX = 100;
/** A page ends early rather than be a megabyte that a slow reader chokes on. */
const PAGE_CHARS_MAX = 524_288;

type Item = { key?: string; index?: number; data: object };
/** What a page token says: where it goes on, in which direction, how many; `count`: only so many on this page, which ends where the one it stands before begins. */
type PageToken = { from: string; order: 'asc' | 'desc'; size: number; count?: number };

const notFound = () => new TunnelRefusal(404, 54100, 'Not found');

export class SyncApi {
  constructor(private readonly reads: SyncReads, private readonly base: string, private readonly isOnline: (who: Somebody) => Promise<boolean>) {}

  /** `segments`: behind `v3`, or behind `v3/Services/IS…`. Throws TunnelRefusal. */
  async answer(session: ClientSession, { method, segments, params }: TunnelRequest): Promise<TunnelAnswer> {
    const [type = '', id = '', below] = segments[1] === 'Services' ? segments.slice(3) : segments.slice(1);
    const object = syncObject(id);
    if (method !== 'GET') throw new TunnelRefusal(403, 54007, 'Objects are read here, and written by the conversations API');
    if (!object || typeOfPath[type] !== typeOf(object.kind)) throw notFound();
    return { status: 200, body: below === 'Items' ? await this.items(session, object, params) : await this.root(session, object, params.get('Include') === 'items') };
  }

  private async root(session: ClientSession, object: SyncObject, withItems: boolean): Promise<object> {
    const reader = readerOf(session);
    if (object.kind === 'mine') {
      if (object.user !== session.mine) throw notFound();
      return this.describe(session, 'mine', object.user, mineName(object.user), session.nextMineId());
    }
    if (object.kind === 'info') {
      const id = session.nextId(); // before it is read: what happens meanwhile comes after it
      const { sid, items } = await this.info(session, object);
      return { ...this.describe(session, 'info', sid, infoName(sid), id), ...(withItems && { items: items.map((item) => itemJson(item, id)) }) };
    }
    const { kind, conversation } = object;
    if (kind === 'document') {
      const found = await this.reads.document(reader, conversation);
      if (!found) throw notFound();
      return { ...this.describe(session, kind, conversation, nameOf(kind, conversation), found.head), data: documentData(found.rows[0]!) };
    }
    const found = await this.reads.conversation(reader, conversation);
    if (!found) throw notFound();
    return this.describe(session, kind, conversation, nameOf(kind, conversation), found.head);
  }

  private describe({ principal }: ClientSession, kind: SyncObject['kind'], of: string, unique_name: string, id: number): object {
    const sid = sidOf(kind, of);
    const type = typeOf(kind);
    const url = `${this.base}/v3/Services/${principal!.service}/${type === 'document' ? 'Documents' : type === 'list' ? 'Lists' : 'Maps'}/${sid}`;
    const now = new Date().toISOString();
    return {
      sid, unique_name, account_sid: principal!.account, service_sid: principal!.service, type, url, revision: String(id), last_event_id: Number(id),
      date_created: now, date_updated: now, date_expires: null, created_by: 'system', ...(type !== 'document' && { links: { items: `${url}/Items` } }),
    };
  }

  private async items(session: ClientSession, object: SyncObject, params: ReadonlyMap<string, string>): Promise<object> {
    const token = readToken(params.get('PageToken'));
    const single = params.get('Key') ?? params.get('Index');
    const descending = (token?.order ?? params.get('Order')) === 'desc';
    const size = single === undefined ? Math.min(Math.max(token?.size ?? (Math.trunc(Number(params.get('PageSize'))) || PAGE_DEFAULT), 1), PAGE_MAX) : 1;
    const count = single === undefined ? Math.min(Math.max(token?.count ?? size, 1), size) : 1;
    const from = single ?? token?.from ?? params.get('From');
    const id = object.kind === 'mine' ? session.pageOfMineId : session.nextId();
    const { head, items } = await this.page(session, object, from, descending && single === undefined, count + 1, id);
    const rows = single === undefined ? fitting(items.slice(0, count)) : items.slice(0, 1).filter((item) => String(item.key ?? item.index) === single);
    const next = single === undefined && items.length > rows.length ? keyOf(items[rows.length]!) : null;
    const before = single === undefined && from !== undefined && rows.length > 0
      ? fitting((await this.page(session, object, keyOf(rows[0]!), !descending, size + 1, id)).items.slice(1)) : [];
    return {
      items: rows.map((item) => itemJson(item, head)),
      meta: {
        previous_token: before.length > 0 ? writeToken({ from: keyOf(before.at(-1)!), order: descending ? 'desc' : 'asc', size, count: before.length }) : null,
        next_token: next === null ? null : writeToken({ from: next, order: descending ? 'desc' : 'asc', size }),
      },
    };
  }

  /** From a key on, itself among them. `id`: what objects of users tell as their position. */
  private async page(session: ClientSession, object: SyncObject, from: string | undefined, descending: boolean, limit: number, id: number): Promise<{ head: number; items: Item[] }> {
    const reader = readerOf(session);
    if (object.kind === 'mine') {
      if (object.user !== session.mine) throw notFound();
      return { head: id, items: (await this.reads.mine(reader, { from, descending, limit })).map((row) => ({ key: row.conversation, data: mineData(row) })) };
    }
    if (object.kind === 'info') {
      const { items } = await this.info(session, object);
      const sorted = items.filter((item) => from === undefined || (descending ? keyOf(item) <= from : keyOf(item) >= from));
      sorted.sort((a, b) => (descending ? -1 : 1) * (keyOf(a) < keyOf(b) ? -1 : 1));
      return { head: id, items: sorted.slice(0, limit) };
    }
    const { kind, conversation } = object;
    if (kind === 'document') throw notFound();
    return kind === 'messages' ? this.messagePage(reader, conversation, from, descending, limit) : this.rosterPage(reader, conversation, from, descending, limit);
  }

  private async messagePage(reader: ReturnType<typeof readerOf>, conversation: string, from: string | undefined, descending: boolean, limit: number) {
    const index = from === undefined ? undefined : Math.min(Math.max(Math.trunc(Number(from)) || 0, -1), 2_147_483_647);
    const found = await this.reads.messages(reader, conversation, { from: index, descending, limit });
    if (!found) throw notFound();
    return { head: Number(found.head), items: found.rows.map((row) => ({ index: row.index, data: messageData(row) })) };
  }

  private async rosterPage(reader: ReturnType<typeof readerOf>, conversation: string, from: string | undefined, descending: boolean, limit: number) {
    const found = await this.reads.roster(reader, conversation, { from, descending, limit });
    if (!found) throw notFound();
    return { head: Number(found.head), items: found.rows.map((row) => ({ key: row.sid, data: rosterData(row) })) };
  }

  private async info(session: ClientSession, object: Extract<SyncObject, { kind: 'info' }>): Promise<{ sid: string; items: Item[] }> {
    const row = await this.reads.info(readerOf(session), 'user' in object ? { sid: object.user } : { identity: object.identity });
    if (!row) throw notFound();
    const data = infoData(row, row.reachable && (await this.isOnline({ ...readerOf(session), identity: row.identity })));
    return { sid: row.sid, items: Object.entries(data).map(([key, value]) => ({ key, data: value })) };
  }
}

export const conversationObjects = (conversation: string): Record<'conversation' | 'messages' | 'participants', string> => {
  const name = (part: ConversationPart) => nameOf(part, conversation);
  return { conversation: name('document'), messages: name('messages'), participants: name('roster') };
};

/** At least one. */
function fitting(items: Item[]): Item[] {
  let chars = 0;
  const end = items.findIndex(({ data }, i) => (chars += JSON.stringify(data).length) > PAGE_CHARS_MAX && i > 0);
  return end < 0 ? items : items.slice(0, end);
}

const keyOf = (item: Item): string => String(item.key ?? item.index);

function itemJson({ data, ...at }: Item, id: number): object {
  const now = new Date().toISOString();
  return { ...at, data, revision: String(id), last_event_id: Number(id), url: '', date_created: now, date_updated: now, date_expires: null };
}

const writeToken = (token: PageToken): string => Buffer.from(JSON.stringify(token)).toString('base64url');

function readToken(text: string | undefined): PageToken | undefined {
  if (text === undefined) return undefined;
  try {
    const { from, order, size, count = size } = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Record<string, unknown>;
    if (typeof from === 'string' && !from.includes('\0') && (order === 'asc' || order === 'desc') && Number.isInteger(size) && Number.isInteger(count))
      return { from, order, size: size as number, count: count as number };
  } catch { /* refused below */ }
  throw new TunnelRefusal(400, 54003, 'PageToken is none of ours');
}
