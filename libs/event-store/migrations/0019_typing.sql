-- When a person was last shown that somebody writes to them: not again for some seconds, whichever instance is told.
alter table delivery.reply_window add column typing_shown_at timestamptz;
