-- 0002_policy.sql - bundles: numbered, hashed, immutable sets of region
-- files, and the head that names the one in force (policy.md section 2).
--
-- Nobody writes these tables directly. The functions below are all that
-- hub_admin has; they run as hub_owner.

SET LOCAL ROLE hub_owner;

CREATE TABLE hub.bundle (
	bundle_id	bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	parent_id	bigint REFERENCES hub.bundle,
	sha256		bytea NOT NULL CHECK (octet_length(sha256) = 32),
	created_at	timestamptz NOT NULL DEFAULT now(),
	created_by	text NOT NULL
	    CHECK (length(created_by) BETWEEN 1 AND 255),
	db_user		text NOT NULL DEFAULT session_user,
	note		text NOT NULL DEFAULT '' CHECK (length(note) <= 2000),
	-- Only the transaction that made a bundle may give it files.
	made_in		xid8 NOT NULL DEFAULT pg_current_xact_id(),
	CHECK (parent_id < bundle_id)
);

CREATE TABLE hub.bundle_file (
	bundle_id	bigint NOT NULL REFERENCES hub.bundle,
	path		text COLLATE "C" NOT NULL CHECK (
	    octet_length(path) BETWEEN 1 AND 1024 AND path !~ '^/'
	    AND path !~ '(^|/)[.][.]?(/|$)' AND path !~ '//|/$|[[:cntrl:]\\]'),
	bytes		bytea NOT NULL CHECK (octet_length(bytes) <= 4194304),
	sha256		bytea NOT NULL GENERATED ALWAYS AS (sha256(bytes)) STORED,
	PRIMARY KEY (bundle_id, path)
);

CREATE TABLE hub.head (
	one		boolean PRIMARY KEY DEFAULT true CHECK (one),
	bundle_id	bigint REFERENCES hub.bundle,
	epoch		bigint NOT NULL CHECK (epoch >= 0)
);
INSERT INTO hub.head (bundle_id, epoch) VALUES (NULL, 0);

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON hub.bundle
    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE hub.bundle ENABLE ALWAYS TRIGGER immutable;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON hub.bundle_file
    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE hub.bundle_file ENABLE ALWAYS TRIGGER immutable;
CREATE TRIGGER immutable BEFORE DELETE OR TRUNCATE ON hub.head
    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE hub.head ENABLE ALWAYS TRIGGER immutable;

-- The head only moves forward in epoch and to a bundle that is there.
CREATE FUNCTION hub.head_check() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF new.epoch <> old.epoch + 1 OR new.bundle_id IS NULL THEN
		RAISE EXCEPTION 'the head moves by one epoch to a bundle'
		    USING ERRCODE = 'insufficient_privilege';
	END IF;
	RETURN new;
END
$$;
CREATE TRIGGER head_check BEFORE UPDATE ON hub.head
    FOR EACH ROW EXECUTE FUNCTION hub.head_check();
ALTER TABLE hub.head ENABLE ALWAYS TRIGGER head_check;

-- Delivered at commit; ids only. A listener reads the head itself as well,
-- since a notification that comes while it is away is lost.
CREATE FUNCTION hub.head_notify() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_notify('hub_policy', new.epoch || ':' || new.bundle_id);
	RETURN NULL;
END
$$;
CREATE TRIGGER head_notify AFTER UPDATE ON hub.head
    FOR EACH ROW EXECUTE FUNCTION hub.head_notify();
ALTER TABLE hub.head ENABLE ALWAYS TRIGGER head_notify;

-- A new bundle behind the present head. Its files follow in the same
-- transaction, then hub.head_move.
CREATE FUNCTION hub.bundle_begin(hash bytea, author text, remark text)
RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO hub.bundle (parent_id, sha256, created_by, note)
	SELECT h.bundle_id, hash, author, remark FROM hub.head h
	RETURNING bundle_id
$$;

CREATE FUNCTION hub.bundle_add(bundle bigint, name text, content bytea)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM hub.bundle b WHERE b.bundle_id = bundle
	    AND b.made_in = pg_current_xact_id_if_assigned())
	    OR EXISTS (SELECT FROM hub.head h WHERE h.bundle_id = bundle) THEN
		RAISE EXCEPTION 'bundle % takes no more files', bundle
		    USING ERRCODE = 'insufficient_privilege';
	END IF;
	INSERT INTO hub.bundle_file (bundle_id, path, bytes)
	VALUES (bundle, name, content);
END
$$;

-- Compare and swap: the caller says which epoch it has seen.
CREATE FUNCTION hub.head_move(bundle bigint, seen_epoch bigint)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	now_epoch bigint;
BEGIN
	UPDATE hub.head SET bundle_id = bundle, epoch = epoch + 1
	    WHERE epoch = seen_epoch RETURNING epoch INTO now_epoch;
	IF now_epoch IS NULL THEN
		RAISE EXCEPTION 'the head has moved since epoch %', seen_epoch
		    USING ERRCODE = 'serialization_failure';
	END IF;
	RETURN now_epoch;
END
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA hub FROM PUBLIC;
GRANT SELECT ON hub.bundle, hub.bundle_file, hub.head
    TO hub_proxy, hub_admin, hub_dpo;
GRANT EXECUTE ON FUNCTION hub.bundle_begin(bytea, text, text),
    hub.bundle_add(bigint, text, bytea), hub.head_move(bigint, bigint)
    TO hub_admin;
