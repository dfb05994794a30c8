-- 0008_capture.sql - what an operator must know of what the hubs recorded, and
-- estimates booked by hand.

SET LOCAL ROLE hub_owner;

-- Why somebody booked uses that no hub recorded, and what loss is settled by
-- it. Their events carry the id
-- as decision_id; their own ids follow from it, so that what broke off is
-- finished by the same command, and nothing is booked twice.
CREATE TABLE ledger.estimate_note (
	id uuid PRIMARY KEY,
	reference text NOT NULL UNIQUE CHECK (length(reference) BETWEEN 1
	    AND 200),
	reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
	by_person text NOT NULL CHECK (length(by_person) BETWEEN 1 AND 200),
	day date NOT NULL,
	consumer text NOT NULL,
	provider text NOT NULL,
	requests bigint NOT NULL CHECK (requests BETWEEN 0 AND 100000),
	entities bigint NOT NULL CHECK (entities >= 0),
	bytes bigint NOT NULL CHECK (bytes >= 0),
	-- The loss that this settles: so many records of that node.
	node_id int,
	missing bigint,
	CHECK ((node_id IS NULL) = (missing IS NULL)),
	CHECK (requests > 0 OR node_id IS NOT NULL),
	noted_at timestamptz NOT NULL DEFAULT now(),
	noted_by text NOT NULL DEFAULT session_user
);
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE
	ON ledger.estimate_note
	FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE ledger.estimate_note ENABLE ALWAYS TRIGGER immutable;

-- How far each hub's records are known. watermark: they are complete up to
-- then, since a hub that has nothing to record still says so each minute.
-- missing: records that were written and never seen; settled: so many of them
-- somebody has made up for, or said that nothing was in them.
CREATE VIEW report.capture AS
SELECT node_id, max(boot_epoch) AS boot_epoch,
    max(ts_watermark) AS watermark, sum(missing)::bigint AS missing,
    (SELECT coalesce(max(n.missing), 0) FROM ledger.estimate_note n
	WHERE n.node_id = k.node_id) AS settled,
    (SELECT count(*) FROM ledger.ledger_conflict c
	WHERE c.node_id = k.node_id) AS conflicts
FROM ledger.spool_checkpoint k GROUP BY node_id;

-- Empty when all is well. 'outside': events so far away in time that no
-- partition takes them; no node's.
CREATE VIEW report.capture_alarm AS
SELECT 'missing' AS kind, node_id, missing - settled AS records
FROM report.capture WHERE missing > settled
UNION ALL
SELECT 'conflict', node_id, count(*) FROM ledger.ledger_conflict
GROUP BY node_id
UNION ALL
SELECT 'outside', 0, count(*) FROM ledger.event_default HAVING count(*) > 0;

CREATE VIEW report.estimate AS
SELECT n.reference, n.reason, n.by_person, n.day, n.consumer, n.provider,
    n.requests, n.entities, n.bytes, n.node_id, n.missing, n.noted_at, n.noted_by
FROM ledger.estimate_note n;

GRANT SELECT ON report.capture, report.capture_alarm, report.estimate
    TO finance_ro;
GRANT USAGE ON SCHEMA report TO hub_ingest;
GRANT SELECT ON report.capture, report.capture_alarm TO hub_ingest;
