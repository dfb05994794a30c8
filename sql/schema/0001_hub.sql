-- 0001_hub.sql - roles, the schema hub and its memory of migrations.
--
-- Roles belong to the whole cluster and log in to nothing: an operator grants
-- them to the accounts that do. Works for a superuser and for the owner of
-- the database with CREATEROLE. Runs in one transaction (sql/migrate.c).

DO $$
DECLARE
	r text;
BEGIN
	FOREACH r IN ARRAY ARRAY['hub_owner', 'hub_proxy', 'hub_admin',
	    'hub_finance', 'hub_dpo', 'hub_tenant'] LOOP
		BEGIN
			IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r)
			THEN
				EXECUTE format('CREATE ROLE %I NOLOGIN', r);
			END IF;
		EXCEPTION WHEN duplicate_object OR unique_violation THEN
			NULL;	-- another database of this cluster was faster
		END;
	END LOOP;
	-- Who migrates acts as hub_owner from here on.
	IF NOT pg_has_role(current_user, 'hub_owner', 'USAGE') THEN
		EXECUTE format('GRANT hub_owner TO %I', current_user);
	END IF;
	EXECUTE format('GRANT CREATE ON DATABASE %I TO hub_owner',
	    current_database());
END
$$;

CREATE SCHEMA IF NOT EXISTS hub AUTHORIZATION hub_owner;
SET LOCAL ROLE hub_owner;
REVOKE ALL ON SCHEMA hub FROM PUBLIC;
GRANT USAGE ON SCHEMA hub
    TO hub_proxy, hub_admin, hub_finance, hub_dpo, hub_tenant;
ALTER DEFAULT PRIVILEGES IN SCHEMA hub
    REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- For every table whose rows never change; also used by later migrations:
--	CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON t
--	    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
--	ALTER TABLE t ENABLE ALWAYS TRIGGER immutable;
CREATE FUNCTION hub.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION '%.% is immutable: % refused',
	    tg_table_schema, tg_table_name, lower(tg_op)
	    USING ERRCODE = 'insufficient_privilege';
END
$$;
REVOKE ALL ON FUNCTION hub.refuse_change() FROM PUBLIC;

CREATE TABLE hub.migration (
	number		integer PRIMARY KEY CHECK (number BETWEEN 1 AND 9999),
	name		text NOT NULL,
	sha256		bytea NOT NULL CHECK (octet_length(sha256) = 32),
	applied_at	timestamptz NOT NULL DEFAULT now(),
	applied_by	text NOT NULL DEFAULT session_user
);
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON hub.migration
    FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE hub.migration ENABLE ALWAYS TRIGGER immutable;
GRANT SELECT ON hub.migration
    TO hub_proxy, hub_admin, hub_finance, hub_dpo;
