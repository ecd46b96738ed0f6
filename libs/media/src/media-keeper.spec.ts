import type { LogEvent } from '@parley/domain/event';
import { newSid } from '@parley/domain/sid';
import { transaction } from '@parley/event-store/database';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskStorage } from './disk-storage.js';
import { keepMedia, MediaKeeper } from './media-keeper.js';
import { MediaGone, mediaKey, type MediaStorage } from './media-storage.js';
import { MediaStore } from './media-store.js';
import { receive } from './spool.js';

let db: TestDatabase;
let folder: string;
let storage: MediaStorage;
let store: MediaStore;
const [account, service] = [newSid('AC'), newSid('IS')];
const errors: unknown[] = [];
beforeAll(async () => {
  db = await testDatabase();
  folder = await mkdtemp(join(tmpdir(), 'parley-keeper-'));
  storage = new DiskStorage(folder);
  store = new MediaStore(db.pool, storage);
});
afterAll(async () => {
  await db?.drop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => void (errors.length = 0));

async function* bytes() { yield Buffer.from('hello'); }
const upload = async () => {
  const file = await receive(storage, bytes(), 100);
  return store.upload(file, { account, service, author: null, category: 'media', contentType: 'text/plain', filename: null, multipart: false });
};
const told = (type: string, conversation: string, data: object) => transaction(db.pool, (tx) => keepMedia(tx, [{ type, conversation, data } as LogEvent]));
const keeper = (of: MediaStorage = storage) => new MediaKeeper(db.pool, of, (error) => errors.push(error));
const isGone = async (sid: string) => {
  expect(await store.find(sid)).toBeUndefined();
  await expect(storage.read(mediaKey(account, sid))).rejects.toThrow(MediaGone);
};
const attached = async () => {
  const [{ sid }, conversation, messageSid] = [await upload(), newSid('CH'), newSid('IM')];
  await told('MessageAdded', conversation, { messageSid, media: [{ sid }] });
  return { sid, conversation, messageSid };
};

it('a file belongs to the message whose fact names it, whoever crashed before', async () => {
  const { sid, conversation, messageSid } = await attached();
  await told('MessageAdded', conversation, { messageSid, media: [{ sid }] }); // a replay
  expect(await store.find(sid)).toMatchObject({ conversation_sid: conversation, message_sid: messageSid });
  await expect(store.claim({ account, service }, [sid], 'x')).rejects.toThrow('media_in_use');
  await db.pool.query("update media.media set created_at = now() - interval '1 year', updated_at = now() - interval '1 year'");
  await keeper().work();
  expect(await store.find(sid)).toBeDefined();
});
it('goes with its message', async () => {
  const { sid, conversation, messageSid } = await attached();
  await told('MessageDeleted', conversation, { messageSid });
  await keeper().work();
  await isGone(sid);
});
it('goes with its conversation, and only with that', async () => {
  const [one, other] = [await attached(), await attached()];
  await told('ConversationDeleted', one.conversation, {});
  await keeper().work();
  await isGone(one.sid);
  expect(await store.find(other.sid)).toBeDefined();
});
it('goes when nobody sent it in time, also when it never arrived', async () => {
  const [late, fresh, broken] = [await upload(), await upload(), await upload()];
  await db.pool.query("update media.media set expires_at = now() - interval '1 s', state = case sid when $2 then 'uploading' else state end where sid = any ($1)", [[late.sid, broken.sid], broken.sid]);
  await keeper().work();
  await isGone(late.sid);
  await isGone(broken.sid);
  expect(await store.find(fresh.sid)).toBeDefined();
});
it('a storage that is away is asked again', async () => {
  const { sid } = await upload();
  await store.remove(sid, account);
  await keeper({ ...storage, spoolFolder: folder, remove: async () => { throw new Error('away'); } } as unknown as MediaStorage).work();
  expect(errors).toHaveLength(1);
  await db.pool.query('update media.removal set due_at = now()');
  await keeper().work();
  await isGone(sid);
  expect((await db.pool.query('select 1 from media.removal')).rows).toEqual([]);
});
it('only the owner removes it', async () => {
  const { sid } = await upload();
  expect(await store.remove(sid, newSid('AC'))).toBe(false);
  await expect(store.claim({ account: newSid('AC'), service }, [sid], 'x')).rejects.toThrow('media_not_found');
  await expect(store.claim({ account, service: newSid('IS') }, [sid], 'x')).rejects.toThrow('media_not_found');
});
it('several are claimed together or not at all', async () => {
  const [a, b, taken] = [await upload(), await upload(), await upload()];
  await store.claim({ account, service }, [taken.sid], 'other');
  await expect(store.claim({ account, service }, [a.sid, taken.sid], 'x')).rejects.toThrow('media_in_use');
  expect((await store.claim({ account, service }, [b.sid, a.sid], 'x')).map(({ sid }) => sid)).toEqual([b.sid, a.sid]);
  await store.release([a.sid, b.sid], 'x');
  expect(await store.claim({ account, service }, [a.sid], 'y')).toHaveLength(1);
});
