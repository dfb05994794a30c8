#!/bin/sh
''''exec python3 -- "$0" "$@" # '''
# recompute.t - hubverify works out again what was closed: a calculation that
# is wrong is found and named even where all hashes were put right, by whoever
# can write every table and block (ledger.md, 5.1 and 6). Each forgery is an
# export of a true year that was changed and hashed anew.
from flow import *

import hashlib
import random
import resource

sys.path.insert(1, os.path.join(SRC, "tests/reference"))
import chain
import shares

HUBVERIFY = os.path.join(BUILD, "server/hubverify/hubverify")
ONE, TWO = "kamen:c.weber", "unna:a.yilmaz"
# Name, AGS, inhabitants
MEMBERS = [("boenen", "05978008", 18107), ("kamen", "05978020", 42971),
    ("schwerte", "05978028", 46340), ("unna", "05978036", 58633)]
AGS = {m[0]: m[1] for m in MEMBERS}
REGION = "".join('tenant %s { name = "Stadt %s"  ags = "%s"  kind = city\n'
    '  population "2018-12-31" { inhabitants = %d } }\n' % (m[0], m[0], m[1],
    m[2]) for m in MEMBERS) + '''
cost betrieb { title = "Betrieb"  amount = 55000.01  from = 2025-01-01
	to = 2025-12-31  model = mitnutzung
	tax = standard  tax-rate = 19  tax-basis = "Vermerk"
	correct-from = 0.00 }
model mitnutzung { version = 1  clause = "§ 5"
	members = {boenen, kamen, schwerte, unna}
	component sockel { basis-points = 2000  key = equal }
	component einwohner { basis-points = 5000  key = population
		key-date = 2018-12-31 }
	component nutzung { basis-points = 3000  key = usage  on-zero = equal }
	member kamen { to = 2025-06-30 }
	minimum = 2500.00  maximum = 20000.00  per = year }
cost beitrag { title = "Beiträge"  amount = 12624.40  from = 2025-01-01
	to = 2025-12-31  model = fest  correct-from = 0.00 }
model fest { version = 1  members = {kamen, unna}
	component fest { basis-points = 10000  key = fixed
		member kamen { amount = 10000.00 }
		member unna { amount = 2624.40 } } }
cost netz { title = "Netz"  amount = 1200.00  from = 2025-01-01
	to = 2025-12-31  model = bunt  correct-from = 0.00 }
model bunt { version = 1  members = {boenen, kamen, unna}  per = month
	meter { access = 500  kib = 3 }
	component staffel { basis-points = 4000  key = stepdown
		key-date = 2018-12-31
		tier 20000 { weight = 3 }  tier 0 { weight = 1 } }
	component shapley { basis-points = 3000  key = shapley
		coalition boenen { amount = 100.00 }
		coalition kamen { amount = 200.00 }
		coalition unna { amount = 250.00 }
		coalition "boenen,unna" { amount = 280.00 } }
	component gewicht { basis-points = 2000  key = weights
		member boenen { weight = 2 }  member unna { weight = 5 } }
	component vorjahr { basis-points = 1000  key = previous-year-usage
		on-zero = equal } }
'''
# January is a credit; by then 12.34 of it come late, and the account changes.
ITEMS = '''
cost posten { title = "Posten"  from = 2025-01-01  to = 2025-12-31
	model = drei  correct-from = 0.00  cost-centre = "5110"
	account = "%s"
	item miete { amount = 12000.00  voucher = "RE 7" }
	item umzug { amount = 500.01  from = 2025-02-10  to = 2025-04-20 }
	item rabatt { amount = 3000.00  kind = credit  from = 2025-01-01
		to = 2025-02-28 } %s }
model drei { version = 1  members = {boenen, kamen, unna}  per = month
	component eins { basis-points = 3333  key = equal }
	component zwei { basis-points = 6667  key = weights
		member boenen { weight = 2 }  member kamen { weight = 3 }
		member unna { weight = 5 } }
	minimum = 300.00
	member boenen { alone = 900.00 }  member kamen { alone = 800.01 }
	member unna { alone = 700.00 } }
'''
LATE = "item spaet { amount = 12.34  from = 2025-03-01  to = 2025-03-31 }"
EVENT = {"leg": "0", "class": "access", "kind": "1", "duration_us": "900",
    "http_status": "200", "decision": "1", "operation": "1",
    "provider": "00000000", "agreement": "0", "agreement_version": "0",
    "purpose": "0", "flags": "1", "entities": "2", "bytes_out": "2000",
    "bytes_in": "0", "decision_id": "01900000-0000-7000-8000-000000000003",
    "policy_hash": "00" * 16, "type1": "0", "type2": "0", "type3": "0",
    "type4": "0", "ntypes": "0", "user_pseudonym": "-5", "dataset": "0",
    "use_case": "0", "upstream_us": "7", "queue_us": "8",
    "rec_hash": "ab" * 32, "node_id": "7", "boot_epoch": "1",
    "dict_born": "1"}


def used(w, day, units, booked=None):
	"""One event for each tenant, as a loader would have brought them."""
	month, ts = day[:8] + "01", w.sql("SELECT extract(epoch FROM "
	    "'%s 12:00:00+00'::timestamptz)::bigint * 1000000" % day)[0][0]
	w.batch = getattr(w, "batch", 0) + 1
	first, rows = getattr(w, "seq", 0) + 1, []
	for name, n in units.items():
		w.seq = getattr(w, "seq", 0) + 1
		rows.append(dict(EVENT, seq=str(w.seq), ts=ts,
		    event_id="01900000-0000-7000-8000-%012d" % w.seq,
		    request_id="01900000-0000-7000-9000-%012d" % w.seq,
		    consumer=AGS[name], units=str(n), service_period=month,
		    booked_period=booked or month, service_day=day,
		    batch=str(w.batch)))
	sql = "BEGIN; SELECT ledger.ensure_partitions('%s'); " % month
	for r in rows:
		sql += "INSERT INTO ledger.event (%s) VALUES (%s); " % (
		    ", ".join(r), ", ".join("to_timestamp(%s / 1000000)" % v
		    if k == "ts" else "'\\x%s'" % v if k in ("rec_hash",
		    "policy_hash") else "'%s'" % v for k, v in r.items()))
	sql += "SELECT ledger.roll_up('%s'); " % json.dumps([{
	    "service_day": day, "service_period": month,
	    "booked_period": booked or month, "class": "access",
	    "consumer": r["consumer"], "provider": r["provider"],
	    "operation": 1, "more": False, "requests": 1, "denied": 0,
	    "entities": 2, "bytes": 2000, "units": int(r["units"]),
	    "hist": [1] + [0] * 9} for r in rows])
	w.sql(sql + "SELECT ledger.block_ingest(7, 1, %d, '%s', %d, %d, %d, "
	    "'\\x%s'); COMMIT" % (w.batch, month, first, w.seq, len(rows),
	    chain.root_of(rows).hex()))


def close(w, month):
	for person in (ONE, TWO):
		w.ctl("period", "close", month, "--as", person)


def setup():
	w = World("recompute")
	w.apply(REGION + ITEMS % ("523100", ""), code=0)
	used(w, "2024-12-10", {"boenen": 7001, "unna": 13000})
	used(w, "2025-01-31", {"boenen": 1000, "kamen": 310000,
	    "schwerte": 2400000, "unna": 900000})
	used(w, "2025-07-01", {"boenen": 40000, "unna": 900001})
	w.sql("INSERT INTO ledger.spool_checkpoint VALUES (7, 1, 1, %d, 0, "
	    "now())" % (w.seq + 1))
	w.ctl("plan", "beitrag", "2025", "--as", ONE)
	close(w, "2024-12")
	for m in range(1, 13):
		close(w, "2025-%02d" % m)
	used(w, "2025-07-02", {"boenen": 500000}, "2026-01-01")
	w.apply(REGION + ITEMS % ("999999", LATE), code=0)
	w.ctl("correct", "2025", "--reason", "Nachzügler", "--as", ONE)
	used(w, "2025-08-02", {"boenen": 5}, "2026-01-01")
	w.entry = w.sql("SELECT max(entry_id) FROM ledger.journal")[0][0]
	w.ctl("correct", "--reverse", w.entry, "--reason", "Irrtum", "--as",
	    TWO)
	w.ctl("correct", "2025", "--reason", "doch", "--as", ONE)
	w.ctl("export", "audit-data", w.path("true"))
	return w


def verify(code, *argv, lang="en"):
	return "".join(run(HUBVERIFY, "--all", "--lang", lang, *argv,
	    code=code))


# ---- forgeries: an export changed, all its hashes anew

CELL = re.compile(r'("[^"]*(?:""[^"]*)*"|[^",\n]*)([,\n])')


def table(path):
	"""Rows of a COPY; what is empty is NULL, what has quotes is text."""
	with open(path, newline="", encoding="utf-8") as f:
		text, rows, row = f.read(), [], []
	for value, end in CELL.findall(text):
		row.append(value[1:-1].replace('""', '"') if value[:1] == '"'
		    else value or None)
		if end == "\n":
			rows.append(row)
			row = []
	return [dict(zip(rows[0], r)) for r in rows[1:]]


def cell(text):
	"""As COPY writes it."""
	if text is None:
		return ""
	if text == "" or set(text) & set(',"\r\n'):
		return '"%s"' % text.replace('"', '""')
	return text


def write(path, rows):
	with open(path, encoding="utf-8") as f:
		header = f.readline()
	same(header.strip().split(","), list(rows[0]), "columns")
	with open(path, "w", encoding="utf-8", newline="") as f:
		f.write(header + "".join(",".join(cell(v) for v in r.values()) +
		    "\n" for r in rows))


def named(kind, number, rows):
	"""An entry or a calculation as a block names it, in blocks.csv: each
	cell behind its length."""
	text = "".join("".join("-," if v is None else "%d:%s," % (
	    len(v.encode()), v) for v in r.values()) + "\n" for r in rows)
	return '[""%s"",""%s"",""%s""]' % (kind, number, hashlib.sha256(
	    text.encode()).hexdigest())


def entries(rows):
	"""Each entry so, by its number."""
	lines = {}
	for r in rows:
		lines.setdefault(r["entry_id"], []).append(r)
	return {k: named("entry", k, v) for k, v in lines.items()}


def redo(row, doc):
	"""The row of a calculation with another doc, as its function writes
	it."""
	row["doc"] = doc if isinstance(doc, str) else json.dumps(doc)
	row["doc_sha256"] = hashlib.sha256(row["doc"].encode()).hexdigest()
	for column, key in (("cost", "cost"), ("period_from", "from"),
	    ("period_to", "to"), ("amount_cents", "amount_cents")):
		if isinstance(doc, dict) and key in doc:
			row[column] = str(doc[key])


def anew(out, swap):
	"""Blocks, with other entries and calculations in them."""
	path = os.path.join(out, "blocks.csv")
	with open(path, encoding="utf-8", newline="") as f:
		text = f.read()
	for old, new in swap.items():
		text = text.replace(old, new)
	with open(path, "w", encoding="utf-8", newline="") as f:
		f.write(text)
	prev = chain.GENESIS
	for b in table(path):
		payload = bytes.fromhex(b["payload_hash"]) if b["kind"] == "1" \
		    else chain.sha256((b["payload"] or "").encode())
		here = chain.block_hash(int(b["block_no"]), prev,
		    int(b["kind"]), payload)
		text = text.replace(b["payload_hash"], payload.hex()).replace(
		    b["hash"], here.hex())
		prev = here
	with open(path, "w", encoding="utf-8", newline="") as f:
		f.write(text)


def rewrite(out, change):
	"""change(docs by number, lines of the journal) is all that is wrong."""
	runs, lines = (os.path.join(out, n) for n in ("runs.csv",
	    "journal.csv"))
	docs, journal = table(runs), table(lines)
	old = {r["run_id"]: r["doc"] for r in docs}
	before = entries(journal)
	new = {int(k): json.loads(v) for k, v in old.items()}
	swap = change(new, journal) or {}
	for r in docs:
		if new[int(r["run_id"])] != json.loads(r["doc"]):
			was = named("run", r["run_id"], [r])
			redo(r, new[int(r["run_id"])])
			swap[was] = named("run", r["run_id"], [r])
	after = entries(journal)
	swap.update((before[k], after[k]) for k in after)
	write(runs, docs)
	write(lines, journal)
	anew(out, swap)
	with open(out + "/audit.json") as f:
		manifest = json.load(f)
	for name in manifest["files"]:
		with open("%s/%s.csv" % (out, name), "rb") as f:
			manifest["files"][name] = hashlib.sha256(
			    f.read()).hexdigest()
	with open(out + "/audit.json", "w") as f:
		json.dump(manifest, f)


def forged_any(w, change, code):
	out = w.path("forged")
	shutil.rmtree(out, ignore_errors=True)
	shutil.copytree(w.path("true"), out)
	rewrite(out, change)
	return verify(code, "--export", out)


def forged(w, change, code=1):
	said = forged_any(w, change, code)
	check("CANNOT" not in said, said)
	return said


def find(docs, cost, first, last, n=0):
	return [d for k, d in sorted(docs.items()) if d["cost"] == cost and
	    d["from"] == first and d["to"] == last][n]


def year(docs):
	return find(docs, "betrieb", "2025-01-01", "2025-12-31")


def month(docs, cost="netz"):
	return find(docs, cost, "2025-03-01", "2025-03-31")


def steps(doc, step, **want):
	return [s for s in doc["trace"] if s["step"] == step and
	    all(s.get(k) == v for k, v in want.items())]


def found(w, change, *wants):
	"""Each want is in what is said, and none is where nothing is wrong."""
	said = forged(w, change)
	for want in wants:
		check(re.search(want, said), "%s: %s" % (want, said))


def verify(code, *argv, lang="en"):
	return "".join(run(HUBVERIFY, "--all", "--lang", lang, *argv,
	    code=code))


@test
def a_true_year_is_intact(w):
	for argv in (["--export", w.path("true")], ["--db", w.database]):
		out = verify(0, *argv)
		check("103 calculations worked out again" in out, out)
		check("Only within limits: 2 figures of usage" in out, out)
		check("103 Berechnungen nachgerechnet. Nicht geprüft:" in
		    verify(0, *argv, lang="de"), "German")
	out = forged(w, lambda docs, journal: None, 0)
	out = forged(w, lambda docs, journal: docs[1].update(x=1), 0)


@test
def an_export_of_one_month_says_which_usage_is_not_in_it(w):
	w.ctl("export", "audit-data", w.path("january"), "--period",
	    "2025-01")
	said = verify(0, "--export", w.path("january"))
	check("103 calculations worked out again" in said and re.search(
	    r"Not checked: usage in \d+ cases", said), said)


# ---- shares

@test
def a_cent_moved_between_members_is_found(w):
	def share(docs, journal):
		a, b = year(docs)["shares"][:2]
		a["share_cents"] += 1
		b["share_cents"] -= 1
	found(w, share, r"\(betrieb\): the share of 05978008 is ([0-9.]+), "
	    r"worked out again ", "the share of 05978020 is")

	def part(docs, journal):
		for i, more in (0, 1), (2, -1):
			m = month(docs)["shares"][i]
			m["parts_cents"][0] += more
			m["raw_cents"] += more
			m["share_cents"] += more
			for s in ("part", "raw", "share"):
				steps(month(docs), s, tenant=m["tenant"])[0][
				    "cents"] += more
	found(w, part, r"\(netz\), step \d+: the amount is wrong",
	    "the part for 05978008 is", "the share of 05978036 is")
	said = forged(w, part)
	same(len(re.findall(r", step ", said)), 1, "steps")


@test
def a_tie_broken_otherwise_is_found(w):
	def change(docs, journal):
		doc = find(docs, "betrieb", "2025-03-01", "2025-03-31")
		parts = steps(doc, "part", component="sockel")
		cents = [s["cents"] for s in parts]
		check(max(cents) == min(cents) + 1, "a tie: %r" % cents)
		turned = cents[-1:] + cents[:-1]
		check(turned != cents, "turned")
		for s, new in zip(parts, turned):
			more = new - s["cents"]
			m = [x for x in doc["shares"] if x["tenant"] ==
			    s["tenant"]][0]
			m["parts_cents"][0] += more
			for k in ("raw", "share"):
				m[k + "_cents"] += more
				steps(doc, k, tenant=s["tenant"])[0][
				    "cents"] += more
			s["cents"] = new
	found(w, change, "step .*: the amount is wrong", "the part for ")


@test
def a_weight_of_usage_that_was_not_used_is_found(w):
	def change(docs, journal, component="nutzung", cost="betrieb",
	    days=("2025-01-01", "2025-01-31")):
		doc = find(docs, cost, *days)
		parts = steps(doc, "part", component=component)
		parts[0]["weight"] += 1
		for s in parts:
			s["of"] += 1
	found(w, change, r"the weight of 05978008 in nutzung is 1001, used by "
	    "the sums of days 1000")
	found(w, lambda d, j: change(d, j, "vorjahr", "netz"),
	    r"the weight of 05978008 in vorjahr is 507, used by the sums of "
	    "days 506")

	def meter(docs, journal):
		month(docs)["model"]["meter"] = [499, 3, 3]
	found(w, meter, r"the weight of \d+ in vorjahr is 506, used by the "
	    "sums of days 511")

	def unsaid(docs, journal):
		del month(docs)["model"]["meter"]
	said = "".join(forged_any(w, unsaid, 2))
	check("CANNOT CHECK" in said and "does not name its meter" in said,
	    said)

	def zero(docs, journal):
		doc = find(docs, "betrieb", "2025-01-01", "2025-01-31")
		i = doc["trace"].index(steps(doc, "part",
		    component="nutzung")[0])
		doc["trace"].insert(i, dict(steps(doc, "component",
		    component="nutzung")[0], step="zero"))
		for s in steps(doc, "part", component="nutzung"):
			s.update(weight=1, of=4)
	found(w, zero, r"the weight of \d+ in nutzung is 0, used by the sums")


@test
def a_weight_that_is_not_its_keys_is_found(w):
	def weight(docs, cost, component, who, more, days=None):
		doc = month(docs) if cost == "netz" else year(docs)
		for s in steps(doc, "part", component=component):
			s["of"] += more
			if s["tenant"] == who:
				s["weight"] += more
				break
	for cost, component, who, want in (
	    ("betrieb", "sockel", "boenen", "is 2, by its key 1"),
	    ("betrieb", "einwohner", "boenen", "is 18108, by its key 18107"),
	    ("netz", "staffel", "boenen", "is 54322, by its key 54321"),
	    ("netz", "gewicht", "boenen", "is 3, by its key 2"),
	    ("netz", "shapley", "boenen", "by the costs of the groups")):
		found(w, lambda d, j: weight(d, cost, component, who, 1),
		    r"the weight of 05978008 in %s .*%s" % (component, want))

	def inside(docs, change):
		for c in month(docs)["components"]:
			change(c)
	for change in (lambda c: c.get("tiers") and c["tiers"][1].update(
	    weight=2), lambda c: c.get("coalitions") and
	    c["coalitions"][1].update(cents=19999),
	    lambda c: c.get("given") and c["given"].__setitem__(0, 3)):
		found(w, lambda d, j: inside(d, change),
		    r"the weight of \d+ in ")

	def told_less(docs, journal):
		doc = year(docs)
		for c in doc["components"]:
			c.pop("inhabitants", None)
		steps(doc, "part", component="einwohner")[0]["weight"] += 1
		for s in steps(doc, "part", component="einwohner")[:4]:
			s["of"] += 1
	found(w, told_less, r"in einwohner is 18107, on other days 18108",
	    "weights of 1 calculations that do not say")


@test
def days_that_are_not_those_of_the_members_are_found(w):
	def moved(docs, journal):
		for s in year(docs)["trace"]:
			for k, old, new in (("to", "2025-06-30", "2025-06-29"),
			    ("from", "2025-07-01", "2025-06-30")):
				if s.get(k) == old:
					s[k] = new
	found(w, moved, "step 1: the number of days is wrong",
	    r"05978020 is a member on 180 days, not on 181")

	def gap(docs, journal):
		steps(year(docs), "days")[1]["from"] = "2025-07-02"
	found(w, gap, "the days do not follow one another")
	found(w, lambda d, j: year(d)["shares"][1].update(days=365),
	    "05978020 is a member on 181 days, not on 365")


@test
def days_are_divided_where_members_come_or_go_only(w):
	def divided(doc, day, next_day):
		n = doc["trace"].index(steps(doc, "raw")[0])
		first = [dict(s, to=day) for s in doc["trace"][:n]]
		second = [dict(s, **{"from": next_day})
		    for s in doc["trace"][:n]]
		doc["trace"][:n] = first + second
	found(w, lambda d, j: divided(month(d), "2025-03-15", "2025-03-16"),
	    r"\(netz\): members do not come and go as the days are")

	def back(docs, journal):
		doc = month(docs)
		gone = steps(doc, "part", tenant="kamen")
		divided(doc, "2025-03-10", "2025-03-11")
		for s in doc["trace"]:
			if s.get("from") == "2025-03-11":
				s["to"] = "2025-03-20"
		n = doc["trace"].index(steps(doc, "raw")[0])
		third = [dict(s, **{"from": "2025-03-21", "to": "2025-03-31"})
		    for s in doc["trace"][:n] if s["from"] == "2025-03-01"]
		doc["trace"][n:n] = third
		doc["trace"] = [s for s in doc["trace"] if not (s["step"] ==
		    "part" and s["from"] == "2025-03-11" and
		    s["tenant"] == "kamen")]
		check(gone, "a member")
	found(w, back, "members do not come and go as the days are")


@test
def a_bound_that_is_ignored_is_found(w):
	def ignored(docs, journal):
		doc = year(docs)
		check(steps(doc, "freeze"), "a bound is reached")
		raw = {s["tenant"]: s["cents"] for s in steps(doc, "raw")}
		doc["trace"] = [s for s in doc["trace"] if s["step"] not in (
		    "round", "attempt", "freeze")]
		for s in steps(doc, "share"):
			s["cents"] = raw[s["tenant"]]
			s.pop("bound", None)
		for m in doc["shares"]:
			m.update(share_cents=m["raw_cents"], bound=None)
	found(w, ignored, "is not the one that belongs here")

	def none(docs, journal):
		ignored(docs, journal)
		year(docs)["bounds"] = None
	found(w, none, "minimum_cents has no possible value")

	def waiting(docs, journal):
		ignored(docs, journal)
		year(docs)["bounds"] = "waiting"
		for m in year(docs)["shares"]:
			del m["minimum_cents"], m["maximum_cents"]
	found(w, waiting, "not applied, though it is no month")

	def other(docs, journal):
		for m in year(docs)["shares"]:
			m["maximum_cents"] += 1
	found(w, other, "what is below the minima or above the maxima is",
	    r"the share of \d+ is")

	def untold(docs, journal):
		for m in year(docs)["shares"]:
			del m["minimum_cents"], m["maximum_cents"]
		steps(year(docs), "round")[0]["above_cents"] += 1
	found(w, untold, "what is below the minima or above the maxima is",
	    "bounds that were not reached, of 1 calculations")


@test
def sums_and_tax_are_made_again(w):
	def more(docs, journal):
		year(docs)["amount_cents"] += 100
	found(w, more, "the sum of the shares is 55000.01, worked out again "
	    "55001.01", "the amount of the whole cost")
	found(w, lambda d, j: month(d)["components"][1].update(cents=1),
	    "the amount of shapley is 0.01, worked out again 30.00")
	found(w, lambda d, j: year(d)["tax_cents"].update(total=1),
	    "the tax is wrong")

	def fixed(docs, journal):
		doc = find(docs, "beitrag", "2025-01-01", "2025-12-31")
		doc["components"][0]["given"] = [1000000, 262441]
		for s in steps(doc, "part"):
			s["of"] += 1
		steps(doc, "part")[1]["weight"] += 1
	found(w, fixed, "the fixed amounts of fest are more than the cost")


def move_items(doc, n, more):
	"""From the first item to the n-th, of the whole amounts as well."""
	for i, cents in (0, -more), (n, more):
		doc["items"][i]["cents"] += cents
		doc["items"][i]["whole_cents"] += cents


@test
def items_are_added_up_and_divided_again(w):
	def january(docs):
		return find(docs, "posten", "2025-01-01", "2025-01-31")
	docs = {int(r["run_id"]): json.loads(r["doc"]) for r in table(
	    w.path("true/runs.csv"))}
	check(january(docs)["amount_cents"] == -50000 and any(
	    m["bound"] == "minimum" for d in docs.values() for m in d["shares"]
	    if d["cost"] == "posten"), "a credit; bounds")
	found(w, lambda d, j: january(d)["items"][0].update(cents=100001),
	    r"\(posten\): the amount of the item miete is 1000.01, worked out "
	    "again 1000.00", "the amount of the cost is -500.00, worked out "
	    "again -499.99")
	found(w, lambda d, j: january(d)["items"][0].update(
	    whole_cents=1200001), "the amount of the whole cost is 9500.01, "
	    "worked out again 9500.02")
	# Both sums are right.
	found(w, lambda d, j: move_items(january(d), 1, 1),
	    "the amount of the item miete is 999.99, worked out again 1000.00",
	    "the amount of the item umzug is 0.01, worked out again 0.00")
	found(w, lambda d, j: january(d)["items"][2].update(kind="charge"),
	    "items has no possible value")
	for bad in ([], {}, [{}], None):
		found(w, lambda d, j: january(d).update(items=bad),
		    "items has no possible value")

	def bounded(docs, journal):
		a, b = january(docs)["shares"][:2]
		a["share_cents"] -= 1
		b["share_cents"] += 1
	found(w, bounded, "the share of 05978008 is")


@test
def a_correction_is_booked_where_it_was(w):
	def last(docs):
		return find(docs, "posten", "2025-03-01", "2025-03-31", 1)

	def other(docs, journal):
		check(last(docs)["amount_cents"] == 123377, "corrected")
		last(docs)["booking"]["account"] = "999999"
	found(w, other, "cost centre, cost unit or account are not those of")
	found(w, lambda d, j: last(d).pop("booking") and None,
	    "cost centre, cost unit or account are not those of")
	found(w, lambda d, j: last(d).update(booking={"account": 1}),
	    "cost_centre has no possible value")


@test
def shapley_values_beside_shares_are_made_again(w):
	def doc(docs):
		return month(docs, "posten")

	def moved(docs, journal):
		a, b = doc(docs)["shares"][:2]
		a["shapley_cents"] += 1
		b["shapley_cents"] -= 1
	found(w, moved, "the Shapley value of 05978008 is",
	    "the Shapley value of 05978020 is")
	found(w, lambda d, j: doc(d)["shares"][0].pop("alone_cents") and None,
	    "it has no Shapley value")
	found(w, lambda d, j: doc(d)["shares"][2].pop("shapley_cents") and
	    None, "it has no Shapley value")


@test
def a_superuser_who_writes_all_tables_is_found_by_the_figures(w):
	def change(docs, journal):
		a, b = year(docs)["shares"][:2]
		a["share_cents"] += 1
		b["share_cents"] -= 1
	forged(w, change)
	run("psql", "-XqAt", w.database, "-c",
	    "CREATE DATABASE forged TEMPLATE drehscheibe")
	uri = w.database.replace("///drehscheibe", "///forged")
	with open(w.path("forged.sql"), "w", encoding="utf-8") as f:
		f.write("""
	    SET session_replication_role = replica;
	    ALTER TABLE ledger.allocation_run DISABLE TRIGGER ALL;
	    ALTER TABLE ledger.block DISABLE TRIGGER ALL;
	    CREATE TEMP TABLE r (run_id bigint, doc text);
	    CREATE TEMP TABLE b (block_no bigint, prev text, payload_hash text,
		hash text, payload text);
	    """ + "".join("INSERT INTO r VALUES (%s, $q$%s$q$);" % (r["run_id"],
	    r["doc"]) for r in table(w.path("forged/runs.csv"))) +
	    "".join("INSERT INTO b VALUES (%s, '%s', '%s', '%s', $q$%s$q$);"
	    % (b["block_no"], b["prev_hash"], b["payload_hash"], b["hash"],
	    b["payload"] or "") for b in table(w.path("forged/blocks.csv"))) + """
	    UPDATE ledger.allocation_run a SET doc = r.doc,
		doc_sha256 = sha256(convert_to(r.doc, 'UTF8'))
		FROM r WHERE r.run_id = a.run_id;
	    UPDATE ledger.block a SET prev_hash = decode(b.prev, 'hex'),
		payload_hash = decode(b.payload_hash, 'hex'),
		hash = decode(b.hash, 'hex'),
		payload = nullif(b.payload, '')
		FROM b WHERE b.block_no = a.block_no""")
	run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", uri, "-f",
	    w.path("forged.sql"))
	said = verify(1, "--db", uri)
	check("the share of 05978008 is" in said and "block" not in
	    re.sub(r"\d+ blocks|last block", "", said), said)


@test
def of_older_calculations_less_is_checked_and_that_is_said(w):
	def older(docs, journal):
		for doc in docs.values():
			for c in doc["components"]:
				for k in ("inhabitants", "given", "tiers",
				    "coalitions"):
					c.pop(k, None)
			for m in doc["shares"]:
				m.pop("minimum_cents", None)
				m.pop("maximum_cents", None)
			# That of netz is its own: without it, nobody knows.
			if doc["cost"] == "betrieb":
				del doc["model"]["meter"]
				del doc["model"]["usage_party"]
	said = forged(w, older, 0)
	for want in (r"weights of \d+ calculations that do not say what",
	    "bounds that were not reached, of 33 calculations"):
		check(re.search("Not checked: " + want, said), said)

	def and_wrong(docs, journal):
		older(docs, journal)
		a, b = steps(year(docs), "freeze")[0], \
		    steps(year(docs), "share")[0]
		a["cents"] += 1
	found(w, and_wrong, r"\(betrieb\)")


# ---- what was posted

def line(journal, entry_type, n=0, **want):
	return [l for l in journal if l["type"] == entry_type and
	    l["account"] == "share" and all(l[k] == v for k, v in
	    want.items())][n]


def move(a, b, cents=1):
	a["amount_cents"] = str(int(a["amount_cents"]) + cents)
	b["amount_cents"] = str(int(b["amount_cents"]) - cents)


@test
def a_cent_posted_for_another_is_found(w):
	for kind, cost, component in (("ALLOCATION", "netz", "gewicht"),
	    ("SETTLEMENT", "betrieb", "nutzung"),
	    ("CORRECTION", "betrieb", "nutzung"),
	    ("INSTALMENT", "beitrag", "(instalment)")):
		def change(docs, journal):
			move(*(line(journal, kind, i, cost=cost,
			    component=component) for i in (0, 1)))
		found(w, change, r"entry \d+ \(%s\): for \d+, %s with it .* is "
		    "posted, by calculation" % (cost, re.escape(component)))


@test
def an_instalment_is_a_twelfth(w):
	def change(docs, journal):
		a, b = month(docs, "beitrag")["shares"]
		a["share_cents"] += 1
		b["share_cents"] -= 1
	found(w, change, r"\(beitrag\): the instalment of 05978020 is 833.35, "
	    "worked out again 833.34")
	found(w, lambda d, j: month(d, "beitrag").update(plan=2),
	    "its plan 2 does not fit")


@test
def entries_without_a_calculation_are_found(w):
	def other_run(docs, journal):
		for l in journal:
			if l["entry_id"] == "2":
				l["run_id"] = "999"
	found(w, other_run, r"entry 2 .*does not fit its calculation",
	    r"calculation \d+ \(.*\) is not posted")

	def twice(docs, journal):
		two = [l for l in journal if l["cost"] == "netz" and
		    l["type"] == "ALLOCATION" and
		    l["service_from"] == "2025-02-01"]
		one = [l for l in journal if l["cost"] == "netz" and
		    l["service_from"] == "2025-01-01"][0]
		for l in two:
			l.update(run_id=one["run_id"],
			    service_from="2025-01-01", service_to="2025-01-31")
	found(w, twice, "its calculation is posted already")

	def gone_id(journal):
		return line(journal, "ALLOCATION", cost="netz",
		    service_from="2025-12-01")["entry_id"]

	def gone(docs, journal):
		old = entries(journal)[gone_id(journal)]
		gone = gone_id(journal)
		journal[:] = [l for l in journal if l["entry_id"] != gone]
		return {"," + old: "", old + ",": ""}
	found(w, gone, r"\(netz\) is not posted")


@test
def a_reversal_is_the_opposite(w):
	def change(docs, journal):
		move(line(journal, "REVERSAL"), line(journal, "REVERSAL", 1))
	found(w, change, "not exactly the opposite of the entry")

	def again(docs, journal):
		for l in journal:
			if l["type"] == "REVERSAL":
				l["reverses"] = "1"
	found(w, again, "not exactly the opposite of the entry")


# ---- any number, and what is no calculation

# What only the region file can tell, bounds that need not have been reached,
# and what nothing is derived from.
FREE = {"minimum_cents", "maximum_cents", "version", "meter",
    "percent", "whole_cents", "others_milli_units", "run", "alone_cents"}


def places(doc, path=()):
	if isinstance(doc, dict):
		for k, v in doc.items():
			if k not in FREE:
				yield from places(v, path + (k,))
	elif isinstance(doc, list):
		for i, v in enumerate(doc):
			yield from places(v, path + (i,))
	elif isinstance(doc, int) and not isinstance(doc, bool):
		yield path


def put(doc, path, more):
	for k in path[:-1]:
		doc = doc[k]
	doc[path[-1]] += more


@test
def any_number_of_a_calculation_changed_is_found(w):
	rng = random.Random(5)
	for i in range(200 if os.environ.get("HUB_LONG") else 40):
		said = []

		def change(docs, journal):
			doc = rng.choice(list(docs.values()))
			path = rng.choice(list(places(doc)))
			more = rng.choice([-1, 1, 1000, 2 ** 63, -2 ** 64])
			put(doc, path, more)
			said.append("%s %s: %r %+d" % (doc["cost"],
			    doc["from"], path, more))
		out = w.path("forged")
		shutil.rmtree(out, ignore_errors=True)
		shutil.copytree(w.path("true"), out)
		rewrite(out, change)
		p = subprocess.run([HUBVERIFY, "--export", out],
		    capture_output=True, text=True, timeout=60)
		same(p.returncode, 1, said[0])


# ---- random models, by the second implementation

def only_runs(w, docs):
	"""An export that has these calculations and one block of them; usage
	is another month's. What is said of each, by its number."""
	out = w.path("random")
	shutil.rmtree(out, ignore_errors=True)
	shutil.copytree(w.path("true"), out)
	for name in os.listdir(out):
		if name.endswith(".csv"):
			path = os.path.join(out, name)
			with open(path, encoding="utf-8") as f:
				header = f.readline()
			with open(path, "w", encoding="utf-8") as f:
				f.write(header)
	true = table(w.path("true/runs.csv"))[0]
	rows = [dict(true, run_id=str(i + 1)) for i in range(len(docs))]
	for r, d in zip(rows, docs):
		redo(r, d)
	write(out + "/runs.csv", rows)
	payload = '{"made":[%s],"v":2}' % ",".join(named("run", r["run_id"],
	    [r]).replace('""', '"') for r in rows)
	first = chain.sha256(payload.encode())
	with open(out + "/blocks.csv", "a", encoding="utf-8") as f:
		f.write("1,3,%s,%s,%s,,,,,,,0,%s\n" % (chain.GENESIS.hex(),
		    first.hex(), chain.block_hash(1, chain.GENESIS, 3,
		    first).hex(), cell(payload)))
	with open(out + "/audit.json") as f:
		manifest = json.load(f)
	with open(out + "/audit.json", "w") as f:
		json.dump(dict(manifest, month="2019-01"), f)
	said = run(HUBVERIFY, "--all", "--lang", "en", "--export", out,
	    code=None)[0]
	found = {}
	for text in said.split("\n"):
		m = re.match(r"TAMPERED: (?:calculation (\d+))?", text)
		if m and "is not posted" not in text and \
		    "is not the file" not in text:
			found.setdefault(int(m[1] or 0), []).append(text)
	check("%d calculations worked out again" % len(docs) in said or found,
	    said)
	return found


@test
def random_calculations_are_right_and_any_number_changed_is_not(w):
	rng = random.Random(7)
	for _ in range(25 if os.environ.get("HUB_LONG") else 1):
		docs = shares.documents(rng, 200)
		found = only_runs(w, docs)
		same(found, {}, "right ones")
		said = []
		for d in docs:
			# Where nothing is shared, nobody knows whose days
			# they are.
			path = rng.choice([p for p in places({k: v for k, v in
			    d.items() if k != "components"})
			    if p[-1] != "days"])
			put(d, path, rng.choice([-1, 1]))
			said.append(path)
		found = only_runs(w, docs)
		for i, path in enumerate(said):
			check(i + 1 in found, "%r of %s" % (path, docs[i]))


@test
def what_is_no_calculation_is_refused(w):
	def case(doc):
		def change(docs, journal):
			n = [k for k, d in docs.items() if d is
			    month(docs)][0]
			docs[n] = doc if isinstance(doc, str) else dict(
			    docs[n], **doc)
		return change
	many = [{"step": "days", "from": "2025-01-01", "to": "2025-01-01",
	    "weight": 1, "of": 365, "cents": 1}] * 50000
	for doc in ("", "[]", "[" * 5000, '{"cost":"x","cost":"y"}',
	    '{"cost":' + "9" * 10 ** 6 + "}", {"shares": []},
	    {"shares": [{}] * 5000}, {"components": [{}] * 65},
	    {"amount_cents": 10 ** 12 + 1}, {"amount_cents": 1.5},
	    {"to": "2026-02-30"}, {"to": "9999-12-31"}, {"trace": {}},
	    {"trace": []}, {"trace": many}, {"plan": 3}, {"plan": 0},
	    {"bounds": "none"}, {"shares": None}):
		begun = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
		try:
			said = forged(w, case(doc))
		except Failed as e:
			raise Failed("%.60r: %s" % (doc, e))
		check(re.search(r"TAMPERED: calculation \d+( \(netz\))?[:,]",
		    said), said)
		took = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime \
		    - begun
		check(took < 2 * SLOW, "%.60r took %.1f s" % (doc, took))


main(setup)
