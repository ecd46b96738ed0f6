-- Whether a sender's policy lets it write to an address: numbers by their beginnings, what has no number always (domain/delivery/routing.ts).
create function delivery.may_write_to(p_policy jsonb, p_address text) returns boolean language sql immutable as $$
  select p_policy->'regions' is null or number is null
      or exists (select 1 from jsonb_array_elements_text(p_policy->'regions') r (region) where starts_with(number, region))
    from (select substring(p_address from '^(?:whatsapp:|rcs:)?(\+[1-9][0-9]{6,14})$') as number) n
$$;
