-- Whether a connection may lead into private networks: made by the operator, or where accounts may name such addresses. What
-- there is names no hosts yet, so it loses nothing.
alter table delivery.connection add column private_allowed boolean not null default false;
