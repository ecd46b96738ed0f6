-- A delivery's deadline does not count quiet hours, its own or those of who is ahead of it in its lane: how much of the time it has waited was
-- quiet is asked when the deadline has passed, so the hours that were in force are kept for as long as anything may wait.

alter table delivery.delivery
  -- Since when its deadline runs; null: since it was created.
  add column deadline_since timestamptz,
  -- Why it is put off: `quiet_hours` or `daily_cap`; null: for another reason, or not at all.
  add column waits_for text collate "C";
-- Only heads of lanes are put off.
create index delivery_waiting on delivery.delivery (account, waits_for, delivery_id) where waits_for is not null;

create table delivery.quiet_hours_past (
  account          text collate "C" not null,
  -- Empty: those of the account.
  conversation_sid text collate "C" not null,
  -- In force until then, since the row before; null: the policy had none, or there was no policy.
  quiet_hours      jsonb,
  until            timestamptz not null default now(),
  primary key (account, conversation_sid, until)
);

create index quiet_hours_past_by_age on delivery.quiet_hours_past (until);

create function delivery.note_quiet_hours() returns trigger language plpgsql as $$
declare
  former jsonb := case when tg_op <> 'INSERT' then old.policy->'quiet_hours' end;
  present jsonb := case when tg_op <> 'DELETE' then new.policy->'quiet_hours' end;
  policy delivery.routing_policy := case when tg_op = 'DELETE' then old else new end;
begin
  if former is distinct from present then
    -- Twice in one transaction: what was in force before it.
    insert into delivery.quiet_hours_past (account, conversation_sid, quiet_hours)
    values (policy.account, policy.conversation_sid, former) on conflict do nothing;
  end if;
  return null;
end $$;
create trigger note_quiet_hours after insert or update or delete on delivery.routing_policy
  for each row execute function delivery.note_quiet_hours();
