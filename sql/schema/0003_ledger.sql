-- 0003_ledger.sql - usage events, their roll-ups, and how far each hub's spool
-- is loaded. Rows are only ever added: corrections are more rows.
--
-- service_period and service_day are computed by the loader in German time
-- (a partition key must be a bare column). As long as no period can be
-- closed, booked_period is service_period.

DO $$
DECLARE
	r text;
BEGIN
	FOREACH r IN ARRAY ARRAY['hub_ingest', 'finance_ro'] LOOP
		BEGIN
			IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r)
			THEN
				EXECUTE format('CREATE ROLE %I NOLOGIN', r);
			END IF;
		EXCEPTION WHEN duplicate_object OR unique_violation THEN
			NULL;	-- another database of this cluster was faster
		END;
	END LOOP;
	-- For ledger.stage_new, also where PUBLIC lost this right.
	EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO hub_owner',
	    current_database());
END
$$;
-- The hub loads its own spool; who reads finances for the hub reads these.
GRANT hub_ingest TO hub_proxy;
GRANT finance_ro TO hub_finance;

SET LOCAL ROLE hub_owner;
CREATE SCHEMA ledger;
CREATE SCHEMA report;
REVOKE ALL ON SCHEMA ledger, report FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA ledger
    REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- What a number in an event stands for. A number is given once per spool
-- directory; born is the boot in which that directory began.
CREATE TABLE ledger.dictionary (
	node_id int NOT NULL,
	born bigint NOT NULL,
	id bigint NOT NULL,
	kind text NOT NULL
	    CHECK (kind IN ('agreement', 'purpose', 'dataset', 'type')),
	text text NOT NULL,
	PRIMARY KEY (node_id, born, id)
);

CREATE TABLE ledger.event (
	service_period date NOT NULL,
	event_id uuid NOT NULL,
	leg smallint NOT NULL,
	booked_period date NOT NULL,
	service_day date NOT NULL,
	class text NOT NULL CHECK (class IN ('access', 'leg', 'estimate')),
	kind smallint NOT NULL,
	ts timestamptz NOT NULL,
	duration_us bigint NOT NULL,
	http_status int NOT NULL,
	decision smallint NOT NULL,
	operation smallint NOT NULL,
	consumer text NOT NULL,
	provider text NOT NULL,
	agreement bigint NOT NULL,
	agreement_version bigint NOT NULL,
	purpose bigint NOT NULL,
	flags smallint NOT NULL,
	entities bigint NOT NULL,
	bytes_out bigint NOT NULL,
	bytes_in bigint NOT NULL,
	units bigint NOT NULL,		-- thousandths
	request_id uuid NOT NULL,
	decision_id uuid NOT NULL,
	policy_hash bytea NOT NULL,
	type1 bigint NOT NULL,
	type2 bigint NOT NULL,
	type3 bigint NOT NULL,
	type4 bigint NOT NULL,
	ntypes smallint NOT NULL,
	user_pseudonym bigint NOT NULL,
	dataset bigint NOT NULL,
	use_case bigint NOT NULL,
	upstream_us bigint NOT NULL,
	queue_us bigint NOT NULL,
	rec_hash bytea NOT NULL,	-- of the record without its place
	node_id int NOT NULL,
	boot_epoch bigint NOT NULL,
	seq bigint NOT NULL,
	dict_born bigint NOT NULL,	-- joins dictionary.born
	PRIMARY KEY (service_period, event_id, leg)
) PARTITION BY RANGE (service_period);
-- That a place (node, boot, seq) is filled once needs no index beside the key:
-- no boot is ever repeated, and ledger.ingest_new takes a range of places only
-- beyond the checkpoint, which it moves. What is loaded again after a
-- checkpoint was lost is known by its key.

-- Catches what no partition takes: times years away. A row in it is an alarm.
CREATE TABLE ledger.event_default PARTITION OF ledger.event DEFAULT;

-- The same key with other content.
CREATE TABLE ledger.ledger_conflict (
	service_period date NOT NULL,
	event_id uuid NOT NULL,
	leg smallint NOT NULL,
	rec_hash bytea NOT NULL,
	node_id int NOT NULL,
	boot_epoch bigint NOT NULL,
	seq bigint NOT NULL,
	row_refused jsonb NOT NULL,
	found_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (service_period, event_id, leg, rec_hash)
);

CREATE TABLE ledger.spool_checkpoint (
	node_id int NOT NULL,
	boot_epoch bigint NOT NULL,
	segment_no bigint NOT NULL,
	next_seq bigint NOT NULL,
	missing bigint NOT NULL DEFAULT 0,	-- records never seen: an alarm
	ts_watermark timestamptz NOT NULL,
	PRIMARY KEY (node_id, boot_epoch)
);

-- latency_hist: requests up to 5, 10, 25, 50, 100, 250, 500, 1000, 2500 ms
-- and above. types: the names of one event's entity types, joined by ",", so
-- that every sum over a column is the sum over all.
CREATE TABLE ledger.usage_day (
	day date NOT NULL,
	booked_period date NOT NULL,
	class text NOT NULL,
	consumer text NOT NULL,
	provider text NOT NULL,
	agreement text NOT NULL,
	purpose text NOT NULL,
	dataset text NOT NULL,
	types text NOT NULL,
	operation smallint NOT NULL,
	requests bigint NOT NULL,
	denied bigint NOT NULL,
	entities bigint NOT NULL,
	bytes bigint NOT NULL,
	units bigint NOT NULL,
	latency_hist bigint[] NOT NULL,
	PRIMARY KEY (day, booked_period, class, consumer, provider, agreement,
	    purpose, dataset, types, operation)
);

CREATE TABLE ledger.usage_month (
	service_period date NOT NULL,
	booked_period date NOT NULL,
	class text NOT NULL,
	consumer text NOT NULL,
	provider text NOT NULL,
	agreement text NOT NULL,
	purpose text NOT NULL,
	dataset text NOT NULL,
	types text NOT NULL,
	operation smallint NOT NULL,
	requests bigint NOT NULL,
	denied bigint NOT NULL,
	entities bigint NOT NULL,
	bytes bigint NOT NULL,
	units bigint NOT NULL,
	latency_hist bigint[] NOT NULL,
	PRIMARY KEY (service_period, booked_period, class, consumer, provider,
	    agreement, purpose, dataset, types, operation)
);

-- ---- nothing is changed or removed

-- The row trigger is inherited by every partition, the others are not.
CREATE TRIGGER immutable_row BEFORE UPDATE OR DELETE ON ledger.event
	FOR EACH ROW EXECUTE FUNCTION hub.refuse_change();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE
	ON ledger.event FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
CREATE TRIGGER immutable BEFORE TRUNCATE ON ledger.event_default
	FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE
	ON ledger.ledger_conflict
	FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE
	ON ledger.dictionary
	FOR EACH STATEMENT EXECUTE FUNCTION hub.refuse_change();
ALTER TABLE ledger.event ENABLE ALWAYS TRIGGER immutable_row;
ALTER TABLE ledger.event ENABLE ALWAYS TRIGGER immutable;
ALTER TABLE ledger.event_default ENABLE ALWAYS TRIGGER immutable;
ALTER TABLE ledger.ledger_conflict ENABLE ALWAYS TRIGGER immutable;
ALTER TABLE ledger.dictionary ENABLE ALWAYS TRIGGER immutable;

-- ---- partitions

-- Those of the months asked for and of the next three; not more than 26
-- months back (what lies further away goes to the default partition).
CREATE FUNCTION ledger.ensure_partitions(from_month date)
RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	this date := date_trunc('month', now() AT TIME ZONE 'Europe/Berlin');
	last date := this + interval '3 months';
	m date := greatest(date_trunc('month', least(from_month, this)),
	    this - interval '26 months');
	part text;
	made int := 0;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('ledger.event', 0));
	WHILE m <= last LOOP
		part := 'event_' || to_char(m, 'YYYYMM');
		IF to_regclass('ledger.' || part) IS NULL THEN
			BEGIN
				EXECUTE format('CREATE TABLE ledger.%I '
				    'PARTITION OF ledger.event '
				    'FOR VALUES FROM (%L) TO (%L)', part, m,
				    (m + interval '1 month')::date);
				EXECUTE format('CREATE TRIGGER immutable '
				    'BEFORE TRUNCATE ON ledger.%I FOR EACH '
				    'STATEMENT EXECUTE FUNCTION '
				    'hub.refuse_change()', part);
				EXECUTE format('ALTER TABLE ledger.%I ENABLE '
				    'ALWAYS TRIGGER immutable', part);
				made := made + 1;
			EXCEPTION WHEN check_violation THEN
				RAISE WARNING 'the default partition holds '
				    'events of %', m;
			END;
		END IF;
		m := m + interval '1 month';
	END LOOP;
	RETURN made;
END $$;

-- ---- loading

CREATE FUNCTION ledger.hist_add(a bigint[], b bigint[]) RETURNS bigint[]
LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT array_agg(x + y ORDER BY i)
	FROM unnest(a, b) WITH ORDINALITY AS u(x, y, i)
$$;

-- A session's temporary table stage, shaped like ledger.event. It belongs to
-- hub_owner: nobody can hang a trigger, a rule or another type on what
-- ledger.ingest reads as that role.
CREATE FUNCTION ledger.stage_new() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	CREATE TEMPORARY TABLE stage (LIKE ledger.event)
	    ON COMMIT DELETE ROWS;
	GRANT INSERT ON pg_temp.stage TO hub_ingest;
END $$;

-- Adds to the roll-ups what events of one kind come to: an array of objects
-- with the columns of r, where the dictionary's numbers stand for names. For
-- the two functions below.
CREATE FUNCTION ledger.roll_up(a_rolled json) RETURNS void
LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
BEGIN
	-- One loader at a time in the roll-ups: no deadlocks between hubs.
	PERFORM pg_catalog.pg_advisory_xact_lock(
	    pg_catalog.hashtextextended('ledger.ingest', 0));

	WITH named AS (
		SELECT r.*, coalesce(a.text, '') AS agreement_name,
		    coalesce(p.text, '') AS purpose_name,
		    coalesce(d.text, '') AS dataset_name,
		    coalesce((SELECT string_agg(t.text, ',' ORDER BY t.text
			    COLLATE "C")
			FROM ledger.dictionary t
			WHERE t.node_id = r.node_id AND t.born = r.dict_born
			AND t.id IN (r.type1, r.type2, r.type3, r.type4)), '')
			|| CASE WHEN r.more THEN ',...' ELSE '' END AS types
		FROM json_to_recordset(a_rolled) AS r(service_day date,
		    service_period date, booked_period date, class text,
		    consumer text, provider text, operation smallint,
		    node_id int, dict_born bigint, agreement bigint,
		    purpose bigint, dataset bigint, type1 bigint,
		    type2 bigint, type3 bigint, type4 bigint, more boolean,
		    requests bigint, denied bigint, entities bigint,
		    bytes bigint, units bigint, hist bigint[])
		LEFT JOIN ledger.dictionary a ON a.node_id = r.node_id
		    AND a.born = r.dict_born AND a.id = r.agreement
		LEFT JOIN ledger.dictionary p ON p.node_id = r.node_id
		    AND p.born = r.dict_born AND p.id = r.purpose
		LEFT JOIN ledger.dictionary d ON d.node_id = r.node_id
		    AND d.born = r.dict_born AND d.id = r.dataset
	), days AS (
		SELECT service_day, service_period, booked_period, class,
		    consumer, provider, agreement_name, purpose_name,
		    dataset_name, types, operation,
		    sum(requests)::bigint AS requests,
		    sum(denied)::bigint AS denied,
		    sum(entities)::bigint AS entities,
		    sum(bytes)::bigint AS bytes, sum(units)::bigint AS units,
		    ARRAY[sum(hist[1])::bigint, sum(hist[2])::bigint,
			sum(hist[3])::bigint, sum(hist[4])::bigint,
			sum(hist[5])::bigint, sum(hist[6])::bigint,
			sum(hist[7])::bigint, sum(hist[8])::bigint,
			sum(hist[9])::bigint, sum(hist[10])::bigint] AS hist
		FROM named
		GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
	), by_day AS (
		INSERT INTO ledger.usage_day AS u
		SELECT service_day, booked_period, class, consumer, provider,
		    agreement_name, purpose_name, dataset_name, types,
		    operation, requests, denied, entities, bytes, units, hist
		FROM days
		ON CONFLICT (day, booked_period, class, consumer, provider,
		    agreement, purpose, dataset, types, operation)
		DO UPDATE SET requests = u.requests + excluded.requests,
		    denied = u.denied + excluded.denied,
		    entities = u.entities + excluded.entities,
		    bytes = u.bytes + excluded.bytes,
		    units = u.units + excluded.units,
		    latency_hist = ledger.hist_add(u.latency_hist,
			excluded.latency_hist)
	)
	INSERT INTO ledger.usage_month AS u
	SELECT service_period, booked_period, class, consumer, provider,
	    agreement_name, purpose_name, dataset_name, types, operation,
	    sum(requests), sum(denied), sum(entities), sum(bytes), sum(units),
	    ARRAY[sum(hist[1])::bigint, sum(hist[2])::bigint,
		sum(hist[3])::bigint, sum(hist[4])::bigint,
		sum(hist[5])::bigint, sum(hist[6])::bigint,
		sum(hist[7])::bigint, sum(hist[8])::bigint,
		sum(hist[9])::bigint, sum(hist[10])::bigint]
	FROM days
	GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
	ON CONFLICT (service_period, booked_period, class, consumer, provider,
	    agreement, purpose, dataset, types, operation)
	DO UPDATE SET requests = u.requests + excluded.requests,
	    denied = u.denied + excluded.denied,
	    entities = u.entities + excluded.entities,
	    bytes = u.bytes + excluded.bytes,
	    units = u.units + excluded.units,
	    latency_hist = ledger.hist_add(u.latency_hist,
		excluded.latency_hist);
END $$;

-- Moves a spool's position, if it still is where the caller takes it to be.
CREATE FUNCTION ledger.checkpoint_move(a_node int, a_boot bigint,
    a_segment bigint, a_expected bigint, a_first bigint, a_next bigint,
    a_watermark timestamptz)
RETURNS bigint LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
DECLARE
	moved bigint;
BEGIN
	INSERT INTO ledger.spool_checkpoint AS c
	VALUES (a_node, a_boot, a_segment, a_next, a_first - 1, a_watermark)
	ON CONFLICT (node_id, boot_epoch) DO UPDATE
	SET segment_no = greatest(c.segment_no, excluded.segment_no),
	    next_seq = greatest(c.next_seq, excluded.next_seq),
	    missing = c.missing + greatest(0, a_first - c.next_seq),
	    ts_watermark = greatest(c.ts_watermark, excluded.ts_watermark)
	WHERE c.next_seq = a_expected
	RETURNING c.next_seq INTO moved;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'another loader moved the checkpoint'
		    USING ERRCODE = 'serialization_failure';
	END IF;
	RETURN moved;
END $$;

-- A batch goes into the ledger in one transaction of the caller, in one of two
-- ways. Both run as hub_owner, so that a hub can only ever add to the roll-ups
-- and move its checkpoint forward. expected guards against a second loader of
-- the same spool.
--
-- The quick way, for events that are not there yet: the caller has copied them
-- into ledger.event, whose key refused the transaction if one was, and says
-- what they come to. That the roll-ups are the sum of the events remains to be
-- seen in report.rollup_difference.
CREATE FUNCTION ledger.ingest_new(a_node int, a_boot bigint, a_segment bigint,
    a_expected bigint, a_first bigint, a_next bigint, a_watermark timestamptz,
    a_rolled json)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ledger, pg_temp AS $$
BEGIN
	IF a_first < a_expected OR a_next <= a_first THEN
		RAISE EXCEPTION 'these places are loaded'
		    USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF EXISTS (SELECT FROM json_to_recordset(a_rolled) AS r(
	    requests bigint, denied bigint, entities bigint, bytes bigint,
	    units bigint) WHERE least(r.requests - 1, r.denied, r.entities,
		r.bytes, r.units) < 0) THEN
		RAISE EXCEPTION 'usage is only added'
		    USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM ledger.roll_up(a_rolled);
	RETURN ledger.checkpoint_move(a_node, a_boot, a_segment, a_expected,
	    a_first, a_next, a_watermark);
END $$;

-- The careful way, for events of which some may be there: they were copied
-- into the session's stage. Only rows that were really inserted reach the
-- roll-ups, so a batch can be loaded any number of times.
CREATE FUNCTION ledger.ingest(a_node int, a_boot bigint, a_segment bigint,
    a_expected bigint, a_first bigint, a_next bigint, a_watermark timestamptz,
    OUT next_seq bigint, OUT inserted bigint, OUT conflicts bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
	rolled json;
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_class c
	    WHERE c.oid = pg_catalog.to_regclass('pg_temp.stage')
	    AND c.relowner = (SELECT r.oid FROM pg_catalog.pg_roles r
		WHERE r.rolname = current_user)) THEN
		RAISE EXCEPTION 'stage is not one of ledger.stage_new()'
		    USING ERRCODE = 'insufficient_privilege';
	END IF;

	WITH ins AS (
		INSERT INTO ledger.event
		SELECT * FROM pg_temp.stage ORDER BY seq
		ON CONFLICT DO NOTHING
		RETURNING *
	), grouped AS (
		SELECT service_day, service_period, booked_period, class,
		    consumer, provider, operation, node_id, dict_born,
		    agreement, purpose, dataset, type1, type2, type3, type4,
		    ntypes > 4 AS more,
		    count(*) AS requests,
		    count(*) FILTER (WHERE decision = 0) AS denied,
		    sum(entities)::bigint AS entities,
		    sum(bytes_out)::bigint AS bytes,
		    sum(units)::bigint AS units,
		    ARRAY[count(*) FILTER (WHERE duration_us <= 5000),
			count(*) FILTER (WHERE duration_us > 5000
			    AND duration_us <= 10000),
			count(*) FILTER (WHERE duration_us > 10000
			    AND duration_us <= 25000),
			count(*) FILTER (WHERE duration_us > 25000
			    AND duration_us <= 50000),
			count(*) FILTER (WHERE duration_us > 50000
			    AND duration_us <= 100000),
			count(*) FILTER (WHERE duration_us > 100000
			    AND duration_us <= 250000),
			count(*) FILTER (WHERE duration_us > 250000
			    AND duration_us <= 500000),
			count(*) FILTER (WHERE duration_us > 500000
			    AND duration_us <= 1000000),
			count(*) FILTER (WHERE duration_us > 1000000
			    AND duration_us <= 2500000),
			count(*) FILTER (WHERE duration_us > 2500000)] AS hist
		FROM ins
		GROUP BY service_day, service_period, booked_period, class,
		    consumer, provider, operation, node_id, dict_born,
		    agreement, purpose, dataset, type1, type2, type3, type4,
		    ntypes > 4
	)
	SELECT coalesce(sum(requests), 0), json_agg(grouped)
	INTO inserted, rolled FROM grouped;
	IF inserted > 0 THEN
		PERFORM ledger.roll_up(rolled);
	END IF;

	WITH refused AS (
		INSERT INTO ledger.ledger_conflict
		SELECT s.service_period, s.event_id, s.leg, s.rec_hash,
		    s.node_id, s.boot_epoch, s.seq, to_jsonb(s)
		FROM pg_temp.stage s
		LEFT JOIN ledger.event e
		    ON e.service_period = s.service_period
		    AND e.event_id = s.event_id AND e.leg = s.leg
		WHERE e.rec_hash IS DISTINCT FROM s.rec_hash
		ON CONFLICT DO NOTHING
		RETURNING 1
	)
	SELECT count(*) INTO conflicts FROM refused;

	next_seq := ledger.checkpoint_move(a_node, a_boot, a_segment,
	    a_expected, a_first, a_next, a_watermark);
END $$;

-- ---- views: milli-units stay milli-units, names instead of numbers

CREATE FUNCTION report.operation_name(n smallint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce((ARRAY['query', 'entity', 'temporal', 'subscribe',
	    'notify', 'download', 'write'])[n], n::text)
$$;

CREATE VIEW report.usage_day AS
SELECT day, booked_period, class, consumer, provider, agreement, purpose,
    dataset, types, report.operation_name(operation) AS operation, requests,
    denied, entities, bytes, units, latency_hist
FROM ledger.usage_day;

CREATE VIEW report.usage_month AS
SELECT service_period, booked_period, class, consumer, provider, agreement,
    purpose, dataset, types, report.operation_name(operation) AS operation,
    requests, denied, entities, bytes, units, latency_hist
FROM ledger.usage_month;

-- Tenants, purposes and types count accesses, providers count legs.
CREATE VIEW report.usage_by_tenant AS
SELECT service_period AS period, consumer AS tenant,
    sum(requests)::bigint AS requests, sum(denied)::bigint AS denied,
    sum(entities)::bigint AS entities, sum(bytes)::bigint AS bytes,
    sum(units)::bigint AS units
FROM ledger.usage_month WHERE class = 'access' GROUP BY 1, 2;

CREATE VIEW report.usage_by_provider AS
SELECT service_period AS period, provider, sum(requests)::bigint AS requests,
    sum(denied)::bigint AS denied, sum(entities)::bigint AS entities,
    sum(bytes)::bigint AS bytes, sum(units)::bigint AS units
FROM ledger.usage_month WHERE class = 'leg' GROUP BY 1, 2;

CREATE VIEW report.usage_by_purpose AS
SELECT service_period AS period, consumer AS tenant, purpose,
    sum(requests)::bigint AS requests, sum(denied)::bigint AS denied,
    sum(entities)::bigint AS entities, sum(bytes)::bigint AS bytes,
    sum(units)::bigint AS units
FROM ledger.usage_month WHERE class = 'access' GROUP BY 1, 2, 3;

CREATE VIEW report.usage_by_type AS
SELECT service_period AS period, consumer AS tenant, types,
    sum(requests)::bigint AS requests, sum(denied)::bigint AS denied,
    sum(entities)::bigint AS entities, sum(bytes)::bigint AS bytes,
    sum(units)::bigint AS units
FROM ledger.usage_month WHERE class = 'access' GROUP BY 1, 2, 3;

CREATE VIEW report.usage_by_month AS
SELECT service_period AS period, class, sum(requests)::bigint AS requests,
    sum(denied)::bigint AS denied, sum(entities)::bigint AS entities,
    sum(bytes)::bigint AS bytes, sum(units)::bigint AS units
FROM ledger.usage_month GROUP BY 1, 2;

-- Must be empty: a period and class whose roll-ups are not the sum of events.
CREATE VIEW report.rollup_difference AS
WITH e AS (
	SELECT service_day, class, count(*) AS requests, sum(entities) AS n,
	    sum(bytes_out) AS b, sum(units) AS u
	FROM ledger.event GROUP BY 1, 2
), d AS (
	SELECT day, class, sum(requests) AS requests, sum(entities) AS n,
	    sum(bytes) AS b, sum(units) AS u
	FROM ledger.usage_day GROUP BY 1, 2
), m AS (
	SELECT service_period, class, sum(requests) AS requests,
	    sum(entities) AS n, sum(bytes) AS b, sum(units) AS u
	FROM ledger.usage_month GROUP BY 1, 2
), dm AS (
	SELECT date_trunc('month', day)::date AS month, class,
	    sum(requests) AS requests, sum(n) AS n, sum(b) AS b, sum(u) AS u
	FROM d GROUP BY 1, 2
)
SELECT coalesce(e.service_day, d.day) AS day,
    coalesce(e.class, d.class) AS class
FROM e FULL JOIN d ON d.day = e.service_day AND d.class = e.class
WHERE (e.requests, e.n, e.b, e.u) IS DISTINCT FROM
    (d.requests, d.n, d.b, d.u)
UNION ALL
SELECT coalesce(m.service_period, dm.month), coalesce(m.class, dm.class)
FROM m FULL JOIN dm ON dm.month = m.service_period AND dm.class = m.class
WHERE (m.requests, m.n, m.b, m.u) IS DISTINCT FROM
    (dm.requests, dm.n, dm.b, dm.u);

-- ---- rights

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;

GRANT USAGE ON SCHEMA ledger TO hub_ingest;
GRANT SELECT ON ledger.event, ledger.ledger_conflict, ledger.dictionary,
    ledger.usage_day, ledger.usage_month, ledger.spool_checkpoint
    TO hub_ingest;
GRANT INSERT ON ledger.event, ledger.dictionary TO hub_ingest;
GRANT EXECUTE ON FUNCTION ledger.ensure_partitions(date), ledger.stage_new()
    TO hub_ingest;
GRANT EXECUTE ON FUNCTION ledger.ingest(int, bigint, bigint, bigint, bigint,
    bigint, timestamptz), ledger.ingest_new(int, bigint, bigint, bigint,
    bigint, bigint, timestamptz, json) TO hub_ingest;

GRANT USAGE ON SCHEMA report TO finance_ro;
GRANT SELECT ON ALL TABLES IN SCHEMA report TO finance_ro;
