-- Channels for real: connections to carriers, the senders that use them, services that pool senders, pieces of long
-- messages and what carriers say of each. Tables are for ever read by older and newer code: columns are only added.

-- One account's access to one carrier.
create table delivery.connection (
  sid             text collate "C" primary key,
  account         text collate "C" not null references registry.account (sid),
  carrier         text collate "C" not null,
  friendly_name   text,
  -- The account at the carrier, where its webhooks name it (Twilio) instead of the connection.
  carrier_account text collate "C",
  -- JSON, sealed with PARLEY_KEK.
  credentials     bytea not null,
  settings        jsonb not null default '{}',
  -- Counts changes: whoever has opened an earlier version opens it again.
  version         integer not null default 1,
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now()
);
create index connection_by_account on delivery.connection (account, sid);
create index connection_by_carrier on delivery.connection (carrier, sid);

-- Each sender of before had credentials of its own: they become its connection.
alter table delivery.sender add column sid text collate "C", add column connection text collate "C",
  -- Messages a second; null: as the carrier's definition says.
  add column rate double precision check (rate > 0),
  -- Sends of a day (UTC) at most; null: as many as there are.
  add column daily_cap integer check (daily_cap > 0),
  -- What it can beyond text (media, group); null: what its channel can.
  add column capabilities text[],
  -- Opt-out answers, quiet hours, regions: libs/delivery/src/sender-policy.ts.
  add column policy jsonb not null default '{}',
  add column updated_at timestamptz not null default now();
update delivery.sender set
  sid = 'XE' || md5('sender ' || account || ' ' || channel || ' ' || address),
  connection = 'CX' || md5('connection ' || account || ' ' || channel || ' ' || address);
insert into delivery.connection (sid, account, carrier, friendly_name, carrier_account, credentials, created_at)
  select connection, account, carrier, address, carrier_account, credentials, created_at from delivery.sender;

drop function delivery.may_use_proxy(text, text, text);
drop function delivery.carrier_of(text, text, text);
alter table delivery.sender alter column sid set not null, alter column connection set not null,
  add constraint sender_connection foreign key (connection) references delivery.connection (sid),
  drop column carrier, drop column carrier_account, drop column credentials;
create unique index sender_by_sid on delivery.sender (sid);
create index sender_by_connection on delivery.sender (connection);
create index sender_by_account on delivery.sender (account, sid);
create index connection_by_carrier_account on delivery.connection (carrier_account) where carrier_account is not null;

-- Bodies are text, so that tables may change under them.
-- Which carrier has this sender of ours; null: the account has senders on the channel, and this is none of them.
create function delivery.carrier_of(p_account text, p_channel text, p_address text) returns text language sql stable as $$
  select coalesce(
    (select c.carrier from delivery.sender s join delivery.connection c on c.sid = s.connection
      where (s.account, s.channel, s.address) = (p_account, p_channel, p_address)),
    (select 'simulator' where not exists (select 1 from delivery.sender s where (s.account, s.channel) = (p_account, p_channel))))
$$;
-- Whether a participant may be reached through this proxy address (API error 50413 when not).
create function delivery.may_use_proxy(p_account text, p_channel text, p_address text) returns boolean language sql stable as $$
  select delivery.carrier_of(p_account, p_channel, p_address) is not null
$$;

-- A pool of senders under one name.
create table delivery.messaging_service (
  sid           text collate "C" primary key,
  account       text collate "C" not null references registry.account (sid),
  friendly_name text not null,
  -- A recipient keeps the sender that was chosen first.
  sticky        boolean not null default true,
  policy        jsonb not null default '{}',
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now()
);
create index messaging_service_by_account on delivery.messaging_service (account, sid);
create table delivery.messaging_service_sender (
  service text collate "C" not null references delivery.messaging_service (sid) on delete cascade,
  sender  text collate "C" not null references delivery.sender (sid) on delete cascade,
  -- The order in which senders stand in for each other.
  place   integer not null,
  added_at timestamptz not null default now(),
  primary key (service, sender)
);
create index messaging_service_of_sender on delivery.messaging_service_sender (sender);
-- Which senders of the pool a recipient was given; the newest is the one that is kept to.
create table delivery.sticky_sender (
  service    text collate "C" not null references delivery.messaging_service (sid) on delete cascade,
  channel    text collate "C" not null,
  recipient  text collate "C" not null,
  sender     text collate "C" not null references delivery.sender (sid) on delete cascade,
  updated_at timestamptz not null default now(),
  primary key (service, channel, recipient, sender)
);
create index sticky_sender_of on delivery.sticky_sender (sender, recipient);
-- Sends of one sender on one day (UTC), where it has a daily cap.
create table delivery.sender_day (
  sender text collate "C" not null references delivery.sender (sid) on delete cascade,
  day    date not null,
  sent   integer not null default 0,
  primary key (sender, day)
);

-- Who came by a service may be written to from the other senders of its pool: those that failed for this delivery.
alter table delivery.delivery add column tried text[];

-- Carriers that cut a long message give every piece an id of its own; a delivery with one id has no rows here.
create table delivery.segment (
  account             text collate "C" not null,
  provider_message_id text collate "C" not null,
  delivery_id         text collate "C" not null references delivery.delivery on delete cascade,
  state               text collate "C" not null default 'accepted',
  error_code          integer not null default 0,
  primary key (account, provider_message_id)
);
create index segment_of_delivery on delivery.segment (delivery_id);

-- Pieces of long messages that came in, until the last one is here.
create table delivery.part (
  id          bigint generated always as identity primary key,
  account     text collate "C" not null,
  carrier     text collate "C" not null,
  -- Sender, recipient, reference, number of pieces: which message it belongs to.
  message     text collate "C" not null,
  number      smallint not null,
  event       jsonb not null,
  received_at timestamptz not null default now(),
  joined      boolean not null default false
);
create unique index part_open on delivery.part (account, carrier, message, number) where not joined;
create index part_of_message on delivery.part (account, carrier, message);
create index part_by_age on delivery.part (received_at);

-- Where a refusal came from: the person's own keyword, the API, a bounce, a complaint, the carrier.
alter table delivery.opt_out add column sid text collate "C", add column reason text collate "C" not null default 'keyword';
update delivery.opt_out set sid = 'XO' || md5(account || ' ' || channel || ' ' || sender || ' ' || recipient);
alter table delivery.opt_out alter column sid set not null,
  alter column sid set default 'XO' || replace(gen_random_uuid()::text, '-', '');
create unique index opt_out_by_sid on delivery.opt_out (account, sid);
