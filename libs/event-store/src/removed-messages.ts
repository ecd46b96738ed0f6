/**
 * What a deleted message said stays in the log until retention takes it, and is told to nobody who reads the past: its facts keep their
 * place, author and index, so that versions count on without a gap.
 */
import type { LogEvent } from '@parley/domain/event';
import type { Pool } from './database.js';

const said = new Set(['MessageAdded', 'MessageUpdated']);
const sidOf = ({ data }: LogEvent): string => data['messageSid'] as string;
const silent = { body: null, media: null, attributes: '{}', contentSid: null } as const;

/**
 * `events`: of one conversation, in order. A deletion lies behind what it deletes: when they reach to the end of the log it is among them; with
 * `more` behind them the read models are asked, once.
 */
export async function withoutRemoved(pool: Pick<Pool, 'query'>, events: LogEvent[], more: boolean): Promise<LogEvent[]> {
  const removed = new Set(events.filter(({ type }) => type === 'MessageDeleted').map(sidOf));
  const asked = more ? [...new Set(events.filter(({ type }) => said.has(type)).map(sidOf))].filter((sid) => sid !== undefined && !removed.has(sid)) : [];
  if (asked.length > 0) {
    const { rows } = await pool.query<{ sid: string }>({ name: 'messages-still-there', text: 'select sid from model.message where sid = any ($1)', values: [asked] });
    const there = new Set(rows.map(({ sid }) => sid));
    for (const sid of asked) if (!there.has(sid)) removed.add(sid);
  }
  return removed.size === 0 ? events : events.map((event) => (said.has(event.type) && removed.has(sidOf(event)) ? { ...event, data: silenced(event.data) } : event));
}

/** Only what was there is emptied: a fact that changed the author alone goes on saying just that. */
const silenced = (data: LogEvent['data']): LogEvent['data'] =>
  Object.fromEntries(Object.entries(data).map(([name, value]) => [name, name in silent ? silent[name as keyof typeof silent] : value]));
