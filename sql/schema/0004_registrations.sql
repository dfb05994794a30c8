-- 0004_registrations.sql - context sources that tenants register through the
-- API (ETSI GS CIM 009, 5.9), and the epoch that counts their changes.
--
-- Nobody writes these tables directly. A change names the epoch that its
-- writer has seen, so that what was checked before it (one exclusive source
-- of an attribute) still holds when it is made. Unlike bundles these rows
-- change: they are the tenant's own, not a contract.

SET LOCAL ROLE hub_owner;

CREATE TABLE hub.registration (
	tenant		text COLLATE "C" NOT NULL
	    CHECK (tenant ~ '^[a-z][a-z0-9-]{1,40}$'),
	id		text COLLATE "C" NOT NULL
	    CHECK (octet_length(id) BETWEEN 3 AND 1024
	    AND id !~ '[[:cntrl:][:space:]]'),
	version		bigint NOT NULL DEFAULT 1 CHECK (version > 0),
	-- The @context in which its source writes names; '' is the core.
	context		text NOT NULL CHECK (octet_length(context) <= 1024),
	-- With names as IRIs; the hub's parser is the authority.
	document	text NOT NULL
	    CHECK (octet_length(document) BETWEEN 2 AND 131072),
	created_at	timestamptz NOT NULL DEFAULT now(),
	modified_at	timestamptz NOT NULL DEFAULT now(),
	db_user		text NOT NULL DEFAULT session_user,
	PRIMARY KEY (tenant, id),
	CHECK (modified_at >= created_at)
);

CREATE TABLE hub.registration_head (
	one		boolean PRIMARY KEY DEFAULT true CHECK (one),
	epoch		bigint NOT NULL CHECK (epoch >= 0)
);
INSERT INTO hub.registration_head (epoch) VALUES (0);
CREATE TRIGGER immutable BEFORE DELETE OR TRUNCATE ON hub.registration_head
    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE hub.registration_head ENABLE ALWAYS TRIGGER immutable;

-- A tenant's session sees its own rows, the hub sees all. The owner writes,
-- through the functions below alone.
ALTER TABLE hub.registration ENABLE ROW LEVEL SECURITY;
ALTER TABLE hub.registration FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON hub.registration TO hub_owner
    USING (true) WITH CHECK (true);
CREATE POLICY hub_reads ON hub.registration FOR SELECT
    TO hub_proxy, hub_admin, hub_dpo USING (true);
CREATE POLICY tenant_reads ON hub.registration FOR SELECT TO hub_tenant
    USING (tenant = current_setting('hub.tenant', true));

CREATE FUNCTION hub.registration_check() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF new.tenant <> old.tenant OR new.id <> old.id OR
	    new.version <> old.version + 1 OR
	    new.created_at <> old.created_at THEN
		RAISE EXCEPTION 'a registration keeps its tenant, id and birth'
		    USING ERRCODE = 'insufficient_privilege';
	END IF;
	RETURN new;
END
$$;
CREATE TRIGGER registration_check BEFORE UPDATE ON hub.registration
    FOR EACH ROW EXECUTE FUNCTION hub.registration_check();
ALTER TABLE hub.registration ENABLE ALWAYS TRIGGER registration_check;

-- Moves the epoch if it is still the one seen (NULL: whichever it is). Writers
-- queue here.
CREATE FUNCTION hub.registration_turn(seen_epoch bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
	now_epoch bigint;
BEGIN
	UPDATE hub.registration_head SET epoch = epoch + 1
	    WHERE seen_epoch IS NULL OR epoch = seen_epoch
	    RETURNING epoch INTO now_epoch;
	IF now_epoch IS NULL THEN
		RETURN false;
	END IF;
	-- Delivered at commit. Ids only: the listener reads the epoch itself.
	PERFORM pg_notify('hub_policy', 'registration:' || now_epoch);
	RETURN true;
END
$$;

-- What became of a change: 'done', 'moved' (another epoch: look again),
-- 'exists', 'none', 'full'.
CREATE FUNCTION hub.registration_create(owner text, name text,
    seen_epoch bigint, terms text, content text, most bigint)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT hub.registration_turn(seen_epoch) THEN
		RETURN 'moved';
	END IF;
	IF (SELECT count(*) FROM hub.registration r
	    WHERE r.tenant = owner) >= most THEN
		RETURN 'full';
	END IF;
	INSERT INTO hub.registration (tenant, id, context, document)
	VALUES (owner, name, terms, content) ON CONFLICT DO NOTHING;
	RETURN CASE WHEN found THEN 'done' ELSE 'exists' END;
END
$$;

CREATE FUNCTION hub.registration_update(owner text, name text,
    seen_epoch bigint, terms text, content text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT hub.registration_turn(seen_epoch) THEN
		RETURN 'moved';
	END IF;
	UPDATE hub.registration r SET version = r.version + 1,
	    context = terms, document = content, db_user = session_user,
	    modified_at = greatest(now(), r.created_at)
	    WHERE r.tenant = owner AND r.id = name;
	RETURN CASE WHEN found THEN 'done' ELSE 'none' END;
END
$$;

CREATE FUNCTION hub.registration_delete(owner text, name text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM hub.registration r
	    WHERE r.tenant = owner AND r.id = name) THEN
		RETURN 'none';
	END IF;
	PERFORM hub.registration_turn(NULL);
	DELETE FROM hub.registration r
	    WHERE r.tenant = owner AND r.id = name;
	RETURN CASE WHEN found THEN 'done' ELSE 'none' END;
END
$$;

REVOKE ALL ON FUNCTION hub.registration_check(),
    hub.registration_turn(bigint),
    hub.registration_create(text, text, bigint, text, text, bigint),
    hub.registration_update(text, text, bigint, text, text),
    hub.registration_delete(text, text) FROM PUBLIC;
GRANT SELECT ON hub.registration, hub.registration_head
    TO hub_proxy, hub_admin, hub_dpo;
GRANT SELECT ON hub.registration TO hub_tenant;
GRANT EXECUTE ON FUNCTION
    hub.registration_create(text, text, bigint, text, text, bigint),
    hub.registration_update(text, text, bigint, text, text),
    hub.registration_delete(text, text) TO hub_proxy;
