-- The log: 64 shards, each with a head that hands out contiguous positions under its row lock (design, section 2).
create schema log;

-- The lock, the counter and the fence of a shard. fillfactor leaves room for in-page updates: these rows change per append.
create table log.shard (
  shard smallint primary key check (shard between 0 and 63),
  head  bigint not null default 0,
  -- Positions up to here were erased and removed: readers treat them as sparse.
  trim  bigint not null default 0,
  -- Raised after a restore or a move of the shard; writers with another epoch are refused.
  epoch bigint not null default 1
) with (fillfactor = 20);
insert into log.shard (shard) select generate_series(0, 63);

create table log.stream (
  shard      smallint not null,
  stream     text collate "C" not null,
  account    text collate "C" not null,
  version    integer not null,
  -- Of a conversation: the index its next message gets. Kept here because an append touches this row anyway.
  next_index integer not null default 0,
  primary key (shard, stream)
) with (fillfactor = 70);

create table log.event (
  shard          smallint not null,
  position       bigint not null,
  stream         text collate "C" not null,
  version        integer not null,
  account        text collate "C" not null,
  type           text collate "C" not null,
  schema_version smallint not null,
  event_id       uuid not null,
  recorded_at    timestamptz not null,
  -- traceparent of the request that caused it
  cause          text,
  -- The conversation whose data key encrypts `data`; null: plain, the fact holds no personal data.
  key_id         text collate "C",
  -- JSON, AES-256-GCM encrypted when key_id is set; null after erasure.
  data           bytea,
  primary key (shard, position),
  unique (shard, stream, version)
);
-- Everything about one conversation in order: a client that resumes, an export, an erasure.
create index event_by_conversation on log.event (shard, key_id, position) where key_id is not null;

-- What an idempotency key did: kept 24 h (carrier message ids 35 d), then removed in small batches.
create table log.command (
  account text collate "C" not null,
  key     text collate "C" not null,
  -- SHA-256 of the request: the same key for something else is refused.
  hash    text collate "C" not null,
  -- What the command made (SIDs), never content.
  result  text not null,
  at      timestamptz not null,
  expires_at timestamptz not null,
  primary key (account, key)
);
create index command_by_expiry on log.command (expires_at);

create table log.checkpoint (
  consumer text collate "C" not null,
  shard    smallint not null,
  position bigint not null,
  primary key (consumer, shard)
) with (fillfactor = 20);

-- Conversations a consumer could not handle: their later events wait here in order, nobody else's do.
create table log.parked (
  consumer     text collate "C" not null,
  shard        smallint not null,
  position     bigint not null,
  conversation text collate "C" not null,
  error        text not null,
  attempts     integer not null default 0,
  next_at      timestamptz not null,
  primary key (consumer, shard, position)
);
create index parked_by_conversation on log.parked (consumer, conversation, position);

-- Who works on what, by the database's clock. For speed only: correctness is the checkpoint's compare-and-set.
create table log.lease (
  name       text collate "C" primary key,
  owner      text collate "C" not null,
  expires_at timestamptz not null
) with (fillfactor = 20);

-- One call, one transaction, up to 100 commands over any shards. Answers one letter per command: (o)k, (c)onflict,
-- (d)uplicate; the first position of each accepted command; for duplicates the stored "hash result".
-- Several commands of one stream are accepted all or none: later ones were decided on top of earlier ones.
create function log.append(
  p_shards smallint[], p_counts integer[], p_epochs bigint[], p_at timestamptz,
  c_shard smallint[], c_stream text[], c_account text[], c_expected integer[], c_n integer[], c_next_index integer[],
  c_key text[], c_hash text[], c_result text[], c_ttl_seconds integer[],
  e_command integer[], e_ordinal integer[], e_shard smallint[], e_stream text[], e_account text[], e_type text[],
  e_schema_version smallint[], e_id uuid[], e_cause text[], e_key_id text[], e_data bytea[],
  m_command integer[], m_conversation_sid text[], m_index integer[], m_sid text[], m_author text[],
  m_participant_sid text[], m_body text[], m_attributes text[], m_media text[], m_content_sid text[], m_subject text[],
  m_recipients smallint[], m_source text[], m_created_at timestamptz[], m_updated_at timestamptz[],
  a_command integer[], a_conversation_sid text[], a_at timestamptz[],
  x_command integer[], x_effect text[], x_row text[],
  out status text, out positions bigint[], out stored text[]
) language plpgsql
set plan_cache_mode = 'force_generic_plan' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
declare
  v_epochs bigint[];
  v_heads bigint[] := array_fill(null::bigint, array[64]);
  v_ok boolean[];
  v_first bigint[];
  v_version integer[];
begin
  -- (1) The shards' heads, in ascending order so that two appends never wait for each other crosswise. Lock order =
  -- position order = commit order = visibility order.
  select array_agg(l.epoch order by l.shard) into v_epochs
    from (select shard, epoch from log.shard where shard = any (p_shards) order by shard for update) l;
  if v_epochs is distinct from p_epochs then
    raise exception 'fenced: the shards'' epochs are %, the writer knows %', v_epochs, p_epochs using errcode = 'PY001';
  end if;

  -- (2) Judge each command, and place the accepted ones after the heads.
  with c as (
    select u.*, s.version as stream_version, d.hash || ' ' || d.result as earlier,
           (sum(u.n) over (partition by u.shard, u.stream order by u.o) - u.n)::integer as prior,
           u.key is not null and row_number() over (partition by u.account, u.key order by u.o) > 1 as twice
      from unnest(c_shard, c_stream, c_account, c_expected, c_n, c_key) with ordinality u (shard, stream, account, expected, n, key, o)
      left join lateral (select t.version from log.stream t where t.shard = u.shard and t.stream = u.stream) s on true
      left join lateral (select t.hash, t.result from log.command t where t.account = u.account and t.key = u.key) d on true
  ), judged as (
    select c.*, coalesce(c.stream_version, 0) + c.prior as base,
           bool_and(c.expected = coalesce(c.stream_version, 0) + c.prior and c.earlier is null and not c.twice)
             over (partition by c.shard, c.stream) as ok
      from c
  ), placed as (
    select j.*, case when j.ok then
             h.head + 1 + sum(case when j.ok then j.n else 0 end) over (partition by j.shard order by j.o) - j.n end as first
      from judged j join log.shard h on h.shard = j.shard
  )
  select string_agg(case when earlier is not null then 'd' when ok then 'o' else 'c' end, '' order by o),
         array_agg(ok order by o), array_agg(first::bigint order by o), array_agg(base order by o),
         array_agg(earlier order by o)
    into status, v_ok, v_first, v_version, stored
    from placed;

  update log.shard s set head = s.head + t.n
    from (select shard, sum(n) as n from unnest(c_shard, c_n, v_ok) u (shard, n, ok) where ok group by shard) t
   where s.shard = t.shard;

  -- (3) The facts, their streams and their idempotency keys.
  insert into log.event (shard, position, stream, version, account, type, schema_version, event_id, recorded_at, cause, key_id, data)
  select e.shard, v_first[e.c] + e.g, e.stream, v_version[e.c] + 1 + e.g, e.account, e.type, e.sv, e.id, p_at, e.cause, e.key_id, e.data
    from unnest(e_command, e_ordinal, e_shard, e_stream, e_account, e_type, e_schema_version, e_id, e_cause, e_key_id, e_data)
         e (c, g, shard, stream, account, type, sv, id, cause, key_id, data)
   where v_ok[e.c];

  insert into log.stream as t (shard, stream, account, version, next_index)
  select shard, stream, min(account), max(version + n), coalesce(max(next_index), 0)
    from unnest(c_shard, c_stream, c_account, v_version, c_n, c_next_index, v_ok) u (shard, stream, account, version, n, next_index, ok)
   where ok group by shard, stream
  on conflict (shard, stream) do update
    set version = excluded.version, next_index = greatest(t.next_index, excluded.next_index);

  if array_length(array_remove(c_key, null), 1) > 0 then
    insert into log.command (account, key, hash, result, at, expires_at)
    select account, key, hash, result, p_at, p_at + make_interval(secs => ttl)
      from unnest(c_account, c_key, c_hash, c_result, c_ttl_seconds, v_ok) u (account, key, hash, result, ttl, ok)
     where ok and key is not null;
  end if;

  -- (4) What the API must read back at once, in the same transaction.
  perform model.apply(v_ok,
    m_command, m_conversation_sid, m_index, m_sid, m_author, m_participant_sid, m_body, m_attributes, m_media, m_content_sid,
    m_subject, m_recipients, m_source, m_created_at, m_updated_at,
    a_command, a_conversation_sid, a_at, x_command, x_effect, x_row);
  positions := v_first;
end $$;
