-- 0020_costs.sql - what is posted as bookkeeping takes it, and how long answers
-- took (ledger.md section 8, KLR/NKF and R1).

SET LOCAL ROLE hub_owner;

-- A row for each member of an entry: all components together, as one amount is
-- claimed. Cost centre, cost unit and account are those in the run's doc, so a
-- reversal names the ones of what it reverses; vouchers are those of the items
-- that the run shared.
CREATE VIEW report.booking AS
SELECT j.entry_id, row_number() OVER (PARTITION BY j.entry_id
	ORDER BY m.ags COLLATE "C") AS line_no,
    j.type, j.booked_period, j.service_from, j.service_to, j.cost, r.title,
    nullif(r.doc::json->'booking'->>'cost_centre', '') AS cost_centre,
    nullif(r.doc::json->'booking'->>'cost_unit', '') AS cost_unit,
    nullif(r.doc::json->'booking'->>'account', '') AS account,
    m.ags, m.name, m.cents AS amount_cents, r.tax, r.tax_rate,
    (SELECT string_agg(i.item->>'voucher', ', ' ORDER BY i.n)
	FROM json_array_elements(r.doc::json->'items')
	    WITH ORDINALITY i(item, n)
	WHERE i.item->>'voucher' <> '' AND (i.item->>'cents')::bigint <> 0)
	AS vouchers,
    j.reverses, j.reason, r.run_id, j.posted_at
FROM ledger.journal j JOIN ledger.allocation_run r USING (run_id)
CROSS JOIN LATERAL (SELECT l.ags, max(l.name) AS name,
	sum(l.amount_cents)::bigint AS cents
    FROM ledger.journal_line l
    WHERE l.entry_id = j.entry_id AND l.account = 'share'
    GROUP BY l.ags HAVING sum(l.amount_cents) <> 0) m;

-- So many percent of the requests were answered within this time, as far as a
-- histogram of 0003_ledger.sql tells: '<= 50 ms'. NULL: there are none.
CREATE FUNCTION report.latency(hist bigint[], percent int) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce('<= ' || (ARRAY[5, 10, 25, 50, 100, 250, 500, 1000,
	    2500])[b.i] || ' ms', '> 2500 ms')
	FROM (SELECT u.i, sum(u.n) OVER (ORDER BY u.i) AS upto,
		sum(u.n) OVER () AS total
	    FROM unnest(hist) WITH ORDINALITY u(n, i)) b
	WHERE b.total > 0 AND b.upto * 100 >= b.total * percent
	ORDER BY b.i LIMIT 1
$$;

-- ---- rights

REVOKE ALL ON FUNCTION report.latency(bigint[], int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION report.latency(bigint[], int) TO finance_ro;
GRANT SELECT ON report.booking TO finance_ro;
