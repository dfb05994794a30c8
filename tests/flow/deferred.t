#!/bin/sh
''''exec python3 -- "$0" "$@" # '''
# deferred.t - a correction that differs by less than correct-from for every
# member waits for the year's end, is shown as such and is never dropped
# (ledger.md, section 4, "Late event"). The tests build on each other: two years
# of a clerk.
from flow import *

ONE, TWO = "kamen:c.weber", "selm:a.yilmaz"
KAMEN, SELM = "05978020", "05978032"
REGION = '''
tenant kamen { name = "Stadt Kamen" ags = "05978020" kind = municipality }
tenant selm { name = "Stadt Selm" ags = "05978032" kind = municipality }
'''
# Name, whether months stand for themselves, the setting.
COSTS = [("monate", "month", ""), ("jahr", "year", ""),
    ("sofort", "month", "correct-from = 0.00"),
    ("spaet", "month", "correct-from = 5.00")]
for _name, _per, _more in COSTS:
	REGION += '''cost %s { title = "Kosten %s" amount = 12000.00
	from = 2025-01-01 to = 2025-12-31 model = m-%s %s }
model m-%s { version = 1 clause = "§ 5" members = {kamen, selm} per = %s
	component nutzung { basis-points = 10000 key = usage on-zero = equal } }
''' % (_name, _name, _name, _more, _name, _per)


def put(w, day, consumer, units, booked=None):
	for table, key in (("usage_day", day), ("usage_month", day[:7] +
	    "-01")):
		w.sql("INSERT INTO ledger.%s AS u VALUES ('%s', '%s', "
		    "'access', '%s', '00000000', 'a', 'p', 'd', '', 1, 1, 0, "
		    "0, 0, %d, ARRAY[1,0,0,0,0,0,0,0,0,0]) ON CONFLICT (%s, "
		    "booked_period, class, consumer, provider, agreement, "
		    "purpose, dataset, types, operation) DO UPDATE SET "
		    "units = u.units + excluded.units" % (table, key,
		    booked or day[:7] + "-01", consumer, units * 1000,
		    "day" if table == "usage_day" else "service_period"))


def close(w, month):
	for person in (ONE, TWO):
		out = w.ctl("-o", "json", "period", "close", month, "--as",
		    person)[0]
	return json.loads(out)


def setup():
	w = World("deferred")
	w.apply(REGION)
	for ags in (KAMEN, SELM):
		put(w, "2025-01-10", ags, 1000)
	for m in (1, 2):
		close(w, "2025-%02d" % m)
	return w


def correct(w, period, *more):
	out, said = w.ctl("-o", "json", "--lang", "en", "correct", period,
	    "--reason", "Nachzügler", "--as", ONE, *more)
	rows = json.loads(out) if out.strip() else []
	got = {}
	for r in rows:
		got.setdefault((r["cost"], r["type"]), {})[r["ags"]] = \
		    r["amount_cents"]
	return got, said


def deferred(w):
	rows = json.loads(w.ctl("-o", "json", "period", "deferred")[0])
	return [(r["cost"], r["service"], r["ags"], r["amount_cents"])
	    for r in rows if r["taken_up_by"] is None]


def entries(w):
	return w.sql("SELECT type, count(*) FROM ledger.journal GROUP BY 1 "
	    "ORDER BY 1")


def posted(w, cost):
	return {r[0]: int(r[1]) for r in w.sql("SELECT ags, "
	    "sum(amount_cents) FROM report.journal WHERE account = 'share' "
	    "AND cost = '%s' GROUP BY 1" % cost)}


@test
def what_is_below_waits_and_is_shown(w):
	"""1000.00 by 1001 of 2001: 0.25 more; by equal parts before."""
	before = entries(w)
	put(w, "2025-01-11", KAMEN, 1, "2025-03-01")
	got, said = correct(w, "2025-01", "--dry-run")
	check("dry run" in said and "deferred" in said, said)
	same(deferred(w), [], "a dry run")
	got, said = correct(w, "2025-01")
	check("deferred to the close of the year" in said, said)
	same(got, {("monate", "DEFERRED"): {KAMEN: 25, SELM: -25},
	    ("jahr", "DEFERRED"): {KAMEN: 25, SELM: -25},
	    ("sofort", "CORRECTION"): {KAMEN: 25, SELM: -25},
	    ("spaet", "DEFERRED"): {KAMEN: 25, SELM: -25}}, "what was said")
	same(entries(w), before + [["CORRECTION", "1"]],
	    "posted is what waits for nothing")
	same(deferred(w), [(c, "2025-01", a, n) for c in ("monate", "jahr",
	    "spaet") for a, n in ((KAMEN, 25), (SELM, -25))], "waiting")
	doc = json.loads(w.ctl("-o", "json", "statement", "kamen",
	    "2025-01")[0])
	same((doc["deferred_cents"], doc["corrections_cents"],
	    doc["posted_cents"]), (75, 25, 4 * 50000 + 25), "statement")
	text = w.ctl("--lang", "de", "statement", "selm", "2025-01")[0]
	check("Zurückgestellt bis zum Abschluss des Jahres: -0,75 EUR" in
	    text, text[-300:])
	text = w.ctl("--lang", "de", "period", "deferred")[0]
	check("Nachzügler" in text and "kamen:c.weber" in text, text)
	text = w.ctl("--lang", "de", "correct", "2025-01", "--reason", "x",
	    "--as", ONE, "--dry-run")[0]
	check("zurückgestellt" in text, text)


@test
def it_is_inside_of_the_next_one(w):
	"""1003 of 2003: 0.75. 1004 of 2004: 1.00, which is enough."""
	put(w, "2025-01-12", KAMEN, 2, "2025-03-01")
	got, said = correct(w, "2025-01")
	same(got["monate", "DEFERRED"], {KAMEN: 75, SELM: -75}, "more waits")
	same([d for d in deferred(w) if d[0] == "monate"], [("monate",
	    "2025-01", KAMEN, 75), ("monate", "2025-01", SELM, -75)],
	    "once")
	put(w, "2025-01-13", KAMEN, 1, "2025-03-01")
	got, said = correct(w, "2025-01")
	same(got["monate", "CORRECTION"], {KAMEN: 100, SELM: -100}, "all of it")
	same(got["sofort", "CORRECTION"], {KAMEN: 25, SELM: -25}, "the rest")
	same(got["spaet", "DEFERRED"], {KAMEN: 100, SELM: -100}, "5.00")
	same([d[0] for d in deferred(w)], ["spaet"] * 2, "what waits")
	same(posted(w, "monate"), {KAMEN: 2 * 50000 + 100,
	    SELM: 2 * 50000 - 100}, "posted")
	out, said = correct(w, "2025-02")
	check("nothing to correct" in said and out == {}, said)


@test
def no_account_changes_what_waits(w):
	for sql in ("UPDATE ledger.deferral SET below_cents = 1",
	    "DELETE FROM ledger.deferral_line", "TRUNCATE ledger.deferral "
	    "CASCADE", "INSERT INTO ledger.deferral_line SELECT run_id, "
	    "'1', 'x', 1 FROM ledger.deferral LIMIT 1"):
		for role in ("postgres", "hub_owner", "hub_clerk",
		    "hub_finance"):
			p = subprocess.run(["psql", "-Xq", "-v",
			    "ON_ERROR_STOP=1", w.database, "-c", "SET ROLE %s; "
			    "%s" % (role, sql)], capture_output=True, text=True,
			    timeout=60 * SLOW)
			check(p.returncode != 0, "%s as %s" % (sql, role))


@test
def the_last_close_of_the_year_posts_what_waits(w):
	# Something small for the yearly one, too: its settlement takes it up.
	put(w, "2025-02-10", KAMEN, 1000, "2025-03-01")
	put(w, "2025-02-10", SELM, 1001, "2025-03-01")
	got, said = correct(w, "2025-02")
	same(got["jahr", "DEFERRED"], {KAMEN: -25, SELM: 25}, "of the year")
	for m in range(3, 12):
		runs = close(w, "2025-%02d" % m)
		same({r["kind"] for r in runs}, {"month"}, "before")
	same({d[0] for d in deferred(w)}, {"monate", "jahr", "spaet"},
	    "waiting")
	w.ctl("period", "close", "2025-12", "--as", ONE)
	p = subprocess.run(["psql", "-XqAt", w.database, "-c", "SELECT "
	    "ledger.period_close('2025-12-01', 'selm', 'x', 'x', '[]'); "
	    "SELECT ledger.period_close('2025-12-01', 'selm', 'y', 'x', "
	    "'[]')"], capture_output=True, text=True, timeout=60 * SLOW)
	check("a correction that waited is missing" in p.stderr, p.stderr)
	w.ctl("period", "close", "2025-12", "--as", TWO)
	same(deferred(w), [], "nothing waits")
	rows = w.sql("SELECT cost, to_char(service_from, 'YYYY-MM'), ags, "
	    "sum(amount_cents) FROM report.journal WHERE type = 'CORRECTION' "
	    "AND booked_period = '2025-12-01' AND account = 'share' "
	    "AND reason = 'Nachzügler' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3")
	same(rows, [["monate", "2025-02", KAMEN, "-25"],
	    ["monate", "2025-02", SELM, "25"],
	    ["spaet", "2025-01", KAMEN, "100"],
	    ["spaet", "2025-01", SELM, "-100"],
	    ["spaet", "2025-02", KAMEN, "-25"],
	    ["spaet", "2025-02", SELM, "25"]], "posted in December")
	# To the cent what each month comes to when it is made again; and of
	# the year all at once: 2004 of 4005.
	want = {KAMEN: 0, SELM: 0}
	for m in range(1, 13):
		for s in json.loads(w.ctl("-o", "json", "allocate", "monate",
		    "--period", "2025-%02d" % m)[0])["shares"]:
			want[s["ags"]] += s["share_cents"]
	for cost in ("monate", "sofort", "spaet"):
		same(posted(w, cost), want, cost)
	same(posted(w, "jahr"), {KAMEN: 600449, SELM: 599551}, "by the year")
	same(sum(want.values()), 1200000, "sum")
	same(w.sql("SELECT entry_id FROM ledger.journal_line GROUP BY 1 "
	    "HAVING sum(amount_cents) <> 0"), [], "every entry sums to zero")


@test
def of_a_settled_year_it_waits_for_the_next(w):
	"""2004 of 4006 units instead of 4005: 1.49 less of a year of
	12000.00, and 0.25 of a month of 1000.00."""
	put(w, "2025-01-14", SELM, 1, "2026-01-01")
	got, said = correct(w, "2025")
	same({k: v for k, v in got.items() if k[1] == "DEFERRED"},
	    {(c, "DEFERRED"): {KAMEN: -25, SELM: 25} for c in ("monate",
	    "spaet")}, "waits")
	same(got["jahr", "CORRECTION"], {KAMEN: -149, SELM: 149}, "posted")
	waits = deferred(w)
	same(len(waits), 4, "rows")
	for m in range(1, 11):
		close(w, "2026-%02d" % m)
	same(deferred(w), waits, "no December yet")


@test
def hubverify_finds_nothing_wrong(w):
	verify = os.path.join(BUILD, "server/hubverify/hubverify")
	w.ctl("export", "audit-data", w.path("audit"))
	out = run(verify, "--lang", "en", "--all", "--export",
	    w.path("audit"), code=1)[0]
	# The usage is made up: sums without events.
	same([l for l in out.splitlines() if "TAMPERED" in l and
	    "not the sum of the events" not in l], [], "findings")


main(setup)
