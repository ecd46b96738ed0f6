-- Subaccounts, auth tokens that rotate, restricted API keys. What only is compared is stored as a hash (secrets of restricted
-- keys); what signs or verifies must be had back and is sealed with PARLEY_KEK: auth tokens sign webhooks, secrets of
-- standard keys verify access tokens.
alter table registry.account
  -- The account that owns it; null: a top account. Never deeper than that.
  add parent text collate "C" references registry.account (sid),
  -- What was set. `status` is what holds: the worse one of it and the owner's.
  add own_status text not null default 'active' check (own_status in ('active', 'suspended', 'closed')),
  -- Valid beside the first one until it is promoted or removed.
  add secondary_auth_token bytea,
  add secondary_created_at timestamptz,
  add updated_at timestamptz not null default now(),
  add check ((secondary_auth_token is null) = (secondary_created_at is null));
update registry.account set own_status = status, updated_at = created_at;
create index account_by_parent on registry.account (parent, sid) where parent is not null;

alter table registry.api_key
  alter friendly_name drop not null,
  alter secret drop not null,
  add kind text not null default 'standard' check (kind in ('standard', 'restricted')),
  -- SHA-256: the secret is 190 random bits, so nothing slower is needed.
  add secret_hash bytea,
  -- {"allow": [permission …]} of a restricted key.
  add policy jsonb,
  add updated_at timestamptz not null default now(),
  add check (case kind when 'standard' then secret is not null and secret_hash is null and policy is null
                       else secret is null and secret_hash is not null and policy is not null end);
update registry.api_key set updated_at = created_at;
create index api_key_by_account on registry.api_key (account, sid);

-- Sets what an account is and what follows for it and its subaccounts. False: it is closed, which is final.
create function registry.set_status(p_sid text, p_status text) returns boolean language plpgsql as $$
begin
  perform 1 from registry.account where sid = p_sid and (own_status <> 'closed' or p_status = 'closed') for update;
  if not found then return false; end if;
  update registry.account set own_status = p_status, updated_at = now() where sid = p_sid;
  update registry.account a
     set status = case when 'closed' in (a.own_status, p.own_status) then 'closed'
                       when 'suspended' in (a.own_status, p.own_status) then 'suspended' else 'active' end
    from registry.account b left join registry.account p on p.sid = b.parent
   where b.sid = a.sid and (a.sid = p_sid or a.parent = p_sid);
  return true;
end $$;
