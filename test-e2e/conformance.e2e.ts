/**
 * Every operation of the API as Twilio publishes it, called on prepared data: status and answer as the published document
 * says, and as the stricter schemas of ours say (exact fields, what may be null, forms of URLs and dates). Prints a table.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findApiPath } from '@parley/contracts/rest/operations';
import { answersOf, listAnswerOf, lists } from '@parley/contracts/rest/configuration-answers';
import { faultsOf, fieldsOf, operations, type Operation } from './conformance/published-api.js';
import { operationCalls, type OperationCall } from './conformance/operation-calls.js';
import { operationVariants } from './conformance/operation-variants.js';
import { urlencoded, World } from './conformance/world.js';
import { Parley, START_MS, topology } from './installation.js';

let parley: Parley;
const worlds = {} as Record<Operation['family'], World>;
beforeAll(async () => {
  parley = await Parley.start();
  worlds.account = await World.make(parley, 'account');
  worlds.service = await World.make(parley, 'service');
}, START_MS);
afterAll(() => parley?.stop(), START_MS);

/** What became of each: its status, or undefined when it failed. */
const table = new Map<string, number>();
afterAll(() => {
  const lines = operations.map(({ id, verb, path }) => `${table.has(id) ? '✓' : '✗'} ${table.get(id) ?? '---'} ${verb.padEnd(6)} ${path} (${id})`);
  process.stderr.write(`${lines.join('\n')}\n${table.size} of ${operations.length} published operations conform\n`);
});

const caseOf = ({ family, verb, shape }: Operation) =>
  (family === 'service' && operationCalls[`Services:${verb} ${shape}`]) || operationCalls[`${verb} ${shape}`];

function pathOf({ path, family }: Operation, world: World, at: readonly string[]): string {
  const values = family === 'service' ? [world.service, ...at] : [...at];
  return path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(values.shift()!));
}

/** By our own schema: what the published one leaves open. */
function strictly(operation: Operation, path: string, body: unknown): void {
  const { resource } = findApiPath(path)!;
  const isList = operation.id.startsWith('List');
  const schema = isList ? listAnswerOf(operation.family, resource) : answersOf(operation.family)[resource];
  expect(schema!.safeParse(body).error?.issues ?? []).toEqual([]);
}

/** The item of a list that is meant, or the only one. */
const itemLike = (items: any[], tells: any) =>
  items.length === 1 ? items[0] : items.find((item) => (tells.sid ? item.sid === tells.sid : item.conversation_sid === tells.conversation_sid));
const itemsIn = (body: any): any[] => body[body.meta.key];

/** A list, read one by one: the same items in the same order, with URLs that lead from page to page and back. */
async function pages(path: string, resource: string, query: Record<string, string>, whole: any): Promise<void> {
  const { key, pageSizeMax } = lists[resource]!;
  const filters = urlencoded(query) && `${urlencoded(query).replaceAll('+', '%20')}&`;
  expect(whole.meta).toMatchObject({
    key, page: 0, page_size: Math.min(50, pageSizeMax), previous_page_url: null,
    first_page_url: `${parley.url}${path}?${filters}PageSize=${Math.min(50, pageSizeMax)}&Page=0`,
  });
  const seen: unknown[] = [];
  const urls: string[] = [];
  for (let url: string | null = `${parley.url}${path}?${filters}PageSize=1`; url !== null && seen.length < 5; ) {
    const { status, body } = await parley.request(url.slice(parley.url.length));
    expect([status, itemsIn(body).length, body.meta.page]).toEqual([200, 1, seen.length]);
    if (urls.length > 0) {
      expect(body.meta.url).toBe(url);
      const back = await parley.request((body.meta.previous_page_url as string).slice(parley.url.length));
      expect(itemsIn(back.body)).toEqual([seen.at(-1)]);
    }
    seen.push(itemsIn(body)[0]);
    urls.push(url);
    url = body.meta.next_page_url;
  }
  expect(seen).toEqual(itemsIn(whole).slice(0, seen.length));
  expect(seen.length).toBeGreaterThan(1);
}

async function judge(operation: Operation, { at = [], form, query = {}, tells = {} }: OperationCall): Promise<number> {
  const path = pathOf(operation, worlds[operation.family], at);
  const search = Object.keys(query).length > 0 ? `?${urlencoded(query)}` : '';
  const { status, body, headers } = await parley.request(path + search, {
    method: operation.verb, ...(operation.verb === 'POST' && { body: urlencoded(form ?? {}) }),
  });
  expect({ allowed: operation.success, status, ...(status >= 300 && { body }) }).toEqual({ allowed: expect.arrayContaining([status]), status });
  expect(headers.get('access-control-allow-origin')).toBe('*');
  if (status === 204) {
    expect(body).toBeUndefined();
    if (operation.verb === 'DELETE') expect((await parley.request(path)).body).toMatchObject({ status: 404, code: 20404 });
    return status;
  }
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  expect(faultsOf(operation, status, body)).toEqual([]);
  strictly(operation, path, body);
  const { resource } = findApiPath(path)!;
  const items = operation.id.startsWith('List') ? itemsIn(body) : [body];
  for (const item of items) expect(Object.keys(item as object).sort()).toEqual(fieldsOf(operation, status));
  expect(itemLike(items, tells)).toMatchObject(tells);
  if (operation.id.startsWith('List')) await pages(path, resource, { ...query }, body);
  return status;
}

describe(`the published API (${topology})`, () => {
  it('has 103 operations, each with a case here', () => {
    expect(operations).toHaveLength(103);
    expect(operations.filter((operation) => !caseOf(operation)).map(({ id }) => id)).toEqual([]);
  });
  it.each(operations.map((operation) => [operation.id, operation] as const))('%s', async (id, operation) => {
    const call = await caseOf(operation)!(worlds[operation.family]);
    table.set(id, await judge(operation, call));
  });
});

describe(`other forms of answers (${topology})`, () => {
  const variants = operationVariants.flatMap(([key, what, call]) =>
    operations.filter(({ verb, shape }) => `${verb} ${shape}` === key).map((operation) => [operation.id, what, operation, call] as const));
  it.each(variants)('%s: %s', async (_id, _what, operation, call) => {
    await judge(operation, await call(worlds[operation.family]));
  });
});

describe(`our own documents (${topology})`, () => {
  it('are served as they are in the repository, and to read', async () => {
    const file = readFileSync(join(import.meta.dirname, '..', 'openapi', 'parley.openapi.json'), 'utf8');
    expect((await parley.request('/openapi.json', { as: null })).body).toEqual(JSON.parse(file));
    const stream = readFileSync(join(import.meta.dirname, '..', 'asyncapi', 'parley.asyncapi.json'), 'utf8');
    expect((await parley.request('/asyncapi.json', { as: null })).body).toEqual(JSON.parse(stream));
    const page = await fetch(`${parley.url}/docs`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(await page.text()).toContain('/v1/Conversations/{ConversationSid}/Messages');
  });
  /** Of our own on published resources: Web Push, and Apple's tokens (docs/push.md). */
  const ourFields = (path: string): string[] => (/^\/v1\/Credentials(\/|$)/.test(path) ? ['KeyId', 'Subject', 'TeamId', 'Topic'] : []);
  it('has every published operation with all its parameters and answers', async () => {
    const { paths } = (await parley.request('/openapi.json', { as: null })).body;
    for (const { path, verb, fields, filters, headers, success } of operations) {
      const ours = paths[path]?.[verb.toLowerCase()];
      const form = ours?.requestBody?.content['application/x-www-form-urlencoded'].schema ?? { properties: {} };
      const named = (where: string) => (ours?.parameters ?? []).filter((parameter: any) => parameter.in === where).map(({ name }: any) => name as string);
      const wanted = [...fields.map(({ name }) => name), ...(fields.length > 0 ? ourFields(path) : [])];
      expect([path, verb, Object.keys(form.properties as object).sort()]).toEqual([path, verb, wanted.sort()]);
      expect([path, verb, named('query').sort()]).toEqual([path, verb, filters.map(({ name }) => name).sort()]);
      expect(named('header')).toEqual(expect.arrayContaining([...headers]));
      expect(Object.keys(ours?.responses as object)).toEqual(expect.arrayContaining(success.map(String)));
    }
  });
});
