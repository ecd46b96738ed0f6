/**
 * Routing over HTTP alone: policies as a resource; a WhatsApp message that cannot go becomes an SMS with one receipt, and its answer
 * comes back into the conversation; two people write to each other behind masked numbers; authors by name; long texts in parts.
 */
import { Caller } from './caller.js';
import { Handset, handsetUrl } from './handset.js';
import { until, type Topology } from './installation.js';
import { Stage } from './stage.js';

const TEST_MS = 180_000;
type Resource = { sid: string; policy: object; conversation_sid: string | null };
type Receipt = { sid: string; status: string; error_code: number; participant_sid: string };
type Message = { sid: string; body: string | null; author: string; delivery: { total: number } | null };

describe.each<Topology>(['one', 'services'])('routing (%s)', (topology) => {
  const stage = new Stage(topology);
  const [mask, otherMask, us] = ['+15556000001', '+15556000002', 'whatsapp:+15556000100'];
  let caller: Caller;
  beforeAll(() => { ({ caller } = stage); });

  const open = async (FriendlyName: string) => (await caller.post<{ sid: string }>('/v1/Conversations', { FriendlyName })).sid;
  const join = async (sid: string, address: string, proxy: string, Attributes = '{}') => {
    const { sid: participant } = await caller.post<{ sid: string }>(`/v1/Conversations/${sid}/Participants`, { 'MessagingBinding.Address': address, 'MessagingBinding.ProxyAddress': proxy, Attributes });
    return new Handset(caller, address, proxy, participant);
  };
  const say = (sid: string, Body: string, Author = 'agent') => caller.post<Message>(`/v1/Conversations/${sid}/Messages`, { Body, Author });
  const receipts = (sid: string, message: Message) => caller.all<Receipt>(`/v1/Conversations/${sid}/Messages/${message.sid}/Receipts`, 'delivery_receipts');
  const behaves = (address: string, how: object) => caller.call('PUT', `${handsetUrl(caller, address)}/behaviour`, JSON.stringify(how));
  const bodies = async (handset: Handset) => (await handset.received()).map(({ body }) => body);
  const gets = (handset: Handset, body: string) => until(async () => (await bodies(handset)).includes(body), `${handset.address} gets ${body}`);
  const policy = (Policy: object, fields = {}) => caller.post<Resource>('/v1/RoutingPolicies', { Policy: JSON.stringify(Policy), ...fields });

  it('policies are made, found, changed and removed; one of each kind', async () => {
    const sid = await open('Policies');
    const made = await policy({ author_name: 'group' }, { ConversationSid: sid });
    expect(made).toMatchObject({ conversation_sid: sid, policy: { author_name: 'group' } });
    const refusal = async (fields: Record<string, string>) => JSON.parse((await caller.call('POST', '/v1/RoutingPolicies', fields)).text).code as number;
    expect(await refusal({ ConversationSid: sid, Policy: '{}' })).toBe(20409);
    expect(await refusal({ ConversationSid: `CH${'0'.repeat(32)}`, Policy: '{}' })).toBe(20404);
    expect(await refusal({ Policy: '{"fallback":{"ways":[{"template":"HX00000000000000000000000000000000"}]}}' })).toBe(50526);
    for (const wrong of ['', '[]', '{"else":1}', '{"quiet_hours":{"start":"21:00","end":"8:00","time_zone":"UTC"}}', '{"quiet_hours":{"start":"21:00","end":"08:00","time_zone":"Mars/Base"}}', '{"fallback":{"ways":[{}]}}'])
      expect([wrong, await refusal({ Policy: wrong })]).toEqual([wrong, 20001]);
    expect(await caller.post(`/v1/RoutingPolicies/${made.sid}`, { Policy: '{"media":"refuse"}' })).toMatchObject({ policy: { media: 'refuse' } });
    expect(await caller.all<Resource>(`/v1/RoutingPolicies?ConversationSid=${sid}`, 'routing_policies')).toMatchObject([{ sid: made.sid }]);
    const other = new Caller(await stage.parley.newAccount(), caller.places);
    expect((await other.call('GET', `/v1/RoutingPolicies/${made.sid}`)).status).toBe(404);
    await caller.delete(`/v1/RoutingPolicies/${made.sid}`);
    expect((await caller.call('GET', `/v1/RoutingPolicies/${made.sid}`)).status).toBe(404);
  }, TEST_MS);

  it.each([
    ['at once', { rejectWith: { status: 400, code: 63016 } }],
    ['later', { outcome: 'undelivered', errorCode: 63024 }],
  ])('what WhatsApp refuses %s goes by SMS, with one receipt, and is answered in the conversation', async (when, how) => {
    const sid = await open(`Fallback ${when}`);
    const number = when === 'later' ? '+15558000012' : '+15558000011';
    const handset = await join(sid, `whatsapp:${number}`, us);
    const phone = new Handset(caller, number, mask, handset.participant);
    await policy({ fallback: { ways: [{ sender: mask }] } }, { ConversationSid: sid });
    await behaves(handset.address, how);
    const messages = [await say(sid, 'first'), await say(sid, 'second')];
    await gets(phone, 'second');
    expect(await bodies(phone)).toEqual(['first', 'second']);
    for (const message of messages) {
      await until(async () => (await receipts(sid, message))[0]?.status === 'delivered', 'delivered');
      expect(await receipts(sid, message)).toMatchObject([{ participant_sid: handset.participant, error_code: 0 }]);
    }
    const [receipt] = await receipts(sid, messages[0]!);
    const { attempts } = await caller.get<{ attempts: object[] }>(`/v1/Queues/Deliveries/${receipt!.sid}`);
    expect(attempts).toMatchObject([{ way: 0, sender: us, error_code: when === 'later' ? 63024 : 63016 }, { way: 1, sender: mask, recipient: number, outcome: 'accepted' }]);
    await phone.write('thanks');
    const answer = await until(async () => (await caller.all<Message>(`/v1/Conversations/${sid}/Messages`, 'messages')).find(({ body }) => body?.startsWith('thanks')), 'the answer');
    expect(answer).toMatchObject({ author: handset.address, delivery: null });
  }, TEST_MS);

  it.each([['by the same proxy', mask, mask], ['each by another', mask, otherMask]])('two people write to each other behind masked numbers, %s', async (how, first, second) => {
    const sid = await open(`Masked ${how}`);
    const n = how.startsWith('each') ? '3' : '2';
    const [ann, bob] = [await join(sid, `+1555800002${n}`, first), await join(sid, `+1555800003${n}`, second)];
    await ann.write('Where are you?');
    await gets(bob, 'Where are you?, try 1');
    await bob.write('At the door');
    await gets(ann, 'At the door, try 1');
    expect([await bodies(ann), await bodies(bob)]).toEqual([['At the door, try 1'], ['Where are you?, try 1']]); // nobody their own
    const senders = async (handset: Handset) => (await handset.received() as unknown as { from: string }[]).map(({ from }) => from);
    expect([await senders(ann), await senders(bob)]).toEqual([[first], [second]]);
    const thread = await caller.all<Message>(`/v1/Conversations/${sid}/Messages`, 'messages');
    expect(thread.map(({ author, delivery }) => [author, delivery?.total])).toEqual([[ann.address, 1], [bob.address, 1]]);
  }, TEST_MS);

  it('several people see whose words they get, when the policy says so, and no number', async () => {
    const sid = await open('Names');
    const [ann, bob, eve] = [await join(sid, '+15558000041', mask, '{"name":"Ann"}'), await join(sid, '+15558000042', mask), await join(sid, '+15558000043', otherMask)];
    await policy({ author_name: 'group' }, { ConversationSid: sid });
    await ann.write('Hello');
    await gets(bob, 'Ann: Hello, try 1');
    await gets(eve, 'Ann: Hello, try 1');
    await bob.write('Hi');
    await gets(eve, 'Hi, try 1');
    await say(sid, 'Welcome', 'agent');
    await gets(ann, 'Welcome');
  }, TEST_MS);

  it('a text that is longer than a carrier takes is refused, or goes in several messages with one receipt', async () => {
    const sid = await open('Long');
    const ann = await join(sid, '+15558000051', mask);
    const parts = ['a', 'b', 'c'].map((letter) => letter.repeat(1500));
    const refused = await say(sid, parts.join(' '));
    await until(async () => (await receipts(sid, refused))[0]?.error_code === 21617, 'refused');
    await policy({ long_text: 'split' }, { ConversationSid: sid });
    const [long] = [await say(sid, parts.join(' ')), await say(sid, 'The end')];
    await gets(ann, 'The end');
    expect(await bodies(ann)).toEqual([...parts, 'The end']);
    await until(async () => (await receipts(sid, long!))[0]?.status === 'delivered', 'delivered');
    expect(await receipts(sid, long!)).toMatchObject([{ participant_sid: ann.participant, error_code: 0 }]);
    const [receipt] = await receipts(sid, long!);
    expect(await caller.get(`/v1/Queues/Deliveries/${receipt!.sid}`)).toMatchObject({ attempts: [{ outcome: 'accepted' }, { outcome: 'accepted' }, { outcome: 'accepted' }] });
  }, TEST_MS);
});
