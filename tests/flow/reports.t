#!/usr/bin/env python3
# reports.t - what finance staff and councils read: the comparison, the
# indicators, who used whose data, invoices, the same over HTTP, and what
# Grafana may see.
import csv
import io
import os
import sys
import threading
import xml.etree.ElementTree as ET

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

HUB = "/hub/v1"
AGS = {"froendenberg": "05978012", "holzwickede": "05978016",
    "schwerte": "05978028", "dortmund": "05913000"}


def costs():
	return '''
cost betrieb { title = "=Betrieb; \\"Plattform\\"" amount = 1200.00
	from = 2025-01-01 to = 2025-12-31 model = mm
	tax = standard tax-rate = 19 tax-basis = "Bescheid 4711" }
cost hotline { title = "Hotline" amount = 120.00
	from = 2025-01-01 to = 2025-12-31 model = mm
	tax = exempt tax-basis = "§ 4 Nr. 29 UStG" }
model mm { version = 1 clause = "§ 5 ÖRV"
	members = {froendenberg, holzwickede, schwerte}
	component sockel { basis-points = 5000 key = equal }
	component nutzung { basis-points = 5000 key = usage on-zero = equal } }
'''


def put(w, cls, consumer, provider, day, requests=1, denied=0, units=1000,
    purpose="p", dataset="d", op=1):
	for table, key in (("usage_day", day), ("usage_month", day[:7] +
	    "-01")):
		w.sql("INSERT INTO ledger.%s VALUES ('%s', '%s-01', '%s', "
		    "'%s', '%s', 'a', '%s', '%s', 't', %d, %d, %d, 2, 1024, "
		    "%d, ARRAY[1,0,0,0,0,0,0,0,0,0])" % (table, key, day[:7],
		    cls, consumer, provider, purpose, dataset, op, requests,
		    denied, units))


def users(w, n):
	for i in range(n):
		w.sql("""SELECT ledger.indicate('[{"day":"2025-03-04",
		    "consumer":"%s","person":%d}]')""" %
		    (AGS["froendenberg"], 1000 + i))


def setup():
	w = World("reports", {"s": Broker([])},
	    settings='operator = "schwerte"')
	r = tenants()
	r += source("broker-s", "schwerte", w.brokers["s"], ["WaterObserved"])
	w.apply(r + costs())
	f, h, s, d = AGS.values()
	put(w, "access", f, "00000000", "2025-03-04", 10, 1, 9000, "hw")
	put(w, "access", h, "00000000", "2025-03-05", 5, 0, 3000, "verkehr")
	for n, purpose in enumerate(("hw", "verkehr", "klima", "bau")):
		put(w, "leg", f, s, "2025-03-04", 4, 1, 1000, purpose,
		    "ds%d" % n)
	put(w, "leg", h, s, "2025-03-05", 5, 0, 1000, "hw", "ds0")
	put(w, "leg", h, h, "2025-03-05", 3, 0, 1000, "hw", "own")
	# Asked, and nothing was given: neither side is told.
	put(w, "leg", f, d, "2025-03-06", 7, 7, 0, "secret", "hidden")
	users(w, 3)
	w.start()
	return w


def ctl(w, *argv, **more):
	return w.ctl("-o", "json", *argv, **more)[0]


@test
def T45_compares_ways_of_having_a_platform(w):
	doc = json.loads(ctl(w, "compare"))
	totals = {s["scenario"]: [t["cents"] if t["cents"] is not None
	    else t["formula"] for t in s["totals"]] for s in doc["scenarios"]}
	same(totals, {
	    "A-low": [10500000, 20500000, 30500000, 55500000],
	    "A-middle": [11000000, 22000000, 33000000, 60500000],
	    "A-high": [11500000, 23500000, 35500000, 65500000],
	    "B1": ["25000.00+f", "25000.00+3f", "25000.00+5f",
		"25000.00+10f"],
	    "B2": [2500000, 7500000, 12500000, 25000000],
	    "B3": ["150000.00+f", "150000.00+3f", "150000.00+5f",
		"150000.00+10f"],
	    "B4": [15000000, 45000000, 75000000, 150000000],
	    "C": [6500000, 8500000, 10500000, 15500000],
	    "C-unna": [858303, 2574909, 4291515, 8583030]}, "totals")
	even = {(b["scenario"], b["other"]): b["yearly_cents"]
	    for b in doc["break_even"]}
	same([even["B1", "A-middle"], even["B3", "A-middle"],
	    even["B1", "C"]], [6100000, 3600000, 1600000], "break-even")
	check(("B3", "C") not in even, "C is below B3's participation")
	same({(c["scenario"], c["other"]): c["year"]
	    for c in doc["cheaper_from"]}["C", "B2"], 4, "C and B2")
	b1 = [s for s in doc["scenarios"] if s["scenario"] == "B1"][0]
	same((b1["yearly_cents"], b1["staff_cents"], b1["influence"],
	    b1["per_head_and_year_cents"]), (None,) * 4, "unknown")
	check("yearly" in b1["unknown"] and "setup" not in b1["unknown"], b1)
	same([s["per_head_and_year_cents"] for s in doc["scenarios"]
	    if s["scenario"] == "C"], [45], "a head: 21000.00 / 46340")
	de = w.ctl("--lang", "de", "compare")[0]
	check("25000,00+5f" in de and "61000,00" in de and "unbekannt" in de,
	    de)


@test
def compares_what_a_file_says_and_nothing_else(w):
	f = w.write("c.conf", 'scenario x { set-up = unknown per-year = 10.00 '
	    'alone = 9.99 influence = "Stimme" }\nscenario y { }\n')
	doc = json.loads(ctl(w, "compare", f))
	x, y = doc["scenarios"]
	same([t["formula"] for t in x["totals"]], ["s+10.00", "s+30.00",
	    "s+50.00", "s+100.00"], "x")
	same([t["formula"] for t in y["totals"]], ["s+f", "s+3f", "s+5f",
	    "s+10f"], "y")
	same((x["not_dearer_than_alone"], y["not_dearer_than_alone"],
	    x["influence"]), (False, None, "Stimme"), "x, y")
	same((doc["break_even"], doc["cheaper_from"]), ([], []), "pairs")
	for bad in ("", 'scenario x { per-year = 1.234 }',
	    'scenario x { per-year = -1 }', 'scenario x { other = 1 }',
	    'scenario x { per-year = "${HOME}" }', "scenario x { } " * 2,
	    'scenario x { inhabitants = 0 }', 'scenario x {',
	    'scenario x { title = "%s" }' % ("a" * 201),
	    "".join("scenario s%d { }\n" % i for i in range(65))):
		w.ctl("compare", w.write("bad.conf", bad), code=78)


@test
def T48_tells_indicators_and_hides_small_cells(w):
	rows = json.loads(ctl(w, "indicators", "2025-03"))
	got = {(r["measure"], r["of"]): r["value"] for r in rows}
	# exp(-(0.4 ln 0.4 + 3 * 0.2 ln 0.2))
	same(got["effective-domains", ""], "3.79", "two use cases for hw, one "
	    "for each other")
	same(w.sql("SELECT report.effective_number('{7,7,7,7}'), "
	    "report.effective_number('{5}'), report.effective_number('{}')"),
	    [["4.00", "1.00", "0.00"]], "effective number")
	same(got["users", AGS["froendenberg"] + " 2025-03"], "<5", "people")
	same((got["requests", AGS["froendenberg"]], got["active", ""],
	    got["shared", ""], got["downloads", ""]), ("10", "5", "1", None),
	    "counts")
	same(got["across-percent", ""], "85.0", "17 of 20")
	same(got["working-days-percent", AGS["froendenberg"]], "4.8",
	    "1 of 21 days")
	check(("per-domain", "secret") not in got, "denied is no use")
	users(w, 5)
	got = {(r["measure"], r["of"]): r["value"] for r in json.loads(
	    ctl(w, "indicators", "2025-03"))}
	same(got["users", AGS["froendenberg"] + " 2025-03"], "5", "five")
	got = {(r["measure"], r["of"]): r["previous"] for r in json.loads(
	    ctl(w, "indicators", "2026-03"))}
	same((got["requests", AGS["froendenberg"]],
	    got["users", AGS["froendenberg"] + " 2026-03"]), ("10", "5"),
	    "the year before")
	w.ctl("indicators", "2025-13", code=64)


@test
def tells_who_used_whose_data(w):
	rows = json.loads(ctl(w, "usage", "2025-03", "--by", "flow"))
	same([(r["consumer"], r["provider"], r["requests"]) for r in rows],
	    [(AGS["froendenberg"], AGS["schwerte"], 12),
	    (AGS["holzwickede"], AGS["holzwickede"], 3),
	    (AGS["holzwickede"], AGS["schwerte"], 5)], "flow")
	rows = json.loads(ctl(w, "usage", "2025", "--by", "flow", "--tenant",
	    "froendenberg"))
	same(len(rows), 1, "of one")
	w.ctl("usage", "2025", "--by", "flows", code=64)


# ---- over HTTP

def get(w, tenant, path, roles=("finance-reader",), accept=None, **more):
	claims = w.claims(tenant)
	claims["resource_access"] = {"regional-hub": {"roles": list(roles)}}
	key = (tenant, roles)
	if key not in w.tokens:
		w.tokens[key] = w.mint(claims)
	headers = dict(more.pop("headers", ()))
	if accept:
		headers["Accept"] = accept
	return w.ask(None, HUB + path, purpose=None, link=False,
	    token=w.tokens[key], headers=headers, **more)


OPERATOR = ("finance-reader", "hub-operator")


@test
def T43_tells_each_tenant_of_itself_alone(w):
	rows = get(w, "froendenberg", "/usage?period=2025-03").ok().json()
	same([(r["ags"], r["requests"], r["denied"], r["milli_units"])
	    for r in rows], [(AGS["froendenberg"], 10, 1, 9000)], "usage")
	# Each row of the roll-up has one request of up to 5 ms.
	same((rows[0]["p50"], rows[0]["p95"]), ("<= 5 ms", "<= 5 ms"), "times")
	rows = get(w, "froendenberg", "/usage?period=2025-03&by=flow").json()
	same([(r["consumer"], r["provider"], r["requests"], r["denied"])
	    for r in rows], [(AGS["froendenberg"], AGS["schwerte"], 12, None)],
	    "what it got, not what it was denied")
	rows = get(w, "schwerte", "/usage?period=2025&by=provider").json()
	same([(r["ags"], r["requests"]) for r in rows],
	    [(AGS["schwerte"], 17)], "as a provider")
	same([(r["p50"], r["p95"]) for r in rows], [(None, None)],
	    "a histogram has what was denied")
	same(get(w, "dortmund", "/usage?period=2025&by=provider").ok().json(),
	    [], "nothing was given")
	for path in ("/usage?period=2025&", "/statements/2025?",
	    "/costs?period=2025&", "/indicators?period=2025&"):
		for other in ("schwerte", "nobody", "froendenber%0a"):
			n = w.hub.text().count("figures of another tenant")
			a = get(w, "froendenberg", path + "tenant=" + other)
			same(a.status, 403, path + other)
			same(w.hub.text().count("figures of another tenant"),
			    n + 1, "logged")
		same(get(w, "froendenberg", path + "tenant=froendenberg")
		    .status, 200, path)
		# The role alone opens nothing: it is the issuer's word.
		same(get(w, "froendenberg", path + "tenant=schwerte",
		    OPERATOR).status, 403, path)
		same(get(w, "froendenberg", path.rstrip("?&"),
		    ("data-reader", "tenant-admin")).status, 403, "role")
		same(get(w, "froendenberg", path.rstrip("?&"),
		    ("auditor",)).status, 200, "auditor")
		# The operator's tenant without the role is one as others.
		same(get(w, "schwerte", path + "tenant=froendenberg").status,
		    403, path)


@test
def tells_the_operator_of_all(w):
	rows = get(w, "schwerte", "/usage?period=2025-03", OPERATOR).json()
	same({r["ags"]: r["requests"] for r in rows},
	    {AGS["froendenberg"]: 10, AGS["holzwickede"]: 5}, "P18")
	a = get(w, "schwerte", "/statements/2025-03?tenant=holzwickede",
	    OPERATOR)
	same(a.ok().json()["tenant"], "holzwickede", "another's")
	same(get(w, "schwerte", "/statements/2025-03?tenant=nobody",
	    OPERATOR).status, 403, "nobody")


def total(rows, milli=lambda x: round(float(x) * 1000), name="requests",
    units="milli_units"):
	return (sum(int(r[name]) for r in rows),
	    sum(milli(r[units]) for r in rows))


@test
def P18_every_report_and_format_has_the_same_total(w):
	want = [int(x) for x in w.sql("SELECT sum(requests), sum(units) "
	    "FROM ledger.usage_day WHERE class = 'access' AND day BETWEEN "
	    "'2025-01-01' AND '2025-12-31'")[0]]
	whole, german = int, lambda x: round(float(x.replace(",", ".")) * 1000)
	for by in ("tenant", "purpose", "type", "month"):
		path = "/usage?period=2025&by=" + by
		ask = lambda form, **h: get(w, "schwerte", path + "&format=" +
		    form, OPERATOR, headers=h.items()).ok().body.decode(
		    "utf-8-sig")
		same(total(json.loads(ask("json")), whole), tuple(want), by)
		same(total(list(csv.DictReader(io.StringIO(ask("csv"))))),
		    tuple(want), by + ", CSV")
		rows = list(csv.reader(io.StringIO(ask("csv",
		    **{"Accept-Language": "de"})), delimiter=";"))
		named = [dict(zip(rows[0], r)) for r in rows[1:]]
		same(total(named, german, "ANFRAGEN", "EINHEITEN"),
		    tuple(want), by + ", German CSV")
		page = ET.fromstring(re.sub(r"<(meta[^>]*)>", r"<\1/>",
		    ask("html", **{"Accept-Language": "de"}).replace(
		    "<!DOCTYPE html>\n", "")))
		heads = [c.text for c in page.iter("th")]
		named = [dict(zip(heads, [c.text for c in r])) for r in
		    page.findall("body/main/table/tbody/tr")]
		same(total(named, german, "ANFRAGEN", "EINHEITEN"),
		    tuple(want), by + ", page")
		same(total(json.loads(
		    ctl(w, "usage", "2025", "--by", by)), whole), tuple(want),
		    by + ", hubctl")


@test
def a_statement_is_the_one_of_hubctl(w):
	for period in ("2025", "2025-03"):
		doc = get(w, "froendenberg", "/statements/" + period).json()
		tool = json.loads(ctl(w, "statement", "froendenberg", period))
		same(doc["share_cents"], tool["share_cents"], period)
		same([(c["cost"], c["share_cents"], c["tax_cents"],
		    [(l["weight"], l["of"], l["cents"]) for l in c["lines"]])
		    for c in doc["costs"]],
		    [(c["cost"], c["share_cents"], c["tax_cents"],
		    [(weight(p, "weight"), weight(p, "of"), p["cents"])
		    for p in c["parts"]]) for c in tool["costs"]], period)
		same([c["state"] for c in doc["costs"]],
		    ["provisional"] * 2, "state")


def weight(part, key):
	n = str(part[key])
	if part["key"] != "usage":
		return n
	n = n.rjust(4, "0")
	return n[:-3] + "." + n[-3:]


@test
def T40_tables_open_in_german_excel(w):
	de = {"Accept-Language": "de"}
	a = get(w, "froendenberg", "/statements/2025-03?format=csv",
	    headers=de).ok()
	same(a.one("Content-Type"), "text/csv; charset=utf-8", "type")
	check(a.body.startswith(b"\xef\xbb\xbf"), "BOM")
	rows = list(csv.reader(io.StringIO(a.body.decode("utf-8-sig"),
	    newline=""), delimiter=";"))
	same(rows[0][7], "Gewicht", "heading")
	same(rows[1][1], '\'=Betrieb; "Plattform"', "no formula")
	check("9,000" in [r[7] for r in rows], rows)
	same(rows[1][3:5], ["01.03.2025", "31.03.2025"], "days")
	check(re.match(r"\d+,\d\d$", rows[1][10]), rows[1])
	check(b"\r\n" in a.body and b"\n" not in a.body.replace(b"\r\n",
	    b""), "lines")
	a = get(w, "froendenberg", "/usage?period=2025", accept="text/csv")
	same(list(csv.DictReader(io.StringIO(a.ok().body.decode())))[0]
	    ["milli_units"], "9.000", "RFC 4180")
	a = get(w, "froendenberg", "/comparison?format=csv", headers=de).ok()
	check("25000,00+5f" in a.body.decode(), a.body)
	same(get(w, "froendenberg", "/comparison").ok().json()["currency"],
	    "EUR", "comparison")
	rows = get(w, "froendenberg", "/indicators?period=2025-03").json()
	same({(r["measure"], r["of"]): r["value"] for r in rows}[
	    "requests", AGS["froendenberg"]], "10", "indicators")
	check(AGS["holzwickede"] not in json.dumps(rows), rows)


@test
def a_page_prints_without_script_or_markup_of_others(w):
	a = get(w, "froendenberg", "/statements/2025-03",
	    accept="text/html,application/xhtml+xml,*/*;q=0.8").ok()
	same(a.one("Content-Type"), "text/html; charset=utf-8", "type")
	check("default-src 'none'" in a.one("Content-Security-Policy"), "CSP")
	text = a.body.decode()
	check('lang="de"' in text and "Kostenaufstellung 2025-03" in text,
	    text[:300])
	check("@media print" in text and "Vorläufig" in text, "print")
	for bad in ("<script", "http:", "https:", "src=", "url("):
		check(bad not in text, bad)
	check("=Betrieb; &quot;Plattform&quot;" in text, "escaped")
	page = ET.fromstring(re.sub(r"<(meta[^>]*)>", r"<\1/>", text.replace(
	    "<!DOCTYPE html>\n", "")))
	# A bar for each line of the table that follows, the longest over all.
	lines = json.loads(get(w, "froendenberg", "/statements/2025-03").ok()
	    .body)["costs"]
	drawn = page.findall(".//svg")
	same(len(drawn), len([c for c in lines if len(c["lines"]) > 1]), "svg")
	check(drawn, "no bars")
	for svg, cost in zip(drawn, lines):
		cents = [n["cents"] for n in cost["lines"]]
		same([int(r.get("width")) for r in svg.findall("rect")],
		    [c * 600 // max(cents) for c in cents], cost["cost"])
		check("Tabelle" in svg.get("aria-label"), "whose figures")
		check(["%d,%02d EUR" % divmod(c, 100) in t.text for c, t in
		    zip(cents, svg.findall("text"))] == [True] * len(cents),
		    "the amounts")
	a = get(w, "froendenberg", "/statements/2025-03?format=html",
	    headers={"Accept-Language": "en"})
	check('lang="en"' in a.ok().body.decode(), "English")


@test
def every_table_is_a_page_to_print_too(w):
	for path, german, english, cells in (
	    ("/usage?period=2025", "Nutzung 2025", "Usage 2025", ("9,000",
		"9.000")),
	    ("/usage?period=2025-03&by=flow", "Nutzung 2025-03",
		"Usage 2025-03", ()),
	    ("/costs?period=2025", "Gebuchte Kosten 2025",
		"Costs booked 2025", ()),
	    ("/indicators?period=2025-03", "Kennzahlen 2025-03",
		"Indicators 2025-03", ()),
	    ("/comparison", "Was eine Plattform auf verschiedenen Wegen "
		"kostet", "What a platform costs in several ways",
		("25.000,00+5f", "25,000.00+5f")),
	    ("/comparison?format=html", "Was eine Plattform auf verschiedenen "
		"Wegen kostet", "What a platform costs in several ways",
		("C-unna, Mitnutzung: Anteil von Unna, ohne Einrichtung",
		"C-unna, co-use: Unna's share, no set-up")),
	    ("/integrity", "Das Ledger", "The ledger", ("ja", "yes"))):
		for i, (lang, title) in enumerate((("de", german),
		    ("en", english))):
			a = get(w, "froendenberg", path, accept="text/html",
			    headers={"Accept-Language": lang}).ok()
			same(a.one("Content-Type"), "text/html; charset=utf-8",
			    path)
			check("default-src 'none'" in a.one(
			    "Content-Security-Policy"), "CSP")
			page = ET.fromstring(re.sub(r"<(meta[^>]*)>",
			    r"<\1/>", a.body.decode().replace(
			    "<!DOCTYPE html>\n", "")))
			same(page.find("body/main/h1").text.strip(), title,
			    path)
			n = len(page.findall("body/main/table/thead/tr/th"))
			rows = page.findall("body/main/table/tbody/tr")
			check(n > 2 and all(len(r) == n for r in rows), path)
			check(AGS["holzwickede"] not in a.body.decode(), path)
			if cells:
				check(cells[i] in [c.text for r in rows
				    for c in r], (path, lang))


def sheet(text):
	"""A page of hubctl: its title, and its rows by heading."""
	page = ET.fromstring(re.sub(r"<(meta[^>]*)>", r"<\1/>",
	    text.replace("<!DOCTYPE html>\n", "")))
	heads = [c.text for c in page.find("body/main/table/thead/tr")]
	return page.find("body/main/h1").text.strip(), [
	    dict(zip(heads, [c.text or "" for c in r]))
	    for r in page.find("body/main/table/tbody")]


@test
def hubctl_prints_the_same_tables_as_pages(w):
	for argv, german, english in (
	    (["usage", "2025", "--by", "purpose"], "Nutzung 2025",
		"Usage 2025"),
	    (["usage", "2025-03", "--by", "flow"], "Nutzung 2025-03",
		"Usage 2025-03"),
	    (["indicators", "2025-03"], "Kennzahlen 2025-03",
		"Indicators 2025-03"),
	    (["integrity"], "Das Ledger", "The ledger"),
	    (["compare"], "Was eine Plattform auf verschiedenen Wegen kostet",
		"What a platform costs in several ways")):
		for lang, want in (("de", german), ("en", english)):
			text = w.ctl("--lang", lang, *argv, "--html")[0]
			title, rows = sheet(text)
			same(title, want, argv)
			check('<html lang="%s">' % lang in text, text[:200])
			if argv == ["compare"]:
				continue
			same(len(rows), len(json.loads(ctl(w, *argv))), argv)
			if lang == "de":
				file = w.ctl("-o", "csv", "--lang", "de",
				    *argv)[0].lstrip("\ufeff")
				same(rows, list(csv.DictReader(io.StringIO(
				    file), delimiter=";")), argv)
	same(sheet(w.ctl("--lang", "de", "usage", "2024-02", "--html")[0])[1],
	    [], "nothing")


@test
def narrows_own_use_to_a_purpose_and_a_type(w):
	def ask(who, query, *roles):
		return get(w, who, "/usage?period=2025-03&" + query,
		    *roles).ok().json()

	same([(r["type"], r["requests"]) for r in ask("froendenberg",
	    "by=type&purpose=hw")], [("t", 10)], "the types of a purpose")
	same([(r["provider"], r["requests"]) for r in ask("froendenberg",
	    "by=flow&purpose=verkehr&type=t")], [(AGS["schwerte"], 3)],
	    "from whom")
	for none in ("purpose=none", "type=none", "purpose=hw&type=none",
	    "purpose=%F0%9F%8C%8A", "purpose=x%27%20OR%201=1--",
	    "type=" + "t" * 3000):
		same(ask("froendenberg", "by=flow&" + none), [], none)
	# Nothing was given: that anything was asked for stays hidden.
	same(ask("froendenberg", "by=flow&purpose=secret"), [], "denied")
	# A provider is told how much it gave, not for what it was asked.
	same(len(ask("schwerte", "by=flow")), 2, "who used us")
	for query in ("purpose=hw", "type=t", "purpose=hw&type=t"):
		for by in ("flow", "provider", "type", "purpose", "month"):
			same(ask("schwerte", "by=%s&%s" % (by, query)), [],
			    "%s by %s" % (query, by))
	same(sorted(r["consumer"] for r in ask("schwerte",
	    "by=flow&purpose=hw", OPERATOR)), sorted([AGS[x] for x in
	    ("froendenberg", "holzwickede", "holzwickede")]),
	    "the operator sees all")
	for bad in ("purpose=", "type=", "purpose=a&purpose=b", "type=%00",
	    "type=%ff"):
		same(get(w, "froendenberg", "/usage?period=2025&" + bad)
		    .status, 400, bad)
	for other in ("costs", "indicators"):
		same(get(w, "froendenberg", "/%s?period=2025&purpose=hw" %
		    other).status, 400, other)


@test
def asks_for_what_there_is(w):
	for path in ("/usage", "/usage?period=x", "/usage?period=2025-13",
	    "/usage?period=2025&by=x", "/usage?period=2025&period=2025",
	    "/usage?period=2025&x=1", "/usage?period=2025&format=pdf",
	    "/costs?period=2025&by=tenant", "/costs", "/statements/25",
	    "/statements/2025-03-04", "/statements/2025?period=2025",
	    "/indicators?period=" + "2" * 500, "/usage?period=2025&by=",
	    "/comparison?period=2025"):
		same(get(w, "froendenberg", path).status, 400, path)
	same(get(w, "froendenberg", "/statements").status, 404, "no period")
	same(get(w, "froendenberg", "/usage?period=2025-03-04").ok().json()
	    [0]["requests"], 10, "a day")
	# What Grafana's Infinity sends.
	same(get(w, "froendenberg", "/usage?period=2025",
	    accept="application/json;q=0.9,text/plain").ok()
	    .one("Content-Type"), "application/json", "Infinity")
	before = w.sql("SELECT count(*) FROM ledger.event WHERE class = "
	    "'access'")
	time.sleep(1.5)
	same(w.sql("SELECT count(*) FROM ledger.event WHERE class = 'access'"),
	    before, "questions about use are no use")


@test
def a_slow_report_holds_up_nobody(w):
	path = "/usage?period=2025"
	get(w, "holzwickede", path).ok()
	lock = subprocess.Popen(["psql", "-Xq", w.database],
	    stdin=subprocess.PIPE, text=True)
	lock.stdin.write("BEGIN; LOCK TABLE ledger.usage_day;\n")
	lock.stdin.flush()
	wait_for(lambda: w.sql("SELECT 1 FROM pg_locks WHERE relation = "
	    "'ledger.usage_day'::regclass AND mode = 'AccessExclusiveLock'"),
	    10, "lock")
	got = []

	def one(tenant):
		got.append((tenant, get(w, tenant, path, timeout=40).status))

	threads = []
	for n in range(7):
		t = threading.Thread(target=one, args=("holzwickede",))
		t.start()
		threads.append(t)
		time.sleep(0.1)
	# One is read, four wait.
	wait_for(lambda: len(got) == 2, 5, "two are refused at once")
	same([s for _, s in got], [503] * 2, "too many of one tenant")
	begun = time.monotonic()
	get(w, "holzwickede", "/me").ok()
	get(w, "froendenberg", "/comparison").ok()
	check(time.monotonic() - begun < 5 * SLOW, "others wait")
	lock.stdin.write("ROLLBACK;\n")
	lock.stdin.close()
	lock.wait(20)
	for t in threads:
		t.join(60)
	same(sorted(s for _, s in got), [200] * 5 + [503] * 2, "the others")


@test
def R9_a_chain_too_long_to_look_at_is_said(w):
	w.stop()
	w.sql("CREATE TABLE kept AS SELECT pg_get_functiondef("
	    "'report.chain_broken'::regproc) AS def; "
	    "CREATE OR REPLACE FUNCTION report.chain_broken() RETURNS bigint "
	    "LANGUAGE sql STABLE AS 'SELECT 1::bigint FROM pg_sleep(60)'")
	w.start()
	row, = get(w, "froendenberg", "/integrity").ok().json()
	w.sql("DO $$ BEGIN EXECUTE (SELECT def FROM kept); END $$; "
	    "DROP TABLE kept")
	same((row["chain_holds"], row["missing"]), (None, 0), "unknown")
	# The connection is as good as before.
	get(w, "froendenberg", "/usage?period=2025").ok()
	check(not w.logged("report failed"), "failed")
	check(json.loads(ctl(w, "integrity"))[0]["chain_holds"], "put back")


@test
def takes_the_parameters_it_describes(w):
	"""Each that the document has for a resource, and no other."""
	paths = openapi.document(SRC).doc["paths"]
	part = openapi.document(SRC).at
	values = {"period": "2025-03", "tenant": "froendenberg",
	    "by": "month", "purpose": "hw", "type": "t", "format": "json",
	    "x": "1", "limit": "1", "before": "2026-11-23T01:00:00Z"}
	fill = {"statement": "2025-03", "requestId": "0" * 32}
	taken = 0
	for path, item in paths.items():
		if not path.startswith(HUB) or "get" not in item:
			continue
		params = [part(p) for p in item["get"]["parameters"]]
		have = {p["name"]: p.get("required", False) for p in params
		    if p["in"] == "query"}
		check(set(have) <= set(values), "%s: %r" % (path, have))
		target = re.sub(r"\{(\w+)\}", lambda m: fill[m[1]], path)
		for name in values:
			query = {n: values[n] for n in have if have[n]}
			query[name] = values[name]
			a = get(w, "froendenberg", target[len(HUB):] + "?" +
			    "&".join("%s=%s" % q for q in query.items()),
			    ("finance-reader", "data-reader"))
			same(a.status != 400, name in have, "%s of %s: %d" %
			    (name, path, a.status))
			taken += name in have
		for name in have:
			a = get(w, "froendenberg", target[len(HUB):],
			    ("finance-reader", "data-reader"))
			same(a.status == 400, True in have.values(), path)
	check(taken > 15, taken)


# ---- how the ledger stands

STANDS = """
INSERT INTO ledger.block (block_no, kind, prev_hash, payload_hash, hash,
    n_leaves, payload) SELECT coalesce(max(block_no), 0) + 1, 6,
    sha256('a'), sha256('b'), sha256('c'), 0, '{}' FROM ledger.block;
INSERT INTO ledger.digest SELECT max(block_no), '{"hash":"' ||
    repeat('ab', 32) || '"}', '2025-03-05T01:00:00Z' FROM ledger.block;
"""
FALLS = """ALTER TABLE ledger.digest DISABLE TRIGGER immutable;
ALTER TABLE ledger.block DISABLE TRIGGER immutable;
DELETE FROM ledger.digest WHERE doc LIKE '%abab%';
DELETE FROM ledger.block WHERE hash = sha256('c');
ALTER TABLE ledger.digest ENABLE ALWAYS TRIGGER immutable;
ALTER TABLE ledger.block ENABLE ALWAYS TRIGGER immutable;
"""


@test
def R9_tells_everybody_the_same_of_the_ledger(w):
	for bad in ("period=2025", "tenant=froendenberg", "by=tenant",
	    "format=xml", "format=csv&format=csv"):
		same(get(w, "froendenberg", "/integrity?" + bad).status, 400,
		    bad)
	for roles in (("data-reader", "tenant-admin"), ("crisis-officer",)):
		same(get(w, "froendenberg", "/integrity", roles).status, 403,
		    roles)
	w.stop()	# it may know an answer
	w.sql(STANDS)
	w.start()
	broken = get(w, "froendenberg", "/integrity").ok()
	w.sql(FALLS)
	row, = broken.json()
	block = row["digest_block"]
	check(type(block) is int and block > 0, row)
	same((row["chain_holds"], row["digest_hash"], row["digest_at"]),
	    (False, "ab" * 32, "2025-03-05T01:00:00Z"), "a block is wrong")
	# Kept for a minute, whoever asks.
	for tenant, roles in (("holzwickede", ("auditor",)),
	    ("schwerte", OPERATOR)):
		same(get(w, tenant, "/integrity", roles).ok().body,
		    broken.body, tenant)
	a = get(w, "holzwickede", "/integrity?format=csv",
	    headers={"Accept-Language": "de"}).ok()
	rows = list(csv.reader(io.StringIO(a.body.decode("utf-8-sig"),
	    newline=""), delimiter=";"))
	same((rows[0][0], rows[1][:3]), ("KETTE HÄLT", ["nein", str(block),
	    "ab" * 32]), "CSV")
	same(len(rows), 2, "one row")


@test
def R9_is_what_hubctl_tells_without_counts_of_use(w):
	w.stop()
	w.sql("INSERT INTO ledger.spool_checkpoint VALUES (77, 1, 1, 1, 4, "
	    "'2025-03-04T10:17:33Z')")
	w.start()
	row, = get(w, "holzwickede", "/integrity").ok().json()
	tool, = json.loads(ctl(w, "integrity"))
	w.sql("DELETE FROM ledger.spool_checkpoint WHERE node_id = 77")
	same(list(row), ["chain_holds", "digest_block", "digest_hash",
	    "digest_at", "missing", "conflicts", "estimates", "loaded_to"],
	    "neither blocks nor events")
	for key in ("chain_holds", "digest_block", "digest_at", "missing",
	    "conflicts", "estimates"):
		same(row[key], tool[key], key)
	same((row["chain_holds"], row["missing"]), (True, 4), "it holds")
	same((row["loaded_to"], tool["loaded_to"]), ("2025-03-04T10:00:00Z",
	    "2025-03-04T10:17:33Z"), "the hour")


# ---- Grafana

GRAFANA = os.path.join(SRC, "contrib/grafana")


def as_grafana(w, sql, role="hub_grafana"):
	return [r for r in w.sql("SET ROLE %s; %s" % (role, sql))]


def expand(sql):
	sql = re.sub(r"\$__timeFilter\((\w+)\)", r"\1 BETWEEN "
	    r"'2020-01-01T00:00:00Z' AND '2099-01-01T00:00:00Z'", sql)
	sql = re.sub(r"\$__timeGroup\((\w+), '1d'\)",
	    r"floor(extract(epoch from \1)/86400)*86400", sql)
	check("$" not in sql, "macros: " + sql)
	return sql


@test
def grafana_gets_two_views_and_its_own_rows(w):
	count = "SELECT count(*) FROM report.grafana_usage"
	same(as_grafana(w, count), [["0"]], "who is not listed sees nothing")
	w.sql("SELECT ledger.grafana_reader_set('hub_grafana', '%s')" %
	    AGS["froendenberg"])
	rows = as_grafana(w, "SELECT class, consumer, provider, requests FROM "
	    "report.grafana_usage")
	same(rows, [["access", AGS["froendenberg"], "00000000", "10"]], "own")
	w.sql("SELECT ledger.grafana_reader_set('hub_grafana', '%s')" %
	    AGS["dortmund"])
	same(as_grafana(w, count), [["0"]], "what was denied")
	w.sql("SELECT ledger.grafana_reader_set('hub_grafana', NULL)")
	check(int(as_grafana(w, count)[0][0]) > 5, "all")
	for sql in ("SELECT * FROM ledger.event", "SELECT * FROM "
	    "ledger.usage_day", "SELECT * FROM report.usage_day",
	    "SELECT * FROM report.journal", "SELECT * FROM hub.bundle_file",
	    "SELECT * FROM ledger.grafana_reader",
	    "SELECT ledger.grafana_reader_set('hub_grafana', NULL)",
	    "SELECT report.indicators('2025-01-01', '2026-01-01', NULL)",
	    "SELECT pg_advisory_lock(hashtextextended('ledger.ingest', 0))",
	    "SELECT pg_try_advisory_lock_shared(1)",
	    "SELECT pg_advisory_xact_lock(1, 2)",
	    "DELETE FROM report.grafana_usage"):
		p = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1",
		    w.database, "-c", "SET ROLE hub_grafana; " + sql],
		    capture_output=True, text=True, timeout=60 * SLOW)
		check(p.returncode != 0 and "permission denied" in p.stderr or
		    "cannot delete" in p.stderr, sql + p.stderr)
	same(as_grafana(w, "SELECT pg_try_advisory_lock(1)", "hub_ingest"),
	    [["t"]], "who loads has its lock")


@test
def dashboards_are_well_formed_and_their_sql_runs(w):
	uids, statements = set(), 0
	with open(GRAFANA + "/provisioning/datasources/drehscheibe.yaml") as f:
		sources = re.findall(r"^    uid: (\S+)$", f.read(), re.M)
	same(len(sources), 2, "data sources")
	for name in sorted(os.listdir(GRAFANA + "/dashboards")):
		with open(GRAFANA + "/dashboards/" + name) as f:
			doc = json.load(f)
		check(doc["uid"] not in uids and len(doc["uid"]) <= 40, name)
		uids.add(doc["uid"])
		ids = [p["id"] for p in doc["panels"]]
		same(len(ids), len(set(ids)), name)
		places = set()
		for p in doc["panels"]:
			g = p["gridPos"]
			check(g["x"] + g["w"] <= 24, p["title"])
			for x in range(g["x"], g["x"] + g["w"]):
				for y in range(g["y"], g["y"] + g["h"]):
					check((x, y) not in places, p["title"])
					places.add((x, y))
			for t in p["targets"]:
				check(t["datasource"]["uid"] in sources, name)
				if "rawSql" in t:
					as_grafana(w, expand(t["rawSql"]))
					statements += 1
				else:
					check(t["url"].startswith("/ngsi-ld/v1/"),
					    t["url"])
	check(statements >= 6, "statements: %d" % statements)


# ---- invoices; these close a month, so they come last

PARTIES = '''
seller { name = "Stadt Schwerte & Töchter" street = "Rathausstraße 31"
	city = "Schwerte" postcode = "58239" email = "kasse@schwerte.example"
	vat-id = "DE123456789" contact = "Kasse" phone = "+49 2304 1040"
	iban = "DE02120300000000202051" }
buyer froendenberg { street = "Bahnhofstraße 2" city = "Fröndenberg"
	postcode = "58730" email = "rechnung@froendenberg.example"
	leitweg-id = "05978012-12345-67" }
due-days = 14
'''
NS = {"i": "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2",
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:"
	"CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:"
	"CommonBasicComponents-2"}
# In this order, EN 16931 in UBL 2.1.
ORDER = ["CustomizationID", "ProfileID", "ID", "IssueDate", "DueDate",
    "InvoiceTypeCode", "DocumentCurrencyCode", "BuyerReference",
    "AccountingSupplierParty", "AccountingCustomerParty", "PaymentMeans",
    "TaxTotal", "LegalMonetaryTotal", "InvoiceLine"]


def cents(text):
	check(re.match(r"-?\d+\.\d\d$", text), text)
	return int(text.replace(".", ""))


def invoice(w, *argv, **more):
	return w.ctl("export", "xrechnung", "froendenberg", "2025-03",
	    "--parties", w.write("parties.conf", PARTIES), *argv, **more)[0]


@test
def xrechnung_adds_up_as_en_16931_wants(w):
	invoice(w, code=1)	# not closed
	w.sql("DELETE FROM ledger.grafana_reader")
	for person in ("schwerte:a.weber", "froendenberg:b.yilmaz"):
		w.ctl("period", "close", "2025-03", "--as", person)
	text = invoice(w)
	same(invoice(w), text, "made again")
	doc = ET.fromstring(text)
	tags = []
	for e in doc:
		tag = e.tag.split("}")[1]
		if tag not in tags:
			tags.append(tag)
	same(tags, ORDER, "order")

	def at(path):
		found = doc.findall(path, NS)
		same(len(found), 1, path)
		return found[0].text
	same((at("cbc:ID"), at("cbc:InvoiceTypeCode"), at("cbc:BuyerReference"),
	    at("cbc:DocumentCurrencyCode")), (AGS["froendenberg"] + "-2025-03",
	    "380", "05978012-12345-67", "EUR"), "head")
	check("xrechnung_3.0" in at("cbc:CustomizationID"), "BT-24")
	same(at("cac:AccountingSupplierParty/cac:Party/cac:PartyLegalEntity/"
	    "cbc:RegistrationName"), "Stadt Schwerte & Töchter", "seller")
	lines = doc.findall("cac:InvoiceLine", NS)
	net = {}
	for l in lines:
		c = cents(l.find("cbc:LineExtensionAmount", NS).text)
		n = int(l.find("cbc:InvoicedQuantity", NS).text)
		same(c, n * cents(l.find("cac:Price/cbc:PriceAmount", NS).text),
		    "quantity x price")
		tax = l.find("cac:Item/cac:ClassifiedTaxCategory", NS)
		key = (tax.find("cbc:ID", NS).text, int(tax.find("cbc:Percent",
		    NS).text))
		net[key] = net.get(key, 0) + c
	same(set(net), {("S", 19), ("E", 0)}, "categories")
	taxes = 0
	for sub in doc.findall("cac:TaxTotal/cac:TaxSubtotal", NS):
		cat = sub.find("cac:TaxCategory", NS)
		key = (cat.find("cbc:ID", NS).text, int(cat.find("cbc:Percent",
		    NS).text))
		same(cents(sub.find("cbc:TaxableAmount", NS).text), net[key],
		    "BR-S-08")
		tax = (net[key] * key[1] + 50) // 100
		same(cents(sub.find("cbc:TaxAmount", NS).text), tax, "BR-CO-17")
		same(cat.find("cbc:TaxExemptionReason", NS) is not None,
		    key[0] == "E", "BT-120")
		taxes += tax
	total = sum(net.values())
	same([cents(at("cac:LegalMonetaryTotal/cbc:" + n)) for n in
	    ("LineExtensionAmount", "TaxExclusiveAmount", "TaxInclusiveAmount",
	    "PayableAmount")], [total, total, total + taxes, total + taxes],
	    "BR-CO-10, 13, 15, 16")
	same(cents(at("cac:TaxTotal/cbc:TaxAmount")), taxes, "BR-CO-14")
	booked = w.sql("SELECT sum(amount_cents) FROM report.journal WHERE "
	    "account = 'share' AND ags = '%s' AND booked_period = "
	    "'2025-03-01'" % AGS["froendenberg"])
	same(total, int(booked[0][0]), "what was booked")
	notice = get(w, "froendenberg", "/statements/2025-03").json()
	same([c["state"] for c in notice["costs"]], ["closed"] * 2, "closed")
	# The close books months before it as well, that were never shared.
	march = sum(cents(l.find("cbc:LineExtensionAmount", NS).text)
	    for l in lines if l.find("cac:InvoicePeriod/cbc:StartDate",
		NS).text == "2025-03-01")
	same((notice["posted_cents"], notice["share_cents"]), (march, march),
	    "the statement says the same")
	rows = get(w, "froendenberg", "/costs?period=2025-03").json()
	same((sum(r["share_cents"] for r in rows), {r["ags"] for r in rows}),
	    (total, {AGS["froendenberg"]}), "costs")


@test
def xrechnung_says_what_is_missing(w):
	for a, b, code in (("leitweg-id", "# leitweg-id", 78),
	    ('leitweg-id = "05978012-12345-67"', "", 1),
	    ('vat-id = "DE123456789"', "", 1),
	    ("DE0212", "DE0312", 1), ("+49 2304 1040", "Kasse 12", 1),
	    ("kasse@schwerte.example", "kasse@schwerte", 1),
	    ('vat-id = "DE123456789"', 'tax-number = "316/5750/0815"', 1),
	    ('name = "Stadt', 'name = "${HOME} Stadt', 78),
	    ("due-days = 14", "due-days = 9999", 78),
	    ("buyer froendenberg", "buyer kamen", 78)):
		check(a in PARTIES, a)
		w.ctl("export", "xrechnung", "froendenberg", "2025-03",
		    "--parties", w.write("bad.conf", PARTIES.replace(a, b)),
		    code=code)
	w.ctl("export", "xrechnung", "froendenberg", "2025", "--parties",
	    w.path("parties.conf"), code=64)
	w.ctl("export", "xrechnung", "froendenberg", "2025-03", code=64)


@test
def grafana_sees_what_was_booked(w):
	w.sql("SELECT ledger.grafana_reader_set('hub_grafana', '%s')" %
	    AGS["froendenberg"])
	rows = as_grafana(w, "SELECT ags, sum(amount_eur) FROM "
	    "report.grafana_cost GROUP BY 1")
	booked = w.sql("SELECT round(sum(amount_cents) / 100.0, 2) FROM "
	    "report.journal WHERE account = 'share' AND ags = '%s'" %
	    AGS["froendenberg"])
	same(rows, [[AGS["froendenberg"], booked[0][0]]], "own, in EUR")


@test
def a_damaged_calculation_ends_no_hub(w):
	rows = w.sql("SELECT pg_get_viewdef('report.allocation_run')")
	view = "\n".join("|".join(row) for row in rows)
	bad = re.sub(r"(\w+\.)?\bdoc,", lambda m: "regexp_replace(%s, "
	    "'\"share_cents\": *(-?[0-9]+)', '\"share_cents\":\\1.5', 'g') "
	    "AS doc," % m.group(0)[:-1], view, count=1)
	check(bad != view, view)
	get(w, "froendenberg", "/statements/2025-03").ok()
	try:
		w.sql("CREATE OR REPLACE VIEW report.allocation_run AS " + bad)
		same(get(w, "froendenberg", "/statements/2025-03").status, 503,
		    "no statement")
	finally:
		check(w.hub.running(), "the hub has ended")
		w.sql("CREATE OR REPLACE VIEW report.allocation_run AS " +
		    view)
	get(w, "froendenberg", "/statements/2025-03").ok()


@test
def ends_while_a_report_is_read(w):
	lock = subprocess.Popen(["psql", "-Xq", w.database],
	    stdin=subprocess.PIPE, text=True)
	lock.stdin.write("BEGIN; LOCK TABLE ledger.usage_day;\n")
	lock.stdin.flush()
	wait_for(lambda: w.sql("SELECT 1 FROM pg_locks WHERE relation = "
	    "'ledger.usage_day'::regclass AND mode = 'AccessExclusiveLock'"),
	    10, "lock")
	conns = []
	for n in range(3):
		c = w.connect()
		c.request("GET", HUB + "/usage?period=2025", headers={
		    "Authorization": "Bearer " + w.tokens["froendenberg",
		    ("finance-reader",)]})
		conns.append(c)
	conns[2].close()	# its client has gone
	time.sleep(0.5)
	begun = time.monotonic()
	w.stop()
	check(time.monotonic() - begun < 20 * SLOW, "waits for the database")
	lock.stdin.write("ROLLBACK;\n")
	lock.stdin.close()
	lock.wait(20)


main(setup)
