-- Long texts that go as several messages of one delivery.
create table delivery.text_part (
  -- What the carrier is given instead of the delivery's SID, so that no two parts are ever taken for the same send.
  reference   text collate "C" primary key,
  delivery_id text collate "C" not null references delivery.delivery on delete cascade,
  place       smallint not null,
  body        text not null,
  -- A carrier has it.
  taken       boolean not null default false
);
create index text_part_of_delivery on delivery.text_part (delivery_id, place);
-- Parts no carrier has taken yet; null: the text goes in one.
alter table delivery.delivery add column parts_left smallint;
