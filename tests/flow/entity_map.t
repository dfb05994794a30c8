#!/usr/bin/env python3
# entity_map.t - entity maps (GS CIM 009, 5.5.9.3, 5.14): 10,000 entities of
# three sources with small pages, page by page with and without a map; what a
# page of a map asks for; what happens to maps.
import functools
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *
from urllib.parse import parse_qs, quote, unquote, urlsplit

MAPS = ROOT + "/entityMaps"
POST = ROOT + "/entityOperations/query"
URN = "urn:ngsi-ld:ContextSourceRegistration:"
MAP_ID = re.compile(r"urn:ngsi-ld:entitymap:[0-9a-f]{8}-[0-9a-f]{4}-"
    r"4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")


def urn(n, type="WaterObserved"):
	return "urn:ngsi-ld:%s:%05d" % (type, n)


def water(n, type="WaterObserved", level=1):
	return ent(urn(n, type), type, waterLevel=prop(str(level)))


class Paged(Broker):
	"""Entities by id, in order; gives at most cap of them a page: "less"
	than asked for, or it refuses."""

	def __init__(self, entities, cap, refuses=False):
		self.cap, self.refuses = cap, refuses
		self.held = {}
		for e in entities:
			self.put(e)
		super().__init__()

	def put(self, entity):
		o = json.loads(entity)
		self.held[o["id"]] = (o["type"], entity)

	def reply(self, rq):
		u = urlsplit(rq)
		par = {k: v[0] for k, v in parse_qs(u.query).items()}
		limit, at = int(par["limit"]), int(par["offset"])
		if limit > self.cap and self.refuses:
			return (403, b'{"type":"https://uri.etsi.org/ngsi-ld/'
			    b'errors/TooManyResults","title":"no"}', [])
		types = [t.rsplit("/", 1)[-1] for t in par["type"].split(",")]
		ids = par["id"].split(",") if "id" in par else sorted(self.held)
		found = [self.held[i][1] for i in ids if i in self.held and
		    self.held[i][0] in types]
		page = found[at:at + min(limit, self.cap)]
		return (200, b"[" + b",".join(page) + b"]", ["Link: " + LINK,
		    "NGSILD-Results-Count: %d" % len(found)])

	def requests(self):
		"""[(target, ids asked for or None)]"""
		out = []
		for lines in self.asked():
			target = lines[0].split(" ")[1]
			par = parse_qs(urlsplit(target).query)
			out.append((target, par["id"][0].split(",")
			    if "id" in par else None))
		return out

	def ids_asked(self):
		all = set()
		for target, some in self.requests():
			check(some is not None, "asked for all: " + target)
			all |= set(some)
		return sorted(all)


# Dortmund has 0..4999, Schwerte 4000..7999, Unna 7500..9999.
N = 10000
HELD = {"dortmund": range(0, 5000), "schwerte": range(4000, 8000),
    "kreis-unna": range(7500, N)}
CAPS = {"dortmund": (20, False), "schwerte": (30, True),
    "kreis-unna": (100, False)}
ALL = [urn(n) for n in range(N)]
LONG = "urn:ngsi-ld:FloodMonitoring:%0990d"


def build(w, more=""):
	text = tenants()
	for owner, b in w.brokers.items():
		name = "q-" + owner
		text += source(name, owner, b, ["WaterObserved",
		    "FloodMonitoring", "OffStreetParking"], timeout="20s",
		    more="operations = {queryEntity}",
		    extra="page = 100" if owner == "kreis-unna" else "")
		text += agreement(name + "-f", owner, "froendenberg",
		    name + "-data", {t: "allow = {waterLevel, flow}"
		    for t in ("WaterObserved", "FloodMonitoring",
		    "OffStreetParking")})
	text += agreement("q-h", "dortmund", "holzwickede", "q-dortmund-data",
	    {"WaterObserved": "allow = {waterLevel}"})
	text += agreement("q-v", "dortmund", "froendenberg", "q-dortmund-data",
	    {"WaterObserved": "allow = {waterLevel}"}, purpose="verkehr")
	# One attribute of one entity is Schwerte's alone.
	text += '''
dataset sole { source = q-schwerte  mode = exclusive
	ids = {"%s"}
	type OffStreetParking { attributes = {waterLevel} } }
''' % urn(1, "OffStreetParking")
	text += agreement("sole-f", "schwerte", "froendenberg", "sole",
	    {"OffStreetParking": "allow = {waterLevel}"})
	return text + more


def setup():
	brokers = {o: Paged([water(n) for n in HELD[o]], *CAPS[o])
	    for o in HELD}
	w = World("entity_map", brokers, limits='entity-maps = "1MiB"')
	w.apply(build(w))
	w.start()
	return w


def forget(w):
	for b in w.brokers.values():
		b.forget()


def ask(w, query, map=None, tenant="froendenberg", **opt):
	headers = {"NGSILD-EntityMap": map} if map else {}
	forget(w)
	return w.ask(tenant, "?type=WaterObserved&" + query, headers=headers,
	    **opt)


def make(w, query="limit=0&count=true", **opt):
	"""The location of a new map."""
	a = ask(w, "entityMap=true&" + query, **opt).ok(201)
	location = a.one("NGSILD-EntityMap")
	check(location.startswith(MAPS + "/") and
	    MAP_ID.match(location[len(MAPS) + 1:]), "location: " + location)
	return location


def resource(w, method, location, body=None, tenant="froendenberg",
    purpose="hochwasserschutz", type="application/json", **fields):
	h = {"Authorization": "Bearer " + w.token(tenant),
	    "Hub-Purpose": purpose, "Link": LINK}
	if body is not None:
		h["Content-Type"] = type
	h.update(fields)
	c = w.connect()
	c.request(method, location, headers=h, body=body if body is None or
	    isinstance(body, str) else json.dumps(body))
	r = c.getresponse()
	a = Answer(r, r.read(), 0)
	c.close()
	return a


def ids(a):
	"""Of an answer that made a map, too."""
	return [e["id"] for e in a.json()]


def link(a, rel):
	for v in a.all("Link"):
		if 'rel="%s"' % rel in v:
			return v[1:v.index(">")]
	return None


def offset_of(target):
	return int(parse_qs(urlsplit(target).query)["offset"][0])


def restored(fn):
	"""What a test does to the brokers is undone, also when it fails."""
	@functools.wraps(fn)
	def run(w):
		held = {b: dict(b.held) for b in w.brokers.values()}
		try:
			fn(w)
		finally:
			for b in held:
				b.held, b.fault = held[b], None
	return run


# ---- pages

@test
@restored
def pages_fit_together_without_a_map(w):
	got, target = [], "?type=WaterObserved&count=true&limit=1000&offset=0"
	while target:
		a = w.ask("froendenberg", target).ok()
		same(a.one("NGSILD-Results-Count"), str(N), "count")
		same(a.warnings(), {}, "warnings")
		same(a.one("NGSILD-EntityMap"), None, "no map was asked for")
		got += ids(a)
		target = link(a, "next")
	same(got, ALL, "ids")


@test
@restored
def pages_fit_together_with_a_map(w):
	a = ask(w, "entityMap=true&count=true&limit=100").ok(201)
	location = a.one("NGSILD-EntityMap")
	got, pages = ids(a), 1
	conn = w.connect()
	while link(a, "next"):
		a = w.ask("froendenberg", link(a, "next"), headers={
		    "NGSILD-EntityMap": location}, conn=conn).ok()
		same(a.one("NGSILD-EntityMap"), location, "the same map")
		same(a.one("NGSILD-Results-Count"), str(N), "count")
		same(a.warnings(), {}, "warnings")
		got += ids(a)
		pages += 1
	conn.close()
	same(pages, 100, "pages")
	same(got, ALL, "ids")
	same(resource(w, "DELETE", location).status, 204, "deleted")


@test
@restored
def asks_those_that_hold_the_page_for_nothing_else(w):
	location = make(w)
	for offset, limit, holders in (
	    (0, 100, {"dortmund": 100}),
	    (3990, 100, {"dortmund": 100, "schwerte": 90}),
	    (4950, 100, {"dortmund": 50, "schwerte": 100}),
	    (6000, 7, {"schwerte": 7}),
	    (7900, 200, {"schwerte": 100, "kreis-unna": 200}),
	    (9999, 100, {"kreis-unna": 1}),
	    (10000, 100, {}),
	    (0, 0, {}),
	    (0, 1000, {"dortmund": 1000})):
		a = ask(w, "count=true&limit=%d&offset=%d" % (limit, offset),
		    location).ok()
		same(ids(a), ALL[offset:offset + limit], "page %d" % offset)
		same(a.one("NGSILD-Results-Count"), str(N), "count")
		for owner, b in w.brokers.items():
			want = [urn(n) for n in HELD[owner]
			    if offset <= n < offset + limit]
			same(len(want), holders.get(owner, 0), "the test")
			same(b.ids_asked(), want, "asked of " + owner)
			rows = b.requests()
			check(all(len(t) <= 4000 for t, _ in rows),
			    "a long URL")
			# What fits into a URL, in pages of the source.
			check(len(rows) <= -(-len(want) // CAPS[owner][0]) +
			    2 * -(-len(want) // 60), "%d requests of %s" %
			    (len(rows), owner))


@test
@restored
def fills_up_what_is_gone(w):
	d, s = w.brokers["dortmund"], w.brokers["schwerte"]
	location = make(w)
	kept = {}
	for n in (3, 50, 99, 100, 101, 4990):
		for b in (d, s):
			if urn(n) in b.held:
				kept[b, urn(n)] = b.held.pop(urn(n))
	left = [i for i in ALL if i not in {i for _, i in kept}]
	a = ask(w, "count=true&limit=100", location).ok()
	same(ids(a), left[:100], "filled up")
	same(a.one("NGSILD-Results-Count"), str(N), "the map's count")
	asked = len(d.ids_asked())
	check(100 < asked < 120, "asked for %d" % asked)
	same([s.requests(), w.brokers["kreis-unna"].requests()], [[], []],
	    "the others")
	got = ids(a)
	while link(a, "next"):
		target = link(a, "next").replace("limit=100&", "limit=1000&")
		same(offset_of(target), len(got), "offset")
		a = ask(w, urlsplit(target).query.replace(
		    "type=WaterObserved&", ""), location).ok()
		same(a.one("NGSILD-Results-Count"), str(N), "the map's count")
		got += ids(a)
	same(got, left, "each id once")
	for (b, i), e in kept.items():
		b.held[i] = e
	a = ask(w, "limit=5", location).ok()
	same(ids(a), left[:5], "who was gone stays out of the map")
	m = resource(w, "GET", location).ok().json()["entityMap"]
	same(list(m), left, "the map")


@test
@restored
def searches_on_where_much_is_gone(w):
	d, s = w.brokers["dortmund"], w.brokers["schwerte"]
	location = make(w)
	for n in range(10, 700):
		del d.held[urn(n)]
	left = ALL[:10] + ALL[700:]
	a = ask(w, "limit=100", location).ok()
	same(ids(a), left[:100], "a full page")
	check(len(d.ids_asked()) < 1700, "asked for half of the map")
	a = ask(w, "limit=100&offset=100", location).ok()
	same(ids(a), left[100:200], "the next one")
	same(len(d.ids_asked()), 100, "and no more is asked")
	d.held.clear()
	a = ask(w, "limit=1&count=true", location).ok()
	same(ids(a), [urn(4000)], "of the next source")
	same(a.one("NGSILD-Results-Count"), str(N), "count")


@test
@restored
def serves_many_pages_at_once(w):
	location = make(w)
	got, bad = {}, []

	def fetch(k):
		try:
			conn = w.connect()
			for n in range(k * 1000, k * 1000 + 1000, 200):
				a = w.ask("froendenberg", "?type=WaterObserved&"
				    "limit=200&offset=%d" % n, headers={
				    "NGSILD-EntityMap": location}, conn=conn)
				got[n] = ids(a.ok())
				# Others come and go.
				w.ask("froendenberg", "?type=WaterObserved&"
				    "entityMap=true&id=" + urn(n),
				    conn=conn).ok(201)
			conn.close()
		except Exception as e:
			bad.append(e)
	threads = [threading.Thread(target=fetch, args=(k,))
	    for k in range(10)]
	for t in threads:
		t.start()
	for t in threads:
		t.join()
	same(bad, [], "errors")
	same([i for n in sorted(got) for i in got[n]], ALL, "ids")


@test
@restored
def asks_the_filters_again(w):
	d = w.brokers["dortmund"]
	for n in range(20, 40):
		d.put(water(n, level=5))
	q = "q=waterLevel==5"
	location = make(w, q + "&limit=1")
	for n in range(20, 25):
		d.put(water(n, level=1))
	d.put(water(10, level=5))	# too late for this map
	a = ask(w, q + "&count=true&limit=10", location).ok()
	same(ids(a), [urn(n) for n in range(25, 35)], "page")
	same(a.one("NGSILD-Results-Count"), "20", "count")
	a = ask(w, q + "&limit=10&offset=10", location).ok()
	same(ids(a), [urn(n) for n in range(35, 40)], "the last page")
	same(link(a, "next"), None, "next")
	for n in range(25, 40):
		d.put(water(n, level=1))
	a = ask(w, q + "&limit=10&count=true", location).ok()
	same((ids(a), link(a, "next")), ([], None), "nothing is left")
	same(a.one("NGSILD-Results-Count"), "20", "count")
	d.put(water(10))


@test
@restored
def keeps_the_place_of_what_cannot_be_seen(w):
	d = w.brokers["dortmund"]
	location = make(w)
	d.fault = status(500)
	a = ask(w, "limit=100&offset=3950", location).ok()
	same(a.warnings(), {"q-dortmund": 299}, "warnings")
	same(ids(a), ALL[4000:4050], "Schwerte's")
	same(offset_of(link(a, "next")), 4050, "next")
	same(len(d.requests()), 1, "not asked again and again")
	d.fault = None
	a = ask(w, "limit=100&offset=3950", location).ok()
	same(ids(a), ALL[3950:4050], "nothing was lost")


@test
@restored
def is_all_or_nothing_when_strict(w):
	d = w.brokers["dortmund"]
	location = make(w)
	d.fault = status(500)
	h = {"NGSILD-EntityMap": location, "Prefer": "handling=strict"}
	for offset, code in ((0, 502), (6000, 200)):
		a = w.ask("froendenberg", "?type=WaterObserved&limit=10&"
		    "offset=%d" % offset, headers=h)
		same(a.status, code, "offset %d" % offset)
	a = w.ask("froendenberg", "?type=WaterObserved&entityMap=true",
	    headers={"Prefer": "handling=strict"}).ok(502)
	same(a.one("NGSILD-EntityMap"), None, "no map of a part")
	d.fault = None


@test
@restored
def leaves_to_exclusive_sources_what_is_theirs(w):
	one = urn(1, "OffStreetParking")
	d = w.brokers["dortmund"]
	d.put(ent(one, "OffStreetParking", waterLevel=prop("7"),
	    flow=prop("8")))
	a = w.ask("froendenberg", "?type=OffStreetParking&entityMap=true")
	location = a.ok(201).one("NGSILD-EntityMap")
	same([sorted(e) for e in a.json()], [["flow", "id", "type"]],
	    "Schwerte has no level")
	forget(w)
	b = w.ask("froendenberg", "?type=OffStreetParking",
	    headers={"NGSILD-EntityMap": location}).ok()
	same(b.body, a.body, "on a page of the map, too")
	same(w.brokers["schwerte"].requests(), [], "and it was not asked")
	same(b.all("Hub-Narrowing"), a.all("Hub-Narrowing"), "narrowing")
	del d.held[one]


@test
@restored
def takes_long_ids_in_several_requests(w):
	d = w.brokers["dortmund"]
	long = [LONG % n for n in range(250)]
	for i in long:
		d.put(ent(i, "FloodMonitoring", waterLevel=prop("1")))
	a = w.ask("froendenberg", "?type=FloodMonitoring&entityMap=true&limit=0"
	    "&count=true").ok(201)
	forget(w)
	a = w.ask("froendenberg", "?type=FloodMonitoring&limit=250",
	    headers={"NGSILD-EntityMap": a.one("NGSILD-EntityMap")}).ok()
	same((ids(a), a.warnings()), (long, {}), "all of them")
	same(d.ids_asked(), long, "asked")
	check(max(len(t) for t, _ in d.requests()) <= 4000, "long URLs")
	for i in long:
		del d.held[i]


# ---- the resource

@test
@restored
def tells_what_is_in_a_map(w):
	location = make(w)
	a = resource(w, "GET", location).ok()
	m = a.json()
	same(sorted(m), ["entityMap", "expiresAt", "id", "linkedMaps", "type"],
	    "members")
	same((m["id"], m["type"], m["linkedMaps"]),
	    (location[len(MAPS) + 1:], "EntityMap", {}), "members")
	same(list(m["entityMap"]), ALL, "ids in order")
	for n, holders in ((0, ["dortmund"]), (4500, ["dortmund", "schwerte"]),
	    (7700, ["schwerte", "kreis-unna"]), (9999, ["kreis-unna"])):
		same(m["entityMap"][urn(n)],
		    [URN + "q-%s-data" % o for o in holders], str(n))
	same(resource(w, "HEAD", location).status, 200, "HEAD")
	same(a.one("NGSILD-EntityMap"), location, "field")
	ld = resource(w, "GET", location, Accept="application/ld+json").ok()
	same(ld.json()["@context"], CONTEXT, "@context")
	resource(w, "DELETE", location).ok(204)


@test
@restored
def creates_maps_alone(w):
	body = {"type": "Query", "entities": [{"type": "WaterObserved",
	    "id": urn(n)} for n in (5, 3, 4)]}
	for method, path, send, want, then in (
	    ("GET", MAPS + "?type=WaterObserved&id=%s,%s&limit=1&offset=1" %
		(urn(4500), urn(8)), None, [8, 4500], (ENTITIES +
		"?id=%s,%s&type=WaterObserved" % (urn(4500), urn(8)), None)),
	    ("POST", MAPS, body, [3, 4, 5], (POST, body))):
		a = resource(w, method, path, send).ok(201)
		m = a.json()
		same(list(m["entityMap"]), [urn(n) for n in want], method)
		same(a.one("NGSILD-EntityMap"), MAPS + "/" + m["id"], "field")
		same([v for v in a.all("Link") if "context" not in v and
		    "license" not in v], [], "no pages")
		b = resource(w, "POST" if then[1] else "GET", then[0], then[1],
		    **{"NGSILD-EntityMap": a.one("NGSILD-EntityMap")}).ok()
		same(ids(b), [urn(n) for n in want], "its entities")
		same(resource(w, "GET", b.one("NGSILD-EntityMap")).body,
		    a.body, "the same document")
	a = resource(w, "GET", MAPS + "?type=Nothing").ok(201)
	same(a.json()["entityMap"], {}, "an empty one")
	resource(w, "GET", MAPS).ok(400)
	resource(w, "GET", MAPS + "?id=" + urn(1)).ok(400)
	for method, path, allow in (("PUT", MAPS, "GET, POST"),
	    ("DELETE", MAPS, "GET, POST"), ("HEAD", MAPS, "GET, POST"),
	    ("POST", MAPS + "/urn:x:y", "GET, HEAD, PATCH, DELETE")):
		a = resource(w, method, path).ok(405)
		same(a.one("Allow"), allow, "Allow")
	resource(w, "GET", MAPS + "/a:b/c").ok(404)


@test
@restored
def asks_by_a_body(w):
	body = {"type": "Query", "entities": [{"type": "WaterObserved"}],
	    "q": "waterLevel==1", "entityMap": True,
	    "entityMapLifetime": "PT10M"}
	a = resource(w, "POST", POST + "?limit=2", body).ok(201)
	h = {"NGSILD-EntityMap": a.one("NGSILD-EntityMap")}
	same(ids(a), ALL[:2], "first")
	at = resource(w, "GET", a.one("NGSILD-EntityMap")).json()["expiresAt"]
	now = time.time()
	then = calendar_time(at)
	check(now + 500 < then < now + 605, at)
	text = '{ "q" : "waterLevel==1", "entities": [ {"type":' \
	    '"WaterObserved"} ], "type":"Query" }'
	b = resource(w, "POST", POST + "?limit=2&offset=2", text, **h).ok()
	same(ids(b), ALL[2:4], "the same question, written otherwise")
	body["q"] = "waterLevel==2"
	resource(w, "POST", POST, body, **h).ok(400)
	resource(w, "GET", "%s?type=WaterObserved&q=waterLevel==1" % ENTITIES,
	    **h).ok(400)
	for member, value in (("entityMap", "yes"), ("entityMap", 1),
	    ("entityMapLifetime", "x"), ("entityMapLifetime", 5)):
		resource(w, "POST", POST, dict(body, **{member: value})).ok(400)


def calendar_time(text):
	import calendar
	return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


@test
@restored
def ends_in_time(w):
	life = 1 if SLOW == 1 else 4
	location = make(w, "limit=0&count=true&entityMapLifetime=PT%dS" % life)
	ask(w, "limit=1", location).ok(200)
	time.sleep(life + 0.1)
	resource(w, "GET", location).ok(404)
	a = ask(w, "limit=1&offset=7", location).ok(201)
	same(ids(a), ALL[7:8], "a new one, the same page")
	check(a.one("NGSILD-EntityMap") != location, "location")
	for life, seconds in (("PT0S", 1), ("PT5M", 300), ("PT90S", 90),
	    ("P1D", 3600), ("P1M", 3600), (None, 300)):
		location = make(w, "id=%s" % urn(1) +
		    ("&entityMapLifetime=" + life if life else ""))
		a = resource(w, "GET", location)
		if seconds == 1:
			continue
		left = calendar_time(a.ok().json()["expiresAt"]) - time.time()
		check(seconds - 10 * SLOW < left <= seconds + 1, "%s: %g" %
		    (life, left))


@test
@restored
def can_be_kept_longer_and_ended(w):
	location = make(w, "id=" + urn(1))
	def stamp(seconds):
		return time.strftime("%Y-%m-%dT%H:%M:%SZ",
		    time.gmtime(time.time() + seconds))
	whole = resource(w, "GET", location).json()
	for body, left in (({"expiresAt": stamp(1200)}, 1200),
	    ({"expiresAt": stamp(86400)}, 3600),
	    (dict(whole, expiresAt=stamp(60)), 60)):
		resource(w, "PATCH", location, body).ok(204)
		at = calendar_time(resource(w, "GET", location).ok().json()
		    ["expiresAt"])
		check(abs(at - time.time() - left) < 10 * SLOW, at)
	for body in ({}, {"expiresAt": stamp(-5)}, {"expiresAt": "soon"},
	    {"expiresAt": 5}, {"expiresAt": stamp(60), "type": "Map"},
	    {"expiresAt": stamp(60), "id": "urn:x:y"},
	    {"expiresAt": stamp(60), "more": 1}, [], "", "{"):
		a = resource(w, "PATCH", location, body)
		check(a.status in (400, 411), "%r: %d" % (body, a.status))
	resource(w, "PATCH", location, {}, type="text/plain").ok(415)
	same(resource(w, "DELETE", location).ok(204).body, b"", "body")
	for method in ("GET", "DELETE"):
		resource(w, method, location).ok(404)
	resource(w, "PATCH", location, {"expiresAt": stamp(60)}).ok(404)


# ---- whose maps

@test
@restored
def belongs_to_one_tenant_and_purpose(w):
	location = make(w)
	mine = location
	for tenant, purpose, want in (("holzwickede", "hochwasserschutz",
	    ALL[:3]), ("froendenberg", "verkehr", ALL[:3]),
	    ("froendenberg", "klima", []),
	    ("schwerte", "hochwasserschutz", ALL[4000:4003])):
		for method, body in (("GET", None), ("DELETE", None),
		    ("PATCH", {"expiresAt": "2099-01-01T00:00:00Z"})):
			a = resource(w, method, location, body, tenant,
			    purpose).ok(404)
			none = resource(w, method, location[:-1] +
			    "0123456789abcdef"[(int(location[-1], 16) + 1) %
			    16], body, tenant, purpose).ok(404)
			same(dict(a.json(), instance=0), dict(none.json(),
			    instance=0), "as if there were none")
		a = ask(w, "limit=3", location, tenant, purpose=purpose).ok(201)
		same(ids(a), want, tenant)
		check(a.one("NGSILD-EntityMap") != location, "its own")
		m = resource(w, "GET", a.one("NGSILD-EntityMap"), None, tenant,
		    purpose).ok().json()["entityMap"]
		if tenant == "holzwickede":
			same(list(m), [urn(n) for n in HELD["dortmund"]],
			    "Dortmund's alone")
			same({u for v in m.values() for u in v},
			    {URN + "q-dortmund-data"}, "and no more is named")
	ask(w, "limit=3", mine).ok(200)
	for other in ("urn:ngsi-ld:entitymap:" + "0" * 36, "x", MAPS + "/",
	    "http://elsewhere/ngsi-ld/v1/entityMaps/urn:x:1"):
		ask(w, "id=%s" % urn(1), other).ok(201)
	for name in (mine[len(MAPS) + 1:], "https://hub.example" + mine):
		ask(w, "limit=3", name).ok(200)


@test
@restored
def ends_with_the_policy(w):
	location = make(w)
	ask(w, "limit=3", location).ok(200)
	w.apply(build(w, 'forbid levels { type = WaterObserved  '
	    'attribute = waterLevel  consumer = froendenberg  '
	    'dataset = q-dortmund-data  reason = "test" }'))
	wait_for(lambda: resource(w, "GET", location).status == 404, 15,
	    "another bundle in force")
	a = ask(w, "limit=3&count=true", location).ok(201)
	same(ids(a), ALL[4000:4003], "the new view")
	same(a.one("NGSILD-Results-Count"), "6000", "its count")
	w.apply(build(w))
	wait_for(lambda: ids(ask(w, "limit=1&id=" + urn(0))) == [urn(0)], 15,
	    "the old bundle again")
	resource(w, "GET", a.one("NGSILD-EntityMap")).ok(404)


# ---- what is refused

@test
@restored
def wants_the_same_question(w):
	location = make(w, "q=waterLevel==1&attrs=waterLevel&limit=1")
	same_one = "q=waterLevel==1&attrs=waterLevel"
	for query, code in ((same_one, 200), ("attrs=waterLevel&"
	    "q=waterLevel%3D%3D1", 200), (same_one + "&limit=7&offset=3&"
	    "count=true&options=keyValues,sysAttrs&omit=type&lang=de", 200),
	    (same_one + "&format=concise&pick=id", 400), # beside attrs
	    (same_one + "&entityMap=true&entityMapLifetime=PT1S", 200),
	    (same_one + "&entityMap=false", 200),
	    ("q=waterLevel==1", 400), ("q=waterLevel==1&attrs=flow", 400),
	    ("q=waterLevel==12&attrs=waterLevel", 400), (same_one + "&id=" +
	    urn(3), 400), (same_one + "&idPattern=.*", 400), (same_one +
	    "&scopeQ=/a", 400), (same_one + "&local=true", 400)):
		a = ask(w, query, location)
		check(a.status == code, "%s: %d %r" % (query, a.status,
		    a.body[:200]))
		if code == 200:
			same(a.one("NGSILD-EntityMap"), location, query)
	a = w.ask("froendenberg", "?type=FloodMonitoring&" + same_one,
	    headers={"NGSILD-EntityMap": location}).ok(400)
	# Another @context makes another question of the same words.
	a = w.ask("froendenberg", "?type=WaterObserved&" + same_one,
	    headers={"NGSILD-EntityMap": location}, link=False).ok(400)
	check("entity map" in a.json()["detail"], a.body)


@test
@restored
def refuses_bad_parameters(w):
	for query in ("entityMap=1", "entityMap=TRUE", "entityMap=",
	    "entityMapLifetime=", "entityMapLifetime=5",
	    "entityMap=true&entityMapLifetime=P",
	    "entityMap=true&entityMapLifetime=PT",
	    "entityMap=true&entityMapLifetime=-PT5S",
	    "entityMap=true&entityMapLifetime=PT5X",
	    "entityMap=true&entityMapLifetime=PT1S1M",
	    "entityMap=true&entityMap=true"):
		a = ask(w, query)
		check(a.status == 400, "%s: %d" % (query, a.status))
	for value in ("", "a b", "x" * 1025, "\xe4"):
		a = w.ask("froendenberg", "?type=WaterObserved&limit=1",
		    headers={"NGSILD-EntityMap": value})
		check(a.status == 400, "%r: %d" % (value, a.status))
	text = ("GET %s?type=WaterObserved HTTP/1.1\r\nHost: localhost\r\n"
	    "Authorization: Bearer %s\r\nHub-Purpose: hochwasserschutz\r\n"
	    "NGSILD-EntityMap: urn:x:1\r\nNGSILD-EntityMap: urn:x:1\r\n\r\n" %
	    (ENTITIES, w.token("froendenberg")))
	got, _ = w.raw(text.encode())
	check(got.startswith(b"HTTP/1.1 400 "), got[:200])
	for path in ("/x", "/%20", "/urn:x:1?a=b"):
		resource(w, "GET", MAPS + path).ok(400)
	w.ask("froendenberg", ENTITIES + "/" + urn(1) + "?entityMap=true").ok(
	    501)
	w.ask(None, MAPS + "/urn:x:1").ok(401)


# ---- limits and books

@test
@restored
def keeps_to_its_memory(w):
	first = make(w)
	second = make(w)
	third = make(w)
	resource(w, "GET", first).ok(404)
	for location in (second, third):
		resource(w, "GET", location).ok()
	a = ask(w, "limit=3", first).ok(201)
	same(ids(a), ALL[:3], "another was made")
	d = w.brokers["dortmund"]
	long = [LONG % n for n in range(1100)]
	for i in long:
		d.put(ent(i, "FloodMonitoring", waterLevel=prop("1")))
	query = "?type=FloodMonitoring&limit=1"
	a = w.ask("froendenberg", query + "&entityMap=true").ok(403)
	check(a.json()["type"].endswith("TooManyResults"), a.body)
	same(a.one("NGSILD-EntityMap"), None, "no map")
	w.ask("froendenberg", query).ok()
	for i in long:
		del d.held[i]


@test
@restored
def books_what_was_asked(w):
	made = ask(w, "entityMap=true&limit=3").ok(201)
	location = made.one("NGSILD-EntityMap")
	a = ask(w, "limit=100&offset=3950", location).ok()
	read = resource(w, "GET", location).ok()
	def rows(answer):
		return w.sql("SELECT class, entities FROM ledger.event "
		    "WHERE request_id = '%s' ORDER BY class, entities" %
		    answer.one("Request-Id"))
	wait_for(lambda: rows(read), 30, "in the ledger")
	same(rows(a), [["access", "100"], ["leg", "50"], ["leg", "100"]],
	    "a page: its holders")
	same(rows(read), [["access", "0"]], "a map that is read")
	same(rows(made), [["access", "3"]] + [["leg", str(n)] for n in (
	    2500, 4000, 5000)], "the query that made it")


main(setup)
