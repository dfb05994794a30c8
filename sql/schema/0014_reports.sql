-- 0014_reports.sql - indicators of use (ledger.md section 8, R8), and what
-- Grafana may read.

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hub_grafana') THEN
		CREATE ROLE hub_grafana NOLOGIN;
	END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
	NULL;	-- another database of this cluster was faster
END
$$;
-- A hub answers finance staff over HTTP: it asks as finance_ro, reads only.
GRANT finance_ro TO hub_proxy;

-- Advisory locks have no owner: whoever sends SQL through Grafana could hold
-- those by which events are loaded and months closed. Only a superuser can take
-- them from PUBLIC; contrib/grafana/README.md says it to all others.
DO $$
DECLARE
	f regprocedure;
BEGIN
	IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
		RETURN;
	END IF;
	FOR f IN SELECT p.oid FROM pg_proc p
	    WHERE p.pronamespace = 'pg_catalog'::regnamespace
	    AND p.proname ~ '^pg_(try_)?advisory_(xact_)?lock(_shared)?$'
	LOOP
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO hub_owner, '
		    'hub_ingest', f);
	END LOOP;
END
$$;

SET LOCAL ROLE hub_owner;

-- ---- indicators

-- exp(H): how many parts of equal size would be as varied as these. Decimal
-- arithmetic throughout; no parts: 0.
CREATE FUNCTION report.effective_number(parts bigint[]) RETURNS numeric
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN coalesce(sum(n), 0) = 0 THEN 0.00
	    ELSE round(exp(-sum(n / total * ln(n / total))), 2) END
	FROM (SELECT n::numeric AS n, sum(n) OVER ()::numeric AS total
	    FROM unnest(parts) n WHERE n > 0) p
$$;

-- How many people is not told below five.
CREATE FUNCTION report.people(n bigint) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN n BETWEEN 1 AND 4 THEN '<5' ELSE n::text END
$$;

-- From a_from on, before a_to; of one tenant (AGS), or of all. A value that
-- nothing was recorded for is missing, not 0. A use case is a dataset used for
-- a purpose, its domain the purpose; what was denied is no use.
CREATE FUNCTION report.indicator_values(a_from date, a_to date, a_ags text)
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
	), users AS (
		SELECT e.consumer, to_char(e.service_period, 'YYYY-MM')
		    AS month, count(DISTINCT e.user_pseudonym) AS n
		FROM ledger.event e WHERE e.service_day >= a_from
		AND e.service_day < a_to AND e.class = 'access'
		AND e.service_period >= date_trunc('month', a_from)
		AND e.service_period < a_to
		AND e.flags & 4 <> 0 AND e.user_pseudonym <> 0
		AND (a_ags IS NULL OR e.consumer = a_ags)
		GROUP BY 1, 2
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
	SELECT 'I1', 'downloads', concat_ws(' ', dataset, to_char(day,
	    'YYYY-MM')), sum(requests - denied)::text
	FROM access WHERE operation = 6 GROUP BY dataset, to_char(day,
	    'YYYY-MM')
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

-- Beside it the year before, and whether estimates are inside.
CREATE FUNCTION report.indicators(a_from date, a_to date, a_ags text)
RETURNS TABLE (indicator text, measure text, part text, value text,
    previous text, estimated boolean)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, ledger, pg_temp AS $$
	WITH now AS (
		SELECT * FROM report.indicator_values(a_from, a_to, a_ags)
	), before AS (
		SELECT v.indicator, v.measure, regexp_replace(v.part,
		    '[0-9]{4}(-[0-9]{2})$', (extract(year FROM a_from))::text
		    || '\1') AS part, v.value
		FROM report.indicator_values((a_from - interval '1 year')
		    ::date, (a_to - interval '1 year')::date, a_ags) v
	), named AS (	-- one that has no values has a line all the same
		SELECT * FROM (VALUES ('I1', 'downloads'), ('I2', 'requests'),
		    ('I2', 'users'), ('I2', 'working-days-percent'),
		    ('I3', 'active'), ('I3', 'per-domain'),
		    ('I3', 'effective-domains'), ('I3', 'shared'),
		    ('I4', 'across-percent')) n (indicator, measure)
	), both_years AS (
		SELECT indicator, measure, part, n.value, b.value AS previous
		FROM now n FULL JOIN before b USING (indicator, measure, part)
	)
	SELECT n.indicator, n.measure, coalesce(v.part, ''), v.value,
	    v.previous, EXISTS (SELECT FROM ledger.usage_day u
		WHERE u.day >= a_from AND u.day < a_to
		AND u.class = 'estimate'
		AND (a_ags IS NULL OR u.consumer = a_ags))
	FROM named n LEFT JOIN both_years v USING (indicator, measure)
	ORDER BY n.indicator, n.measure, coalesce(v.part, '') COLLATE "C"
$$;

-- ---- Grafana: it does not look at the SQL that people send through it, so
-- rights end at two views, and rows at who asks

-- Who is not here sees nothing; ags NULL: all.
CREATE TABLE ledger.grafana_reader (
	reader name PRIMARY KEY,
	ags text CHECK (ags ~ '^[0-9]{8}$')
);

CREATE FUNCTION ledger.grafana_reader_set(a_reader name, a_ags text)
RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = ledger, pg_temp AS $$
	INSERT INTO ledger.grafana_reader VALUES (a_reader, a_ags)
	ON CONFLICT (reader) DO UPDATE SET ags = excluded.ags
$$;
CREATE FUNCTION ledger.grafana_reader_drop(a_reader name)
RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = ledger, pg_temp AS $$
	DELETE FROM ledger.grafana_reader WHERE reader = a_reader
$$;

-- Requests of consumers, and, of providers, what their data was used for: a
-- consumer is not told which of others' data was denied.
CREATE VIEW report.grafana_usage WITH (security_barrier) AS
SELECT u.day::timestamp AT TIME ZONE 'Europe/Berlin' AS time, u.class,
    u.consumer, u.provider, u.purpose, report.operation_name(u.operation)
	AS operation,
    CASE WHEN u.class = 'leg' THEN u.requests - u.denied ELSE u.requests END
	AS requests,
    u.entities, u.bytes, round(u.units / 1000.0, 3) AS units
FROM ledger.usage_day u
WHERE (u.class <> 'leg' OR u.requests > u.denied) AND EXISTS (
    SELECT FROM ledger.grafana_reader g WHERE g.reader = current_user
    AND (g.ags IS NULL OR (u.class = 'leg' AND g.ags = u.provider)
	OR (u.class <> 'leg' AND g.ags = u.consumer)));

CREATE VIEW report.grafana_cost WITH (security_barrier) AS
SELECT j.booked_period::timestamp AT TIME ZONE 'Europe/Berlin' AS time,
    j.service, j.ags, l.name, j.cost, r.title, j.type, l.component,
    round(l.amount_cents / 100.0, 2)::numeric(14,2) AS amount_eur
FROM (SELECT e.entry_id, e.booked_period, e.cost, e.type, e.run_id,
	to_char(e.service_from, CASE WHEN e.service_to < e.service_from + 31
	    THEN 'YYYY-MM' ELSE 'YYYY' END) AS service, x.ags, x.line_no
    FROM ledger.journal e JOIN ledger.journal_line x USING (entry_id)
    WHERE x.account = 'share') j
JOIN ledger.journal_line l ON l.entry_id = j.entry_id
    AND l.line_no = j.line_no
JOIN ledger.allocation_run r ON r.run_id = j.run_id
WHERE EXISTS (SELECT FROM ledger.grafana_reader g
    WHERE g.reader = current_user AND (g.ags IS NULL OR g.ags = j.ags));

-- ---- rights

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
REVOKE ALL ON FUNCTION report.indicator_values(date, date, text),
    report.indicators(date, date, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION report.indicators(date, date, text) TO finance_ro;
GRANT EXECUTE ON FUNCTION ledger.grafana_reader_set(name, text),
    ledger.grafana_reader_drop(name) TO hub_admin;
GRANT USAGE ON SCHEMA report TO hub_grafana;
GRANT SELECT ON report.grafana_usage, report.grafana_cost TO hub_grafana;
