-- Who may come in: accounts, their keys, and the senders they own. Configuration with secrets, therefore not in the log;
-- secrets are encrypted with the key of PARLEY_KEK, API key secrets of basic authentication hashed on top.
create schema registry;

create table registry.account (
  sid           text collate "C" primary key,
  friendly_name text not null,
  status        text not null default 'active' check (status in ('active', 'suspended', 'closed')),
  auth_token    bytea not null,
  default_chat_service_sid text collate "C" not null,
  created_at    timestamptz not null default now()
);

create table registry.api_key (
  sid         text collate "C" primary key,
  account     text collate "C" not null references registry.account (sid),
  friendly_name text not null,
  secret      bytea not null,
  created_at  timestamptz not null default now()
);

-- One row per installation: which schema of stored facts and keys it was made with.
create table registry.installation (
  only_row   boolean primary key default true check (only_row),
  -- Encrypted with PARLEY_KEK: a start with another key is refused before it can do harm.
  key_check  bytea not null,
  created_at timestamptz not null default now()
);
