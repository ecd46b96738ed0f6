/** Lists and fetches from real rows: order, filters, pages, aggregates, aliases, and the wall between accounts. */
import { newSid } from '@parley/domain/sid';
import { PUBLIC_URL, TestGateway, unknown } from './gateway.testing.js';

let gateway: TestGateway;
beforeAll(async () => { gateway = await TestGateway.start(); });
afterAll(() => gateway.stop());

/** Every page from the first to the last, then back by `previous_page_url`. */
async function walk(path: string, key: string): Promise<{ forward: string[][]; back: string[][] }> {
  const forward: string[][] = [];
  const back: string[][] = [];
  const sids = (body: any) => (body[key] as { sid: string }[]).map(({ sid }) => sid);
  let { body } = await gateway.call(path);
  for (forward.push(sids(body)); body.meta.next_page_url; forward.push(sids(body))) ({ body } = await gateway.call(body.meta.next_page_url as string));
  while (body.meta.previous_page_url) {
    ({ body } = await gateway.call(body.meta.previous_page_url as string));
    back.push(sids(body));
  }
  return { forward, back };
}
const inPages = (all: string[], size: number) => Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, i * size + size));
async function expectPages(path: string, key: string, all: string[], size: number): Promise<void> {
  const { forward, back } = await walk(`${path}${path.includes('?') ? '&' : '?'}PageSize=${size}`, key);
  expect(forward).toEqual(inPages(all, size));
  expect(back.reverse()).toEqual(inPages(all, size).slice(0, -1));
}

describe('messages', () => {
  it('come by index, up or down, in pages', async () => {
    const conversation = await gateway.conversation({ unique_name: 'a name/with ü' });
    const sids = [];
    for (const index of [0, 1, 2, 5, 9]) sids.push(await gateway.message(conversation, index));
    await expectPages(`/Conversations/${conversation}/Messages`, 'messages', sids, 2);
    await expectPages(`/Conversations/${conversation}/Messages?Order=DESC`, 'messages', sids.toReversed(), 2);
    await expectPages(`/Conversations/${encodeURIComponent('a name/with ü')}/Messages`, 'messages', sids, 3);
    await expectPages(`/Services/${gateway.account.service}/Conversations/${conversation}/Messages`, 'messages', sids, 4);
  });
  it('of an empty conversation are none', async () => {
    const { body } = await gateway.call(`/Conversations/${await gateway.conversation()}/Messages`);
    expect(body).toMatchObject({ messages: [], meta: { next_page_url: null, previous_page_url: null, key: 'messages' } });
  });
  it('sum up their receipts', async () => {
    const conversation = await gateway.conversation();
    const chat = await gateway.message(conversation, 0);
    const sms = await gateway.message(conversation, 1, { recipients: 3 });
    for (const status of ['sent', 'read', 'undelivered'])
      await gateway.put('receipt', { sid: newSid('DY'), conversation_sid: conversation, message_sid: sms, participant_sid: newSid('MB'), status, error_code: 0 });
    const delivery = async (sid: string) => (await gateway.call(`/Conversations/${conversation}/Messages/${sid}`)).body.delivery as unknown;
    expect(await delivery(chat)).toBeNull();
    expect(await delivery(sms)).toEqual({ total: 3, sent: 'some', delivered: 'some', read: 'some', failed: 'none', undelivered: 'some' });
    await expectPages(`/Conversations/${conversation}/Messages/${sms}/Receipts`, 'delivery_receipts',
      (await gateway.call(`/Conversations/${conversation}/Messages/${sms}/Receipts`)).body.delivery_receipts.map((r: any) => r.sid), 2);
  });
});

describe('conversations', () => {
  it('come by last activity, or by creation when a date is given', async () => {
    const { other: account } = gateway;
    const made: Record<string, string> = {};
    for (const [name, created_at, last_activity_at, state] of [ // names in the order of their SIDs
      ['old', '2026-02-01T10:00:00.5Z', '2026-02-09T00:00:00Z', 'active'], ['middle', '2026-02-02T10:00:00.5Z', '2026-02-02T10:00:00Z', 'closed'],
      ['twin', '2026-02-02T10:00:00.5Z', '2026-02-02T10:00:00Z', 'active'], ['new', '2026-02-03T10:00:00.5Z', '2026-02-03T10:00:00Z', 'active'],
    ] as const) made[name] = await gateway.conversation({ sid: newSid('CH', Date.now() + Object.keys(made).length), created_at, last_activity_at, state }, account);
    const list = async (query: string) =>
      (await gateway.call(`/Conversations${query}`, { as: account })).body.conversations.map((c: any) => Object.entries(made).find(([, sid]) => sid === c.sid)![0]) as string[];
    expect(await list('')).toEqual(['old', 'new', 'twin', 'middle']);
    expect(await list('?State=Closed')).toEqual(['middle']);
    expect(await list('?StartDate=2026-02-01')).toEqual(['new', 'twin', 'middle', 'old']);
    expect(await list('?StartDate=2026-02-02&EndDate=2026-02-02')).toEqual(['twin', 'middle']);
    expect(await list('?EndDate=2026-02-01T10:00:00Z')).toEqual(['old']);
    expect(await list('?EndDate=2026-02-01T09:59:59Z')).toEqual([]);
  });
  it('come in pages, many of the same second too', async () => {
    const sids = [];
    for (let i = 0; i < 7; i++) sids.push(await gateway.conversation({ state: 'inactive', last_activity_at: i < 5 ? '2026-03-01T00:00:00Z' : `2026-03-01T00:00:0${i}Z` }));
    await expectPages('/Conversations?State=inactive', 'conversations', [...sids.slice(5).toReversed(), ...sids.slice(0, 5).sort().toReversed()], 2);
    await expectPages('/Conversations?State=inactive&StartDate=2000-01-01', 'conversations', sids.sort().toReversed(), 3);
    await expectPages('/Conversations?State=inactive&StartDate=2000-01-01&EndDate=2099-01-01', 'conversations', sids.sort().toReversed(), 3);
  });
  it('a page token shows nothing outside the dates it comes with', async () => {
    const { other: account } = gateway;
    for (const day of [1, 2, 3, 4]) await gateway.conversation({ created_at: `2025-05-0${day}T10:00:00Z`, last_activity_at: '2025-05-09T00:00:00Z', state: 'initializing' }, account);
    const days = async (query: string) => {
      const { body } = await gateway.call(`/Conversations?State=initializing&PageSize=1&${query}`, { as: account });
      return { day: body.conversations.map((c: any) => c.date_created.slice(8, 10)).join(), token: (url: 'next' | 'previous') => new URL(body.meta[`${url}_page_url`]).searchParams.get('PageToken') };
    };
    const second = await days(`StartDate=2025-05-01&PageToken=${(await days('StartDate=2025-05-01')).token('next')}`);
    expect(second.day).toBe('03');
    expect((await days(`EndDate=2025-05-01&PageToken=${second.token('next')}`)).day).toBe('01');
    expect((await days(`StartDate=2025-05-03&PageToken=${second.token('next')}`)).day).toBe('');
    expect((await days(`EndDate=2025-05-03&PageToken=${second.token('previous')}`)).day).toBe('');
    expect((await days(`StartDate=2025-05-01&PageToken=${second.token('previous')}`)).day).toBe('04');
  });
});

describe('participants', () => {
  it('come in the order they joined, and answer to their identity', async () => {
    const conversation = await gateway.conversation();
    const sids: string[] = [];
    for (let i = 0; i < 5; i++) {
      sids.push(newSid('MB', Date.now() + i));
      await gateway.put('participant', { sid: sids[i], account: gateway.account.sid, conversation_sid: conversation, identity: `user/${i} ü`, attributes: '{}' });
    }
    await expectPages(`/Conversations/${conversation}/Participants`, 'participants', sids, 2);
    const { body } = await gateway.call(`/Conversations/${conversation}/Participants/${encodeURIComponent('user/3 ü')}`);
    expect(body).toMatchObject({ sid: sids[3], url: `${PUBLIC_URL}/v1/Conversations/${conversation}/Participants/${sids[3]}` });
  });
});

describe('addresses and services', () => {
  it('come in pages; addresses by type in any case', async () => {
    const sids: string[] = [];
    for (const type of ['sms', 'SMS', 'whatsapp']) {
      sids.push(newSid('IG', Date.now() + sids.length));
      await gateway.put('address_configuration', {
        sid: sids.at(-1), account: gateway.account.sid, type, address: `+1555000000${sids.length}`, auto_creation: { enabled: true, type: 'default' },
      });
    }
    await expectPages('/Configuration/Addresses', 'address_configurations', sids, 1);
    await expectPages('/Configuration/Addresses?Type=sMs', 'address_configurations', sids.slice(0, 2), 1);
    expect((await gateway.call('/Configuration/Addresses/%2B15550000002')).body).toMatchObject({ sid: sids[1], type: 'SMS' });
    await expectPages('/Services', 'services', [gateway.account.service], 1);
  });
});

describe('another account', () => {
  it('sees the same 404 as for what does not exist, everywhere', async () => {
    const conversation = await gateway.conversation({ unique_name: 'mine' });
    const message = await gateway.message(conversation, 0, { recipients: 1 });
    const participant = newSid('MB');
    const receipt = newSid('DY');
    await gateway.put('participant', { sid: participant, account: gateway.account.sid, conversation_sid: conversation, identity: 'alice', attributes: '{}' });
    await gateway.put('receipt', { sid: receipt, conversation_sid: conversation, message_sid: message, participant_sid: participant, status: 'sent', error_code: 0 });
    const { other } = gateway;
    const own = await gateway.conversation({}, other);
    const stolen = (where: string) => where.replaceAll(conversation, own);
    const paths = [
      `/Conversations/${conversation}`, '/Conversations/mine', `/Conversations/${conversation}/Messages`, `/Conversations/${conversation}/Messages/${message}`,
      `/Conversations/${conversation}/Participants`, `/Conversations/${conversation}/Participants/alice`, `/Conversations/${conversation}/Participants/${participant}`,
      `/Conversations/${conversation}/Messages/${message}/Receipts`, `/Conversations/${conversation}/Messages/${message}/Receipts/${receipt}`,
      `/Services/${gateway.account.service}`, `/Services/${gateway.account.service}/Conversations`, `/Services/${gateway.account.service}/Conversations/${conversation}`,
    ];
    for (const path of paths) {
      expect((await gateway.call(path)).status).toBe(200);
      const { status, body } = await gateway.call(path, { as: other });
      expect([status, body]).toEqual([404, {
        code: 20404, message: `The requested resource ${path} was not found`, more_info: 'https://www.twilio.com/docs/errors/20404', status: 404,
      }]);
    }
    // Nor through a conversation of its own.
    for (const path of paths.slice(3).filter((where) => where.includes(message) || where.includes(participant) || where.includes('alice')))
      expect((await gateway.call(stolen(path), { as: other })).status).toBe(404);
    expect((await gateway.call('/Conversations', { as: other })).body.conversations.map((c: any) => c.account_sid)).not.toContain(gateway.account.sid);
  });
  it('cannot write there either: no command is even sent', async () => {
    const conversation = await gateway.conversation();
    const sent: unknown[] = [];
    for (const name of ['addMessage', 'updateConversation', 'deleteConversation', 'addParticipant'] as const)
      gateway.commands[name] = ((...args: unknown[]) => { sent.push(args); return Promise.reject(new Error('called')); }) as never;
    const as = gateway.other;
    for (const [path, method, form] of [
      [`/Conversations/${conversation}/Messages`, 'POST', { Body: 'x' }], [`/Conversations/${conversation}`, 'POST', { FriendlyName: 'x' }],
      [`/Conversations/${conversation}`, 'DELETE', undefined], [`/Conversations/${conversation}/Participants`, 'POST', { Identity: 'x' }],
    ] as const) expect((await gateway.call(path, { method, ...(form && { form }), as })).status).toBe(404);
    expect(sent).toEqual([]);
  });
  it('has services that are nobody else\'s', async () => {
    const conversation = await gateway.conversation();
    for (const service of [gateway.other.service, unknown('IS'), 'IS1'])
      expect((await gateway.call(`/Services/${service}/Conversations/${conversation}`)).status).toBe(404);
  });
});
