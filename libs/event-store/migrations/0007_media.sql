-- Files that messages carry. The bytes are in the media storage under the SID, the message's fact names SID, size, type and
-- name; here is who uploaded a file, which message has it, and what is still to be fetched or removed. Not in the log: a file
-- can be much larger than a fact, and has to go when its message goes.
create schema media;

create table media.media (
  sid          text collate "C" primary key,
  account      text collate "C" not null,
  chat_service_sid text collate "C",
  -- The message it was sent with; null as long as there is none.
  conversation_sid text collate "C",
  message_sid  text collate "C",
  -- uploading: its bytes are on the way into the storage. fetching: a carrier has it still. failed: the carrier never gave it.
  state        text collate "C" not null check (state in ('uploading', 'stored', 'fetching', 'failed')),
  category     text collate "C" not null default 'media',
  -- Identity of the uploader, null for the account itself.
  author       text,
  size         bigint not null default 0,
  content_type text not null,
  filename     text,
  multipart    boolean not null default false,
  -- Whose message is about to have it: an idempotency key, or one made for the request. A repetition finds its own.
  claim        text,
  -- No message has it by then: removed. Null once a message has it.
  expires_at   timestamptz,
  -- Where the carrier keeps it (fetching): carrier, our sender, its address there.
  source       jsonb,
  attempts     smallint not null default 0,
  due_at       timestamptz,
  created_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now()
);
create index media_by_message on media.media (message_sid) where message_sid is not null;
create index media_by_conversation on media.media (conversation_sid, sid) where conversation_sid is not null;
create index media_expiring on media.media (expires_at) where expires_at is not null;
create index media_fetching on media.media (due_at) where state = 'fetching';

-- Bytes nobody may read any more, until the storage has removed them.
create table media.removal (
  sid      text collate "C" primary key,
  account  text collate "C" not null,
  attempts integer not null default 0,
  due_at   timestamptz not null default now()
);
create index removal_due on media.removal (due_at);
