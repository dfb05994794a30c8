-- 0007_costs.sql - what shares of costs are made of.

SET LOCAL ROLE hub_owner;

-- For models with a meter of their own: what was counted of each day. An event
-- without units counts nowhere. Roll-ups cannot say this, since kibibytes
-- round up in each event; whoever weighs these columns must compare units with
-- report.usage_day, which stays when events are pruned.
CREATE VIEW report.metered_day AS
SELECT service_day AS day, class, consumer, provider, count(*) AS accesses,
    sum(entities)::bigint AS entities,
    sum(bytes_out / 1024 + (bytes_out % 1024 <> 0)::int)::bigint AS kib,
    sum(units)::bigint AS units
FROM ledger.event WHERE units > 0
GROUP BY service_day, class, consumer, provider;

GRANT SELECT ON report.metered_day TO finance_ro;
