import { testDatabase, type TestDatabase } from './database.testing.js';
import { byteaArray, int2Array, int4Array, int8Array, textArray, timestampArray, uuidArray } from './pg-arrays.js';

let db: TestDatabase;
beforeAll(async () => (db = await testDatabase()));
afterAll(() => db.drop());

const back = async (type: string, array: Buffer) => (await db.pool.query(`select to_json($1::${type}[]) as a`, [array])).rows[0].a;

it.each([
  ['text', textArray(['plain', null, '', 'quotes " \\ and {braces}', 'émoji 👋']), ['plain', null, '', 'quotes " \\ and {braces}', 'émoji 👋']],
  ['text', textArray([]), []],
  ['smallint', int2Array([1, null, -32_768]), [1, null, -32_768]],
  ['integer', int4Array([1, null, 2_147_483_647]), [1, null, 2_147_483_647]],
  ['bigint', int8Array([0, 1, -1, 4_294_967_296, 9_007_199_254_740_991, -4_294_967_297]), [0, 1, -1, 4_294_967_296, 9_007_199_254_740_991, -4_294_967_297]],
  ['bytea', byteaArray([Buffer.from([0, 255]), Buffer.alloc(0)]), ['\\x00ff', '\\x']],
  ['uuid', uuidArray(['0190f7c0-0000-7000-8000-00000000000a']), ['0190f7c0-0000-7000-8000-00000000000a']],
])('%s arrays arrive as they were', async (type, array, expected) => {
  expect(await back(type, array)).toEqual(expected);
});

it('times keep their milliseconds, before 2000 too', async () => {
  const times = ['2026-11-22T19:02:23.123Z', '1999-12-31T23:59:59.999Z', '1970-01-01T00:00:00.000Z'];
  const found = (await back('timestamptz', timestampArray(times.map((t) => Date.parse(t))))) as string[];
  expect(found.map((t) => new Date(t).toISOString())).toEqual(times);
});
