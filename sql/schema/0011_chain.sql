-- 0011_chain.sql - the chain of blocks over the ledger (ledger.md, 5.1): what
-- was loaded is fixed by a hash that includes all before it, and the daily
-- digest carries that hash to the municipalities. server/ledger/chain.h lists
-- the kinds of blocks; hubverify(1) checks all of it without this code.

DO $$
BEGIN
	BEGIN
		IF NOT EXISTS (SELECT FROM pg_roles
		    WHERE rolname = 'hub_auditor') THEN
			CREATE ROLE hub_auditor NOLOGIN;
		END IF;
	EXCEPTION WHEN duplicate_object OR unique_violation THEN
		NULL;	-- another database of this cluster was faster
	END;
END
$$;

SET LOCAL ROLE hub_owner;

-- Which batch brought an event; with service_period it names the block. 0:
-- from before there was a chain.
ALTER TABLE ledger.event ADD COLUMN batch bigint NOT NULL DEFAULT 0;

-- No time stands here: the hash does not cover one, digests tell it. The
-- columns from batch on say which rows are the leaves of an INGEST block;
-- payload is what the hash of every other kind was taken of.
CREATE TABLE ledger.block (
	block_no bigint PRIMARY KEY CHECK (block_no > 0),
	kind smallint NOT NULL,
	prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
	payload_hash bytea NOT NULL CHECK (octet_length(payload_hash) = 32),
	hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
	batch bigint,
	service_period date,
	node_id int,
	boot_epoch bigint,
	first_seq bigint,
	last_seq bigint,
	n_leaves int NOT NULL,
	payload text,
	CHECK ((kind = 1) = (payload IS NULL) AND
	    (kind = 1) = (n_leaves > 0) AND n_leaves >= 0 AND
	    num_nulls(batch, service_period, node_id, boot_epoch, first_seq,
		last_seq) = CASE kind WHEN 1 THEN 0 ELSE 6 END),
	UNIQUE (batch, service_period)
);

-- The digests that were signed here; the files are what counts.
CREATE TABLE ledger.digest (
	block_no bigint NOT NULL REFERENCES ledger.block,
	doc text NOT NULL,
	made_at timestamptz NOT NULL DEFAULT now(),
	made_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (block_no, doc)
);

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.block
    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.digest
    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE ledger.block ENABLE ALWAYS TRIGGER immutable;
ALTER TABLE ledger.digest ENABLE ALWAYS TRIGGER immutable;

-- ---- adding blocks

CREATE FUNCTION ledger.block_hash(a_no bigint, a_prev bytea, a_kind smallint,
    a_payload bytea)
RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT sha256('hubledger/1'::bytea || int8send(a_no) || a_prev ||
	    int2send(a_kind) || a_payload)
$$;

-- The next block, one at a time: the lock is the one of the roll-ups, so that
-- nobody waits for two in another order.
CREATE FUNCTION ledger.block_next(OUT no bigint, OUT prev bytea)
LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
BEGIN
	PERFORM pg_catalog.pg_advisory_xact_lock(
	    pg_catalog.hashtextextended('ledger.ingest', 0));
	SELECT b.block_no + 1, b.hash INTO no, prev FROM ledger.block b
	    ORDER BY b.block_no DESC LIMIT 1;
	IF NOT FOUND THEN
		no := 1;
		prev := pg_catalog.sha256('hubledger/1 genesis'::bytea);
	END IF;
END $$;

-- Of any kind but INGEST. a_payload: canonical JSON (sorted keys, no blanks,
-- integers and strings), whose bytes are hashed as they are. For functions
-- that close, correct or prune.
CREATE FUNCTION ledger.block_append(a_kind smallint, a_payload text)
RETURNS bigint LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
DECLARE
	n record;
	sum bytea := pg_catalog.sha256(
	    pg_catalog.convert_to(a_payload, 'UTF8'));
BEGIN
	SELECT * INTO n FROM ledger.block_next();
	INSERT INTO ledger.block (block_no, kind, prev_hash, payload_hash,
	    hash, n_leaves, payload)
	VALUES (n.no, a_kind, n.prev, sum,
	    ledger.block_hash(n.no, n.prev, a_kind, sum), 0, a_payload);
	RETURN n.no;
END $$;

-- In the transaction that inserted the rows: those of one batch and month,
-- whose root the loader took.
CREATE FUNCTION ledger.block_ingest(a_node int, a_boot bigint, a_batch bigint,
    a_period date, a_first bigint, a_last bigint, a_leaves int, a_root bytea)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ledger, pg_temp AS $$
DECLARE
	n record;
BEGIN
	IF a_batch <= 0 OR a_first > a_last OR a_leaves <= 0 THEN
		RAISE EXCEPTION 'this is no block'
		    USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT * INTO n FROM ledger.block_next();
	INSERT INTO ledger.block VALUES (n.no, 1::smallint, n.prev, a_root,
	    ledger.block_hash(n.no, n.prev, 1::smallint, a_root), a_batch,
	    a_period, a_node, a_boot, a_first, a_last, a_leaves, NULL);
	RETURN n.no;
END $$;

-- The numbers that were given a text since the last one: DICT, kind 5.
CREATE FUNCTION ledger.block_dict(a_node int, a_born bigint, a_from bigint,
    a_to bigint)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ledger, pg_temp AS $$
DECLARE
	names text;
BEGIN
	SELECT pg_catalog.string_agg('[' || d.id || ',' ||
	    pg_catalog.to_json(d.kind)::text || ',' ||
	    pg_catalog.to_json(d.text)::text || ']', ',' ORDER BY d.id)
	INTO names FROM ledger.dictionary d
	WHERE d.node_id = a_node AND d.born = a_born
	AND d.id BETWEEN a_from AND a_to;
	IF names IS NULL THEN
		RETURN NULL;
	END IF;
	RETURN ledger.block_append(5::smallint, '{"born":' || a_born ||
	    ',"names":[' || names || '],"node":' || a_node || '}');
END $$;

-- Which rows of the session's stage ledger.ingest has inserted: one character
-- each in the order of seq, 1 or 0.
CREATE FUNCTION ledger.stage_inserted() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
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
	RETURN (SELECT pg_catalog.string_agg(CASE WHEN e.batch IS NULL
	    THEN '0' ELSE '1' END, '' ORDER BY s.seq)
	FROM pg_temp.stage s
	LEFT JOIN ledger.event e ON e.service_period = s.service_period
	    AND e.event_id = s.event_id AND e.leg = s.leg
	    AND e.batch = s.batch AND e.seq = s.seq);
END $$;

-- ---- pruning

-- What stays of pruned rows' roll-ups, line by line as hubverify reads them.
CREATE FUNCTION ledger.pruned_days(a_period date, a_before date)
RETURNS bytea LANGUAGE sql STABLE SET search_path = ledger, pg_temp AS $$
	SELECT sha256(convert_to(coalesce(string_agg(concat_ws(E'\x1f',
	    to_char(day, 'YYYY-MM-DD'), to_char(booked_period, 'YYYY-MM-DD'),
	    class, consumer, provider, agreement, purpose, dataset, types,
	    operation, requests, denied, entities, bytes, units,
	    array_to_string(latency_hist, ' ')) || E'\n', ''
	    ORDER BY day, booked_period, class COLLATE "C",
		consumer COLLATE "C", provider COLLATE "C",
		agreement COLLATE "C", purpose COLLATE "C",
		dataset COLLATE "C", types COLLATE "C", operation), ''),
	    'UTF8'))
	FROM ledger.usage_day WHERE day >= a_period
	AND day < a_period + interval '1 month' AND booked_period < a_before
$$;

CREATE FUNCTION ledger.pruned_months(a_period date, a_before date)
RETURNS bytea LANGUAGE sql STABLE SET search_path = ledger, pg_temp AS $$
	SELECT sha256(convert_to(coalesce(string_agg(concat_ws(E'\x1f',
	    to_char(service_period, 'YYYY-MM-DD'),
	    to_char(booked_period, 'YYYY-MM-DD'),
	    class, consumer, provider, agreement, purpose, dataset, types,
	    operation, requests, denied, entities, bytes, units,
	    array_to_string(latency_hist, ' ')) || E'\n', ''
	    ORDER BY booked_period, class COLLATE "C",
		consumer COLLATE "C", provider COLLATE "C",
		agreement COLLATE "C", purpose COLLATE "C",
		dataset COLLATE "C", types COLLATE "C", operation), ''),
	    'UTF8'))
	FROM ledger.usage_month WHERE service_period = a_period
	AND booked_period < a_before
$$;

-- Drops the rows of a month that is closed (0013_period.sql) and more than 24
-- months old. The blocks stay with their roots, and a
-- PRUNE block, kind 4, fixes what they and the roll-ups said. For hub_owner.
CREATE FUNCTION ledger.prune(a_period date) RETURNS bigint
LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
DECLARE
	this date := pg_catalog.date_trunc('month',
	    pg_catalog.now() AT TIME ZONE 'Europe/Berlin');
	part text := 'event_' || pg_catalog.to_char(a_period, 'YYYYMM');
	kept record;
	no bigint;
BEGIN
	IF a_period <> pg_catalog.date_trunc('month', a_period) OR
	    a_period + interval '24 months' >= this THEN
		RAISE EXCEPTION 'rows are kept for 24 months'
		    USING ERRCODE = 'invalid_parameter_value';
	END IF;
	-- Waits for batches on their way, which still need the other lock.
	LOCK TABLE ledger.event IN ACCESS EXCLUSIVE MODE;
	PERFORM ledger.block_next();
	IF NOT EXISTS (SELECT FROM ledger.period_close c
	    WHERE c.period >= a_period) THEN
		RAISE EXCEPTION 'the month is not closed'
		    USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF EXISTS (SELECT FROM ledger.event e WHERE e.service_period =
	    a_period AND (e.batch = 0 OR e.booked_period >= this)) THEN
		RAISE EXCEPTION 'there are rows without a block, or booked '
		    'this month' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT pg_catalog.count(*) AS blocks,
	    coalesce(pg_catalog.sum(b.n_leaves), 0) AS leaves,
	    pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(coalesce(
		pg_catalog.string_agg(pg_catalog.concat_ws(' ', b.block_no,
		b.batch, b.node_id, b.boot_epoch, b.first_seq, b.last_seq,
		b.n_leaves) || E'\n', '' ORDER BY b.block_no), ''), 'UTF8')),
		'hex') AS sum
	INTO kept FROM ledger.block b
	WHERE b.kind = 1 AND b.service_period = a_period;
	no := ledger.block_append(4::smallint, '{"blocks":' || kept.blocks ||
	    ',"blocks_sha256":"' || kept.sum || '","booked_before":"' ||
	    pg_catalog.to_char(this, 'YYYY-MM-DD') || '","day_sha256":"' ||
	    pg_catalog.encode(ledger.pruned_days(a_period, this), 'hex') ||
	    '","leaves":' || kept.leaves || ',"month_sha256":"' ||
	    pg_catalog.encode(ledger.pruned_months(a_period, this), 'hex') ||
	    '","period":"' || pg_catalog.to_char(a_period, 'YYYY-MM-DD') ||
	    '"}');
	EXECUTE pg_catalog.format('DROP TABLE ledger.%I', part);
	RETURN no;
END $$;

-- ---- digests

CREATE FUNCTION ledger.digest_add(a_block bigint, a_doc text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
	INSERT INTO ledger.digest (block_no, doc) VALUES (a_block, a_doc)
	ON CONFLICT DO NOTHING
$$;

-- ---- what the reports say

-- The first block whose place in the chain is not right; NULL: none.
CREATE FUNCTION report.chain_broken() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
	SELECT min(no) FROM (
		SELECT row_number() OVER w AS no, block_no, prev_hash,
		    lag(hash, 1, sha256('hubledger/1 genesis'::bytea))
			OVER w AS before, hash, ledger.block_hash(block_no,
			prev_hash, kind, payload_hash) AS should
		FROM ledger.block WINDOW w AS (ORDER BY block_no)
	) b
	WHERE no <> block_no OR prev_hash <> before OR hash <> should
$$;

CREATE VIEW report.integrity AS
SELECT coalesce(h.block_no, 0) AS block_no, encode(h.hash, 'hex') AS hash,
    report.chain_broken() AS broken, d.block_no AS digest_block,
    d.made_at AS digest_at, d.doc AS digest,
    (SELECT coalesce(sum(n_leaves), 0)::bigint FROM ledger.block) AS leaves,
    (SELECT coalesce(sum(missing), 0)::bigint FROM ledger.spool_checkpoint)
	AS missing,
    (SELECT count(*) FROM ledger.ledger_conflict) AS conflicts,
    (SELECT coalesce(sum(requests), 0)::bigint FROM ledger.usage_month
	WHERE class = 'estimate') AS estimates,
    (SELECT min(t) FROM (SELECT max(ts_watermark) AS t
	FROM ledger.spool_checkpoint GROUP BY node_id) n) AS loaded_to
FROM (SELECT 1) one
LEFT JOIN (SELECT * FROM ledger.block ORDER BY block_no DESC LIMIT 1) h ON true
LEFT JOIN (SELECT * FROM ledger.digest ORDER BY block_no DESC, made_at DESC
    LIMIT 1) d ON true;

-- What was loaded before there was a chain is counted: BASELINE, kind 6.
SELECT ledger.block_append(6::smallint, '{"bytes":' || coalesce(sum(bytes_out),
    0) || ',"entities":' || coalesce(sum(entities), 0) || ',"events":' ||
    count(*) || ',"units":' || coalesce(sum(units), 0) || '}')
FROM ledger.event HAVING count(*) > 0;
SELECT ledger.block_dict(node_id, born, min(id), max(id))
FROM ledger.dictionary GROUP BY node_id, born ORDER BY node_id, born;

-- ---- rights

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
REVOKE ALL ON FUNCTION report.chain_broken() FROM PUBLIC;

GRANT SELECT ON ledger.block TO hub_ingest, hub_admin;
GRANT EXECUTE ON FUNCTION ledger.block_ingest(int, bigint, bigint, date,
    bigint, bigint, int, bytea), ledger.block_dict(int, bigint, bigint,
    bigint), ledger.stage_inserted() TO hub_ingest;

GRANT USAGE ON SCHEMA ledger, report TO hub_auditor, hub_admin;
GRANT SELECT ON ledger.event, ledger.block, ledger.digest, ledger.dictionary,
    ledger.usage_day, ledger.usage_month, ledger.spool_checkpoint,
    ledger.ledger_conflict TO hub_auditor;
GRANT SELECT ON ledger.digest TO hub_admin;
GRANT EXECUTE ON FUNCTION ledger.digest_add(bigint, text) TO hub_admin;
GRANT SELECT ON report.integrity TO finance_ro, hub_auditor, hub_admin;
GRANT EXECUTE ON FUNCTION report.chain_broken()
    TO finance_ro, hub_auditor, hub_admin;
