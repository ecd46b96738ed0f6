-- Files on their way here: found account by account, so that nobody's backlog is read through to find somebody else's.
create index media_fetching_by_account on media.media ((source->>'channel'), account, due_at) where state = 'fetching' and message_sid is not null;
