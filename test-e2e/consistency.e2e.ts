/** P2, P4, P5 and P9: one order everywhere, read your writes, the same key is the same effect, rebuilt while serving. */
import { randomUUID } from 'node:crypto';
import { connectDatabase } from '../infra/local/database.mjs';
import type { Answer, Fields } from './caller.js';
import { until, type Topology } from './installation.js';
import { Stage } from './stage.js';
import { Thread } from './thread.js';

const TEST_MS = 360_000;
type Resource = { sid: string } & Record<string, unknown>;

describe.each<Topology>(['one', 'services'])('everybody sees the same (%s)', (topology) => {
  const stage = new Stage(topology);

  it('P2: one order at REST, every websocket and every handset, though many write at once and connections break', async () => {
    const thread = await stage.open('Crowd', { members: 3, sms: 2, whatsapp: 1 });
    const work = Promise.all([thread.write(100, 12), thread.text(10), thread.invite(5)]);
    work.catch(() => {}); // told below
    for (const [cuts, answered] of [20, 40, 60].entries()) {
      await until(async () => thread.answered >= answered, `${answered} are answered`);
      // A connection that is only being made could not be cut.
      await until(async () => thread.members.slice(0, 2).every(({ connections }) => connections > cuts), 'both are connected again');
      thread.members[0]!.cut();
      thread.members[1]!.cut();
    }
    await work;
    await thread.check();
    await until(async () => thread.members.slice(0, 2).every(({ connections }) => connections === 4), 'both are connected again');
    expect(thread.members.map(({ connections }) => connections)).toEqual([4, 4, 1]);
  }, TEST_MS);

  describe.each(['/v1', '/v1/Services/{IS}'])('P4: %s shows a write as soon as it is answered', (family) => {
    const base = () => family.replace('{IS}', stage.parley.account.serviceSid);
    const get = (path: string) => stage.caller.get<Resource>(base() + path);
    const post = (path: string, fields: Fields) => stage.caller.post<Resource>(base() + path, fields);
    const newest = async (path: string, key: string) => (await stage.caller.get<Record<string, Resource[]>>(`${base()}${path}`))[key]!;
    const gone = async (path: string) => (await stage.caller.call('GET', base() + path)).status;

    it('whatever is written, again and again', async () => {
      for (let round = 0; round < 15; round++) {
        const uniqueName = randomUUID();
        const conversation = await post('/Conversations', { UniqueName: uniqueName });
        const path = `/Conversations/${conversation.sid}`;
        expect(await get(path)).toEqual(conversation);
        expect(await get(`/Conversations/${uniqueName}`)).toEqual(conversation);
        expect(await newest('/Conversations', 'conversations')).toContainEqual(conversation);

        const alice = await post(`${path}/Participants`, { Identity: 'alice' });
        const phone = await post(`${path}/Participants`, { 'MessagingBinding.Address': `+1555040${round}${base().length}`, 'MessagingBinding.ProxyAddress': '+15550100009' });
        expect([await get(`${path}/Participants/alice`), await get(`${path}/Participants/${phone.sid}`)]).toEqual([alice, phone]);
        expect(await newest(`${path}/Participants`, 'participants')).toEqual([alice, phone]);
        const changed = await post(`${path}/Participants/alice`, { Attributes: `{"round":${round}}` });
        expect(changed).toMatchObject({ sid: alice.sid, attributes: `{"round":${round}}` });
        expect(await get(`${path}/Participants/alice`)).toEqual(changed);

        const message = await post(`${path}/Messages`, { Author: 'alice', Body: `round ${round}` });
        expect(await newest(`${path}/Messages?Order=desc`, 'messages')).toEqual([message]);
        const edited = await post(`${path}/Messages/${message.sid}`, { Body: 'edited', Attributes: `{"round":${round}}` });
        expect(edited).toMatchObject({ body: 'edited', attributes: `{"round":${round}}`, index: 0 });
        expect(await get(`${path}/Messages/${message.sid}`)).toMatchObject({ body: 'edited', attributes: `{"round":${round}}` });
        const second = await post(`${path}/Messages`, { Body: 'second' });
        await stage.caller.delete(`${base()}${path}/Messages/${message.sid}`);
        expect(await gone(`${path}/Messages/${message.sid}`)).toBe(404);
        expect((await newest(`${path}/Messages`, 'messages')).map(({ sid }) => sid)).toEqual([second.sid]);

        await stage.caller.delete(`${base()}${path}/Participants/${phone.sid}`);
        expect(await gone(`${path}/Participants/${phone.sid}`)).toBe(404);
        expect((await newest(`${path}/Participants`, 'participants')).map(({ sid }) => sid)).toEqual([alice.sid]);
        await post(path, { FriendlyName: `round ${round}`, State: 'closed' });
        expect(await get(path)).toMatchObject({ friendly_name: `round ${round}`, state: 'closed' });
        await stage.caller.delete(base() + path);
        expect(await gone(path)).toBe(404);
        expect(await gone(`${path}/Messages`)).toBe(404);
        expect((await newest('/Conversations', 'conversations')).map(({ sid }) => sid)).not.toContain(conversation.sid);
      }
    }, TEST_MS);
  });

  describe('P5: the same Idempotency-Key', () => {
    const parallel = 10;
    const repeated = (path: string, fields: Fields, key: string) =>
      Promise.all(Array.from({ length: parallel }, () => stage.caller.call('POST', path, fields, { 'Idempotency-Key': key })));
    const sidsIn = (answers: Answer[]) => new Set(answers.map(({ text }) => (JSON.parse(text) as Resource).sid));

    it.each<[string, string, Fields, string]>([
      ['conversation', '', { FriendlyName: 'once' }, 'FriendlyName'],
      ['participant', '/Participants', { Identity: 'once' }, 'Identity'],
      ['participant with an address', '/Participants', { 'MessagingBinding.Address': '+15550500001', 'MessagingBinding.ProxyAddress': '+15550100008' }, 'Attributes'],
      ['message', '/Messages', { Body: 'once' }, 'Body'],
    ])('%s: ten times at once and once more is one effect, another request is refused', async (_, below, fields, changed) => {
      const { sid } = await stage.caller.post<Resource>('/v1/Conversations', {});
      const url = below === '' ? '/v1/Conversations' : `/v1/Conversations/${sid}${below}`;
      const listed = async () => (await stage.caller.all<Resource>(url, below === '' ? 'conversations' : below.slice(1).toLowerCase())).length;
      const before = await listed();
      const key = randomUUID();
      const answers = [...(await repeated(url, fields, key)), await stage.caller.call('POST', url, fields, { 'Idempotency-Key': key })];
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
      expect(sidsIn(answers).size).toBe(1);
      expect(await listed()).toBe(before + 1);
      const other = await stage.caller.call('POST', url, { ...fields, [changed]: '{"other":1}' }, { 'Idempotency-Key': key });
      expect([other.status, JSON.parse(other.text)]).toMatchObject([409, { code: 20409, status: 409 }]);
      expect(await listed()).toBe(before + 1);
    });

    it('sends a message once, tells of it once, edits it once, deletes it once', async () => {
      const thread = await Thread.open(stage.caller, 'Repeated'); // its message will be gone: not for the last look
      const [key, edit, removal] = [randomUUID(), randomUUID(), randomUUID()];
      const answers = await repeated(`${thread.path}/Messages`, { Body: 'repeated' }, key);
      const [sid] = sidsIn(answers);
      thread.posts.push({ body: 'repeated', tries: parallel, answer: JSON.parse(answers[0]!.text) as { sid: string; index: number } });
      await thread.check();

      const [watcher] = thread.members;
      const edits = await repeated(`${thread.path}/Messages/${sid}`, { Attributes: '{"edited":true}' }, edit);
      expect(new Set(edits.map(({ status }) => status))).toEqual(new Set([200]));
      const deleted = () => stage.caller.call('DELETE', `${thread.path}/Messages/${sid}`, undefined, { 'Idempotency-Key': removal });
      const deletions = await Promise.all(Array.from({ length: parallel }, deleted));
      expect(new Set(deletions.map(({ status }) => status))).toEqual(new Set([204]));
      await until(async () => watcher!.others.includes('onMessageRemoved'), 'the deletion is told');
      expect(watcher!.others).toEqual(['onMessageUpdated', 'onMessageRemoved']);
      thread.leave();
    });
  });

  it('P9: the read models are built again while everybody reads and writes, with the same result', async () => {
    const quiet = await stage.open('Quiet', { members: 1, sms: 1, whatsapp: 0 });
    await quiet.write(30);
    await quiet.check();
    const pages = [quiet.path, `${quiet.path}/Messages?PageSize=100`, `${quiet.path}/Participants`, `/v1/Conversations/${quiet.sid}/Messages/${quiet.posts[0]!.answer!.sid}/Receipts`];
    const content = () => Promise.all(pages.map((page) => stage.caller.call('GET', page)));
    const texts = async () => (await content()).map(({ text }) => text);
    const before = await texts();

    const busy = await stage.open('Busy', { whatsapp: 0 });
    const different: string[] = [];
    let reads = 0;
    let rebuilding = true;
    const reading = Promise.all(Array.from({ length: 4 }, async () => {
      for (; rebuilding; reads++) different.push(...(await texts()).filter((text, i) => text !== before[i]));
    }));
    const writing = (async () => {
      while (rebuilding) await busy.write(2, 2);
    })();
    for (let round = 0; round < 3; round++) {
      const result = JSON.parse(await stage.parley.command('rebuild')) as { events: number };
      expect(result.events).toBeGreaterThan(60);
    }
    rebuilding = false;
    await Promise.all([reading, writing]);
    expect(reads).toBeGreaterThan(20);
    expect(different).toEqual([]);
    expect(busy.posts.filter(({ tries }) => tries > 1)).toEqual([]);
    await busy.check();

    const rows = await modelRows(stage.parley.installation.info.databaseUrl);
    await stage.parley.command('rebuild');
    expect(await modelRows(stage.parley.installation.info.databaseUrl)).toEqual(rows);
    await busy.write(10);
    await busy.check();
  }, TEST_MS);

  it('and in the end nothing more came, nothing vanished, and no part ended by itself', () => stage.checkAll());
});

/** Number and hash of the rows of every read model; nothing may write meanwhile. */
async function modelRows(databaseUrl: string): Promise<Record<string, string>> {
  const client = await connectDatabase(databaseUrl);
  try {
    const { rows: tables } = await client.query<{ name: string }>("select table_name as name from information_schema.tables where table_schema = 'model'");
    const hashes: Record<string, string> = {};
    for (const { name } of tables) {
      const { rows } = await client.query<{ hash: string }>(
        `select count(*) || ' ' || md5(coalesce(string_agg(t::text, e'\\n' order by t::text collate "C"), '')) as hash from model."${name}" t`);
      hashes[name] = rows[0]!.hash;
    }
    return hashes;
  } finally {
    await client.end();
  }
}
