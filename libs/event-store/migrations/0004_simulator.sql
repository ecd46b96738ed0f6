-- The built-in simulator carrier (docs/simulator.md): what it has accepted, how its handsets behave, and the webhooks it
-- still owes. Everything is here, nothing in memory, so that it may be killed like any other part.
create schema simulator;

create table simulator.message (
  ordinal    bigint generated always as identity primary key,
  sid        text collate "C" not null unique,
  account    text collate "C" not null,
  direction  text collate "C" not null check (direction in ('outbound-api', 'inbound')),
  sender     text not null,
  recipient  text not null,
  body       text not null,
  media_urls text[] not null default '{}',
  status     text collate "C" not null,
  error_code integer,
  -- The client's idempotency key, and how often it sent with it.
  reference  text collate "C",
  sends      integer not null default 1,
  status_callback text,
  created_at timestamptz not null default now(),
  unique (account, reference)
);
create index message_by_recipient on simulator.message (account, recipient, ordinal);
create index message_by_sender on simulator.message (account, sender, ordinal);

-- How an address behaves, a handset's or a sender's; absent: reports sent and delivered by itself.
create table simulator.behaviour (
  account   text collate "C" not null,
  address   text collate "C" not null,
  behaviour jsonb not null,
  -- For so many more messages; null: until it is changed.
  times     integer,
  primary key (account, address)
);

-- Webhooks not yet answered 2xx, in order per lane.
create table simulator.callback (
  id       bigint generated always as identity primary key,
  account  text collate "C" not null,
  lane     text collate "C" not null,
  url      text not null,
  form     jsonb not null,
  -- Becomes the message's status when it is reported.
  sid      text collate "C",
  status   text collate "C",
  error_code integer,
  attempts integer not null default 0,
  owed_at  timestamptz not null default now(),
  due_at   timestamptz not null default now()
);
create index callback_due on simulator.callback (due_at, id);
create index callback_lane on simulator.callback (lane, id);
