#!/usr/bin/env python3
# federation.t - three providers, one answer: what is agreed, and no more.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

V = "urn:ngsi-ld:WaterObserved:Ruhr-Villigst"
W = "urn:ngsi-ld:WaterObserved:Ruhr-Westhofen"
E = "urn:ngsi-ld:WaterObserved:Emscher-Holzwickede"
T = "2026-11-22T17:%d:00Z"
P = "urn:ngsi-ld:OffStreetParking:Schwerte-Bahnhof"
FAR = "urn:ngsi-ld:WaterObserved:Lippe-Luenen"


def build(w, **more):
	b = w.brokers
	r = tenants(**more)
	r += source("dortmund-broker", "dortmund", b["dortmund"],
	    ["WaterObserved"])
	r += source("schwerte-broker", "schwerte", b["schwerte"],
	    ["WaterObserved", "OffStreetParking"])
	r += source("unna-broker", "kreis-unna", b["unna"], ["WaterObserved"])
	allow = "allow = {waterLevel, flow, location, exact, wide, tiny, " \
	    "escaped, unescaped, stationName, licensePlate}"
	r += agreement("d-f", "dortmund", "froendenberg",
	    "dortmund-broker-data", {"WaterObserved": allow})
	r += agreement("s-f", "schwerte", "froendenberg",
	    "schwerte-broker-data", {"WaterObserved":
	    allow + " inside = {schwerte} without-location = drop"})
	r += agreement("u-f", "kreis-unna", "froendenberg",
	    "unna-broker-data", {"WaterObserved": allow})
	# Both purposes make "the only one" ambiguous for Fröndenberg.
	r += agreement("s-f-verkehr", "schwerte", "froendenberg",
	    "schwerte-broker-data", {"OffStreetParking":
	    "allow = {availableSpotNumber}"}, purpose="verkehr")
	# A draft: the provider has not signed.
	r += agreement("s-h", "schwerte", "holzwickede",
	    "schwerte-broker-data", {"OffStreetParking":
	    "allow = {availableSpotNumber}"}, purpose="verkehr",
	    signed='"holzwickede:b"')
	r += 'forbid kennzeichen { attribute = licensePlate  reason = "DSGVO" }\n'
	return r


def setup():
	w = World("federation", {
	    "dortmund": Broker([
		ent(W, "WaterObserved", waterLevel=prop("188", T % 15, "CMT"),
		    location=point(7.5262, 51.4216),
		    stationName=prop('"Westhofen"')),
		ent(E, "WaterObserved", waterLevel=prop("61", T % 30, "CMT"),
		    location=point(7.62, 51.50), refDevice=prop('"geheim"'),
		    licensePlate=prop('"UN-X 1"')),
	    ]),
	    "schwerte": Broker([
		ent(V, "WaterObserved", waterLevel=prop("142", T % 45, "CMT"),
		    location=point(7.5936, 51.4389),
		    exact=prop("21.10"), wide=prop("12345678901234567890"),
		    tiny=prop("1e-7"), escaped=prop('"\\u00e4 \\u00DF"'),
		    unescaped=prop('"äöü ß"'), refDevice=prop('"geheim"')),
		ent(W, "WaterObserved", waterLevel=prop("1.91", T % 50, "MTR"),
		    flow=prop("47.0", T % 50), location=point(7.5262, 51.4216)),
		ent(FAR, "WaterObserved", waterLevel=prop("3", T % 50),
		    location=point(7.52, 51.62)),
		ent(P, "OffStreetParking", availableSpotNumber=prop("12"),
		    licensePlate=prop('"UN-AB 12"'),
		    createdAt='"2026-11-01T00:00:00Z"'),
	    ]),
	    "unna": Broker([
		ent(V, "WaterObserved", waterLevel=prop("1.40", T % 30, "MTR"),
		    stationName=prop('"Villigst"')),
		ent(E, "WaterObserved", waterLevel=prop("0.6"),
		    location=point(7.62, 51.50)),
	    ])})
	w.apply(build(w))
	w.start()
	return w


GAUGES = "?type=WaterObserved"


@test
def merges_the_gauges_of_three_providers(w):
	a = w.ask("froendenberg", GAUGES).ok()
	same(a.ids(), sorted([V, W, E]), "ids")
	e = {x["id"]: x for x in a.json()}
	same(e[V]["waterLevel"], {"type": "Property", "value": 142,
	    "unitCode": "CMT", "observedAt": T % 45}, "newest, with its unit")
	same(e[V]["stationName"]["value"], "Villigst", "from Kreis Unna")
	same(e[W]["waterLevel"]["value"], 1.91, "Schwerte is newer")
	same(e[W]["waterLevel"]["unitCode"], "MTR", "its unit")
	same(e[W]["stationName"]["value"], "Westhofen", "from Dortmund")
	same(e[E]["waterLevel"]["value"], 61, "with observedAt beats without")
	same(a.warnings(), {}, "warnings")
	same(sorted(a.all("Hub-Agreement")), ["d-f;v=1", "s-f;v=1", "u-f;v=1"],
	    "Hub-Agreement")
	check(len([x for x in a.all("Link") if 'rel="license"' in x]) == 3,
	    "a licence for each provider: %r" % a.all("Link"))


@test
def gives_only_agreed_attributes_and_places(w):
	a = w.ask("froendenberg", GAUGES).ok()
	for word in (b"refDevice", b"geheim", b"licensePlate", FAR.encode()):
		check(word not in a.body, "in the answer: %r" % word)


@test
def gives_nothing_without_agreement_and_asks_nobody(w):
	for b in w.brokers.values():
		b.forget()
	a = w.ask("holzwickede", GAUGES).ok()
	same(a.body, b"[]", "body")
	same(a.warnings(), {}, "warnings")
	same(a.all("Hub-Agreement"), [], "Hub-Agreement")
	same(sum(len(b.asked()) for b in w.brokers.values()), 0, "asked")
	a = w.ask("holzwickede", GAUGES + "&count=true&limit=0").ok()
	same(a.one("NGSILD-Results-Count"), "0", "count")


@test
def gives_nothing_under_a_draft(w):
	a = w.ask("holzwickede", "?type=OffStreetParking", "verkehr").ok()
	same(a.body, b"[]", "body")


@test
def gives_own_data_in_full(w):
	a = w.ask("schwerte", "?type=OffStreetParking", None).ok()
	e = a.json()
	same([x["id"] for x in e], [P], "ids")
	same(e[0]["licensePlate"]["value"], "UN-AB 12", "forbid binds others")
	check(b"createdAt" not in a.body, "createdAt without sysAttrs")
	a = w.ask("schwerte", "?type=OffStreetParking&options=sysAttrs", None)
	same(a.ok().json()[0].get("createdAt"), "2026-11-01T00:00:00Z",
	    "createdAt with sysAttrs")
	a = w.ask("schwerte", GAUGES, None).ok()
	check(FAR in a.ids() and b"refDevice" in a.body,
	    "all gauges with all attributes")


@test
def binds_what_it_gives_to_the_purpose(w):
	a = w.ask("froendenberg", "?type=OffStreetParking", "verkehr").ok()
	same(a.json(), [{"id": P, "type": "OffStreetParking",
	    "availableSpotNumber": {"type": "Property", "value": 12}}],
	    "for traffic")
	a = w.ask("froendenberg", "?type=OffStreetParking").ok()
	same(a.body, b"[]", "for flood protection")


@test
def wants_a_purpose_it_can_allow(w):
	a = w.ask("froendenberg", GAUGES, None).ok(400)
	check(a.json()["type"].endswith("purpose-required"), a.body)
	bodies = set()
	for p in ("gibtesnicht", "ungenannt"):
		a = w.ask("froendenberg", GAUGES, p).ok(403)
		body = a.json()
		body.pop("instance")
		bodies.add(json.dumps(body))
	same(len(bodies), 1, "bodies of unknown and out of scope")
	a = w.ask(None, GAUGES, token=w.token("froendenberg",
	    scope="hub.read purpose:verkehr")).ok(403)
	a = w.ask(None, GAUGES, token=w.token("froendenberg",
	    scope="purpose:hochwasserschutz")).ok(403)


@test
def keeps_values_byte_for_byte(w):
	a = w.ask("froendenberg", GAUGES + "&id=" + V).ok()
	for text in (b'"value":21.10', b'"value":12345678901234567890',
	    b'"value":1e-7', b'"value":"\\u00e4 \\u00DF"',
	    '"value":"äöü ß"'.encode()):
		check(text in a.body, "%r not in %r" % (text, a.body))
	a = w.ask("froendenberg", GAUGES + "&id=" + V + "&options=keyValues")
	for text in (b'"exact":21.10', b'"wide":12345678901234567890',
	    b'"tiny":1e-7', b'"escaped":"\\u00e4 \\u00DF"'):
		check(text in a.ok().body, "%r not in %r" % (text, a.body))
	same(a.json()[0]["waterLevel"], 142, "simplified")


@test
def counts_and_pages_the_merged_view(w):
	a = w.ask("froendenberg", GAUGES + "&count=true&limit=2").ok()
	ids = a.ids()
	same(len(ids), 2, "first page")
	same(a.one("NGSILD-Results-Count"), "3", "count")
	follow = [x for x in a.all("Link") if 'rel="next"' in x]
	same(len(follow), 1, "next: %r" % a.all("Link"))
	url = follow[0].split(">")[0].lstrip("<")
	b = w.ask("froendenberg", url).ok()
	same(sorted(ids + b.ids()), sorted([V, W, E]), "both pages")
	check(not [x for x in b.all("Link") if 'rel="next"' in x], "a next")
	check([x for x in b.all("Link") if 'rel="prev"' in x], "no prev")
	a = w.ask("froendenberg", GAUGES + "&limit=0&count=true").ok()
	same((a.body, a.one("NGSILD-Results-Count")), (b"[]", "3"), "limit=0")
	a = w.ask("froendenberg", GAUGES + "&limit=1001").ok(403)
	same(a.json()["type"].rsplit("/", 1)[1], "TooManyResults", "type")
	a = w.ask("froendenberg", GAUGES + "&offset=3").ok()
	same(a.body, b"[]", "behind the end")


@test
def selects_by_id_pattern_q_and_place(w):
	for query, want in (
	    ("&id=" + V, [V]),
	    ("&id=%s,%s" % (V, E), [E, V]),
	    ("&id=" + FAR, []),
	    ("&id=urn:ngsi-ld:WaterObserved:none", []),
	    ("&idPattern=.*Ruhr.*", [V, W]),
	    ("&attrs=flow", [W]),
	    ("&q=waterLevel%3E100", [V]),
	    ("&q=waterLevel%3C2", [W]),
	    ("&q=waterLevel==142", [V]),
	    ("&q=refDevice", []),
	    ("&q=!refDevice", [E, V, W]),
	    ("&q=flow", [W]),
	    ("&georel=near;maxDistance==1000&geometry=Point&coordinates="
	    "%5B7.5262,51.4216%5D", [W]),
	    ("&georel=within&geometry=Polygon&coordinates=%5B%5B%5B7.55,51.4"
	    "%5D,%5B7.6,51.4%5D,%5B7.6,51.46%5D,%5B7.55,51.46%5D,%5B7.55,51.4"
	    "%5D%5D%5D", [V]),
	):
		a = w.ask("froendenberg", GAUGES + query).ok()
		same(a.ids(), want, query)
	# The losing, older value of Dortmund (188) must never match.
	same(w.ask("froendenberg", GAUGES + "&q=waterLevel==188").ids(), [],
	    "stale value")


@test
def projects_to_the_attributes_asked_for(w):
	a = w.ask("froendenberg", GAUGES + "&attrs=flow").ok().json()
	same([sorted(e) for e in a], [["flow", "id", "type"]], "members")
	a = w.ask("froendenberg", GAUGES + "&attrs=refDevice").ok()
	same(a.body, b"[]", "a hidden attribute")


@test
def retrieves_one_entity(w):
	a = w.ask("froendenberg", ENTITIES + "/" + V).ok()
	same(a.json()["waterLevel"]["value"], 142, "value")
	check("refDevice" not in a.json(), "refDevice")
	gone = w.ask("froendenberg", ENTITIES + "/" + FAR).ok(404)
	none = w.ask("froendenberg", ENTITIES + "/" + FAR + "x").ok(404)

	def but_for_ids(x):
		return {k: v for k, v in x.json().items() if k != "instance"}
	same(but_for_ids(gone), but_for_ids(none), "hidden and absent")
	same(sorted(k for k, v in gone.fields), sorted(k for k, v in
	    none.fields), "header of hidden and absent")


@test
def answers_head_like_get(w):
	for path in (GAUGES, ENTITIES + "/" + V, ENTITIES + "/urn:x:none"):
		g = w.ask("froendenberg", path)
		h = w.ask("froendenberg", path, method="HEAD")
		same(h.body, b"", "body of HEAD")
		drop = ("request-id", "date")
		if g.status != 200:	# the body names the request
			drop += ("etag",)
		same(h.status, g.status, "status")
		same([f for f in h.fields if f[0].lower() not in drop],
		    [f for f in g.fields if f[0].lower() not in drop], path)


@test
def holds_nothing_itself(w):
	same(w.ask("froendenberg", "?type=WaterObserved&local=true").ok().body,
	    b"[]", "local=true")
	same(w.ask("froendenberg", "?type=*").ok().body, b"[]", "type=*")


@test
def refuses_what_it_does_not_know(w):
	for query, code in (
	    ("?type=WaterObserved&foo=1", 400),
	    ("?type=WaterObserved&type=FloodMonitoring", 400),
	    ("?type=WaterObserved&attrs=a&attrs=b", 400),
	    ("?type=WaterObserved&limit=-1", 400),
	    ("?type=WaterObserved&limit=x", 400),
	    ("?type=WaterObserved&count=1", 400),
	    ("?type=WaterObserved&q=(((", 400),
	    ("?type=WaterObserved&georel=near&geometry=Point&coordinates=x",
		400),
	    ("?type=WaterObserved&id=no%20uri", 400),
	    ("?type=WaterObserved&orderBy=waterLevel", 400),
	    ("?type=WaterObserved&idPattern=(a", 400),
	    ("", 400),
	    ("?type=WaterObserved&pick=waterLevel%7Ba%7D", 501),
	):
		a = w.ask("froendenberg", ENTITIES + query)
		check(a.status == code, "%s: %d, want %d: %r" % (query,
		    a.status, code, a.body))


@test
def names_no_context_it_does_not_know(w):
	for url in ("http://169.254.169.254/x", "file:///etc/passwd",
	    "https://elsewhere.example/c.jsonld"):
		a = w.ask("froendenberg", GAUGES, link=False, headers={
		    "Link": '<%s>; rel="http://www.w3.org/ns/json-ld#context"; '
		    'type="application/ld+json"' % url})
		a.ok(503)
	# Without a context, short names are those of the core: none of ours.
	a = w.ask("froendenberg", GAUGES, link=False).ok()
	same(a.body, b"[]", "type of another vocabulary")
	iri = "https://drehscheibe.example/terms/WaterObserved"
	a = w.ask("froendenberg", "?type=" + iri.replace(":", "%3A"),
	    link=False).ok()
	check(len(a.json()) == 3 and a.json()[0]["type"] == iri, a.body)


@test
def asks_sources_for_no_more_than_it_may(w):
	b = w.brokers["schwerte"]
	b.forget()
	w.ask("froendenberg", GAUGES, headers={"X-Userinfo": "evil",
	    "X-Forwarded-User": "evil", "Cookie": "a=evil"}).ok()
	asked = b.asked()
	same(len(asked), 1, "requests")
	text = "\n".join(asked[0])
	check("refDevice" not in text and "licensePlate" not in text, text)
	check("Authorization" not in text and "evil" not in text, text)
	check("local=" not in text, text)
	check(any(x.lower().startswith("via:") and
	    "hub.drehscheibe.example" in x for x in asked[0]), text)


@test
def serves_answers_as_ld(w):
	a = w.ask("froendenberg", GAUGES, headers={"Accept":
	    "application/ld+json"}).ok()
	check(a.one("Content-Type").startswith("application/ld+json"),
	    a.fields)
	check(all(CONTEXT in json.dumps(e["@context"]) for e in a.json()),
	    a.body)
	w.ask("froendenberg", GAUGES, headers={"Accept": "text/html"}).ok(406)


@test
def knows_every_answer_by_an_id(w):
	a = w.ask("froendenberg", GAUGES, headers={"X-Request-Id": "mine-1"})
	b = w.ask("froendenberg", GAUGES)
	check(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]"
	    r"[0-9a-f]{3}-[0-9a-f]{12}", a.one("Request-Id") or ""),
	    a.one("Request-Id"))
	check(a.one("Request-Id") != b.one("Request-Id"), "the same id twice")
	same(a.one("Client-Request-Id"), "mine-1", "echo")


main(setup)
