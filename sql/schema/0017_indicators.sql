-- 0017_indicators.sql - what the impact indicators I1 and I2 are told from
-- (ledger.md section 8, R8): roll-ups of downloads of open data and of
-- persons, filled with the events, so that a year of events is never read.

SET LOCAL ROLE hub_owner;

-- given: legs with open data (flag 2) of answers; cut: of these, those of
-- answers that the client did not take whole. Both only rise.
CREATE TABLE ledger.download_day (
	day date NOT NULL,
	consumer text NOT NULL,
	provider text NOT NULL,
	dataset text NOT NULL,
	given bigint NOT NULL,
	cut bigint NOT NULL,
	PRIMARY KEY (day, consumer, provider, dataset)
);

-- Persons of a month, as their events call them; there for as long as these.
CREATE TABLE ledger.person_month (
	month date NOT NULL,
	consumer text NOT NULL,
	person bigint NOT NULL,
	PRIMARY KEY (month, consumer, person)
);

-- How many they were, once the events are pruned.
CREATE TABLE ledger.person_count (
	month date NOT NULL,
	consumer text NOT NULL,
	n bigint NOT NULL,
	PRIMARY KEY (month, consumer)
);

-- ---- loading

-- Legs of a request that was cut off, of its month: they were counted when it
-- began. By their key, so that no events are searched.
CREATE FUNCTION ledger.download_cut(a_month date, a_request uuid)
RETURNS void LANGUAGE sql SET search_path = ledger, pg_temp AS $$
	INSERT INTO ledger.download_day AS d
	SELECT e.service_day, e.consumer, e.provider, coalesce(t.text, ''), 0,
	    count(*)
	FROM ledger.event e LEFT JOIN ledger.dictionary t
	    ON t.node_id = e.node_id AND t.born = e.dict_born
	    AND t.id = e.dataset
	WHERE e.service_period = a_month AND e.event_id = a_request
	AND e.leg > 0 AND e.class = 'leg' AND e.flags & 2 <> 0
	AND e.decision <> 0 AND e.http_status BETWEEN 200 AND 299
	GROUP BY 1, 2, 3, 4
	ON CONFLICT (day, consumer, provider, dataset)
	DO UPDATE SET cut = d.cut + excluded.cut
$$;

-- In the transaction of a batch, after ledger.ingest_new: an array of objects
-- with day and either consumer and person, or consumer, provider, the
-- dataset's number and how many were given, or the request that was cut off.
CREATE FUNCTION ledger.indicate(a_uses json) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT FROM json_to_recordset(a_uses) AS u(given bigint)
	    WHERE u.given < 1) THEN
		RAISE EXCEPTION 'usage is only added'
		    USING ERRCODE = 'invalid_parameter_value';
	END IF;
	-- The lock of the roll-ups, which the batch holds already.
	PERFORM pg_catalog.pg_advisory_xact_lock(
	    pg_catalog.hashtextextended('ledger.ingest', 0));

	INSERT INTO ledger.download_day AS d
	SELECT u.day, u.consumer, u.provider, coalesce(t.text, ''),
	    sum(u.given), 0
	FROM json_to_recordset(a_uses) AS u(day date, consumer text,
	    provider text, node_id int, dict_born bigint, dataset bigint,
	    given bigint)
	LEFT JOIN ledger.dictionary t ON t.node_id = u.node_id
	    AND t.born = u.dict_born AND t.id = u.dataset
	WHERE u.given IS NOT NULL
	GROUP BY 1, 2, 3, 4
	ON CONFLICT (day, consumer, provider, dataset)
	DO UPDATE SET given = d.given + excluded.given;

	-- A month that is pruned has its number.
	INSERT INTO ledger.person_month
	SELECT DISTINCT pg_catalog.date_trunc('month', u.day)::date,
	    u.consumer, u.person
	FROM json_to_recordset(a_uses) AS u(day date, consumer text,
	    person bigint)
	WHERE u.person IS NOT NULL AND NOT EXISTS (
	    SELECT FROM ledger.person_count c
	    WHERE c.month = pg_catalog.date_trunc('month', u.day)::date)
	ON CONFLICT DO NOTHING;

	PERFORM ledger.download_cut(
	    pg_catalog.date_trunc('month', u.day)::date, u.cut)
	FROM json_to_recordset(a_uses) AS u(day date, cut uuid)
	WHERE u.cut IS NOT NULL;
END $$;

-- After ledger.ingest: the same of the rows of the session's stage that are
-- new.
CREATE FUNCTION ledger.indicate_stage() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
	uses json;
BEGIN
	-- One of another's making would be read with the owner's rights.
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_class c
	    WHERE c.oid = pg_catalog.to_regclass('pg_temp.stage')
	    AND c.relkind = 'r'
	    AND c.relowner = (SELECT r.oid FROM pg_catalog.pg_roles r
		WHERE r.rolname = current_user)) THEN
		RAISE EXCEPTION 'stage is not one of ledger.stage_new()'
		    USING ERRCODE = 'insufficient_privilege';
	END IF;
	WITH added AS (
		SELECT s.* FROM pg_temp.stage s JOIN ledger.event e
		    ON e.service_period = s.service_period
		    AND e.event_id = s.event_id AND e.leg = s.leg
		    AND e.batch = s.batch AND e.seq = s.seq
		WHERE s.flags & 6 <> 0
	), u AS (
		SELECT service_day AS day, consumer, provider, node_id,
		    dict_born, dataset, count(*) AS given,
		    NULL::bigint AS person, NULL::uuid AS cut
		FROM added WHERE class = 'leg' AND flags & 2 <> 0
		AND decision <> 0 AND http_status BETWEEN 200 AND 299
		GROUP BY 1, 2, 3, 4, 5, 6
		UNION ALL
		SELECT DISTINCT service_period, consumer, NULL, NULL::int,
		    NULL::bigint, NULL::bigint, NULL::bigint, user_pseudonym,
		    NULL::uuid
		FROM added WHERE class = 'access' AND flags & 4 <> 0
		AND user_pseudonym <> 0
		UNION ALL
		SELECT service_period, NULL, NULL, NULL, NULL, NULL, NULL,
		    NULL, request_id
		FROM added WHERE class = 'access' AND flags & 2 <> 0
		AND kind = 8
	)
	SELECT json_agg(u) INTO uses FROM u;
	IF uses IS NOT NULL THEN
		PERFORM ledger.indicate(uses);
	END IF;
END $$;

-- ---- pruning: of the persons of a month their number stays

ALTER FUNCTION ledger.prune(date) RENAME TO prune_events;
CREATE FUNCTION ledger.prune(a_period date) RETURNS bigint
LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
DECLARE
	no bigint := ledger.prune_events(a_period);
BEGIN
	INSERT INTO ledger.person_count
	SELECT p.month, p.consumer, count(*) FROM ledger.person_month p
	WHERE p.month = a_period GROUP BY 1, 2
	ON CONFLICT DO NOTHING;
	DELETE FROM ledger.person_month p WHERE p.month = a_period;
	RETURN no;
END $$;

-- ---- what the reports say

-- As in 0014_reports.sql, but I1 and the persons of I2. Persons are those of
-- whole months: who was there on a day is nobody's business, and the sum of
-- months is no number of persons.
CREATE OR REPLACE FUNCTION report.indicator_values(a_from date, a_to date,
    a_ags text)
RETURNS TABLE (indicator text, measure text, part text, value text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, ledger, pg_temp AS $$
	WITH access AS MATERIALIZED (
		SELECT * FROM ledger.usage_day WHERE day >= a_from
		AND day < a_to AND class = 'access'
		AND (a_ags IS NULL OR consumer = a_ags)
	), leg AS MATERIALIZED (
		SELECT consumer, provider, purpose, dataset,
		    sum(requests - denied) AS used FROM ledger.usage_day
		WHERE day >= a_from AND day < a_to AND class = 'leg'
		AND (a_ags IS NULL OR a_ags IN (consumer, provider))
		GROUP BY 1, 2, 3, 4 HAVING sum(requests - denied) > 0
	), persons AS (
		SELECT month, consumer, count(*) AS n
		FROM ledger.person_month GROUP BY 1, 2
		UNION ALL
		SELECT month, consumer, n FROM ledger.person_count
	), users AS (
		SELECT consumer, to_char(month, 'YYYY-MM') AS month, n
		FROM persons WHERE month >= a_from
		AND month + interval '1 month' <= a_to
		AND (a_ags IS NULL OR consumer = a_ags)
	), given AS (
		SELECT dataset, day, sum(given - cut) AS n
		FROM ledger.download_day WHERE day >= a_from AND day < a_to
		AND (a_ags IS NULL OR a_ags IN (consumer, provider))
		GROUP BY 1, 2
	), download AS (
		SELECT dataset, to_char(day, 'YYYY-MM') AS month, sum(n) AS n
		FROM given GROUP BY 1, 2 HAVING sum(n) > 0
	), work AS (
		SELECT count(*)::numeric AS days FROM generate_series(
		    a_from::timestamp, least(a_to, (now() AT TIME ZONE
			'Europe/Berlin')::date + 1) - 1, interval '1 day') d
		WHERE extract(isodow FROM d) < 6
	), domain AS (
		SELECT purpose, count(DISTINCT dataset) AS n FROM leg
		GROUP BY 1
	), used AS (
		SELECT purpose, dataset, count(DISTINCT consumer) AS by
		FROM leg GROUP BY 1, 2
	)
	SELECT 'I1', 'downloads', concat_ws(' ', dataset, month), n::text
	FROM download
	UNION ALL
	SELECT 'I2', 'requests', consumer, sum(requests)::text
	FROM access GROUP BY consumer
	UNION ALL
	SELECT 'I2', 'users', consumer || ' ' || month, report.people(n)
	FROM users
	UNION ALL
	SELECT 'I2', 'working-days-percent', consumer, round(100 *
	    count(DISTINCT day) FILTER (WHERE extract(isodow FROM day) < 6
		AND requests > denied) / max(work.days), 1)::text
	FROM access, work WHERE work.days > 0 GROUP BY consumer
	UNION ALL
	SELECT 'I3', 'active', '', count(*)::text FROM used
	UNION ALL
	SELECT 'I3', 'per-domain', purpose, n::text FROM domain
	UNION ALL
	SELECT 'I3', 'effective-domains', '',
	    report.effective_number(array_agg(n))::text FROM domain
	UNION ALL
	SELECT 'I3', 'shared', '', count(*)::text FROM used WHERE by >= 2
	UNION ALL
	SELECT 'I4', 'across-percent', '', round(100 * sum(used) FILTER (
	    WHERE consumer <> provider) / sum(used), 1)::text
	FROM leg HAVING sum(used) > 0
$$;

-- Must be empty: a day of events whose downloads, or a month whose persons,
-- are not what the roll-ups have. Months without events are left out.
CREATE VIEW report.indicator_difference AS
WITH given AS (
	SELECT l.service_day AS day, count(*) - count(a.event_id) AS n
	FROM ledger.event l
	LEFT JOIN ledger.event a ON a.service_period = l.service_period
	    AND a.request_id = l.event_id AND a.class = 'access'
	    AND a.kind = 8 AND a.flags & 2 <> 0
	WHERE l.class = 'leg' AND l.flags & 2 <> 0 AND l.decision <> 0
	AND l.http_status BETWEEN 200 AND 299 GROUP BY 1
), had AS (
	SELECT day, sum(given - cut) AS n FROM ledger.download_day d
	WHERE EXISTS (SELECT FROM ledger.event e WHERE e.service_period =
	    date_trunc('month', d.day)::date) GROUP BY 1
), persons AS (
	SELECT service_period AS month, count(DISTINCT (consumer,
	    user_pseudonym)) AS n FROM ledger.event
	WHERE class = 'access' AND flags & 4 <> 0 AND user_pseudonym <> 0
	GROUP BY 1
), counted AS (
	SELECT month, count(*) AS n FROM ledger.person_month GROUP BY 1
)
SELECT day, 'downloads' AS measure FROM given FULL JOIN had USING (day)
WHERE given.n IS DISTINCT FROM had.n
UNION ALL
SELECT month, 'users' FROM persons FULL JOIN counted USING (month)
WHERE persons.n IS DISTINCT FROM counted.n;

-- ---- rights

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.indicate(json), ledger.indicate_stage()
    TO hub_ingest;
GRANT SELECT ON ledger.download_day TO hub_auditor;
GRANT SELECT ON report.indicator_difference TO finance_ro;
