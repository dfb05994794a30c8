#!/usr/bin/env python3
# mistakes.t - each kind of mistake that a region file can have, and what is
# said of it: file, line, the reason and, where there is one, the nearest known
# name; in English and German.  The kinds are read from the parser's sources:
# one without a row here, or without a German text, fails.
import glob
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

CTX = "https://c.example/c"
GOOD = '''tenant aa { name = "A"  ags = "05913000"  kind = district
	crisis-authority = true
	population "2018-12-31" { inhabitants = 5  source = "x" } }
tenant bb { name = "B"  ags = "05978028"  kind = municipality
	population "2018-12-31" { inhabitants = 7  source = "x" } }
tenant cc { name = "C"  kind = service }
issuer "https://i.example" { jwks-file = "jwks.json"  audience = "x"
	algorithms = {RS256}  typ = "at+jwt"  tenant-claim = t
	roles-path = "r"  speaks-for = {aa, bb} }
context "https://c.example/c" { file = "c.jsonld" }
source src { owner = aa  kind = ngsi-ld
	endpoint = "https://b.example/ngsi-ld/v1"
	context = "https://c.example/c" }
source old { owner = aa  kind = ngsi-v2  endpoint = "https://o.example/v2" }
dataset ds { source = src  ids = {"urn:x:*"}  licence = dl-de-zero-2-0
	type T { attributes = {p, r} } }
purpose pp { title = "P" }
area ar { ags = "05978028"  geojson-file = "a.geojson" }
agreement ag { version = 1  provider = aa  consumer = bb  dataset = ds
	purpose = pp  actions = {query, retrieve, temporal}
	valid = "2026-01-01..2026-12-31"  signed-by = {"aa:x", "bb:y"}
	share T { allow = {p} } }
'''
FILES = {"c.jsonld": json.dumps({"@context": {n: "https://ex/" + n
    for n in "TUprs"}}),
    "a.geojson": AREA, "a.hub": 'purpose oo { title = "x" }\n', "word.txt": "x",
    "point.geojson": '{"type":"Point","coordinates":[7,51]}'}


def model(components, members="aa, bb", more=""):
	return "model mm { version = 1  members = {%s}  per = year %s\n%s }\n" \
	    % (members, more, components)


def component(more, name="one", points=10000):
	return "component %s { basis-points = %d %s }\n" % (name, points, more)


def put(old, new):
	check(old in GOOD, old)
	return GOOD.replace(old, new, 1)


def dataset(more, ids='"urn:x:*"', source="src", types="type T { }"):
	return "dataset d2 { source = %s  ids = {%s}  licence = " \
	    "dl-de-zero-2-0  %s\n%s }\n" % (source, ids, more, types)


def agree(more="", shares="share T { allow = {p} }", name="a2",
    actions="query", signed='"aa:x", "bb:y"', valid="2026-01-01..2026-12-31"):
	return '''agreement %s { version = 1  provider = aa  consumer = bb
	dataset = ds  purpose = pp  actions = {%s}  valid = "%s"
	signed-by = {%s}  %s
	%s }
''' % (name, actions, valid, signed, more, shares)


SHARE = "share T { allow = {p}  %s }"
COST = '''cost kk { title = "K"  amount = 100.00  from = 2026-01-01
	to = 2026-12-31  model = mm %s }
'''
ITEMS = COST.replace("amount = 100.00", "")
EQUAL = model(component("key = equal"))
MANY = 1001

# (template, text, more): a "#!" stands on the line that is complained about;
# text beginning with "+" is added to the good file. more: what must be said,
# such as the nearest name.
ROWS = [
# region.c
('no file \\"%.*s\\" beside the region files%s',
    '+area a2 { geojson-file = "a.geojsn" } #!', "nearest: a.geojson"),
('bad name \\"%.*s\\" of %s; allowed: a small letter, then 1 to 40 of a-z, '
    '0-9 and -', '+purpose Ab { title = "x" } #!', '"Ab" of purpose'),
# region_parse.c
("unknown key '%.*s' %s%s", "+purpse x { } #!",
    "at the top of a file; nearest: purpose"),
("unknown key '%.*s' %s%s", "+purpose xx { titel = x } #!",
    "in purpose; nearest: title"),
("%s %s", "+include = x #!", '("file") is expected'),
("%s %s", "+purpose xx { title = {a} } #!", "= value is expected"),
("%s %s", "+area xx { geojson-file = word.txt  ags { } } #!",
    "= value is expected"),
("%s %s", put("actions = {query, retrieve, temporal}", "actions = query #!\n"),
    "= {a, b} is expected"),
("%s %s", "+purpose = x #!", "{ ... } is expected"),
("%s %s", "+purpose { title = x } #!", 'needs a title before "{"'),
("%s %s", "+purpose 'a\\b' { title = x } #!", "backslash or line end"),
("%s %s", put("context = \"https://c.example/c\" }", 'oauth xx { } #!\n }'),
    "takes no title"),
("%s%s%.*s is there twice: also at %.*s:%u",
    '+purpose xx { title = "a"\n title = "b" } #!', "title is there twice"),
("%s%s%.*s is there twice: also at %.*s:%u",
    "+purpose xx { title = a }\npurpose xx { title = a } #!",
    "purpose xx is there twice"),
('no region file \\"%.*s\\" to include; its name ends in .hub',
    '+include ("nowhere.hub") #!', "nowhere.hub"),
("unknown %s '%.*s'%s", put("consumer = bb", "consumer = bbb #!\n"),
    "unknown tenant 'bbb'; nearest: bb"),
("unknown %s '%.*s'%s", put("purpose = pp", "purpose = zzzz #!\n"),
    "unknown purpose 'zzzz'"),
("%s %.*s is there twice: also at %.*s:%u",
    '+include ("a.hub")\npurpose oo { title = "x" } #!', "also at a.hub:1"),
# region_value.c
("%s is empty; allowed: %s", '+price xx { flat-month = "" } #!',
    "an amount such as 2500.00"),
('bad value \\"%.*s\\" of %s; allowed: %s',
    put('ags = "05978028"  kind', 'ags = "597"  kind') .replace(
	"kind = municipality", "kind = municipality #!", 1), "eight digits"),
('bad value \\"%.*s\\" of %s; allowed: %s',
    put("owner = aa  kind = ngsi-ld", "owner = aa  kind = ngsi-ld  "
	"timeout = 5 #!"), "a duration (ms, s, min, h, d) from"),
('bad value \\"%.*s\\" of %s; allowed: %s',
    put("owner = aa  kind = ngsi-ld", "owner = aa  kind = ngsi-ld  "
	"page = 0 #!"), "a whole number from 1 to 1000"),
('bad value \\"%.*s\\" of %s; allowed: %s',
    put("crisis-authority = true", "crisis-authority = yes #!"),
    "true or false"),
('bad value \\"%.*s\\" of %s; allowed: %s', "+" + agree("quota = many #!\n"),
    'such as "600/h"'),
('bad value \\"%.*s\\" of %s; allowed: %s', "+" + agree(
    shares=SHARE % "inside = {ar}  buffer = 3 #!\n"), "a distance such as"),
('bad value \\"%.*s\\" of %s; allowed: %s',
    "+" + EQUAL + COST.replace("%s", "").replace(
	"2026-01-01", "2026-02-30 #!\n"),
    "a day of the calendar"),
('bad value \\"%.*s\\" of %s; allowed: %s',
    "+" + 'test "x" { as = aa  at = never #!\n entity = "{}"  '
    'request = "type=T"  expect = "[]" }\n', "a time such as"),
('bad value \\"%.*s\\" of %s; allowed: %s',
    '+purpose xx { title = "a\nb" }', "one line of at most 1024 bytes"),
('bad value \\"%.*s\\" of %s; allowed: %s%s',
    put("kind = district", "kind = distrikt #!\n"),
    "municipality, district, city, utility, research, service; nearest: "
    "district"),
("%s%s%.*s needs %s", "+purpose xx { } #!", "purpose xx needs title"),
# region_scan.c
("the file ends inside this block: } is missing", "+purpose xx { #!\n", ""),
("expected the name of a block or key", "+= #!", ""),
('expected \\"=\\" or \\"{\\"', "+purpose, x #!", ""),
("blocks nested too deeply", "+" + "x {" * 40 + " #!", ""),
("expected a value", "+purpose xx { title = } #!", ""),
('expected a value or \\"}\\"', "+purpose xx { title = {=} } #!", ""),
("over 1000 values in one list", "+purpose xx { title = {" + "a, " * 1001 +
    "a} } #!", ""),
('expected \\",\\" or \\"}\\"', "+purpose xx { title = {a b} } #!", ""),
("expected a file name in quotes", "+include (x) #!", ""),
('expected \\")\\"', '+include ("x.hub" = #!\n', ""),
("a character that needs quotes around its value",
    "+purpose xx { title = ; } #!", ""),
("the file ends inside a comment", "+/* #!\n", ""),
("put quotes around a value with characters beyond letters, digits, _ . : / -",
    "+purpose xx { title = a+b } #!", ""),
("put a blank before the comment", "+purpose xx { title = a# } #!\n", ""),
('escapes between double quotes are \\\\\\" \\\\\\\\ \\\\n \\\\t, none between '
    'single quotes', '+purpose xx { title = "\\x" } #!', ""),
("the file ends inside this string", '+purpose xx { title = "a #!\n', ""),
("too many keys in one file", "+" + "x = 1\n" * 200001, ""),
("too many blocks (20000 at most)", "+" + "purpose x { }\n" * 20001, ""),
("a NUL byte", "+\0 #!", ""),
('\\"${\\" is not allowed: region files do not read the environment',
    '+purpose xx { title = "${PATH}" } #!', ""),
("a control character", "+\x07 #!", ""),
("not UTF-8", b"\xff\n", ""),
# region_agreement.c
("agreement needs actions; allowed: query, retrieve, temporal, subscribe",
    put("actions = {query, retrieve, temporal}", "actions = {}"), ""),
("agreement %.*s is over a registration that is not known here: its shares are "
    "not checked, and it shares nothing until %.*s has registered it",
    put("dataset = ds", 'dataset = "urn:r:1" #!\n'), "until aa has"),
("provider and consumer are the same: an owner needs no agreement",
    put("consumer = bb", "consumer = aa #!\n"), ""),
("dataset %.*s belongs to %.*s: %.*s cannot share it",
    put("provider = aa  consumer = bb  dataset = ds",
	"provider = bb  consumer = aa\n dataset = ds #!\n"),
    "ds belongs to aa: bb cannot"),
("valid ends before it begins",
    put("2026-01-01..2026-12-31", "2026-12-31..2026-01-01"), ""),
('bad value \\"%.*s\\" of valid; allowed: two days of the calendar, both '
    'included, such as \\"2026-06-01..2027-05-31\\"',
    put("2026-01-01..2026-12-31", "2026-02-31..2026-12-31"), ""),
('bad value \\"%.*s\\" of signed-by; allowed: TENANT:PERSON',
    put('"bb:y"', '"bb"'), ""),
("an agreement with a price cannot be estimated",
    put('signed-by', 'price = kk  on-ledger-full = estimate #!\n\tsigned-by')
    + "price kk { per-request = 1.00 }\n", ""),
("%.*s is neither provider nor consumer", put('"bb:y"', '"cc:y"'), "cc is"),
("agreement %.*s is a draft and shares nothing: the signature of %.*s is "
    "missing", put(', "bb:y"', ""), "signature of bb"),
("agreement %.*s needs 1 to %d share blocks", "+" + agree(shares=""), ""),
("type %.*s is shared twice", "+" + agree(shares='share T { allow = {p} }\n'
    'share "https://ex/T" { allow = {p} } #!\n'), ""),
("crisis %.*s: history widens nothing, no share is limited to less",
    "+" + agree("crisis flood { authority = aa  history = 10d #!\n"
	"max = 1h  report = 7d }"), ""),
("crisis %.*s: quota widens nothing, the agreement's own is not smaller",
    "+" + agree('quota = "600/h"  crisis flood { authority = aa  '
	'quota = "60/h" #!\nmax = 1h  report = 7d }'), ""),
("%.*s is no crisis authority (crisis-authority = true in its tenant block)",
    "+" + agree("crisis flood { authority = bb #!\nmax = 1h  report = 7d }"),
    "bb is no"),
("over %d crisis blocks", "+" + agree("".join(
    "crisis c%d { authority = aa  max = 1h  report = 7d }\n" % i
    for i in range(MANY))), ""),
("over %d agreements of one consumer and purpose over one dataset",
    "+" + "".join(agree(name="a%d" % i) for i in range(70)), ""),
# region_basic.c
('bad day \\"%.*s\\" of population; allowed: a day of the calendar such as '
    '2018-12-31', put('"2018-12-31" {', '"2018-13-31" { #!\n'), ""),
('bad value \\"%.*s\\" of may-register; allowed: https://HOST, where * stands '
    'for a part of HOST', put("kind = service",
	'kind = service  may-register = {"http://x"} #!\n'), ""),
('bad value \\"%.*s\\" of origins; allowed: https://HOST or '
    'https://HOST:PORT in lower case', put("kind = service",
	'kind = service  origins = {"https://*.example"} #!\n'), ""),
("%.*s is not a JSON object",
    '+area a2 { geojson-file = "word.txt" } #!', "word.txt"),
("%.*s holds no Polygon or MultiPolygon with closed rings and coordinates in "
    "range (itself, a Feature, or a FeatureCollection of one)",
    '+area a2 { geojson-file = "point.geojson" } #!', ""),
("%s is no JSON entity or array of entities", '+test "x" { as = aa  '
    'at = "2026-07-01T12:00:00Z"  request = "type=T"  entity = "[]"\n'
    'expect = "1" }', ""),
("its @context is not one of the region's", '+test "x" { as = aa  '
    'at = "2026-07-01T12:00:00Z"  request = "type=T"  absent = {p}\n'
    "entity = '{\"id\":\"urn:x:1\",\"type\":\"T\",\"@context\":"
    "\"https://no.example\"}' #!\n}", ""),
("'%.*s' is no attribute name", '+test "x" { as = aa  '
    'at = "2026-07-01T12:00:00Z"  request = "type=T"  absent = {""} #!\n'
    "entity = '{\"id\":\"urn:x:1\",\"type\":\"T\"}' }", ""),
("test %.*s expects nothing: it needs expect or absent", '+test "x" { as = aa '
    'at = "2026-07-01T12:00:00Z"  request = "type=T" #!\n'
    "entity = '{\"id\":\"urn:x:1\",\"type\":\"T\"}' }", ""),
# region_component.c, region_cost.c, region_model.c
("%s blocks do not belong to this key", "+" + model(component(
    "key = equal\ntier 0 { weight = 1 }")), "tier blocks"),
("this key needs %s blocks", "+" + model(component("key = stepdown #!\n")),
    "tier"),
("'%.*s' is not among members", "+" + model(component(
    "key = fixed  member cc { amount = 1.00 } #!\n")), "'cc'"),
("the title of a tier is a number of inhabitants", "+" + model(component(
    "key = stepdown  key-date = 2018-12-31  tier x { weight = 1 } #!\n")), ""),
("one tier is there twice", "+" + model(component("key = stepdown  "
    "key-date = 2018-12-31\ntier 0 { weight = 1 } tier 00 { weight = 1 }")),
    ""),
("the weight of a tier is above that of the one before", "+" + model(component(
    "key = stepdown  key-date = 2018-12-31\ntier 10 { weight = 1 }\n"
    "tier 0 { weight = 2 }")), ""),
("what is above the last tier needs tier 0", "+" + model(component(
    "key = stepdown  key-date = 2018-12-31\ntier 10 { weight = 1 }")), ""),
("'%.*s' is there twice", "+" + model(component("key = equal"),
    "aa, bb, aa"), "'aa'"),
("'%.*s' is there twice", "+" + model(component('key = shapley\n'
    'coalition "aa,aa" { amount = 1.00 } #!\n')), "'aa'"),
("this coalition is there twice", "+" + model(component('key = shapley\n'
    'coalition "aa,bb" { amount = 1.00 }\ncoalition "bb,aa" '
    '{ amount = 1.00 } #!\n')), ""),
("coalition %.*s is missing: what it would pay alone", "+" + model(component(
    'key = shapley  coalition "aa,bb" { amount = 1.00 }')), "aa"),
("component %.*s needs key-date", "+" + model(component(
    "key = population")), "one"),
("tenant %.*s has no population of %.*s", "+" + model(component(
    "key = population  key-date = 2019-12-31")), "of 2019-12-31"),
("price needs flat-month or per-request", "+price xx { } #!", ""),
("the cost ends before it begins", "+" + EQUAL + COST.replace("%s",
    "").replace("2026-12-31", "2025-12-31"), ""),
("the cost runs for over a hundred years", "+" + EQUAL + COST.replace(
    "%s", "").replace("2026-12-31", "2226-12-31"), ""),
("the cost does not run on these days", "+" + EQUAL + ITEMS %
    "item ii { amount = 1.00  to = 2027-01-01 #!\n }", ""),
("the cost does not run on these days", "+" + EQUAL + ITEMS %
    "item ii { amount = 1.00  from = 2025-12-31 #!\n }", ""),
("ends before it begins", "+" + EQUAL + ITEMS % "item ii { amount = 1.00\n"
    "from = 2026-03-02\nto = 2026-03-01 #!\n }", ""),
("a cost has either amount or item blocks", "+" + EQUAL + ITEMS % "", ""),
("a cost has either amount or item blocks", "+" + EQUAL + COST %
    "item ii { amount = 1.00 }", ""),
("over %d items", "+" + EQUAL + ITEMS % "".join(
    "item i%d { amount = 1.00 }\n" % i for i in range(MANY)), "over 1000"),
("charges or credits are over 10000000000.00 in all", "+" + EQUAL + ITEMS %
    "".join("item i%d { amount = 9999999999.00  kind = credit }\n" % i
    for i in range(2)), ""),
("tax-rate goes with tax = standard", "+" + EQUAL + COST %
    "tax = exempt  tax-basis = x  tax-rate = 19", ""),
("tax-basis goes with tax", "+" + EQUAL + COST % "tax-basis = x", ""),
("tax needs a tax-basis", "+" + EQUAL + COST % "tax = exempt", ""),
("component %.*s of model %.*s is fixed at %<PRId64>.%02d, which is not %u "
    "basis points of this amount", "+" + model(component("key = fixed\n"
	"member aa { amount = 30.00 } member bb { amount = 0.07 }")) +
    COST.replace("%s", ""), "fixed at 30.07"),
("maximum is below minimum", "+" + model(component("key = equal"),
    more="minimum = 2.00  maximum = 1.00"), ""),
("model needs members", "+" + model(component("key = equal"), ""), ""),
("'%.*s' has no ags, by which usage is counted", "+" + model(component(
    "key = usage  on-zero = equal"), "aa, cc"), "'cc'"),
("'%.*s' and '%.*s' have the same ags", put('"05978028"  kind',
    '"05913000"  kind') + model(component("key = usage  on-zero = equal")),
    ""),
("ends before it begins", "+" + model(component("key = equal") +
    "member aa { from = 2026-07-01  to = 2026-01-01 }"), ""),
("a meter of zeros", "+" + model(component("key = usage  on-zero = equal") +
    "meter { access = 0  entity = 0  kib = 0 }"), ""),
("over %d components", "+" + model("".join(component("key = equal",
    "c%d" % i, 1) for i in range(70))), ""),
("the basis-points of all components must be 10000, not %u", "+" + model(
    component("key = equal", points=9999)), "not 9999"),
("shapley takes at most %d members", GOOD + "".join(
    'tenant x%c { name = "x"  ags = "059%05d"  kind = municipality }\n' %
    (97 + i, i) for i in range(13)) + model(component("key = shapley"),
    ", ".join("x%c" % (97 + i) for i in range(13))), ""),
# region_exclusive.c
("dataset %.*s has attribute <%.*s> of %.*s exclusively already", "+" +
    "".join(dataset("mode = exclusive", '"urn:x:1"', types="type T { "
	"attributes = {p} }").replace("d2", n) for n in ("d2", "d3")), ""),
# region_issuer.c
("issuer needs algorithms; allowed: RS256, ES256",
    put("algorithms = {RS256}", "algorithms = {}"), ""),
("%.*s is not verified by this version; allowed: RS256, ES256",
    put("{RS256}", "{PS256}"), "PS256"),
("issuer needs one of jwks (a URL) and jwks-file",
    put('jwks-file = "jwks.json"', ""), ""),
("keys are fetched by https; http is for loopback",
    put('jwks-file = "jwks.json"', 'jwks = "http://i.example/c" #!\n'), ""),
("claim value '%.*s' is mapped twice", put("speaks-for = {aa, bb} }",
    "speaks-for = {aa, bb}  map aa { tenant = bb } #!\n }"), "'aa'"),
("over %d map blocks in one issuer", put("speaks-for = {aa, bb} }", "".join(
    "map v%d { tenant = aa }\n" % i for i in range(MANY)) + "}"), ""),
("issuer speaks for no tenant: its tokens are refused",
    put("speaks-for = {aa, bb}", ""), ""),
("the name of an issuer is its iss, an http or https URL",
    put('issuer "https://i.example"', 'issuer "i.example"'), ""),
("%.*s: %s%s", '+context "https://d.example/d" { file = "word.txt" } #!',
    "is not valid JSON"),
("over %d contexts", "+" + "".join('context "https://c.example/%d" '
    '{ file = "c.jsonld" }\n' % i for i in range(300)), ""),
('bad value \\"%.*s\\" of %s; allowed: http or https, a host, a port, a plain '
    'path; no user, query or escapes',
    put('endpoint = "https://b.example/ngsi-ld/v1"',
	'endpoint = "https://u@b.example/" #!'), "of endpoint"),
# region_share.c
("history = 0 shares nothing; without the key there is no limit",
    "+" + agree(shares=SHARE % "history = 0s #!\n"), ""),
("delay reaches beyond history", "+" + agree(shares=SHARE %
    "history = 1h  delay = 2h"), ""),
("this share releases no attribute", "+" + agree(shares="share T { } #!\n"),
    ""),
("dataset %.*s has no type '%.*s'%s", "+" + agree(
    shares="share U { allow = {p} } #!\n"), "no type 'U'"),
("an empty list of areas; without the key there is no limit",
    "+" + agree(shares=SHARE % "inside = {} #!\n"), ""),
("without inside or outside this has no effect",
    "+" + agree(shares=SHARE % "buffer = 2km #!\n"), ""),
("dataset %.*s has no attribute '%.*s'%s",
    "+" + agree(shares="share T { allow = {s} } #!\n"), "no attribute 's'"),
("'%.*s': one level of sub-attributes at most",
    "+" + agree(shares='share T { allow = {p, "p.r.s"} } #!\n'), ""),
("a sub-attribute of <%.*s> is allowed, the attribute is not: allow it as well",
    "+" + agree(shares='share T { allow = {r, "p.s"} } #!\n'), ""),
("'%.*s' is filterable but not allowed",
    "+" + agree(shares=SHARE % "filterable = {r} #!\n"), "'r'"),
("over 1024 bytes", '+forbid ff { attribute = "%s"  reason = "x" } #!' %
    ("p" * 1100), ""),
("'%.*s' is no type or attribute name", "+" +
    agree(shares='share T { allow = {"%s"} } #!\n' % ("p" * 1100)), "'ppp"),
("'%.*s' is a term of no context",
    '+forbid ff { attribute = nothing  reason = "x" } #!', "'nothing'"),
("over %d forbid rules", "+" + "".join('forbid f%d { type = T  reason = "x" '
    '}\n' % i for i in range(2001)), ""),
# region_source.c, region_v2.c
("http to another machine can be read on the way: use https, or say plain = "
    "true", put("https://b.example", "http://b.example"), ""),
('bad value of breaker; allowed: FAILURES/PAUSE such as \\"5/5s\\", 1 to 1000 '
    'failures, 100ms to 10min', put("owner = aa  kind = ngsi-ld",
	'owner = aa  kind = ngsi-ld  breaker = "5" #!'), ""),
("tokens are fetched by https; http is for loopback",
    put('context = "https://c.example/c" }', 'oauth { client-id = "x"  '
	'secret-file = "x"  token-url = "http://b.example/t" } #!\n}'), ""),
("either oauth or bearer-file, not both", put('context = '
    '"https://c.example/c" }', 'bearer-file = "x"  oauth { client-id = "x"  '
	'secret-file = "x"  token-url = "https://b.example/t" }\n}'), ""),
("client-certificate and client-key go together",
    put("owner = aa  kind = ngsi-ld", 'owner = aa  kind = ngsi-ld  '
	'client-key = "x" #!'), ""),
("dialect is for kind = ngsi-ld", put("kind = ngsi-v2",
    "kind = ngsi-v2  dialect = stellio #!\n"), ""),
("such a source gives at most %u entities a page", put(
    "owner = aa  kind = ngsi-ld", "owner = aa  kind = ngsi-ld  dialect = "
    "stellio  page = 1000 #!"), ""),
("'%.*s' is not a term of %.*s: it means <%.*s>", "+" + dataset("",
    types="type Nothing { } #!\n"), "'Nothing'"),
('bad value \\"%.*s\\" of ids; allowed: a URI in which * stands for anything, '
    'with its scheme', "+" + dataset("", '"x" #!\n'), '"x"'),
('dataset needs ids: the entity ids it may hold, such as '
    '{\\"urn:ngsi-ld:X:*\\"}', "+" + dataset("", ""), ""),
("'%s' is there twice", "+" + dataset("", types="type T { attributes = "
    "{p, p} } #!\n"), "'p'"),
("an empty list registers nothing; without the key any attribute may be there",
    "+" + dataset("", types="type T { attributes = {} } #!\n"), ""),
("dataset %.*s needs 1 to %d type blocks", "+" + dataset("", types=""), "d2"),
("type %.*s is there twice", "+" + dataset("",
    types='type T { }\ntype "https://ex/T" { } #!\n'), ""),
('personal data needs dpia = \\"...\\": where the impact assessment (DSGVO '
    'Art. 35) is found', "+" + dataset("personal-data = direct #!\n"), ""),
("the licence asks for an attribution: the owner's name is taken",
    put("dl-de-zero-2-0", "dl-de-by-2-0 #!\n"), ""),
('mode exclusive is for single entities: \\"%.*s\\" is a pattern',
    "+" + dataset("mode = exclusive"), ""),
("mode exclusive needs the attributes of type %.*s",
    "+" + dataset("mode = exclusive", '"urn:x:1"'), ""),
('a tenant\'s name has no blanks, quotes, \\",\\" or \\";\\"',
    "+" + dataset('upstream-tenant = "a b" #!\n'), ""),
("no operation here reads entities: it is never asked",
    "+" + dataset("operations = {retrieveSourceIdentity} #!\n"), ""),
("a Fiware-Service has lower case letters, digits and _, %d at most",
    "+" + dataset('upstream-tenant = "A" #!\n', source="old"), ""),
('bad value of service-path; allowed: up to %d paths such as \\"/a/b\\" or '
    '\\"/a/#\\" with \\",\\" between them, letters, digits and _ in %d levels '
    'of %d characters', "+" + dataset('service-path = "a" #!\n',
	source="old"), ""),
("an NGSI-v2 source has no history: it is not asked for any",
    "+" + dataset("operations = {retrieveOps, queryTemporal} #!\n",
	source="old"), ""),
("NGSI-v2 does not know local-only",
    "+" + dataset("local-only = true #!\n", source="old"), ""),
("service-path is for datasets of a source with kind = ngsi-v2",
    "+" + dataset('service-path = "/a" #!\n'), ""),
# region_transform.c
("%s %.*s: the attribute is also allowed, and allow wins",
    "+" + agree(shares=SHARE % "round p { to = 0.5 } #!\n"), "round p"),
("%s %.*s: createdAt or modifiedAt, which system releases, tell the time more "
    "exactly", "+" + agree(shares="share T { allow = {r}  system = "
	"{modifiedAt}  trunc-time p { to = 1h } #!\n }"), "trunc-time p"),
("a second transform of %.*s", "+" + agree(shares="share T { allow = {r}  "
    "round p { to = 0.5 }  bucket p { by = 5 } #!\n }"), "of p"),
("%s of <%.*s>: %.*s:%u, agreement %.*s, makes something else of it for the "
    "same consumer, purpose, dataset, type and action", "+" +
    agree(shares="share T { round r { to = 0.5 } }") + agree(name="a3",
	shares="share T { round r { to = 0.1 } }"), ""),
]

# Said of what no region file of a test of seconds can have, or what another
# check has refused before; each with why.
BEYOND = {
    "over %d files": "4096 files",
    "over %d blocks": "of all files together; 20000 in one are refused",
    "no region file: none of the files ends in .hub":
	"hubctl looks for them itself",
    "libConfuse refuses it": "the scan has refused it before",
    "the context was not accepted": "the context itself is complained about",
    "over %d forbid rules, counting what each name means in each context":
	"thousands of contexts",
    "over %d transforms": "more than a type has attributes",
    "an agreement with a price cannot be estimated": "flow test of estimates",
    "crisis %.*s of one authority is there twice": "its title is, too",
    "its provider": "the provider itself is complained about",
}


# ---- what the sources say

def literals(s, i):
	"""Adjacent string literals in the call that begins at i."""
	out, text, depth, j = [], None, 1, i
	while depth > 0:
		c = s[j]
		if c == '"':
			k = j + 1
			while s[k] != '"':
				k += 2 if s[k] == "\\" else 1
			text = (text or "") + s[j + 1:k]
			j = k + 1
			continue
		m = re.match(r"PRI\w+", s[j:])
		if m and text is not None:
			text += "<%s>" % m.group(0)
			j += len(m.group(0))
			continue
		depth += (c in "([{") - (c in ")]}")
		if not c.isspace() and text is not None:
			out.append(text)
			text = None
		j += 1
	return out


def said():
	"""Every template and fixed text of the parser, with its file."""
	found = {}
	for path in sorted(glob.glob(os.path.join(SRC, "policies/region*.c"))):
		with open(path, encoding="utf-8") as f:
			s = f.read()
		if "german" in path:
			continue
		for m in re.finditer(r"\b(sec_error|sec_warn|build_say|"
		    r"scan_fail)\s*\(", s):
			for text in literals(s, m.end()):
				if " " in text.strip():
					found[text] = os.path.basename(path)
		if path.endswith("region_scan.c"):
			for m in re.finditer(r'why = ("[^;]*?)[,;]', s, re.S):
				text = "".join(re.findall(
				    r'"((?:\\.|[^"\\])*)"', m.group(1)))
				found[text] = os.path.basename(path)
	check(len(found) > 140, "found only %d" % len(found))
	return found


def german():
	"""{English: German} of both tables."""
	with open(os.path.join(SRC, "policies/region_german_table.c"),
	    encoding="utf-8") as f:
		s = f.read()
	table = {}
	for m in re.finditer(r"^\t\{ ((?:[^{}\"]|\"(?:\\.|[^\"\\])*\")*) \},$",
	    s, re.M):
		en, de = m.group(1).replace("PRId64", '"<PRId64>"'), None
		parts, depth = [[]], 0
		for t in re.finditer(r'"((?:\\.|[^"\\])*)"|,', en):
			if t.group(0) == ",":
				parts.append([])
			else:
				parts[-1].append(t.group(1))
		same(len(parts), 2, "a row of two texts: " + en)
		table["".join(parts[0])] = "".join(parts[1])
	check(len(table) > 150, "read only %d rows" % len(table))
	return table


def plain(text):
	return re.sub(r"\\(.)", r"\1", text)


CONVERSION = re.compile(r"%(?:\.\*s|s|u|d|02d|<PRId64>)")


def pattern(template):
	"""A regular expression for what is made of an English template."""
	return "".join(".*" if i % 2 else re.escape(plain(p)) for i, p in
	    enumerate(re.split("(%s)" % CONVERSION.pattern, template)))


def german_pattern(text):
	return "".join(".*" if i % 2 else re.escape(plain(p)) for i, p in
	    enumerate(re.split(r"(\$[1-9]|\*)", text)))


def setup():
	w = World("mistakes", database=False)
	for name, text in FILES.items():
		w.write(name, text)
	with open(w.path("tls/jwks.json")) as f:
		w.write("jwks.json", f.read())
	return w


def validate(w, text, lang):
	path = w.path("bad.hub")
	if isinstance(text, str):
		text = text.encode()
	with open(path, "wb") as f:
		f.write(text)
	p = subprocess.run([HUBCTL, "--lang", lang, "validate", path],
	    capture_output=True, timeout=60 * SLOW)
	check(p.returncode in (0, 78), "exit code %d: %.300r" % (p.returncode,
	    p.stderr))
	return p.stderr.decode()


def whole(text):
	return GOOD + text[1:] if isinstance(text, str) and \
	    text.startswith("+") else text


def line_of(text):
	"""Where the "#!" stands; None: nowhere."""
	if not isinstance(text, str) or "#!" not in text:
		return None
	return text[:text.index("#!")].count("\n") + 1


# ---- tests

@test
def the_good_file_is_good(w):
	same(validate(w, GOOD, "en"), "", "messages")
	same(validate(w, GOOD, "de"), "", "Meldungen")


@test
def every_message_has_a_row_here(w):
	rows = {r[0] for r in ROWS}
	missing = [t for t in said() if t not in rows and t not in BEYOND and
	    t not in ("%s", " (not among the region's contexts, or they refer "
		"to each other in a circle)")]
	same(missing, [], "messages without a mistake that shows them")
	known = said()
	same([t for t in list(rows) + list(BEYOND) if t not in known], [],
	    "rows of what nobody says any more")


@test
def every_message_has_a_german_text(w):
	table = german()
	same([t for t in said() if t not in table], [], "without German")
	for en, de in table.items():
		n = len(CONVERSION.findall(en))
		if n:
			same(sorted(set(re.findall(r"\$[1-9]", de))),
			    ["$%d" % (i + 1) for i in range(n)], en)
		elif "*" in en:
			same(de.count("*"), en.count("*"), en)
		check(en != de or en in ("%s",), "not translated: " + en)
		for word in (" the ", " is ", " not ", " allowed", " needs"):
			check(word not in de, "half English: " + de)


@test
def each_mistake_says_file_line_and_why(w):
	for template, text, more in ROWS:
		text = whole(text)
		err = validate(w, text, "en")
		lines = [l for l in err.splitlines() if re.match(
		    r"bad\.hub:(\d+:\d+: )? ?(warning: )?%s$" %
		    pattern(template), l) or re.match(r"bad\.hub:\d+:\d+: "
		    r"(warning: )?%s$" % pattern(template), l)]
		lines = [l for l in lines if more in l]
		check(lines, "%s (%s): %.600s" % (template, more, err))
		line = line_of(text)
		if line is not None:
			check([l for l in lines if l.startswith("bad.hub:%d:" %
			    line)], "%s: not of line %d: %s" % (template, line,
			    lines))
		# The mistake alone is complained about, as far as it goes.
		check(len(err.splitlines()) <= 120, "%s: %d lines" % (template,
		    len(err.splitlines())))


@test
def each_mistake_is_said_in_german(w):
	table = german()
	for template, text, more in ROWS:
		err = validate(w, whole(text), "de")
		want = german_pattern(table[template])
		check(re.search(r"^bad\.hub:(\d+:\d+:)? (Warnung: )?%s$" % want,
		    err, re.M), "%s: %.600s" % (template, err))
		if "nearest: " in more:
			check("am ähnlichsten: " + more.split("nearest: ")[1] in
			    err, err)
		for word in ("nearest", "allowed:", "warning", "whole number",
		    "duration", "expected", "is missing", "such as"):
			check(word not in err, "half English: " + err)


main(setup)
