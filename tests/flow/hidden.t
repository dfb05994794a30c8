#!/usr/bin/env python3
# hidden.t - the smallest cases in which what is hidden could show: by hand, as
# view.t found them or might not find them.
import os
import sys
from urllib.parse import quote, urlsplit, parse_qs

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

X = "urn:ngsi-ld:X:1"
Y = "urn:ngsi-ld:X:2"


class Strict(Broker):
	"""Gives the attributes it is asked for, and entities that have one;
	lax: everything that it has."""
	lax = False

	def reply(self, rq):
		status, text, fields = super().reply(rq)
		par = parse_qs(urlsplit(rq).query)
		if self.lax:
			return 200, b"[" + b",".join(self.entities) + b"]", \
			    fields[:1]
		if status != 200 or "attrs" not in par or text[:1] != b"[":
			return status, text, fields
		keep = par["attrs"][0].split(",") + ["id", "type"]
		found = [{k: v for k, v in e.items() if k in keep}
		    for e in json.loads(text)]
		return status, json.dumps([e for e in found
		    if len(e) > 2]).encode(), fields[:1]


A, B = Strict(), Strict()


def region():
	r = tenants()
	r += source("sw", "schwerte", A, ["WaterObserved", "FloodMonitoring"],
	    ids=["urn:*"], extra="page = 2")
	r += source("do", "dortmund", B, ["FloodMonitoring"], ids=["urn:*"])
	r += agreement("s-water", "schwerte", "froendenberg", "sw-data",
	    {"WaterObserved": 'allow = {waterLevel, refDevice, '
		'"waterLevel.accuracy", "refDevice.accuracy"}'})
	r += agreement("s-flood", "schwerte", "froendenberg", "sw-data",
	    {"FloodMonitoring": "allow = {currentLevel} inside = {schwerte}"})
	r += agreement("s-flow", "schwerte", "froendenberg", "sw-data",
	    {"WaterObserved": "allow = {flow}"})
	r += agreement("d-flood", "dortmund", "froendenberg", "do-data",
	    {"FloodMonitoring": "allow = {currentLevel}"})
	return r


def setup():
	w = World("hidden", {"a": A, "b": B})
	w.apply(region())
	w.start()
	return w


def give(a=(), b=()):
	A.entities, B.entities = list(a), list(b)
	A.lax = B.lax = False


def typed(id, types, **attrs):
	"""An entity of several types."""
	return ent(id, "?", **attrs).replace(b'"?"',
	    json.dumps(types).encode())


def told(a):
	return a.status, sorted((k, v) for k, v in a.fields
	    if k.lower() not in ("date", "request-id")), a.body


def ask(w, query):
	return told(w.ask("froendenberg", query))


OUTSIDE = point(8.5, 52.0)


@test
def a_hidden_type_selects_nothing(w):
	"""Schwerte's entity lies outside, so that it is no FloodMonitoring in
	the view; whether it is one must not decide what is merged, nor which
	agreements and licences are named."""
	for there in ([], [ent(X, "FloodMonitoring", currentLevel=prop("7"))]):
		got = []
		for types in (["WaterObserved", "FloodMonitoring"],
		    ["WaterObserved"]):
			give([typed(X, types, waterLevel=prop("1.20"),
			    location=OUTSIDE)], there)
			got.append(ask(w, "?type=FloodMonitoring&count=true"))
			check(b"waterLevel" not in got[-1][2], "%r" %
			    (got[-1],))
			same(X.encode() in ask(w, "?type=WaterObserved")[2],
			    True, "it is there all the same")
		same(got[0], got[1], "with and without the hidden type")


@test
def agreements_are_named_for_what_was_asked(w):
	"""Whichever attributes a source sends beside those."""
	give([ent(X, "WaterObserved", waterLevel=prop("1"), flow=prop("2"))])
	for query, names in (
	    ("?type=WaterObserved&attrs=waterLevel", ["s-water;v=1"]),
	    ("?type=WaterObserved&attrs=flow", ["s-flow;v=1"]),
	    ("?type=WaterObserved", ["s-flow;v=1", "s-water;v=1"])):
		got = []
		for A.lax in (False, True):
			a = w.ask("froendenberg", query)
			same(sorted(a.all("Hub-Agreement")), names, query)
			got.append(told(a))
		same(got[0], got[1], query)


@test
def only_ids_asked_for_count(w):
	give([ent(X, "WaterObserved", waterLevel=prop("1")),
	    ent(Y, "WaterObserved", flow=prop("2"))])
	for query in ("?type=WaterObserved&id=" + X, "?type=WaterObserved&id="
	    "urn:ngsi-ld:X:3", ENTITIES + "/" + X, ENTITIES +
	    "/urn:ngsi-ld:X:3"):
		got = []
		for A.lax in (False, True):
			a = w.ask("froendenberg", query)
			check("s-flow;v=1" not in a.all("Hub-Agreement"),
			    query)
			got.append(re.sub(rb'"instance":"[^"]*"', b"", a.body))
		if query.startswith("?"):
			same(got[0], got[1], query)


@test
def terms_are_those_of_what_was_selected(w):
	"""Not those of an entity that its source gave all the same, and whose
	id, types or attributes then turn out to be others."""
	give([typed(X, ["WaterObserved", "FloodMonitoring"],
	    waterLevel=prop("1"), currentLevel=prop("3"),
	    location=point(7.57, 51.44)),
	    ent(Y, "WaterObserved", flow=prop("2"))])
	A.lax = True
	for query in ("idPattern=X:1$&type=WaterObserved",
	    "type=(WaterObserved;FloodMonitoring)",
	    "type=WaterObserved&q=waterLevel"):
		a = w.ask("froendenberg", "?" + query + "&count=true").ok()
		same(a.one("NGSILD-Results-Count"), "1", query)
		check("s-water;v=1" in a.all("Hub-Agreement") and
		    "s-flow;v=1" not in a.all("Hub-Agreement"), query)


INLINED = '{"id":"urn:d:1","type":"Device","geheim":{"type":"Property",' \
    '"value":4711}}'


@test
def inlined_entities_never_leave_with_a_sub_attribute(w):
	sub = ',"accuracy":%s'
	whole = prop("1")
	for value, shown in (
	    ('{"type":"Relationship","object":%s}' % INLINED, None),
	    ('{"object":%s}' % INLINED, None),
	    ('{"type":"Relationship","object":["urn:d:1",%s]}' % INLINED,
		None),
	    ('[{"type":"ListRelationship","objectList":[{"object":%s}]}]' %
		INLINED, None),
	    ('{"type":"Property","modifiedAt":"2026-11-22T00:00:00Z"}', None),
	    ('{"type":"Relationship","object":"urn:d:1","entity":%s}' %
		INLINED, {"type": "Relationship", "object": "urn:d:1"}),
	    ('{"type":"Property","value":1,"accuracy":{"type":"Relationship",'
		'"object":%s}}' % INLINED, {"type": "Property", "value": 1}),
	    ('0.5', 0.5), ('{"a":1}', {"a": 1})):
		give([ent(X, "WaterObserved", waterLevel=prop("1",
		    more=sub % value))])
		for form in ("", "&options=concise", "&lang=de"):
			a = w.ask("froendenberg", "?type=WaterObserved" +
			    form).ok()
			check(b"geheim" not in a.body and b"modifiedAt"
			    not in a.body, "%s: %r" % (value, a.body))
			if not form:
				same(a.json()[0]["waterLevel"].get(
				    "accuracy"), shown, value)
		for q in ("waterLevel.accuracy[object.geheim.value]==4711",
		    "waterLevel.accuracy.entity[geheim.value]==4711",
		    "waterLevel.accuracy.entity.geheim==4711",
		    "waterLevel.accuracy.entity",
		    "waterLevel.accuracy.accuracy[object.geheim.value]==4711",
		    "waterLevel.accuracy.accuracy",
		    "waterLevel.accuracy[objectList.object.geheim.value]==4711",
		    ) + (("waterLevel.accuracy",) if shown is None else ()):
			same(w.ask("froendenberg", "?type=WaterObserved&q=" +
			    quote(q)).ok().body, b"[]", "%s of %s" % (q,
			    value))


@test
def what_a_source_says_of_a_sub_attribute_is_its_owners(w):
	times = '"expiresAt":"2099-01-01T00:00:00Z",' \
	    '"deletedAt":"2026-11-22T00:00:00Z","previousValue":4711,' \
	    '"instanceId":"urn:i:1"'
	give([ent(X, "WaterObserved", waterLevel=prop("1", more=',"accuracy":'
	    '{"type":"Property","value":2,%s}' % times))])
	query = "?type=WaterObserved&options=sysAttrs"
	same(w.ask("froendenberg", query).ok().json()[0]["waterLevel"][
	    "accuracy"], {"type": "Property", "value": 2}, "to others")
	got = w.ask("schwerte", query).ok().json()[0]["waterLevel"]["accuracy"]
	same(sorted(got), ["deletedAt", "expiresAt", "instanceId",
	    "previousValue", "type", "value"], "to its owner")
	for q in ("previousValue==4711", "previousValue", "instanceId",
	    "deletedAt", "expiresAt"):
		q = "&q=" + quote("waterLevel.accuracy." + q)
		same(w.ask("froendenberg", query + q).ok().body, b"[]", q)


@test
def a_page_that_comes_again_counts_once(w):
	"""A source that ignores limit and offset and does not say how many
	there are; as many as on a page."""
	give([ent(X, "WaterObserved", waterLevel=prop("1")),
	    ent(Y, "WaterObserved", waterLevel=prop("2"))])
	A.lax = True
	A.forget()
	a = w.ask("froendenberg", "?type=WaterObserved").ok()
	same(len(A.asked()), 2, "requests to the source")
	id = a.one("Request-Id")
	rows = wait_for(lambda: w.sql("SELECT entities FROM ledger.event "
	    "WHERE class = 'leg' AND request_id = '%s'" % id), 15,
	    "the leg in the ledger")
	same(rows, [["2"]], "entities booked")


main(setup)
