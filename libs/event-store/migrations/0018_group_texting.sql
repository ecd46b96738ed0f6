-- Group texting: one message of the carrier to several phones, each with a receipt of its own. The first phone's row is sent, and names the
-- others: {"numbers": all it goes to, "phones": [{"deliveryId", "participantSid", "recipient"}]}. Their rows come when there is something to tell.
alter table delivery.delivery add column group_members jsonb;
-- The simulator's messages to groups: everybody else in it; null: in none.
alter table simulator.message add column group_numbers text[];
