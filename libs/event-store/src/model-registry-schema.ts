/**
 * Read models of what accounts configure (domain/registry-events.ts): one row per resource, changed by the effects
 * `<table>+`, `<table>~` and `<table>-`, whole rows as JSON. `account` walls the accounts off from each other in every query.
 */
export const registrySchema = (schema: string): string => `
set local search_path = ${schema};

create table service (
  sid text collate "C" primary key, account text collate "C" not null, friendly_name text not null,
  default_chat_service_role_sid text collate "C" not null, default_conversation_role_sid text collate "C" not null,
  default_conversation_creator_role_sid text collate "C" not null, reachability_enabled boolean not null,
  created_at timestamptz not null, updated_at timestamptz not null
);
create index service_by_account on service (account, sid);

-- Push notification settings of a service; sid is the service's. No row: the defaults. Null: never given.
create table service_notification (
  sid text collate "C" primary key, account text collate "C" not null, log_enabled boolean,
  new_message_enabled boolean, new_message_template text, new_message_sound text, new_message_badge_count_enabled boolean,
  new_message_with_media_enabled boolean, new_message_with_media_template text,
  added_to_conversation_enabled boolean, added_to_conversation_template text, added_to_conversation_sound text,
  removed_from_conversation_enabled boolean, removed_from_conversation_template text, removed_from_conversation_sound text,
  created_at timestamptz not null, updated_at timestamptz not null
);
create index service_notification_by_account on service_notification (account);

-- sid is the account's. No row: the defaults. Durations as asked for.
create table account_configuration (
  sid text collate "C" primary key, account text collate "C" not null, default_chat_service_sid text collate "C",
  default_messaging_service_sid text collate "C", default_inactive_timer text, default_closed_timer text,
  created_at timestamptz not null, updated_at timestamptz not null
);

create table address_configuration (
  sid text collate "C" primary key, account text collate "C" not null, type text not null, address text not null,
  friendly_name text, auto_creation jsonb not null, address_country text,
  created_at timestamptz not null, updated_at timestamptz not null
);
create unique index address_configuration_address on address_configuration (account, address);
create index address_configuration_by_account on address_configuration (account, sid);

-- sid is the account's (global webhooks) or the service's.
create table webhook_configuration (
  sid text collate "C" primary key, account text collate "C" not null, method text not null, filters text[] not null,
  pre_webhook_url text, post_webhook_url text, target text not null,
  created_at timestamptz not null, updated_at timestamptz not null
);

create index webhook_configuration_by_account on webhook_configuration (account);

create table conversation_webhook (
  sid text collate "C" primary key, account text collate "C" not null, conversation_sid text collate "C" not null,
  target text not null, url text, method text, filters text[], triggers text[], flow_sid text, replay_after integer,
  created_at timestamptz not null, updated_at timestamptz not null
);
create index conversation_webhook_by_conversation on conversation_webhook (conversation_sid, sid);

create table chat_user (
  sid text collate "C" primary key, account text collate "C" not null, chat_service_sid text collate "C" not null,
  identity text not null, friendly_name text, attributes text not null, role_sid text collate "C" not null,
  created_at timestamptz not null, updated_at timestamptz not null
);
create unique index chat_user_identity on chat_user (chat_service_sid, identity);
create index chat_user_by_service on chat_user (account, chat_service_sid, sid);

-- What a user set for one conversation; sid is his participant's, and it ends with him. No row: the defaults.
create table user_conversation (
  sid text collate "C" primary key, account text collate "C" not null, user_sid text collate "C" not null,
  conversation_sid text collate "C" not null, notification_level text not null,
  created_at timestamptz not null, updated_at timestamptz not null
);
create index user_conversation_by_conversation on user_conversation (conversation_sid);
create index user_conversation_by_user on user_conversation (user_sid);

create table role (
  sid text collate "C" primary key, account text collate "C" not null, chat_service_sid text collate "C" not null,
  friendly_name text not null, type text not null, permissions text[] not null,
  created_at timestamptz not null, updated_at timestamptz not null
);
create unique index role_friendly_name on role (chat_service_sid, friendly_name);
create index role_by_service on role (account, chat_service_sid, sid);

-- certificate to secret: sealed with PARLEY_KEK, base64; never given out.
create table credential (
  sid text collate "C" primary key, account text collate "C" not null, friendly_name text, type text not null, sandbox text not null,
  certificate text, private_key text, api_key text, secret text,
  created_at timestamptz not null, updated_at timestamptz not null,
  -- Of Apple's tokens; whom a browser's push service may write to, and the key browsers subscribe with.
  key_id text, team_id text, topic text, subject text, public_key text
);
create index credential_by_account on credential (account, sid);

create table push_binding (
  sid text collate "C" primary key, account text collate "C" not null, chat_service_sid text collate "C" not null,
  credential_sid text collate "C" not null, endpoint text not null, identity text not null, binding_type text not null,
  -- The device's token, or a browser's subscription as JSON. updated_at: when the device was last heard of, to the day.
  message_types text[] not null, address text not null,
  created_at timestamptz not null, updated_at timestamptz not null
);
create index push_binding_by_service on push_binding (account, chat_service_sid, sid);
create index push_binding_by_identity on push_binding (chat_service_sid, identity, sid);

create table content_template (
  sid text collate "C" primary key, account text collate "C" not null, friendly_name text, language text not null,
  variables jsonb not null, types jsonb not null, approval jsonb,
  created_at timestamptz not null, updated_at timestamptz not null
);
create index content_template_by_account on content_template (account, sid);
`;

/** Any table by its name: these effects are rare, and each row is small. */
export const registryApply = (schema: string): string => `
create or replace function ${schema}.apply_to_row(effect text, r jsonb) returns void language plpgsql
as $apply$
declare t text := left(effect, -1);
begin
  case right(effect, 1)
  when '+' then
    execute format('insert into ${schema}.%1$I select * from jsonb_populate_record(null::${schema}.%1$I, $1)', t) using r;
  when '~' then
    execute format('with old as (delete from ${schema}.%1$I where sid = $1->>''sid'' returning *)
      insert into ${schema}.%1$I select n.* from old, jsonb_populate_record(row(old.*)::${schema}.%1$I, $1) n', t) using r;
  when '-' then
    execute format('delete from ${schema}.%I where sid = $1->>''sid''', t) using r;
  else raise exception 'no such effect: %', effect;
  end case;
end $apply$;
`;
