/** What facts need to become notifications, one statement each: the conversations' settings, names, devices; and the badge of those. */
import type { LogEvent } from '@parley/domain/event';
import { isoTime, type Connection, type Pool } from '@parley/event-store/database';
import type { PushKind } from '@parley/push/push-provider';

type Settings = {
  log_enabled: boolean | null; new_message_enabled: boolean | null; new_message_template: string | null; new_message_sound: string | null;
  new_message_badge_count_enabled: boolean | null; new_message_with_media_enabled: boolean | null; new_message_with_media_template: string | null;
  added_to_conversation_enabled: boolean | null; added_to_conversation_template: string | null; added_to_conversation_sound: string | null;
  removed_from_conversation_enabled: boolean | null; removed_from_conversation_template: string | null; removed_from_conversation_sound: string | null;
};
export type Place = { sid: string; account: string; chat_service_sid: string; friendly_name: string | null; unique_name: string | null; settings: Settings };
export type Device = { sid: string; account: string; identity: string; binding_type: string; credential_sid: string; message_types: string[]; address: string };
type Member = Device & { conversation: string; joined: string };
export type People = { nameOf(service: string, identity: string): string | null };
/** What is asked about. */
type Asked = { event: Pick<LogEvent, 'recordedAt'>; place: Place; kind: PushKind; actor: string; recipient: string | null };

const distinct = (values: readonly (string | null)[]): string[] => [...new Set(values)].filter((value): value is string => value !== null);

/** Conversations whose service has settings, by SID; of one that is gone nobody is told. */
export async function placesOf(tx: Connection, events: readonly LogEvent[]): Promise<Map<string, Place>> {
  const { rows } = await tx.query<Place>({
    name: 'push-places',
    text: `select c.sid, c.account, c.chat_service_sid, c.friendly_name, c.unique_name, to_jsonb(n) as settings
             from model.conversation c join model.service_notification n on n.sid = c.chat_service_sid where c.sid = any ($1)`,
    values: [distinct(events.map(({ conversation }) => conversation))],
  });
  return new Map(rows.map((row) => [row.sid, row]));
}

/** Friendly names of those who did something. */
export async function peopleIn(tx: Connection, asked: readonly Asked[]): Promise<People> {
  const { rows } = await tx.query<{ service: string; identity: string; name: string | null }>({
    name: 'push-people',
    text: `select u.chat_service_sid as service, u.identity, u.friendly_name as name
             from (select distinct * from unnest($1::text[], $2::text[]) w (service, identity)) w
             join model.chat_user u on u.chat_service_sid = w.service and u.identity = w.identity`,
    values: [asked.map(({ place }) => place.chat_service_sid), asked.map(({ actor }) => actor)],
  });
  const names = new Map(rows.map(({ service, identity, name }) => [`${service}/${identity}`, name]));
  return { nameOf: (service, identity) => names.get(`${service}/${identity}`) ?? null };
}

export async function devicesFor(tx: Connection, asked: readonly Asked[]): Promise<{ of(notice: Asked): Device[] }> {
  const [ofAll, ofOne] = [asked.filter(({ recipient }) => recipient === null), asked.filter(({ recipient }) => recipient !== null)];
  const members = ofAll.length === 0 ? [] : await devicesOfMembers(tx, distinct(ofAll.map(({ place }) => place.sid)));
  const single = ofOne.length === 0 ? [] : await devicesOfUsers(tx, ofOne);
  const byConversation = Map.groupBy(members, ({ conversation }) => conversation);
  const byUser = Map.groupBy(single, ({ service, identity }) => `${service}/${identity}`);
  return {
    of({ event, place, kind, actor, recipient }) {
      // Who joined after it was said, though before it was planned, was not there.
      const found: Device[] = recipient === null ? (byConversation.get(place.sid) ?? []).filter(({ joined }) => isoTime(joined) <= event.recordedAt)
        : (byUser.get(`${place.chat_service_sid}/${recipient}`) ?? []);
      return found.filter(({ account, identity, message_types }) => account === place.account && identity !== actor && message_types.includes(kind));
    },
  };
}

const device = 'b.sid, b.account, b.identity, b.binding_type, b.credential_sid, b.message_types, b.address';

/** Of those who are in the conversation and did not mute it. */
async function devicesOfMembers(tx: Connection, conversations: string[]): Promise<Member[]> {
  const { rows } = await tx.query<Member>({
    name: 'push-member-devices',
    text: `select c.sid as conversation, p.created_at as joined, ${device}
             from model.conversation c
             join model.participant p on p.conversation_sid = c.sid and p.identity is not null
             join model.push_binding b on b.chat_service_sid = c.chat_service_sid and b.identity = p.identity
             left join model.user_conversation u on u.sid = p.sid
            where c.sid = any ($1) and u.notification_level is distinct from 'muted'
            order by c.sid, b.identity, b.sid`,
    values: [conversations],
  });
  return rows;
}

async function devicesOfUsers(tx: Connection, asked: readonly Asked[]): Promise<(Device & { service: string })[]> {
  const { rows } = await tx.query<Device & { service: string }>({
    name: 'push-user-devices',
    text: `select w.service, ${device} from (select distinct * from unnest($1::text[], $2::text[]) w (service, identity)) w
             join model.push_binding b on b.chat_service_sid = w.service and b.identity = w.identity order by b.sid`,
    values: [asked.map(({ place }) => place.chat_service_sid), asked.map(({ recipient }) => recipient)],
  });
  return rows;
}

/** Conversations of the service in which the user has not read everything; a thousand at most. */
export async function unreadConversations(pool: Pick<Pool, 'query'>, account: string, service: string, identity: string): Promise<number> {
  const { rows: [row] } = await pool.query<{ count: number }>({ name: 'push-badge', text: badgeSql, values: [account, service, identity] });
  return row!.count;
}

const badgeSql = `
select count(*)::integer as count from (
  select p.conversation_sid, p.last_read_message_index from model.participant p join model.conversation c on c.sid = p.conversation_sid and c.chat_service_sid = $2
   where p.account = $1 and p.identity = $3 and p.ended is null limit 1000) p
 where exists (select 1 from model.message m where m.conversation_sid = p.conversation_sid and m.index > coalesce(p.last_read_message_index, -1))`;
