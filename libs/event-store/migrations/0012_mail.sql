-- The mails of conversations, ours and theirs: an answer finds its conversation by the mail it names, and ours continue the
-- thread the recipient knows. Message ids and subjects only; gone with their message or conversation.
create table delivery.mail (
  account          text collate "C" not null,
  conversation_sid text collate "C" not null,
  message_index    integer not null,
  -- The person at the other end.
  address          text not null,
  message_id       text collate "C" not null,
  -- The mails before it in the thread, oldest first, bounded.
  thread           text[] not null,
  subject          text,
  primary key (conversation_sid, address, message_index, message_id)
);
create index mail_by_id on delivery.mail (account, message_id);
