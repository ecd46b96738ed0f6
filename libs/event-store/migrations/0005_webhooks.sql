-- Webhooks on their way out, and how those that went ended. This table is the truth; who works on it is in memory only.
create schema webhook;

-- One event to one target.
create table webhook.job (
  job_id     bigint generated always as identity primary key,
  -- Target, event and what it is about: a replay of the log meets its own rows.
  job_key    text collate "C" not null unique,
  account    text collate "C" not null,
  -- The account, the service or the conversation's webhook that asked for it.
  target     text collate "C" not null,
  conversation_sid text collate "C",
  -- Target and conversation: within a lane at most one is under way, in the order of job_id, which is the order of the log.
  lane       text collate "C" not null,
  event_type text not null,
  url        text not null,
  method     text not null,
  -- Form parameters without RetryCount. They hold what people wrote: removed once it is delivered or given up.
  parameters jsonb,
  state      text collate "C" not null default 'queued' check (state in ('queued', 'sending', 'delivered', 'failed')),
  attempt    smallint not null default 0,
  -- When somebody has to look at it: the next attempt (queued), the end of the lease (sending). By the database's clock.
  due_at     timestamptz not null default now(),
  lease_owner text,
  -- Of the last answer; null when there was none.
  http_status smallint,
  -- 11200: the target could not be reached or refused it. 50076: it did not answer in time.
  error_code integer,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index job_lane on webhook.job (lane, job_id) where state in ('queued', 'sending');
create index job_by_account on webhook.job (account, job_id);
create index job_by_age on webhook.job (created_at);

-- Rows of the read models as they were before a command removed them, for the webhooks that tell of it. Kept some days.
create table webhook.removed (
  sid     text collate "C" primary key,
  account text collate "C" not null,
  row     jsonb not null,
  -- Of a conversation: its webhooks, which go with it.
  webhooks jsonb not null default '[]',
  kept_at timestamptz not null default now()
);
create index removed_by_age on webhook.removed (kept_at);
