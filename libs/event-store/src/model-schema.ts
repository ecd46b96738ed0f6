/**
 * The inline read models: what the API must read back at once, written in the append's transaction. Derived from events
 * alone, so the whole schema can be built again beside the old one and swapped in (rebuild.ts): therefore the SQL is a
 * template over the schema's name, and the tables inside `apply` are found through its search_path.
 */
export const modelSchema = (schema: string): string => `
create schema ${schema};
set local search_path = ${schema};

create table service (
  sid text collate "C" primary key, account text collate "C" not null, friendly_name text not null,
  default_chat_service_role_sid text collate "C" not null, default_conversation_role_sid text collate "C" not null,
  default_conversation_creator_role_sid text collate "C" not null,
  created_at timestamptz not null, updated_at timestamptz not null
);
create index service_by_account on service (account, sid);

create table conversation (
  sid text collate "C" primary key, account text collate "C" not null, chat_service_sid text collate "C" not null,
  messaging_service_sid text collate "C", friendly_name text, unique_name text, attributes text not null,
  state text not null,
  -- Durations as asked for; deadlines are last_activity_at plus duration.
  timer_inactive text, timer_closed text, email_address text, email_name text,
  created_at timestamptz not null, updated_at timestamptz not null,
  -- Whole seconds: moved at most once a second per conversation, so a busy one costs the list's index nothing.
  last_activity_at timestamptz not null
) with (fillfactor = 80);
create unique index conversation_unique_name on conversation (chat_service_sid, unique_name) where unique_name is not null;
create index conversation_by_activity on conversation (account, chat_service_sid, last_activity_at, sid);
create index conversation_by_creation on conversation (account, chat_service_sid, created_at, sid);

create table participant (
  sid text collate "C" primary key, account text collate "C" not null, conversation_sid text collate "C" not null,
  identity text, type text, address text, proxy_address text, attributes text not null, role_sid text collate "C",
  last_read_message_index integer, last_read_timestamp text,
  created_at timestamptz not null, updated_at timestamptz not null
);
create unique index participant_identity on participant (conversation_sid, identity) where identity is not null;
create index participant_by_conversation on participant (conversation_sid, sid);
create index participant_by_identity on participant (account, identity, conversation_sid) where identity is not null;
create index participant_by_address on participant (account, address) where address is not null;

-- The address book: an address pair belongs to one conversation that is not closed.
create table address_binding (
  account text collate "C" not null, address text not null, proxy_address text not null,
  conversation_sid text collate "C" not null, participant_sid text collate "C" not null,
  constraint address_binding_pair primary key (account, address, proxy_address)
);
create index address_binding_by_conversation on address_binding (conversation_sid, participant_sid);

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

create table receipt (
  sid text collate "C" primary key, conversation_sid text collate "C" not null, message_sid text collate "C" not null,
  participant_sid text collate "C" not null, channel_message_sid text, status text not null, error_code integer not null,
  created_at timestamptz not null, updated_at timestamptz not null
);
create index receipt_by_message on receipt (message_sid, sid);

create table address_configuration (
  sid text collate "C" primary key, account text collate "C" not null, type text not null, address text not null,
  friendly_name text, auto_creation jsonb not null, address_country text,
  created_at timestamptz not null, updated_at timestamptz not null
);
create unique index address_configuration_address on address_configuration (account, address);

-- Messages and activity have arrays of their own, they are the hot path. Everything else is an effect: '<table>+' inserts
-- a row given as JSON, '<table>~' lays the given fields over the row with that sid, '<table>-' removes it.
create function apply(
  ok boolean[],
  m_command integer[], m_conversation_sid text[], m_index integer[], m_sid text[], m_author text[],
  m_participant_sid text[], m_body text[], m_attributes text[], m_media text[], m_content_sid text[], m_subject text[],
  m_recipients smallint[], m_source text[], m_created_at timestamptz[], m_updated_at timestamptz[],
  a_command integer[], a_conversation_sid text[], a_at timestamptz[],
  x_command integer[], x_effect text[], x_row text[]
) returns void language plpgsql
set search_path = ${schema}
as $apply$
declare x record;
begin
  if array_length(m_command, 1) > 0 then
    insert into message (conversation_sid, index, sid, author, participant_sid, body, attributes, media, content_sid, subject,
                         recipients, source, created_at, updated_at)
    select conversation_sid, index, sid, author, participant_sid, body, attributes, media, content_sid, subject,
           recipients, source, created_at, updated_at
      from unnest(m_command, m_conversation_sid, m_index, m_sid, m_author, m_participant_sid, m_body, m_attributes, m_media,
                  m_content_sid, m_subject, m_recipients, m_source, m_created_at, m_updated_at)
           m (c, conversation_sid, index, sid, author, participant_sid, body, attributes, media, content_sid, subject,
              recipients, source, created_at, updated_at)
     where ok[c];
  end if;
  if array_length(a_command, 1) > 0 then
    update conversation t set last_activity_at = a.at
      from (select sid, max(at) as at from unnest(a_command, a_conversation_sid, a_at) u (c, sid, at) where ok[c] group by sid) a
     where t.sid = a.sid and t.last_activity_at < a.at;
  end if;
  if array_length(x_command, 1) is null then return; end if;
  -- One by one and in order: a batch may add a row, change it and remove it. These commands are rare beside messages.
  for x in select u.effect, u.row::jsonb as row from unnest(x_command, x_effect, x_row) with ordinality u (c, effect, row, o)
            where ok[c] order by o
  loop
    case x.effect
    when 'conversation~' then update conversation t set (messaging_service_sid, friendly_name, unique_name, attributes, state,
        timer_inactive, timer_closed, email_address, email_name, created_at, updated_at) =
      (select r.messaging_service_sid, r.friendly_name, r.unique_name, r.attributes, r.state, r.timer_inactive, r.timer_closed,
        r.email_address, r.email_name, r.created_at, r.updated_at from jsonb_populate_record(t, x.row) r) where t.sid = x.row->>'sid';
    when 'participant+' then insert into participant select * from jsonb_populate_record(null::participant, x.row);
    when 'participant~' then update participant t set (identity, type, address, proxy_address, attributes, role_sid,
        last_read_message_index, last_read_timestamp, created_at, updated_at) =
      (select r.identity, r.type, r.address, r.proxy_address, r.attributes, r.role_sid, r.last_read_message_index,
        r.last_read_timestamp, r.created_at, r.updated_at from jsonb_populate_record(t, x.row) r) where t.sid = x.row->>'sid';
    when 'participant-' then delete from participant where sid = x.row->>'sid';
    when 'address_binding+' then insert into address_binding select * from jsonb_populate_record(null::address_binding, x.row);
    when 'address_binding~' then update address_binding set proxy_address = x.row->>'proxy_address'
      where conversation_sid = x.row->>'conversation_sid' and participant_sid = x.row->>'participant_sid';
    when 'address_binding-' then delete from address_binding where conversation_sid = x.row->>'conversation_sid'
      and (participant_sid = x.row->>'participant_sid' or x.row->>'participant_sid' is null);
    when 'receipt+' then insert into receipt select * from jsonb_populate_record(null::receipt, x.row)
      on conflict (sid) do update set channel_message_sid = coalesce(excluded.channel_message_sid, receipt.channel_message_sid),
        status = excluded.status, error_code = excluded.error_code, updated_at = excluded.updated_at;
    when 'message~' then update message t set (author, participant_sid, body, attributes, subject, created_at, updated_at) =
      (select r.author, r.participant_sid, r.body, r.attributes, r.subject, r.created_at, r.updated_at
         from jsonb_populate_record(t, x.row) r) where t.conversation_sid = x.row->>'conversation_sid' and t.index = (x.row->>'index')::integer;
    when 'message-' then
      delete from message where conversation_sid = x.row->>'conversation_sid' and index = (x.row->>'index')::integer;
      delete from receipt where message_sid = x.row->>'sid';
    when 'conversation+' then insert into conversation select * from jsonb_populate_record(null::conversation, x.row);
    when 'conversation-' then
      delete from conversation where sid = x.row->>'sid';
      delete from participant where conversation_sid = x.row->>'sid';
      delete from address_binding where conversation_sid = x.row->>'sid';
    when 'service+' then insert into service select * from jsonb_populate_record(null::service, x.row);
    when 'address_configuration+' then
      insert into address_configuration select * from jsonb_populate_record(null::address_configuration, x.row);
    when 'address_configuration~' then update address_configuration t set (friendly_name, auto_creation, updated_at) =
      (select r.friendly_name, r.auto_creation, r.updated_at from jsonb_populate_record(t, x.row) r) where t.sid = x.row->>'sid';
    when 'address_configuration-' then delete from address_configuration where sid = x.row->>'sid';
    else raise exception 'no such effect: %', x.effect;
    end case;
  end loop;
end $apply$;
`;
