/**
 * The inline read models: what the API must read back at once, written in the append's transaction. Derived from events
 * alone, so the whole schema can be built again beside the old one and swapped in (rebuild.ts): therefore the SQL is a
 * template over the schema's name.
 */
import { registryApply, registrySchema } from './model-registry-schema.js';

export const modelSchema = (schema: string): string => `
create schema ${schema};
set local search_path = ${schema};

create table conversation (
  sid text collate "C" primary key, account text collate "C" not null, chat_service_sid text collate "C" not null,
  messaging_service_sid text collate "C", friendly_name text, unique_name text, attributes text not null,
  state text not null,
  -- Durations as asked for; deadlines are the later of last_activity_at and timers_from plus duration.
  timer_inactive text, timer_closed text, email_address text, email_name text,
  -- Identity of the user who made it; null: the account itself.
  created_by text,
  created_at timestamptz not null, updated_at timestamptz not null,
  -- Whole seconds: moved at most once a second per conversation, so a busy one costs the list's index nothing.
  last_activity_at timestamptz not null,
  -- When the timers were set or the conversation became active again.
  timers_from timestamptz
) with (fillfactor = 80);
create unique index conversation_unique_name on conversation (chat_service_sid, unique_name) where unique_name is not null;
-- Those of one state must be found without passing all the others, be they most of all: a list of all states merges theirs.
create index conversation_by_activity on conversation (account, chat_service_sid, state, last_activity_at, sid);
create index conversation_by_creation on conversation (account, chat_service_sid, state, created_at, sid);

create table participant (
  sid text collate "C" primary key, account text collate "C" not null, conversation_sid text collate "C" not null,
  identity text, type text, address text, proxy_address text,
  -- In a group on phones: the number of ours that a member writes by. A phone in a group has an address alone.
  projected_address text,
  attributes text not null, role_sid text collate "C",
  last_read_message_index integer, last_read_timestamp text,
  created_at timestamptz not null, updated_at timestamptz not null,
  -- True once the conversation is closed.
  ended boolean
);
create unique index participant_identity on participant (conversation_sid, identity) where identity is not null;
create index participant_by_conversation on participant (conversation_sid, sid);
create index participant_by_identity on participant (account, identity, conversation_sid) where identity is not null;
-- What somebody is in now is found without passing the years of what is over.
create index participant_open_by_identity on participant (account, identity, conversation_sid) where identity is not null and ended is null;
create index participant_by_address on participant (account, address, conversation_sid, sid) where address is not null;

-- The address book: an address pair belongs to one conversation that is not closed.
create table address_binding (
  account text collate "C" not null, address text not null, proxy_address text not null,
  conversation_sid text collate "C" not null, participant_sid text collate "C" not null,
  constraint address_binding_pair primary key (account, address, proxy_address)
);
create index address_binding_by_conversation on address_binding (conversation_sid, participant_sid);

-- Groups on phones are known by their numbers, sorted: the same people have one conversation that is not closed. Two of them make a group.
create table group_conversation (
  conversation_sid text collate "C" primary key, account text collate "C" not null, numbers text collate "C" not null,
  constraint group_conversation_numbers unique (account, numbers)
);

create table message (
  conversation_sid text collate "C" not null, index integer not null, sid text collate "C" not null,
  author text not null, participant_sid text collate "C", body text, attributes text not null, media text,
  content_sid text collate "C", subject text,
  -- How many got it outside the chat; null when nobody did.
  recipients smallint, source text,
  created_at timestamptz not null, updated_at timestamptz not null,
  primary key (conversation_sid, index)
);
create unique index message_sid on message (sid);

-- What a message of a content template delivers on each channel; few messages have one.
create table message_content (
  sid text collate "C" primary key, conversation_sid text collate "C" not null, content jsonb not null
);
create index message_content_by_conversation on message_content (conversation_sid);

create table receipt (
  sid text collate "C" primary key, conversation_sid text collate "C" not null, message_sid text collate "C" not null,
  participant_sid text collate "C" not null, channel_message_sid text, status text not null, error_code integer not null,
  created_at timestamptz not null, updated_at timestamptz not null
);
create index receipt_by_message on receipt (message_sid, sid);
${registrySchema(schema)}`;

/**
 * Messages and activity have arrays of their own, they are the hot path. Everything else is an effect: '<table>+' inserts a
 * row given as JSON, '<table>~' lays the given fields over the row it names, '<table>-' removes it. Only groups that are `ok`
 * count; `conversation` is each group's. Names are qualified: a SET clause would cost every call.
 */
export const modelApply = (schema: string): string => `
${registryApply(schema)}
create or replace function ${schema}.apply(
  ok boolean[], conversation text[],
  m_group integer[], m_index integer[], m_sid text[], m_author text[], m_participant_sid text[], m_body text[],
  m_attributes text[], m_media text[], m_content_sid text[], m_subject text[], m_recipients smallint[], m_source text[],
  m_created_at timestamptz[], m_updated_at timestamptz[],
  a_group integer[], a_at timestamptz[],
  x_group integer[], x_effect text[], x_row text[]
) returns void language plpgsql
as $apply$
declare x record;
begin
  if m_group is not null then
    insert into ${schema}.message (conversation_sid, index, sid, author, participant_sid, body, attributes, media, content_sid,
                                   subject, recipients, source, created_at, updated_at)
    select conversation[m_group[i]], m_index[i], m_sid[i], m_author[i], m_participant_sid[i], m_body[i], m_attributes[i], m_media[i],
           m_content_sid[i], m_subject[i], m_recipients[i], m_source[i], m_created_at[i], m_updated_at[i]
      from generate_subscripts(m_group, 1) i where ok[m_group[i]];
  end if;
  if a_group is not null then
    update ${schema}.conversation t set last_activity_at = a.at
      from (select conversation[a_group[i]] as sid, max(a_at[i]) as at from generate_subscripts(a_group, 1) i where ok[a_group[i]] group by 1) a
     where t.sid = a.sid and t.last_activity_at < a.at;
  end if;
  if x_group is null then return; end if;
  -- One by one and in order: a batch may add a row, change it and remove it. These commands are rare beside messages.
  for x in select x_effect[i] as effect, x_row[i]::jsonb as row from generate_subscripts(x_group, 1) i where ok[x_group[i]] order by i
  loop
    case x.effect
    when 'conversation~' then update ${schema}.conversation t set (messaging_service_sid, friendly_name, unique_name, attributes, state,
        timer_inactive, timer_closed, email_address, email_name, created_at, updated_at, timers_from) =
      (select r.messaging_service_sid, r.friendly_name, r.unique_name, r.attributes, r.state, r.timer_inactive, r.timer_closed,
        r.email_address, r.email_name, r.created_at, r.updated_at, r.timers_from from jsonb_populate_record(t, x.row) r) where t.sid = x.row->>'sid';
      if x.row->>'state' = 'closed' then update ${schema}.participant set ended = true where conversation_sid = x.row->>'sid'; end if;
    when 'participant+' then insert into ${schema}.participant select * from jsonb_populate_record(null::${schema}.participant, x.row);
    when 'participant~' then update ${schema}.participant t set (identity, type, address, proxy_address, projected_address, attributes, role_sid,
        last_read_message_index, last_read_timestamp, created_at, updated_at) =
      (select r.identity, r.type, r.address, r.proxy_address, r.projected_address, r.attributes, r.role_sid, r.last_read_message_index,
        r.last_read_timestamp, r.created_at, r.updated_at from jsonb_populate_record(t, x.row) r) where t.sid = x.row->>'sid';
    when 'participant-' then
      delete from ${schema}.participant where sid = x.row->>'sid';
      delete from ${schema}.user_conversation where sid = x.row->>'sid';
    when 'address_binding+' then
      insert into ${schema}.address_binding select * from jsonb_populate_record(null::${schema}.address_binding, x.row);
    when 'address_binding~' then update ${schema}.address_binding set address = x.row->>'address', proxy_address = x.row->>'proxy_address'
      where conversation_sid = x.row->>'conversation_sid' and participant_sid = x.row->>'participant_sid';
    when 'address_binding-' then delete from ${schema}.address_binding where conversation_sid = x.row->>'conversation_sid'
      and (participant_sid = x.row->>'participant_sid' or x.row->>'participant_sid' is null);
    when 'group~' then
      -- While a conversation is being built it is no group yet: half of one may be another's whole.
      delete from ${schema}.group_conversation where conversation_sid = x.row->>'conversation_sid';
      insert into ${schema}.group_conversation (conversation_sid, account, numbers)
      select c.sid, c.account, string_agg(n.number, ',' order by n.number collate "C") from ${schema}.conversation c
       cross join lateral (select distinct coalesce(p.projected_address, p.address) as number from ${schema}.participant p
                            where p.conversation_sid = c.sid and p.type = 'sms' and p.proxy_address is null) n
       where c.sid = x.row->>'conversation_sid' and c.state in ('active', 'inactive') group by c.sid, c.account having count(*) > 1;
    when 'group-' then delete from ${schema}.group_conversation where conversation_sid = x.row->>'conversation_sid';
    when 'receipt+' then insert into ${schema}.receipt as t select * from jsonb_populate_record(null::${schema}.receipt, x.row)
      on conflict (sid) do update set channel_message_sid = coalesce(excluded.channel_message_sid, t.channel_message_sid),
        status = excluded.status, error_code = excluded.error_code, updated_at = excluded.updated_at;
    when 'message~' then update ${schema}.message t set (author, participant_sid, body, attributes, subject, created_at, updated_at) =
      (select r.author, r.participant_sid, r.body, r.attributes, r.subject, r.created_at, r.updated_at
         from jsonb_populate_record(t, x.row) r) where t.conversation_sid = x.row->>'conversation_sid' and t.index = (x.row->>'index')::integer;
    when 'message-' then
      delete from ${schema}.message where conversation_sid = x.row->>'conversation_sid' and index = (x.row->>'index')::integer;
      delete from ${schema}.receipt where message_sid = x.row->>'sid';
      delete from ${schema}.message_content where sid = x.row->>'sid';
    when 'conversation+' then insert into ${schema}.conversation select * from jsonb_populate_record(null::${schema}.conversation, x.row);
    when 'conversation-' then
      delete from ${schema}.conversation where sid = x.row->>'sid';
      delete from ${schema}.participant where conversation_sid = x.row->>'sid';
      delete from ${schema}.address_binding where conversation_sid = x.row->>'sid';
      delete from ${schema}.group_conversation where conversation_sid = x.row->>'sid';
      delete from ${schema}.conversation_webhook where conversation_sid = x.row->>'sid';
      delete from ${schema}.user_conversation where conversation_sid = x.row->>'sid';
    else perform ${schema}.apply_to_row(x.effect, x.row);
    end case;
  end loop;
end $apply$;
`;
