-- 0021_leaf.sql - a batch of one month goes straight into its partition, without
-- the search for it per row (ledger.md, 4).

SET LOCAL ROLE hub_owner;

-- Has that month a partition of its own? The loader may copy into it then.
CREATE FUNCTION ledger.event_leaf(a_month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	part text := 'event_' || to_char(a_month, 'YYYYMM');
BEGIN
	-- Rights of one table are not changed by two at once.
	PERFORM pg_advisory_xact_lock(hashtextextended('ledger.event', 0));
	PERFORM FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
	WHERE i.inhparent = 'ledger.event'::regclass
	AND NOT i.inhdetachpending AND c.relname = part
	AND c.relnamespace = 'ledger'::regnamespace;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	IF NOT has_table_privilege('hub_ingest', 'ledger.' || part, 'INSERT')
	THEN
		EXECUTE format('GRANT INSERT ON ledger.%I TO hub_ingest', part);
	END IF;
	RETURN true;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.event_leaf(date) TO hub_ingest;
