-- State timers that are running: one row per conversation that has any, found by when somebody has to look at it. A message
-- writes nothing here: it moves the deadline in the conversation's own row, which is read when `due_at` comes.
create schema retention;

create sequence retention.timer_revision;
create table retention.timer (
  conversation_sid text collate "C" primary key,
  account          text collate "C" not null,
  -- Not later than the next deadline. Who looks moves it on first, so that nobody else does at the same time.
  due_at           timestamptz not null,
  -- Another one whenever a fact moved the deadline: who looked before that must not overwrite it.
  revision         bigint not null default nextval('retention.timer_revision')
) with (fillfactor = 80);
create index timer_due on retention.timer (due_at);
