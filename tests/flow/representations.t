#!/usr/bin/env python3
# representations.t - one view in every form the standard has, asked for in a
# URL and in a body; no form shows what another hides.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

A = "urn:ngsi-ld:WaterObserved:Alles"
D = "urn:ngsi-ld:dataset:sonde"
POST = ROOT + "/entityOperations/query"
JSON, LD, GEO = ("application/json", "application/ld+json",
    "application/geo+json")
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
AT = "2026-11-22T17:45:00Z"
PLACE = {"type": "Point", "coordinates": [7.5936, 51.4389]}
LINE = {"type": "LineString", "coordinates": [[7.5, 51.4], [7.6, 51.5]]}

# Every kind of attribute, and of each kind something that stays hidden.
ALL = {
    "id": A, "type": "WaterObserved", "scope": "/geheim",
    "waterLevel": [
	{"type": "Property", "value": 1.5, "unitCode": "MTR",
	    "observedAt": AT, "secret": {"type": "Property", "value": 1}},
	{"type": "Property", "value": 1.6, "datasetId": D,
	    "createdAt": AT}],
    "flow": {"type": "Property", "value": 47, "createdAt": AT,
	"accuracy": {"type": "Property", "value": 0.5, "secret": 1}},
    "location": {"type": "GeoProperty", "value": PLACE,
	"secret": {"type": "Property", "value": 1}},
    "course": {"type": "GeoProperty", "value": LINE, "observedAt": AT},
    "refDevice": {"type": "Relationship", "object": "urn:ngsi-ld:Device:1",
	"objectType": "Secret"},
    "label": {"type": "LanguageProperty", "languageMap": {"de": "Pegel",
	"en": "gauge", "nl": ["peil", "meter"]}, "observedAt": AT},
    "raw": {"type": "JsonProperty", "json": {"value": 1, "a": [None]}},
    "state": {"type": "VocabProperty", "vocab": "waterLevel"},
    "series": {"type": "ListProperty", "valueList": [1, 2, 3]},
    "near": {"type": "ListRelationship", "objectList": [
	{"object": "urn:ngsi-ld:Device:2"}]},
    "address": {"type": "Property", "value": {"type": "PostalAddress",
	"addressLocality": "Schwerte"}},
    "odd": {"type": "Property", "value": {"value": 7}},
    "hidden": {"type": "Property", "value": 1},
    "home": {"type": "GeoProperty", "value": {"type": "Point",
	"coordinates": [1, 2]}},
}
SHOWN = [k for k in ALL if k not in ("id", "type", "scope", "hidden", "home")]

NORMALIZED = {
    "id": A, "type": "WaterObserved",
    "waterLevel": [
	{"type": "Property", "value": 1.5, "unitCode": "MTR",
	    "observedAt": AT},
	{"type": "Property", "value": 1.6, "datasetId": D}],
    "flow": {"type": "Property", "value": 47, "accuracy":
	{"type": "Property", "value": 0.5, "secret": 1}},
    "location": {"type": "GeoProperty", "value": PLACE},
    "course": {"type": "GeoProperty", "value": LINE, "observedAt": AT},
    "refDevice": {"type": "Relationship", "object": "urn:ngsi-ld:Device:1"},
    "label": {"type": "LanguageProperty", "languageMap": {"de": "Pegel",
	"en": "gauge", "nl": ["peil", "meter"]}, "observedAt": AT},
    "raw": {"type": "JsonProperty", "json": {"value": 1, "a": [None]}},
    "state": {"type": "VocabProperty", "vocab": "waterLevel"},
    "series": {"type": "ListProperty", "valueList": [1, 2, 3]},
    "near": {"type": "ListRelationship", "objectList": [
	{"object": "urn:ngsi-ld:Device:2"}]},
    "address": {"type": "Property", "value": {"type": "PostalAddress",
	"addressLocality": "Schwerte"}},
    "odd": {"type": "Property", "value": {"value": 7}},
}
SIMPLE = {
    "id": A, "type": "WaterObserved",
    "waterLevel": {"dataset": {"@none": 1.5, D: 1.6}},
    "flow": 47, "location": PLACE, "course": LINE,
    "refDevice": "urn:ngsi-ld:Device:1",
    "label": {"languageMap": {"de": "Pegel", "en": "gauge",
	"nl": ["peil", "meter"]}},
    "raw": {"json": {"value": 1, "a": [None]}},
    "state": {"vocab": "waterLevel"},
    "series": {"valueList": [1, 2, 3]},
    "near": {"objectList": [{"object": "urn:ngsi-ld:Device:2"}]},
    "address": {"type": "PostalAddress", "addressLocality": "Schwerte"},
    "odd": {"value": 7},
}
CONCISE = {
    "id": A, "type": "WaterObserved",
    "waterLevel": [{"value": 1.5, "unitCode": "MTR", "observedAt": AT},
	{"value": 1.6, "datasetId": D}],
    "flow": {"value": 47, "accuracy": {"value": 0.5, "secret": 1}},
    "location": PLACE, "course": {"value": LINE, "observedAt": AT},
    "refDevice": {"object": "urn:ngsi-ld:Device:1"},
    "label": {"languageMap": {"de": "Pegel", "en": "gauge",
	"nl": ["peil", "meter"]}, "observedAt": AT},
    "raw": {"json": {"value": 1, "a": [None]}},
    "state": {"vocab": "waterLevel"},
    "series": {"valueList": [1, 2, 3]},
    "near": {"objectList": [{"object": "urn:ngsi-ld:Device:2"}]},
    "address": {"type": "PostalAddress", "addressLocality": "Schwerte"},
    "odd": {"value": {"value": 7}},
}
FORMS = [("", NORMALIZED), ("options=normalized", NORMALIZED),
    ("format=normalized", NORMALIZED), ("options=keyValues", SIMPLE),
    ("options=simplified", SIMPLE), ("format=keyValues", SIMPLE),
    ("format=simplified", SIMPLE), ("options=concise", CONCISE),
    ("format=concise", CONCISE), ("format=concise&options=keyValues", CONCISE)]


def fixtures(city):
	path = os.path.join(SRC, "contrib/demo/data", city + ".json")
	with open(path, encoding="utf-8") as f:
		return [json.dumps(e).encode() for e in json.load(f)]


def setup():
	types = ["WaterObserved", "FloodMonitoring", "AirQualityObserved",
	    "OffStreetParking"]
	w = World("representations", {
	    "schwerte": Broker(fixtures("schwerte")),
	    "kreis": Broker(fixtures("kreis-unna") +
		[json.dumps(ALL).encode()])}, limits='body = "64KiB"')
	r = tenants()
	r += source("schwerte-broker", "schwerte", w.brokers["schwerte"], types)
	r += source("kreis-broker", "kreis-unna", w.brokers["kreis"], types)
	gauges = "name, location, dateObserved, waterLevel, currentLevel"
	r += agreement("s-f", "schwerte", "froendenberg",
	    "schwerte-broker-data", {
		"WaterObserved": "allow = {%s}" % gauges,
		"FloodMonitoring": "allow = {%s}" % gauges,
		"OffStreetParking": "allow = {name, address, "
		    "availableSpotNumber}"})
	r += agreement("k-f", "kreis-unna", "froendenberg",
	    "kreis-broker-data", {
		"WaterObserved": "allow = {%s, \"flow.accuracy\"}" %
		    ", ".join(SHOWN),
		"AirQualityObserved": "allow = {pm10, no2, location}"})
	r += agreement("k-h", "kreis-unna", "holzwickede",
	    "kreis-broker-data", {"WaterObserved": "allow = {waterLevel}"})
	w.apply(r)
	w.start()
	return w


def get(w, path, accept=JSON, tenant="froendenberg", **headers):
	fields = {"Accept": accept}
	fields.update({k.replace("_", "-"): v for k, v in headers.items()})
	return w.ask(tenant, path, headers=fields)


def one(w, query="", accept=JSON, **headers):
	return get(w, ENTITIES + "/" + A + ("?" + query if query else ""),
	    accept, **headers)


def post(w, body, query="", type=JSON, accept=JSON, tenant="froendenberg",
    link=None, fields=(), raw=False, method="POST"):
	"""A query in a body; its Link goes with application/json only."""
	h = {"Accept": accept, "Hub-Purpose": "hochwasserschutz",
	    "Authorization": "Bearer " + w.token(tenant)}
	if type:
		h["Content-Type"] = type
	if link is None:
		link = type != LD
	if link:
		h["Link"] = LINK
	h.update(dict(fields))
	if not raw and body is not None:
		body = json.dumps(body)
	c = w.connect()
	c.request(method, POST + query, body=body, headers=h)
	r = c.getresponse()
	a = Answer(r, r.read(), 0)
	c.close()
	return a


def query(**members):
	return dict({"type": "Query"}, **members)


GAUGES = query(entities=[{"type": "WaterObserved"}])


@test
def shows_every_kind_in_every_form(w):
	for form, want in FORMS:
		same(one(w, form).ok().json(), want, form)
		found = get(w, "?type=WaterObserved&id=%s&%s" % (A, form))
		same(found.ok().json(), [want], "query " + form)


@test
def shows_one_language(w):
	for lang, key, value in (("de", "de", "Pegel"), ("de-AT", "de",
	    "Pegel"), ("fr,nl;q=0.5,en;q=0.2", "nl", ["peil", "meter"]),
	    ("fr", "en", "gauge"), ("*", "en", "gauge")):
		a = one(w, "lang=" + lang).ok().json()
		same(a.pop("label"), {"type": "Property", "value": value,
		    "lang": key, "observedAt": AT}, lang)
		rest = dict(NORMALIZED)
		del rest["label"]
		same(a, rest, lang)
		same(one(w, "options=concise&lang=" + lang).json()["label"],
		    {"value": value, "lang": key, "observedAt": AT}, lang)
		same(one(w, "options=keyValues&lang=" + lang).json()["label"],
		    value, lang)
		a = post(w, query(entities=[{"id": A, "type":
		    "WaterObserved"}], lang=lang), "?options=keyValues")
		same(a.ok().json()[0]["label"], value, "body " + lang)


def feature(form, place=PLACE):
	properties = dict(form)
	return {"id": properties.pop("id"), "type": "Feature",
	    "geometry": place, "properties": properties}


@test
def is_geojson(w):
	for form, want in FORMS:
		a = one(w, form, GEO).ok()
		same(a.one("Content-Type"), GEO, form)
		check("ld#context" not in str(a.all("Link")), a.all("Link"))
		same(a.json(), dict(feature(want), **{"@context": CONTEXT}),
		    form)
	a = one(w, "options=keyValues", GEO, Prefer="body=json").ok()
	same(a.json(), feature(SIMPLE), "without @context")
	check("<%s>" % CONTEXT in str(a.all("Link")), a.all("Link"))
	a = get(w, "?type=WaterObserved&options=concise&id=" + A, GEO).ok()
	same(a.json(), {"type": "FeatureCollection", "features":
	    [feature(CONCISE)], "@context": CONTEXT}, "collection")
	a = get(w, "?type=WaterObserved&options=concise&id=" + A, GEO,
	    Prefer="handling=strict, body=json").ok()
	same(a.json(), {"type": "FeatureCollection", "features":
	    [feature(CONCISE)]}, "collection without @context")
	a = get(w, "?type=WaterObserved&id=urn:x:none", GEO).ok()
	same(a.json(), {"type": "FeatureCollection", "features": [],
	    "@context": CONTEXT}, "nothing")


@test
def takes_the_geometry_from_the_view(w):
	for query, want in (
	    ("geometryProperty=course", LINE),
	    ("geometryProperty=location", PLACE),
	    ("geometryProperty=home", None),	# not released
	    ("geometryProperty=flow", None),	# no place
	    ("geometryProperty=gibtesnicht", None),
	    ("attrs=flow", None),		# not asked for
	    ("pick=id,flow", None),
	    ("omit=location", None),
	    ("omit=location&geometryProperty=course", LINE),
	):
		a = one(w, query + "&options=keyValues", GEO).ok().json()
		same(a["geometry"], want, query)
		check("home" not in a["properties"], a)
	a = get(w, ENTITIES + "/" + A, GEO, tenant="holzwickede").ok().json()
	same(a["geometry"], None, "geometry without an agreement")
	same(sorted(a["properties"]), ["type", "waterLevel"], "properties")


def simple_of(attr):
	"""What a simplified attribute must be, from its normalized form."""
	if isinstance(attr, list):
		return {"dataset": {i.get("datasetId", "@none"): simple_of(i)
		    for i in attr}}
	for kind in ("value", "object"):
		if kind in attr:
			return attr[kind]
	return {k: v for k, v in attr.items() if k not in ("type",
	    "observedAt", "unitCode", "datasetId")}


def values_of(attr):
	"""The values of a concise or normalized attribute."""
	if isinstance(attr, list):
		return [values_of(i) for i in attr]
	if isinstance(attr, dict):
		for kind in ("value", "object", "languageMap", "json", "vocab",
		    "valueList", "objectList"):
			if kind in attr:
				return [attr.get("observedAt"),
				    attr.get("unitCode"),
				    attr.get("datasetId"), attr[kind]]
	return [None, None, None, attr]


@test
def shows_equal_values_of_all_that_is_released(w):
	for type in ("WaterObserved", "FloodMonitoring", "AirQualityObserved",
	    "OffStreetParking"):
		path = "?type=%s&limit=100" % type
		full = get(w, path).ok().json()
		check(full, type)
		simple = get(w, path + "&options=keyValues").ok().json()
		concise = get(w, path + "&options=concise").ok().json()
		geo = get(w, path + "&options=keyValues", GEO).ok().json()
		for e, s, c, g in zip(full, simple, concise, geo["features"]):
			names = set(e) - {"id", "type"}
			same(set(s), set(e), e["id"])
			same(set(c), set(e), e["id"])
			for n in names:
				same(s[n], simple_of(e[n]), e["id"])
				same(values_of(c[n]), values_of(e[n]), e["id"])
			same(dict(g["properties"], id=g["id"]), s, e["id"])
			same(g["geometry"], s.get("location"), e["id"])
		same((len(full),) * 3, (len(simple), len(concise),
		    len(geo["features"])), type)


@test
def answers_a_body_like_a_url(w):
	for url, body, page in (
	    ("type=WaterObserved", GAUGES, ""),
	    ("type=WaterObserved", GAUGES, "&limit=3&offset=2&count=true"),
	    ("type=WaterObserved,OffStreetParking", query(entities=[
		{"type": "WaterObserved"}, {"type": "OffStreetParking"}]),
		"&options=concise"),
	    ("type=WaterObserved&q=waterLevel>1.3", query(entities=[
		{"type": "WaterObserved"}], q="waterLevel>1.3"),
		"&options=keyValues"),
	    ("type=WaterObserved&attrs=flow,location", query(entities=[
		{"type": "WaterObserved"}], attrs=["flow", "location"]), ""),
	    ("type=WaterObserved&id=" + A, query(entities=[{"id": A,
		"type": "WaterObserved"}]), "&format=concise"),
	    ("type=WaterObserved&georel=near;maxDistance==2000&geometry=Point"
		"&coordinates=%5B7.5936,51.4389%5D", query(entities=[
		{"type": "WaterObserved"}], geoQ={
		"georel": "near;maxDistance==2000", "geometry": "Point",
		"coordinates": [7.5936, 51.4389]}), "&options=sysAttrs"),
	):
		for accept in (JSON, LD, GEO):
			a = get(w, "?" + url.replace(">", "%3E") + page,
			    accept).ok()
			b = post(w, body, "?" + page[1:] if page else "",
			    accept=accept).ok()
			same(b.body, a.body, "%s %s" % (url, accept))
			check(a.json(), url)
			for name in ("Content-Type", "NGSILD-Results-Count"):
				same(b.all(name), a.all(name), name)
	same(len(get(w, "?type=WaterObserved&limit=3").json()), 3, "page")


@test
def takes_the_context_from_the_body(w):
	want = get(w, "?type=WaterObserved").ok().body
	for context in (CONTEXT, [CONTEXT], [CONTEXT, CORE]):
		a = post(w, dict(GAUGES, **{"@context": context}), type=LD)
		same(a.ok().body, want, "answer under %s" % context)
		check("<%s>" % CONTEXT in str(a.all("Link")), a.all("Link"))
	a = post(w, dict(GAUGES, **{"@context": CORE}), type=LD).ok()
	same(a.json(), [], "the core has no such type")
	iri = TERMS["WaterObserved"]
	a = post(w, query(entities=[{"type": iri, "id": A}]), link=False).ok()
	same([e["type"] for e in a.json()], [iri], "under the core")


@test
def books_a_body_as_a_query(w):
	a = post(w, GAUGES).ok()
	rows = wait_for(lambda: w.sql("SELECT operation, http_status, "
	    "decision, entities FROM ledger.event WHERE class = 'access' AND "
	    "request_id = '%s'" % a.one("Request-Id")), 20, "the record")
	same(rows, [["1", "200", "1", str(len(a.json()))]], "record")


@test
def pages_a_body(w):
	seen, offset = [], 0
	total = int(post(w, GAUGES, "?count=true").one("NGSILD-Results-Count"))
	while True:
		a = post(w, GAUGES, "?limit=4&offset=%d" % offset).ok()
		seen += a.ids()
		links = str(a.all("Link"))
		same("rel=\"next\"" in links, len(seen) < total, "next")
		same("rel=\"prev\"" in links, offset > 0, "prev")
		if len(seen) >= total:
			break
		check("<%s?limit=4&offset=%d>" % (POST, offset + 4) in links,
		    links)
		offset += 4
	same(seen, sorted(set(seen)), "pages")
	check(total > 8, total)


@test
def applies_policy_in_every_form(w):
	for tenant, names in (("holzwickede", {"id", "type", "waterLevel"}),
	    ("dortmund", set())):
		for form, _ in FORMS:
			for accept in (JSON, LD):
				a = get(w, "?type=WaterObserved&limit=100&" +
				    form, accept, tenant).ok().json()
				b = post(w, GAUGES, "?limit=100&" + form,
				    accept=accept, tenant=tenant).ok().json()
				same(b, a, form)
				same(set().union(*a) - {"@context"}, names,
				    form)
	for hidden in (b"hidden", b"home", b"secret", b"geheim"):
		for form in ("", "options=concise,sysAttrs",
		    "options=keyValues,sysAttrs", "options=sysAttrs&lang=de"):
			for accept in (JSON, LD, GEO):
				a = get(w, "?type=WaterObserved&omit=flow&"
				    "limit=100&" + form, accept).ok()
				check(hidden not in a.body, a.body[:300])
	# What is hidden answers no question in a body either.
	a = post(w, query(entities=[{"type": "WaterObserved"}],
	    q="hidden==1")).ok()
	same(a.json(), [], "q on what is hidden")


@test
def chooses_the_media_type(w):
	for accept, want in (
	    (JSON, JSON), (LD, LD), (GEO, GEO), ("*/*", JSON),
	    ("application/*", JSON), ("APPLICATION/GEO+JSON", GEO),
	    (GEO + ", " + JSON, JSON), (GEO + ", " + LD, LD),
	    (GEO + ";q=0.9, " + JSON + ";q=0.8", GEO),
	    (GEO + ", */*;q=0.1", GEO), (LD + ";q=0.05, " + GEO + ";q=0.06",
		GEO), (GEO + ";q=0, */*", JSON),
	    (JSON + ";q=0, */*;q=0.3", LD), ("text/html, */*;q=0.8", JSON),
	    (GEO + ";q=0.333, " + LD + ";Q=0.334", LD),
	):
		a = one(w, "", accept).ok()
		same(a.one("Content-Type"), want, accept)
		same(post(w, GAUGES, accept=accept).ok().one("Content-Type"),
		    want, accept)
	for accept in ("text/html", "application/xml", GEO + ";q=0",
	    JSON + ";q=0", GEO + ";q=2", "", "application/geo"):
		a = one(w, "", accept).ok(406)
		for name in (JSON, LD, GEO):
			check(name in a.json()["detail"], a.body)
	same(get(w, ROOT + "/types", GEO).status, 406, "types have no place")


@test
def refuses_other_bodies(w):
	good = json.dumps(GAUGES)
	ld = json.dumps(dict(GAUGES, **{"@context": CONTEXT}))
	for text, status, word, more in (
	    (good, 415, "application/ld+json", {"type": "text/plain"}),
	    (good, 415, "application/json", {"type": None}),
	    (good, 415, "Content-Encoding", {"fields":
		[("Content-Encoding", "gzip")]}),
	    (good, 415, "Content-Type", {"type":
		"application/merge-patch+json"}),
	    ("", 400, "not JSON", {}),
	    ("{", 400, "not JSON", {}),
	    (good + "x", 400, "not JSON", {}),
	    (good[:-1] + ',"type":"Query"}', 400, "not JSON", {}),
	    ("[]", 400, "no Query", {}),
	    ("7", 400, "no Query", {}),
	    ("{}", 400, "Query", {}),
	    ('{"type":"Query"}', 400, "", {}),
	    ('{"type":"Query","frob":1}', 400, "frob", {}),
	    ('{"type":"Query","a":' + "[" * 40 + "]" * 40 + "}", 400,
		"deeply", {}),
	    ('{"type":"Query","a":[' + "1," * 30000 + "1]}", 400, "", {}),
	    (ld, 400, "needs application/ld+json", {}),
	    (good, 400, "needs @context", {"type": LD}),
	    (ld, 400, "none in Link", {"type": LD, "link": True}),
	    (json.dumps(dict(GAUGES, **{"@context": "https://x.example/"})),
		503, "region", {"type": LD}),
	    (json.dumps(dict(GAUGES, **{"@context": {"a": "https://x/"}})),
		503, "region", {"type": LD}),
	    (json.dumps(query(entities=[{"type": "WaterObserved"}],
		csf="a==")), 400, "value", {}),
	):
		a = post(w, text, raw=True, **more).ok(status)
		check(word in a.json()["detail"], a.body)
		same(a.one("Content-Type"), JSON, "problem")
	same(post(w, "x" * 70000, raw=True).status, 413, "large")
	same(post(w, good, "?q=a", raw=True).status, 400, "q in the URL")
	same(post(w, good, "?limit=1001", raw=True).status, 403, "limit")
	a = post(w, good + " ", raw=True, type=JSON + "; charset=utf-8")
	same(a.status, 200, "a parameter of the type")


@test
def wants_a_length(w):
	head = "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " \
	    "%s\r\nHub-Purpose: hochwasserschutz\r\nLink: %s\r\n" \
	    "Content-Type: application/json\r\n" % (POST,
	    w.token("froendenberg"), LINK)
	got, _ = w.raw((head + "\r\n").encode())
	check(got.startswith(b"HTTP/1.1 411 "), got[:300])
	text = json.dumps(GAUGES)
	got, _ = w.raw((head + "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s"
	    "\r\n0\r\n\r\n" % (len(text), text)).encode())
	check(got.startswith(b"HTTP/1.1 200 "), got[:300])
	check(A.encode() in got, got[:300])


@test
def takes_post_alone(w):
	for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH"):
		a = post(w, None, method=method, type=None).ok(405)
		same(a.one("Allow"), "POST", method)
	a = w.ask("froendenberg", ENTITIES, method="POST")
	check(a.status in (405, 501), a.status)
	same(w.ask(None, POST, method="POST", headers=[("Content-Type", JSON),
	    ("Content-Length", "0")]).status, 401, "without a token")


main(setup)
