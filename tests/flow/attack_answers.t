#!/usr/bin/env python3
# attack_answers.t - what an answer gives away beside its entities, and what
# sources put into theirs (policy.md, R1 to R12).
import os
import sys
from urllib.parse import quote, unquote

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from attack import *

VIEW = [A, B, D]


@attack
def r1_no_context_is_fetched_for_a_client(w):
	trap = Broker()
	rest = "127.0.0.1:%d/x.jsonld" % trap.port
	try:
		for url in ("http://" + rest, "https://" + rest,
		    "http://localhost:%d/x" % trap.port,
		    "http://[::ffff:127.0.0.1]:%d/x" % trap.port,
		    "http://169.254.169.254/latest/meta-data", "gopher://" +
		    rest, "file:///etc/passwd", "file:contexts/flow.jsonld",
		    "http://2130706433:%d/" % trap.port, "ftp://" + rest,
		    CONTEXT + "?x=1", CONTEXT + "#x", CONTEXT.upper(),
		    "http://127.0.0.1:%d/livez" % w.admin, "/etc/passwd",
		    "//" + rest, "data:application/json,%7B%7D", "x"):
			h = link(url)
			for path in (Q, ENTITIES + "/" + A, ROOT + "/types"):
				a = seek(w, path, headers=h)
				check(a.status in (400, 503), "%s: %d" % (url,
				    a.status))
				same(a.json().get("id"), None, "data")
			a = post(w, {"type": "Query", "entities": [{"type":
			    "WaterObserved"}], "@context": url},
			    type="application/ld+json", Link="")
			check(a.status in (400, 503), "%s in a body: %d" %
			    (url, a.status))
		time.sleep(0.3)
		same(trap.asked(), [], "fetched")
		# Nor for a source that names one.
		w.brokers["schwerte"].fault = lambda b, c, rq: answer(c, 200,
		    b"[" + b",".join(b.entities) + b"]", ["Link: <%s/c>; "
		    'rel="http://www.w3.org/ns/json-ld#context"' % trap.url])
		a = seek(w, Q).ok()
		same((a.ids(), a.warnings()), ([D], {"schwerte-broker": 111}),
		    "a source's own context")
		time.sleep(0.3)
		same(trap.asked(), [], "fetched for a source")
	finally:
		trap.stop()


@attack
def r2_bad_contexts_are_refused_with_their_region(w):
	good = region(w)
	url = "https://drehscheibe.example/contexts/bad%d.jsonld"
	deep = '{"@context":' * 100 + "{}" + "}" * 100
	for i, text in enumerate((
	    json.dumps({"@context": url % 0}),
	    json.dumps({"@context": [url % 1, {"a": TERM + "a"}]}),
	    json.dumps({"@context": {"@import": "http://127.0.0.1:1/x"}}),
	    json.dumps({"@context": "http://127.0.0.1:1/remote.jsonld"}),
	    json.dumps({"@context": {"a": {"@id": TERM + "a", "@context":
		"http://127.0.0.1:1/scoped.jsonld"}}}),
	    json.dumps({"@context": {"a": "b:x", "b": "a:x"}}),
	    '{"@context": {"a": "%s", "a": "%s"}}' % (TERM + "a", TERM + "b"),
	    deep, "[" * 100000, '{"@context": {"x": "' + "a" * 10485760 +
	    '"}}', "{", "")):
		w.write("contexts/bad%d.jsonld" % i, text)
		more = 'context "%s" { file = "contexts/bad%d.jsonld" }\n' % (
		    url % i, i)
		path = w.write("bad.hub", good + more)
		out, err = w.ctl("apply", path, code=None)
		check("bundle" not in out, "%d was taken: %s" % (i, out))
		check(err.strip(), "%d: no reason" % i)
		os.unlink(w.path("contexts/bad%d.jsonld" % i))
	os.unlink(w.path("bad.hub"))
	same(seek(w, Q).ids(), VIEW, "the region that is in force")


@attack
def r3_header_fields_tell_of_the_view_alone(w):
	paths = [Q + "&count=true", Q + "&limit=1", Q + "&limit=2&offset=1",
	    ENTITIES + "/" + A, ENTITIES + "/" + HIDDEN, Q + "&id=" + HIDDEN,
	    "?type=OffStreetParking", ROOT + "/types", ROOT + "/attributes"]
	for path, a in indifferent(w, paths).items():
		h = seek(w, path, method="HEAD")
		same(h.status, a.status, path)
		same(told(h)[2], told(a)[2], "HEAD as GET: " + path)
		same(h.body, b"", path)
		check(not a.all("Location"), a.fields)
		for l in a.all("Link"):
			check(re.search(r"limit=\d+&offset=\d+|rel=\"license\"|"
			    r"json-ld#context", l), l)
	# A source that fails says nothing to the client.
	for fault in (status(500, b'{"title":"geheimnis"}',
	    ["X-Secret: geheimnis", "NGSILD-Warning: 199 geheimnis \"x\"",
	    "Location: http://geheimnis/"]),
	    status(400, b"geheimnis " * 1000), body(b"geheimnis"),
	    redirect("http://geheimnis.example/"), truncate):
		w.brokers["schwerte"].fault = fault
		for path, code in ((Q, 200), (ENTITIES + "/" + A, 404)):
			a = seek(w, path).ok(code)
			same(list(a.warnings()), ["schwerte-broker"], path)
			check("127.0.0.1" not in repr(a.fields), a.fields)
		a = seek(w, Q, headers={"Prefer": "handling=strict"})
		check(a.status in (502, 504), a.status)


@attack
def r4_sources_without_agreement_do_not_exist(w):
	for fault in (hang, status(500), reset, lax):
		w.brokers["kreis-unna"].fault = fault
		for path in (Q, "?attrs=waterLevel", ENTITIES + "/" + ELSEWHERE,
		    "?type=FloodMonitoring", Q + "&id=" + ELSEWHERE):
			for strict in ({}, {"Prefer": "handling=strict"}):
				forget(w)
				a = seek(w, path, headers=strict)
				same(a.warnings(), {}, path)
				same(a.status, 404 if "/entities/" in path
				    else 200, path)
				same(asked(w, "kreis-unna"), [], path)
				check(a.seconds < 1 * SLOW, a.seconds)
	for path in ("/types/FloodMonitoring", "/attributes/alertLevel"):
		same(seek(w, ROOT + path).status, 404, path)


@attack
def r5_relationships_bring_nothing_along(w):
	inlined = json.dumps({"id": HIDDEN, "type": "WaterObserved",
	    "waterLevel": {"type": "Property", "value": "geheimnis"}})
	rows = (
	    ("entity", {"waterLevel": prop("1", T, more=',"entity":' +
		inlined)}),
	    ("list", {"waterLevel": prop("1", T, more=',"entityList":[%s]' %
		inlined)}),
	    ("sub", {"waterLevel": prop("1", T, more=',"at":{"type":'
		'"Relationship","object":"%s"}' % HIDDEN)}),
	    ("hidden", {"waterLevel": prop("1", T), "refDevice":
		'{"type":"Relationship","object":"%s","entity":%s}' % (HIDDEN,
		inlined)}),
	    ("graph", {"waterLevel": prop("1", T), "@graph": "[%s]" %
		inlined}),
	    ("reverse", {"waterLevel": prop("1", T), "@reverse":
		'{"refDevice":%s}' % inlined}),
	    ("included", {"waterLevel": prop("1", T), "@included": "[%s]" %
		inlined}),
	    ("previous", {"waterLevel": prop("1", T, more=',"previousValue":'
		'"geheimnis"')}),
	    ("object", {"waterLevel": '{"type":"Relationship","object":"%s",'
		'"entity":%s}' % (WATER + "z", inlined)}),
	)
	for name, attrs in rows:
		w.brokers["schwerte"].entities = [ent(WATER + name,
		    "WaterObserved", location=point(7.55, 51.44), **attrs)]
		for more in ("", "&options=keyValues", "&options=concise",
		    "&options=sysAttrs"):
			a = seek(w, Q + more).ok()
			check(set(a.ids()) <= {WATER + name, D}, a.body)
		for accept in ("application/ld+json", "application/geo+json"):
			seek(w, Q, headers={"Accept": accept}).ok()
	# What is named is released with its target, and no more.
	w.apply(region(w, shared="allow = {refDevice, location}"))
	w.brokers["schwerte"].entities = [ent(A, "WaterObserved", refDevice=
	    '{"type":"Relationship","object":"urn:x:device","entity":%s,'
	    '"objectType":"geheimnis"}' % inlined)]
	a = wait_for(lambda: [x for x in [w.ask("froendenberg", Q)] if
	    b"urn:x:device" in x.body], 10, "the agreement")[0]
	same(clean(a).json()[0]["refDevice"], {"type": "Relationship",
	    "object": "urn:x:device"}, "the target")
	w.apply(region(w))
	restore(w)
	wait_for(lambda: w.ask("froendenberg", Q).ids() == VIEW, 10,
	    "the old region")


@attack
def r6_no_spelling_gets_through(w):
	bad = [
	    b'"r\\u0065fDevice":%s' % secret().encode(),
	    b'"\\u0072\\u0065\\u0066\\u0044\\u0065\\u0076\\u0069\\u0063\\u0065"'
	    b":%s" % secret().encode(),
	    b'"%srefDevice":%s' % (TERM.encode(), secret().encode()),
	    b'"RefDevice":%s' % secret().encode(),
	    b'"REFDEVICE":%s' % secret().encode(),
	    b'"refDevice\\u0000":%s' % secret().encode(),
	    b'"waterLevel\\u200b":%s' % secret().encode(),
	    b'"WaterLevel":%s' % secret().encode(),
	    b'"waterlevel":%s' % secret().encode(),
	    '"w\u0430terLevel":{}'.encode().replace(b"{}", secret().encode()),
	    b'"ngsi-ld:refDevice":%s' % secret().encode(),
	    b'"":%s' % secret().encode(),
	]
	for text in bad:
		w.brokers["schwerte"].entities = [ent(A, "WaterObserved",
		    waterLevel=prop("1", T), location=point(7.55, 51.44))[:-1]
		    + b"," + text + b"}"]
		for more in ("", "&options=keyValues", "&options=sysAttrs"):
			a = seek(w, Q + more).ok()
			# Read without it, or the source is unreadable.
			check(a.ids() in ([A, D], [D]), "%r: %r" % (text,
			    a.body))
			check(a.ids() == [A, D] or a.warnings(), text)
	# Foreign ids and types, plain and in disguise.
	good = station(A, "142")
	for id, type in ((ELSEWHERE, "Person"),
	    ("urn:ngsi-ld:Water\\u004fbserved:x", "OffStreetParking"),
	    ("urn:ngsi-ld:Person:x", "Water\\u004fbserved"),
	    (WATER + "x", "waterObserved"),
	    (WATER + "x", "WaterObserved "), (WATER + "x", "Person"),
	    ("urn:ngsi-ld:waterobserved:x", "WaterObserved")):
		w.brokers["schwerte"].entities = [good, station(id, "98765.4",
		    type=type)]
		w.brokers["dortmund"].entities = [station(A, "98765.4"),
		    station("urn:x:" + D, "98765.4")]
		a = seek(w, Q).ok()
		check(a.ids() in ([A], []), "%s %s: %r" % (id, type, a.body))
		check(a.ids() or a.warnings(), a.fields)


@attack
def r10_geojson_shows_the_views_geometry(w):
	geo = {"Accept": "application/geo+json"}
	for name, want in (("location", True), ("wide", False),
	    ("refDevice", False), ("nobody", False),
	    (quote(TERM + "wide", safe=""), False)):
		a = seek(w, Q + "&geometryProperty=" + name, headers=geo).ok()
		for f in a.json()["features"]:
			same(bool(f["geometry"]), want and f["id"] != D,
			    "%s of %s" % (name, f["id"]))
			same(sorted(set(f) - {"@context"}), ["geometry", "id",
			    "properties", "type"], "members")
	same(told(seek(w, Q + "&geometryProperty=wide", headers=geo)),
	    told(seek(w, Q + "&geometryProperty=nobody", headers=geo)),
	    "as what nobody has")
	for f in seek(w, Q + "&attrs=waterLevel", headers=geo).json() \
	    ["features"]:
		same(f["geometry"], None, "not asked for")


@attack
def r12_hidden_types_are_dropped(w):
	def give(*types):
		w.brokers["schwerte"].entities = [station(A, "142").replace(
		    b'"type":"WaterObserved"', b'"type":%s' %
		    json.dumps(types).encode())]
	give("WaterObserved", "Geheimnis", "OffStreetParking")
	for more in ("", "&options=keyValues", "&options=concise"):
		a = seek(w, Q + more).ok()
		same(a.json()[0]["type"], "WaterObserved", more)
		check(b"Geheim" not in a.body and b"Parking" not in a.body,
		    a.body)
	for query in ("?type=OffStreetParking", "?type=(WaterObserved;"
	    "OffStreetParking)", "?type=Geheimnis",
	    "?type=WaterObserved;Geheimnis"):
		same(seek(w, query).ids(), [], query)
	before = told(seek(w, Q))
	give("WaterObserved")
	same(told(seek(w, Q)), before, "whatever else it is")
	give("OffStreetParking", "Geheimnis")
	same(seek(w, Q).ids(), [D], "nothing but hidden types")
	give()
	same(seek(w, Q).ok().warnings(), {"schwerte-broker": 111}, "no type")


main(lambda: attacked("attack-answers"))
