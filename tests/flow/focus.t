#!/bin/sh
''''exec python3 -- "$0" "$@" # '''
# focus.t - every row of hubctl export focus against the rules of FOCUS 1.2 for
# its columns (specification/columns and attributes), here as a table. With
# HUB_FOCUS_VALIDATOR, a Python 3.12 in which focus-validator 2.2.1 is installed
# (PyPI, the FinOps Foundation's), its rules of 1.2.0.1 judge the same file.
import csv
import datetime
import io
import xml.etree.ElementTree as ET

from flow import *

VALIDATOR = os.environ.get("HUB_FOCUS_VALIDATOR")
ONE, TWO = "kamen:c.weber", "fremd:a.yilmaz"
AGS = {"kamen": "05978020", "fremd": "05913000", "selm": "05978032"}
REGION = '''
tenant kamen { name = "Stadt Kamen" ags = "05978020" kind = municipality
	population "2018-12-31" { inhabitants = 42971 } }
tenant selm { name = "Stadt \\"Selm\\", Bork; Süd" ags = "05978032"
	kind = municipality
	population "2018-12-31" { inhabitants = 26011 } }
tenant fremd { name = "=cmd|x" ags = "05913000" kind = city
	population "2018-12-31" { inhabitants = 587010 } }
cost betrieb { title = "Betrieb, Plattform" amount = %s from = 2025-01-01
	to = 2025-12-31 model = mm tax = standard tax-rate = 19
	tax-basis = "Bescheid" }
model mm { version = 1 clause = "§ 5" members = {kamen, selm, fremd}
	component sockel { basis-points = 3000 key = equal }
	component koepfe { basis-points = 2000 key = population
		key-date = 2018-12-31 }
	component nutzung { basis-points = 5000 key = usage
		on-zero = population }
	minimum = 1000.00 maximum = 9000.00 per = year }
cost voraus { title = "Abschlag" amount = 1200.01 from = 2025-01-01
	to = 2025-12-31 model = vv }
model vv { version = 1 clause = "§ 6" members = {kamen, selm} per = year
	component fest { basis-points = 10000 key = equal } }
'''
COSTS = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost")


def put(w, day, consumer, units, booked=None):
	for table, key in (("usage_day", day), ("usage_month", day[:7] +
	    "-01")):
		w.sql("INSERT INTO ledger.%s VALUES ('%s', '%s', 'access', "
		    "'%s', '00000000', 'a', 'p', 'd', '', 1, 1, 0, 0, 0, %d, "
		    "ARRAY[1,0,0,0,0,0,0,0,0,0])" % (table, key, booked or
		    day[:7] + "-01", consumer, units))


def close(w, month):
	for person in (ONE, TWO):
		w.ctl("period", "close", month, "--as", person)


def setup():
	"""A year: months with and without use, instalments, both settled;
	then a correction, one more, and the reversal of that."""
	w = World("focus")
	w.apply(REGION % "20000.00")
	put(w, "2025-01-10", AGS["kamen"], 1234567)
	put(w, "2025-02-10", AGS["kamen"], 7001)
	put(w, "2025-02-11", AGS["selm"], 1)
	w.ctl("plan", "voraus", "2025", "--as", ONE)
	for m in range(1, 13):
		close(w, "2025-%02d" % m)
	put(w, "2025-05-10", AGS["fremd"], 99000, "2026-01-01")
	w.ctl("correct", "2025", "--reason", "Nachzügler", "--as", ONE)
	w.apply(REGION % "19000.00")
	out = json.loads(w.ctl("-o", "json", "correct", "2025", "--reason",
	    "Betrag", "--as", ONE)[0])
	w.ctl("correct", "--reverse", str(out[0]["entry"]), "--reason",
	    "doch nicht", "--as", ONE)
	close(w, "2026-01")
	return w


def export(w, period, lang="en"):
	return w.ctl("-o", "csv", "--lang", lang, "export", "focus",
	    period)[0]


def rows(text):
	table = list(csv.reader(io.StringIO(text.lstrip("\ufeff"),
	    newline=""), delimiter=",", strict=True))
	for r in table:
		same(len(r), len(table[0]), "cells")
	return table[0], [{k: v if v != "" else None for k, v in
	    zip(table[0], r)} for r in table[1:]]


# ---- the rules

DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?$")
STRING = re.compile(r"[^\s\x00-\x1f]([^\x00-\x1f]*[^\s\x00-\x1f])?$")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")
SERVICES = ("AI and Machine Learning", "Analytics", "Business Applications",
    "Compute", "Databases", "Developer Tools", "Multicloud", "Identity",
    "Integration", "Internet of Things", "Management and Governance",
    "Media", "Migration", "Mobile", "Networking", "Security", "Storage",
    "Web", "Other")


def correction(r):
	return r["ChargeClass"] == "Correction"


def usage(r):
	return r["ChargeCategory"] == "Usage"


def priced(r):
	return r["ChargeCategory"] in ("Usage", "Purchase") and \
	    not correction(r)


def never(r):
	return False


def always(r):
	return True


# Column, what it is like, its allowed values, when it is there, when it may be.
RULES = [("BilledCost", DECIMAL, None, always, always),
    ("BillingAccountId", STRING, None, always, always),
    ("BillingAccountName", STRING, None, always, always),
    ("BillingCurrency", STRING, ("EUR",), always, always),
    ("BillingPeriodEnd", TIME, None, always, always),
    ("BillingPeriodStart", TIME, None, always, always),
    ("ChargeCategory", STRING, CATEGORIES, always, always),
    ("ChargeClass", STRING, ("Correction",), never, always),
    ("ChargeDescription", STRING, None, always, always),
    ("ChargePeriodEnd", TIME, None, always, always),
    ("ChargePeriodStart", TIME, None, always, always),
    ("ContractedCost", DECIMAL, None, always, always),
    ("EffectiveCost", DECIMAL, None, always, always),
    ("InvoiceIssuerName", STRING, None, always, always),
    ("ListCost", DECIMAL, None, always, always),
    ("PricingQuantity", DECIMAL, None, priced, lambda r:
	r["ChargeCategory"] != "Tax"),
    ("PricingUnit", STRING, None, lambda r: r["PricingQuantity"],
	lambda r: r["PricingQuantity"]),
    ("ProviderName", STRING, None, always, always),
    ("PublisherName", STRING, None, always, always),
    ("ServiceCategory", STRING, SERVICES, always, always),
    ("ServiceName", STRING, None, always, always),
    # Of who measures usage.
    ("ConsumedQuantity", DECIMAL, None, lambda r: usage(r) and
	not correction(r), usage),
    ("ConsumedUnit", STRING, None, lambda r: r["ConsumedQuantity"],
	lambda r: r["ConsumedQuantity"]),
    ("ChargeFrequency", STRING, ("One-Time", "Recurring", "Usage-Based"),
	always, always),
    ("ServiceSubcategory", STRING, ("API Management", "Messaging",
	"Workflow Orchestration", "Other (Integration)"), always, always)]


def faults(names, lines):
	"""What is wrong with a file, in words."""
	out = []
	if names[:len(RULES)] != [rule[0] for rule in RULES]:
		return ["columns: %r" % names]
	out += ["column " + n for n in names[len(RULES):]
	    if not re.match(r"x_([A-Z][a-z]+)+$", n)]
	for i, r in enumerate(lines):
		for name, form, allowed, must, may in RULES:
			v = r[name]
			if v is None:
				if must(r):
					out.append("%d: no %s" % (i, name))
			elif not may(r):
				out.append("%d: %s is there" % (i, name))
			elif not form.match(v) or (allowed and
			    v not in allowed):
				out.append("%d: %s %r" % (i, name, v))
		for a, b in (("BillingPeriodStart", "BillingPeriodEnd"),
		    ("ChargePeriodStart", "ChargePeriodEnd")):
			if r[a] >= r[b]:
				out.append("%d: %s" % (i, a))
		# No unit prices: all costs are what is billed.
		if len({r[c] for c in COSTS}) != 1:
			out.append("%d: costs" % i)
		if r["ChargeFrequency"] == "Usage-Based" and not usage(r):
			out.append("%d: ChargeFrequency" % i)
		if correction(r) != (r["x_CorrectsPeriod"] is not None):
			out.append("%d: x_CorrectsPeriod" % i)
		# A correction is of a period that was billed before.
		if correction(r) and r["ChargePeriodEnd"] > \
		    r["BillingPeriodStart"]:
			out.append("%d: corrects what is not over" % i)
	kinds = {}
	for r in lines:
		kinds.setdefault(r["ServiceName"], set()).add(
		    r["ServiceCategory"])
	out += ["service " + n for n, c in kinds.items() if len(c) > 1]
	return out


def berlin(text):
	"""Midnight in Germany, as a day."""
	at = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
	for hours in (1, 2):
		day = at + datetime.timedelta(hours=hours)
		if day.hour == 0 and 3 < day.month < 11 or day.hour == 0 and \
		    hours == 1:
			return day.strftime("%Y-%m-%d")
	raise Failed(text)


# ---- the tests

@test
def every_row_keeps_the_rules_of_its_columns(w):
	kinds = set()
	for period in ["2025", "2026"] + ["2025-%02d" % m for m in
	    range(1, 13)] + ["2026-01"]:
		names, lines = rows(export(w, period))
		check(len(lines) > 4, "%s: %d" % (period, len(lines)))
		same(faults(names, lines), [], period)
		kinds |= {(r["ChargeCategory"], r["ChargeClass"],
		    r["PricingUnit"]) for r in lines}
	same(kinds, {("Usage", None, "Units"), ("Purchase", None, "Shares"),
	    ("Adjustment", None, None), ("Usage", "Correction", None),
	    ("Purchase", "Correction", None),
	    ("Adjustment", "Correction", None)}, "kinds of rows")
	same(export(w, "2025", "de"), export(w, "2025"), "in every language")


@test
def the_rules_find_what_is_wrong(w):
	names, lines = rows(export(w, "2025"))
	for column, value in (("BilledCost", "1,00"), ("ListCost", None),
	    ("BilledCost", "+1.00"), ("BillingCurrency", "eur"),
	    ("BillingPeriodEnd", "2025-01-31T23:00:00"),
	    ("ChargePeriodEnd", "2020-01-31T23:00:00Z"),
	    ("ChargeClass", "correction"), ("ChargeCategory", "Fee"),
	    ("PricingQuantity", None), ("PricingUnit", None),
	    ("ServiceCategory", "Integrations"), ("ServiceName", " "),
	    ("BillingAccountId", None), ("ConsumedUnit", None),
	    ("ChargeClass", "Correction")):
		n = [i for i, r in enumerate(lines) if usage(r)][0]
		bad = [dict(r) for r in lines]
		check(bad[n][column] != value, column)
		bad[n][column] = value
		check(faults(names, bad), "%s %r" % (column, value))
	check(faults(names[1:], lines), "a column is missing")


@test
def usage_is_what_was_used(w):
	"""A month in which nobody used anything is shared by heads: those are
	no units."""
	names, lines = rows(export(w, "2025-01"))
	same([(r["BillingAccountId"], r["ConsumedQuantity"],
	    r["ConsumedUnit"]) for r in lines if usage(r)],
	    [(AGS["kamen"], "1234.567", "Units")], "January")
	names, lines = rows(export(w, "2025-03"))
	same([r for r in lines if usage(r)], [], "March")
	same({(r["ChargeCategory"], r["PricingQuantity"], r["PricingUnit"])
	    for r in lines if r["x_Component"] == "nutzung"},
	    {("Purchase", "1", "Shares")}, "by heads")


@test
def periods_are_those_of_the_calendar(w):
	for m in range(1, 13):
		names, lines = rows(export(w, "2025-%02d" % m))
		after = "2026-01-01" if m == 12 else "2025-%02d-01" % (m + 1)
		for r in lines:
			same((berlin(r["BillingPeriodStart"]),
			    berlin(r["BillingPeriodEnd"])), ("2025-%02d-01" % m,
			    after), "billed")
			check((berlin(r["ChargePeriodStart"]),
			    berlin(r["ChargePeriodEnd"])) in (("2025-%02d-01" %
			    m, after), ("2025-01-01", "2026-01-01")), r)


@test
def sums_are_those_of_the_ledger_and_of_the_invoice(w):
	names, lines = rows(export(w, "2025"))
	same(sum(int(r["BilledCost"].replace(".", "")) for r in lines),
	    2000000 + 120001, "the year")
	same(w.sql("SELECT sum(amount_cents) FROM report.journal WHERE "
	    "account = 'share' AND booked_period < '2026-01-01'"),
	    [[str(2000000 + 120001)]], "the journal")
	names, lines = rows(export(w, "2026-01"))
	same(sum(int(r["BilledCost"].replace(".", "")) for r in lines), 0,
	    "a correction, another and its reversal")
	# Of an account and a month: what its invoice has before tax.
	names, lines = rows(export(w, "2026-01"))
	by = {}
	for r in lines:
		by[r["BillingAccountId"]] = by.get(r["BillingAccountId"], 0) + \
		    int(r["BilledCost"].replace(".", ""))
	same(sorted(by), sorted(AGS.values()), "accounts")
	seller = "".join(' %s = "%s"' % p for p in (("name", "S"), ("city",
	    "C"), ("postcode", "1"), ("email", "a@b.example"), ("vat-id",
	    "DE123456789"), ("contact", "K"), ("phone", "112"), ("iban",
	    "DE02120300000000202051")))
	buyer = ' leitweg-id = "L" city = "C" postcode = "1" ' \
	    'email = "c@d.example"'
	parties = w.write("parties.conf", "seller {%s }\n" % seller +
	    "".join("buyer %s {%s }\n" % (t, buyer) for t in AGS))
	for tenant, ags in AGS.items():
		doc = ET.fromstring(w.ctl("export", "xrechnung", tenant,
		    "2026-01", "--parties", parties)[0])
		net, = [e.text for e in doc.iter()
		    if e.tag.endswith("}TaxExclusiveAmount")]
		same(int(net.replace(".", "")), by[ags], tenant)


def judged(w, text):
	"""Rules that do not hold, as the validator names them."""
	path = w.write("focus.csv", text)
	out = w.path("focus.xml")
	# It looks for its own files from where it is installed.
	home = run(VALIDATOR, "-c", "import focus_validator as f; "
	    "print(f.__path__[0])")[0].strip()
	p = subprocess.run([VALIDATOR, "-m", "focus_validator.main",
	    "--data-file", path, "--block-download", "--validate-version",
	    "1.2.0.1", "--output-type", "unittest", "--output-destination",
	    out, "--focus-dataset", "CostAndUsage",
	    "--applicability-criteria", "ACCOUNT_NAMING_SUPPORTED,"
	    "USAGE_MEASUREMENT_SUPPORTED"], capture_output=True, text=True,
	    cwd=os.path.dirname(home), timeout=250 * SLOW)
	check(os.path.exists(out), "the validator: %s%s" % (p.stdout[-900:],
	    p.stderr[-900:]))
	cases = ET.parse(out).getroot().iter("testcase")
	cases = {c.get("name"): [e.tag for e in c] for c in cases}
	check(len(cases) > 100, "rules: %d" % len(cases))
	return sorted(n.split(" ")[0] for n, tags in cases.items()
	    if ("failure" in tags or "error" in tags) and
	    "Composite" not in n)


# What version 2.2.1 says of what the specification allows.
NOT_SO = {
    # "05978020" is read out of CSV as a number.
    "BillingAccountId-C-002-M",
    # It wants ASCII; StringHandling says Unicode.
    "BillingAccountName-C-002-M",
    # Its condition is turned round: that of corrections may be null.
    "ConsumedQuantity-C-006-C", "ConsumedQuantity-C-004-C",
    # Of all purchases, not of those that cover what is to come.
    "EffectiveCost-C-005-C",
    # Recommended; which statement is an invoice the hub does not know.
    "CostAndUsage-D-033-O", "InvoiceId-C-001-M", "InvoiceId-C-002-M",
    "InvoiceId-C-004-C", "InvoiceId-C-005-C"}


@test
def the_validator_of_focus_finds_nothing(w):
	if not VALIDATOR:
		skip("no HUB_FOCUS_VALIDATOR")
	text = export(w, "2025") + export(w, "2026").partition("\n")[2]
	same(set(judged(w, text)) - NOT_SO, set(), "rules that do not hold")
	bad = judged(w, text.replace(",EUR,", ",Euro,"))
	check(any("BillingCurrency" in n for n in bad), bad)


main(setup)
