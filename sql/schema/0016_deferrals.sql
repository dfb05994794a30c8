-- 0016_deferrals.sql - corrections too small to be posted one by one (ledger.md
-- section 4, "Late event"): where no member's share differs by as much as the
-- cost's correct-from, the difference waits for the year's end. It is never
-- dropped: whatever is calculated next for those days is measured against what
-- is posted, and so has it inside. ledger.correct asks whether to wait, and
-- ledger.period_close of a December wants what waited (0013_period.sql).

SET LOCAL ROLE hub_owner;

-- A correction (ledger.allocation_run) that was calculated and not posted.
CREATE TABLE ledger.deferral (
	run_id		bigint PRIMARY KEY REFERENCES ledger.allocation_run,
	below_cents	bigint NOT NULL CHECK (below_cents > 0),
	reason		ledger.reason NOT NULL
);
CREATE TABLE ledger.deferral_line (
	run_id		bigint NOT NULL REFERENCES ledger.deferral,
	ags		text NOT NULL,
	name		text NOT NULL,
	cents		bigint NOT NULL CHECK (cents <> 0),
	PRIMARY KEY (run_id, ags)
);

DO $$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY ARRAY['deferral', 'deferral_line'] LOOP
		EXECUTE format('CREATE TRIGGER immutable BEFORE UPDATE OR '
		    'DELETE OR TRUNCATE ON ledger.%I FOR EACH STATEMENT '
		    'EXECUTE FUNCTION hub.refuse_change()', t);
		EXECUTE format('CREATE TRIGGER made BEFORE INSERT ON ledger.%I '
		    'FOR EACH ROW EXECUTE FUNCTION ledger.refuse_more()', t);
		EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER '
		    'immutable', t);
		EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER '
		    'made', t);
	END LOOP;
END
$$;

-- Deferrals, and which later calculation for these days took them up: NULL,
-- they wait.
CREATE VIEW report.deferral AS
SELECT d.run_id, r.supersedes, r.cost, r.title, r.period_from, r.period_to,
    CASE WHEN r.period_to < r.period_from + 31
	THEN to_char(r.period_from, 'YYYY-MM')
	ELSE to_char(r.period_from, 'YYYY') END AS service,
    d.below_cents, d.reason, r.tenant, r.person, r.made_at,
    l.ags, l.name, l.cents,
    (SELECT min(n.run_id) FROM ledger.allocation_run n
	WHERE n.cost = r.cost AND n.run_id > r.run_id
	AND n.kind IN ('year', 'correction')
	AND n.period_from <= r.period_from AND n.period_to >= r.period_to)
	AS taken_up_by
FROM ledger.deferral d JOIN ledger.allocation_run r USING (run_id)
LEFT JOIN ledger.deferral_line l USING (run_id); -- components alone may differ

-- Whether a correction waits; then it is noted.
CREATE FUNCTION ledger.defer(a_run bigint, a_below bigint, a_reason text)
RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	n int;
	reached boolean;
BEGIN
	SELECT count(*), bool_or(abs(m.cents) >= a_below) INTO n, reached
	    FROM (SELECT sum(d.cents) AS cents
		FROM ledger.difference(a_run) d GROUP BY d.ags) m;
	IF n = 0 OR reached THEN
		RETURN false;
	END IF;
	INSERT INTO ledger.deferral VALUES (a_run, a_below, a_reason);
	INSERT INTO ledger.deferral_line
	SELECT a_run, d.ags, max(d.name), sum(d.cents)
	FROM ledger.difference(a_run) d GROUP BY d.ags
	HAVING sum(d.cents) <> 0;
	RETURN true;
END
$$;

-- Waiting for another year is not meant.
CREATE FUNCTION ledger.refuse_waiting(a_month date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF extract(month FROM a_month) = 12 AND EXISTS (
	    SELECT FROM report.deferral WHERE taken_up_by IS NULL) THEN
		PERFORM ledger.refuse('a correction that waited is missing');
	END IF;
END
$$;

-- ---- rights

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
GRANT SELECT ON report.deferral TO finance_ro;
