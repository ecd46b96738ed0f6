-- Work that leaves the house and comes back: deliveries to carriers, what carriers tell us, our own senders (design,
-- section 3). These tables are the truth; work queues only hand jobs out fast, and a sweeper hands them out again.
create schema delivery;

-- How far a delivery is. It only moves up, except that an attempt which certainly failed puts it back to queued.
create function delivery.rank(state text) returns integer language sql immutable
return case state
  when 'queued' then 0 when 'sending' then 1 when 'unknown' then 1 when 'accepted' then 2 when 'sent' then 3
  when 'failed' then 4 when 'undelivered' then 4 when 'cancelled' then 4 when 'delivered' then 5 when 'read' then 6 end;

-- One message to one recipient outside the chat.
create table delivery.delivery (
  -- The receipt's SID: follows from message and participant, so a replay meets its own rows.
  delivery_id      text collate "C" primary key,
  account          text collate "C" not null,
  conversation_sid text collate "C" not null,
  message_sid      text collate "C" not null,
  message_index    integer not null,
  participant_sid  text collate "C" not null,
  -- The lane: at most one delivery in flight, in the order of `place`, which is the order of the log.
  channel          text collate "C" not null,
  sender           text collate "C" not null,
  recipient        text collate "C" not null,
  place            bigint not null generated always as identity,
  state            text collate "C" not null default 'queued'
    check (state in ('queued', 'sending', 'unknown', 'accepted', 'sent', 'delivered', 'read', 'failed', 'undelivered', 'cancelled')),
  attempt          smallint not null default 0,
  -- When somebody has to look at it: the next attempt (queued), the end of the lease (sending), the next question to the
  -- carrier or the end of that lease (unknown). By the database's clock.
  due_at           timestamptz not null default now(),
  lease_owner      text,
  -- Not begun by then: failed, and the lane moves on.
  deadline         timestamptz not null,
  provider_message_ids text[] not null default '{}',
  error_code       integer not null default 0,
  -- The last state that became a receipt; when it lags behind `state`, the sweeper reports again.
  reported         text collate "C",
  -- Given up for reasons that may pass: kept to be listed and replayed.
  dead_letter      boolean not null default false,
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now()
);
create index delivery_lane on delivery.delivery (account, channel, sender, recipient, place) where state in ('queued', 'sending', 'unknown');
create index delivery_by_message on delivery.delivery (conversation_sid, message_index) where state = 'queued';
create index delivery_unreported on delivery.delivery (updated_at)
  where state in ('sent', 'delivered', 'read', 'failed', 'undelivered') and reported is distinct from state;
-- For callbacks that do not hand our reference back.
create index delivery_by_provider_id on delivery.delivery (account, (provider_message_ids[1])) where provider_message_ids <> '{}';
create index delivery_dead on delivery.delivery (account, updated_at) where dead_letter;
create index delivery_by_age on delivery.delivery (created_at);

-- What was tried: a row is committed before the carrier is called, so no call is ever unknown to us.
create table delivery.attempt (
  delivery_id text collate "C" not null references delivery.delivery on delete cascade,
  attempt     smallint not null,
  owner       text not null,
  started_at  timestamptz not null default now(),
  ended_at    timestamptz,
  -- accepted, queued (certainly not sent), failed, unknown; null: still running, or its process died
  outcome     text,
  error_code  integer,
  primary key (delivery_id, attempt)
);

-- What carriers told us, stored before they are answered and worked off from here.
create table delivery.inbox (
  id         bigint generated always as identity primary key,
  account    text collate "C" not null,
  carrier    text collate "C" not null,
  -- The carrier's message id, with the status for status reports: the same again is the same event.
  event_key  text collate "C" not null,
  -- Messages of one sender to one of ours keep their order; status reports have no lane.
  lane       text collate "C",
  -- The normalised event; removed when it is done.
  event      jsonb,
  state      text collate "C" not null default 'received' check (state in ('received', 'done', 'unrouted', 'unmatched', 'failed')),
  attempts   smallint not null default 0,
  owner      text,
  due_at     timestamptz not null default now(),
  received_at timestamptz not null default now(),
  constraint inbox_event unique (account, carrier, event_key)
);
create index inbox_due on delivery.inbox (due_at) where state = 'received';
create index inbox_lane on delivery.inbox (lane, id) where state = 'received' and lane is not null;
create index inbox_by_age on delivery.inbox (received_at);

-- People who refused our messages: their deliveries fail here with 21610, the carrier is not asked.
create table delivery.opt_out (
  account   text collate "C" not null,
  channel   text collate "C" not null,
  sender    text collate "C" not null,
  recipient text collate "C" not null,
  at        timestamptz not null default now(),
  primary key (account, channel, sender, recipient)
);

-- Senders an account owns at real carriers. As long as it has none on a channel, every proxy address there belongs to the
-- built-in simulator.
create table delivery.sender (
  account         text collate "C" not null references registry.account (sid),
  channel         text collate "C" not null,
  address         text collate "C" not null,
  carrier         text collate "C" not null,
  -- The account at the carrier, as its webhooks name it.
  carrier_account text collate "C" not null,
  -- JSON, sealed with PARLEY_KEK.
  credentials     bytea not null,
  created_at      timestamptz not null default now(),
  primary key (account, channel, address)
);
create index sender_by_carrier_account on delivery.sender (carrier_account, address);

-- Which carrier has this sender of ours; null: the account has senders on the channel, and this is none of them.
create function delivery.carrier_of(p_account text, p_channel text, p_address text) returns text language sql stable
return coalesce(
  (select carrier from delivery.sender s where (s.account, s.channel, s.address) = (p_account, p_channel, p_address)),
  (select 'simulator' where not exists (select 1 from delivery.sender s where (s.account, s.channel) = (p_account, p_channel))));

-- Whether a participant may be reached through this proxy address (API error 50413 when not).
create function delivery.may_use_proxy(p_account text, p_channel text, p_address text) returns boolean language sql stable
return delivery.carrier_of(p_account, p_channel, p_address) is not null;
