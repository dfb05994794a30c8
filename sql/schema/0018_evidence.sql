-- 0018_evidence.sql - all that decides an amount, an invoice or when a month
-- was complete is under the chain (ledger.md 5.1, R5). Until here a block held
-- the hash of some columns of an entry and of one of a calculation; closes,
-- proposals, deferrals, retired nodes and notes of estimates it did not hold.
--
-- Payloads of CLOSE and CORRECT blocks are of version 2 from here on: "made"
-- lists what the block fixes, by kind, id and hash. A hash is of the rows as
-- hubctl export audit-data has them: each cell as LENGTH:TEXT and a comma,
-- length in bytes of UTF-8, no value as "-,"; each row with a line feed.

SET LOCAL ROLE hub_owner;

-- The old forms of it, which only hubverify still knows.
DROP FUNCTION ledger.made_json();
DROP FUNCTION ledger.entry_hash(bigint);

CREATE FUNCTION ledger.cells(VARIADIC c text[]) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(CASE WHEN t IS NULL THEN '-' ELSE octet_length(
	    convert_to(t, 'UTF8')) || ':' || t END || ',', '' ORDER BY i)
	    || E'\n'
	FROM unnest(c) WITH ORDINALITY u (t, i)
$$;

-- Microseconds since 1970.
CREATE FUNCTION ledger.us(t timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT (extract(epoch FROM t) * 1000000)::bigint::text
$$;

CREATE FUNCTION ledger.day_text(d date) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT to_char(d, 'YYYY-MM-DD')
$$;

-- Rows of what is fixed, n their order. made_in alone is left out: it says
-- when lines could be added, and lines that were are seen.
CREATE VIEW ledger.evidence AS
SELECT 'entry' AS kind, j.entry_id::text AS id, l.line_no::bigint AS n,
    ledger.cells(j.entry_id::text, j.ext_key, j.type,
	ledger.day_text(j.booked_period), ledger.day_text(j.service_from),
	ledger.day_text(j.service_to), j.cost, j.run_id::text,
	j.reverses::text, j.reason, j.issuer, j.tenant, j.person,
	ledger.us(j.posted_at), j.db_user, l.line_no::text, l.account, l.ags,
	l.name, l.component, l.key, l.amount_cents::text) AS cells
FROM ledger.journal j LEFT JOIN ledger.journal_line l USING (entry_id)
UNION ALL
SELECT 'run', run_id::text, 0, ledger.cells(run_id::text, kind, cost, title,
    ledger.day_text(period_from), ledger.day_text(period_to), bundle_id::text,
    model, model_version::text, amount_cents::text, tax, tax_rate::text,
    tax_basis, supersedes::text, doc, encode(doc_sha256, 'hex'), tenant,
    person, ledger.us(made_at), db_user)
FROM ledger.allocation_run
UNION ALL
SELECT 'share', run_id::text, line_no, ledger.cells(run_id::text,
    line_no::text, ags, name, component, key, cents::text)
FROM ledger.allocation_line
UNION ALL
SELECT 'deferral', run_id::text, row_number() OVER (PARTITION BY d.run_id
    ORDER BY l.ags COLLATE "C"), ledger.cells(run_id::text,
    d.below_cents::text, d.reason, l.ags, l.name, l.cents::text)
FROM ledger.deferral d LEFT JOIN ledger.deferral_line l USING (run_id)
UNION ALL
SELECT 'proposal', proposal_id::text, 0, ledger.cells(proposal_id::text,
    ledger.day_text(period), encode(figures_sha256, 'hex'), tenant, person,
    ledger.us(proposed_at), db_user)
FROM ledger.period_proposal
UNION ALL
SELECT 'close', ledger.day_text(period), 0, ledger.cells(
    ledger.day_text(period), proposal_id::text, encode(usage_sha256, 'hex'),
    tenant, person, ledger.us(closed_at), db_user)
FROM ledger.period_close
UNION ALL
SELECT 'retired', node_id || '/' || ledger.us(ts_watermark), 0, ledger.cells(
    node_id || '/' || ledger.us(ts_watermark), node_id::text,
    ledger.us(ts_watermark), reason, tenant, person, ledger.us(retired_at),
    db_user)
FROM ledger.node_retired
UNION ALL
SELECT 'estimate', id::text, 0, ledger.cells(id::text, reference, reason,
    by_person, ledger.day_text(day), consumer, provider, requests::text,
    entities::text, bytes::text, node_id::text, missing::text,
    ledger.us(noted_at), noted_by)
FROM ledger.estimate_note;

-- ["KIND","ID","HASH"],... of these entries, of these runs with all that
-- belongs to them, and of others of one kind.
CREATE FUNCTION ledger.evidence_list(a_entries text[], a_runs text[],
    a_kind text, a_ids text[])
RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT coalesce(string_agg(format('["%s",%s,"%s"]', t.kind,
	    to_json(t.id), t.hash), ',' ORDER BY t.kind COLLATE "C",
	    t.id COLLATE "C"), '')
	FROM (SELECT e.kind, e.id, encode(sha256(convert_to(string_agg(
		e.cells, '' ORDER BY e.n), 'UTF8')), 'hex') AS hash
	    FROM ledger.evidence e
	    WHERE (e.kind = 'entry' AND e.id = ANY (a_entries))
	    OR (e.kind IN ('run', 'share', 'deferral') AND e.id = ANY (a_runs))
	    OR (e.kind = a_kind AND e.id = ANY (a_ids))
	    GROUP BY e.kind, e.id) t);
END
$$;

-- Of the entries and runs of this transaction, and of others.
CREATE FUNCTION ledger.made_list(a_kind text, a_ids text[])
RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT ledger.evidence_list(
	    (SELECT array_agg(j.entry_id::text) FROM ledger.journal j
		WHERE j.made_in = pg_current_xact_id_if_assigned()),
	    (SELECT array_agg(r.run_id::text) FROM ledger.allocation_run r
		WHERE r.made_in = pg_current_xact_id_if_assigned()),
	    a_kind, a_ids)
$$;

CREATE FUNCTION ledger.block_made(a_made text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT ledger.block_append(3::smallint, format('{"made":[%s],"v":2}',
	    a_made))
$$;

-- CORRECT, kind 3: what is made outside a close.
CREATE OR REPLACE FUNCTION ledger.block_correct() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM ledger.block_made(ledger.made_list(NULL, NULL));
END
$$;

-- [NODE,WATERMARK,MISSING,"STATE"],...: how far each node had reported.
CREATE FUNCTION ledger.nodes_list(a_month date) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(string_agg(format('[%s,%s,%s,"%s"]', c.node_id,
	    ledger.us(c.seen), c.missing, CASE
	    WHEN c.seen >= ledger.month_end(a_month) THEN 'reported'
	    WHEN EXISTS (SELECT FROM ledger.node_retired r
		WHERE r.node_id = c.node_id AND r.ts_watermark >= c.seen)
	    THEN 'retired' ELSE 'behind' END), ',' ORDER BY c.node_id), '')
	FROM (SELECT node_id, max(ts_watermark) AS seen,
	    sum(missing) AS missing FROM ledger.spool_checkpoint
	    WHERE node_id <= 65000 GROUP BY node_id) c
$$;

-- ["TENANT","PERSON",AT]
CREATE FUNCTION ledger.who_json(a_tenant text, a_person text, a_at timestamptz)
RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('[%s,%s,%s]', to_json(a_tenant), to_json(a_person),
	    ledger.us(a_at))
$$;

-- CLOSE, kind 2: the roll-ups as they are for good, what was posted, by whom,
-- and how far the nodes had reported.
CREATE OR REPLACE FUNCTION ledger.block_close(a_month date, a_figures bytea)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	c ledger.period_close;
	p ledger.period_proposal;
	next date := a_month + interval '1 month';
	nodes text := ledger.nodes_list(a_month);
BEGIN
	-- One that came up since period_obstacle() looked.
	IF nodes LIKE '%"behind"]%' THEN
		PERFORM ledger.refuse('a node has not reported the whole '
		    'month; try again');
	END IF;
	SELECT * INTO STRICT c FROM ledger.period_close
	    WHERE period = a_month;
	SELECT * INTO STRICT p FROM ledger.period_proposal
	    WHERE proposal_id = c.proposal_id;
	PERFORM ledger.block_append(2::smallint, format(
	    '{"closed":%s,"conflicts":%s,"day_sha256":"%s",'
	    '"figures_sha256":"%s","made":[%s],"month_sha256":"%s",'
	    '"nodes":[%s],"period":"%s","proposed":%s,"v":2}',
	    ledger.who_json(c.tenant, c.person, c.closed_at),
	    (SELECT count(*) FROM ledger.ledger_conflict),
	    encode(ledger.pruned_days(a_month, next), 'hex'),
	    encode(a_figures, 'hex'),
	    ledger.made_list('close', ARRAY[ledger.day_text(a_month)]),
	    encode(ledger.pruned_months(a_month, next), 'hex'),
	    nodes, ledger.day_text(a_month),
	    ledger.who_json(p.tenant, p.person, p.proposed_at)));
END
$$;

-- For what no function of the ledger's closes with a block: at the end of the
-- transaction, where no lock is taken any more that a batch could wait for. Not
-- in a replica or where data is restored: there the block comes by itself.
CREATE FUNCTION ledger.evidence_block() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	kind text;
	id text;
BEGIN
	IF tg_table_name = 'period_proposal' THEN
		kind := 'proposal';
		id := new.proposal_id;
	ELSIF tg_table_name = 'node_retired' THEN
		kind := 'retired';
		id := new.node_id || '/' || ledger.us(new.ts_watermark);
	ELSE
		kind := 'estimate';
		id := new.id;
	END IF;
	PERFORM ledger.block_made(ledger.evidence_list(NULL, NULL, kind,
	    ARRAY[id]));
	RETURN NULL;
END
$$;
DO $$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY ARRAY['period_proposal', 'node_retired',
	    'estimate_note'] LOOP
		EXECUTE format('CREATE CONSTRAINT TRIGGER evidence AFTER '
		    'INSERT ON ledger.%I DEFERRABLE INITIALLY DEFERRED FOR '
		    'EACH ROW EXECUTE FUNCTION ledger.evidence_block()', t);
	END LOOP;
END
$$;

-- All there is by now, also if it is nothing: what is in no block of version 2
-- from here on was not written by these functions.
SELECT ledger.block_made((SELECT coalesce(string_agg(m, ','), '') FROM (
	SELECT nullif(ledger.evidence_list(NULL, NULL, k, (SELECT array_agg(
	    DISTINCT e.id) FROM ledger.evidence e WHERE e.kind = k)), '') AS m
	FROM unnest(ARRAY['close', 'deferral', 'entry', 'estimate', 'proposal',
	    'retired', 'run', 'share']) k) kinds));

-- ---- the closing protocol (R5)

-- item: period, proposed, closed, figures, days, months, run, node, conflicts,
-- block, previous. All of it is fixed by the CLOSE block; of closes before
-- this file, nodes and conflicts are not known.
CREATE VIEW report.protocol AS
WITH closing AS MATERIALIZED (
	SELECT block_no, hash, prev_hash, (payload::json->>'period')::date
	    AS period, payload::json AS doc
	FROM ledger.block WHERE kind = 2
), runs AS (
	SELECT c.period, (m->>1)::bigint AS run_id FROM closing c,
	    json_array_elements(c.doc->'made') m WHERE m->>0 = 'run'
	UNION ALL
	SELECT c.period, (m->>0)::bigint FROM closing c,
	    json_array_elements(c.doc->'runs') m
)
SELECT c.period, 10 AS n, 'proposed' AS item, NULL::bigint AS number,
    p.tenant || ':' || p.person AS what, p.proposed_at AS at,
    NULL::bigint AS count, NULL::bigint AS cents, NULL AS sha256
FROM ledger.period_close c JOIN ledger.period_proposal p USING (proposal_id)
UNION ALL
SELECT period, 20, 'closed', NULL, tenant || ':' || person, closed_at, NULL,
    NULL, NULL FROM ledger.period_close
UNION ALL
SELECT period, 30 + v.n, v.item, NULL, NULL, NULL, NULL, NULL, doc->>v.member
FROM closing, (VALUES (0, 'figures', 'figures_sha256'),
    (1, 'days', 'day_sha256'), (2, 'months', 'month_sha256'))
    v (n, item, member)
UNION ALL
SELECT runs.period, 40, 'run', r.run_id, r.cost || ' ' || CASE
    WHEN r.period_to < r.period_from + 31
    THEN to_char(r.period_from, 'YYYY-MM')
    ELSE to_char(r.period_from, 'YYYY') END, NULL, NULL, r.amount_cents,
    encode(r.doc_sha256, 'hex')
FROM runs JOIN ledger.allocation_run r USING (run_id)
UNION ALL
SELECT c.period, 50, 'node', (m->>0)::bigint, m->>3,
    to_timestamp(0) + (m->>1)::bigint * interval '1 microsecond',
    (m->>2)::bigint, NULL, NULL
FROM closing c, json_array_elements(c.doc->'nodes') m
UNION ALL
SELECT period, 60, 'conflicts', NULL, NULL, NULL, (doc->>'conflicts')::bigint,
    NULL, NULL FROM closing WHERE doc->>'conflicts' IS NOT NULL
UNION ALL
SELECT period, 70, 'block', block_no, NULL, NULL, NULL, NULL,
    encode(hash, 'hex') FROM closing
UNION ALL
SELECT period, 80, 'previous', block_no - 1, NULL, NULL, NULL, NULL,
    encode(prev_hash, 'hex') FROM closing;

-- ---- rights

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
GRANT SELECT ON ledger.allocation_line, ledger.deferral, ledger.deferral_line,
    ledger.period_proposal, ledger.period_close, ledger.node_retired,
    ledger.estimate_note TO hub_auditor;
GRANT SELECT ON report.protocol TO finance_ro;
