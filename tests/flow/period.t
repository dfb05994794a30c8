#!/bin/sh
''''exec python3 -- "$0" "$@" # '''
# period.t - months are closed by two persons, late events are corrected and
# corrections reversed, to the cent; what is closed no account changes; files
# come again byte for byte (ledger.md: T8, T22, T28-T30, T34, T35, T40-T42).
# The tests build on each other: a clerk's year.

import csv
import io
import os
import sys

sys.path.insert(1, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "reference"))
from flow import *
import chain

TOOL = os.environ.get("HUB_SPOOL_TOOL") or os.path.join(
    BUILD, "tests/support/spool_tool")
# AGS, name, title, inhabitants on 2018-12-31, units, share of E1, E1-late
MEMBERS = [
    ("05978004", "bergkamen", "Stadt Bergkamen", 48725, 310000, 580719, -4351),
    ("05978008", "boenen", "Gemeinde Bönen", 18107, 40000, 262440, -1287),
    ("05978012", "froendenberg", "Stadt Fröndenberg/Ruhr", 20766, 95000,
    301040, -1810),
    ("05978016", "holzwickede", "Gemeinde Holzwickede", 17118, 25000, 250000,
    0),
    ("05978020", "kamen", "Stadt Kamen", 42971, 280000, 528109, 29978),
    ("05978024", "luenen", "Stadt Lünen", 86449, 650000, 975416, -8186),
    ("05978028", "schwerte", "Stadt Schwerte", 46340, 2400000, 1000000, 0),
    ("05978032", "selm", "Stadt Selm", 26011, 120000, 348181, -2162),
    ("05978036", "unna", "Kreisstadt Unna", 58633, 900000, 858303, -9428),
    ("05978040", "werne", "Stadt Werne", 29662, 180000, 395792, -2754)]
SHARES = {m[0]: m[5] for m in MEMBERS}
LATE = {m[0]: m[6] for m in MEMBERS if m[6]}

REGION = "".join('tenant %s { name = "%s"  ags = "%s"  kind = municipality\n'
    '  population "2018-12-31" { inhabitants = %d } }\n' % (m[1], m[2], m[0],
    m[3]) for m in MEMBERS) + '''
tenant fremd { name = "=cmd|x"  ags = "05913000"  kind = city }
cost betrieb-2025 { title = "Betrieb Plattform"  amount = %s
	from = 2025-01-01  to = 2025-12-31  model = mitnutzung
	tax = standard  tax-rate = 19  tax-basis = "§ 2b UStG, Vermerk 3/25" }
model mitnutzung {
	version = 1  clause = "§ 5 ÖRV (Entwurf)"  members = {''' + ", ".join(
    m[1] for m in MEMBERS) + '''}
	component sockel { basis-points = 2000  key = equal }
	component einwohner { basis-points = 5000  key = population
		key-date = 2018-12-31 }
	component nutzung { basis-points = 3000  key = usage
		on-zero = population }
	minimum = 2500.00  maximum = 10000.00  per = year  tie = rotate
}
%s'''
FIXED = '''
cost fest-2026 { title = "Beiträge"  amount = 12624.40
	from = 2026-01-01  to = 2026-12-31  model = fest }
model fest { version = 1  members = {kamen, fremd}
	component beitrag { basis-points = 10000  key = fixed
		member kamen { amount = 10000.00 }
		member fremd { amount = 2624.40 } } }
'''
ONE, TWO = "schwerte:c.weber", "kamen:a.yilmaz"


def put(w, day, consumer, units, booked=None):
	"""Usage as the loader adds it to the roll-ups."""
	for table, key in (("usage_day", day), ("usage_month", day[:7] +
	    "-01")):
		w.sql("INSERT INTO ledger.%s AS u VALUES ('%s', '%s', "
		    "'access', '%s', '00000000', 'a', 'p', 'd', '', 1, 1, 0, 0, 0, %d, "
		    "ARRAY[1,0,0,0,0,0,0,0,0,0]) ON CONFLICT (%s, "
		    "booked_period, class, consumer, provider, agreement, "
		    "purpose, dataset, types, operation) DO UPDATE SET "
		    "requests = u.requests + 1, "
		    "units = u.units + excluded.units" % (table, key,
		    booked or day[:7] + "-01", consumer, units,
		    "day" if table == "usage_day" else "service_period"))


def setup():
	w = World("period")
	w.apply(REGION % ("55000.00", ""), code=0)
	for m in MEMBERS:
		put(w, "2025-01-01", m[0], m[4] * 400)
		put(w, "2025-12-31", m[0], m[4] * 600)
	w.sql("INSERT INTO ledger.spool_checkpoint VALUES (7, 1, 1, 2, 0, "
	    "'2025-12-31T22:59:59Z')")
	return w


def close(w, month, code=0, one=ONE, two=TWO):
	w.ctl("period", "close", month, "--as", one)
	return w.ctl("period", "close", month, "--as", two, code=code)


def journal(w, period):
	return json.loads(w.ctl("-o", "json", "export", "journal", period)[0])


def sums(lines, **want):
	"""What members bear, in cents, of the lines that have these values."""
	out = {}
	for l in lines:
		if l["account"] == "share" and all(l[k] == v for k, v in
		    want.items()):
			out[l["ags"]] = out.get(l["ags"], 0) + l["amount_cents"]
	return {k: v for k, v in out.items() if v}


def posted(w, cost="betrieb-2025"):
	return dict((r[0], int(r[1])) for r in w.sql("SELECT ags, "
	    "sum(amount_cents) FROM report.journal WHERE account = 'share' "
	    "AND cost = '%s' GROUP BY 1" % cost))


def rows(text, delimiter=","):
	return list(csv.reader(io.StringIO(text, newline=""),
	    delimiter=delimiter, strict=True))


def raw(w, *argv):
	p = subprocess.run([HUBCTL, "-c", w.path("hubd.conf")] + list(argv),
	    capture_output=True, timeout=60 * SLOW)
	same(p.returncode, 0, "%r: %s" % (argv, p.stderr))
	return p.stdout


# ---- closing

@test
def T29_two_persons_close(w):
	said = w.ctl("period", "close", "2025-01", "--as", ONE)[1]
	check("another person" in said, said)
	for me in (ONE, "unna:C.Weber"):
		said = w.ctl("period", "close", "2025-01", "--as", me,
		    code=77)[1]
		check("c.weber proposed to close 2025-01; another" in said,
		    said)
	same(w.sql("SELECT count(*) FROM ledger.journal"), [["0"]], "entries")
	said = w.ctl("period", "close", "2025-01", "--as", TWO)[1]
	check("2025-01: closed" in said, said)
	for me in (ONE, TWO, "unna:b.klein"):
		said = w.ctl("period", "close", "2025-01", "--as", me,
		    code=77)[1]
		check("2025-01 is closed" in said, said)
	out = json.loads(w.ctl("-o", "json", "period", "list")[0])[0]
	same((out["period"], out["state"], out["proposed_by"],
	    out["closed_by"], out["entries"], out["posted_cents"]), ("2025-01",
	    "closed", ONE, TWO, 1, 458334), "listed")


@test
def T29_a_person_is_the_same_one_in_a_database_of_any_locale(w):
	w.sql("CREATE DATABASE andere TEMPLATE template0 ENCODING 'UTF8' "
	    "LOCALE 'C.UTF-8'")
	uri = run(PG, "uri", w.pg, "andere")[0].strip()
	run(HUBCTL, "-d", uri, "db", "init")
	for person, want in (("Ö. Ünal", "proposed"), ("Ö. Ünal", None),
	    ("ö. ünal", None), ("A. Ünal", "closed")):
		out = run("psql", "-XqAt", uri, "-c", "SELECT "
		    "ledger.period_close('2025-01-01', 'schwerte', '%s', 'x', "
		    "'[]')" % person, code=None if want is None else 0)
		check(out[0].strip() == (want or ""), "%s: %s" % (person, out))
		check(want or "another person" in out[1], out[1])


@test
def a_close_reads_what_is_there_and_not_what_was(w):
	"""With one snapshot for all of it, events that come while it waits for
	the lock would be in the month and not in its figures."""
	for level in ("REPEATABLE READ", "SERIALIZABLE"):
		said = run("psql", "-Xqc", "BEGIN ISOLATION LEVEL %s; SELECT "
		    "ledger.period_lock()" % level, w.database, code=None)[1]
		check("READ COMMITTED" in said, said)
	w.sql("ALTER DATABASE drehscheibe SET default_transaction_isolation "
	    "TO 'repeatable read'")
	w.ctl("period", "close", "2025-02", "--as", ONE, "--dry-run")
	w.sql("ALTER DATABASE drehscheibe RESET default_transaction_isolation")


@test
def says_why_a_month_cannot_be_closed(w):
	cases = [(64, ["2025"], ONE, "is not a month"),
	    (64, ["2025-02"], None, "TENANT:PERSON"),
	    (64, ["2025-02"], "schwerte", "TENANT:PERSON"),
	    (64, ["2025-02"], "schwerte:", "TENANT:PERSON"),
	    (64, ["2025-02"], "schwerte: x", "TENANT:PERSON"),
	    (1, ["2025-02"], "hamm:x", "no such tenant"),
	    (77, ["2025-03"], ONE, "2025-02 has to be closed before"),
	    (77, ["2024-12"], ONE, "2024-12 is closed"),
	    (77, ["2199-01"], ONE, "is not over")]
	for code, argv, who, want in cases:
		out, said = w.ctl("period", "close", *argv,
		    *(["--as", who] if who else []), code=code)
		check(want in said and out == "", "%r: %r" % (argv, said))


@test
def other_figures_are_proposed_again(w):
	w.ctl("period", "close", "2025-02", "--as", ONE)
	put(w, "2025-02-03", "05978020", 1000)
	said = w.ctl("period", "close", "2025-02", "--as", TWO, code=3)[1]
	check("other figures" in said, said)
	# The same person: he sees these figures for the first time.
	w.ctl("period", "close", "2025-02", "--as", TWO, code=77)
	w.sql("UPDATE ledger.usage_day SET units = 0 WHERE day = '2025-02-03'")
	w.sql("UPDATE ledger.usage_month SET units = 0 "
	    "WHERE service_period = '2025-02-01'")
	w.ctl("period", "close", "2025-02", "--as", ONE, code=3)
	w.ctl("period", "close", "2025-02", "--as", TWO)


@test
def a_dry_run_changes_nothing(w):
	before = w.sql("SELECT count(*) FROM ledger.period_proposal")
	out, said = w.ctl("--lang", "de", "period", "close", "2025-03", "--as",
	    ONE, "--dry-run")
	check("Probelauf" in said and "4583,34" in out, said + out)
	same(w.sql("SELECT count(*) FROM ledger.period_proposal"), before,
	    "proposals")


@test
def T28_waits_for_every_node(w):
	for m in range(3, 12):
		close(w, "2025-%02d" % m)
	said = w.ctl("period", "close", "2025-12", "--as", ONE, code=77)[1]
	check("node 7 has reported up to 2025-12-31T22:59:59Z only" in said,
	    said)
	w.sql("INSERT INTO ledger.spool_checkpoint VALUES (7, 2, 1, 2, 0, "
	    "'2025-12-31T23:00:00Z'), (9, 1, 1, 2, 0, '2025-12-01T00:00:00Z')")
	said = w.ctl("period", "close", "2025-12", "--as", ONE, code=77)[1]
	check("node 9 has reported up to 2025-12-01T00:00:00Z only" in said,
	    said)
	w.ctl("period", "retire", "9", "--as", ONE, "--reason", "abgebaut")
	w.ctl("period", "close", "2025-12", "--as", ONE)
	# It lives after all.
	w.sql("UPDATE ledger.spool_checkpoint SET ts_watermark = "
	    "'2025-12-02T00:00:00Z' WHERE node_id = 9")
	w.ctl("period", "close", "2025-12", "--as", TWO, code=77)
	w.sql("UPDATE ledger.spool_checkpoint SET ts_watermark = now()")


@test
def a_close_does_not_hold_up_the_hubs_behind_a_long_reader(w):
	reader = subprocess.Popen(["psql", "-Xq", w.database, "-c", "BEGIN; "
	    "SELECT count(*) FROM ledger.event; SELECT pg_sleep(120)"],
	    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
	try:
		wait_for(lambda: w.sql("SELECT 1 FROM pg_locks WHERE relation = "
		    "'ledger.event'::regclass AND granted"), 10, "the reader")
		begun = time.monotonic()
		said = w.ctl("period", "close", "2025-12", "--as", TWO,
		    code=75)[1]
		check("is being read" in said, said)
		check(time.monotonic() - begun < 30 * SLOW, "it waited")
	finally:
		w.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE "
		    "relation = 'ledger.event'::regclass")
		reader.wait(20)
	same(w.sql("SELECT count(*) FROM ledger.period_close WHERE period = "
	    "'2025-12-01'"), [["0"]], "closed")


@test
def T1_the_year_is_settled_to_the_cent(w):
	w.ctl("period", "close", "2025-12", "--as", TWO)
	same(posted(w), SHARES, "months and settlement")
	lines = journal(w, "2025")
	same(sum(sums(lines).values()), 5500000, "the year")
	same({l["type"] for l in lines}, {"ALLOCATION", "SETTLEMENT"}, "types")
	same({l["component"] for l in lines if l["type"] == "SETTLEMENT" and
	    l["account"] == "share"}, {"sockel", "einwohner", "nutzung",
	    "(bounds)"},
	    "what the year is otherwise than its months")
	out = json.loads(w.ctl("-o", "json", "statement", "schwerte",
	    "2025")[0])
	cost = out["costs"][0]
	same((out["share_cents"], cost["state"], cost["bound"],
	    cost["bounds_cents"], out["corrections_cents"]), (1000000,
	    "closed", "maximum", 1000000 - 1224798, 0), "statement")


@test
def P13_every_entry_sums_to_zero(w):
	same(w.sql("SELECT entry_id FROM ledger.journal_line GROUP BY 1 "
	    "HAVING sum(amount_cents) <> 0 OR count(*) < 2"), [], "unbalanced")
	head = "INSERT INTO ledger.journal SELECT 900, 'x', 'ALLOCATION', " \
	    "'2026-02-01', service_from, service_to, cost, run_id, NULL, " \
	    "NULL, 'x', 'kamen', 'x' FROM ledger.journal WHERE entry_id = 1; "
	line = "INSERT INTO ledger.journal_line VALUES (900, %d, '%s', '%s', " \
	    "'x', '', '', %d); "
	for lines, good in ([(1, "share", "1", 5)], False), \
	    ([(1, "share", "1", 5), (2, "cost", "", -4)], False), ([], False), \
	    ([(1, "share", "1", 5), (2, "cost", "", -5)], True):
		code = run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-1",
		    w.database, "-c", head + "".join(line % l for l in lines) +
		    "SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK", code=None)[1]
		same("lines that sum to" in code, not good, "%r" % (lines,))


# ---- what is closed stays

ROLES = ["postgres", "hub_owner", "hub_clerk", "hub_ingest", "hub_finance",
    "finance_ro", "hub_admin", "hub_proxy", "hub_dpo", "hub_tenant"]
CHANGES = ["""INSERT INTO ledger.usage_day SELECT day, booked_period, class,
	'x', provider, agreement, purpose, dataset, types, operation, 1, 0, 0,
	0, 0, latency_hist FROM ledger.usage_day LIMIT 1""",
    "UPDATE ledger.usage_day SET units = units + 1",
    "DELETE FROM ledger.usage_day WHERE day = '2025-01-01'",
    "UPDATE ledger.usage_month SET booked_period = '2027-01-01'",
    "DELETE FROM ledger.usage_month", """INSERT INTO ledger.event
	(service_period, event_id, leg, booked_period, service_day, class, kind,
	ts, duration_us, http_status, decision, operation, consumer, provider,
	agreement, agreement_version, purpose, flags, entities, bytes_out,
	bytes_in, units, request_id, decision_id, policy_hash, type1, type2,
	type3, type4, ntypes, user_pseudonym, dataset, use_case, upstream_us,
	queue_us, rec_hash, node_id, boot_epoch, seq, dict_born)
	VALUES ('2025-06-01', gen_random_uuid(), 0, '2025-06-01',
	'2025-06-01', 'access', 1, now(), 0, 200, 1, 1, '1', '1', 0, 0, 0, 0, 0,
	0, 0, 0, gen_random_uuid(), gen_random_uuid(), '', 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, '', 1, 1, 1, 1)""",
    "UPDATE ledger.event SET units = 0", "DELETE FROM ledger.event",
    "UPDATE ledger.period_close SET period = '2024-01-01'",
    "UPDATE ledger.allocation_run SET doc = '{}'",
    "INSERT INTO ledger.allocation_line SELECT run_id, 999, ags, name, 'x', "
    "key, 1 FROM ledger.allocation_line LIMIT 1",
    "UPDATE ledger.allocation_line SET cents = 0",
    "INSERT INTO ledger.journal SELECT 999, 'x', type, booked_period, "
    "service_from, service_to, cost, run_id, NULL, NULL, issuer, tenant, "
    "person FROM ledger.journal LIMIT 1",
    "UPDATE ledger.journal SET reason = 'x'",
    "INSERT INTO ledger.journal_line SELECT entry_id, 999, account, ags, "
    "name, component, key, 1 FROM ledger.journal_line LIMIT 1",
    "UPDATE ledger.journal_line SET amount_cents = 1"]
for _t in ("period_close", "period_proposal", "allocation_run",
    "allocation_line", "journal", "journal_line", "node_retired"):
	CHANGES += ["DELETE FROM ledger." + _t,
	    "TRUNCATE ledger.%s CASCADE" % _t]
CHANGES += ["TRUNCATE ledger.%s" % _t for _t in ("usage_day", "usage_month",
    "event", "event_default")]


@test
def T30_no_account_changes_what_is_closed(w):
	w.sql("SELECT ledger.ensure_partitions('2025-06-01')")
	before = raw(w, "export", "journal", "2025")
	for role in ROLES:
		text = "".join("""
			BEGIN
				SET LOCAL ROLE %s;
				EXECUTE $q$%s$q$;
				done := done || $q$%s$q$;
			EXCEPTION WHEN insufficient_privilege
			    OR check_violation THEN
				NULL;
			END;""" % (role, c, c[:60]) for c in CHANGES)
		out = run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", w.database,
		    "-c", "SET client_min_messages = warning; DO $d$ DECLARE "
		    "done text[] := '{}'; BEGIN %s "
		    "IF done <> '{}' THEN RAISE EXCEPTION 'did %%', done; "
		    "END IF; END $d$" % text, code=None)[1]
		same(out, "", "as " + role)
	same(raw(w, "export", "journal", "2025"), before, "the journal")


@test
def P11_late_events_of_a_closed_month_are_taken(w):
	# What may be added: the same event, booked in a month that is open.
	text = CHANGES[5].replace("0, '2025-06-01'", "0, '2026-01-01'", 1)
	w.sql("BEGIN; SET LOCAL ROLE hub_ingest; %s; ROLLBACK" % text)


# ---- corrections

@test
def T34_late_events_are_corrected(w):
	statement = json.loads(w.ctl("-o", "json", "statement", "kamen",
	    "2025")[0])["costs"]
	runs = w.sql("SELECT run_id, md5(doc) FROM ledger.allocation_run")
	put(w, "2025-07-01", "05978020", 100000 * 1000, booked="2026-01-01")
	late = [p for p in json.loads(w.ctl("-o", "json", "period",
	    "list")[0]) if p["late_requests"]]
	same([(p["period"], p["late_milli_units"]) for p in late],
	    [("2025-07", 100000000)], "seen, and waiting")
	w.ctl("correct", "2025", "--as", ONE, code=64)
	w.ctl("correct", "2025", "--reason", "x", code=64)
	said = w.ctl("correct", "2025-07", "--reason", "x", "--as", ONE,
	    code=1)[1]
	check("corrected as a year" in said, said)
	w.ctl("correct", "2025", "--reason", "Probe", "--as", ONE, "--dry-run")
	same(posted(w), SHARES, "a dry run")
	out = json.loads(w.ctl("-o", "json", "correct", "2025", "--reason",
	    "Nachzügler Kamen", "--as", ONE)[0])
	same({l["ags"]: l["amount_cents"] for l in out}, {m[0]: m[6] for m in
	    MEMBERS}, "the difference")
	lines = [l for l in journal(w, "2026-01") if l["type"] == "CORRECTION"]
	same(sums(lines), LATE, "entry")
	same(sum(sums(lines).values()), 0, "its sum")
	same({(l["booked"], l["from"], l["to"], l["reason"]) for l in lines},
	    {("2026-01", "2025-01-01", "2025-12-31", "Nachzügler Kamen")},
	    "what of")
	same(posted(w), {k: v + LATE.get(k, 0) for k, v in SHARES.items()},
	    "with it")
	same(json.loads(w.ctl("-o", "json", "statement", "kamen",
	    "2025")[0])["costs"], statement, "the closed figures")
	same(w.sql("SELECT run_id, md5(doc) FROM ledger.allocation_run WHERE "
	    "kind <> 'correction'"), runs, "the closed runs")
	said = w.ctl("correct", "2025", "--reason", "noch einmal", "--as",
	    ONE)[1]
	check("nothing to correct" in said, said)


@test
def T34_statements_tell_corrections_apart(w):
	out = json.loads(w.ctl("-o", "json", "statement", "kamen", "2025")[0])
	same((out["share_cents"], out["corrections_cents"],
	    out["posted_cents"]), (528109, 29978, 558087), "sums")
	same([e["type"] for e in out["entries"]], ["ALLOCATION"] * 12 +
	    ["SETTLEMENT", "CORRECTION"], "entries")
	text = w.ctl("--lang", "de", "statement", "kamen", "2025")[0]
	for want in ("Abgeschlossen: Berechnung", "5281,09", "Berichtigung",
	    "299,78", "Nachzügler Kamen", "5580,87", "Umsatzsteuer: "
	    "steuerpflichtig, 19 % (S, § 2b UStG, Vermerk 3/25): netto 5281,09 "
	    "EUR, Steuer 1003,41 EUR, brutto 6284,50 EUR"):
		check(want in text, "%r in: %s" % (want, text))


@test
def T35_reverses_an_entry_once(w):
	entry = [l["entry"] for l in journal(w, "2026-01")][0]
	w.ctl("correct", "--reverse", str(entry), "--as", TWO, code=64)
	w.ctl("correct", "2025", "--reverse", str(entry), "--reason", "x",
	    "--as", TWO, code=64)
	w.ctl("correct", "--reverse", str(entry), "--reason",
	    "doppelt gemeldet", "--as", TWO)
	same(posted(w), SHARES, "as before")
	lines = journal(w, "2026-01")
	back = [l for l in lines if l["type"] == "REVERSAL"]
	same({l["reverses"] for l in back}, {entry}, "which")
	same(sums(back), {k: -v for k, v in LATE.items()}, "the negative")
	out = w.ctl("correct", "--reverse", str(entry), "--reason", "x",
	    "--as", TWO, code=75)
	check("unique" in out[1], out[1])
	for wrong, want in ((back[0]["entry"], "reversal itself"),
	    (9999, "no entry")):
		out = w.ctl("correct", "--reverse", str(wrong), "--reason", "x",
		    "--as", TWO, code=77)
		check(want in out[1], out[1])


@test
def P12_a_correction_sums_to_the_change_of_cost(w):
	w.apply(REGION % ("55100.00", ""))
	w.ctl("correct", "2025", "--reason", "Nachforderung", "--as", ONE)
	lines = journal(w, "2026-01")
	last = max(l["entry"] for l in lines)
	same(sum(sums(lines, entry=last).values()), 10000, "the sum")
	same(sum(posted(w).values()), 5510000, "all")
	w.ctl("correct", "--reverse", str(last), "--reason", "irrtümlich",
	    "--as", ONE)
	w.apply(REGION % ("55000.00", FIXED))
	w.ctl("correct", "2025", "--reason", "Nachzügler, doch nur einmal",
	    "--as", ONE)
	same(posted(w), {k: v + LATE.get(k, 0) for k, v in SHARES.items()},
	    "with the late events again")


# ---- instalments

@test
def T8_instalments_of_a_planned_year(w):
	w.ctl("plan", "fest-2026", "2025", "--as", ONE, code=1)
	w.ctl("plan", "fest-2026", "2026-01", "--as", ONE, code=64)
	w.ctl("plan", "fest-2026", "2026", "--as", ONE)
	w.ctl("plan", "fest-2026", "2026", "--as", ONE, code=77)
	for month in ("2026-01", "2026-02", "2026-03", "2026-04"):
		close(w, month)
	for ags, want in (("05978020", [83333, 83333, 83334, 83333]),
	    ("05913000", [21870] * 4)):
		same([sums([l for l in journal(w, "2026-%02d" % m) if l["cost"]
		    == "fest-2026"], type="INSTALMENT")[ags] for m in
		    range(1, 5)], want, ags)
	out = json.loads(w.ctl("-o", "json", "statement", "kamen",
	    "2026-03")[0])
	same((out["share_cents"], out["costs"][0]["state"]), (83334, "closed"),
	    "a month's statement")
	table = rows(w.ctl("-o", "csv", "statement", "kamen", "2026-03")[0])
	same(table[1][3:9], ["instalment", "a twelfth of the planned year", "",
	    "", "", "833.34"], "its line")


@test
def P18_statements_sum_to_what_was_shared(w):
	for period, want in (("2025", 5500000), ("2026-02", 83333 + 21870)):
		total = sum(json.loads(w.ctl("-o", "json", "statement", name,
		    period)[0])["share_cents"] for name in [m[1] for m in
		    MEMBERS] + ["fremd"])
		same(total, want, period)
		same(sum(l["share_cents"] for l in json.loads(w.ctl("-o",
		    "json", "export", "statement", period)[0])), want,
		    "exported")


# ---- tax

@test
def T22_tax_of_notices_and_of_the_total(w):
	put(w, "2026-05-01", "05978020", 1)
	region = REGION.replace("betrieb-2025", "probe").replace("2025-",
	    "2024-")
	w.apply(region % ("55000.00", FIXED))
	for m in MEMBERS:
		# Before the first close; nobody closes it any more.
		w.sql("ALTER TABLE ledger.usage_day DISABLE TRIGGER closed")
		put_day(w, "2024-05-01", m[0], m[4] * 1000)
		w.sql("ALTER TABLE ledger.usage_day ENABLE ALWAYS TRIGGER "
		    "closed")
	out = json.loads(w.ctl("-o", "json", "allocate", "probe", "--period",
	    "2024")[0])
	same([s["share_cents"] for s in out["shares"]], [m[5] for m in MEMBERS],
	    "E1")
	same(out["tax_cents"], {"notices": 1045001, "total": 1045000,
	    "difference": 1}, "tax")
	same(out["tax"], {"code": "S", "percent": 19,
	    "basis": "§ 2b UStG, Vermerk 3/25"}, "and why")
	text = w.ctl("--lang", "de", "allocate", "probe", "--period", "2024")[0]
	check("zusammen: 10450,01 EUR; auf die Summe: 10450,00 EUR; "
	    "Unterschied 0,01 EUR" in text, text)


@test
def T22_a_tax_needs_its_rate_and_basis(w):
	whole = "tax = standard  tax-rate = 19  tax-basis = \"§ 2b UStG, " \
	    "Vermerk 3/25\""
	check(whole in REGION, "what is replaced")
	cases = [("tax = standard  tax-basis = x", "tax-rate goes with"),
	    ("tax = exempt  tax-rate = 19  tax-basis = x",
	    "tax-rate goes with"), ("tax-rate = 19", "tax-rate goes with"),
	    ("tax = exempt", "needs a tax-basis"),
	    ("tax-basis = x", "goes with tax"),
	    ("tax = standard  tax-rate = 100  tax-basis = x", "allowed"),
	    ("tax = reduced  tax-basis = x", "allowed")]
	for text, want in cases:
		path = w.write("tax.hub", REGION.replace(whole, text) %
		    ("55000.00", ""))
		said = w.ctl("validate", path, code=78)[1]
		check(want in said, "%s: %s" % (text, said))
	for text in ("", "tax = outside  tax-basis = x"):
		w.ctl("validate", w.write("tax.hub", REGION.replace(whole,
		    text) % ("55000.00", "")))


def put_day(w, day, consumer, units):
	w.sql("INSERT INTO ledger.usage_day VALUES ('%s', '%s-01', 'access', "
	    "'%s', '00000000', 'a', 'p', 'd', '', 1, 1, 0, 0, 0, %d, "
	    "ARRAY[1,0,0,0,0,0,0,0,0,0])" % (day, day[:7], consumer, units))


# ---- files

@test
def T42_files_come_again_byte_for_byte(w):
	for what in ("journal", "statement", "usage", "focus"):
		for form in (["-o", "csv", "--lang", "de"], ["-o", "csv"],
		    ["-o", "json"]):
			for period in ("2025", "2026-01"):
				one = raw(w, *form, "export", what, period)
				same(raw(w, *form, "export", what, period), one,
				    what)
				check(len(one) > 100, "%s %s" % (what, period))
	said = w.ctl("export", "usage", "2026-05")[1]
	check("2026-05 is not closed" in said, said)
	same(w.ctl("-o", "csv", "export", "usage", "2026-04")[1], "", "closed")


@test
def T40_writes_csv_for_german_excel(w):
	text = raw(w, "-o", "csv", "--lang", "de", "export", "journal",
	    "2026-01").decode()
	check(text.startswith("\ufeffBeleg;Zeile;Art;Buchungsmonat;"),
	    "%.80r" % text)
	same(text.count("\n"), text.count("\r\n"), "CRLF alone")
	table = rows(text[1:], ";")
	at = {name: i for i, name in enumerate(table[0])}
	same({r[at["Name"]] for r in table if r[at["AGS"]] == "05913000"},
	    {"'=cmd|x"}, "a formula")
	selm = [r[at["Betrag"]] for r in table if r[at["AGS"]] == "05978032"]
	check(any(re.match(r"-\d+,\d\d$", a) for a in selm), "%r" % selm)
	check({"Gemeinde Bönen"} <= {r[at["Name"]] for r in table}, "umlauts")
	same({r[at["Buchungsmonat"]] for r in table[1:]}, {"01.2026"}, "date")
	same(sum(int(r[at["Betrag"]].replace(",", "")) for r in table[1:]), 0,
	    "the journal's sum")
	machine = rows(raw(w, "-o", "csv", "export", "journal",
	    "2026-01").decode())
	same([r[at["Betrag"]].replace(".", ",") for r in machine[1:]],
	    [r[at["Betrag"]] for r in table[1:]], "the same figures")


FOCUS = ["BilledCost", "BillingAccountId", "BillingAccountName",
    "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd",
    "ChargePeriodStart", "ContractedCost", "EffectiveCost",
    "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit",
    "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"]


@test
def T41_exports_focus(w):
	table = rows(raw(w, "-o", "csv", "--lang", "de", "export", "focus",
	    "2025").decode())
	same(table[0][:21], FOCUS, "columns")
	same(table[0][21:25], ["ConsumedQuantity", "ConsumedUnit",
	    "ChargeFrequency", "ServiceSubcategory"], "and these")
	check(all(c.startswith("x_") for c in table[0][25:]) and
	    len(table[0]) > 25, "own columns last: %r" % table[0][25:])
	lines = [dict(zip(table[0], r)) for r in table[1:]]
	same(sum(int(l["BilledCost"].replace(".", "")) for l in lines), 5500000,
	    "the sum")
	for l in lines:
		for c in ("BilledCost", "ContractedCost", "EffectiveCost",
		    "ListCost"):
			check(re.match(r"-?\d+\.\d\d$", l[c]) and l[c] ==
			    l["BilledCost"], "%s %r" % (c, l[c]))
		for c in table[0]:
			if c.endswith(("PeriodStart", "PeriodEnd")):
				check(re.match(r"\d{4}-\d\d-\d\dT\d\d:00:00Z$",
				    l[c]), "%s %r" % (c, l[c]))
	same({(l["ChargeCategory"], l["ChargeClass"]) for l in lines},
	    {("Usage", ""), ("Purchase", ""), ("Adjustment", "")}, "kinds")
	jan = lines[0]
	same((jan["BillingPeriodStart"], jan["BillingPeriodEnd"]),
	    ("2024-12-31T23:00:00Z", "2025-01-31T23:00:00Z"), "January")
	units = [l for l in lines if l["ChargeCategory"] == "Usage" and
	    l["BillingAccountId"] == "05978020"]
	same((units[0]["PricingQuantity"], units[0]["PricingUnit"],
	    units[0]["x_Component"]), ("112000.000", "Units", "nutzung"),
	    "units")


@test
def T34_exports_corrections_as_focus_has_them(w):
	table = rows(raw(w, "-o", "csv", "export", "focus",
	    "2026-01").decode())
	lines = [dict(zip(table[0], r)) for r in table[1:]]
	later = [l for l in lines if l["ServiceName"] == "Betrieb Plattform"]
	same({(l["ChargeClass"], l["x_CorrectsPeriod"]) for l in later},
	    {("Correction", "2025")}, "corrections")
	same({l["x_CorrectsPeriod"] for l in lines if l not in later}, {""},
	    "others")
	same(sum(int(l["BilledCost"].replace(".", "")) for l in later), 0,
	    "their sum")


@test
def closes_and_corrections_are_blocks_of_the_chain(w):
	same(w.sql("SELECT report.chain_broken() IS NULL"), [["t"]], "chain")
	same(w.sql("SELECT payload::json->>'period' FROM ledger.block "
	    "WHERE kind = 2 ORDER BY block_no"), w.sql("SELECT period FROM "
	    "ledger.period_close ORDER BY 1"), "closes")
	w.ctl("export", "audit-data", w.path("blocks"))
	# A second implementation finds each hash that a block names.
	made = chain.check(w.path("blocks"))[2]
	same([[str(made)]], w.sql("SELECT (SELECT count(*) FROM ledger.journal) "
	    "+ (SELECT count(*) FROM ledger.allocation_run) + (SELECT count("
	    "DISTINCT run_id) FROM ledger.allocation_line) + (SELECT count(*) "
	    "FROM ledger.period_proposal) + (SELECT count(*) FROM "
	    "ledger.period_close) + (SELECT count(*) FROM ledger.node_retired)"),
	    "all of it")


@test
def hubverify_checks_what_is_closed_and_posted(w):
	verify = os.path.join(BUILD, "server/hubverify/hubverify")
	w.ctl("export", "audit-data", w.path("audit"))
	# The usage of these months is made up: sums without events.
	out = run(verify, "--lang", "en", "--all", "--export",
	    w.path("audit"), code=1)[0]
	same([line for line in out.splitlines() if "TAMPERED" in line and
	    "not the sum of the events" not in line], [], "findings")
	for file, old, new, says in (
	    ("journal.csv", ",share,", ",cost,", "is not the one that block"),
	    ("journal.csv", "05978028,", "05978012,", "entry "),
	    ("runs.csv", "share_cents\"\"", "Share_cents\"\"", "calculation "),
	    ("journal.csv", "\n1,", "\n999,", "is in no block"),
	    ("usage_day.csv", "2025-", "2024-", "no longer those that block")):
		with open(w.path("audit", file), "r+") as f:
			was = f.read()
			check(old in was, "%s in %s" % (old, file))
			f.seek(0)
			f.truncate()
			f.write(was.replace(old, new, 1))
		out = run(verify, "--lang", "en", "--all", "--export",
		    w.path("audit"), code=1)[0]
		check(says in out, "%s: %s" % (says, out))
		with open(w.path("audit", file), "w") as f:
			f.write(was)


# ---- rights and the loader

@test
def needs_the_role_of_a_clerk(w):
	uris = {}
	for name, roles in (("kasse", "hub_finance, hub_dpo"),
	    ("sachbearbeitung", "hub_clerk")):
		w.sql("CREATE ROLE %s LOGIN" % name)
		w.sql("GRANT %s TO %s" % (roles, name))
		uris[name] = re.sub(r"(user=|//)postgres\b", r"\1" + name,
		    w.database)
		run(HUBCTL, "-d", uris[name], "period", "list")
		run(HUBCTL, "-d", uris[name], "export", "journal", "2025")
	for argv in (["period", "close", "2026-05"], ["correct", "2025",
	    "--reason", "x"], ["correct", "--reverse", "1", "--reason", "x"],
	    ["plan", "fest-2026", "2027"]):
		out = run(HUBCTL, "-d", uris["kasse"], *argv, "--as", ONE,
		    code=77)[1]
		check("permission denied" in out, "%r: %s" % (argv, out))
	for who in (ONE, TWO):
		run(HUBCTL, "-d", uris["sachbearbeitung"], "period", "close",
		    "2026-05", "--as", who)
	# Not by any other way than the functions.
	out = run("psql", "-XqAt", uris["sachbearbeitung"], "-c",
	    "INSERT INTO ledger.period_close SELECT '2026-06-01', 1, '', 'x', "
	    "'x'", code=1)[1]
	check("permission denied" in out, out)


class Session:
	"""A psql that waits between statements."""

	def __init__(self, w):
		self.p = subprocess.Popen(["psql", "-XqAt", "-v",
		    "ON_ERROR_STOP=1", w.database], stdin=subprocess.PIPE,
		    stdout=subprocess.PIPE, text=True)

	def do(self, text):
		self.p.stdin.write(text + ";\nSELECT 'done';\n")
		self.p.stdin.flush()
		same(self.p.stdout.readline(), "done\n", text[:40])

	def end(self):
		self.p.stdin.close()
		same(self.p.wait(30 * SLOW), 0, "psql")


@test
def books_what_is_loaded_late_in_an_open_month(w):
	folder = w.path("late")
	os.mkdir(folder)
	w.sql("SELECT ledger.ensure_partitions(now()::date)")
	p = subprocess.Popen([TOOL, "write", folder, str(64 << 20),
	    str(1 << 20)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
	    stderr=subprocess.DEVNULL)
	time.sleep(0.3)
	acked = p.communicate(b"\n", timeout=60 * SLOW)[0].count(b"ok ")
	check(acked > 0, "nothing was written")
	# This month is closed by hand while the loader waits with its batch.
	s = Session(w)
	s.do("BEGIN; DO $$ BEGIN PERFORM ledger.period_lock(); END $$")
	load = subprocess.Popen([TOOL, "load", folder, str(64 << 20),
	    str(1 << 20), w.database], stdout=subprocess.DEVNULL,
	    stderr=subprocess.DEVNULL)
	wait_for(lambda: w.sql("SELECT 1 FROM pg_locks WHERE NOT granted AND "
	    "relation = 'ledger.event'::regclass"), 20, "a batch that waits")
	s.do("INSERT INTO ledger.period_proposal VALUES (900, date_trunc("
	    "'month', now() AT TIME ZONE 'Europe/Berlin'), '', 'kamen', 'x')")
	s.do("INSERT INTO ledger.period_close SELECT period, 900, '', "
	    "'kamen', 'y' FROM ledger.period_proposal WHERE proposal_id = 900")
	s.do("DO $$ BEGIN EXECUTE format('ALTER TABLE ledger.event DROP "
	    "CONSTRAINT booked_in_open, ADD CONSTRAINT booked_in_open CHECK "
	    "(booked_period > %L) NOT VALID', ledger.closed_until()); END $$")
	s.do("COMMIT")
	s.end()
	try:
		same(load.wait(60 * SLOW), 0, "load")
	finally:
		load.kill()
	last = w.sql("SELECT max(period) FROM ledger.period_close")[0][0]
	got = w.sql("SELECT service_period, booked_period, "
	    "count(*) FILTER (WHERE leg = 0) FROM ledger.event GROUP BY 1, 2")
	same([(r[0], int(r[2]) >= acked) for r in got], [(last, True)],
	    "events of the closed month: %r" % got)
	same(w.sql("SELECT first_open = '%s' FROM ledger.first_open() "
	    "first_open" % got[0][1]), [["t"]], "booked in the next")
	same(w.sql("SELECT DISTINCT service_period, booked_period FROM "
	    "ledger.usage_month WHERE service_period = '%s'" % last),
	    [got[0][:2]], "and so are roll-ups")
	same([p["late_requests"] > 0 for p in json.loads(w.ctl("-o", "json",
	    "period", "list")[0]) if p["period"] == last[:7]], [True], "seen")


main(setup)
