-- A report is found by its message, or by its author and time: what they said all week is not read for each. What is due is looked for by account.
create index group_report_of_message on delivery.group_report (account, message);
create index group_report_at on delivery.group_report (account, numbers, author, reported_at);
drop index delivery.group_report_of_author;
create index group_report_due_of_account on delivery.group_report (account, due_at) where due_at is not null;
