/** Pieces of the hand-written serialisers: SIDs, states and times need no escaping, everything a client gave does. */
export const text = (value: string): string => JSON.stringify(value);
export const textOrNull = (value: string | null): string => (value === null ? 'null' : JSON.stringify(value));
/** For what holds neither quote nor backslash. */
export const plainOrNull = (value: string | null): string => (value === null ? 'null' : `"${value}"`);

/** Postgres' or ISO 8601 text in UTC to the API's form: whole seconds, `Z`. */
export const time = (value: string): string => `"${value.slice(0, 10)}T${value.slice(11, 19)}Z"`;
