-- Messenger reports what was read by a moment: all that one person was sent until then and is not known to have read.
create index delivery_until_read on delivery.delivery (account, sender, recipient)
  where channel = 'messenger' and state in ('accepted', 'sent', 'delivered');
