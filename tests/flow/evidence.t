#!/usr/bin/env python3
# evidence.t - what decides an amount or when a month was complete cannot be
# changed without hubverify seeing it (ledger.md: P15, R5): entries,
# calculations, shares, deferrals, proposals, closes, retired nodes, estimates,
# and what is of the time before all of that was under the chain. Each attack
# is on a copy of a ledger that two clerks have written.
import hashlib
import os
import random
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "reference"))
from flow import *
import chain

HUBVERIFY = os.path.join(BUILD, "server/hubverify/hubverify")
ROUNDS = 1000 if os.environ.get("HUB_LONG") else 60
ONE, TWO = "kamen:c.weber", "selm:a.yilmaz"
REGION = '''
tenant kamen { name = "Stadt Kamen" ags = "05978020" kind = municipality }
tenant selm { name = "Stadt Selm, Amt \\"2\\"" ags = "05978032"
	kind = municipality }
cost monate { title = "Kosten" amount = %s from = 2025-01-01 to = 2025-12-31
	model = monat }
cost jahr { title = "Jahr" amount = 500.00 from = 2026-01-01 to = 2026-12-31
	model = jahr tax = standard tax-rate = 19 tax-basis = "§ 2b, 3/25" }
model monat { version = 1 clause = "§ 5" members = {kamen, selm} per = month
	component gleich { basis-points = 10000 key = equal } }
model jahr { version = 1 clause = "§ 5" members = {kamen, selm} per = year
	component gleich { basis-points = 10000 key = equal } }
'''
# Table -> the file it is in, what findings call it.
TABLES = {"journal": ("journal", "entry"), "journal_line": ("journal",
    "entry"), "allocation_run": ("runs", "calculation"), "allocation_line":
    ("shares", "the shares of calculation"), "deferral": ("deferrals",
    "the deferral of calculation"), "deferral_line": ("deferrals",
    "the deferral of calculation"), "period_proposal": ("proposals",
    "proposal to close"), "period_close": ("closes", "the close of month"),
    "node_retired": ("retired", "the retirement of node"), "estimate_note":
    ("estimates", "estimate")}
# One of a kind at a time, so that each finding has one cause.
LINES = ["journal_line", "deferral_line"]
HEADS = [t for t in TABLES if t not in LINES]
FILES = sorted({t[0] for t in TABLES.values()}) + ["blocks"]
# Says when lines could be added, and nothing else.
NOT_FIXED = {"made_in"}
OPEN = "SET session_replication_role = replica; " + "".join("ALTER TABLE "
    "ledger.%s DISABLE TRIGGER ALL; " % t for t in list(TABLES) + ["block",
    "spool_checkpoint", "ledger_conflict"])


def schema(number):
	folder = os.path.join(SRC, "sql/schema")
	name = [n for n in os.listdir(folder) if n.startswith(number)][0]
	with open(os.path.join(folder, name), encoding="utf-8") as f:
		return f.read()


def functions(number, *names):
	"""Their definitions in that file."""
	return "".join("CREATE OR REPLACE FUNCTION ledger." + re.search(
	    r"\nCREATE (?:OR REPLACE )?FUNCTION ledger\.(%s\(.*?\n\$\$;\n)" % n,
	    schema(number), re.S).group(1) for n in names)


def psql(uri, sql, code=0):
	return run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-1", uri, "-c",
	    sql, code=code)


def triggers(verb):
	return "".join("ALTER TABLE ledger.%s %s TRIGGER evidence; " % (t, verb)
	    for t in ("period_proposal", "node_retired", "estimate_note"))


def before(w):
	"""As it was when blocks held less."""
	psql(w.database, "SET session_replication_role = replica; ALTER TABLE "
	    "ledger.block DISABLE TRIGGER ALL; DELETE FROM ledger.block; ALTER "
	    "TABLE ledger.block ENABLE ALWAYS TRIGGER immutable; " +
	    triggers("DISABLE") + "SET ROLE hub_owner; " + functions("0013",
	    "entry_hash", "made_json", "block_correct", "block_close"))


def migrate(w):
	text = schema("0018")
	psql(w.database, triggers("ENABLE") + "SET ROLE hub_owner; DROP "
	    "FUNCTION ledger.made_json(), ledger.entry_hash(bigint);" +
	    functions("0018", "block_correct", "block_close") +
	    text[text.index("\nSELECT ledger.block_made("):text.index(
		"\n-- ---- the closing protocol")])


def close(w, month):
	for person in (ONE, TWO):
		w.ctl("period", "close", month, "--as", person)


def correct(w, period, amount):
	w.apply(REGION % amount)
	return w.ctl("-o", "json", "correct", period, "--reason", "Nachtrag, "
	    'laut "Rat"', "--as", ONE)[0]


def setup():
	w = World("evidence")
	w.copies, w.saved = 0, None
	before(w)
	w.apply(REGION % "12000.00")
	w.sql("INSERT INTO ledger.spool_checkpoint VALUES (7, 1, 1, 2, 0, "
	    "now()), (7, 2, 1, 2, 3, now()), (9, 1, 1, 2, 0, "
	    "'2025-01-20T10:00:00.5Z')")
	w.sql("INSERT INTO ledger.estimate_note (id, reference, reason, "
	    "by_person, day, consumer, provider, requests, entities, bytes, "
	    "node_id, missing) VALUES (gen_random_uuid(), 'Az. 1', 'Platte', "
	    "'c.weber', '2025-01-02', '05978020', '', 0, 0, 0, 7, 3)")
	w.ctl("period", "retire", "9", "--as", ONE, "--reason", "abgebaut")
	close(w, "2025-01")
	correct(w, "2025-01", "12600.00")
	w.ctl("export", "audit-data", w.path("old"))
	w.old = verify(0, "--db", w.database)
	migrate(w)
	w.sql("INSERT INTO ledger.ledger_conflict VALUES ('2025-01-01', "
	    "gen_random_uuid(), 0, '\\x00', 7, 1, 1, '{}')")
	close(w, "2025-02")
	check("DEFERRED" in correct(w, "2025-02", "12601.20"), "deferred")
	correct(w, "2025-02", "13200.00")
	w.ctl("plan", "jahr", "2026", "--as", ONE)
	w.ctl("correct", "--reverse", "1", "--reason", "irrtümlich", "--as", TWO)
	w.ctl("period", "close", "2025-03", "--as", TWO)	# only proposed
	w.sql("INSERT INTO ledger.estimate_note (id, reference, reason, "
	    "by_person, day, consumer, provider, requests, entities, bytes) "
	    "VALUES (gen_random_uuid(), 'Az. 2', 'Brand', 'a.yilmaz', "
	    "'2025-01-03', '05978020', '05978032', 3, 4, 5)")
	w.ctl("export", "audit-data", w.path("export"))
	return w


def verify(code, *argv):
	return "".join(run(HUBVERIFY, "--lang", "en", "--all", *argv,
	    code=code))


def copy(w):
	"""A copy of the database; its URI."""
	w.copies += 1
	name = "copy%d" % w.copies
	run("psql", "-XqAt", w.database, "-c",
	    "CREATE DATABASE %s TEMPLATE drehscheibe" % name)
	return w.database.replace("///drehscheibe", "///" + name)


def unchecked(uri):
	"""Whoever gets past triggers gets past constraints."""
	psql(uri, "DO $$ DECLARE c record; BEGIN FOR c IN SELECT conrelid"
	    "::regclass AS t, conname FROM pg_constraint WHERE conrelid IN (%s) "
	    "AND contype IN ('c', 'f', 'u') LOOP EXECUTE format('ALTER TABLE %%s DROP "
	    "CONSTRAINT IF EXISTS %%I CASCADE', c.t, c.conname); END LOOP; END "
	    "$$; DROP INDEX ledger.allocation_run_once; ALTER DOMAIN "
	    "ledger.reason DROP CONSTRAINT reason_check; ALTER DOMAIN "
	    "ledger.tenant_name DROP CONSTRAINT tenant_name_check" %
	    ", ".join("'ledger.%s'::regclass" % t for t in TABLES))


def saved(w):
	"""A copy that can be put back, and how. Made once."""
	if not w.saved:
		w.saved = copy(w)
		unchecked(w.saved)
		psql(w.saved, "".join("CREATE TABLE saved_%s AS SELECT * FROM "
		    "ledger.%s; " % (t, t) for t in TABLES))
	return w.saved, "".join("DELETE FROM ledger.%s; INSERT INTO ledger.%s "
	    "SELECT * FROM saved_%s; " % (t, t, t) for t in TABLES)


def columns(w, table):
	return w.sql("SELECT attname, format_type(atttypid, NULL) FROM "
	    "pg_attribute WHERE attrelid = 'ledger.%s'::regclass AND attnum > 0 AND NOT "
	    "attisdropped ORDER BY attnum" % table)


# ---- as it is

@test
def an_untouched_ledger_is_intact(w):
	out = verify(0, "--db", w.database)
	check("TAMPERED" not in out, out)
	check("all of their columns are fixed by that block only" in verify(0,
	    "--export", w.path("export")), "what is older")
	for table in TABLES:
		check(w.sql("SELECT count(*) FROM ledger." + table) != [["0"]],
		    table)
	w.ctl("export", "audit-data", w.path("again"))
	run("diff", "-r", w.path("export"), w.path("again"))


@test
def a_second_implementation_finds_the_same_hashes(w):
	made = chain.check(w.path("export"))[2]
	same(made, len(chain.made_hashes(w.path("export"))), "made")
	check(made > 20, made)


@test
def what_was_there_before_is_in_the_first_block(w):
	check("rows of closes are not in the chain yet" in w.old, w.old)
	blocks = chain.table(w.path("export"), "blocks")
	versions = [json.loads(b["payload"]).get("v", 1) for b in blocks]
	same(versions, sorted(versions), "no way back")
	first = json.loads(blocks[versions.index(2)]["payload"])
	same({m[0] for m in first["made"]}, {"close", "entry", "estimate",
	    "proposal", "retired", "run", "share"}, "kinds")
	# Of then it is checked by the hash of then.
	for sql, what in (("journal SET reason = 'x' WHERE entry_id = 2",
	    "entry 2"), ("allocation_run SET doc = replace(doc, 'cents', 'x') "
	    "WHERE run_id = 1", "calculation 1")):
		uri, back = saved(w)
		psql(uri, OPEN + back + "UPDATE ledger." + sql)
		out = verify(1, "--db", uri)
		same(len(re.findall("%s is not the one that block" % what,
		    out)), 2, out)


@test
def an_export_without_all_columns_is_not_taken(w):
	with open(w.path("again", "audit.json"), "r+") as f:
		text = f.read().replace("audit/3", "audit/2")
		f.seek(0)
		f.write(text)
	check("of an older version" in verify(2, "--export", w.path("again")),
	    "audit.json")


# ---- P15: any byte, any column, any row

def tampers(w, names, seed, rounds):
	rng = random.Random(seed)
	out = w.path("tamper%d" % seed)
	shutil.copytree(w.path("export"), out)
	for i in range(rounds):
		name = rng.choice(names) + ".csv"
		with open(os.path.join(out, name), "rb") as f:
			data = bytearray(f.read())
		at = rng.randrange(len(data))
		was = data[at]
		data[at] = was ^ 1 << rng.randrange(8) if i % 2 else \
		    rng.choice([b for b in range(256) if b != was])
		rewrite(out, name, data)
		code = subprocess.run([HUBVERIFY, "--export", out],
		    capture_output=True, timeout=60 * SLOW).returncode
		check(code == 1, "%s, byte %d: %r became %r: exit code %d" % (
		    name, at, chr(was), chr(data[at]), code))
		data[at] = was
		rewrite(out, name, data)
	verify(0, "--export", out)


def rewrite(out, name, data):
	"""With the sums of the files put right: they must not be needed."""
	with open(os.path.join(out, name), "wb") as f:
		f.write(data)
	with open(out + "/audit.json") as f:
		doc = json.load(f)
	doc["files"][name[:-4]] = hashlib.sha256(data).hexdigest()
	with open(out + "/audit.json", "w") as f:
		json.dump(doc, f)


@test
def p15_any_byte_of_what_is_posted_and_closed_is_found(w):
	tampers(w, FILES, 1, ROUNDS)
	for n, name in enumerate(FILES):
		tampers(w, [name], 2 + n, ROUNDS // 10)


def another(name, kind):
	"""Another value of a column, whatever it has."""
	if kind in ("bigint", "integer", "smallint"):
		return "coalesce(%s, 0) + 1" % name
	if kind in ("date", "ledger.month"):
		return "(%s + interval '1 month')::date" % name
	if kind == "bytea":
		return "sha256(%s)" % name
	if kind == "uuid":
		return "gen_random_uuid()"
	if kind == "timestamp with time zone":
		return "%s + interval '1 us'" % name
	return "CASE WHEN %s = 'xx' THEN 'yy' ELSE 'xx' END" % name


def attacked(uri, back, attacks):
	"""attacks: [(table, statement)]; each must be found."""
	psql(uri, OPEN + back + "; ".join(sql for _, sql in attacks))
	out = verify(1, "--db", uri)
	for table, sql in attacks:
		check(re.search("TAMPERED: %s [0-9a-f]" % TABLES[table][1], out),
		    "%s: %s" % (sql, out))


@test
def p15_any_column_changed_is_found(w):
	uri, back = saved(w)
	tried = 0
	for tables in (HEADS, LINES):
		left = {t: [c for c in columns(w, t) if c[0] not in NOT_FIXED]
		    for t in tables}
		while any(left.values()):
			attacks = []
			for table in [t for t in tables if left[t]]:
				name, kind = left[table].pop()
				attacks.append((table, "UPDATE ledger.%s SET %s = %s "
				    "WHERE ctid = (SELECT max(ctid) FROM ledger.%s)" %
				    (table, name, another(name, kind), table)))
			attacked(uri, back, attacks)
			tried += len(attacks)
	psql(uri, OPEN + back)
	verify(0, "--db", uri)
	check(tried > 85, tried)


@test
def p15_no_value_is_not_the_empty_text(w):
	for sql in ("journal SET reason = '' WHERE reason IS NULL",
	    "allocation_run SET tax = '' WHERE tax IS NULL",
	    "allocation_run SET tax_basis = tax_basis || cost, cost = '' WHERE "
	    "run_id = 1"):
		uri, back = saved(w)
		psql(uri, OPEN + back + "UPDATE ledger." + sql)
		check("TAMPERED" in verify(1, "--db", uri), sql)


@test
def p15_rows_taken_or_added_are_found(w):
	uri, back = saved(w)
	keys = {"estimate_note": "gen_random_uuid()", "period_close":
	    "'2031-01-01'"}
	for tables in (HEADS, LINES):
		attacked(uri, back, [(t, "DELETE FROM ledger.%s WHERE ctid = "
		    "(SELECT max(ctid) FROM ledger.%s)" % (t, t)) for t in
		    tables])
		attacked(uri, back, [(t, "CREATE TEMP TABLE one_%s AS SELECT * "
		    "FROM ledger.%s LIMIT 1; UPDATE one_%s SET %s = %s; INSERT "
		    "INTO ledger.%s SELECT * FROM one_%s" % (t, t, t,
		    columns(w, t)[0 if t in HEADS else 1][0], keys.get(t, "900"),
		    t, t)) for t in tables])
	# Lines of nothing.
	for table, of in (("journal_line", "entry_id"), ("deferral_line",
	    "run_id"), ("allocation_line", "run_id")):
		psql(uri, OPEN + back + "CREATE TEMP TABLE one AS SELECT * FROM "
		    "ledger.%s LIMIT 1; UPDATE one SET %s = 900; INSERT INTO "
		    "ledger.%s SELECT * FROM one" % (table, of, table))
		check("TAMPERED" in verify(1, "--db", uri), table)
	psql(uri, OPEN + back)
	verify(0, "--db", uri)


# ---- blocks that the functions of the ledger would not write

def appended(w, kind, payload):
	"""What is said of the chain with such a block at its end."""
	out = w.path("appended")
	shutil.rmtree(out, ignore_errors=True)
	shutil.copytree(w.path("export"), out)
	last = chain.table(out, "blocks")[-1]
	no, prev = int(last["block_no"]) + 1, bytes.fromhex(last["hash"])
	sum = chain.sha256(payload.encode())
	with open(out + "/blocks.csv", "a") as f:
		f.write('%d,%d,%s,%s,%s,,,,,,,0,"%s"\n' % (no, kind, prev.hex(),
		    sum.hex(), chain.block_hash(no, prev, kind, sum).hex(),
		    payload.replace('"', '""')))
	return verify(None, "--export", out)


@test
def nobody_goes_back_to_blocks_that_hold_less(w):
	for kind, payload in ((3, '{"entries":[],"runs":[]}'),
	    (3, '{"made":[],"v":1}'), (3, '{"made":[],"v":3}'),
	    (3, '{"made":[],"more":1,"v":2}'),
	    (3, '{"made":[["entry",1,"%s"]],"v":2}' % ("00" * 32)),
	    (3, '{"made":[["thing","1","%s"]],"v":2}' % ("00" * 32)),
	    (3, '{"made":[["entry","1","0"]],"v":2}')):
		out = appended(w, kind, payload)
		check("its content is wrong" in out, "%s: %s" % (payload, out))
	# What is fixed is not fixed again, as something else.
	out = appended(w, 3, '{"made":[["entry","1","%s"]],"v":2}' % ("00" *
	    32))
	check("both name entry 1" in out and "content" not in out, out)


@test
def a_close_by_one_person_or_before_the_nodes_is_no_close(w):
	doc = json.loads([b for b in chain.table(w.path("export"), "blocks")
	    if b["kind"] == "2"][-1]["payload"])

	def forged(change, wrong=True):
		d = json.loads(json.dumps(doc))
		d.update(period="2025-03-01", made=[["close", "2025-03-01",
		    "00" * 32]])
		change(d)
		out = appended(w, 2, json.dumps(d))
		same("its content is wrong" in out, wrong, out)
	forged(lambda d: None, False)
	forged(lambda d: d.update(period="2025-04-01"))
	forged(lambda d: d.update(made=[]))
	forged(lambda d: d["closed"].__setitem__(1, d["proposed"][1].upper()))
	forged(lambda d: d["closed"].__setitem__(2, d["proposed"][2] - 1))
	forged(lambda d: d["nodes"][0].__setitem__(1, 1738364399999999))
	forged(lambda d: d["nodes"][1].__setitem__(3, "reported"))
	forged(lambda d: d["nodes"][1].__setitem__(3, "behind"))
	forged(lambda d: d["nodes"].append([1]))
	forged(lambda d: d.pop("conflicts"))
	forged(lambda d: d.update(figures_sha256="00"))


@test
def watermarks_do_not_go_back(w):
	uri = copy(w)
	said = psql(uri, "INSERT INTO ledger.spool_checkpoint VALUES (11, 1, 1, "
	    "2, 0, '2025-04-30T21:59:59.9Z'); INSERT INTO "
	    "ledger.period_proposal VALUES (90, '2025-04-01', '', 'selm', 'a'); "
	    "INSERT INTO ledger.period_close VALUES ('2025-04-01', 90, '', "
	    "'selm', 'b'); SELECT ledger.block_close('2025-04-01', "
	    "sha256(''))", 1)[1]
	check("a node has not reported" in said, said)
	for sql, what in (("UPDATE ledger.spool_checkpoint SET ts_watermark = "
	    "'2025-02-20' WHERE node_id = 7", "node 7 was further at block"),
	    ("DELETE FROM ledger.spool_checkpoint WHERE node_id = 9",
	    "node 9 was further at block"),
	    ("DELETE FROM ledger.ledger_conflict",
	    "at a close there were 1")):
		psql(uri, OPEN + sql)
		out = verify(1, "--db", uri)
		check(what in out, out)


# ---- R5: the closing protocol

def protocol(w, month):
	return json.loads(w.ctl("-o", "json", "export", "protocol", month)[0])


@test
def r5_the_protocol_is_what_the_block_fixed(w):
	lines = protocol(w, "2025-02")
	one = {l["item"]: l for l in lines if l["item"] not in ("run", "node")}
	same((one["proposed"]["what"], one["closed"]["what"]), (ONE, TWO), "who")
	check(one["proposed"]["at"] <= one["closed"]["at"], one)
	no, before, here, doc = w.sql("SELECT block_no, encode(prev_hash, "
	    "'hex'), encode(hash, 'hex'), payload FROM ledger.block WHERE kind = "
	    "2 ORDER BY 1 DESC LIMIT 1")[0]
	same([(one[i]["number"], one[i]["sha256"]) for i in ("block",
	    "previous")], [(int(no), here), (int(no) - 1, before)], "blocks")
	doc = json.loads(doc)
	same([one[i]["sha256"] for i in ("figures", "days", "months")],
	    [doc[m] for m in ("figures_sha256", "day_sha256", "month_sha256")],
	    "hashes")
	same(one["figures"]["sha256"], w.sql("SELECT encode(figures_sha256, "
	    "'hex') FROM ledger.period_proposal WHERE period = '2025-02-01'"
	    )[0][0], "what was proposed")
	same(one["conflicts"]["count"], 1, "conflicts")
	same([(l["number"], l["what"], l["count"]) for l in lines if l["item"]
	    == "node"], [(7, "reported", 3), (9, "retired", 0)], "nodes")
	same([l["at"] for l in lines if l["number"] == 9],
	    ["2025-01-20T10:00:00Z"], "how far")
	same([[str(l["number"]), l["what"], str(l["amount_cents"]),
	    l["sha256"]] for l in lines if l["item"] == "run"],
	    w.sql("SELECT run_id, cost || ' 2025-02', amount_cents, "
		"encode(sha256(convert_to(doc, 'UTF8')), 'hex') FROM "
		"ledger.allocation_run WHERE kind = 'month' AND period_from = "
		"'2025-02-01'"), "runs")


@test
def r5_the_protocol_comes_again_byte_for_byte(w):
	argv = ["-o", "csv", "--lang", "de", "export", "protocol", "2025-02"]
	text = w.ctl(*argv)[0]
	check(text.startswith("\ufeffAngabe;Nummer;") and "vorgeschlagen von;;"
	    "kamen:c.weber;" in text and ";abgemeldet;" in text, text)
	argv[3] = "en"
	check("\nnode,9,retired,2025-01-20T10:00:00Z,0,," in w.ctl(*argv)[0],
	    "for programs")
	table = w.ctl("--lang", "de", "export", "protocol", "2025-02")[0]
	# Whatever comes after.
	w.sql("UPDATE ledger.spool_checkpoint SET ts_watermark = now()")
	w.sql("INSERT INTO ledger.ledger_conflict VALUES ('2025-02-01', "
	    "gen_random_uuid(), 0, '\\x00', 7, 1, 1, '{}')")
	w.ctl("period", "close", "2025-03", "--as", ONE)
	same(w.ctl("--lang", "de", "export", "protocol", "2025-02")[0], table,
	    "table")
	argv[3] = "de"
	same(w.ctl(*argv)[0], text, "csv")
	page = w.ctl("--lang", "de", "export", "protocol", "2025-02",
	    "--html")[0]
	check("<h1>Abschlussprotokoll 2025-02</h1>" in page and
	    "<td>kamen:c.weber</td>" in page and ">abgemeldet<" in page, page)
	same(page.count("<tr><td"), len(text.splitlines()) - 1, "rows")
	page = w.ctl("--lang", "de", "export", "journal", "2025-02",
	    "--html")[0]
	check("<h1>Journal 2025-02</h1>" in page, page)
	same(page.count("<tr><td"), len(w.ctl("-o", "csv", "export",
	    "journal", "2025-02")[0].splitlines()) - 1, "journal")
	verify(0, "--db", w.database)


@test
def r5_of_closes_before_it_says_what_is_known(w):
	items = [l["item"] for l in protocol(w, "2025-01")]
	check("run" in items and "block" in items and "node" not in items and
	    "conflicts" not in items, items)
	check("2026-07 is not closed" in w.ctl("export", "protocol", "2026-07",
	    code=1)[1], "open")
	check("2026-07 ist nicht abgeschlossen" in w.ctl("--lang", "de",
	    "export", "protocol", "2026-07", code=1)[1], "offen")
	for bad in ("2026", "2026-13", "x"):
		w.ctl("export", "protocol", bad, code=64)
	w.sql("CREATE ROLE kasse LOGIN IN ROLE hub_finance")
	w.sql("CREATE ROLE niemand LOGIN")
	for name, code in (("kasse", 0), ("niemand", 77)):
		uri = re.sub(r"(user=|//)postgres\b", r"\1" + name, w.database)
		run(HUBCTL, "-d", uri, "export", "protocol", "2025-02",
		    code=code)


main(setup)
