-- What our numbers are told of messages to a group that has several of them: one report of each message is taken. `message`: the reference of
-- the first report of the same one. `waiting`: the message as it was told, until `due_at`, in case the number that is listened to stays silent.
create table delivery.group_report (
  id          bigint generated always as identity primary key,
  account     text collate "C" not null,
  reference   text collate "C" not null,
  numbers     text collate "C" not null,
  author      text collate "C" not null,
  number      text collate "C" not null,
  digest      text collate "C" not null,
  message     text collate "C" not null,
  taken       boolean not null default false,
  waiting     jsonb,
  due_at      timestamptz,
  attempts    integer not null default 0,
  reported_at timestamptz not null default now(),
  unique (account, reference)
);
create index group_report_of_author on delivery.group_report (account, numbers, author, id);
create index group_report_due on delivery.group_report (account, numbers, number, id) where due_at is not null;
create index group_report_by_age on delivery.group_report (reported_at);
