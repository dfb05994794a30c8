#!/usr/bin/env python3
# pushed.t - by what sources are asked to select: in their own words, what the
# agreements let them, where nobody else holds the same; and what comes of it.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *
from urllib.parse import parse_qs, quote, urlsplit

WATER = "urn:ngsi-ld:WaterObserved:"
# The source's words are the client's but for these.
OWN = "https://drehscheibe.example/contexts/own.jsonld"
OWN_TERMS = {"pegel": TERMS["waterLevel"], "durchfluss": TERMS["flow"],
    "WaterObserved": TERMS["WaterObserved"],
    "stationName": TERMS["stationName"]}
PARAMS = ("q", "scopeQ", "georel", "geometry", "coordinates", "geoproperty")


def build(w, more="", extra=""):
	b = w.brokers
	r = tenants()
	r += 'context "%s" { file = "contexts/own.jsonld" }\n' % OWN
	r += source("alone", "schwerte", b["alone"], ["WaterObserved"],
	    extra=extra, ids=[WATER + "a*"]).replace(
	    'context = "%s"' % CONTEXT, 'context = "%s"' % OWN)
	r += source("left", "schwerte", b["left"], ["FloodMonitoring"],
	    extra=extra)
	r += source("right", "dortmund", b["right"], ["FloodMonitoring"],
	    extra=extra)
	r += source("batch", "dortmund", b["batch"], ["OffStreetParking"],
	    extra=extra, more='operations = {queryBatch}')
	r += '''
source old { owner = dortmund  kind = ngsi-v2  endpoint = "%s"
	context = "%s" %s }
dataset old-data { source = old  title = "old"  licence = dl-de-by-2-0
	attribution = "old"  ids = {"urn:ngsi-ld:Gauge:*"}  service-path = "/a"
	type Gauge { }
}
''' % (b["old"].url, CONTEXT, extra)
	r += agreement("a-f", "schwerte", "froendenberg", "alone-data",
	    {"WaterObserved": "allow = {pegel, durchfluss, stationName, "
		"location}  filterable = {pegel, stationName, location} "
		"round geheim { to = 10 }  system = {scope} "})
	for name, owner in (("left", "schwerte"), ("right", "dortmund")):
		r += agreement("%s-f" % name, owner, "froendenberg",
		    name + "-data", {"FloodMonitoring": "allow = "
		    "{currentLevel} filterable = {currentLevel}"})
	r += agreement("b-f", "dortmund", "froendenberg", "batch-data",
	    {"OffStreetParking": "allow = {availableSpotNumber, location}  "
		"filterable = {availableSpotNumber}  inside = {schwerte} "
		"without-location = drop"})
	r += agreement("o-f", "dortmund", "froendenberg", "old-data",
	    {"Gauge": "allow = {waterLevel, stationName} "
		"filterable = {waterLevel, stationName}"})
	return r + more


class Bodies(Broker):
	"""Notes what it is sent; takes no POST of its own."""

	def serve(self, c):
		data = b""
		with contextlib.suppress(OSError):
			while True:
				while b"\r\n\r\n" not in data:
					more = c.recv(65536)
					if not more:
						return
					data += more
				head, data = data.split(b"\r\n\r\n", 1)
				n = int(re.search(rb"Content-Length: (\d+)",
				    head).group(1))
				while len(data) < n:
					data += c.recv(65536)
				self.bodies.append(json.loads(data[:n]))
				data = data[n:]
				answer(c, 200, b"[]", [])

	bodies = ()


def setup():
	w = World("pushed", {"left": Broker(), "right": Broker(),
	    "batch": Bodies(), "old": Broker(),
	    "alone": Broker([ent(WATER + "a1", "WaterObserved",
		pegel=prop("142"), stationName=prop('"West"'),
		durchfluss=prop("7"), geheim=prop("13"), versteckt=prop("1"),
		scope='"/ruhr"', location=point(7.55, 51.44)),
	    ent(WATER + "a2", "WaterObserved", pegel=prop("5"),
		location=point(7.9, 51.44))], context=OWN)})
	w.brokers["batch"].bodies = []
	w.write("contexts/own.jsonld", json.dumps({"@context": OWN_TERMS}))
	w.apply(build(w))
	w.start()
	return w


def sent(w, name, query, ids=None, who="froendenberg", **more):
	"""The predicates of the one request that this made to a source."""
	b = w.brokers[name]
	b.forget()
	a = w.ask(who, "?" + query, **more).ok()
	if ids is not None:
		same(a.ids(), ids, query)
	lines = [l[0] for l in b.asked()]
	same(len(lines), 1, "requests to " + name)
	p = parse_qs(urlsplit(lines[0].split(" ")[1]).query)
	return {k: p[k][0] for k in PARAMS if k in p}


def water(q):
	return "type=WaterObserved&q=" + quote(q)


@test
def asks_in_the_words_of_the_source(w):
	for q, want, ids in (
	    ("waterLevel>100", "pegel>=100", ["a1"]),
	    ("waterLevel", "pegel", ["a1", "a2"]),
	    ("waterLevel<6;stationName", "pegel<=6;stationName", []),
	    ('stationName=="West"|waterLevel==5',
		'stationName=="West"|pegel==5', ["a1", "a2"]),
	):
		same(sent(w, "alone", water(q), [WATER + i for i in ids]),
		    {"q": want}, q)


@test
def evaluates_itself_what_may_not_be_selected_by(w):
	"""Allowed but not filterable; negation; a pattern."""
	for q, want, ids in (
	    ("flow==7", None, ["a1"]),
	    ("flow==7;waterLevel>1", "pegel>=1", ["a1"]),
	    ("flow==7|waterLevel==5", None, ["a1", "a2"]),
	    ("!stationName", None, ["a2"]),
	    ("waterLevel!=142", None, ["a2"]),
	    ('stationName~="^W"', None, ["a1"]),
	):
		same(sent(w, "alone", water(q), [WATER + i for i in ids]),
		    {"q": want} if want else {}, q)


@test
def names_nothing_that_is_hidden_or_changed(w):
	"""The source holds these: whoever asks does not see them, or not so."""
	for q, want, ids in (
	    ("geheim==13", None, []),
	    ("geheim==10", None, ["a1"]),
	    ("versteckt==1", None, []),
	    ("versteckt==1|waterLevel==5", "pegel==5", ["a2"]),
	    ("versteckt==1;waterLevel==5", None, []),
	    ("!versteckt;waterLevel==5", "pegel==5", ["a2"]),
	):
		same(sent(w, "alone", water(q), [WATER + i for i in ids]),
		    {"q": want} if want else {}, q)
		text = w.brokers["alone"].asked()[0][0]
		check("versteckt" not in text, text)


@test
def asks_around_the_place(w):
	got = sent(w, "alone", "type=WaterObserved&georel=near;"
	    "maxDistance==2000&geometry=Point&coordinates=[7.55,51.44]",
	    [WATER + "a1"])
	same((got["georel"], got["geometry"]), ("near;maxDistance==2040",
	    "Point"), "near")
	square = [[[7.5, 51.4], [7.6, 51.4], [7.6, 51.5], [7.5, 51.5],
	    [7.5, 51.4]]]
	got = sent(w, "alone", "type=WaterObserved&georel=within&geometry="
	    "Polygon&coordinates=" + quote(json.dumps(square)),
	    [WATER + "a1"])
	same(got["georel"], "within", "relation")
	ring = json.loads(got["coordinates"])[0]
	check(min(p[0] for p in ring) < 7.5 < 7.6 < max(p[0] for p in ring) and
	    min(p[1] for p in ring) < 51.4, "box %r" % ring)
	same(sent(w, "alone", "type=WaterObserved&georel=disjoint&geometry="
	    "Point&coordinates=[7.55,51.44]", [WATER + "a2"]), {},
	    "disjoint")


@test
def asks_by_scopes_that_are_shown(w):
	same(sent(w, "alone", "type=WaterObserved&scopeQ=/ruhr",
	    [WATER + "a1"]), {"scopeQ": "/ruhr"}, "scope")
	same(sent(w, "left", "type=FloodMonitoring&scopeQ=/ruhr", []), {},
	    "a scope that is not shown")


@test
def asks_by_nothing_where_two_may_hold_one_thing(w):
	flood = "type=FloodMonitoring&q=currentLevel==5"
	same(sent(w, "left", flood), {}, "both")
	same(sent(w, "left", flood + "&splitEntities=true"), {}, "split")
	want = {"q": "currentLevel==5"}
	same(sent(w, "left", flood + "&splitEntities=false"), want,
	    "not split")
	same(sent(w, "right", flood + "&splitEntities=false"), want,
	    "not split")


@test
def a_stale_value_never_matches_unless_entities_are_whole(w):
	id = "urn:ngsi-ld:FloodMonitoring:x"
	w.brokers["left"].entities = [ent(id, "FloodMonitoring",
	    currentLevel=prop("1", "2026-11-22T18:00:00Z"))]
	w.brokers["right"].entities = [ent(id, "FloodMonitoring",
	    currentLevel=prop("5", "2026-11-22T17:00:00Z"))]
	flood = "?type=FloodMonitoring&q=currentLevel==5&splitEntities="
	same(w.ask("froendenberg", flood + "true").ids(), [], "split")
	same(w.ask("froendenberg", flood + "false").ids(), [id], "whole")
	w.brokers["left"].entities = w.brokers["right"].entities = []


@test
def asks_within_the_area_of_an_agreement(w):
	b = w.brokers["batch"]
	b.bodies.clear()
	w.ask("froendenberg", "?type=OffStreetParking&q=" + quote(
	    "availableSpotNumber>9")).ok()
	same(len(b.bodies), 1, "requests")
	geo = b.bodies[0]["geoQ"]
	same((b.bodies[0]["q"], geo["georel"], geo["geometry"]),
	    ("availableSpotNumber>=9", "within", "Polygon"), "body")
	ring = geo["coordinates"][0]
	check(7.4 < min(p[0] for p in ring) < 7.50 and
	    7.66 < max(p[0] for p in ring) < 7.7, "box %r" % ring)


@test
def asks_an_old_broker_as_it_understands(w):
	for q, want in (
	    ('waterLevel>1;stationName=="West"',
		"waterLevel>=1;stationName=='West'"),
	    ("waterLevel>1|stationName", None),
	):
		same(sent(w, "old", "type=" + quote(
		    "https://uri.etsi.org/ngsi-ld/default-context/Gauge",
		    safe="") + "&q=" + quote(q)), {"q": want} if want else {},
		    q)


@test
def an_owner_filters_by_all_it_has(w):
	same(sent(w, "alone", water("geheim==13;flow==7"), [WATER + "a1"],
	    who="schwerte"), {"q": "geheim==13;durchfluss==7"}, "own")


@test
def asks_for_all_where_a_source_refuses(w):
	"""Once; it is remembered, and is no failure."""
	b = w.brokers["alone"]
	plain = b.reply

	def strict(rq):
		if "q=" in rq or "georel=" in rq:
			return 400, b'{"title":"no such parameter"}', []
		return plain(rq)
	b.reply = strict
	b.forget()
	for i in range(20):
		a = w.ask("froendenberg", "?" + water("waterLevel>100")).ok()
		same((a.ids(), a.warnings()), ([WATER + "a1"], {}), "answer")
	tried = [l[0] for l in b.asked() if "q=" in l[0]]
	check(1 <= len(tried) <= 2, "%d tries" % len(tried))
	same(len(b.asked()), 20 + len(tried), "requests")
	b.reply = plain
	b.forget()


@test
def a_refused_predicate_does_not_make_pages_small(w):
	"""Though the refusal repeats a word of the client's that sounds like
	it: else one consumer could slow a source down for all."""
	w.stop()
	w.start()
	b = w.brokers["alone"]
	plain = b.reply

	def limits():
		w.ask("froendenberg", "?type=WaterObserved").ok()
		return {parse_qs(urlsplit(l[0].split(" ")[1]).query)["limit"][0]
		    for l in b.asked() if "q=" not in l[0]}

	def strict(rq):
		if "q=" in rq:
			return 400, b'{"title":"unknown term: pegellimit"}', []
		return plain(rq)
	b.forget()
	usual = limits()
	b.reply = strict
	b.forget()
	for i in range(8):
		a = w.ask("froendenberg", "?" + water("waterLevel>100")).ok()
		same((a.ids(), a.warnings()), ([WATER + "a1"], {}), "answer")
	same(limits(), usual, "limits")
	b.reply = plain
	b.forget()


@test
def can_be_switched_off(w):
	"""For one source in the region, for all in hubd.conf."""
	w.stop()
	w.apply(build(w, extra="push-down = false"))
	w.start()
	same(sent(w, "alone", water("waterLevel>100"), [WATER + "a1"]), {},
	    "off for the source")
	w.apply(build(w))
	wait_for(lambda: sent(w, "alone", water("waterLevel>100")) ==
	    {"q": "pegel>=100"}, 10, "on again")
	w.settings = "push-down = no"
	w.write_conf()
	w.stop()
	w.start()
	same(sent(w, "alone", water("waterLevel>100"), [WATER + "a1"]), {},
	    "off for all")


@test
def books_what_was_selected_whoever_selects(w):
	"""The usage of an agreement does not depend on its source's skill."""
	w.sql("SELECT 1")
	asked = w.ask("froendenberg", "?" + water("waterLevel>100")).ok()
	id = asked.one("Request-Id")
	rows = wait_for(lambda: w.sql("SELECT entities FROM ledger.event WHERE "
	    "class = 'leg' AND request_id = '%s'" % id), 15, "the record")
	same(rows, [["1"]], "entities")


main(setup)
