-- WhatsApp: who a person is under all their names, until when they may be written to freely, which message of ours an id of
-- the carrier's means, and what carriers say about our own senders.

-- A person as a channel knows them: by number, by a user id of the carrier's, by what a number is written like there.
create table delivery.contact (
  id           bigint generated always as identity primary key,
  account      text collate "C" not null references registry.account (sid),
  channel      text collate "C" not null,
  username     text,
  profile_name text,
  -- Last heard of; to the day.
  seen_at      timestamptz not null default now()
);
create index contact_by_age on delivery.contact (seen_at);
create table delivery.contact_address (
  account text collate "C" not null,
  channel text collate "C" not null,
  address text collate "C" not null,
  contact bigint not null references delivery.contact on delete cascade,
  primary key (account, channel, address)
);
create index contact_address_of on delivery.contact_address (contact);

-- When a person last wrote to a sender of ours: free text may go to them for 24 hours from then.
create table delivery.reply_window (
  account   text collate "C" not null,
  channel   text collate "C" not null,
  sender    text collate "C" not null,
  recipient text collate "C" not null,
  last_inbound_at timestamptz not null,
  primary key (account, channel, sender, recipient)
);
create index reply_window_by_age on delivery.reply_window (last_inbound_at);

-- Since when all is known that a sender was written: what came before, we cannot know. And what the carrier says of it:
-- quality, limits, templates.
alter table delivery.sender add column windows_since timestamptz not null default now(), add column state jsonb not null default '{}';

-- Messages that came in, by the carrier's id: answers, reactions, corrections and read marks name them by it.
create table delivery.inbound_message (
  account             text collate "C" not null,
  provider_message_id text collate "C" not null,
  channel             text collate "C" not null,
  -- Ours, and the person's as the conversation has it.
  sender              text collate "C" not null,
  recipient           text collate "C" not null,
  conversation_sid    text collate "C" not null,
  message_sid         text collate "C" not null,
  received_at         timestamptz not null default now(),
  primary key (account, provider_message_id)
);
create index inbound_message_by_sid on delivery.inbound_message (message_sid);
create index inbound_message_by_conversation on delivery.inbound_message (conversation_sid, received_at);
create index inbound_message_by_age on delivery.inbound_message (received_at);

-- Messages of theirs that were read in the chat, to be marked as read at the carrier: the newest stands for those before it.
create table delivery.read_mark (
  account             text collate "C" not null,
  channel             text collate "C" not null,
  sender              text collate "C" not null,
  recipient           text collate "C" not null,
  provider_message_id text collate "C" not null,
  message_index       integer not null,
  attempts            smallint not null default 0,
  due_at              timestamptz not null default now(),
  primary key (account, channel, sender, recipient)
);
create index read_mark_due on delivery.read_mark (channel, due_at);
