#!/bin/sh
''''exec python3 -- "$0" "$@" # '''
# allocation.t - costs are shared to the cent: a second implementation agrees,
# and hubctl allocate and hubctl statement say so in every form.
#
#	HUB_ALLOCATION_MODELS=100000	how many random models are compared

import csv
import io
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "reference"))
import allocation
from flow import *

MODELS = int(os.environ.get("HUB_ALLOCATION_MODELS", "1000"))
# AGS, name, inhabitants on 2018-12-31, units of 2026, share of E1
MEMBERS = [
    ("05978004", "bergkamen", "Stadt Bergkamen", 48725, 310000, 580719),
    ("05978008", "boenen", "Gemeinde Bönen", 18107, 40000, 262440),
    ("05978012", "froendenberg", "Stadt Fröndenberg/Ruhr", 20766, 95000,
    301040),
    ("05978016", "holzwickede", "Gemeinde Holzwickede", 17118, 25000, 250000),
    ("05978020", "kamen", "Stadt Kamen", 42971, 280000, 528109),
    ("05978024", "luenen", "Stadt Lünen", 86449, 650000, 975416),
    ("05978028", "schwerte", "Stadt Schwerte", 46340, 2400000, 1000000),
    ("05978032", "selm", "Stadt Selm", 26011, 120000, 348181),
    ("05978036", "unna", "Kreisstadt Unna", 58633, 900000, 858303),
    ("05978040", "werne", "Stadt Werne", 29662, 180000, 395792)]
NAMES = [m[1] for m in MEMBERS]

REGION = "".join('tenant %s { name = "%s"  ags = "%s"  kind = municipality\n'
    '  population "2018-12-31" { inhabitants = %d } }\n' % (m[1], m[2], m[0],
    m[3]) for m in MEMBERS) + '''
tenant fremd { name = "=cmd|x"  ags = "05913000"  kind = city
	population "2018-12-31" { inhabitants = 587010 } }
cost betrieb-2026 { title = "Betrieb Plattform Schwerte"  amount = 55000.00
	from = 2026-01-01  to = 2026-12-31  model = mitnutzung }
model mitnutzung {
	version = 3  clause = "§ 5 ÖRV (Entwurf)"  members = {%(members)s}
	component sockel { basis-points = 2000  key = equal }
	component einwohner { basis-points = 5000  key = population
		key-date = 2018-12-31 }
	component nutzung { basis-points = 3000  key = usage
		on-zero = population }
	minimum = 2500.00  maximum = 10000.00  per = year  tie = rotate
}
%(more)s'''


def region(members=NAMES, more=""):
	return REGION % {"members": ", ".join(members), "more": more}


versions = iter(range(100, 1000))


def cost(model, amount="1000.00", year=2026):
	return '''
cost probe { title = "Probe"  amount = %s  from = %d-01-01  to = %d-12-31
	model = probe }
model probe { version = %d  members = {kamen, unna}
	%s }
''' % (amount, year, year, next(versions), model)


def put(w, day, consumer, units, klass="access", provider="00000000",
    entities=0):
	w.sql("INSERT INTO ledger.usage_day VALUES ('%s', date_trunc('month', "
	    "'%s'::date), '%s', '%s', '%s', 'a', 'p', 'd', '%d', 1, 1, 0, %d, 0,"
	    " %d, ARRAY[1,0,0,0,0,0,0,0,0,0])" % (day, day, klass, consumer,
	    provider, units, entities, units))


def setup():
	w = World("allocation")
	w.apply(region(), code=0)
	for i, m in enumerate(MEMBERS):
		# On several days of the year, and some of nobody's.
		put(w, "2026-01-01", m[0], m[4] * 400)
		put(w, "2026-12-31", m[0], m[4] * 600)
		put(w, "2026-07-0%d" % (i % 9 + 1), m[0], 77 * i, "leg")
	put(w, "2026-05-01", "05913000", 5000)
	return w


def other(text):
	"""The model says another thing: it gets a new version."""
	return text.replace("version = 3 ", "version = %d " % next(versions))


def apply(w, text):
	"""Whatever it widens."""
	path = w.write("region.hub", text)
	said = w.ctl("apply", path, code=None)[1]
	m = re.search(r"--accept-widening[ =]([0-9a-f]{64})", said)
	w.ctl("apply", path, *(["--accept-widening", m.group(1)] if m else []))


def shares(w, *argv):
	out = json.loads(w.ctl("-o", "json", "allocate", *argv)[0])
	same(sum(s["share_cents"] for s in out["shares"]), out["amount_cents"],
	    "the sum of shares")
	same([sum(s["parts_cents"][c] for s in out["shares"])
	    for c in range(len(out["components"]))],
	    [c["cents"] for c in out["components"]], "the parts")
	return out


def rows(text, delimiter=","):
	return list(csv.reader(io.StringIO(text, newline=""),
	    delimiter=delimiter, strict=True))


# ---- the second implementation

@test
def T15_a_second_implementation_agrees(w):
	done, refused = allocation.compare(HUBTOOL, MODELS, 20261122)
	same(done, MODELS, "models compared")
	check(len(refused) == 5, "every kind of refusal: %r" % refused)


# ---- allocate

@test
def T1_allocates_the_example(w):
	out = shares(w, "betrieb-2026")
	same([(s["ags"], s["share_cents"]) for s in out["shares"]],
	    [(m[0], m[5]) for m in MEMBERS], "shares")
	same([c["cents"] for c in out["components"]],
	    [1100000, 2750000, 1650000], "components")
	same({s["tenant"]: s["bound"] for s in out["shares"] if s["bound"]},
	    {"holzwickede": "minimum", "schwerte": "maximum"}, "bounds")
	same(out["others_milli_units"], 5000, "used by others")
	same((out["model"]["version"], out["model"]["clause"], out["currency"]),
	    (3, "§ 5 ÖRV (Entwurf)", "EUR"), "what it rests on")


@test
def T1_traces_each_step(w):
	out = shares(w, "betrieb-2026", "--trace")
	rounds = [(s["round"], s["cents"], s["below_cents"], s["above_cents"])
	    for s in out["trace"] if s["step"] == "round"]
	same(rounds, [(1, 5500000, 13177, 224798), (2, 4500000, 20, 0),
	    (3, 4250000, 0, 0)], "rounds")
	same([(s["tenant"], s["bound"]) for s in out["trace"]
	    if s["step"] == "freeze"], [("schwerte", "maximum"),
	    ("holzwickede", "minimum")], "frozen")
	same([(s["weight"], s["of"], s["cents"]) for s in out["trace"]
	    if s["step"] == "part" and s["tenant"] == "unna"],
	    [(1, 10, 110000), (58633, 394782, 408430),
	    (900000000, 5000000000, 297000)], "Unna's parts")
	text = w.ctl("--lang", "de", "allocate", "betrieb-2026", "--trace")[0]
	for want in ("unter Mindestbeträgen fehlen 131,77",
	    "über Höchstbeträgen sind 2247,98", "genutzte Einheiten",
	    "900000,000", "Modell mitnutzung, Version 3, § 5 ÖRV (Entwurf)",
	    "55000,00 EUR", "Vorläufig"):
		check(want in text, "%r in: %s" % (want, text))


@test
def P5_order_of_members_does_not_matter(w):
	before = w.ctl("-o", "json", "allocate", "betrieb-2026", "--trace")[0]
	apply(w, region(NAMES[::-1]))
	same(w.ctl("-o", "json", "allocate", "betrieb-2026", "--trace")[0],
	    before, "the same, byte for byte")


@test
def T42_is_the_same_when_made_again(w):
	for form in (["-o", "csv", "--lang", "de"], ["-o", "csv"], []):
		same(w.ctl(*form, "allocate", "betrieb-2026")[0],
		    w.ctl(*form, "allocate", "betrieb-2026")[0], "output")


@test
def T40_writes_csv_for_german_excel(w):
	# A fixed negative never happens here; T40's text does.
	apply(w, other(region(NAMES + ["fremd"])))
	text = run(HUBCTL, "-c", w.path("hubd.conf"), "-o", "csv", "--lang",
	    "de", "allocate", "betrieb-2026")[0]
	apply(w, region())
	check(text.startswith("\ufeffAGS;NAME;TAGE;sockel;einwohner;nutzung;"
	    "VOR GRENZEN;GRENZE;ANTEIL"), "head: %.100r" % text)
	table = rows(text[1:], ";")
	same(len(table), 12, "rows: no line of sums")
	same(table[1][0:3], ["05913000", "'=cmd|x", "365"], "a formula")
	same(sum(int(r[8].replace(",", "")) for r in table[1:]), 5500000,
	    "the sum")
	same({len(r[8].split(",")[1]) for r in table[1:]}, {2}, "two places")


@test
def writes_csv_of_rfc_4180(w):
	raw = subprocess.run([HUBCTL, "-c", w.path("hubd.conf"), "-o", "csv",
	    "allocate", "betrieb-2026"], capture_output=True, timeout=60).stdout
	same(raw.count(b"\r\n"), 11, "lines end in CRLF")
	same(raw.count(b"\n"), 11, "and in nothing else")
	table = rows(raw.decode())
	same(table[0], ["ags", "name", "days", "sockel", "einwohner", "nutzung",
	    "raw", "bound", "share"], "head")
	same(table[7], ["05978028", "Stadt Schwerte", "365", "1100.00",
	    "3227.98", "7920.00", "12247.98", "maximum", "10000.00"], "a row")


@test
def T7_months_sum_to_the_year(w):
	amounts, sums = [], dict.fromkeys(NAMES, 0)
	for month in range(1, 13):
		out = shares(w, "betrieb-2026", "--period", "2026-%02d" % month)
		amounts.append(out["amount_cents"])
		same(out["bounds"], "waiting", "bounds are for the year")
		same([s["share_cents"] for s in out["shares"]],
		    [s["raw_cents"] for s in out["shares"]], "no bounds")
	same(amounts, [458334] * 4 + [458333] * 8, "months")
	same(shares(w, "betrieb-2026", "--period", "2026")["shares"],
	    shares(w, "betrieb-2026")["shares"], "the year")


@test
def T4_months_without_usage_fall_back(w):
	out = shares(w, "betrieb-2026", "--period", "2026-06", "--trace")
	same([s["component"] for s in out["trace"] if s["step"] == "zero"],
	    ["nutzung"], "no weights")
	apply(w, other(region()).replace("on-zero = population",
	    "on-zero = error"))
	said = w.ctl("allocate", "betrieb-2026", "--period", "2026-06",
	    code=78)[1]
	check("LEDGER_ZERO_WEIGHT" in said and "nutzung" in said, said)
	apply(w, region())


@test
def T11_refuses_what_cannot_hold(w):
	apply(w, other(region()).replace("minimum = 2500.00",
	    "minimum = 6000.00"))
	said = w.ctl("allocate", "betrieb-2026", code=78)
	check("LEDGER_INFEASIBLE: minima and maxima allow 60000.00 to "
	    "100000.00, to share are 55000.00" in said[1], said[1])
	same(said[0], "", "nothing written")
	apply(w, region())


@test
def T44_a_member_leaves(w):
	apply(w, other(region()).replace("minimum = 2500.00",
	    "member kamen { to = 2026-06-30 }\n\tminimum = 2500.00"))
	out = shares(w, "betrieb-2026", "--trace")
	same([(s["from"], s["to"], s["weight"], s["cents"])
	    for s in out["trace"] if s["step"] == "days"],
	    [("2026-01-01", "2026-06-30", 181, 2727397),
	    ("2026-07-01", "2026-12-31", 184, 2772603)], "ranges")
	# Each range has its own usage.
	same([(s["weight"], s["of"]) for s in out["trace"]
	    if s["step"] == "part" and s["component"] == "nutzung" and
	    s["tenant"] == "unna"], [(900000 * 400, 5000000 * 400),
	    (900000 * 600, (5000000 - 280000) * 600)], "usage")
	same([s["days"] for s in out["shares"] if s["tenant"] == "kamen"],
	    [181], "days")
	apply(w, region())


# ---- keys that need the ledger

@test
def shares_by_the_year_before(w):
	put(w, "2025-01-01", "05978020", 3000)
	put(w, "2025-12-31", "05978036", 1000)
	put(w, "2024-12-31", "05978036", 9000)
	apply(w, region(more=cost("component vorjahr { basis-points = 10000\n"
	    "  key = previous-year-usage }")))
	for period in (["--period", "2026-11"], []):
		out = shares(w, "probe", *period)
		same(out["shares"][0]["share_cents"],
		    out["amount_cents"] * 3 // 4 +
		    (out["amount_cents"] * 3 % 4 >= 2), "three quarters")
	apply(w, region())


@test
def shares_by_what_providers_gave(w):
	put(w, "2026-03-03", "05978036", 100, "leg", "05978020")
	put(w, "2026-03-03", "05978036", 300, "leg", "05978036")
	apply(w, region(more=cost("usage-party = provider\n"
	    "  component nutzung { basis-points = 10000  key = usage }")))
	out = shares(w, "probe")
	same([s["share_cents"] for s in out["shares"]], [25000, 75000],
	    "shares")
	apply(w, region())


EVENT = """INSERT INTO ledger.event SELECT '2026-02-01', gen_random_uuid(), 0,
	'2026-02-01', '2026-02-0%d', 'access', 1, '2026-02-01T12:00:00Z', 1000,
	200, %d, 1, '%s', '00000000', 0, 0, 0, 0, %d, %d, 0, %d,
	gen_random_uuid(), gen_random_uuid(), '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	'', 1, 1, 1, 1"""


@test
def shares_by_a_meter_of_the_model(w):
	model = cost("meter { entity = 3  kib = 5 }\n"
	    "  component nutzung { basis-points = 10000  key = usage }")
	apply(w, region(more=model))
	# decision, AGS, entities, bytes, units; a denied one counts nowhere
	rows = [(1, 1, "05978020", 4, 1025, 1042), (2, 1, "05978020", 1, 1,
	    1011), (1, 2, "05978036", 7, 0, 1070), (1, 0, "05978036", 90, 9000,
	    0), (1, 1, "05913000", 2, 10, 1021)]
	for day, *r in rows:
		w.sql(EVENT % (day, *r))
		put(w, "2026-02-0%d" % day, r[1], r[4], provider="00000000")
	out = shares(w, "probe", "--period", "2026-02", "--trace")
	same([s["weight"] for s in out["trace"] if s["step"] == "part"],
	    [3 * 5 + 5 * 3, 3 * 7], "weights")
	text = w.ctl("allocate", "probe", "--period", "2026-02")[0]
	check("Used by others than members: 0.011 units" in text, text)
	# Events that were pruned, with the roll-ups still there.
	put(w, "2026-02-05", "05978036", 500)
	said = w.ctl("allocate", "probe", "--period", "2026-02", code=1)[1]
	check("meter of its own" in said, said)
	apply(w, region())


# ---- statement

@test
def states_what_a_tenant_bears_and_why(w):
	out = json.loads(w.ctl("-o", "json", "statement", "schwerte",
	    "2026")[0])
	same((out["tenant"], out["ags"], out["share_cents"]),
	    ("schwerte", "05978028", 1000000), "whose")
	parts = out["costs"][0]["parts"]
	# The parts of the example; usage of other tests is not its members'.
	same([(p["component"], p["key"], p["weight"], p["of"],
	    p["amount_cents"], p["cents"]) for p in parts[:2]],
	    [("sockel", "equal", 1, 10, 1100000, 110000),
	    ("einwohner", "population", 46340, 394782, 2750000, 322798)],
	    "parts")
	cost = out["costs"][0]
	same(sum(p["cents"] for p in parts), cost["raw_cents"], "before bounds")
	same(cost["raw_cents"] + cost["bounds_cents"], cost["share_cents"],
	    "with bounds")
	same(cost["bound"], "maximum", "the bound")
	same(w.ctl("-o", "json", "statement", "05978028", "2026")[0],
	    w.ctl("-o", "json", "statement", "schwerte", "2026")[0], "by AGS")


@test
def states_it_for_people_and_spreadsheets(w):
	text = w.ctl("--lang", "de", "statement", "holzwickede", "2026")[0]
	for want in ("Betrieb Plattform Schwerte", "Mindestbetrag",
	    "01.01.2026 bis 31.12.2026: 55000,00 EUR", "2500,00", "Summe",
	    "§ 5 ÖRV (Entwurf)", "gleiche Teile"):
		check(want in text, "%r in: %s" % (want, text))
	table = rows(w.ctl("-o", "csv", "statement", "holzwickede", "2026")[0])
	same(table[0], ["cost", "from", "to", "component", "key", "weight",
	    "weights", "amount", "share", "model", "clause"], "head")
	same(table[2], ["betrieb-2026", "2026-01-01", "2026-12-31",
	    "einwohner", "inhabitants", "17118", "394782", "27500.00",
	    "1192.42", "mitnutzung 3", "§ 5 ÖRV (Entwurf)"], "a row")
	# Rows add up to the share: what the bounds did is a row, too.
	same(sum(int(r[8].replace(".", "")) for r in table[1:]), 250000, "sum")
	german = rows(w.ctl("-o", "csv", "--lang", "de", "statement",
	    "holzwickede", "2026")[0][1:], ";")
	same(german[2][1:9], ["01.01.2026", "31.12.2026", "einwohner",
	    "Einwohner", "17118", "394782", "27500,00", "1192,42"], "German")


@test
def P18_statements_sum_to_the_cost(w):
	for period in ("2026", "2026-01", "2026-12"):
		total = sum(json.loads(w.ctl("-o", "json", "statement", name,
		    period)[0])["share_cents"] for name in NAMES)
		same(total, {"2026": 5500000, "2026-01": 458334,
		    "2026-12": 458333}[period], "all statements of " + period)


@test
def states_nothing_to_those_who_bear_nothing(w):
	for who, period in (("fremd", "2026"), ("kamen", "2027")):
		out = json.loads(w.ctl("-o", "json", "statement", who,
		    period)[0])
		same((out["costs"], out["share_cents"]), ([], 0), who)
		text = w.ctl("statement", who, period)[0]
		check("0.00" in text, text)


@test
def says_what_is_wrong(w):
	cases = [(1, ["allocate", "betrieb-2027"], "no cost betrieb-2027"),
	    (1, ["allocate", "betrieb-2026", "--period", "2027"], "nothing of"),
	    (64, ["allocate", "betrieb-2026", "--period", "2026-13"],
	    "is not a year"), (64, ["allocate", "betrieb-2026", "--period",
	    "2026-11-03"], "is not a year"), (64, ["allocate"], "usage:"),
	    (64, ["statement", "kamen"], "usage:"), (64, ["statement", "kamen",
	    "26"], "is not a year"), (1, ["statement", "hamm", "2026"],
	    "no tenant hamm"), (64, ["statement", "kamen", "2026", "--trace"],
	    "takes no --trace")]
	for code, argv, want in cases:
		out, said = w.ctl(*argv, code=code)
		check(want in said and out == "", "%r: %r" % (argv, said))


@test
def needs_the_rights_to_usage_and_to_region_files(w):
	grants = {"beides": "hub_finance, hub_dpo", "kasse": "hub_finance",
	    "schutz": "hub_dpo"}
	for name, roles in grants.items():
		w.sql("CREATE ROLE %s LOGIN" % name)
		w.sql("GRANT %s TO %s" % (roles, name))
		uri = re.sub(r"(user=|//)postgres\b", r"\1" + name, w.database)
		check(uri != w.database, w.database)
		out, said = run(HUBCTL, "-d", uri, "-o", "json", "statement",
		    "kamen", "2026", code=None)
		if name == "beides":
			check(json.loads(out)["share_cents"] > 0, out)
			continue
		same(out, "", "half of it is nothing")
		check("permission denied" in said, said)


main(setup)
