#!/usr/bin/env python3
# sources.t - brokers as they are: a lax one that plays by few of the rules, a
# face of NGSI-LD over another API, and what clients and brokers of the field
# expect of whoever asks them.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *
from urllib.parse import parse_qs, unquote, urlsplit

GAUGES = "?type=WaterObserved"
T = "2026-11-22T17:%02d:00%sZ"
# What the face calls things: its own context, whatever it was asked with.
FACE = "https://face.example/fixed.jsonld"
FACE_TERMS = {"WaterObserved": TERMS["WaterObserved"],
    "pegel": TERMS["waterLevel"], "waterLevel": TERMS["alertLevel"]}


def urn(name):
	return "urn:ngsi-ld:WaterObserved:" + name


def bare(value, at=None, unit=None):
	"""An attribute as the lax broker writes it: no type, in an array."""
	return [{k: v for k, v in (("value", value), ("observedAt", at),
	    ("unitCode", unit)) if v is not None}]


class Lax(Broker):
	"""No paging, no types of attributes, everything an array, the context
	in the body of application/json, parameters ignored."""

	def serve(self, c):
		self.bodies = getattr(self, "bodies", [])
		super().serve(c)

	def reply(self, rq):
		u = urlsplit(rq)
		par = {k: v[0] for k, v in parse_qs(u.query).items()}
		mine = [json.loads(e) for e in self.entities]
		if u.path != ENTITIES:
			want = unquote(u.path.rsplit("/", 1)[1])
			for e in mine:
				if e["id"] == want:
					return 200, self.text(e), []
			return 404, json.dumps({"type": "https://uri.etsi.org/"
			    "ngsi-ld/errors/ResourceNotFound", "title": "no",
			    "noBody": True, "instance": "x", "status": 404}
			    ).encode(), []
		types = par.get("type", "").split(",")
		mine = [e for e in mine if e["type"] in types]
		if "id" in par:
			mine = [e for e in mine if e["id"] in
			    par["id"].split(",")]
		return (200, b"[" + b",".join(map(self.text, mine)) + b"]",
		    ["NGSILD-Results-Count: %d" % len(mine)])

	def text(self, e):
		return json.dumps(dict(e, **{"@context": self.context})
		    ).encode()


class Face(Broker):
	"""Names by its own fixed context, times as objects, geo-queries
	unfiltered."""

	def __init__(self, entities):
		super().__init__(entities, context=FACE)


class Narrow(Broker):
	"""Knows the type by its IRI only."""

	def reply(self, rq):
		par = parse_qs(urlsplit(rq).query)
		good = par.get("type") == [TERMS["WaterObserved"]]
		return (200, b"[%s]" % b",".join(self.entities if good else []),
		    ["Link: " + LINK.replace(CONTEXT, self.context)])


class Spelt(Broker):
	"""Serves its data below any prefix, and notes under which."""

	def reply(self, rq):
		at = rq.find(ENTITIES)
		if at < 0:
			return 404, b"{}", []
		return super().reply(rq[at:])


def targets(b):
	return [unquote(x[0].split(" ")[1]) for x in b.asked()]


def parameters(b):
	return [{k: v[0] for k, v in parse_qs(urlsplit(
	    x[0].split(" ")[1]).query).items()} for x in b.asked()]


def field(lines, name):
	return [x.split(": ", 1)[1] for x in lines[1:]
	    if x.lower().startswith(name.lower() + ":")]


SPELLINGS = ("", "/", "/stadt/context", "/ngsi-ld/v1")


def one(name, endpoint, broker, more="", extra="", allow="waterLevel",
    types="type WaterObserved { }", context=CONTEXT, ids=None):
	return '''
source s-%s { owner = dortmund  endpoint = "%s%s"  timeout = 3s  %s %s }
dataset s-%s-data { source = s-%s  title = "%s"  licence = dl-de-zero-2-0
	ids = {"%s"} %s
	%s }
''' % (name, broker.url, endpoint, 'context = "%s"' % context if context
	    else "", extra, name, name, name, ids or urn(name + "*"), more,
	    types) + agreement("a-" + name, "dortmund", "froendenberg",
	    "s-%s-data" % name, {"WaterObserved": "allow = {%s}" % allow})


def build(w):
	b = w.brokers
	r = tenants() + '''context "%s" { file = "contexts/face.jsonld" }
context "https://narrow.example/c.jsonld" { file = "contexts/narrow.jsonld" }
''' % FACE
	r += one("lax", "", b["lax"], allow="waterLevel, location, flow, "
	    "refDevice, stationName", ids="urn:ngsi-ld:*")
	r += one("face", "", b["face"], context=FACE, allow="pegel, location",
	    more="operations = {retrieveOps}")
	r += one("twin", "", b["twin"], allow="waterLevel",
	    ids="urn:ngsi-ld:WaterObserved:lax-*")
	for i, spelling in enumerate(SPELLINGS):
		r += one("spelt%d" % i, spelling, b["spelt%d" % i])
	# Its context has no word for the type, nor for the attribute.
	r += one("narrow", "", b["narrow"],
	    context="https://narrow.example/c.jsonld",
	    types='type "%s" { }' % TERMS["WaterObserved"],
	    allow='"%s", "%s"' % (TERMS["waterLevel"], TERMS["flow"])).replace(
	    "share WaterObserved", 'share "%s"' % TERMS["WaterObserved"])
	r += one("local", "", b["local"], more="local-only = true")
	r += one("late", "", b["late"], extra='breaker = "100/1s"')
	return r


def setup():
	lax = [
	    {"id": urn("lax-1"), "type": "WaterObserved",
		"waterLevel": bare(1.34, T % (50, ".000"), "MTR"),
		"flow": bare(4), "location": [{"value": {"type": "Point",
		"coordinates": [7.56, 51.44]}}],
		"refDevice": [{"object": "urn:ngsi-ld:Device:1"}]},
	    {"id": urn("lax-2"), "type": "WaterObserved",
		"waterLevel": bare(2, T % (50, ".001")),
		"location": [{"value": {"type": "Point",
		"coordinates": [7.0, 51.0]}}]},
	    {"id": urn("lax-3"), "type": "WaterObserved",
		"waterLevel": bare(3, T % (49, ".999"))}]
	lax += [{"id": urn("laxmore-%03d" % i), "type": "WaterObserved",
	    "stationName": bare("s%d" % i)} for i in range(250)]
	face = [ent(urn("face-" + n), "WaterObserved",
	    pegel='{"type":"Property","value":%s,"valueType":"Number",'
	    '"observedAt":{"type":"Property","value":"%s"},'
	    '"unitCode":"CMT"}' % (v, T % (30, "")),
	    # Not what the client calls so.
	    waterLevel=prop("666"), location=point(*at))
	    for n, v, at in (("1", "10", (7.56, 51.44)),
		("2", "20", (7.0, 51.0)))]
	brokers = {
	    "lax": Lax([json.dumps(e).encode() for e in lax]),
	    "face": Face(face),
	    # The same instants in other spellings, and one just before.
	    "twin": Broker([ent(urn("lax-%d" % i), "WaterObserved",
		waterLevel=prop("100", T % (50, ""))) for i in (1, 2, 3)]),
	    "narrow": Narrow([ent(urn("narrow-1"), TERMS["WaterObserved"],
		**{TERMS["waterLevel"]: prop("7")})],
		context="https://narrow.example/c.jsonld"),
	    "local": Broker([ent(urn("local-1"), "WaterObserved",
		waterLevel=prop("8"))]),
	    "late": Broker([ent(urn("late-1"), "WaterObserved",
		waterLevel=prop("9"))]),
	}
	for i in range(len(SPELLINGS)):
		brokers["spelt%d" % i] = Spelt([ent(urn("spelt%d-1" % i),
		    "WaterObserved", waterLevel=prop(str(i)))])
	w = World("sources", brokers)
	w.write("contexts/face.jsonld", json.dumps({"@context": FACE_TERMS}))
	w.write("contexts/narrow.jsonld", json.dumps({"@context": {
	    "other": "https://narrow.example/other"}}))
	# Registered before it listens.
	brokers["late"].stop()
	w.apply(build(w))
	w.start()
	return w


def ask(w, more="", query=GAUGES, **opt):
	return w.ask("froendenberg", query + "&limit=1000" + more, **opt).ok()


def by_id(a):
	return {e["id"]: e for e in a.json()}


# ---- a lax broker (sources.md, 1)

@test
def infers_the_types_of_attributes_in_arrays(w):
	e = by_id(ask(w, "&id=" + urn("lax-1")))[urn("lax-1")]
	same(e["flow"], {"type": "Property", "value": 4}, "a Property")
	same(e["location"]["type"], "GeoProperty", "a GeoProperty")
	same(e["refDevice"], {"type": "Relationship",
	    "object": "urn:ngsi-ld:Device:1"}, "a Relationship")


@test
def takes_the_context_in_a_json_body(w):
	lax = w.brokers["lax"]
	for context in (CONTEXT, [CONTEXT], [CONTEXT, ""]):
		lax.context = context
		a = ask(w, "&id=" + urn("lax-1"))
		same((list(by_id(a)), a.warnings()), ([urn("lax-1")], {}),
		    "with context %r" % (context,))
	lax.context = "https://elsewhere.example/c.jsonld"
	a = ask(w, "&id=%s,%s" % (urn("lax-1"), urn("twin")))
	same(a.warnings(), {"s-lax": 111}, "an unknown context")
	lax.context = CONTEXT


@test
def needs_no_paging_of_a_source(w):
	lax = w.brokers["lax"]
	lax.forget()
	a = ask(w, "&count=true&idPattern=.*laxmore.*")
	same((len(a.json()), a.one("NGSILD-Results-Count")), (250, "250"),
	    "entities once each")
	same(len(lax.asked()), 1, "requests")
	a = w.ask("froendenberg", GAUGES + "&idPattern=.*laxmore.*&limit=20"
	    "&offset=240&count=true").ok()
	same((len(a.json()), a.one("NGSILD-Results-Count")), (10, "250"),
	    "the hub pages")


@test
def compares_instants_and_not_their_spelling(w):
	e = by_id(ask(w, "&id=%s,%s,%s" % tuple(urn("lax-%d" % i)
	    for i in (1, 2, 3))))
	# .000 is the same instant (the dataset's name decides), .001 is
	# later, .999 of the minute before earlier.
	same([e[urn("lax-%d" % i)]["waterLevel"]["value"] for i in (1, 2, 3)],
	    [1.34, 2, 100], "winners")
	same(e[urn("lax-1")]["waterLevel"]["unitCode"], "MTR", "its unit")


@test
def takes_an_odd_not_found_as_nothing(w):
	a = w.ask("froendenberg", ENTITIES + "/" + urn("lax-none")).ok(404)
	same(a.warnings(), {}, "warnings")
	check(b"noBody" not in a.body, a.body)


@test
def never_leaves_the_form_to_a_source(w):
	for more, accept in (("&options=keyValues", None),
	    ("&format=simplified", None), ("&options=concise", None),
	    ("&lang=de", None), ("", "application/geo+json"),
	    ("", "application/ld+json")):
		for b in w.brokers.values():
			b.forget()
		a = ask(w, more + "&id=" + urn("lax-1"), headers={
		    "Accept": accept or "application/json"})
		check(b"1.34" in a.body, a.body)
		for b in w.brokers.values():
			for lines in b.asked():
				same(field(lines, "Accept"),
				    ["application/json"], "Accept")
				check("keyValues" not in lines[0] and
				    "simplified" not in lines[0] and
				    "concise" not in lines[0] and
				    "lang" not in lines[0] and
				    "geo+json" not in lines[0], lines[0])


@test
def warns_of_a_source_that_cannot_fetch_the_context(w):
	lax = w.brokers["lax"]
	lax.fault = status(503, b'{"type":"https://uri.etsi.org/ngsi-ld/errors'
	    b'/LdContextNotAvailable","title":"x","detail":"secret"}')
	a = ask(w, "&id=" + urn("lax-1"))
	same(a.warnings(), {"s-lax": 299}, "warnings")
	check(b"secret" not in a.body, a.body)
	lax.fault = None


# ---- an NGSI-LD face over NGSI-v2 (sources.md, 2)

@test
def reads_names_as_the_answers_own_context_has_them(w):
	e = by_id(ask(w, "&id=" + urn("face-1")))[urn("face-1")]
	same(e["waterLevel"]["value"], 10, "what the source calls pegel")
	check("666" not in json.dumps(e), e)
	same(e["waterLevel"]["unitCode"], "CMT", "unit")


@test
def bears_a_time_that_is_an_object(w):
	e = by_id(ask(w, "&id=" + urn("face-1")))[urn("face-1")]
	same(e["waterLevel"]["observedAt"], T % (30, ""), "observedAt")
	for q, want in (("%3E=%22x%22", []), ("==10", [urn("face-1")])):
		same(ask(w, "&q=waterLevel" + q + "&id=" + urn("face-1")).ids(),
		    want, q)
	same(ask(w, "&q=waterLevel.observedAt%%3C%s&id=%s" % (T % (31, ""),
	    urn("face-1"))).ids(), [urn("face-1")], "asked by its time")
	a = ask(w, "&id=" + urn("face-1"), headers={})
	check(b"valueType" not in a.body, "a member that nobody released")


@test
def rechecks_a_geo_query_that_came_back_unfiltered(w):
	near = "&georel=near;maxDistance==2000&geometry=Point&coordinates=" \
	    "%5B7.56,51.44%5D"
	same(ask(w, near + "&idPattern=.*face.*").ids(), [urn("face-1")],
	    "near")
	same(ask(w, near + "&idPattern=.*:lax-.*").ids(), [urn("lax-1")],
	    "of the lax one")


@test
def asks_it_by_nothing_but_get(w):
	face = w.brokers["face"]
	face.forget()
	# More than goes into one URL; retrieveOps has no batch query.
	ids = [urn("face-%d" % i) for i in range(1, 150)]
	a = ask(w, "&id=" + ",".join(ids))
	same((a.ids(), a.warnings()), (ids[:2], {}), "found")
	check(len(face.asked()) > 1 and all(x[0].startswith("GET ")
	    for x in face.asked()), face.asked())


@test
def does_without_a_broken_source_identity(w):
	face = w.brokers["face"]

	def fault(b, c, rq):
		if rq.endswith("/info/sourceIdentity"):
			return answer(c, 500, b'{"title":"no version page"}') \
			    is None
		answer(c, *b.reply(rq))
		return True
	face.fault = fault
	try:
		out = json.loads(w.ctl("source", "test", "s-face", "-o",
		    "json")[0])
	finally:
		face.fault = None
	said = {x["check"]: x["result"] for x in out}
	same(said["identity"], "note", "identity")
	check("failed" not in said.values(), said)


# ---- what the field expects (sources.md, 3)

@test
def starts_before_its_sources_do(w):
	a = ask(w, "&id=" + urn("late-1"))
	same((a.ids(), a.warnings()), ([], {"s-late": 199}), "not there yet")
	check(a.seconds < 1 * SLOW, "seconds %r" % a.seconds)
	w.brokers["late"].start()
	a = wait_for(lambda: ask(w, "&id=" + urn("late-1")).ids(), 5, "late")
	same(a, [urn("late-1")], "there")


@test
def means_the_same_by_each_spelling_of_an_endpoint(w):
	for i, prefix in enumerate(("", "", "/stadt/context", "")):
		b = w.brokers["spelt%d" % i]
		b.forget()
		same(ask(w, "&id=" + urn("spelt%d-1" % i)).ids(),
		    [urn("spelt%d-1" % i)], SPELLINGS[i])
		a = w.ask("froendenberg", ENTITIES + "/" +
		    urn("spelt%d-1" % i)).ok()
		same(a.json()["waterLevel"]["value"], i, "retrieved")
		got = [urlsplit(x).path for x in targets(b)]
		same(got, [prefix + ENTITIES, prefix + ENTITIES + "/" +
		    urn("spelt%d-1" % i)], SPELLINGS[i])


@test
def forwards_short_names_of_the_sources_context(w):
	b = w.brokers["spelt0"]
	b.forget()
	# Asked with IRIs, and with another context.
	for query in (GAUGES, "?type=" + TERMS["WaterObserved"].replace(":",
	    "%3A")):
		ask(w, "&id=" + urn("spelt0-1"), query=query)
	for lines, par in zip(b.asked(), parameters(b)):
		same((par["type"], par["attrs"]), ("WaterObserved",
		    "waterLevel"), "names")
		check(len(field(lines, "Link")) == 1 and CONTEXT in
		    field(lines, "Link")[0], lines)
	# Words that its context does not have travel as IRIs.
	b = w.brokers["narrow"]
	b.forget()
	same(ask(w, "&id=" + urn("narrow-1")).ids(), [urn("narrow-1")],
	    "found")
	par = parameters(b)[0]
	same((par["type"], sorted(par["attrs"].split(","))), (
	    TERMS["WaterObserved"], sorted([TERMS["waterLevel"],
	    TERMS["flow"]])), "IRIs")


@test
def asks_for_the_attributes_of_the_request_and_no_more(w):
	lax = w.brokers["lax"]
	for query, want in (
	    ("&attrs=waterLevel", ["waterLevel"]),
	    ("&attrs=waterLevel,licensePlate", ["waterLevel"]),
	    ("&attrs=waterLevel&q=flow%3E1", ["flow", "waterLevel"]),
	    ("&attrs=waterLevel&georel=near;maxDistance==10&geometry=Point"
		"&coordinates=%5B7,51%5D", ["location", "waterLevel"]),
	):
		lax.forget()
		ask(w, query + "&id=" + urn("lax-1"))
		par = parameters(lax)
		same(len(par), 1, "requests")
		same(sorted(par[0]["attrs"].split(",")), want, query)
		same((par[0]["id"], par[0]["type"]), (urn("lax-1"),
		    "WaterObserved"), "id and type")
		check(not {"q", "georel", "local", "idPattern"} &
		    set(par[0]), par[0])


@test
def forwards_local_where_the_registration_says_so(w):
	for name, want in (("local", "true"), ("spelt0", None)):
		b = w.brokers[name]
		b.forget()
		same(ask(w, "&id=" + urn(name + "-1")).ids(),
		    [urn(name + "-1")], name)
		same([p.get("local") for p in parameters(b)], [want], name)


@test
def warns_of_statuses_as_the_field_does(w):
	b = w.brokers["spelt0"]
	for fault, code in ((status(403), 299), (body(b"x"), 111),
	    (oversize, 111), (status(404), None)):
		b.fault = fault
		a = ask(w, "&id=" + urn("spelt0-1"))
		same(a.warnings(), {"s-spelt0": code} if code else {},
		    "warnings")
	b.fault = None


main(setup)
