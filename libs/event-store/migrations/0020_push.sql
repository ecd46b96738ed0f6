-- Push notifications on their way out, and how those ended that failed. This table is the truth; who works on it is in memory only.
create schema push;

-- One fact to one device.
create table push.job (
  job_id     bigint generated always as identity primary key,
  -- Device and fact: a replay of the log meets its own rows.
  job_key    text collate "C" not null unique,
  account    text collate "C" not null,
  chat_service_sid text collate "C" not null,
  conversation_sid text collate "C" not null,
  -- Null: it is about somebody who was added or removed.
  message_sid text collate "C",
  -- The lane: of one device at most one is under way, in the order of job_id, which is the order of the log.
  binding_sid text collate "C" not null,
  -- Whose device it was then; if it changed hands, nothing is sent.
  identity   text not null,
  -- What is called: the credential, and the browser's push service where there are many.
  host       text not null,
  kind       text collate "C" not null check (kind in ('new_message', 'added_to_conversation', 'removed_from_conversation')),
  -- Text, sound, whether with a badge, data. It holds what people wrote: removed when it was sent or given up.
  notification jsonb,
  -- The service logs its notifications: the row stays, without what it said.
  kept       boolean not null,
  state      text collate "C" not null default 'queued' check (state in ('queued', 'sending', 'sent', 'failed', 'dropped')),
  attempt    smallint not null default 0,
  -- When somebody has to look at it: the next attempt (queued), the end of the lease (sending). By the database's clock.
  due_at     timestamptz not null default now(),
  expires_at timestamptz not null,
  lease_owner text,
  -- Of the last attempt, as the push service said it.
  reason     text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index job_lane on push.job (binding_sid, job_id) where state in ('queued', 'sending');
create index job_by_account on push.job (account, job_id);
create index job_by_age on push.job (created_at);
