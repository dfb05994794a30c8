-- 0013_period.sql - months that are closed, what was shared then, and the
-- journal of it (ledger.md sections 5 and 8).
--
-- Nothing here is ever changed or removed: an error is put right by further
-- entries. hub_clerk has the functions below and no right to write a table;
-- each of them checks its rule again, whatever the program that calls says.

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hub_clerk') THEN
		CREATE ROLE hub_clerk NOLOGIN;
	END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
	NULL;	-- another database of this cluster was faster
END
$$;
-- Who closes reads finances and the region files whose costs are shared.
GRANT hub_finance TO hub_clerk;

SET LOCAL ROLE hub_owner;

CREATE DOMAIN ledger.person AS text COLLATE "C" CHECK (
    octet_length(value) BETWEEN 1 AND 255
    AND value !~ '[[:cntrl:]]' AND value = btrim(value));
CREATE DOMAIN ledger.month AS date CHECK (extract(day FROM value) = 1);
CREATE DOMAIN ledger.tenant_name AS text COLLATE "C"
    CHECK (value ~ '^[a-z][a-z0-9-]{1,40}$');
CREATE DOMAIN ledger.reason AS text CHECK (length(value) BETWEEN 1 AND 2000
    AND value !~ '[[:cntrl:]]' AND btrim(value) <> '');

-- A node that will not report again, so that no close waits for it. What it
-- reports afterwards makes it count as before.
CREATE TABLE ledger.node_retired (
	node_id		int NOT NULL,
	ts_watermark	timestamptz NOT NULL,
	reason		ledger.reason NOT NULL,
	tenant		ledger.tenant_name NOT NULL,
	person		ledger.person NOT NULL,
	retired_at	timestamptz NOT NULL DEFAULT now(),
	db_user		text NOT NULL DEFAULT session_user,
	PRIMARY KEY (node_id, ts_watermark)
);

-- The newest one of a month is what a second person may close. figures: the
-- hash of all that would be posted.
CREATE TABLE ledger.period_proposal (
	proposal_id	bigint PRIMARY KEY,
	period		ledger.month NOT NULL,
	figures_sha256	bytea NOT NULL,
	tenant		ledger.tenant_name NOT NULL,
	person		ledger.person NOT NULL,
	proposed_at	timestamptz NOT NULL DEFAULT now(),
	db_user		text NOT NULL DEFAULT session_user
);

-- A month that has a row is closed, and so is every month before the first.
CREATE TABLE ledger.period_close (
	period		ledger.month PRIMARY KEY,
	proposal_id	bigint NOT NULL UNIQUE
	    REFERENCES ledger.period_proposal,
	usage_sha256	bytea NOT NULL,	-- of the month's roll-ups
	tenant		ledger.tenant_name NOT NULL,
	person		ledger.person NOT NULL,
	closed_at	timestamptz NOT NULL DEFAULT now(),
	db_user		text NOT NULL DEFAULT session_user
);

-- One calculation. doc is all that it rests on and all that came of it, as
-- hubctl allocate prints it: model, key values, bounds, each step, shares.
CREATE TABLE ledger.allocation_run (
	run_id		bigint PRIMARY KEY,
	kind		text NOT NULL CHECK (kind IN ('month', 'instalment',
	    'year', 'plan', 'correction')),
	cost		ledger.tenant_name NOT NULL,
	title		text NOT NULL,
	-- The month or the calendar year that the shares are for.
	period_from	ledger.month NOT NULL,
	period_to	date NOT NULL,
	bundle_id	bigint NOT NULL REFERENCES hub.bundle,
	model		text NOT NULL,
	model_version	int NOT NULL,
	amount_cents	bigint NOT NULL,
	tax		text CHECK (tax IN ('S', 'E', 'O')),
	tax_rate	int NOT NULL,
	tax_basis	text NOT NULL,
	supersedes	bigint REFERENCES ledger.allocation_run,
	doc		text NOT NULL,
	doc_sha256	bytea NOT NULL,
	tenant		ledger.tenant_name NOT NULL,
	person		ledger.person NOT NULL,
	made_at		timestamptz NOT NULL DEFAULT now(),
	db_user		text NOT NULL DEFAULT session_user,
	made_in		xid8 NOT NULL DEFAULT pg_current_xact_id(),
	CHECK (period_from < period_to),
	CHECK ((supersedes IS NOT NULL) = (kind = 'correction'))
);
CREATE UNIQUE INDEX allocation_run_once ON ledger.allocation_run
    (cost, period_from, period_to, (kind = 'plan'))
    WHERE kind <> 'correction';

-- Its result by member and component; key 'bounds' is what minimum and maximum
-- did, 'instalment' a part of a planned year.
CREATE TABLE ledger.allocation_line (
	run_id		bigint NOT NULL REFERENCES ledger.allocation_run,
	line_no		int NOT NULL,
	ags		text NOT NULL,
	name		text NOT NULL,
	component	text NOT NULL,
	key		text NOT NULL,
	cents		bigint NOT NULL,
	PRIMARY KEY (run_id, line_no),
	UNIQUE (run_id, ags, component)
);

-- Numbers have no gaps. service: the days that the amounts are for.
CREATE TABLE ledger.journal (
	entry_id	bigint PRIMARY KEY,
	ext_key		text NOT NULL UNIQUE,
	type		text NOT NULL CHECK (type IN ('ALLOCATION',
	    'INSTALMENT', 'SETTLEMENT', 'CORRECTION', 'REVERSAL')),
	booked_period	ledger.month NOT NULL,
	service_from	ledger.month NOT NULL,
	service_to	date NOT NULL,
	cost		ledger.tenant_name NOT NULL,
	run_id		bigint NOT NULL REFERENCES ledger.allocation_run,
	reverses	bigint UNIQUE REFERENCES ledger.journal,
	reason		ledger.reason,
	issuer		text NOT NULL,
	tenant		ledger.tenant_name NOT NULL,
	person		ledger.person NOT NULL,
	posted_at	timestamptz NOT NULL DEFAULT now(),
	db_user		text NOT NULL DEFAULT session_user,
	made_in		xid8 NOT NULL DEFAULT pg_current_xact_id(),
	CHECK ((type = 'REVERSAL') = (reverses IS NOT NULL)),
	CHECK (type NOT IN ('CORRECTION', 'REVERSAL') OR reason IS NOT NULL)
);

-- account share: what a member bears; cost: what is thereby shared.
CREATE TABLE ledger.journal_line (
	entry_id	bigint NOT NULL REFERENCES ledger.journal,
	line_no		int NOT NULL,
	account		text NOT NULL CHECK (account IN ('share', 'cost')),
	ags		text NOT NULL CHECK ((ags <> '') = (account = 'share')),
	name		text NOT NULL,
	component	text NOT NULL,
	key		text NOT NULL,
	amount_cents	bigint NOT NULL CHECK (amount_cents <> 0),
	PRIMARY KEY (entry_id, line_no)
);

-- ---- what holds for every account

DO $$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY ARRAY['node_retired', 'period_proposal',
	    'period_close', 'allocation_run', 'allocation_line', 'journal',
	    'journal_line'] LOOP
		EXECUTE format('CREATE TRIGGER immutable BEFORE UPDATE OR '
		    'DELETE OR TRUNCATE ON ledger.%I FOR EACH STATEMENT '
		    'EXECUTE FUNCTION hub.refuse_change()', t);
		EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER '
		    'immutable', t);
	END LOOP;
END
$$;

CREATE FUNCTION ledger.refuse(message text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION '%', message USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION ledger.closed_until() RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT max(period) FROM ledger.period_close
$$;

-- The month in which is booked what comes for a closed one; NULL: none is
-- closed.
CREATE FUNCTION ledger.first_open() RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	SELECT (ledger.closed_until() + interval '1 month')::date
$$;

-- For all that has a booked_period. Events have a constraint instead, which
-- period_close below moves along: a trigger would slow down each COPY.
CREATE FUNCTION ledger.refuse_closed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	closed date := ledger.closed_until();
BEGIN
	IF closed IS NULL THEN
		RETURN coalesce(new, old);
	END IF;
	IF tg_level = 'STATEMENT'
	    OR (tg_op <> 'INSERT' AND old.booked_period <= closed)
	    OR (tg_op <> 'DELETE' AND new.booked_period <= closed) THEN
		RAISE EXCEPTION '%.%: % is closed, % refused', tg_table_schema,
		    tg_table_name, to_char(closed, 'YYYY-MM'), lower(tg_op)
		    USING ERRCODE = 'insufficient_privilege';
	END IF;
	RETURN coalesce(new, old);
END
$$;
CREATE TRIGGER closed BEFORE INSERT OR UPDATE OR DELETE ON ledger.usage_day
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_closed();
CREATE TRIGGER closed_all BEFORE TRUNCATE ON ledger.usage_day
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_closed();
CREATE TRIGGER closed BEFORE INSERT OR UPDATE OR DELETE ON ledger.usage_month
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_closed();
CREATE TRIGGER closed_all BEFORE TRUNCATE ON ledger.usage_month
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_closed();
CREATE TRIGGER closed BEFORE INSERT ON ledger.journal
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_closed();
ALTER TABLE ledger.usage_day ENABLE ALWAYS TRIGGER closed;
ALTER TABLE ledger.usage_day ENABLE ALWAYS TRIGGER closed_all;
ALTER TABLE ledger.usage_month ENABLE ALWAYS TRIGGER closed;
ALTER TABLE ledger.usage_month ENABLE ALWAYS TRIGGER closed_all;
ALTER TABLE ledger.journal ENABLE ALWAYS TRIGGER closed;

-- Lines belong to the transaction of their head.
CREATE FUNCTION ledger.refuse_more() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	made xid8;
BEGIN
	IF tg_table_name = 'journal_line' THEN
		SELECT j.made_in INTO made FROM ledger.journal j
		    WHERE j.entry_id = new.entry_id;
	ELSE
		SELECT r.made_in INTO made FROM ledger.allocation_run r
		    WHERE r.run_id = new.run_id;
	END IF;
	IF made IS DISTINCT FROM pg_current_xact_id_if_assigned() THEN
		PERFORM ledger.refuse(format('%s takes no more lines',
		    tg_table_name));
	END IF;
	RETURN new;
END
$$;
CREATE TRIGGER made BEFORE INSERT ON ledger.journal_line
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_more();
CREATE TRIGGER made BEFORE INSERT ON ledger.allocation_line
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_more();
ALTER TABLE ledger.journal_line ENABLE ALWAYS TRIGGER made;
ALTER TABLE ledger.allocation_line ENABLE ALWAYS TRIGGER made;

-- Looked at when the transaction commits: two lines at least, their sum 0; of
-- a reversal, with the entry it reverses, 0 for each line.
CREATE FUNCTION ledger.entry_check() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	n bigint;
	total numeric;
BEGIN
	SELECT count(*), sum(l.amount_cents) INTO n, total
	    FROM ledger.journal_line l WHERE l.entry_id = new.entry_id;
	IF n < 2 OR total <> 0 THEN
		RAISE EXCEPTION 'entry % has % lines that sum to %',
		    new.entry_id, n, total USING ERRCODE = 'check_violation';
	END IF;
	IF EXISTS (SELECT FROM ledger.journal j
	    JOIN ledger.journal_line l
		ON l.entry_id IN (j.entry_id, j.reverses)
	    WHERE j.entry_id = new.entry_id AND j.reverses IS NOT NULL
	    GROUP BY l.line_no, l.account, l.ags, l.component
	    HAVING count(*) <> 2 OR sum(l.amount_cents) <> 0) THEN
		RAISE EXCEPTION 'entry % is not the negative of what it '
		    'reverses', new.entry_id USING ERRCODE = 'check_violation';
	END IF;
	RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger.journal
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger.entry_check();
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger.journal_line
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger.entry_check();
ALTER TABLE ledger.journal ENABLE ALWAYS TRIGGER balanced;
ALTER TABLE ledger.journal_line ENABLE ALWAYS TRIGGER balanced;

-- ---- steps of closing

CREATE FUNCTION ledger.month_text(m date) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT to_char(m, 'YYYY-MM')
$$;

CREATE FUNCTION ledger.month_end(m date) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT (m + interval '1 month') AT TIME ZONE 'Europe/Berlin'
$$;

-- What is missing before a month can be closed, NULL: nothing. A hub whose
-- clock was wrong by years makes no month that has to be closed first.
CREATE FUNCTION ledger.period_obstacle(a_month date) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	closed date := ledger.closed_until();
	first date;
	node record;
BEGIN
	IF extract(day FROM a_month) <> 1 THEN
		RETURN format('%s is no month', a_month);
	END IF;
	IF a_month <= closed THEN
		RETURN ledger.month_text(a_month) || ' is closed';
	END IF;
	IF now() < ledger.month_end(a_month) THEN
		RETURN ledger.month_text(a_month) || ' is not over';
	END IF;
	first := coalesce((closed + interval '1 month')::date,
	    (SELECT min(u.service_period) FROM ledger.usage_month u
	    WHERE u.service_period >= a_month - interval '26 months'));
	IF a_month > first THEN
		RETURN format('%s has to be closed before %s',
		    ledger.month_text(first), ledger.month_text(a_month));
	END IF;
	SELECT c.node_id, max(c.ts_watermark) AS seen INTO node
	    FROM ledger.spool_checkpoint c
	    WHERE c.node_id <= 65000	-- above: estimates booked by hand
	    GROUP BY c.node_id
	    HAVING max(c.ts_watermark) < ledger.month_end(a_month)
	    AND NOT EXISTS (SELECT FROM ledger.node_retired r
		WHERE r.node_id = c.node_id
		AND r.ts_watermark >= max(c.ts_watermark))
	    ORDER BY c.node_id LIMIT 1;
	IF FOUND THEN
		RETURN format('node %s has reported up to %s only',
		    node.node_id, to_char(node.seen AT TIME ZONE 'UTC',
		    'YYYY-MM-DD"T"HH24:MI:SS"Z"'));
	END IF;
	SELECT a.node_id, a.records INTO node FROM report.capture_alarm a
	    WHERE a.kind = 'missing' ORDER BY a.node_id LIMIT 1;
	IF FOUND THEN
		RETURN format('%s records of node %s are missing; hubctl '
		    'estimate --node %s settles that', node.records,
		    node.node_id, node.node_id);
	END IF;
	RETURN NULL;
END
$$;

-- Comes first in a transaction that closes or corrects: what is read of usage
-- from here on is what is posted. With one snapshot for the whole transaction
-- it would be what was there before the lock was free.
CREATE FUNCTION ledger.period_lock() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		PERFORM ledger.refuse('periods need ISOLATION LEVEL READ '
		    'COMMITTED');
	END IF;
	PERFORM pg_advisory_xact_lock(hashtextextended('ledger.period', 0));
	-- Waits for batches on their way, whose roll-ups come with them, and
	-- keeps others out; readers go on.
	LOCK TABLE ledger.event IN SHARE ROW EXCLUSIVE MODE;
END
$$;

-- A run as hubctl hands it over; doc is a string in it, kept byte by byte.
CREATE FUNCTION ledger.run_add(a json, a_tenant text, a_person text)
RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	id bigint := coalesce((SELECT max(run_id)
	    FROM ledger.allocation_run), 0) + 1;
	text_doc text := a->>'doc';
	doc json := text_doc::json;
	amount bigint := (doc->>'amount_cents')::bigint;
	total numeric;
BEGIN
	INSERT INTO ledger.allocation_run (run_id, kind, cost, title,
	    period_from, period_to, bundle_id, model, model_version,
	    amount_cents, tax, tax_rate, tax_basis, supersedes, doc,
	    doc_sha256, tenant, person)
	VALUES (id, a->>'kind', doc->>'cost', doc->>'title',
	    (a->>'from')::date, (a->>'to')::date, (a->>'bundle')::bigint,
	    doc->'model'->>'name', (doc->'model'->>'version')::int, amount,
	    a->>'tax', (a->>'tax_rate')::int, a->>'tax_basis',
	    (a->>'supersedes')::bigint, text_doc,
	    sha256(convert_to(text_doc, 'UTF8')), a_tenant, a_person);
	INSERT INTO ledger.allocation_line
	SELECT id, row_number() OVER (ORDER BY m.i, p.i), m.share->>'ags',
	    m.share->>'name', p.component, p.key, p.cents
	FROM json_array_elements(doc->'shares') WITH ORDINALITY m(share, i)
	CROSS JOIN LATERAL (
		SELECT c.i, c.c->>'name' AS component, c.c->>'key' AS key,
		    (m.share->'parts_cents'->>(c.i - 1)::int)::bigint AS cents
		FROM json_array_elements(doc->'components')
		    WITH ORDINALITY c(c, i)
		UNION ALL
		SELECT 1000, '(' || k || ')', k,
		    (m.share->>'share_cents')::bigint
		    - (m.share->>'raw_cents')::bigint
		FROM (SELECT CASE a->>'kind' WHEN 'instalment'
		    THEN 'instalment' ELSE 'bounds' END) AS k(k)
	) p WHERE p.cents <> 0;
	SELECT coalesce(sum(l.cents), 0) INTO total
	    FROM ledger.allocation_line l WHERE l.run_id = id;
	IF total IS DISTINCT FROM amount THEN
		PERFORM ledger.refuse(format('shares of %s sum to %s, not %s',
		    doc->>'cost', total, amount));
	END IF;
	RETURN id;
END
$$;

-- By how much a run's shares differ from what is posted for its days.
CREATE FUNCTION ledger.difference(a_run bigint)
RETURNS TABLE (ags text, name text, component text, key text, cents bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH is_now AS (
		SELECT l.ags, l.name, l.component, l.key, l.cents
		FROM ledger.allocation_line l WHERE l.run_id = a_run
	), was AS (
		SELECT l.ags, max(l.name) AS name, l.component,
		    max(l.key) AS key, sum(l.amount_cents)::bigint AS cents
		FROM ledger.allocation_run r
		JOIN ledger.journal j ON j.cost = r.cost
		    AND j.service_from >= r.period_from
		    AND j.service_to <= r.period_to
		JOIN ledger.journal_line l ON l.entry_id = j.entry_id
		WHERE r.run_id = a_run AND l.account = 'share'
		GROUP BY l.ags, l.component
	)
	SELECT ags, coalesce(i.name, w.name), component,
	    coalesce(i.key, w.key), coalesce(i.cents, 0) - coalesce(w.cents, 0)
	FROM is_now i FULL JOIN was w USING (ags, component)
	WHERE coalesce(i.cents, 0) <> coalesce(w.cents, 0)
$$;

-- Posts that difference: of a month's first run, all. NULL: there is none.
CREATE FUNCTION ledger.post(a_run bigint, a_type text, a_booked date,
    a_reason text, a_issuer text, a_tenant text, a_person text)
RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	id bigint := coalesce((SELECT max(entry_id) FROM ledger.journal), 0)
	    + 1;
	r ledger.allocation_run;
	n int;
	total bigint;
	lines json;
BEGIN
	SELECT * INTO STRICT r FROM ledger.allocation_run
	    WHERE run_id = a_run;
	SELECT count(*), coalesce(sum(d.cents), 0), json_agg(d) INTO n, total,
	    lines FROM ledger.difference(a_run) d;
	IF n = 0 THEN
		RETURN NULL;
	END IF;
	INSERT INTO ledger.journal (entry_id, ext_key, type, booked_period,
	    service_from, service_to, cost, run_id, reason, issuer, tenant,
	    person)
	VALUES (id, concat_ws('/', a_type, r.cost, r.period_from, r.period_to,
	    CASE WHEN a_type = 'CORRECTION' THEN a_run END), a_type, a_booked,
	    r.period_from, r.period_to, r.cost, a_run, a_reason, a_issuer,
	    a_tenant, a_person);
	INSERT INTO ledger.journal_line
	SELECT id, row_number() OVER (ORDER BY l.ags COLLATE "C",
	    left(l.component, 1) = '(', l.component COLLATE "C"), 'share',
	    l.ags, l.name, l.component, l.key, l.cents
	FROM json_to_recordset(lines) AS l(ags text, name text,
	    component text, key text, cents bigint);
	INSERT INTO ledger.journal_line
	SELECT id, n + 1, 'cost', '', r.title, '', '', -total
	WHERE total <> 0;
	RETURN id;
END
$$;

-- Without the number of the bundle: another one with the same costs is the
-- same.
CREATE FUNCTION ledger.figures(a_runs json) RETURNS bytea
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT sha256(convert_to(coalesce(string_agg(concat_ws('/', r->>'kind',
	    r->>'from', r->>'to', r->>'tax', r->>'tax_rate', r->>'tax_basis',
	    r->>'doc'), E'\n' ORDER BY i), ''), 'UTF8'))
	FROM json_array_elements(a_runs) WITH ORDINALITY AS x(r, i)
$$;

CREATE FUNCTION ledger.usage_hash(a_month date) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT sha256(convert_to(coalesce(string_agg(u::text, E'\n'
	    ORDER BY u::text COLLATE "C"), ''), 'UTF8'))
	FROM ledger.usage_day u WHERE u.booked_period = a_month
$$;

-- One line of text for each line of an entry, hashed.
CREATE FUNCTION ledger.entry_hash(a_entry bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT encode(sha256(convert_to(string_agg(concat_ws(E'\x1f',
	    j.entry_id, j.type, to_char(j.booked_period, 'YYYY-MM-DD'),
	    to_char(j.service_from, 'YYYY-MM-DD'),
	    to_char(j.service_to, 'YYYY-MM-DD'), j.cost, j.run_id,
	    coalesce(j.reverses::text, ''), coalesce(j.reason, ''), j.tenant,
	    j.person, l.line_no, l.account, l.ags, l.component,
	    l.amount_cents) || E'\n', '' ORDER BY l.line_no), 'UTF8')), 'hex')
	FROM ledger.journal j JOIN ledger.journal_line l USING (entry_id)
	WHERE j.entry_id = a_entry
$$;

-- What a block of the chain says of entries and runs of this transaction.
CREATE FUNCTION ledger.made_json(OUT entries text, OUT runs text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT string_agg(format('[%s,"%s"]', j.entry_id,
		ledger.entry_hash(j.entry_id)), ',' ORDER BY j.entry_id)
	    FROM ledger.journal j
	    WHERE j.made_in = pg_current_xact_id_if_assigned()), ''),
	    coalesce((SELECT string_agg(format('[%s,"%s"]', r.run_id,
		encode(r.doc_sha256, 'hex')), ',' ORDER BY r.run_id)
	    FROM ledger.allocation_run r
	    WHERE r.made_in = pg_current_xact_id_if_assigned()), '')
$$;

-- CORRECT, kind 3: entries outside a close.
CREATE FUNCTION ledger.block_correct() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	m record;
BEGIN
	SELECT * INTO m FROM ledger.made_json();
	PERFORM ledger.block_append(3::smallint, format(
	    '{"entries":[%s],"runs":[%s]}', m.entries, m.runs));
END
$$;

-- CLOSE, kind 2: the roll-ups as they are for good, and what was posted.
CREATE FUNCTION ledger.block_close(a_month date, a_figures bytea)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	m record;
	next date := a_month + interval '1 month';
BEGIN
	SELECT * INTO m FROM ledger.made_json();
	PERFORM ledger.block_append(2::smallint, format(
	    '{"day_sha256":"%s","entries":[%s],"figures_sha256":"%s",'
	    '"month_sha256":"%s","period":"%s","runs":[%s]}',
	    encode(ledger.pruned_days(a_month, next), 'hex'), m.entries,
	    encode(a_figures, 'hex'),
	    encode(ledger.pruned_months(a_month, next), 'hex'),
	    to_char(a_month, 'YYYY-MM-DD'), m.runs));
END
$$;

-- The column's collation knows no capital letters but A to Z.
CREATE FUNCTION ledger.second_person(p ledger.period_proposal, a_person text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF lower(p.person COLLATE "default") = lower(a_person) THEN
		PERFORM ledger.refuse(format(
		    '%s proposed to close %s; another person closes',
		    p.person, ledger.month_text(p.period)));
	END IF;
END
$$;

-- Holds for rows to come, of every account; what is there stays. It waits for
-- readers, too, and batches wait behind it: not for as long as a backup takes.
CREATE FUNCTION ledger.events_close(a_month date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET lock_timeout = '10s' AS $$
BEGIN
	ALTER TABLE ledger.event DROP CONSTRAINT IF EXISTS booked_in_open;
	EXECUTE format('ALTER TABLE ledger.event ADD CONSTRAINT booked_in_open '
	    'CHECK (booked_period > %L) NOT VALID', a_month);
EXCEPTION WHEN lock_not_available THEN
	RAISE EXCEPTION 'the ledger is being read (by a backup, hubverify or a '
	    'long report): try again when that is over'
	    USING ERRCODE = 'serialization_failure';
END
$$;

-- A correction is of a run that was closed, by the model of then.
CREATE FUNCTION ledger.check_correction(run json) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF run->>'kind' <> 'correction' OR NOT EXISTS (
	    SELECT FROM ledger.allocation_run r
	    WHERE r.run_id = (run->>'supersedes')::bigint
	    AND r.kind IN ('month', 'year')
	    AND r.cost = (run->>'doc')::json->>'cost'
	    AND r.period_from = (run->>'from')::date
	    AND r.period_to = (run->>'to')::date
	    AND r.model = (run->>'doc')::json->'model'->>'name'
	    AND r.model_version = ((run->>'doc')::json->'model'
		->>'version')::int) THEN
		PERFORM ledger.refuse('no closed run like this one');
	END IF;
END
$$;

-- The first call with these figures proposes, the next, by another person,
-- closes: "proposed", "changed" (other figures than were proposed; these are
-- proposed now) or "closed".
CREATE FUNCTION ledger.period_close(a_month date, a_tenant text,
    a_person text, a_issuer text, a_runs json)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	hash bytea := ledger.figures(a_runs);
	p ledger.period_proposal;
	why text;
	run json;
	id bigint;
BEGIN
	PERFORM ledger.period_lock();
	why := ledger.period_obstacle(a_month);
	IF why IS NOT NULL THEN
		PERFORM ledger.refuse(why);
	END IF;
	SELECT * INTO p FROM ledger.period_proposal
	    WHERE period = a_month ORDER BY proposal_id DESC LIMIT 1;
	IF p.figures_sha256 IS DISTINCT FROM hash THEN
		INSERT INTO ledger.period_proposal (proposal_id, period,
		    figures_sha256, tenant, person)
		SELECT coalesce(max(proposal_id), 0) + 1, a_month, hash,
		    a_tenant, a_person FROM ledger.period_proposal;
		RETURN CASE WHEN p.proposal_id IS NULL THEN 'proposed'
		    ELSE 'changed' END;
	END IF;
	PERFORM ledger.second_person(p, a_person);
	FOR run IN SELECT * FROM json_array_elements(a_runs) LOOP
		IF run->>'kind' = 'correction' THEN
			PERFORM ledger.check_correction(run);
		END IF;
		id := ledger.run_add(run, a_tenant, a_person);
		PERFORM ledger.post(id, CASE run->>'kind'
		    WHEN 'month' THEN 'ALLOCATION'
		    WHEN 'instalment' THEN 'INSTALMENT'
		    WHEN 'year' THEN 'SETTLEMENT'
		    WHEN 'correction' THEN 'CORRECTION' END, a_month,
		    run->>'reason', a_issuer, a_tenant, a_person);
	END LOOP;
	PERFORM ledger.refuse_waiting(a_month);
	INSERT INTO ledger.period_close (period, proposal_id, usage_sha256,
	    tenant, person)
	VALUES (a_month, p.proposal_id, ledger.usage_hash(a_month), a_tenant,
	    a_person);
	PERFORM ledger.block_close(a_month, hash);
	PERFORM ledger.events_close(a_month);
	RETURN 'closed';
END
$$;

-- Shares of closed months made again; entries only where they differ, in the
-- month that is open.
CREATE FUNCTION ledger.correct(a_tenant text, a_person text, a_reason text,
    a_issuer text, a_runs json)
RETURNS SETOF bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	run json;
	id bigint;
BEGIN
	PERFORM ledger.period_lock();
	FOR run IN SELECT * FROM json_array_elements(a_runs) LOOP
		PERFORM ledger.check_correction(run);
		id := ledger.run_add(run, a_tenant, a_person);
		-- 0016_deferrals.sql
		CONTINUE WHEN ledger.defer(id,
		    coalesce((run->>'correct_from')::bigint, 0), a_reason);
		RETURN QUERY SELECT e FROM ledger.post(id, 'CORRECTION',
		    ledger.first_open(), a_reason, a_issuer, a_tenant,
		    a_person) e WHERE e IS NOT NULL;
	END LOOP;
	PERFORM ledger.block_correct();
END
$$;

CREATE FUNCTION ledger.reverse(a_entry bigint, a_tenant text, a_person text,
    a_reason text, a_issuer text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	id bigint;
	j ledger.journal;
BEGIN
	PERFORM ledger.period_lock();
	SELECT * INTO j FROM ledger.journal WHERE entry_id = a_entry;
	IF j.entry_id IS NULL THEN
		PERFORM ledger.refuse(format('there is no entry %s', a_entry));
	ELSIF j.type = 'REVERSAL' THEN
		PERFORM ledger.refuse(format('entry %s is a reversal itself',
		    a_entry));
	ELSIF ledger.first_open() IS NULL THEN
		PERFORM ledger.refuse('no month is closed');
	END IF;
	SELECT max(entry_id) + 1 INTO id FROM ledger.journal;
	INSERT INTO ledger.journal (entry_id, ext_key, type, booked_period,
	    service_from, service_to, cost, run_id, reverses, reason, issuer,
	    tenant, person)
	VALUES (id, 'REVERSAL/' || a_entry, 'REVERSAL', ledger.first_open(),
	    j.service_from, j.service_to, j.cost, j.run_id, a_entry, a_reason,
	    a_issuer, a_tenant, a_person);
	INSERT INTO ledger.journal_line
	SELECT id, line_no, account, ags, name, component, key, -amount_cents
	FROM ledger.journal_line WHERE entry_id = a_entry;
	PERFORM ledger.block_correct();
	RETURN id;
END
$$;

-- Fixes what a year is paid by, month after month, until it is settled.
CREATE FUNCTION ledger.plan(a_tenant text, a_person text, a_run json)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	id bigint;
BEGIN
	PERFORM ledger.period_lock();
	IF a_run->>'kind' <> 'plan' THEN
		PERFORM ledger.refuse('this is no plan');
	END IF;
	IF EXISTS (SELECT FROM ledger.allocation_run r
	    WHERE r.cost = (a_run->>'doc')::json->>'cost'
	    AND r.period_from >= (a_run->>'from')::date
	    AND r.period_to <= (a_run->>'to')::date) THEN
		PERFORM ledger.refuse('this year is planned, or months of it '
		    'are closed');
	END IF;
	id := ledger.run_add(a_run, a_tenant, a_person);
	PERFORM ledger.block_correct();
	RETURN id;
END
$$;

CREATE FUNCTION ledger.node_retire(a_node int, a_tenant text, a_person text,
    a_reason text)
RETURNS timestamptz LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	seen timestamptz;
BEGIN
	SELECT max(c.ts_watermark) INTO seen FROM ledger.spool_checkpoint c
	    WHERE c.node_id = a_node;
	IF seen IS NULL THEN
		PERFORM ledger.refuse(format('there is no node %s', a_node));
	END IF;
	INSERT INTO ledger.node_retired (node_id, ts_watermark, reason, tenant,
	    person)
	VALUES (a_node, seen, a_reason, a_tenant, a_person)
	ON CONFLICT DO NOTHING;
	RETURN seen;
END
$$;

-- ---- views; amounts stay cents

-- grace: over, and not closed yet. late: of events that came when the month
-- was closed.
CREATE VIEW report.period AS
WITH months AS (
	SELECT generate_series(least(
	    (SELECT min(service_period) FROM ledger.usage_month
	    WHERE service_period >= now() - interval '26 months'),
	    (SELECT min(period) FROM ledger.period_close), this), this,
	    interval '1 month')::date AS period
	FROM (SELECT date_trunc('month', now() AT TIME ZONE 'Europe/Berlin')
	    ::date AS this) t
)
SELECT m.period, CASE WHEN m.period <= ledger.closed_until() THEN 'closed'
    WHEN now() >= ledger.month_end(m.period) THEN 'grace'
    ELSE 'open' END AS state,
    p.tenant AS proposer_tenant, p.person AS proposer, p.proposed_at,
    c.tenant AS closer_tenant, c.person AS closer, c.closed_at,
    c.usage_sha256, p.figures_sha256,
    u.requests, u.units, u.late_requests, u.late_units,
    j.entries, j.shared_cents
FROM months m
LEFT JOIN ledger.period_close c USING (period)
LEFT JOIN LATERAL (SELECT * FROM ledger.period_proposal q
    WHERE q.period = m.period AND (c.proposal_id IS NULL
	OR q.proposal_id = c.proposal_id)
    ORDER BY q.proposal_id DESC LIMIT 1) p ON true
CROSS JOIN LATERAL (SELECT coalesce(sum(v.requests), 0)::bigint AS requests,
    coalesce(sum(v.units), 0)::bigint AS units,
    coalesce(sum(v.requests) FILTER (WHERE v.booked_period > m.period), 0)
	::bigint AS late_requests,
    coalesce(sum(v.units) FILTER (WHERE v.booked_period > m.period), 0)
	::bigint AS late_units
    FROM ledger.usage_month v
    WHERE v.service_period = m.period AND v.class = 'access') u
CROSS JOIN LATERAL (SELECT count(DISTINCT e.entry_id) AS entries,
    coalesce(sum(l.amount_cents), 0)::bigint AS shared_cents
    FROM ledger.journal e JOIN ledger.journal_line l USING (entry_id)
    WHERE e.booked_period = m.period AND l.account = 'share') j;

CREATE VIEW report.journal AS
SELECT j.entry_id, l.line_no, j.type, j.booked_period, j.service_from,
    j.service_to, CASE WHEN j.service_to < j.service_from + 31
	THEN to_char(j.service_from, 'YYYY-MM')
	ELSE to_char(j.service_from, 'YYYY') END AS service,
    j.cost, r.title, l.account, l.ags, l.name, l.component, l.key,
    l.amount_cents, r.run_id, r.model, r.model_version, r.bundle_id,
    encode(r.doc_sha256, 'hex') AS run_sha256, r.tax, r.tax_rate, r.tax_basis,
    j.reverses, j.reason, j.issuer, j.tenant, j.person, j.posted_at
FROM ledger.journal j JOIN ledger.journal_line l USING (entry_id)
JOIN ledger.allocation_run r USING (run_id);

CREATE VIEW report.allocation_run AS
SELECT run_id, kind, cost, title, period_from, period_to, bundle_id, model,
    model_version, amount_cents, tax, tax_rate, tax_basis, supersedes, doc,
    encode(doc_sha256, 'hex') AS run_sha256, tenant, person, made_at
FROM ledger.allocation_run;

-- The parts of a run's doc: one for each member, component and range of days.
CREATE FUNCTION ledger.run_parts(doc json)
RETURNS TABLE (i bigint, ags text, name text, "from" date, "to" date,
    component text, key text, weight numeric, weights numeric,
    amount_cents bigint, cents bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH step AS MATERIALIZED (
		SELECT t.i, t.s->>'step' AS step, t.s->>'from' AS "from",
		    t.s->>'to' AS "to", t.s->>'component' AS component,
		    t.s->>'tenant' AS tenant,
		    (t.s->>'weight')::numeric AS weight,
		    (t.s->>'of')::numeric AS weights,
		    (t.s->>'cents')::bigint AS cents
		FROM json_array_elements(doc->'trace')
		    WITH ORDINALITY t(s, i)
		WHERE t.s->>'step' IN ('component', 'zero', 'part')
	)
	SELECT p.i, m.s->>'ags', m.s->>'name', p."from"::date, p."to"::date,
	    p.component, CASE WHEN z.i IS NULL THEN k.c->>'key'
		ELSE k.c->>'on_zero' END, p.weight, p.weights, c.cents, p.cents
	FROM step p
	JOIN json_array_elements(doc->'shares') m(s)
	    ON m.s->>'tenant' = p.tenant
	JOIN json_array_elements(doc->'components') k(c)
	    ON k.c->>'name' = p.component
	JOIN step c ON c.step = 'component' AND c.component = p.component
	    AND c."from" = p."from"
	LEFT JOIN step z ON z.step = 'zero' AND z.component = p.component
	    AND z."from" = p."from"
	WHERE p.step = 'part'
$$;

-- What a run gave each member and why; weights in the unit of their key.
CREATE VIEW report.statement_line AS
SELECT r.run_id, r.kind, r.cost, r.title, r.period_from, r.period_to, p.i,
    p.ags, p.name, p."from", p."to", p.component, p.key,
    CASE WHEN p.key IN ('usage', 'previous-year-usage')
	THEN round(p.weight / 1000, 3)
	WHEN p.key = 'fixed' THEN round(p.weight / 100, 2)
	ELSE p.weight END AS weight,
    CASE WHEN p.key IN ('usage', 'previous-year-usage')
	THEN round(p.weights / 1000, 3)
	WHEN p.key = 'fixed' THEN round(p.weights / 100, 2)
	ELSE p.weights END AS weights,
    p.amount_cents, p.cents, r.model, r.model_version,
    r.doc::json->'model'->>'clause' AS clause
FROM ledger.allocation_run r
CROSS JOIN LATERAL (
	SELECT * FROM ledger.run_parts(r.doc::json)
	UNION ALL
	SELECT 1000000000 + l.line_no, l.ags, l.name, r.period_from,
	    r.period_to, l.component, l.key, NULL, NULL, NULL, l.cents
	FROM ledger.allocation_line l
	WHERE l.run_id = r.run_id AND l.key IN ('bounds', 'instalment')
) p;

-- FOCUS 1.2 (FinOps Open Cost and Usage Specification), one row for each line
-- that a member bears. No unit prices are published, so all four costs are
-- one; a time is UTC, an end is exclusive. What on-zero shared otherwise is no
-- usage.
CREATE VIEW report.focus AS
SELECT j.booked_period, j.entry_id, j.line_no,
    to_char(j.amount_cents / 100.0, 'FM999999999990.00') AS "BilledCost",
    j.ags AS "BillingAccountId", j.name AS "BillingAccountName",
    'EUR' AS "BillingCurrency",
    to_char((j.booked_period + interval '1 month') AT TIME ZONE
	'Europe/Berlin' AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
	AS "BillingPeriodEnd",
    to_char(j.booked_period::timestamp AT TIME ZONE 'Europe/Berlin'
	AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
	AS "BillingPeriodStart",
    CASE WHEN j.used THEN 'Usage' WHEN j.key = 'bounds' THEN 'Adjustment'
	ELSE 'Purchase' END AS "ChargeCategory",
    CASE WHEN j.later THEN 'Correction' END AS "ChargeClass",
    j.title || ': ' || j.component || CASE WHEN j.type = 'ALLOCATION' THEN ''
	ELSE ' (' || lower(j.type) || ')' END AS "ChargeDescription",
    to_char((j.service_to + 1)::timestamp AT TIME ZONE 'Europe/Berlin'
	AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
	AS "ChargePeriodEnd",
    to_char(j.service_from::timestamp AT TIME ZONE 'Europe/Berlin'
	AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
	AS "ChargePeriodStart",
    j.issuer AS "InvoiceIssuerName",
    CASE WHEN j.later OR j.key = 'bounds' THEN NULL
	WHEN j.used THEN j.units ELSE 1 END AS "PricingQuantity",
    CASE WHEN j.later OR j.key = 'bounds' THEN NULL
	WHEN j.used THEN 'Units' ELSE 'Shares' END AS "PricingUnit",
    j.title AS "ServiceName", j.component AS "x_Component",
    j.model || ' ' || j.model_version AS "x_ModelVersion",
    coalesce(j.units, j.weight) AS "x_Weight",
    CASE WHEN j.later THEN j.service END AS "x_CorrectsPeriod"
FROM (SELECT e.*, w.units, w.weight,
	e.type IN ('CORRECTION', 'REVERSAL') AS later,
	e.key IN ('usage', 'previous-year-usage') AND w.units IS NOT NULL
	    AS used
    FROM report.journal e
    LEFT JOIN (SELECT run_id, ags, component, sum(weight) AS weight,
	    sum(weight) FILTER (WHERE key IN ('usage',
		'previous-year-usage')) AS units
	FROM report.statement_line GROUP BY 1, 2, 3) w
	USING (run_id, ags, component)
    WHERE e.account = 'share') j;

-- ---- rights

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
GRANT USAGE ON SCHEMA ledger TO hub_clerk;
GRANT SELECT ON ledger.journal, ledger.journal_line, ledger.allocation_run
    TO hub_auditor;
GRANT SELECT ON hub.bundle, hub.bundle_file, hub.head TO hub_clerk;
GRANT EXECUTE ON FUNCTION ledger.period_lock(),
    ledger.period_close(date, text, text, text, json),
    ledger.correct(text, text, text, text, json),
    ledger.reverse(bigint, text, text, text, text),
    ledger.plan(text, text, json),
    ledger.node_retire(int, text, text, text) TO hub_clerk;
GRANT EXECUTE ON FUNCTION ledger.first_open() TO hub_ingest, finance_ro;
GRANT EXECUTE ON FUNCTION ledger.closed_until(), ledger.month_end(date),
    ledger.period_obstacle(date), ledger.run_parts(json) TO finance_ro;
GRANT USAGE ON SCHEMA ledger TO finance_ro;
GRANT SELECT ON report.period, report.journal, report.allocation_run,
    report.statement_line, report.focus TO finance_ro;
