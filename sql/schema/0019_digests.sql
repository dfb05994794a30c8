-- 0019_digests.sql - digests reach the municipalities (ledger.md, 5.1): they
-- are read over HTTP, a tenant says that it keeps one, and a calculation notes
-- the last digest before it.

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hub_digest') THEN
		CREATE ROLE hub_digest NOLOGIN;
	END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
	NULL;	-- another database of this cluster was faster
END
$$;

SET LOCAL ROLE hub_owner;

-- A tenant keeps a digest of this block: one row for each tenant and block.
-- doc_sha256 is of the line as it keeps it; receipt is where, in its own words.
CREATE TABLE ledger.digest_ack (
	block_no	bigint NOT NULL REFERENCES ledger.block,
	ags		text NOT NULL CHECK (ags ~ '^[0-9]{8}$'),
	received_at	timestamptz NOT NULL DEFAULT now(),
	receipt		text CHECK (length(receipt) BETWEEN 1 AND 200
	    AND receipt !~ '[\x01-\x1f\x7f]' AND receipt = btrim(receipt)),
	doc_sha256	bytea NOT NULL CHECK (octet_length(doc_sha256) = 32),
	db_user		text NOT NULL DEFAULT session_user,
	PRIMARY KEY (block_no, ags)
);

-- The newest digest when a calculation was stored. Runs of before have none.
CREATE TABLE ledger.run_digest (
	run_id		bigint PRIMARY KEY REFERENCES ledger.allocation_run,
	block_no	bigint NOT NULL,
	doc		text NOT NULL,
	FOREIGN KEY (block_no, doc) REFERENCES ledger.digest
);

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE
    ON ledger.digest_ack
    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE ledger.digest_ack ENABLE ALWAYS TRIGGER immutable;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE
    ON ledger.run_digest
    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE ledger.run_digest ENABLE ALWAYS TRIGGER immutable;
CREATE TRIGGER made BEFORE INSERT ON ledger.run_digest
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_more();
ALTER TABLE ledger.run_digest ENABLE ALWAYS TRIGGER made;

-- Noted then, not looked up later: a statement is the same whenever it is made.
CREATE FUNCTION ledger.run_digest_note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO ledger.run_digest
	SELECT new.run_id, d.block_no, d.doc FROM ledger.digest d
	ORDER BY d.block_no DESC, d.made_at DESC, d.doc COLLATE "C" DESC
	LIMIT 1;
	RETURN NULL;
END
$$;
CREATE TRIGGER digest AFTER INSERT ON ledger.allocation_run
    FOR EACH ROW EXECUTE FUNCTION ledger.run_digest_note();
ALTER TABLE ledger.allocation_run ENABLE ALWAYS TRIGGER digest;

-- What came of it: made; same: it was said before; other: before with another
-- receipt; differs: no digest of this block has this hash; unknown: there is
-- no digest of this block.
CREATE FUNCTION ledger.digest_acknowledge(a_block bigint, a_ags text,
    a_sha256 text, a_receipt text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	sum bytea;
	known boolean;
BEGIN
	IF a_sha256 IS NULL OR a_sha256 !~ '^[0-9a-f]{64}$' THEN
		RAISE EXCEPTION 'this is no SHA-256'
		    USING ERRCODE = 'invalid_parameter_value';
	END IF;
	sum := decode(a_sha256, 'hex');
	SELECT bool_or(sha256(convert_to(d.doc, 'UTF8')) = sum) INTO known
	    FROM ledger.digest d WHERE d.block_no = a_block;
	IF known IS NULL THEN
		RETURN 'unknown';
	ELSIF NOT known THEN
		RETURN 'differs';
	END IF;
	INSERT INTO ledger.digest_ack (block_no, ags, receipt, doc_sha256)
	VALUES (a_block, a_ags, a_receipt, sum)
	ON CONFLICT (block_no, ags) DO NOTHING;
	IF FOUND THEN
		RETURN 'made';
	END IF;
	RETURN (SELECT CASE WHEN a.receipt IS NOT DISTINCT FROM a_receipt
	    THEN 'same' ELSE 'other' END FROM ledger.digest_ack a
	    WHERE a.block_no = a_block AND a.ags = a_ags);
END
$$;

-- When the last digest was signed, in microseconds; before the first one the
-- day of the first use that one would cover; 0: there is nothing to sign.
CREATE FUNCTION ledger.digest_last(OUT us bigint, OUT signed int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(extract(epoch FROM coalesce(d.at,
	    (SELECT min(u.day) FROM ledger.usage_day u)::timestamp
		AT TIME ZONE 'Europe/Berlin')) * 1000000, 0)::bigint,
	    (d.at IS NOT NULL)::int
	FROM (SELECT max(made_at) AS at FROM ledger.digest) d
$$;

-- hash is taken from the text, since nobody promises that it is JSON.
CREATE VIEW report.digest AS
SELECT d.block_no, substring(d.doc FROM '"hash":"([0-9a-f]{64})"') AS hash,
    encode(sha256(convert_to(d.doc, 'UTF8')), 'hex') AS sha256, d.doc,
    d.made_at
FROM ledger.digest d;

CREATE VIEW report.digest_ack AS
SELECT a.block_no, a.ags, a.received_at, a.receipt,
    encode(a.doc_sha256, 'hex') AS sha256
FROM ledger.digest_ack a;

CREATE VIEW report.run_digest AS
SELECT r.run_id, r.block_no,
    substring(r.doc FROM '"hash":"([0-9a-f]{64})"') AS hash, d.made_at
FROM ledger.run_digest r JOIN ledger.digest d USING (block_no, doc);

-- ---- rights

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.digest_acknowledge(bigint, text, text, text)
    TO hub_proxy;
GRANT EXECUTE ON FUNCTION ledger.digest_last() TO hub_ingest;
GRANT USAGE ON SCHEMA ledger TO hub_proxy;
GRANT SELECT ON report.digest, report.digest_ack, report.run_digest
    TO finance_ro, hub_auditor, hub_admin;

-- Whoever signs reads the end of the chain and adds a digest, nothing else.
GRANT USAGE ON SCHEMA ledger TO hub_digest;
GRANT SELECT (block_no, hash) ON ledger.block TO hub_digest;
GRANT EXECUTE ON FUNCTION ledger.digest_add(bigint, text) TO hub_digest;
