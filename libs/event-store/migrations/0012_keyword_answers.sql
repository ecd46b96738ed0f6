-- What is sent outside any conversation (answers to STOP, START and HELP) has its text with it; conversation and message are
-- empty then. Null: the text is the message's.
alter table delivery.delivery add column body text;
