-- Deleted services that are being emptied: a row stays until nothing of the service is left and nothing can come any more.
create table registry.deleted_service (
  sid        text collate "C" primary key,
  account    text collate "C" not null,
  deleted_at timestamptz not null
);
