/**
 * From the log to jobs: one row per fact and device that is told of it, in the transaction of the checkpoint, so none is missed
 * and none is there twice. Accounts without push cost one small read per batch of facts, and no write.
 */
import type { LanePlace } from '@parley/delivery/lane-pool';
import type { LogEvent } from '@parley/domain/event';
import type { Connection, Pool } from '@parley/event-store/database';
import { devicesFor, peopleIn, placesOf, type Device } from './push-reads.js';
import { noticeOf, type Notice, type StoredNotification } from './push-notice.js';

export const pushedTypes = ['MessageAdded', 'ParticipantAdded', 'ParticipantRemoved'];

/** Facts handled together: of a thousand members with a device each, so many times a thousand rows are in memory at most. */
const SLICE = 20;
const ROWS_PER_INSERT = 2_000;

/** Old facts are no news; who joined or left outside the chat has no device. */
export const concernsPush = (lifetimeMillis: number) => ({ type, data, recordedAt }: LogEvent): boolean =>
  Date.parse(recordedAt) > Date.now() - lifetimeMillis && (type === 'MessageAdded' || typeof data['identity'] === 'string');

/** Of accounts that have push enabled in any of their services. */
export async function sift(pool: Pick<Pool, 'query'>, events: LogEvent[]): Promise<LogEvent[]> {
  const { rows } = await pool.query<{ account: string }>({
    name: 'push-accounts',
    text: `select distinct account from model.service_notification where account = any ($1)
              and (new_message_enabled or new_message_with_media_enabled or added_to_conversation_enabled or removed_from_conversation_enabled)`,
    values: [[...new Set(events.map(({ account }) => account))]],
  });
  const enabled = new Set(rows.map(({ account }) => account));
  return events.filter(({ account }) => enabled.has(account));
}

/** Returns the lanes that have something new to do. */
export async function planPushes(tx: Connection, events: LogEvent[], lifetimeSeconds: number): Promise<LanePlace[]> {
  const places: LanePlace[] = [];
  for (let at = 0; at < events.length; at += SLICE) {
    const jobs = await jobsFor(tx, events.slice(at, at + SLICE), lifetimeSeconds);
    for (let row = 0; row < jobs.length; row += ROWS_PER_INSERT) await insert(tx, jobs.slice(row, row + ROWS_PER_INSERT));
    for (const { account, binding_sid: lane, host } of jobs) places.push({ account, lane, host });
  }
  return places;
}

type Job = {
  job_key: string; account: string; chat_service_sid: string; conversation_sid: string; message_sid: string | null; binding_sid: string; identity: string;
  host: string; kind: Notice['kind']; notification: StoredNotification; kept: boolean; expires_at: string;
};

async function jobsFor(tx: Connection, events: LogEvent[], lifetimeSeconds: number): Promise<Job[]> {
  const places = await placesOf(tx, events);
  const notices = events.flatMap((event) => {
    const place = event.conversation === null ? undefined : places.get(event.conversation);
    return place && place.account === event.account ? (noticeOf(event, place) ?? []) : [];
  });
  if (notices.length === 0) return [];
  const people = await peopleIn(tx, notices);
  const devices = await devicesFor(tx, notices);
  return notices.flatMap((notice) => {
    const notification = notice.written(people);
    const expires = new Date(Date.parse(notice.event.recordedAt) + lifetimeSeconds * 1000).toISOString();
    return devices.of(notice).map((device) => jobOf(notice, notification, device, expires));
  });
}

const jobOf = ({ event, place, kind, messageSid }: Notice, notification: StoredNotification, device: Device, expires_at: string): Job => ({
  job_key: `${device.sid}/${event.eventId}`, account: event.account, chat_service_sid: place.chat_service_sid, conversation_sid: place.sid, message_sid: messageSid,
  binding_sid: device.sid, identity: device.identity, host: hostOf(device), kind, notification, kept: place.settings.log_enabled ?? false, expires_at,
});

/** Browsers' push services are as many as browsers say: each is a host of its own. */
function hostOf({ binding_type, credential_sid, address }: Device): string {
  return binding_type === 'webpush' ? `${credential_sid}/${new URL((JSON.parse(address) as { endpoint: string }).endpoint).host}` : credential_sid;
}

const insert = (tx: Connection, jobs: Job[]) => tx.query({
  name: 'plan-pushes',
  // In the order of the log, which becomes the order of each lane.
  text: `insert into push.job (job_key, account, chat_service_sid, conversation_sid, message_sid, binding_sid, identity, host, kind, notification, kept, expires_at)
         select job_key, account, chat_service_sid, conversation_sid, message_sid, binding_sid, identity, host, kind, notification, kept, expires_at
           from rows from (jsonb_to_recordset($1) as (job_key text, account text, chat_service_sid text, conversation_sid text, message_sid text, binding_sid text,
                identity text, host text, kind text, notification jsonb, kept boolean, expires_at timestamptz)) with ordinality j
                (job_key, account, chat_service_sid, conversation_sid, message_sid, binding_sid, identity, host, kind, notification, kept, expires_at, o)
          order by o on conflict (job_key) do nothing`,
  values: [JSON.stringify(jobs)],
});
