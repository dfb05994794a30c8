-- 0015_turns.sql - the rules of 0005_crisis.sql, where whose turn it is stands
-- in hub.turn (0010_hubs.sql), and the time of a step is when it is taken, not
-- when its transaction began.

SET LOCAL ROLE hub_owner;

CREATE OR REPLACE FUNCTION hub.crisis_event_check() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM FROM hub.turn WHERE name = 'crisis' FOR UPDATE;
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

CREATE OR REPLACE FUNCTION hub.crisis_step_check() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	e hub.crisis%ROWTYPE;
	before hub.crisis%ROWTYPE;
	why text;
BEGIN
	PERFORM FROM hub.turn WHERE name = 'crisis' FOR UPDATE;
	IF new.at = now() THEN
		new.at := clock_timestamp();
	END IF;
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

-- What was checked in time and is committed an hour later was not in time: a
-- confirmation must not wake an event that has lapsed for everybody else.
CREATE FUNCTION hub.crisis_step_late() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF clock_timestamp() > now() + interval '1 minute' THEN
		RAISE EXCEPTION 'crisis %: the transaction took over a minute: '
		    'try again', new.event_id
		    USING ERRCODE = 'insufficient_privilege';
	END IF;
	RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER crisis_step_late AFTER INSERT ON hub.crisis_step
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION hub.crisis_step_late();
ALTER TABLE hub.crisis_step ENABLE ALWAYS TRIGGER crisis_step_late;

REVOKE ALL ON FUNCTION hub.crisis_event_check(), hub.crisis_step_check(),
    hub.crisis_step_late() FROM PUBLIC;
