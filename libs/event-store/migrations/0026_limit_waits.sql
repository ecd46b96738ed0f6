-- Deliveries that wait for long because of a limit on how fast their sender sends, or how fast one person is sent to, go on when it changes.

create or replace function delivery.still_waits(p_account text, p_conversation text, p_channel text, p_sender text, p_waits_for text, p_by jsonb)
returns boolean language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended(p_account, 25));
  if p_waits_for = 'quiet_hours' then
    return delivery.policy_of(p_account, p_conversation)->'quiet_hours' is not distinct from p_by;
  end if;
  return (select case p_waits_for when 'daily_cap' then to_jsonb(s.daily_cap)
                   else jsonb_build_object('rate', s.rate, 'recipient_rate', s.policy->'recipient_rate') end
            from delivery.sender s where s.account = p_account and s.channel = p_channel and s.address = p_sender)
    is not distinct from p_by;
end $$;
