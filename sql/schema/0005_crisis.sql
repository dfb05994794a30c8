-- 0005_crisis.sql - crises (break-glass): events that an authority declares,
-- and the steps that follow: confirmed by a second person, ended, reported
-- (policy.md, sections 2 and 4).
--
-- Rows never change; what became of an event is in the view hub.crisis. The
-- rules are in triggers, so that they bind every writer; who is a crisis
-- authority is said by the region, and looked at by hubctl and by the hub.

SET LOCAL ROLE hub_owner;

CREATE TABLE hub.crisis_event (
	event_id	bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind		text COLLATE "C" NOT NULL
	    CHECK (kind ~ '^[a-z][a-z0-9-]{1,40}$'),
	authority	text COLLATE "C" NOT NULL
	    CHECK (authority ~ '^[a-z][a-z0-9-]{1,40}$'),
	area		text COLLATE "C" NOT NULL
	    CHECK (area ~ '^[a-z][a-z0-9-]{1,40}$'),
	reason		text NOT NULL
	    CHECK (length(reason) BETWEEN 1 AND 2000
	    AND reason = btrim(reason) AND reason !~ '[[:cntrl:]]'),
	declared_at	timestamptz NOT NULL DEFAULT now(),
	declared_by	text NOT NULL
	    CHECK (length(declared_by) BETWEEN 1 AND 255
	    AND declared_by = btrim(declared_by)
	    AND declared_by !~ '[[:cntrl:]]'),
	until		timestamptz NOT NULL,
	confirm_deadline timestamptz NOT NULL,
	report_within	interval NOT NULL
	    CHECK (report_within BETWEEN interval '1 minute'
	    AND interval '366 days'),
	-- An event of the same authority and kind that has been in force within
	-- the last day: a chain. Set by the trigger.
	follows		bigint REFERENCES hub.crisis_event,
	bundle_id	bigint REFERENCES hub.bundle,
	db_user		text NOT NULL DEFAULT session_user,
	CHECK (until > declared_at
	    AND until - declared_at <= interval '72 hours'),
	CHECK (confirm_deadline > declared_at
	    AND confirm_deadline - declared_at <= interval '60 minutes'),
	CHECK (follows < event_id)
);

CREATE TABLE hub.crisis_step (
	event_id	bigint NOT NULL REFERENCES hub.crisis_event,
	step		text NOT NULL
	    CHECK (step IN ('confirm', 'end', 'report')),
	at		timestamptz NOT NULL DEFAULT now(),
	person		text NOT NULL CHECK (length(person) BETWEEN 1 AND 255
	    AND person = btrim(person) AND person !~ '[[:cntrl:]]'),
	note		text NOT NULL DEFAULT ''
	    CHECK (length(note) <= 2000 AND note !~ '[[:cntrl:]]'),
	db_user		text NOT NULL DEFAULT session_user,
	PRIMARY KEY (event_id, step)
);

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE
    ON hub.crisis_event
    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE hub.crisis_event ENABLE ALWAYS TRIGGER immutable;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE
    ON hub.crisis_step
    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE hub.crisis_step ENABLE ALWAYS TRIGGER immutable;

-- began and finished: when it is, or was, in force (policies/crisis.c has the
-- same). In no force at all: began = finished.
CREATE VIEW hub.crisis AS
SELECT w.*,
	w.finished + w.report_within AS report_due,
	w.began < w.finished AND w.finished + w.report_within < now()
	    AND w.reported_at IS NULL AS overdue,
	CASE
	WHEN w.finished > now() AND w.began <= now() THEN
		CASE WHEN w.confirmed_at IS NULL THEN 'unconfirmed'
		ELSE 'confirmed' END
	WHEN w.ended_at IS NULL AND w.confirmed_at IS NULL
	    AND w.confirm_deadline > now() THEN 'waiting'
	WHEN w.reported_at IS NOT NULL THEN 'reported'
	WHEN w.ended_at <= w.finished THEN 'ended'
	WHEN w.confirmed_at IS NULL THEN 'lapsed'
	ELSE 'over' END AS state
FROM (
	SELECT v.*, greatest(v.began, v.last) AS finished
	FROM (
		SELECT e.*, c.at AS confirmed_at, c.person AS confirmed_by,
			x.at AS ended_at, x.person AS ended_by,
			r.at AS reported_at, r.person AS reported_by,
			r.note AS report_ref,
			CASE WHEN e.follows IS NULL THEN e.declared_at
			    ELSE coalesce(c.at, e.until) END AS began,
			least(e.until, x.at, CASE WHEN c.at IS NULL
			    THEN e.confirm_deadline END) AS last
		FROM hub.crisis_event e
		LEFT JOIN hub.crisis_step c
		    ON c.event_id = e.event_id AND c.step = 'confirm'
		LEFT JOIN hub.crisis_step x
		    ON x.event_id = e.event_id AND x.step = 'end'
		LEFT JOIN hub.crisis_step r
		    ON r.event_id = e.event_id AND r.step = 'report'
	) v
) w;

-- A chain is not live at once: else one person could keep an event in force,
-- an hour after the other. With a report overdue it takes the data protection
-- officer's account.
CREATE FUNCTION hub.crisis_event_check() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('hub.crisis'));
	IF EXISTS (SELECT FROM hub.crisis c
	    WHERE c.authority = new.authority AND c.overdue)
	    AND NOT pg_has_role(session_user, 'hub_dpo', 'USAGE') THEN
		RAISE EXCEPTION 'a report of % is overdue: the next crisis is '
		    'declared by an account with the role hub_dpo',
		    new.authority USING ERRCODE = 'insufficient_privilege';
	END IF;
	SELECT max(c.event_id) INTO new.follows FROM hub.crisis c
	    WHERE c.authority = new.authority AND c.kind = new.kind
	    AND c.began < c.finished
	    AND c.finished > new.declared_at - interval '1 day';
	RETURN new;
END
$$;
CREATE TRIGGER crisis_event_check BEFORE INSERT ON hub.crisis_event
    FOR EACH ROW EXECUTE FUNCTION hub.crisis_event_check();
ALTER TABLE hub.crisis_event ENABLE ALWAYS TRIGGER crisis_event_check;

CREATE FUNCTION hub.crisis_step_check() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	e hub.crisis%ROWTYPE;
	before hub.crisis%ROWTYPE;
	why text;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('hub.crisis'));
	SELECT * INTO e FROM hub.crisis c WHERE c.event_id = new.event_id;
	SELECT * INTO before FROM hub.crisis c WHERE c.event_id = e.follows;
	CASE new.step
	WHEN 'confirm' THEN
		why := CASE
		WHEN e.ended_at IS NOT NULL THEN 'it was ended'
		WHEN new.at > e.confirm_deadline OR new.at > e.until THEN
			'it has lapsed: declare it again'
		WHEN lower(new.person) = lower(e.declared_by) THEN
			'who declared it cannot confirm it'
		WHEN lower(new.person) IN (lower(before.declared_by),
		    lower(before.confirmed_by)) THEN
			'it follows on an event of the same person: another '
			'one confirms it'
		END;
	WHEN 'end' THEN
		why := CASE WHEN new.at >= least(e.until,
		    CASE WHEN e.confirmed_at IS NULL
		    THEN e.confirm_deadline END) THEN 'it is over' END;
	ELSE
		why := CASE WHEN new.at < e.finished THEN
			'it is still in force: end it first' END;
	END CASE;
	IF why IS NOT NULL THEN
		RAISE EXCEPTION 'crisis %: %', new.event_id, why
		    USING ERRCODE = 'insufficient_privilege';
	END IF;
	RETURN new;
END
$$;
CREATE TRIGGER crisis_step_check BEFORE INSERT ON hub.crisis_step
    FOR EACH ROW EXECUTE FUNCTION hub.crisis_step_check();
ALTER TABLE hub.crisis_step ENABLE ALWAYS TRIGGER crisis_step_check;

-- Ids only: who listens reads the tables.
CREATE FUNCTION hub.crisis_notify() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_notify('hub_policy', 'crisis:' || new.event_id);
	RETURN NULL;
END
$$;
CREATE TRIGGER crisis_notify AFTER INSERT ON hub.crisis_event
    FOR EACH ROW EXECUTE FUNCTION hub.crisis_notify();
ALTER TABLE hub.crisis_event ENABLE ALWAYS TRIGGER crisis_notify;
CREATE TRIGGER crisis_notify AFTER INSERT ON hub.crisis_step
    FOR EACH ROW EXECUTE FUNCTION hub.crisis_notify();
ALTER TABLE hub.crisis_step ENABLE ALWAYS TRIGGER crisis_notify;

CREATE FUNCTION hub.crisis_declare(what text, who text, place text,
    why text, person text, seconds bigint, report_seconds bigint)
RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO hub.crisis_event (kind, authority, area, reason,
	    declared_by, until, confirm_deadline, report_within, bundle_id)
	SELECT what, who, place, why, person,
	    now() + make_interval(secs => seconds),
	    now() + interval '60 minutes',
	    make_interval(secs => report_seconds), h.bundle_id
	FROM hub.head h RETURNING event_id
$$;

CREATE FUNCTION hub.crisis_do(event bigint, what text, who text, remark text)
RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO hub.crisis_step (event_id, step, person, note)
	VALUES (event, what, who, remark)
$$;

-- The draft of a report: who asked what under an event. Answers that a crisis
-- made wider carry a mark (flags, 128), not which one: of two at the same time
-- both drafts have them. hubd's clock may be a second off the database's.
CREATE FUNCTION hub.crisis_usage(event bigint)
RETURNS TABLE (consumer text, provider text, purpose text, agreement text,
    dataset text, first timestamptz, last timestamptz, requests bigint,
    entities bigint, bytes numeric)
LANGUAGE sql SECURITY DEFINER STABLE
SET search_path = pg_catalog, pg_temp AS $$
	SELECT l.consumer, l.provider, p.text, a.text, d.text, min(l.ts),
	    max(l.ts), count(DISTINCT l.request_id), sum(l.entities)::bigint,
	    sum(l.bytes_in)
	FROM hub.crisis c
	JOIN ledger.event l
	    ON l.service_period BETWEEN c.began::date - 32
	        AND c.finished::date + 2
	    AND l.ts BETWEEN c.began - interval '1 second'
	        AND c.finished + interval '1 minute'
	    AND l.class = 'leg' AND (l.flags & 128) <> 0
	LEFT JOIN ledger.dictionary a ON a.node_id = l.node_id
	    AND a.born = l.dict_born AND a.id = l.agreement
	LEFT JOIN ledger.dictionary p ON p.node_id = l.node_id
	    AND p.born = l.dict_born AND p.id = l.purpose
	LEFT JOIN ledger.dictionary d ON d.node_id = l.node_id
	    AND d.born = l.dict_born AND d.id = l.dataset
	WHERE c.event_id = event
	GROUP BY 1, 2, 3, 4, 5
	ORDER BY l.consumer COLLATE "C", l.provider COLLATE "C",
	    a.text COLLATE "C"
$$;

REVOKE ALL ON FUNCTION hub.crisis_event_check(), hub.crisis_step_check(),
    hub.crisis_notify(),
    hub.crisis_declare(text, text, text, text, text, bigint, bigint),
    hub.crisis_do(bigint, text, text, text),
    hub.crisis_usage(bigint) FROM PUBLIC;
GRANT SELECT ON hub.crisis_event, hub.crisis_step, hub.crisis
    TO hub_proxy, hub_admin, hub_dpo;
GRANT EXECUTE ON FUNCTION
    hub.crisis_declare(text, text, text, text, text, bigint, bigint),
    hub.crisis_do(bigint, text, text, text),
    hub.crisis_usage(bigint) TO hub_admin, hub_dpo;
