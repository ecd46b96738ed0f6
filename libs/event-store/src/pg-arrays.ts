/**
 * Arrays in Postgres' binary format (documentation: array_recv in the server's source, "binary format" of the wire
 * protocol). A batch of 100 messages is 40 arrays; the text format would escape every body and double every byte string.
 * node-postgres sends a Buffer as a binary parameter, so one Buffer is one array parameter.
 */
const oid = { bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, text: 25, timestamptz: 1184, uuid: 2950 } as const;
/** Microseconds between 1970 and Postgres' epoch, 2000-01-01. */
const postgresEpochMillis = 946_684_800_000;

function header(type: number, count: number, hasNull: boolean, bytes: number): Buffer {
  const array = Buffer.allocUnsafe(count === 0 ? 12 : 20 + bytes);
  array.writeInt32BE(count === 0 ? 0 : 1, 0);
  array.writeInt32BE(hasNull ? 1 : 0, 4);
  array.writeInt32BE(type, 8);
  if (count > 0) {
    array.writeInt32BE(count, 12);
    array.writeInt32BE(1, 16);
  }
  return array;
}

function fixed<T>(
  type: number, size: number, values: readonly (T | null)[], write: (array: Buffer, value: T, at: number) => void,
): Buffer {
  let nulls = 0;
  for (const value of values) if (value === null) nulls++;
  const array = header(type, values.length, nulls > 0, values.length * (4 + size) - nulls * size);
  let at = 20;
  for (const value of values) {
    array.writeInt32BE(value === null ? -1 : size, at);
    at += 4;
    if (value === null) continue;
    write(array, value, at);
    at += size;
  }
  return array;
}

export const int2Array = (values: readonly (number | null)[]): Buffer =>
  fixed(oid.int2, 2, values, (array, value, at) => array.writeInt16BE(value, at));
export const int4Array = (values: readonly (number | null)[]): Buffer =>
  fixed(oid.int4, 4, values, (array, value, at) => array.writeInt32BE(value, at));
export const int8Array = (values: readonly number[]): Buffer =>
  fixed(oid.int8, 8, values, writeInt8);
/** Milliseconds since 1970. */
export const timestampArray = (values: readonly number[]): Buffer =>
  fixed(oid.timestamptz, 8, values, (array, millis, at) => writeInt8(array, (millis - postgresEpochMillis) * 1000, at));
export const uuidArray = (values: readonly string[]): Buffer =>
  fixed(oid.uuid, 16, values, (array, uuid, at) => array.write(uuid.replaceAll('-', ''), at, 16, 'hex'));

function writeInt8(array: Buffer, value: number, at: number): void {
  array.writeInt32BE(Math.floor(value / 0x1_0000_0000), at);
  array.writeUInt32BE(((value % 0x1_0000_0000) + 0x1_0000_0000) % 0x1_0000_0000, at + 4);
}

export function textArray(values: readonly (string | null)[]): Buffer {
  let bytes = 4 * values.length;
  let hasNull = false;
  for (const value of values) {
    if (value === null) hasNull = true;
    else bytes += Buffer.byteLength(value);
  }
  const array = header(oid.text, values.length, hasNull, bytes);
  let at = 20;
  for (const value of values) {
    if (value === null) at = array.writeInt32BE(-1, at);
    else {
      const length = array.write(value, at + 4);
      array.writeInt32BE(length, at);
      at += 4 + length;
    }
  }
  return array;
}

/** Null instead of an array that would hold nothing but nulls. */
export const textArrayOrNull = (values: readonly (string | null)[]): Buffer | null =>
  values.some((value) => value !== null) ? textArray(values) : null;

export function byteaArray(values: readonly Buffer[]): Buffer {
  let bytes = 4 * values.length;
  for (const value of values) bytes += value.length;
  const array = header(oid.bytea, values.length, false, bytes);
  let at = 20;
  for (const value of values) {
    at = array.writeInt32BE(value.length, at);
    at += value.copy(array, at);
  }
  return array;
}
