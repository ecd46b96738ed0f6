-- Data keys of conversations, in a database of their own with short backups: destroying a key erases what it encrypted
-- from the log, its replicas and its backups (design, P10).
create table data_key (
  key_id     text collate "C" primary key,
  account    text collate "C" not null,
  -- AES-256-GCM under PARLEY_KEK: nonce, ciphertext, tag.
  wrapped    bytea not null,
  created_at timestamptz not null default now()
);
