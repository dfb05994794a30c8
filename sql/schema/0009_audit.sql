-- 0009_audit.sql - who changed what, in a chain: each row carries the hash of
-- the one before it (policy.md section 2). What a bundle changes, in sentences,
-- and what it shares, under keys that hold whoever writes.
--
-- Rows come from triggers alone, which run as hub_owner; no role that is used
-- at run time can write, change or remove one. "hubctl audit --verify" works
-- out every hash again. Who can act as hub_owner can write the chain anew:
-- hence the last hash, kept elsewhere, is what proves the whole.

SET LOCAL ROLE hub_owner;

CREATE SCHEMA audit;
REVOKE ALL ON SCHEMA audit FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA audit
    REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE TABLE audit.change (
	change_id	bigint PRIMARY KEY CHECK (change_id > 0),
	at		timestamptz NOT NULL,
	actor		text NOT NULL,	-- as the change itself says
	actor_tenant	text COLLATE "C",
	db_user		text NOT NULL,	-- as the database knows
	tbl		text NOT NULL,
	key		text NOT NULL,
	op		text NOT NULL
	    CHECK (op IN ('FOUND', 'INSERT', 'UPDATE', 'DELETE')),
	old		jsonb,
	new		jsonb,
	prev_hash	bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
	hash		bytea NOT NULL CHECK (octet_length(hash) = 32)
);
-- Where the chain ends: rows cut off its end are missed, too.
CREATE TABLE audit.head (
	one		boolean PRIMARY KEY DEFAULT true CHECK (one),
	change_id	bigint NOT NULL,
	hash		bytea NOT NULL
);
INSERT INTO audit.head (change_id, hash)
VALUES (0, decode(repeat('00', 32), 'hex'));

-- A length in eight bytes, big-endian, before what it measures; -1: no value.
-- So no two rows give the same text.
CREATE FUNCTION audit.part(t text) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN t IS NULL THEN int8send(-1) ELSE
	    int8send(octet_length(convert_to(t, 'UTF8'))) ||
	    convert_to(t, 'UTF8') END
$$;

-- policies/audit.c has the same.
CREATE FUNCTION audit.hash_of(c audit.change) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT sha256(c.prev_hash || audit.part(c.change_id::text) ||
	    audit.part(to_char(c.at AT TIME ZONE 'UTC',
	        'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) ||
	    audit.part(c.actor) || audit.part(c.actor_tenant) ||
	    audit.part(c.db_user) || audit.part(c.tbl) || audit.part(c.key) ||
	    audit.part(c.op) || audit.part(c.old::text) ||
	    audit.part(c.new::text))
$$;

-- Writers queue at the head until their transaction ends. Whoever also takes
-- hub.head takes that first.
CREATE FUNCTION audit.add(who text, of_tenant text, in_table text,
    row_key text, what text, before jsonb, after jsonb)
RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	c audit.change%ROWTYPE;
BEGIN
	SELECT h.change_id + 1, h.hash INTO STRICT c.change_id, c.prev_hash
	    FROM audit.head h FOR UPDATE;
	c.at := clock_timestamp();
	c.actor := who;
	c.actor_tenant := of_tenant;
	c.db_user := session_user;
	c.tbl := in_table;
	c.key := row_key;
	c.op := what;
	c.old := before;
	c.new := after;
	c.hash := audit.hash_of(c);
	INSERT INTO audit.change SELECT (c).*;
	UPDATE audit.head SET change_id = c.change_id, hash = c.hash;
END
$$;

-- Who did it is in the row itself, or in what the row belongs to.
CREATE FUNCTION audit.actor(in_table text, r jsonb, OUT who text,
    OUT of_tenant text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	who := coalesce(r->>'created_by', r->>'declared_by', r->>'person');
	of_tenant := coalesce(r->>'tenant', r->>'authority');
	IF who IS NULL AND r ? 'bundle_id' THEN
		SELECT b.created_by INTO who FROM hub.bundle b
		    WHERE b.bundle_id = (r->>'bundle_id')::bigint;
	END IF;
	IF in_table = 'hub.crisis_step' THEN
		SELECT e.authority INTO of_tenant FROM hub.crisis_event e
		    WHERE e.event_id = (r->>'event_id')::bigint;
	END IF;
	who := coalesce(who, session_user);
END
$$;

-- The arguments are the columns of the key. Contents of files stand in the
-- chain by their hashes.
CREATE FUNCTION audit.note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
	before jsonb := CASE WHEN tg_op <> 'INSERT'
	    THEN to_jsonb(old) - 'bytes' - 'made_in' END;
	after jsonb := CASE WHEN tg_op <> 'DELETE'
	    THEN to_jsonb(new) - 'bytes' - 'made_in' END;
	r jsonb := coalesce(after, before);
	name text := tg_table_schema || '.' || tg_table_name;
	row_key text;
	a record;
BEGIN
	SELECT string_agg(r->>k, ' ' ORDER BY n) INTO row_key
	    FROM unnest(tg_argv) WITH ORDINALITY AS x(k, n);
	SELECT * INTO a FROM audit.actor(name, r);
	PERFORM audit.add(a.who, a.of_tenant, name, coalesce(row_key, ''),
	    tg_op, before, after);
	RETURN NULL;
END
$$;

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.change
    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE audit.change ENABLE ALWAYS TRIGGER immutable;
CREATE TRIGGER immutable BEFORE DELETE OR TRUNCATE ON audit.head
    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE audit.head ENABLE ALWAYS TRIGGER immutable;
CREATE TRIGGER immutable BEFORE TRUNCATE ON hub.registration
    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE hub.registration ENABLE ALWAYS TRIGGER immutable;

-- ---- what a bundle changes, and what it shares

-- true: somebody accepted that more is shared; NULL: nobody said.
ALTER TABLE hub.bundle ADD COLUMN widens boolean;

-- What region_diff says of it, in English; tenants' state is among it.
CREATE TABLE hub.bundle_change (
	bundle_id	bigint NOT NULL REFERENCES hub.bundle,
	number		integer NOT NULL CHECK (number > 0),
	kind		text NOT NULL
	    CHECK (kind IN ('WIDENS', 'NARROWS', 'NEUTRAL')),
	subject		text NOT NULL CHECK (octet_length(subject) <= 4096),
	sentence	text NOT NULL CHECK (octet_length(sentence) <= 65536),
	PRIMARY KEY (bundle_id, number)
);

-- Who owns what; and who shares it with whom, from when to when. That nobody
-- shares what is not theirs, and nothing with themselves, and that two
-- versions of an agreement do not hold on the same day, is checked here beside
-- the parser of region files: by keys, whoever writes.
CREATE TABLE hub.bundle_dataset (
	bundle_id	bigint NOT NULL REFERENCES hub.bundle,
	dataset		text COLLATE "C" NOT NULL,
	owner		text COLLATE "C" NOT NULL
	    CHECK (owner ~ '^[a-z][a-z0-9-]{1,40}$'),
	PRIMARY KEY (bundle_id, dataset, owner)
);
CREATE TABLE hub.bundle_agreement (
	bundle_id	bigint NOT NULL,
	agreement	text COLLATE "C" NOT NULL
	    CHECK (agreement ~ '^[a-z][a-z0-9-]{1,40}$'),
	version		integer NOT NULL CHECK (version > 0),
	provider	text COLLATE "C" NOT NULL,
	consumer	text COLLATE "C" NOT NULL
	    CHECK (consumer ~ '^[a-z][a-z0-9-]{1,40}$'),
	dataset		text COLLATE "C" NOT NULL,
	period		daterange NOT NULL CHECK (NOT isempty(period)
	    AND NOT upper_inf(period) AND NOT lower_inf(period)),
	content_sha256	bytea NOT NULL
	    CHECK (octet_length(content_sha256) = 32),
	PRIMARY KEY (bundle_id, agreement, version),
	CHECK (provider <> consumer),
	FOREIGN KEY (bundle_id, dataset, provider)
	    REFERENCES hub.bundle_dataset (bundle_id, dataset, owner),
	-- Equality as ranges of one value: needs no extension.
	EXCLUDE USING gist (
	    int8range(bundle_id, bundle_id, '[]') WITH &&,
	    int8range(hashtextextended(agreement, 0) >> 1,
		hashtextextended(agreement, 0) >> 1, '[]') WITH &&,
	    period WITH &&)
);

DO $$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY ARRAY['hub.bundle_change', 'hub.bundle_dataset',
	    'hub.bundle_agreement'] LOOP
		EXECUTE format('CREATE TRIGGER immutable BEFORE UPDATE OR '
		    'DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE '
		    'FUNCTION hub.refuse_change()', t);
		EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER '
		    'immutable', t);
	END LOOP;
END
$$;

CREATE FUNCTION hub.bundle_begin(hash bytea, author text, remark text,
    more boolean)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	id bigint;
BEGIN
	-- Before the end of the chain, as everywhere.
	PERFORM FROM hub.head FOR UPDATE;
	INSERT INTO hub.bundle (parent_id, sha256, created_by, note, widens)
	SELECT h.bundle_id, hash, author, remark, more FROM hub.head h
	RETURNING bundle_id INTO id;
	RETURN id;
END
$$;
CREATE OR REPLACE FUNCTION hub.bundle_begin(hash bytea, author text,
    remark text)
RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	SELECT hub.bundle_begin(hash, author, remark, NULL)
$$;

-- Only the transaction that made a bundle says more of it.
CREATE FUNCTION hub.bundle_open(bundle bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM hub.bundle b WHERE b.bundle_id = bundle
	    AND b.made_in = pg_current_xact_id_if_assigned())
	    OR EXISTS (SELECT FROM hub.head h WHERE h.bundle_id = bundle) THEN
		RAISE EXCEPTION 'bundle % is complete', bundle
		    USING ERRCODE = 'insufficient_privilege';
	END IF;
END
$$;
CREATE FUNCTION hub.bundle_tell(bundle bigint, change integer, what text,
    about text, said text)
RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	SELECT hub.bundle_open(bundle);
	INSERT INTO hub.bundle_change (bundle_id, number, kind, subject,
	    sentence)
	VALUES (bundle, change, what, about, said)
$$;
CREATE FUNCTION hub.bundle_own(bundle bigint, name text, of_tenant text)
RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	SELECT hub.bundle_open(bundle);
	INSERT INTO hub.bundle_dataset (bundle_id, dataset, owner)
	VALUES (bundle, name, of_tenant)
$$;
CREATE FUNCTION hub.bundle_agree(bundle bigint, name text, ver integer,
    giver text, taker text, of_dataset text, first date, last date,
    content bytea)
RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	SELECT hub.bundle_open(bundle);
	INSERT INTO hub.bundle_agreement (bundle_id, agreement, version,
	    provider, consumer, dataset, period, content_sha256)
	VALUES (bundle, name, ver, giver, taker, of_dataset,
	    daterange(first, last, '[]'), content)
$$;

-- ---- the chain begins with what is there

DO $$
DECLARE
	t record;
	r jsonb;
	a record;
	row_key text;
BEGIN
	SET LOCAL timezone = 'UTC';
	FOR t IN SELECT * FROM (VALUES
	    ('hub.bundle', ARRAY['bundle_id']),
	    ('hub.bundle_file', ARRAY['bundle_id', 'path']),
	    ('hub.bundle_change', ARRAY['bundle_id', 'number']),
	    ('hub.bundle_dataset', ARRAY['bundle_id', 'dataset']),
	    ('hub.bundle_agreement', ARRAY['bundle_id', 'agreement',
		'version']),
	    ('hub.head', ARRAY['bundle_id']),
	    ('hub.crisis_event', ARRAY['event_id']),
	    ('hub.crisis_step', ARRAY['event_id', 'step']),
	    ('hub.registration', ARRAY['tenant', 'id']),
	    ('hub.signature', ARRAY['signature_id'])) AS v(name, columns)
	LOOP
		FOR r IN EXECUTE format('SELECT to_jsonb(x) - ''bytes'' - '
		    '''made_in'' FROM %s x ORDER BY %s', t.name,
		    array_to_string(t.columns, ', ')) LOOP
			SELECT string_agg(r->>k, ' ' ORDER BY n) INTO row_key
			    FROM unnest(t.columns) WITH ORDINALITY AS x(k, n);
			SELECT * INTO a FROM audit.actor(t.name, r);
			PERFORM audit.add(a.who, a.of_tenant, t.name,
			    coalesce(row_key, ''), 'FOUND', NULL, r);
		END LOOP;
		EXECUTE format('CREATE TRIGGER audited AFTER INSERT OR UPDATE '
		    'OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION '
		    'audit.note(%s)', t.name, array_to_string(t.columns, ', '));
		EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER audited',
		    t.name);
	END LOOP;
END
$$;

-- ---- rights

-- Who is bound by row level security sees its own tenant's changes. FORCE: the
-- owner is bound as well, and has a policy of its own for what triggers do.
ALTER TABLE audit.change ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.change FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_reads ON audit.change FOR SELECT TO hub_owner
    USING (true);
CREATE POLICY owner_adds ON audit.change FOR INSERT TO hub_owner
    WITH CHECK (true);
CREATE POLICY hub_reads ON audit.change FOR SELECT TO hub_admin, hub_dpo
    USING (true);
CREATE POLICY tenant_reads ON audit.change FOR SELECT TO hub_tenant
    USING (actor_tenant = current_setting('hub.tenant', true));

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC;
REVOKE ALL ON FUNCTION hub.bundle_begin(bytea, text, text, boolean),
    hub.bundle_open(bigint),
    hub.bundle_tell(bigint, integer, text, text, text),
    hub.bundle_own(bigint, text, text),
    hub.bundle_agree(bigint, text, integer, text, text, text, date, date,
	bytea) FROM PUBLIC;
GRANT USAGE ON SCHEMA audit TO hub_admin, hub_dpo, hub_tenant;
GRANT SELECT ON audit.change TO hub_admin, hub_dpo, hub_tenant;
GRANT SELECT ON audit.head TO hub_admin, hub_dpo;
GRANT SELECT ON hub.bundle_change, hub.bundle_dataset, hub.bundle_agreement
    TO hub_proxy, hub_admin, hub_dpo;
GRANT EXECUTE ON FUNCTION hub.bundle_begin(bytea, text, text, boolean),
    hub.bundle_tell(bigint, integer, text, text, text),
    hub.bundle_own(bigint, text, text),
    hub.bundle_agree(bigint, text, integer, text, text, text, date, date,
	bytea) TO hub_admin;
