/**
 * Every parameter of every published operation with a wrong value, an over-long one, an empty one, and, where it is
 * required, none at all: the code each gives is in conformance/parameter-faults.ts. A parameter without a row fails.
 */
import { accessToken } from '../tools/bench/access-token.ts';
import { operationCalls } from './conformance/operation-calls.js';
import { ACCEPTED, baseOf, expectedOf, valuesOf, type Try } from './conformance/parameter-faults.js';
import { operations, valuesIn, type Operation } from './conformance/published-api.js';
import { another, PROXY, urlencoded, World, type Form } from './conformance/world.js';
import { Parley, START_MS, topology } from './installation.js';

let parley: Parley;
const worlds = {} as Record<Operation['family'], World>;
beforeAll(async () => {
  parley = await Parley.start();
  worlds.account = await World.make(parley, 'account');
  worlds.service = await World.make(parley, 'service');
}, START_MS);
afterAll(() => parley?.stop(), START_MS);

const callOf = ({ family, verb, shape }: Operation) =>
  ((family === 'service' && operationCalls[`Services:${verb} ${shape}`]) || operationCalls[`${verb} ${shape}`])!(worlds[family]);
function pathOf({ path, family }: Operation, at: readonly string[]): string {
  const values = family === 'service' ? [worlds.service.service, ...at] : [...at];
  return path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(values.shift()!));
}
/** The code of the answer; ACCEPTED when there is none. */
async function outcome(path: string, options: { method: string; body?: string; headers?: Record<string, string> }): Promise<number> {
  const { status, body } = await parley.request(path, options);
  if (status < 300) return ACCEPTED;
  expect(Object.keys(body as object).slice(0, 4)).toEqual(['code', 'message', 'more_info', 'status']);
  expect(body.status).toBe(status);
  return body.code as number;
}

describe(`each parameter of an operation (${topology})`, () => {
  it.each(operations.map((operation) => [operation.id, operation] as const))('%s', async (_, operation) => {
    const { verb } = operation;
    const { at = [], query = {} } = await callOf(operation);
    const path = pathOf(operation, at);
    const found: Record<string, unknown> = {};
    const wanted: Record<string, unknown> = {};

    const tried = async (name: string, attempt: (kind: Try) => Promise<number>) => {
      const expected = expectedOf(operation, name);
      for (const kind of ['wrong', 'long', 'empty', 'absent'] as const) {
        const code = expected?.[kind];
        const result = code === undefined ? undefined : await attempt(kind);
        wanted[`${name} ${kind}`] = expected ? code : 'a row in the table';
        found[`${name} ${kind}`] = result;
      }
    };
    for (const { name } of operation.fields) {
      // A conversation has at most five webhooks.
      const target = operation.shape.endsWith('/Webhooks') ? pathOf(operation, (await callOf(operation)).at ?? []) : path;
      await tried(name, (kind) => {
        const { [name]: _given, ...rest } = baseOf(operation, name);
        const value = kind === 'absent' ? undefined : valuesOf(operation, name)[kind];
        return outcome(target, { method: verb, body: urlencoded({ ...rest, ...(value !== undefined && { [name]: value }) }) });
      });
    }
    for (const { name } of operation.filters)
      await tried(name, (kind) => {
        const { [name]: _given, ...rest } = query;
        const value = kind === 'absent' ? undefined : valuesOf(operation, name)[kind];
        return outcome(`${path}?${urlencoded({ ...rest, ...(value !== undefined && { [name]: value }) })}`, { method: verb });
      });
    expect(found).toEqual(wanted);

    // What stands in the path: nothing is there, whatever the reason.
    const values = operation.family === 'service' ? [worlds.service.service, ...at] : [...at];
    for (let i = 0; i < values.length; i++)
      for (const strange of ['nobody there', `CH${'0'.repeat(32)}`, 'x'.repeat(400)]) {
        const others = values.map((value, j) => encodeURIComponent(j === i ? strange : value));
        const target = operation.path.replaceAll(/\{\w+\}/g, () => others.shift()!);
        expect([target, await outcome(target, { method: verb, ...(verb === 'POST' && { body: urlencoded(baseOf(operation)) }) })]).toEqual([target, 20404]);
      }
  }, 180_000);
});

describe(`values in any case (${topology})`, () => {
  const enums = operations.flatMap((operation) => [...operation.fields, ...operation.filters].map(({ name, schema }) => ({ operation, name, values: valuesIn(schema) })))
    .filter(({ values }) => values.length > 0);
  it.each(enums.map(({ operation, name, values }) => [operation.id, name, operation, values] as const))('%s: %s', async (_id, name, operation, values) => {
    const inQuery = operation.verb === 'GET';
    for (const value of values) {
      const outcomes: number[] = [];
      for (const written of [value, value.toUpperCase(), value[0]!.toUpperCase() + value.slice(1)]) {
        const { at = [], query = {} } = await callOf(operation); // closing one closes it for good
        const search = inQuery ? `?${urlencoded({ ...query, [name]: written })}` : '';
        outcomes.push(await outcome(pathOf(operation, at) + search, { method: operation.verb, ...(!inQuery && { body: urlencoded({ ...baseOf(operation, name), [name]: written }) }) }));
      }
      expect({ [value]: outcomes }).toEqual({ [value]: outcomes.map(() => outcomes[0]) });
    }
  });
});

describe(`X-Twilio-Webhook-Enabled (${topology})`, () => {
  it.each(operations.filter(({ headers }) => headers.length > 0).map((operation) => [operation.id, operation] as const))('%s takes any value, and only true means yes', async (_, operation) => {
    expect(operation.headers).toEqual(['X-Twilio-Webhook-Enabled']);
    for (const value of ['TrUe', 'false', 'wrong!', 'x'.repeat(2000), '']) {
      const path = pathOf(operation, (await callOf(operation)).at ?? []);
      const options = { method: operation.verb, headers: { 'x-twilio-webhook-enabled': value }, ...(operation.verb === 'POST' && { body: urlencoded(baseOf(operation)) }) };
      expect([value, await outcome(path, options)]).toEqual([value, ACCEPTED]);
    }
  });
});

/** Recorded from the original (API reference 2.8, rows marked confirmed); what nobody can reach here is not among them. */
describe(`a confirmed code (${topology})`, () => {
  type Answer = { status: number; body: any };
  const world = () => worlds.account;
  const post = (path: string, form: Form): Promise<Answer> => parley.request(`/v1/${path}`, { body: urlencoded(form) });
  const pair = { 'MessagingBinding.Address': '+15558881234', 'MessagingBinding.ProxyAddress': PROXY };

  it.each<[code: number, status: number, what: string, attempt: () => Promise<Answer>]>([
    [20003, 401, 'no credentials', () => parley.request('/v1/Conversations', { as: null })],
    [20004, 405, 'a verb that receipts do not have', () => parley.request(`/v1/Conversations/CH${'0'.repeat(32)}/Messages/IM${'0'.repeat(32)}/Receipts`, { body: 'a=b' })],
    [20404, 404, 'an unknown SID', () => parley.request(`/v1/Conversations/CH${'0'.repeat(32)}`)],
    [50304, 400, 'attributes that are no JSON', () => post('Conversations', { Attributes: '{' })],
    [50353, 409, 'a unique name that is taken', async () => {
      const UniqueName = another('taken');
      await world().create('Conversations', { UniqueName });
      return post('Conversations', { UniqueName });
    }],
    [50375, 400, 'an inactive timer below a minute', () => post('Conversations', { 'Timers.Inactive': 'PT59S' })],
    [50376, 400, 'a closed timer below ten minutes', () => post('Conversations', { 'Timers.Closed': 'PT9M' })],
    [50377, 400, 'a message to a closed conversation', async () => {
      const sid = await world().create('Conversations', {});
      await world().post(`Conversations/${sid}`, { State: 'closed' });
      return post(`Conversations/${sid}/Messages`, { Body: 'x' });
    }],
    [50407, 400, 'one of our own numbers as a participant', async () => {
      const Address = '+15557770001';
      await world().create('/v1/Configuration/Addresses', { Type: 'sms', Address });
      return post(`Conversations/${await world().conversation()}/Participants`, { ...pair, 'MessagingBinding.Address': Address });
    }],
    [50416, 409, 'an address pair that is in another conversation', async () => {
      await world().create(`Conversations/${await world().conversation()}/Participants`, pair);
      return post(`Conversations/${await world().conversation()}/Participants`, pair);
    }],
    [50430, 403, 'a user who is not in the conversation', async () => {
      const token = accessToken(parley.account, another('stranger'));
      return parley.request(`/v1/Conversations/${await world().conversation()}`, { as: null, headers: { authorization: `Bearer ${token}` } });
    }],
    [50433, 409, 'an identity that is in it already', async () => {
      const conversation = await world().conversation();
      await world().create(`Conversations/${conversation}/Participants`, { Identity: 'twice' });
      return post(`Conversations/${conversation}/Participants`, { Identity: 'twice' });
    }],
    [50441, 400, 'a proxy address for a chat participant', async () => {
      const conversation = await world().conversation();
      return post(`Conversations/${conversation}/Participants/${await world().participant(conversation)}`, { 'MessagingBinding.ProxyAddress': PROXY });
    }],
    [50530, 404, 'channel metadata of a message that has none', async () => {
      const conversation = await world().conversation();
      return parley.request(`/v1/Conversations/${conversation}/Messages/${await world().message(conversation)}/ChannelMetadata`);
    }],
  ])('%i (%i): %s', async (code, status, _, attempt) => {
    const answer = await attempt();
    expect(answer.body).toEqual({ code, status, message: expect.any(String), more_info: `https://www.twilio.com/docs/errors/${code}` });
    expect(answer.status).toBe(status);
  });
});
