#!/bin/sh
''''exec python3 -- "$0" "$@" # '''
# costs.t - what a cost is made of and where it is booked: items, credits,
# cost centres and accounts, from the region file to what finance staff take
# away (ledger.md, sections 5, 6 and 8).

import csv
import hashlib
import io
import struct

from flow import *

REGION = '''
tenant kamen { name = "Stadt Kamen"  ags = "05978020"  kind = municipality }
tenant unna { name = "Kreisstadt Unna"  ags = "05978036"
	kind = municipality }
cost betrieb-2025 { title = "Betrieb"  from = 2025-01-01  to = 2025-12-31
	model = kopf  cost-centre = "5110"  cost-unit = "11.01.05"
	account = "523100"
	item miete { amount = 12000.00  title = "Miete"  voucher = "RE 2025-7" }
	item umzug { amount = 500.01  voucher = "=RE 8"  from = 2025-02-10
		to = 2025-02-20 }
	item rabatt { amount = 3000.00  kind = credit  voucher = "GS 1"
		from = 2025-01-01  to = 2025-02-28 } }
cost plan-2026 { title = "Plan"  amount = 1200.00  from = 2026-01-01
	to = 2026-12-31  model = kopf }
model kopf { version = 1  members = {kamen, unna}
	component kopf { basis-points = 10000  key = equal }
	minimum = 10.00 }
%s'''
ONE, TWO = "kamen:c.weber", "unna:a.yilmaz"


def setup():
	w = World("costs")
	w.apply(REGION % "")
	return w


def apply(w, text, code=0):
	"""Whatever it widens."""
	path = w.write("region.hub", text)
	said = w.ctl("apply", path, code=None)[1]
	m = re.search(r"--accept-widening[ =]([0-9a-f]{64})", said)
	return w.ctl("apply", path, *(["--accept-widening", m.group(1)] if m
	    else []), code=code)[1]


def shares(w, *argv):
	out = json.loads(w.ctl("-o", "json", "allocate", *argv)[0])
	same(sum(s["share_cents"] for s in out["shares"]), out["amount_cents"],
	    "the sum of shares")
	return out


def close(w, month):
	w.ctl("period", "close", month, "--as", ONE)
	w.ctl("period", "close", month, "--as", TWO)


def rows(text, delimiter=","):
	return list(csv.reader(io.StringIO(text, newline=""),
	    delimiter=delimiter, strict=True))


# ---- items

@test
def a_cost_is_the_sum_of_its_items(w):
	out = shares(w, "betrieb-2025")
	same(out["amount_cents"], 950001, "amount")
	same([(i["item"], i["kind"], i["voucher"], i["whole_cents"], i["cents"],
	    i["from"], i["to"]) for i in out["items"]], [
	    ("miete", "charge", "RE 2025-7", 1200000, 1200000, "2025-01-01",
	    "2025-12-31"),
	    ("umzug", "charge", "=RE 8", 50001, 50001, "2025-02-10",
	    "2025-02-20"),
	    ("rabatt", "credit", "GS 1", -300000, -300000, "2025-01-01",
	    "2025-02-28")], "items")
	same(out["booking"], {"cost_centre": "5110", "cost_unit": "11.01.05",
	    "account": "523100"}, "booking")
	# Others say nothing of items.
	out = shares(w, "plan-2026")
	check("items" not in out and "booking" not in out, out)


@test
def months_have_what_falls_into_them(w):
	amounts = [shares(w, "betrieb-2025", "--period", "2025-%02d" % m)
	    for m in range(1, 13)]
	same([a["amount_cents"] for a in amounts], [100000 - 150000,
	    100000 + 50001 - 150000] + [100000] * 10, "months")
	same([i["cents"] for i in amounts[1]["items"]], [100000, 50001,
	    -150000], "the second one's items")
	same(amounts[0]["whole_cents"], 950001, "of the whole")


@test
def T10_more_credit_than_charge_is_shared_as_a_credit(w):
	"""Exact negatives, and no minimum."""
	out = shares(w, "betrieb-2025", "--period", "2025-01")
	same([s["share_cents"] for s in out["shares"]], [-25000, -25000],
	    "shares")
	more = '''cost %s-2025 { title = "x"  from = 2025-01-01
	to = 2025-12-31  model = drei
	item eins { amount = 1000.01  kind = %s } }
'''
	apply(w, REGION % (more % ("last", "charge") + more % ("gut", "credit")
	    + '''model drei { version = 1  members = {kamen, unna}
	component eins { basis-points = 3333  key = equal }
	component zwei { basis-points = 6667  key = weights
		member kamen { weight = 2 } member unna { weight = 5 } }
	minimum = 0.01 }
'''))
	gut, last = shares(w, "gut-2025"), shares(w, "last-2025")
	same([s["share_cents"] for s in gut["shares"]],
	    [-s["raw_cents"] for s in last["shares"]], "the same keys")
	same((gut["amount_cents"], [s["bound"] for s in gut["shares"]]),
	    (-100001, [None, None]), "unbounded")
	apply(w, REGION % "")


@test
def people_are_shown_the_items(w):
	out = w.ctl("--lang", "de", "allocate", "betrieb-2025", "--trace")[0]
	for want in ("3 Positionen: Belastungen 12500,01 EUR, Gutschriften "
	    "-3000,00 EUR", "Kostenstelle 5110, Kostenträger 11.01.05, "
	    "Sachkonto 523100", "RE 2025-7, Miete"):
		check(want in out, "%s: %s" % (want, out))
	out = rows(w.ctl("-o", "csv", "--lang", "en", "allocate",
	    "betrieb-2025", "--trace")[0])
	same([(r[0], r[1], r[5], r[6]) for r in out[1:4]], [
	    ("item", "miete", "12000.00", "RE 2025-7, Miete"),
	    ("item", "umzug", "500.01", "'=RE 8"),
	    ("item", "rabatt", "-3000.00", "GS 1")], "trace")
	out = w.ctl("--lang", "en", "diff", w.write("other.hub", (REGION %
	    "").replace("amount = 500.01", "amount = 500.02")))[0]
	check("item umzug of cost betrieb-2025 is now 500.02 EUR, from "
	    "2025-02-10 to 2025-02-20, =RE 8, was 500.01 EUR" in out, out)


@test
def a_credit_note_of_a_closed_month_is_a_correction(w):
	for month in ("2025-01", "2025-02", "2025-03"):
		close(w, month)
	same(w.sql("SELECT to_char(service_from, 'MM'), ags, "
	    "sum(amount_cents) FROM report.journal WHERE account = 'share' "
	    "GROUP BY 1, 2 ORDER BY 1, 2"), [["01", "05978020", "-25000"],
	    ["01", "05978036", "-25000"], ["02", "05978036", "1"],
	    ["03", "05978020", "50000"], ["03", "05978036", "50000"]],
	    "posted")
	apply(w, (REGION % "").replace("item umzug", '''item spaet {
	amount = 40.00  kind = credit  voucher = "GS 2"  from = 2025-03-01
	to = 2025-03-31 }
	item umzug'''))
	w.ctl("correct", "2025-03", "--reason", "GS 2", "--as", ONE)
	same(w.sql("SELECT ags, amount_cents FROM report.journal WHERE "
	    "type = 'CORRECTION' AND account = 'share' ORDER BY 1"),
	    [["05978020", "-2000"], ["05978036", "-2000"]], "corrected")


# ---- bookings

@test
def bookings_have_cost_centre_and_account(w):
	out = json.loads(w.ctl("-o", "json", "export", "bookings",
	    "2025-02")[0])
	same([(b["ags"], b["amount_cents"], b["cost_centre"], b["cost_unit"],
	    b["account"], b["vouchers"], b["type"], b["from"], b["line"])
	    for b in out], [("05978036", 1, "5110", "11.01.05", "523100",
	    "RE 2025-7, =RE 8, GS 1", "ALLOCATION", "2025-02-01", 1)], "rows")
	# The late credit note is booked in the open month.
	out = json.loads(w.ctl("-o", "json", "export", "bookings",
	    "2025-04")[0])
	same([(b["ags"], b["amount_cents"], b["account"], b["vouchers"],
	    b["type"], b["reason"]) for b in out], [(a, -2000, "523100",
	    "RE 2025-7, GS 2", "CORRECTION", "GS 2") for a in ("05978020",
	    "05978036")], "correction")
	entry = out[0]["entry"]
	w.ctl("correct", "--reverse", str(entry), "--reason", "falsch",
	    "--as", TWO)
	out = json.loads(w.ctl("-o", "json", "export", "bookings",
	    "2025-04")[0])
	same([(b["amount_cents"], b["account"], b["reverses"]) for b in out
	    if b["type"] == "REVERSAL"], [(2000, "523100", entry)] * 2,
	    "reversal")


@test
def accounts_of_now_do_not_move_what_is_booked(w):
	before = w.ctl("-o", "csv", "--lang", "de", "export", "bookings",
	    "2025-02")[0]
	apply(w, (REGION % "").replace("523100", "999999"))
	same(w.ctl("-o", "csv", "--lang", "de", "export", "bookings",
	    "2025-02")[0], before, "byte for byte")
	w.ctl("correct", "2025-03", "--reason", "Konto", "--as", ONE)
	out = json.loads(w.ctl("-o", "json", "export", "bookings",
	    "2025-04")[0])
	same({b["account"] for b in out}, {"523100"}, "of closed months")
	close(w, "2025-04")
	out = json.loads(w.ctl("-o", "json", "export", "bookings",
	    "2025-04")[0])
	same({b["account"] for b in out if b["type"] == "ALLOCATION"},
	    {"999999"}, "of the next one")
	apply(w, REGION % "")


@test
def T40_bookings_open_in_german_excel(w):
	text = w.ctl("-o", "csv", "--lang", "de", "export", "bookings",
	    "2025-03")[0]
	check(text.startswith("\ufeffBeleg;Zeile;Art;"), text[:60])
	head, *body = rows(text[1:], ";")
	at = {name: i for i, name in enumerate(head)}
	same([(r[at["Kostenstelle"]], r[at["Kostenträger"]],
	    r[at["Sachkonto"]], r[at["Name"]], r[at["Betrag"]],
	    r[at["Leistung bis"]], r[at["Belege der Kosten"]])
	    for r in body], [("5110", "11.01.05", "523100", n, "500,00",
	    "31.03.2025", "RE 2025-7") for n in ("Stadt Kamen",
	    "Kreisstadt Unna")], "rows")
	# The same amounts as the journal's.
	journal = json.loads(w.ctl("-o", "json", "export", "journal",
	    "2025")[0])
	bookings = json.loads(w.ctl("-o", "json", "export", "bookings",
	    "2025")[0])
	same(sum(b["amount_cents"] for b in bookings), sum(l["amount_cents"]
	    for l in journal if l["account"] == "share"), "sums")


@test
def instalments_are_booked_where_the_cost_is(w):
	apply(w, REGION % '''cost raten-2026 { title = "Raten"
	amount = 1200.00  from = 2026-01-01  to = 2026-12-31  model = kopf
	cost-centre = "4711" }
''')
	w.ctl("plan", "raten-2026", "2026", "--as", ONE)
	for month in ["2025-%02d" % m for m in range(5, 13)] + ["2026-01"]:
		close(w, month)
	out = json.loads(w.ctl("-o", "json", "export", "bookings",
	    "2026-01")[0])
	same([(b["amount_cents"], b["cost_centre"], b["account"])
	    for b in out if b["type"] == "INSTALMENT"], [(5000, "4711",
	    None)] * 2, "instalments")
	# Who reads the journal reads these, and nobody else.
	same(w.sql("SELECT rolname FROM pg_roles WHERE has_table_privilege("
	    "oid, 'report.booking', 'SELECT') <> has_table_privilege(oid, "
	    "'report.journal', 'SELECT')"), [], "rights")
	same(w.sql("SELECT has_table_privilege('hub_ingest', "
	    "'report.booking', 'SELECT'), has_table_privilege('finance_ro', "
	    "'report.booking', 'SELECT')"), [["f", "t"]], "of roles")


# ---- versions of models

@test
def T16_a_version_of_a_model_says_one_thing_for_ever(w):
	"""Whatever was in force between."""
	cost = '''cost x-2026 { title = "x"  amount = 1.00  from = 2026-01-01
	to = 2026-12-31  model = neu }
model neu { version = %d  members = {kamen, unna}  clause = "%s"
	component kopf { basis-points = 10000  key = equal } }
'''
	apply(w, REGION % (cost % (1, "eins")))
	apply(w, REGION % (cost % (2, "zwei")))
	apply(w, REGION % "")
	number = json.loads(w.ctl("-o", "json", "bundles")[0])[-1]["bundle"]
	for version, clause in ((1, "zwei"), (2, "eins")):
		said = apply(w, REGION % (cost % (version, clause)), code=78)
		check("model neu: version %d has another content in bundle" %
		    version in said, said)
	said = w.ctl("--lang", "de", "apply", "--dry-run", w.path("region.hub"),
	    code=78)[1]
	check("bekommt eine neue Version" in said, said)
	same(json.loads(w.ctl("-o", "json", "bundles")[0])[-1]["bundle"],
	    number, "nothing was stored")
	apply(w, REGION % (cost % (1, "eins")))
	apply(w, REGION % (cost % (3, "drei")))


@test
def inhabitants_are_part_of_a_version(w):
	text = REGION.replace("kind = municipality }", '''kind = municipality
	population "2018-12-31" { inhabitants = 10 } }''') % '''
model leute { version = 1  members = {kamen}
	component leute { basis-points = 10000  key = population
		key-date = 2018-12-31 } }
'''
	apply(w, text)
	said = apply(w, text.replace("= 10 }", "= 11 }"), code=78)
	check("model leute: version 1" in said, said)
	# Of another day, they say nothing of it.
	apply(w, text.replace("= 10 } }", '= 10 }  population "2020-12-31" '
	    "{ inhabitants = 9 } }"))


def put_bundle(w, text):
	"""In force without hubctl, as one from before this rule."""
	data = text.encode()
	whole = b"".join(struct.pack(">Q", len(x)) + x for x in (b"region.hub",
	    data))
	w.sql("""DO $$ DECLARE b bigint; BEGIN
	    b := hub.bundle_begin('\\x%s', 'x', '');
	    PERFORM hub.bundle_add(b, 'region.hub', '\\x%s');
	    PERFORM hub.head_move(b, (SELECT epoch FROM hub.head)); END $$"""
	    % (hashlib.sha256(whole).hexdigest(), data.hex()))


@test
def of_several_contents_the_newest_counts(w):
	"""Bundles from before this rule lock nobody out; a rollback is never
	refused."""
	one, two = (REGION % "# %d\n" % i for i in (1, 2))
	two = two.replace("minimum = 10.00", "minimum = 11.00")
	apply(w, one)
	number = json.loads(w.ctl("-o", "json", "bundles")[0])[-1]["bundle"]
	put_bundle(w, two)
	apply(w, two + "# 3\n")
	said = apply(w, one + "# 4\n", code=78)
	check("model kopf: version 1" in said, said)
	w.ctl("rollback", str(number))
	apply(w, one + "# 5\n")


@test
def what_was_tampered_with_is_no_witness(w):
	w.sql("""ALTER TABLE hub.bundle_file DISABLE TRIGGER USER;
	    UPDATE hub.bundle_file SET bytes = convert_to(replace(convert_from(
		bytes, 'UTF8'), 'minimum = 10.00', 'minimum = 12.00'), 'UTF8')
		WHERE bundle_id < (SELECT bundle_id FROM hub.head);
	    ALTER TABLE hub.bundle_file ENABLE ALWAYS TRIGGER immutable""")
	apply(w, (REGION % "").replace("minimum = 10.00", "minimum = 12.00"),
	    code=78)
	apply(w, REGION % "# 6\n")


# ---- beside shares

E5 = '''
tenant werne { name = "Stadt Werne"  ags = "05978040"  kind = municipality }
cost e5 { title = "E5"  amount = 60000.00  from = 2025-01-01
	to = 2025-12-31  model = e5  %s }
model e5 { version = %d  members = {kamen, unna, werne}
	component kopf { basis-points = 10000  key = equal }
	member kamen { alone = 56000.00 }
	member unna { alone = 53000.00 }
	%s }
'''
WERNE = "member werne { alone = 51000.00 }"


@test
def E5_what_members_would_pay_alone(w):
	apply(w, REGION % E5 % ("", 1, WERNE))
	out = shares(w, "e5")
	same([(s["share_cents"], s["alone_cents"], s["shapley_cents"])
	    for s in out["shares"]], [(2000000, 5600000, 2266667),
	    (2000000, 5300000, 1966667), (2000000, 5100000, 1766666)], "year")
	out = shares(w, "e5", "--period", "2025-02")
	same([s["alone_cents"] for s in out["shares"]], [-(-a * 28 // 365)
	    for a in (5600000, 5300000, 5100000)], "a month, by days")
	table = rows(w.ctl("-o", "csv", "--lang", "en", "allocate", "e5")[0])
	same(table[0][-3:], ["share", "alone", "shapley"], "columns")
	same(table[3][-3:], ["20000.00", "51000.00", "17666.66"], "row")
	check("More than alone pays: nobody (known of 3 of 3)" in
	    w.ctl("--lang", "en", "allocate", "e5")[0], "test holds")
	# Where it is not known of all, there is no Shapley value.
	apply(w, REGION % E5 % ("", 2, "member werne { alone = 100.00 }"))
	check("shapley_cents" not in shares(w, "e5")["shares"][0], "absurd")
	out = w.ctl("--lang", "de", "allocate", "e5")[0]
	check("Mehr als allein zahlt: Stadt Werne (bekannt für 3 von 3)" in
	    out, out)
	apply(w, REGION % E5 % ("", 3, ""))
	same([("alone_cents" in s, "shapley_cents" in s) for s in
	    shares(w, "e5")["shares"]], [(True, False)] * 2 +
	    [(False, False)], "of some")
	head = rows(w.ctl("-o", "csv", "--lang", "en", "allocate", "e5")[0])[0]
	same(head[-2:], ["share", "alone"], "columns")


@test
def what_is_closed_keeps_what_it_said_of_alone(w):
	"""Months of 2025 are closed: that cost comes with the next close."""
	close(w, "2026-02")
	want = -(-5600000 * 31 // 365)
	for lang, words in (("en", ("alone", "for comparison")), ("de",
	    ("allein", "zum Vergleich"))):
		out = w.ctl("-o", "csv", "--lang", lang, "statement", "kamen",
		    "2025-01")[0]
		line = [r for r in rows(out.lstrip("\ufeff"), ";" if lang ==
		    "de" else ",") if r[3] == words[0]]
		same(len(line), 1, out)
		check(words[1] in line[0][4], line)
		same((line[0][7].replace(",", "").replace(".", ""),
		    line[0][8]), (str(want), ""), "no share")
	out = json.loads(w.ctl("-o", "json", "statement", "kamen",
	    "2025-01")[0])
	same([c.get("alone_cents") for c in out["costs"] if c["cost"] ==
	    "e5"], [want], "closed")
	out = json.loads(w.ctl("-o", "json", "statement", "kamen",
	    "2026-03")[0])
	check("alone_cents" not in json.dumps(out["costs"]), out)
	page = w.ctl("--lang", "de", "statement", "kamen", "2025-01",
	    "--html")[0]
	check("Zum Vergleich: allein würde es 4.756,17 EUR kosten." in page,
	    page)


@test
def above_the_mark_of_2b_it_is_said(w):
	outside = 'tax = outside  tax-basis = "§ 2b UStG"'
	apply(w, REGION % E5 % (outside, 3, ""))
	said = w.ctl("--lang", "en", "allocate", "e5")[1]
	check("costs of 2025 decided to be outside of tax: 60000.00 EUR, "
	    "above 17500.00 EUR (sec. 2b (2) no. 1 UStG)" in said, said)
	said = w.ctl("--lang", "de", "statement", "kamen", "2025-03")[1]
	check("Kosten 2025 ohne Umsatzsteuer" in said, said)
	check("2b" not in w.ctl("allocate", "plan-2026")[1], "another year")
	# Of all such costs together, and only above.
	text = REGION % E5 % (outside, 3, "")
	for amount, more, want in (("17500.00", "", False), ("17500.01", "",
	    True), ("10000.00", '''cost e6 { title = "E6"  model = e5
	from = 2025-01-01  to = 2025-12-31  %s
	item alles { amount = 7500.01 } }
''' % outside, True)):
		apply(w, text.replace("60000.00", amount) + more)
		said = w.ctl("--lang", "en", "allocate", "e5")[1]
		same("sec. 2b" in said, want, amount + more)
	apply(w, REGION % E5 % ("", 3, ""))
	check("2b" not in w.ctl("allocate", "e5")[1], "undecided")


@test
def months_without_an_item_share_nothing(w):
	"""Whatever the minimum is; they are closed like others."""
	apply(w, REGION % '''cost einmal-2026 { title = "Einmal"
	from = 2026-01-01  to = 2026-12-31  model = monat
	item umzug { amount = 30.00  from = 2026-04-10  to = 2026-04-20 }
	item storno { amount = 7.00  from = 2026-05-01  to = 2026-05-31 }
	item wieder { amount = 7.00  kind = credit  from = 2026-05-01
		to = 2026-05-31 } }
model monat { version = 1  members = {kamen, unna}  per = month
	component kopf { basis-points = 10000  key = equal }
	minimum = 12.00 }
''')
	same([[s["share_cents"] for s in shares(w, "einmal-2026", "--period",
	    "2026-%02d" % m)["shares"]] for m in (1, 3, 4, 5)], [[0, 0],
	    [0, 0], [1500, 1500], [0, 0]], "months")
	for month in ("2026-03", "2026-04", "2026-05"):
		close(w, month)
	same(w.sql("SELECT to_char(service_from, 'MM'), sum(amount_cents) "
	    "FROM report.booking WHERE cost = 'einmal-2026' GROUP BY 1"),
	    [["04", "3000"]], "booked")
	same(w.sql("SELECT count(*) FROM report.allocation_run WHERE "
	    "cost = 'einmal-2026'"), [["5"]], "calculations")


# ---- how long answers took

def put(w, day, hist, klass="access", provider="00000000", denied=0):
	w.sql("INSERT INTO ledger.usage_day VALUES ('%s', date_trunc('month', "
	    "'%s'::date), '%s', '05978020', '%s', 'a', 'p', 'd', '%s', 1, %d, "
	    "%d, 0, 0, 0, ARRAY[%s])" % (day, day, klass, provider,
	    len(hist), sum(hist), denied, ",".join(map(str, hist))))


@test
def R1_tells_within_which_time_answers_came(w):
	put(w, "2026-07-01", [50, 0, 0, 44, 0, 1, 0, 0, 0, 5])
	for day, hist in (("2026-07-02", [49, 0, 0, 0, 0, 0, 0, 0, 0, 51]),
	    ("2026-07-03", [0] * 9 + [1]), ("2026-07-04", [0] * 10),
	    ("2026-07-05", [10, 10, 0, 0, 0, 0, 0, 0, 0, 0]),
	    ("2026-07-06", [0, 0, 0, 0, 0, 0, 0, 0, 20, 0])):
		put(w, day, hist)
	for day, want in (("01", ("<= 5 ms", "<= 250 ms")),
	    ("02", ("> 2500 ms", "> 2500 ms")),
	    ("03", ("> 2500 ms", "> 2500 ms")), ("04", (None, None)),
	    ("05", ("<= 5 ms", "<= 10 ms")),
	    ("06", ("<= 2500 ms", "<= 2500 ms"))):
		row = json.loads(w.ctl("-o", "json", "usage", "2026-07-" +
		    day)[0])[0]
		same((row["p50"], row["p95"]), want, day)
	# Bounds of all days together, not of bounds: 109 of 241 are within 5.
	row = json.loads(w.ctl("-o", "json", "usage", "2026-07", "--by",
	    "month")[0])[0]
	same((row["p50"], row["p95"]), ("<= 50 ms", "> 2500 ms"), "month")
	# Estimates have no times, and legs are told by provider.
	put(w, "2026-07-01", [0] * 9 + [1000], "estimate")
	put(w, "2026-07-01", [0, 3, 0, 0, 0, 0, 0, 0, 0, 0], "leg",
	    "05978036", 1)
	row = json.loads(w.ctl("-o", "json", "usage", "2026-07-01")[0])[0]
	same((row["p95"], row["estimated"]), ("<= 250 ms", 1000), "estimates")
	row = json.loads(w.ctl("-o", "json", "usage", "2026-07-01", "--by",
	    "provider")[0])
	same([r["p50"] for r in row if r["ags"] == "05978036"], ["<= 10 ms"],
	    "legs")
	row = json.loads(w.ctl("-o", "json", "usage", "2026-07-01", "--by",
	    "flow")[0])
	row = [r for r in row if r["provider"] == "05978036"][0]
	same((row["requests"], row["p50"], row["p95"]), (2, None, None),
	    "a leg that gave nothing is not told of")
	text = w.ctl("-o", "csv", "--lang", "de", "usage", "2026-07-01")[0]
	check(text.splitlines()[0].endswith(";HÄLFTE BIS;95 % BIS") and
	    text.splitlines()[1].endswith(";<= 5 ms;<= 250 ms"), text)


main(setup)
