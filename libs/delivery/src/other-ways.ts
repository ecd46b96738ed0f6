/**
 * A delivery that goes on another way: columns of `delivery.delivery` after the move, for the statements that settle an attempt
 * and that apply a report. Moving and what caused it are one statement: nobody dies in between.
 */

/**
 * `rested`: a part of a long text is over, and the next has attempts of its own.
 * Of a row `d`; `leg` and `legs` are JSON, the way it takes and those that are left after it. `leg` null: it stays where it is. `ids`: further ids of
 * the way it leaves.
 */
export const wayColumns = (leg: string, legs: string, ids = "'{}'::text[]", rested = 'false'): string => {
  const moved = (yes: string, no: string) => `case when ${leg} is null then ${no} else ${yes} end`;
  return `
       legs = coalesce(${legs}, d.legs), leg = ${moved('d.leg + 1', 'd.leg')}, template = ${moved(`${leg}->>'template'`, 'd.template')},
       channel = coalesce(${leg}->>'channel', d.channel), sender = coalesce(${leg}->>'sender', d.sender), recipient = coalesce(${leg}->>'recipient', d.recipient),
       place = case when (${leg}->>'channel', ${leg}->>'sender', ${leg}->>'recipient') is distinct from (d.channel, d.sender, d.recipient) and ${leg} is not null
                    then nextval(pg_get_serial_sequence('delivery.delivery', 'place')) else d.place end,
       deadline = ${moved(FRESH_DEADLINE, 'd.deadline')}, deadline_since = ${moved('now()', 'd.deadline_since')},
       attempts_before = case when ${leg} is not null or ${rested} then d.attempt else d.attempts_before end,
       former_ids = ${moved(`coalesce(d.former_ids, '{}') || d.provider_message_ids || ${ids}`, 'd.former_ids')}`;
};

/** The time it had, once more: the way it took before has used it up. */
const FRESH_DEADLINE = "now() + least(d.deadline - coalesce(d.deadline_since, d.created_at), interval '1 day')";

/** Lateral: the next way of a row `d` after a failure with this code, and those that are left after it; no row: none. */
export const nextWay = (errorCode: string): string => `
  select w.leg, (select coalesce(jsonb_agg(r.leg order by r.o), '[]') from jsonb_array_elements(d.legs) with ordinality r (leg, o) where r.o > w.o) as legs
    from jsonb_array_elements(d.legs) with ordinality w (leg, o) where w.leg->'codes' @> to_jsonb(${errorCode}) order by w.o limit 1`;
