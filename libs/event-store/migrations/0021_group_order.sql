-- What a group is still to get from a sender, in order, whichever phone's lane it is in.
create index delivery_of_group on delivery.delivery (conversation_sid, sender, place)
  where group_members is not null and state in ('queued', 'sending', 'unknown');
