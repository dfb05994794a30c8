#!/usr/bin/env python3
# attack_query.t - asking for what is hidden (policy.md, Q1 to Q26): names,
# predicates, counts, places, patterns and bodies see the consumer's view alone.
import os
import sys
from urllib.parse import quote

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from attack import *

VIEW = [A, B, D]


def q(text):
	return Q + "&q=" + quote(text, safe="")


def found(w, rows, **more):
	"""rows: (query, ids); each alike whatever is hidden."""
	got = indifferent(w, [path for path, _ in rows], **more)
	for path, want in rows:
		same(got[path].ids(), want, path)


@attack
def q1_iris_are_names_like_others(w):
	iri = quote(TERM + "refDevice", safe="")
	for name in ("refDevice", iri):
		found(w, [(Q + "&attrs=" + name, []),
		    ("?attrs=" + name, []),
		    (Q + "&attrs=waterLevel,%s&limit=1" % name, [A]),
		    (Q + "&omit=" + name, VIEW)])
		for e in seek(w, Q + "&pick=id," + name).ok().json():
			same(sorted(e), ["id"], name)
	same(told(seek(w, Q + "&attrs=" + iri)),
	    told(seek(w, Q + "&attrs=" + quote("https://nobody.example/x",
		safe=""))), "as what nobody has")
	same(seek(w, q("<%s>" % (TERM + "refDevice"))).status, 400, "in q")


@attack
def q2_no_context_makes_hidden_names_harmless(w):
	h = link(OTHER)
	found(w, [(Q + "&attrs=harmless", []), (q("harmless"), []),
	    (q("!harmless"), VIEW), ("?attrs=harmless", []),
	    # waterLevel is the hidden one there.
	    (q("waterLevel"), []), (q("flow==142"), [A])], headers=h)
	for e in seek(w, Q, headers=h).ok().json():
		check("harmless" not in e and "waterLevel" not in e, e)
	for path in (ROOT + "/attributes/harmless",
	    ROOT + "/attributes/waterLevel"):
		same(seek(w, path, headers=h).status, 404, path)
	# And none is brought along.
	for context in ({"harmless": TERM + "refDevice"},
	    [CONTEXT, {"harmless": TERM + "refDevice"}], {"@vocab": TERM}):
		a = post(w, {"type": "Query", "entities": [{"type":
		    "WaterObserved"}], "attrs": ["harmless"], "@context":
		    context}, type="application/ld+json", Link="")
		check(a.status in (400, 503), "%d %r" % (a.status, a.body))


@attack
def q3_names_change_after_the_filter(w):
	a = seek(w, Q, headers=link(OTHER)).ok()
	e = {x["id"]: x for x in a.json()}
	# What was allowed bears its other name; the area was judged before.
	same(e[A]["flow"]["value"], 142, "the level")
	same([x for x in e[B] if x.endswith("terms/flow")], [TERM + "flow"],
	    "a name that is taken stays whole")
	same(a.ids(), VIEW, "ids")
	same(seek(w, "?type=harmless", headers=link(OTHER)).ids(), [],
	    "a type by the name of an attribute")
	for accept in ("application/json", "application/ld+json",
	    "application/geo+json"):
		seek(w, Q + "&options=keyValues", headers=dict(link(OTHER),
		    Accept=accept)).ok()


@attack
def q4_hidden_values_do_not_answer(w):
	rows = [(q("refDevice"), []), (q("!refDevice"), VIEW)]
	for text in ('refDevice=="x"', 'refDevice=="geheimnis-1"',
	    'refDevice!="geheimnis-1"', 'refDevice~="^g.*"',
	    'refDevice!~="^g"', "exact>0", "exact<=0", "scope", "createdAt",
	    "modifiedAt>1900-01-01T00:00:00Z", 'generation=="geheimnis"',
	    'licensePlate[de]=="geheimnis-de"', 'refDevice=="x";waterLevel'):
		rows.append((q(text), []))
	rows.append((q('refDevice~=".*a"|waterLevel==142'), [A]))
	rows.append((q("!refDevice;waterLevel<10"), [B]))
	found(w, rows)
	# Letter by letter, from both ends.
	for c in "abcdefghijklmnopqrstuvwxyz":
		for pattern in ("^%s", "%s", "[%s-z]"):
			same(seek(w, q('refDevice~="%s"' % pattern % c)).ids(),
			    [], pattern % c)


@attack
def q5_neither_do_hidden_parts_of_shown_values(w):
	found(w, [(q(t), []) for t in ("waterLevel.accuracy",
	    "waterLevel.accuracy==98765.4", "waterLevel.accuracy>0",
	    "waterLevel[accuracy]", "waterLevel[accuracy.value]==98765.4",
	    "waterLevel.refDevice", 'waterLevel.refDevice=="geheimnis-x"',
	    "waterLevel.modifiedAt", "waterLevel.modifiedAt<2000-01-01T00:"
	    "00:00Z", "waterLevel.createdAt", "metadata[geheimnis]",
	    "waterLevel.metadata[geheimnis]", "location[geheimnis]",
	    "refDevice.observedAt", "wide[coordinates]")])
	found(w, [(q("!waterLevel.accuracy"), VIEW),
	    (q("!waterLevel.refDevice"), VIEW)])


@attack
def q7_nothing_is_ordered(w):
	kinds = set()
	for more in ("orderBy=refDevice", "orderBy=waterLevel",
	    "orderBy=nobody", "orderBy=dist-asc&orderFrom=[7,51]",
	    "orderBy=wide&collation=de", "orderBy=refDevice&local=true",
	    "orderBy=refDevice;desc"):
		a = seek(w, Q + "&" + more)
		same(a.status, 400, more)
		kinds.add(told(a)[1].replace(b"orderFrom", b"orderBy"))
	check(len(kinds) <= 2, "tells names apart: %r" % kinds)
	same(seek(w, Q + "&local=true").ok().body, b"[]", "nothing is here")


@attack
def q8_counts_are_the_views(w):
	got = indifferent(w, [p + "&count=true" for p in (Q, Q + "&limit=0",
	    Q + "&limit=1&offset=1", Q + "&limit=2&offset=50", q("refDevice"),
	    Q + "&id=" + HIDDEN, "?type=OffStreetParking",
	    "?type=FloodMonitoring&limit=0", Q + "&scopeQ=/geheimnis/%23",
	    Q + "&idPattern=.*geheimnis", q("waterLevel==142") + "&limit=0",
	    Q + "&georel=near;maxDistance==90000&geometry=Point"
	    "&coordinates=[7.9,51.44]")])
	same([int(a.one("NGSILD-Results-Count")) for a in got.values()],
	    [3, 3, 3, 3, 0, 0, 0, 0, 0, 0, 1, 2], "counts")
	nobody = told(seek(w, "?type=Nobody&count=true"))
	same(told(got["?type=OffStreetParking&count=true"]), nobody,
	    "a hidden type")


EVIL = ("(a+)+$", "(a|a)*$", "(a*)*b", "([a-z]+)*!", "(.*a){20}")


@attack
def q9_id_patterns_stay_in_the_hub(w):
	forget(w)
	for p in EVIL:
		a = seek(w, Q + "&idPattern=" + quote(p, safe=""))
		check(a.status in (200, 400), "%s: %d" % (p, a.status))
		check(a.seconds < 2 * SLOW, "%s: %.1f s" % (p, a.seconds))
	for p in ("(a)\\1", "(?=a)", "(?<x>a)", "(?:a", "a{1000000}", "\\p{L}",
	    "a" * 5000):
		same(seek(w, Q + "&idPattern=" + quote(p, safe="")).status,
		    400, p[:20])
	same(seek(w, Q + "&idPattern=" + "a" * 10240).status, 414, "10 kB")
	same(seek(w, Q + "&idPattern=.*Observed:[ab]$").ids(), [A, B], "good")
	check(not [t for t in asked(w) if "attern" in t], asked(w))


@attack
def q10_patterns_in_q_stay_in_the_hub(w):
	w.brokers["schwerte"].entities = [ent(A, "WaterObserved",
	    stationName=prop('"%s!"' % ("a" * 30000)),
	    location=point(7.55, 51.44))]
	forget(w)
	for p in EVIL:
		a = seek(w, q('stationName~="%s"' % p))
		check(a.status in (200, 400), "%s: %d" % (p, a.status))
		check(a.seconds < 2 * SLOW, "%s: %.1f s" % (p, a.seconds))
	for p in ("(a)\\1", "(?=a)", "a" * 3000):
		same(seek(w, q('stationName~="%s"' % p)).status, 400, p[:20])
	check(not [t for t in asked(w) if "q=" in t], asked(w))


@attack
def q11_ids_do_not_name_types(w):
	liar = "urn:ngsi-ld:WaterObserved:liar"
	w.brokers["schwerte"].entities += [
	    # Called like what is shared, and something else.
	    ent(liar, "OffStreetParking", waterLevel=prop("98765.4"),
		location=point(7.55, 51.44)),
	    station("urn:ngsi-ld:Person:geheimnis", "1")]
	w.brokers["dortmund"].entities += [station(WATER + "geheimnis2", "1")]
	for id in (liar, HIDDEN, ELSEWHERE, LOT, WATER + "geheimnis2",
	    "urn:ngsi-ld:Person:geheimnis"):
		nobody = id.rsplit(":", 1)[0] + ":nobody"
		for more in ("", "?type=WaterObserved", "?attrs=waterLevel",
		    "?options=keyValues"):
			a = w.ask("froendenberg", ENTITIES + "/" + id + more)
			b = w.ask("froendenberg", ENTITIES + "/" + nobody +
			    more)
			same(a.status, 404, id + more)
			same(told(a), told(b), "as what nobody has: " + id)
		a = w.ask("froendenberg", Q + "&count=true&id=" + id)
		same(told(a), told(w.ask("froendenberg", Q +
		    "&count=true&id=" + nobody)), "in a list: " + id)


@attack
def q12_filters_are_applied_again(w):
	"""Orion-LD answered id=X&q=... without q: the hub looks itself."""
	for path, want in ((q("waterLevel>1000") + "&id=" + A, []),
	    (q("waterLevel==142") + "&id=" + A, [A]),
	    (q("waterLevel==7") + "&id=%s,%s" % (A, B), [B]),
	    (Q + "&id=%s&scopeQ=/a" % A, []),
	    (Q + "&id=%s&attrs=flow" % A, []),
	    (Q + "&id=%s&idPattern=b$" % A, []),
	    (Q + "&id=%s&georel=near;maxDistance==5&geometry=Point"
		"&coordinates=[7,51]" % A, [])):
		same(seek(w, path).ids(), want, path)


@attack
def q13_sources_are_asked_for_granted_types_only(w):
	for types, want in (("FloodMonitoring,Person", []),
	    ("OffStreetParking", []), ("(OffStreetParking;Person)", []),
	    ("*", []), ("FloodMonitoring%7CPerson", [])):
		forget(w)
		same(seek(w, "?type=" + types).ids(), want, types)
		same(asked(w), [], "asked for " + types)
	for types, want in (("WaterObserved,OffStreetParking", VIEW),
	    ("Person%7CWaterObserved", VIEW), ("(WaterObserved;Person)", []),
	    ("(WaterObserved,FloodMonitoring)", VIEW)):
		forget(w)
		same(seek(w, "?type=" + types).ids(), want, types)
		check(asked(w), "nobody was asked")
		for t in asked(w):
			check("Parking" not in t and "Flood" not in t and
			    "Person" not in t, t)
		same(asked(w, "kreis-unna"), [], "without an agreement")
	forget(w)
	same(seek(w, "?attrs=waterLevel").ids(), VIEW, "no type")
	same(asked(w, "kreis-unna"), [], "without an agreement")


@attack
def q14_parameters_mean_one_thing(w):
	for more in ("&attrs=flow&attrs=refDevice", "&attrs[]=refDevice",
	    "&Attrs=refDevice", "&ATTRS=x", "&type=OffStreetParking",
	    "&t%79pe=OffStreetParking", "&attr%2573=refDevice",
	    "&attrs%00=refDevice", "&%61ttrs=flow&attrs=flow", "&attrs;x=1",
	    "&attrs=%", "&attrs=%f", "&attrs=%ff", "&options=keyValues"
	    "&options=sysAttrs", "&refDevice="):
		same(seek(w, Q + more).status, 400, more)
	# One decoding: what is left of a second one names nothing, or is none.
	for more in ("&attrs=ref%2544evice", "&attrs=w%2561terLevel"):
		a = seek(w, Q + more)
		check(a.status == 400 or a.ids() == [], "%s: %r" % (more,
		    a.body))
	same(seek(w, Q + "&%61ttrs=w%61terLevel").ids(), VIEW, "decoded once")
	a = seek(w, q("stationName==%22Am+Steg%22"))
	same(told(a), told(seek(w, Q + "&q=stationName%3D%3D%2522Am%2BSteg"
	    "%2522")), "+ is a plus")


@attack
def q15_projections_show_no_more(w):
	for more, members in (
	    ("pick=refDevice", set()), ("pick=id,refDevice,accuracy", {"id"}),
	    ("pick=id,scope,createdAt,modifiedAt", {"id"}),
	    ("omit=id,type,waterLevel,flow,location", set()),
	    ("pick=id,refDevice&omit=id", set()),
	    ("omit=waterLevel", {"id", "type", "flow", "location"}),
	    ("attrs=waterLevel,refDevice&omit=waterLevel", {"id", "type"}),
	    ("pick=id,wide&options=sysAttrs,keyValues", {"id"})):
		for e in seek(w, Q + "&" + more).ok().json():
			check(set(e) <= members, "%s: %r" % (more, e))
	for more in ("pick=waterLevel%7Baccuracy%7D",
	    "pick=refDevice%7Bid%7D", "omit=refDevice%7Bid%7D"):
		check(seek(w, Q + "&" + more).status in (400, 501), more)


@attack
def q16_nothing_is_joined(w):
	forget(w)
	for more in ("join=inline", "join=flat&joinLevel=9", "joinLevel=2",
	    "containedBy=" + HIDDEN, "join=inline&containedBy=" + A,
	    "join=%40none"):
		a = seek(w, Q + "&" + more)
		check(a.status in (400, 501), "%s: %d" % (more, a.status))
		a = seek(w, ENTITIES + "/" + A + "?" + more)
		check(a.status in (400, 501), "%s: %d" % (more, a.status))
	a = post(w, {"type": "Query", "entities": [{"type": "WaterObserved"}],
	    "join": "inline", "joinLevel": 3})
	check(a.status in (400, 501), "in a body: %d" % a.status)
	same(asked(w), [], "asked")


@attack
def q17_only_known_options(w):
	forget(w)
	for more, codes in (("options=audit", (400, 501)),
	    ("options=sysAttrs,audit", (400, 501)), ("format=xml", (400,)),
	    ("options=count", (400,)), ("jsonKeys=waterLevel", (501,)),
	    ("expandValues=refDevice", (501,)), ("local=no", (400,)),
	    ("options=%00", (400,)), ("details=true", (400,)),
	    ("deleteAll=true", (400,)), ("entityMap=yes", (400,)),
	    ("onlyIds=true", (400, 501)), ("dataset=x", (400,))):
		a = seek(w, Q + "&" + more)
		check(a.status in codes, "%s: %d" % (more, a.status))
	same(asked(w), [], "asked")
	# csf asks of registrations what everybody may know.
	for csf in ('refDevice=="geheimnis-1"', 'owner=="kreis-unna"',
	    'title=="geheim-quelle"'):
		same(seek(w, Q + "&csf=" + quote(csf, safe="")).ids(), [], csf)
	same(asked(w, "kreis-unna"), [], "asked")
	a = seek(w, Q + "&options=sysAttrs").ok()
	check(b"createdAt" not in a.body and b"scope" not in a.body, a.body)
	same(seek(w, Q + "&local=false").ids(), VIEW, "local=false")


def status_of(w, body):
	"""For bodies that the hub does not read to their end."""
	head = "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: " \
	    "Bearer %s\r\nHub-Purpose: hochwasserschutz\r\nContent-Type: " \
	    "application/json\r\nContent-Length: %d\r\n\r\n" % (BATCH,
	    w.token("froendenberg"), len(body))
	got, closed = w.raw(head.encode() + body)
	return int(got[9:12]) if got.startswith(b"HTTP/1.1 ") else got


def polygon(text):
	return Q + "&georel=within&geometry=Polygon&coordinates=" + \
	    quote(text, safe="")


@attack
def q18_places_that_are_none(w):
	near = Q + "&georel=near;maxDistance==900000&geometry=Point" \
	    "&coordinates=[7.55,51.44]&geoproperty="
	found(w, [(near + "wide", []), (near + "refDevice", []),
	    (near + "nobody", []), (near + "location", [A, B])])
	for x in ("[[[NaN,0],[1,0],[1,1],[NaN,0]]]", "[[[1e400,0],[1,0],[1,1],"
	    "[1e400,0]]]", "[[[0,0],[200,0],[1,1],[0,0]]]", "[]", "[[]]",
	    "[[[0,0],[1,1]]]", "[[[0,0],[1,0],[1,1],[0,1]]]", "[7,51]", "{}",
	    "null", "[[[[0,0]]]]", '[[["7","51"],[1,0],[1,1],["7","51"]]]',
	    "[[[0,91],[1,0],[1,1],[0,91]]]", "[" * 200):
		a = seek(w, polygon(x))
		same(a.status, 400, x[:40])
		check(a.seconds < 1 * SLOW, a.seconds)
	many = ",".join("[%d.%04d,%d]" % (i % 2, i, i % 2)
	    for i in range(2000))
	a = post(w, {"type": "Query", "entities": [{"type":
	    "WaterObserved"}], "geoQ": {"georel": "within", "geometry":
	    "Polygon", "coordinates": json.loads("[[%s,[0.0,0]]]" % many)}})
	same(a.status, 400, "over 1000 points")
	same(status_of(w, b'{"type":"Query","geoQ":{"georel":"within",'
	    b'"geometry":"Polygon","coordinates":[[' + b"[0,0]," * 1000000 +
	    b"[0,0]]]}}"), 413, "10^6 points")
	# Mean figures may select, within the view.
	for x in ("[[[7,51],[8,52],[8,51],[7,52],[7,51]]]",
	    "[[[179,51],[-179,51],[-179,52],[179,52],[179,51]]]",
	    "[[[51.4,7.5],[51.5,7.5],[51.5,7.6],[51.4,7.6],[51.4,7.5]]]"):
		a = seek(w, polygon(x))
		check(a.status == 400 or set(a.ids()) <= {A, B}, x)


def geo(value, **more):
	return json.dumps(dict({"type": "GeoProperty", "value": value},
	    **more))


@attack
def q19_nothing_slips_through_the_fence(w):
	inside, out = [7.55, 51.44], [7.9, 51.44]
	p, o = ({"type": "Point", "coordinates": c} for c in (inside, out))
	rows = (
	    ("none", {}, False),
	    ("multipoint", {"location": geo({"type": "MultiPoint",
		"coordinates": [inside, out]})}, False),
	    ("line", {"location": geo({"type": "LineString", "coordinates":
		[inside, out]})}, False),
	    ("second", {"location": geo(o), "observationSpace": geo(p),
		"operationSpace": geo(p)}, False),
	    ("two", {"location": "[%s,%s]" % (geo(p), geo(o,
		datasetId="urn:x:2"))}, False),
	    ("sub", {"waterLevel": '{"type":"Property","value":1,'
		'"location":%s}' % geo(p)}, False),
	    ("property", {"location": '{"type":"Property","value":%s}' %
		json.dumps(p)}, False),
	    ("text", {"location": geo('{"type":"Point"}')}, False),
	    ("collection", {"location": geo({"type": "GeometryCollection",
		"geometries": [p]})}, False),
	    ("empty", {"location": geo({"type": "Polygon",
		"coordinates": []})}, False),
	    ("iri", {"https://uri.etsi.org/ngsi-ld/location": geo(p),
		"location": geo(o)}, False),
	    ("good", {"location": geo({"type": "MultiPoint", "coordinates":
		[inside, [7.6, 51.44]]})}, True),
	)
	for name, attrs, shown in rows:
		attrs.setdefault("waterLevel", prop("1"))
		w.brokers["schwerte"].entities = [ent(WATER + name,
		    "WaterObserved", **attrs)]
		for path in (Q + "&id=" + WATER + name, Q + "&attrs=waterLevel"
		    "&idPattern=" + name):
			same(seek(w, path).ids(), [WATER + name] if shown
			    else [], name)
		a = seek(w, ENTITIES + "/" + WATER + name)
		same(a.status, 200 if shown else 404, name)


def quay(n, x, y, spots, minute):
	return ent("urn:ngsi-ld:FloodMonitoring:%d" % n, "FloodMonitoring",
	    location=point(x, y), availableSpotNumber=prop(str(spots)),
	    dateObserved=prop('"2026-11-22T17:%02d:33Z"' % minute))


@attack
def q20_slices_find_what_is_shared_and_no_more(w):
	"""Thin slices of space, time and number, over data that differ only
	below the grid, within the quarter of an hour and under the limit."""
	w.apply(region(w, agreement("s-f-f", "schwerte", "froendenberg",
	    "schwerte-broker-data", {"FloodMonitoring":
	    "grid location { to = 500m }  suppress availableSpotNumber "
	    "{ below = 3 }  trunc-time dateObserved { to = 15min }"})))
	worlds = [[quay(1, 7.5936, 51.4389, 1, 31), quay(2, 7.55, 51.44, 5, 3)],
	    [quay(1, 7.5911, 51.4396, 2, 44), quay(2, 7.5498, 51.4399, 5, 14)]]
	w.brokers["schwerte"].entities = worlds[0]
	flood = "?type=FloodMonitoring&count=true"
	wait_for(lambda: len(w.ask("froendenberg", flood).ok().ids()) == 2, 10,
	    "the agreement")
	paths = [flood + "&georel=within&geometry=Polygon&coordinates=[[" +
	    "[%f,51],[%f,51],[%f,52],[%f,52],[%f,51]]]" % (x, x + 0.0005,
	    x + 0.0005, x, x) for x in (7.54 + i * 0.0005
	    for i in range(120))]
	paths += [flood + "&q=" + quote(t) for m in range(0, 60, 3) for t in (
	    "dateObserved>2026-11-22T17:%02d:00Z" % m,
	    "dateObserved.observedAt>2026-11-22T17:%02d:00Z" % m)]
	paths += [flood + "&q=availableSpotNumber" + quote(t)
	    for t in ("", "<2", "<3", "==1", "==2", ">0")]
	paths += [flood + "&q=!availableSpotNumber"]
	got = []
	conn = w.connect()
	for world in worlds:
		w.brokers["schwerte"].entities = world
		got.append([told(w.ask("froendenberg", p, conn=conn))
		    for p in paths])
	conn.close()
	for p, one, other in zip(paths, *got):
		same(one[0], 200, "%s %r" % (p, one[1]))
		same(one, other, p)
	ids = [[e["id"] for e in json.loads(x[1])] for x in got[0]]
	same(sorted(sum(ids[:120], [])), ["urn:ngsi-ld:FloodMonitoring:1",
	    "urn:ngsi-ld:FloodMonitoring:2"], "each in one slice")
	w.apply(region(w))
	wait_for(lambda: w.ask("froendenberg", flood).ok().ids() == [], 10,
	    "the old region")


def ago(days):
	return time.strftime("%Y-%m-%dT%H:%M:%SZ",
	    time.gmtime(time.time() - days * 86400))


@attack
def q21_the_past_ends_where_it_was_agreed(w):
	values = ",".join(prop(v, ago(d), more=',"modifiedAt":"%s"' % LONG_AGO)
	    for v, d in (("98765.4", 400), ("98765.45", 31), ("2", 20),
	    ("3", 2)))
	b = w.brokers["kreis-unna"]
	b.fault = lambda b, c, rq: answer(c, 200, b"[" + ent(WATER + "p",
	    "WaterObserved", waterLevel="[%s]" % values) + b"]",
	    ["Link: " + LINK])
	w.apply(region(w, source("past", "kreis-unna", b, ["WaterObserved"],
	    more="operations = {queryTemporal}", ids=[WATER + "p*"]) +
	    agreement("p-f", "kreis-unna", "froendenberg", "past-data",
	    {"WaterObserved": "allow = {waterLevel} history = 30d"},
	    actions="temporal")))
	past = ROOT + "/temporal/entities" + Q
	scope = "hub.read hub.temporal purpose:hochwasserschutz"
	token = w.token("froendenberg", scope=scope)
	old = "&timerel=after&timeAt=1970-01-01T00:00:00Z"
	wait_for(lambda: w.ask(None, past + old, token=token).ok().json(), 10,
	    "the agreement")
	for more, want in ((old, [2, 3]),
	    ("&timerel=before&timeAt=2999-01-01T00:00:00Z", [2, 3]),
	    (old + "&lastN=1000000000000", [2, 3]), (old + "&lastN=1", [3]),
	    ("&timerel=between&timeAt=0001-01-01T00:00:00Z"
		"&endTimeAt=9999-01-01T00:00:00Z", [2, 3]),
	    ("&timerel=before&timeAt=" + ago(30), []),
	    (old + "&timeproperty=modifiedAt", []),
	    (old + "&timeproperty=createdAt", []),
	    (old + "&q=waterLevel%3E98000", [])):
		forget(w)
		a = seek(w, past + more, tenant=None, token=token).ok()
		got = [v["value"] for e in a.json() for v in (
		    e["waterLevel"] if isinstance(e["waterLevel"], list)
		    else [e["waterLevel"]])]
		same(sorted(got), want, more)
		for t in asked(w, "kreis-unna"):
			at = re.search(r"[?&]timeAt=([0-9-]+)", t).group(1)
			check(at >= ago(32)[:10], "asked for %s" % t)
	for more in (old + "&lastN=0", old + "&lastN=-1",
	    "&timerel=after&timeAt=1e9",
	    "&timerel=after&timeAt=2026-13-01T00:00:00Z"):
		a = seek(w, past + more, tenant=None, token=token)
		same(a.status, 400, more)
	for method in ("max", "sum", "sumsq", "totalCount"):
		a = seek(w, past + old + "&options=aggregatedValues&"
		    "aggrMethods=" + method, tenant=None, token=token).ok()
		same(a.json()[0]["waterLevel"][method][0][0], {"max": 3,
		    "sum": 5, "sumsq": 13, "totalCount": 2}[method], method)
	w.apply(region(w))
	wait_for(lambda: not w.ask(None, past + old, token=token).ok().json(),
	    10, "the old region")


@attack
def q23_instances_are_judged_one_by_one(w):
	w.brokers["schwerte"].entities = [ent(A, "WaterObserved",
	    location=point(7.55, 51.44), stationName="[%s,%s]" % (
	    prop('"Steg"', T), prop('"geheimnis"', LONG_AGO,
		more=',"datasetId":"urn:x:geheimnis"')))]
	w.apply(region(w, shared="allow = {location, stationName} "
	    "inside = {schwerte} history = 3650d"))
	wait_for(lambda: "geheimnis" not in w.ask("froendenberg", Q).ok()
	    .body.decode(), 10, "the agreement")
	a = seek(w, Q + "&id=" + A).ok()
	same(a.json()[0]["stationName"]["value"], "Steg", "the default one")
	for hidden, nobody in (
	    (Q + "&datasetId=urn:x:geheimnis", Q + "&datasetId=urn:x:nobody"),
	    (q('stationName=="geheimnis"'), q('stationName=="nobody"')),
	    (ENTITIES + "/%s?datasetId=urn:x:geheimnis" % A,
		ENTITIES + "/%s?datasetId=urn:x:nobody" % A)):
		same(told(seek(w, hidden)), told(seek(w, nobody)), hidden)
	w.apply(region(w))
	wait_for(lambda: w.ask("froendenberg", Q).ok().body.count(
	    b"geheimnis"), 10, "the old agreement")


@attack
def q24_spellings_make_no_difference(w):
	got = indifferent(w, [Q + "&lang=" + x for x in ("de", "en", "xx",
	    "*", "de;q=0.5,en")] + [q(x) for x in (
	    'generation=="geheimnis"', 'generation=="%sgeheimnis"' % TERM,
	    'licensePlate[en]=="geheimnis-en"', 'licensePlate["geheimnis"]')])
	for path, a in got.items():
		if "&lang" in path:
			same(a.ids(), VIEW, path)
		else:
			check(a.status == 400 or a.ids() == [], path)


def body(**more):
	return dict({"type": "Query", "entities": [{"type":
	    "WaterObserved"}]}, **more)


@attack
def q25_bodies_are_read_strictly(w):
	text = json.dumps(body()).encode()
	deep = b"[" * 1000 + b"]" * 1000
	for what, data, codes in (
	    ("deep", text[:-1] + b',"x":' + deep + b"}", (400,)),
	    ("deep q", text[:-1] + b',"geoQ":' + deep + b"}", (400,)),
	    ("twice", text[:-1] + b',"entities":[{"type":"Person"}]}', (400,)),
	    ("twice, escaped", text[:-1] + b',"entitie\\u0073":[]}', (400,)),
	    ("no UTF-8", text[:-1] + b',"q":"\xff"}', (400,)),
	    ("a BOM", b"\xef\xbb\xbf" + text, (400,)),
	    ("two", text + text, (400,)),
	    ("no selector", json.dumps(body(entities=[])).encode(), (400,)),
	    ("no type", json.dumps(body(entities=[{"id": A}])).encode(),
		(200, 400)),
	    ("hidden q", json.dumps(body(q="refDevice")).encode(), (200,)),
	    ("hidden type", json.dumps(body(entities=[{"type":
		"OffStreetParking"}])).encode(), (200,))):
		a = post(w, data)
		check(a.status in codes, "%s: %d %.200r" % (what, a.status,
		    a.body))
		if what.startswith("hidden"):
			same(a.json(), [], what)
	same(status_of(w, b" " * 50000000), 413, "50 MB")
	# An empty selector is everything that was granted, or an error.
	forget(w)
	a = post(w, body(entities=[{}]))
	check(a.status == 400 or a.ids() == VIEW, "%d %r" % (a.status,
	    a.body))
	same(asked(w, "kreis-unna"), [], "asked without an agreement")
	same(post(w, body()).ids(), VIEW, "the hub goes on")


@attack
def q26_expressions_are_bounded(w):
	for what, text in (("open", "(" * 2000), ("closed", "(" * 1000 +
	    "waterLevel" + ")" * 1000), ("17 deep", "(" * 17 + "waterLevel" +
	    ")" * 17), ("65 terms", ";".join(["waterLevel"] * 65)),
	    ("many", "|".join(["a==1"] * 700)),
	    ("dots", "a" + ".a" * 1000), ("brackets", "a" + "[a]" * 500)):
		a = seek(w, q(text))
		check(a.status in (400, 414), "%s: %d" % (what, a.status))
		check(a.seconds < 1 * SLOW, "%s: %.1f s" % (what, a.seconds))
		a = post(w, body(q=text))
		same(a.status, 400, what + " in a body")
	a = post(w, body(q=";".join(["waterLevel==1"] * 3500)))
	same(a.status, 400, "10,000 terms and more")
	same(seek(w, q("(" * 8 + "waterLevel==142" + ")" * 8)).ids(), [A],
	    "8 deep")


if __name__ == "__main__":
	main(lambda: attacked("attack-query"))
