-- 0010_hubs.sql - what several hubs on one database share: who of them is
-- there, what is left of quotas, what is revoked; and who was told of a
-- crisis (policy.md sections 2 and 4).

SET LOCAL ROLE hub_owner;

-- ---- hubs

-- By the number of the hub's spool. boot tells two processes of one number
-- apart: they would overwrite each other's place in the ledger.
CREATE TABLE hub.node (
	node_id		integer PRIMARY KEY CHECK (node_id BETWEEN 1 AND 65535),
	boot		text NOT NULL CHECK (length(boot) BETWEEN 1 AND 64),
	since		timestamptz NOT NULL DEFAULT now(),
	seen_at		timestamptz NOT NULL DEFAULT now()
);

-- A hub that was not seen for so long holds nothing any more.
CREATE FUNCTION hub.node_life() RETURNS interval
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT interval '10 seconds'
$$;

-- was: the process that was there before under that number, if any.
CREATE FUNCTION hub.node_beat(node integer, process text,
    OUT live integer, OUT epoch bigint, OUT was text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	SELECT n.boot INTO was FROM hub.node n WHERE n.node_id = node;
	INSERT INTO hub.node AS n (node_id, boot) VALUES (node, process)
	ON CONFLICT (node_id) DO UPDATE SET seen_at = now(),
	    boot = excluded.boot,
	    since = CASE WHEN n.boot = excluded.boot THEN n.since
		ELSE now() END;
	SELECT count(*) INTO live FROM hub.node n
	    WHERE n.seen_at > now() - hub.node_life();
	SELECT h.epoch INTO epoch FROM hub.head h;
END
$$;

-- ---- quotas

-- A bucket as in tenants/quota.c: full_at_ns is the instant (nanoseconds since
-- 1970, by this server's clock) at which it would be full again. day_used is
-- what was used on that German calendar day.
CREATE TABLE hub.quota_bucket (
	bucket_id	bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	consumer	text COLLATE "C" NOT NULL,
	agreement	text COLLATE "C" NOT NULL,
	what		text COLLATE "C" NOT NULL,
	rate		text COLLATE "C" NOT NULL,
	full_at_ns	bigint NOT NULL DEFAULT 0,
	day		date NOT NULL,
	day_used	bigint NOT NULL DEFAULT 0,
	UNIQUE (consumer, agreement, what, rate)
);

-- What a hub may use until it asks again: level_ns at at_ns, and of what comes
-- back one part in share (0: nothing).
CREATE TABLE hub.quota_lease (
	bucket_id	bigint NOT NULL
	    REFERENCES hub.quota_bucket ON DELETE CASCADE,
	node_id		integer NOT NULL,
	at_ns		bigint NOT NULL,
	level_ns	bigint NOT NULL CHECK (level_ns >= 0),
	share		integer NOT NULL CHECK (share >= 0),
	day		date NOT NULL,
	day_left	bigint NOT NULL CHECK (day_left >= 0),
	active_ns	bigint NOT NULL,
	PRIMARY KEY (bucket_id, node_id)
);

CREATE FUNCTION hub.now_ns() RETURNS bigint
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint
$$;

-- One bucket: books what the hub has used since it asked last (the first of it
-- since_ns ago), and gives it a part of what the others do not hold. What they
-- hold counts in full, also what came back to them meanwhile: so all together
-- never have more than the bucket.
CREATE FUNCTION hub.quota_lease_one(node integer, bucket bigint,
    interval_ns bigint, depth_ns bigint, daily bigint, used bigint,
    since_ns bigint, asked boolean, live integer,
    OUT level_ns bigint, OUT share integer, OUT day_left bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	b hub.quota_bucket%ROWTYPE;
	t bigint;
	today date;
	active boolean;
	held bigint;		-- by the others
	held_day bigint;
	sharers integer;	-- hubs that are asked under it
BEGIN
	SELECT * INTO STRICT b FROM hub.quota_bucket q
	    WHERE q.bucket_id = bucket FOR UPDATE;
	t := hub.now_ns();
	today := (clock_timestamp() AT TIME ZONE 'Europe/Berlin')::date;
	IF b.day < today THEN
		b.day := today;
		b.day_used := 0;
	END IF;
	b.day_used := greatest(b.day_used + used, 0);
	b.full_at_ns := least(greatest(b.full_at_ns, t - greatest(since_ns, 0))
	    + used::numeric * interval_ns, t + 2 * depth_ns::numeric)::bigint;
	UPDATE hub.quota_bucket q SET full_at_ns = b.full_at_ns, day = b.day,
	    day_used = b.day_used WHERE q.bucket_id = bucket
	    AND (q.full_at_ns, q.day, q.day_used)
	    IS DISTINCT FROM (b.full_at_ns, b.day, b.day_used);

	SELECT coalesce(sum(least(l.level_ns + CASE WHEN l.share > 0
		THEN (t - l.at_ns) / l.share ELSE 0 END,
		greatest(l.level_ns, depth_ns / live))), 0),
	    coalesce(sum(l.day_left) FILTER (WHERE l.day = b.day), 0),
	    count(*) FILTER (WHERE l.active_ns > t - 5000000000)
	INTO held, held_day, sharers
	FROM hub.quota_lease l JOIN hub.node n USING (node_id)
	WHERE l.bucket_id = bucket AND l.node_id <> node
	    AND n.seen_at > now() - hub.node_life();
	active := asked OR used <> 0 OR EXISTS (SELECT FROM hub.quota_lease l
	    WHERE l.bucket_id = bucket AND l.node_id = node
	    AND l.active_ns > t - 5000000000);
	sharers := sharers + active::integer;

	level_ns := depth_ns - greatest(b.full_at_ns - t, 0);
	day_left := greatest(daily - b.day_used, 0);
	share := 1;
	IF live > 1 THEN
		share := CASE WHEN active THEN sharers ELSE 0 END;
		level_ns := least(level_ns - held, CASE WHEN active
		    THEN greatest(level_ns / sharers, interval_ns)
		    ELSE interval_ns END);
		day_left := greatest(least(day_left - held_day, CASE WHEN active
		    THEN greatest(day_left / sharers, 1) ELSE 1 END), 0);
	END IF;
	INSERT INTO hub.quota_lease AS l (bucket_id, node_id, at_ns, level_ns,
	    share, day, day_left, active_ns)
	VALUES (bucket, node, t, greatest(quota_lease_one.level_ns, 0),
	    quota_lease_one.share, b.day, quota_lease_one.day_left,
	    CASE WHEN asked OR used <> 0 THEN t ELSE 0 END)
	ON CONFLICT (bucket_id, node_id) DO UPDATE SET at_ns = excluded.at_ns,
	    level_ns = excluded.level_ns, share = excluded.share,
	    day = excluded.day, day_left = excluded.day_left,
	    active_ns = greatest(l.active_ns, excluded.active_ns);
END
$$;

-- items: a list of objects with c(onsumer), a(greement), w(hat), r(ate),
-- i(nterval_ns), d(epth_ns), y (daily; 0: none), u(sed), s(ince_ns) and
-- k (asked). One row each, by their place in the list.
CREATE FUNCTION hub.quota_lease(node integer, items jsonb)
RETURNS TABLE (place integer, level_ns bigint, share integer,
    day_left bigint, day_ends_us bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	x record;
	bucket bigint;
	lives integer;
	berlin timestamp := clock_timestamp() AT TIME ZONE 'Europe/Berlin';
BEGIN
	SELECT greatest(count(*), 1) INTO lives FROM hub.node n
	    WHERE n.seen_at > now() - hub.node_life();
	day_ends_us := extract(epoch FROM (berlin::date + 1)::timestamp
	    AT TIME ZONE 'Europe/Berlin' - clock_timestamp()) * 1000000;
	-- In one order, so that two hubs do not wait for each other.
	FOR x IN SELECT o.n, i.* FROM jsonb_array_elements(items)
	    WITH ORDINALITY AS o (item, n), jsonb_to_record(o.item) AS
	    i (c text, a text, w text, r text, i bigint, d bigint, y bigint,
		u bigint, s bigint, k boolean)
	    ORDER BY i.c COLLATE "C", i.a COLLATE "C", i.w COLLATE "C",
		i.r COLLATE "C"
	LOOP
		SELECT q.bucket_id INTO bucket FROM hub.quota_bucket q
		    WHERE (q.consumer, q.agreement, q.what, q.rate) =
			(x.c, x.a, x.w, x.r);
		IF NOT found THEN
			INSERT INTO hub.quota_bucket AS q (consumer, agreement,
			    what, rate, day) VALUES (x.c, x.a, x.w, x.r,
			    berlin::date)
			ON CONFLICT (consumer, agreement, what, rate)
			    DO UPDATE SET rate = excluded.rate
			RETURNING q.bucket_id INTO bucket;
		END IF;
		place := x.n;
		SELECT l.level_ns, l.share, l.day_left
		    INTO quota_lease.level_ns, quota_lease.share,
			quota_lease.day_left
		    FROM hub.quota_lease_one(node, bucket, x.i, x.d, x.y, x.u,
			x.s, x.k, lives) l;
		RETURN NEXT;
	END LOOP;
END
$$;

-- At the end of a process: what it held is free at once. Buckets that say
-- nothing any more go.
CREATE FUNCTION hub.node_leave(node integer, process text)
RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	DELETE FROM hub.quota_lease l USING hub.node n
	    WHERE l.node_id = node AND n.node_id = node AND n.boot = process;
	DELETE FROM hub.quota_bucket q WHERE q.full_at_ns < hub.now_ns()
	    AND q.day < (now() AT TIME ZONE 'Europe/Berlin')::date
	    AND NOT EXISTS (SELECT FROM hub.quota_lease l
		WHERE l.bucket_id = q.bucket_id);
	DELETE FROM hub.node n WHERE n.node_id = node AND n.boot = process;
$$;

-- ---- whose turn it is

-- Kept in rows of the owner's: an advisory lock can be held by any account that
-- may log in, and would then keep a crisis from being declared and a token from
-- being revoked.
CREATE TABLE hub.turn (name text PRIMARY KEY);
INSERT INTO hub.turn VALUES ('crisis'), ('revocation');

-- ---- what is revoked

-- Rows never change; one that was made in error is lifted by another row.
CREATE TABLE hub.revocation (
	rev_id		bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind		text NOT NULL CHECK (kind IN ('jti', 'client',
	    'subject', 'certificate', 'tenant', 'agreement')),
	value		text COLLATE "C" NOT NULL CHECK (
	    octet_length(value) BETWEEN 1 AND 255
	    AND value !~ '[[:cntrl:]]'),
	issuer		text COLLATE "C" NOT NULL DEFAULT '' CHECK (
	    octet_length(issuer) <= 1024 AND issuer !~ '[[:cntrl:][:space:]]'
	    AND (issuer = '' OR kind IN ('jti', 'client', 'subject'))),
	reason		text NOT NULL CHECK (
	    length(reason) BETWEEN 1 AND 2000 AND reason !~ '[[:cntrl:]]'),
	from_ts		timestamptz NOT NULL DEFAULT now(),
	until_ts	timestamptz CHECK (until_ts > from_ts),
	db_user		text NOT NULL DEFAULT session_user
);
CREATE TABLE hub.revocation_lift (
	rev_id		bigint PRIMARY KEY REFERENCES hub.revocation,
	at		timestamptz NOT NULL DEFAULT now(),
	reason		text NOT NULL CHECK (
	    length(reason) BETWEEN 1 AND 2000 AND reason !~ '[[:cntrl:]]'),
	db_user		text NOT NULL DEFAULT session_user
);

DO $$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY ARRAY['revocation', 'revocation_lift'] LOOP
		EXECUTE format('CREATE TRIGGER immutable BEFORE UPDATE OR '
		    'DELETE OR TRUNCATE ON hub.%I FOR EACH STATEMENT '
		    'EXECUTE FUNCTION hub.refuse_change()', t);
		EXECUTE format('ALTER TABLE hub.%I ENABLE ALWAYS TRIGGER '
		    'immutable', t);
	END LOOP;
END
$$;

CREATE VIEW hub.revoked AS
SELECT r.* FROM hub.revocation r
WHERE (r.until_ts IS NULL OR r.until_ts > now())
    AND NOT EXISTS (SELECT FROM hub.revocation_lift l
	WHERE l.rev_id = r.rev_id);

-- More than hubs take would have to be refused as a whole: none is taken in.
CREATE FUNCTION hub.revocation_check() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM FROM hub.turn WHERE name = 'revocation' FOR UPDATE;
	IF (SELECT count(*) FROM hub.revoked) >= 10000 THEN
		RAISE EXCEPTION 'there are 10000 revocations: let some end, or '
		    'revoke the tenant or the client'
		    USING ERRCODE = 'program_limit_exceeded';
	END IF;
	RETURN new;
END
$$;
CREATE TRIGGER revocation_check BEFORE INSERT ON hub.revocation
    FOR EACH ROW EXECUTE FUNCTION hub.revocation_check();
ALTER TABLE hub.revocation ENABLE ALWAYS TRIGGER revocation_check;

-- Ids only: who listens reads the tables.
CREATE FUNCTION hub.revocation_notify() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_notify('hub_policy', 'revocation:' || new.rev_id);
	RETURN NULL;
END
$$;
CREATE TRIGGER revocation_notify AFTER INSERT ON hub.revocation
    FOR EACH ROW EXECUTE FUNCTION hub.revocation_notify();
ALTER TABLE hub.revocation ENABLE ALWAYS TRIGGER revocation_notify;
CREATE TRIGGER revocation_notify AFTER INSERT ON hub.revocation_lift
    FOR EACH ROW EXECUTE FUNCTION hub.revocation_notify();
ALTER TABLE hub.revocation_lift ENABLE ALWAYS TRIGGER revocation_notify;

CREATE FUNCTION hub.revoke(what text, name text, iss text, why text,
    ends timestamptz)
RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO hub.revocation (kind, value, issuer, reason, until_ts)
	VALUES (what, name, iss, why, ends) RETURNING rev_id
$$;
CREATE FUNCTION hub.unrevoke(id bigint, why text)
RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO hub.revocation_lift (rev_id, reason) VALUES (id, why)
$$;

-- ---- who was told of a crisis

-- One row for each agreement that an event wakes: its provider is told.
CREATE TABLE hub.crisis_notice (
	event_id	bigint NOT NULL REFERENCES hub.crisis_event,
	agreement	text COLLATE "C" NOT NULL
	    CHECK (agreement ~ '^[a-z][a-z0-9-]{1,40}$'),
	provider	text COLLATE "C" NOT NULL
	    CHECK (provider ~ '^[a-z][a-z0-9-]{1,40}$'),
	consumer	text COLLATE "C" NOT NULL
	    CHECK (consumer ~ '^[a-z][a-z0-9-]{1,40}$'),
	widens		text NOT NULL DEFAULT '' CHECK (length(widens) <= 4000
	    AND widens !~ '[[:cntrl:]]'),
	noted_at	timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (event_id, agreement)
);
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE
    ON hub.crisis_notice
    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE hub.crisis_notice ENABLE ALWAYS TRIGGER immutable;

-- Written by whoever puts the event in force first; the others find it there.
CREATE FUNCTION hub.crisis_note(event bigint, name text, owner text,
    asker text, what text)
RETURNS boolean LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	WITH new AS (
		INSERT INTO hub.crisis_notice (event_id, agreement, provider,
		    consumer, widens) VALUES (event, name, owner, asker, what)
		ON CONFLICT (event_id, agreement) DO NOTHING RETURNING 1
	) SELECT EXISTS (SELECT FROM new)
$$;

-- ---- all of it stands in the audit chain

DO $$
DECLARE
	t record;
BEGIN
	FOR t IN SELECT * FROM (VALUES
	    ('hub.revocation', 'rev_id'),
	    ('hub.revocation_lift', 'rev_id'),
	    ('hub.crisis_notice', 'event_id, agreement')) AS v(name, columns)
	LOOP
		EXECUTE format('CREATE TRIGGER audited AFTER INSERT OR UPDATE '
		    'OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION '
		    'audit.note(%s)', t.name, t.columns);
		EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER audited',
		    t.name);
	END LOOP;
END
$$;

-- ---- rights

REVOKE ALL ON FUNCTION hub.node_life(), hub.node_beat(integer, text),
    hub.node_leave(integer, text), hub.now_ns(),
    hub.quota_lease_one(integer, bigint, bigint, bigint, bigint, bigint,
	bigint, boolean, integer),
    hub.quota_lease(integer, jsonb), hub.revocation_check(),
    hub.revocation_notify(),
    hub.revoke(text, text, text, text, timestamptz),
    hub.unrevoke(bigint, text),
    hub.crisis_note(bigint, text, text, text, text) FROM PUBLIC;
GRANT SELECT ON hub.node, hub.quota_bucket, hub.quota_lease, hub.revocation,
    hub.revocation_lift, hub.revoked, hub.crisis_notice
    TO hub_proxy, hub_admin, hub_dpo;
GRANT EXECUTE ON FUNCTION hub.node_beat(integer, text),
    hub.node_leave(integer, text), hub.quota_lease(integer, jsonb),
    hub.crisis_note(bigint, text, text, text, text) TO hub_proxy;
GRANT EXECUTE ON FUNCTION hub.revoke(text, text, text, text, timestamptz),
    hub.unrevoke(bigint, text) TO hub_admin, hub_dpo;
-- Crises over HTTP: the hub looks at role, tenant and fresh login, the triggers
-- of 0005_crisis.sql at all else.
GRANT EXECUTE ON FUNCTION
    hub.crisis_declare(text, text, text, text, text, bigint, bigint),
    hub.crisis_do(bigint, text, text, text) TO hub_proxy;
