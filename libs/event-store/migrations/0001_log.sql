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

-- One call, one transaction, up to 100 groups over any shards. A group is what one batch holds for one stream: facts decided
-- on top of each other, accepted all or none. Answers one letter per group: (o)k, (c)onflict, (d)uplicate; the first position
-- of each accepted group; for duplicates the stored "hash result".
-- Arrays are read by subscript: plpgsql keeps them deconstructed, while unnest of many arrays costs a tuplestore each
-- (measured: 465 us of CPU per call with unnest). An array that would hold only nulls is null itself.
-- Writers set enable_seqscan=off and plan_cache_mode=force_generic_plan on their connections: stale statistics cost seconds.
create function log.append(
  -- The shards in ascending order, the epochs the writer knows, the time of the facts.
  p_shards smallint[], p_epochs bigint[], p_at timestamptz,
  -- Groups. g_at: the place of the group's shard in p_shards. g_key_id: the conversation, null outside conversations.
  g_at integer[], g_shard smallint[], g_stream text[], g_account text[], g_key_id text[], g_expected integer[], g_n integer[],
  g_next_index integer[], g_key text[], g_hash text[], g_result text[], g_ttl_seconds integer[],
  -- Facts. e_group: their group; e_ordinal: from 0 within it.
  e_group integer[], e_ordinal integer[], e_type text[], e_schema_version smallint[], e_id uuid[], e_cause text[], e_data bytea[],
  -- Read models (model.apply).
  m_group integer[], m_index integer[], m_sid text[], m_author text[], m_participant_sid text[], m_body text[],
  m_attributes text[], m_media text[], m_content_sid text[], m_subject text[], m_recipients smallint[], m_source text[],
  m_created_at timestamptz[], m_updated_at timestamptz[],
  a_group integer[], a_at timestamptz[],
  x_group integer[], x_effect text[], x_row text[],
  out status text, out positions bigint[], out stored text[]
) language plpgsql as $$
declare
  v_heads bigint[];
  v_epochs bigint[];
  v_versions integer[];
  v_ok boolean[] := '{}';
begin
  -- (1) The shards' heads, in ascending order so that two appends never wait for each other crosswise. Lock order =
  -- position order = commit order = visibility order.
  select array_agg(l.head order by l.shard), array_agg(l.epoch order by l.shard) into v_heads, v_epochs
    from (select shard, head, epoch from log.shard where shard = any (p_shards) order by shard for update) l;
  if v_epochs is distinct from p_epochs then
    raise exception 'fenced: the epochs of the shards are %, the writer knows %', v_epochs, p_epochs using errcode = 'PY001';
  end if;

  -- (2) Judge each group, and place the accepted ones after the heads.
  if g_key is null then
    select array_agg(coalesce(s.version, 0) order by i) into v_versions
      from generate_subscripts(g_at, 1) i
      left join lateral (select t.version from log.stream t where t.shard = g_shard[i] and t.stream = g_stream[i]) s on true;
  else
    select array_agg(coalesce(s.version, 0) order by i), array_agg(d.hash || ' ' || d.result order by i) into v_versions, stored
      from generate_subscripts(g_at, 1) i
      left join lateral (select t.version from log.stream t where t.shard = g_shard[i] and t.stream = g_stream[i]) s on true
      left join lateral (select t.hash, t.result from log.command t where t.account = g_account[i] and t.key = g_key[i]) d on true;
  end if;
  status := '';
  -- Of full length from the start: an array that begins with its second element is read by clients as if it were the first.
  positions := array_fill(null::bigint, array[array_length(g_at, 1)]);
  for i in 1 .. array_length(g_at, 1) loop
    if stored[i] is not null then status := status || 'd';
    elsif v_versions[i] <> g_expected[i] then status := status || 'c';
    else
      status := status || 'o';
      positions[i] := v_heads[g_at[i]] + 1;
      v_heads[g_at[i]] := v_heads[g_at[i]] + g_n[i];
      v_ok[i] := true;
    end if;
  end loop;
  if array_length(v_ok, 1) is null then return; end if;

  update log.shard s set head = v_heads[k] from generate_subscripts(p_shards, 1) k where s.shard = p_shards[k];

  -- (3) The facts, their streams and their idempotency keys.
  insert into log.event (shard, position, stream, version, account, type, schema_version, event_id, recorded_at, cause, key_id, data)
  select g_shard[g], positions[g] + e_ordinal[i], g_stream[g], g_expected[g] + 1 + e_ordinal[i], g_account[g], e_type[i],
         e_schema_version[i], e_id[i], p_at, e_cause[i], g_key_id[g], e_data[i]
    from generate_subscripts(e_group, 1) i, lateral (select e_group[i] as g) x
   where v_ok[g];

  insert into log.stream as t (shard, stream, account, version, next_index)
  select g_shard[i], g_stream[i], g_account[i], g_expected[i] + g_n[i], coalesce(g_next_index[i], 0)
    from generate_subscripts(g_at, 1) i where v_ok[i]
  on conflict (shard, stream) do update
    set version = excluded.version, next_index = greatest(t.next_index, excluded.next_index);

  if g_key is not null then
    insert into log.command (account, key, hash, result, at, expires_at)
    select g_account[i], g_key[i], g_hash[i], g_result[i], p_at, p_at + make_interval(secs => g_ttl_seconds[i])
      from generate_subscripts(g_at, 1) i where v_ok[i] and g_key[i] is not null;
  end if;

  -- (4) What the API must read back at once, in the same transaction.
  perform model.apply(v_ok, g_key_id,
    m_group, m_index, m_sid, m_author, m_participant_sid, m_body, m_attributes, m_media, m_content_sid, m_subject, m_recipients,
    m_source, m_created_at, m_updated_at, a_group, a_at, x_group, x_effect, x_row);
end $$;
