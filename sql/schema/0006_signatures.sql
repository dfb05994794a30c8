-- 0006_signatures.sql - who signed which text of an agreement, and when
-- (policy.md section 2). They count together with signed-by of the files.
--
-- A signature is of the content, not of the bundle that has it: the hash is
-- made of what the agreement says, so another text needs new signatures and
-- the old one, when it comes back, has its own again.

SET LOCAL ROLE hub_owner;

CREATE TABLE hub.signature (
	signature_id	bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	agreement	text COLLATE "C" NOT NULL
	    CHECK (agreement ~ '^[a-z][a-z0-9-]{1,40}$'),
	version		integer NOT NULL CHECK (version > 0),
	content_sha256	bytea NOT NULL
	    CHECK (octet_length(content_sha256) = 32),
	tenant		text COLLATE "C" NOT NULL
	    CHECK (tenant ~ '^[a-z][a-z0-9-]{1,40}$'),
	side		text NOT NULL CHECK (side IN ('provider', 'consumer')),
	person		text COLLATE "C" NOT NULL CHECK (
	    octet_length(person) BETWEEN 1 AND 255
	    AND person !~ '[[:cntrl:]]' AND person = btrim(person)),
	bundle_id	bigint NOT NULL REFERENCES hub.bundle,
	signed_at	timestamptz NOT NULL DEFAULT now(),
	db_user		text NOT NULL DEFAULT session_user,
	UNIQUE (agreement, content_sha256, side),
	-- Nobody signs for both sides.
	UNIQUE (agreement, content_sha256, person)
);

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON hub.signature
    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE hub.signature ENABLE ALWAYS TRIGGER immutable;

-- Delivered at commit; ids only. The listener reads the table itself.
CREATE FUNCTION hub.signature_notify() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_notify('hub_policy', 'signature:' || new.signature_id);
	RETURN NULL;
END
$$;
CREATE TRIGGER signature_notify AFTER INSERT ON hub.signature
    FOR EACH ROW EXECUTE FUNCTION hub.signature_notify();
ALTER TABLE hub.signature ENABLE ALWAYS TRIGGER signature_notify;

-- The caller says which bundle it has read the text from: it must still be in
-- force, and its author does not sign it.
CREATE FUNCTION hub.signature_add(name text, ver integer, content bytea,
    signer text, role text, who text, bundle bigint)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	author text;
	id bigint;
BEGIN
	SELECT b.created_by INTO author FROM hub.head h
	    JOIN hub.bundle b USING (bundle_id)
	    WHERE h.bundle_id = bundle FOR SHARE OF h;
	IF NOT found THEN
		RAISE EXCEPTION 'bundle % is not in force', bundle
		    USING ERRCODE = 'serialization_failure';
	END IF;
	IF author = who THEN
		RAISE EXCEPTION '% has applied this bundle and cannot sign in it',
		    who USING ERRCODE = 'insufficient_privilege';
	END IF;
	INSERT INTO hub.signature (agreement, version, content_sha256, tenant,
	    side, person, bundle_id)
	VALUES (name, ver, content, signer, role, who, bundle)
	RETURNING signature_id INTO id;
	RETURN id;
END
$$;

REVOKE ALL ON FUNCTION hub.signature_notify(),
    hub.signature_add(text, integer, bytea, text, text, text, bigint)
    FROM PUBLIC;
GRANT SELECT ON hub.signature TO hub_proxy, hub_admin, hub_dpo;
GRANT EXECUTE ON FUNCTION
    hub.signature_add(text, integer, bytea, text, text, text, bigint)
    TO hub_admin;
