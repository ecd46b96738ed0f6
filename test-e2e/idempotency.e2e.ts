/**
 * P5 over the whole API: every write that Twilio publishes, and those of our media, templates, keys and accounts, sent three
 * times with the same Idempotency-Key, has one effect and one answer, and the key is refused for anything else.
 */
import { connectDatabase } from '../infra/local/database.mjs';
import { operations, type Operation } from './conformance/published-api.js';
import { operationCalls } from './conformance/operation-calls.js';
import { urlencoded, World } from './conformance/world.js';
import { Parley, START_MS, topology, type PlainAnswer } from './installation.js';

let parley: Parley;
const worlds = {} as Record<Operation['family'], World>;
beforeAll(async () => {
  parley = await Parley.start();
  worlds.account = await World.make(parley, 'account');
  worlds.service = await World.make(parley, 'service');
}, START_MS);
afterAll(() => parley?.stop(), START_MS);

const writes = operations.filter(({ verb }) => verb !== 'GET');
/** Links that end after minutes are made anew each time. */
const told = ({ status, body }: PlainAnswer) =>
  ({ status, body: body?.links?.content_direct_temporary ? { ...body, links: { ...body.links, content_direct_temporary: '' } } : body });

type Write = { path: string; method?: string; body?: string; type?: string };
/** Answers with what was answered to all three. */
async function thrice(key: string, { path, method = 'POST', body, type }: Write): Promise<PlainAnswer> {
  const headers = { 'Idempotency-Key': key };
  const send = () => parley.request(path, { method, headers: { ...headers, ...(type && { 'content-type': type }) }, ...(body !== undefined && { body }) });
  // Two at once, as after a lost connection, and one later.
  const answers = await Promise.all([send(), send()]);
  const before = await facts();
  answers.push(await send());
  expect(answers.slice(1).map(told)).toEqual([told(answers[0]!), told(answers[0]!)]);
  // What is deleted takes others along, a little later.
  if (method !== 'DELETE') expect(await facts()).toBe(before);
  const other = await parley.request('/v1/Conversations', { headers, body: 'FriendlyName=something+else' });
  expect([other.status, other.body.code]).toEqual([409, 20409]);
  return answers[0]!;
}

/** How many facts there are that somebody asked for; carriers and clocks may add theirs meanwhile, and what was deleted before takes others along. */
async function facts(): Promise<number> {
  const client = await connectDatabase(parley.installation.info.databaseUrl);
  try {
    return Number((await client.query<{ n: string }>(`select count(*) as n from log.event where type !~ '(^DeliveryUpdated|Deleted|Removed)$'`)).rows[0]!.n);
  } finally {
    await client.end();
  }
}

describe(`writes with an Idempotency-Key (${topology})`, () => {
  it.each(writes.map((operation) => [operation.id, operation] as const))('%s', async (id, operation) => {
    const { family, verb, path: template, shape, success } = operation;
    const world = worlds[family];
    const call = (family === 'service' && operationCalls[`Services:${verb} ${shape}`]) || operationCalls[`${verb} ${shape}`]!;
    const { at = [], form = {} } = await call(world);
    const values = family === 'service' ? [world.service, ...at] : [...at];
    const path = template.replaceAll(/\{\w+\}/g, () => encodeURIComponent(values.shift()!));
    const { status } = await thrice(`${family} ${id}`, { path, method: verb, ...(verb === 'POST' && { body: urlencoded(form) }) });
    expect(success).toContain(status);
  });

  it('an update that gives a conversation, found by its name, another name', async () => {
    const { sid } = (await parley.request('/v1/Conversations', { body: 'UniqueName=before' })).body;
    const answer = await thrice('renamed', { path: '/v1/Conversations/before', body: 'UniqueName=after' });
    expect([answer.status, answer.body.sid, answer.body.unique_name]).toEqual([200, sid, 'after']);
    expect((await parley.request('/v1/Conversations/before', { body: 'UniqueName=after' })).status).toBe(404);
  });
  it('an update that changes nothing is not done later, when it would', async () => {
    const { sid } = (await parley.request('/v1/Conversations', { body: '' })).body;
    const path = `/v1/Conversations/${sid}`;
    expect((await thrice('stay active', { path, body: 'State=active' })).status).toBe(200);
    await parley.request(path, { body: 'State=inactive' });
    const late = await parley.request(path, { body: 'State=active', headers: { 'Idempotency-Key': 'stay active' } });
    expect([late.status, late.body.state]).toEqual([200, 'inactive']);
  });

  it('is of one of several that are sent at once: the others are refused and made nothing', async () => {
    const path = (name: string) => `/v1/Services/${parley.account.serviceSid}/${name}`;
    const several: (Write & { list: string; of: string })[] = [
      { path: `${accounts}.json`, list: accounts, of: 'accounts' }, { path: `${keys()}.json`, list: keys(), of: 'keys' },
      { path: '/v1/Services', body: 'FriendlyName=one', list: '/v1/Services', of: 'services' },
      { path: path('Conversations'), list: path('Conversations'), of: 'conversations' },
      { path: path('Users'), body: 'Identity=all+of+them', list: path('Users'), of: 'users' },
      { path: '/v1/MessagingServices', body: 'FriendlyName=two', list: '/v1/MessagingServices', of: 'messaging_services' },
    ];
    const counts = () => Promise.all(several.map(async ({ list, of }) => ((await parley.request(`${list}?PageSize=1000`)).body[of] as unknown[]).length));
    const before = await counts();
    const done = several.map(() => 0);
    for (let round = 0; round < 40; round++) {
      const headers = { 'Idempotency-Key': `at once ${round}` };
      const answers = await Promise.all(several.map(({ path, body = '' }) => parley.request(path, { body: body.replace('all', `all${round}`), headers })));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array<number>(several.length - 1).fill(409)]);
      done[answers.findIndex(({ status }) => status === 201)]! += 1;
    }
    expect(await counts()).toEqual(before.map((count, at) => count + done[at]!));
  });
  it('is free again when what it was used for was refused', async () => {
    const headers = { 'Idempotency-Key': 'refused first' };
    expect((await parley.request('/v1/MessagingServices', { body: '', headers })).status).toBe(400);
    expect((await parley.request('/v1/MessagingServices', { body: 'FriendlyName=now', headers })).status).toBe(201);
  });

  const json = 'application/json';
  const template = JSON.stringify({ friendly_name: 'hello', language: 'en', variables: { 1: 'you' }, types: { 'twilio/text': { body: 'Hello {{1}}' } } });
  const made = async (write: Write): Promise<string> => {
    const { path, body, type } = write;
    const answer = await parley.request(path, { method: 'POST', body: body ?? '', headers: type ? { 'content-type': type } : {} });
    expect([200, 201]).toContain(answer.status);
    return answer.body.sid as string;
  };
  const content = () => made({ path: '/v1/Content', body: template, type: json });
  const media = (): Write => ({ path: `/v1/Services/${parley.account.serviceSid}/Media`, body: 'some text', type: 'text/plain' });
  const accounts = '/2010-04-01/Accounts';
  const keys = () => `${accounts}/${parley.account.accountSid}/Keys`;
  const policyKey = (): Write => ({ path: '/v1/Keys', body: urlencoded({ AccountSid: parley.account.accountSid, FriendlyName: 'a key' }) });
  it.each<[string, number, () => Write | Promise<Write>]>([
    ['create a template', 201, () => ({ path: '/v1/Content', body: template, type: json })],
    ['change a template', 200, async () => ({ path: `/v1/Content/${await content()}`, method: 'PUT', body: template, type: json })],
    ['ask for approval', 201, async () => ({ path: `/v1/Content/${await content()}/ApprovalRequests/whatsapp`, body: '{"name":"hello","category":"UTILITY"}', type: json })],
    ['delete a template', 204, async () => ({ path: `/v1/Content/${await content()}`, method: 'DELETE' })],
    ['upload a file', 201, media],
    ['delete a file', 204, async () => ({ path: `${media().path}/${await made(media())}`, method: 'DELETE' })],
    ['create a subaccount', 201, () => ({ path: `${accounts}.json`, body: 'FriendlyName=Sub' })],
    ['change a subaccount', 200, async () => ({ path: `${accounts}/${await made({ path: `${accounts}.json`, body: '' })}.json`, body: 'FriendlyName=Sub&Status=suspended' })],
    ['create a key', 201, () => ({ path: `${keys()}.json`, body: 'FriendlyName=key' })],
    ['change a key', 200, async () => ({ path: `${keys()}/${await made({ path: `${keys()}.json` })}.json`, body: 'FriendlyName=other' })],
    ['delete a key', 204, async () => ({ path: `${keys()}/${await made({ path: `${keys()}.json` })}.json`, method: 'DELETE' })],
    ['create a key with a policy', 201, policyKey],
    ['change a key with a policy', 200, async () => ({ path: `/v1/Keys/${await made(policyKey())}`, body: 'FriendlyName=other' })],
    ['delete a key with a policy', 204, async () => ({ path: `/v1/Keys/${await made(policyKey())}`, method: 'DELETE' })],
    ['create a second auth token', 201, () => ({ path: '/v1/AuthTokens/Secondary', body: '' })],
    ['delete the second auth token', 204, () => ({ path: '/v1/AuthTokens/Secondary', method: 'DELETE' })],
  ])('%s', async (what, status, write) => expect((await thrice(what, await write())).status).toBe(status));
});
