/** The client SDK's socket and clients that are not the SDK: what makes no sense, what nobody should get, what would hold up others. */
import { WebSocket } from 'ws';
import { accessToken } from '../../tools/bench/access-token.ts';
import { inParallel } from '../../tools/bench/rest-client.ts';
import { until, type Parley } from '../installation.js';
import { frame, RawClient } from './raw-client.js';

const STORY_MS = 180_000;

/** Describes them on an installation that runs by then. */
export function protocolStories(parley: () => Parley): void {
  describe('sockets that do not speak the protocol', () => {
    const closedBy = (data: Buffer | string): Promise<number> => new Promise((resolve, reject) => {
      const socket = new WebSocket(parley().installation.info.clientWsUrl);
      socket.on('open', () => socket.send(data));
      socket.on('close', resolve);
      socket.on('error', reject);
    });

    it.each<[string, Buffer | string, number]>([
      ['text', 'hello', 1003], ['no frame', Buffer.from('hello'), 4000], ['a header cut off', Buffer.from('TWILSOCK V3.0 500\r\n{}'), 4000],
      ['a header that is no JSON', frame('{method'), 4000], ['a request before init', frame({ method: 'message', id: 'TM1' }), 4001],
      ['no token', frame({ method: 'init', id: 'TM1' }), 4001], ['too much', Buffer.alloc(300_000), 1009],
    ])('%s closes with a code that says why', async (_, data, code) => expect(await closedBy(data)).toBe(code));

    it('requests that make no sense are answered, and the socket lives', async () => {
      const client = await clientOf('fuzz');
      const get = (path: string, params: object = {}) => ({ host: 'h', method: 'GET', path, params });
      const cases: [unknown, string, number][] = [
        [null, '', 400], [{ method: 'GET', path: 7 }, '', 400], [get('/'), '', 404], [get('/v9/Nothing'), '', 404], [get('/v3/Maps/%E0%A4%A'), '', 400],
        [get('/v3/Maps/MP00'), '', 404], [get(`/v3/Lists/ES${'0'.repeat(32)}/Items`), '', 404], [get('/v3/Maps/US1.info', { PageToken: '!!' }), '', 404],
        [{ ...get('/v4/Subscriptions'), method: 'POST' }, '{"action":"establish","correlation_id":1,"requests":[null]}', 400], [{ ...get('/v4/Subscriptions'), method: 'POST' }, '[]', 400],
        [{ ...get('/v1/typing'), method: 'POST' }, '', 403], [{ ...get('/Client/v2/Conversations'), method: 'PATCH' }, '{}', 405],
        [{ ...get('/Client/v2/Conversations'), method: 'POST' }, '{"friendly_name":{"a":[1]},"attributes":"{"}', 400], [{ ...get('/Client/v2/Conversations/CH1/Messages'), method: 'POST' }, '{"media_sids":7}', 404],
        [get('/Client/v2/Users/..%2F..%2Fx'), '', 404], [{ ...get('/v3/Documents/x'), method: 'DELETE' }, '{}', 403],
      ];
      const asked = cases.map(([request, payload]) => client.ask(request, payload));
      const answers = await Promise.all(asked.map((id) => client.answer(id)));
      expect(answers.map(({ status }) => status)).toEqual(cases.map(([, , status]) => status));
      expect(client.socket.readyState).toBe(WebSocket.OPEN);
      client.socket.terminate();
    }, STORY_MS);

    const clientOf = (identity: string) => RawClient.open(parley().installation.info.clientWsUrl, accessToken(parley().account, identity));
    const partsOf = (sid: string) => [['ET', 'document'], ['ES', 'list'], ['MP', 'map']].map(([prefix, object_type]) => ({ object_sid: prefix + sid.slice(2), object_type: object_type!, last_event_id: 0 }));
    const conversations = () => parley().sdk().conversations.v1.conversations;

    it('who is removed gets nothing more, though the client never asked what he is in', async () => {
      const { sid } = await conversations().create({});
      for (const identity of ['stays', 'goes']) await conversations()(sid).participants.create({ identity });
      const [stays, goes] = [await clientOf('stays'), await clientOf('goes')];
      for (const client of [stays, goes]) await client.subscribe('establish', partsOf(sid));
      const told = (client: RawClient, body: string) => client.said('list_item_added').some(({ item_data }) => item_data.text === body);
      await conversations()(sid).messages.create({ body: 'for both' });
      await until(async () => told(stays, 'for both') && told(goes, 'for both'), 'both have it');
      await conversations()(sid).participants('goes').remove();
      await conversations()(sid).messages.create({ body: 'for one' });
      await until(async () => told(stays, 'for one'), 'who stays has it');
      expect((await goes.answer(goes.get(`/v3/Lists/ES${sid.slice(2)}/Items`))).status).toBe(404); // and by then the other one would have it
      expect(told(goes, 'for one')).toBe(false);
      await goes.subscribe('establish', partsOf(sid), Date.now() + 1);
      expect(goes.said('subscription_failed').flat()).toHaveLength(3);
      for (const client of [stays, goes]) client.socket.terminate();
    }, STORY_MS);

    it('what is no object of ours is said to have failed; a late cancellation does not close what was opened since', async () => {
      const { sid } = await conversations().create({});
      await conversations()(sid).participants.create({ identity: 'odd' });
      const odd = await clientOf('odd');
      await odd.subscribe('establish', [{ object_sid: 'TO00', object_type: 'stream' }], 1);
      expect(odd.said('subscription_failed').flat()).toMatchObject([{ object_sid: 'TO00', object_type: 'stream', error: { status: 404 } }]);
      await odd.subscribe('establish', partsOf(sid), 20);
      await odd.subscribe('cancel', partsOf(sid), 10);
      await conversations()(sid).messages.create({ body: 'still here' });
      await until(async () => odd.said('list_item_added').some(({ item_data }) => item_data.text === 'still here'), 'it is told of');
      odd.socket.terminate();
    }, STORY_MS);

    it('what he is in is told from where he was on, and last how far that is', async () => {
      const sids = await Promise.all([1, 2, 3].map(async () => (await conversations().create({})).sid));
      for (const sid of sids) await conversations()(sid).participants.create({ identity: 'away' });
      const away = await clientOf('away');
      const { sid: user } = await parley().sdk().conversations.v1.users('away').fetch();
      const mine = `MPm${user.slice(2)}`;
      const seen = Date.now() * 1_000 - 120_000_000; // microseconds
      await away.subscribe('establish', [{ object_sid: mine, object_type: 'map', last_event_id: seen }]);
      const told = away.notified.filter(({ event_type }) => event_type !== 'subscription_established' && event_type.startsWith('map_item'));
      expect(away.notified.map(({ event_type }) => event_type)).toEqual(['map_item_updated', 'map_item_updated', 'map_item_updated', 'subscription_established']);
      expect(told.map(({ event }) => event.id)).toEqual([seen + 1, seen + 2, seen + 3]);
      expect(told.map(({ event }) => event.item_key as string).sort()).toEqual([...sids].sort());
      const [[{ last_event_id: end }]] = away.said('subscription_established') as [[{ last_event_id: number }]];
      expect(end).toBeGreaterThan(seen + 60_000_000);
      const { body } = await away.answer(away.get(`/v3/Maps/${mine}/Items`));
      for (const { last_event_id } of body.items) expect(last_event_id).toBeLessThanOrEqual(end);
      away.socket.terminate();
    }, STORY_MS);

    it('who missed much in many conversations gets it as fast as he reads', async () => {
      const sids = await Promise.all(Array.from({ length: 6 }, async () => (await conversations().create({})).sid));
      for (const sid of sids) await conversations()(sid).participants.create({ identity: 'behind' });
      await inParallel(6 * 40, 8, (i) => conversations()(sids[i % 6]!).messages.create({ body: `${i} ${'x'.repeat(30_000)}` }));
      const behind = await clientOf('behind');
      const asked = behind.subscribe('establish', sids.flatMap(partsOf));
      behind.socket.pause();
      const quick = await clientOf('quick');
      for (let i = 0; i < 60; i++) await quick.answer(quick.get('/Client/v2/Configuration')); // nobody else waits for him
      behind.socket.resume();
      await asked;
      expect(behind.said('list_item_added')).toHaveLength(6 * 40);
      expect(behind.socket.readyState).toBe(WebSocket.OPEN);
      for (const client of [behind, quick]) client.socket.terminate();
    }, STORY_MS);

    it('who reads slowly is not cut off for asking much: the answers wait, and pages end early', async () => {
      const { sid } = await conversations().create({});
      await conversations()(sid).participants.create({ identity: 'slow' });
      await inParallel(40, 8, (i) => conversations()(sid).messages.create({ body: `${i} ${'x'.repeat(30_000)}` }));
      const slow = await clientOf('slow');
      slow.socket.pause();
      const asked = Array.from({ length: 60 }, () => slow.get(`/v3/Lists/ES${sid.slice(2)}/Items`, { Order: 'asc', PageSize: '100' }));
      const quick = await clientOf('quick');
      for (let i = 0; i < 60; i++) await quick.answer(quick.get('/Client/v2/Configuration')); // nobody else waits for him
      slow.socket.resume();
      const answers = await Promise.all(asked.map((id) => slow.answer(id)));
      for (const { status, body } of answers) expect([status, body.items.length < 40, body.items.length > 10, body.meta.next_token === null]).toEqual([200, true, true, false]);
      expect(slow.socket.readyState).toBe(WebSocket.OPEN);
      for (const client of [slow, quick]) client.socket.terminate();
    }, STORY_MS);
  });
}
