-- A delivery that was claimed just before a change of quiet hours or of a cap is put off by what held before: whoever puts it off asks whether that
-- still holds, and a change is not over before those who asked are.

-- To be called in a transaction that changes what deliveries of the account are put off by, before it ends.
create function delivery.changes_waits(p_account text) returns void language sql volatile as $$
  select pg_advisory_xact_lock(hashtextextended(p_account, 25))
$$;

-- Whether they are put off for the reason they were: the hours of the policy, or the sender's cap. Volatile, so what was committed while it waited is seen.
create function delivery.still_waits(p_account text, p_conversation text, p_channel text, p_sender text, p_waits_for text, p_by jsonb)
returns boolean language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended(p_account, 25));
  if p_waits_for = 'quiet_hours' then
    return delivery.policy_of(p_account, p_conversation)->'quiet_hours' is not distinct from p_by;
  end if;
  return (select to_jsonb(s.daily_cap) from delivery.sender s where s.account = p_account and s.channel = p_channel and s.address = p_sender)
    is not distinct from p_by;
end $$;

-- Put off before 0023: nobody would find them when what they wait for changes. They are decided anew, which says why they wait.
update delivery.delivery set due_at = now()
 where state = 'queued' and waits_for is null and error_code = 0 and due_at > now() + interval '1 minute';
