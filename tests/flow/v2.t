#!/usr/bin/env python3
# v2.t - sources that speak NGSI-v2: what they are asked, what their answers
# become, what of it is shown.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *
from urllib.parse import parse_qs, quote, unquote, urlsplit

T0 = "2026-11-22T17:00:00.000Z"
T1 = "2026-11-22T17:15:00.000Z"
T2 = "2026-11-22T17:30:00.000Z"


def urn(type, id):
	return "urn:ngsi-ld:%s:%s" % (type, id)


def attr(type, value, **metadata):
	"""An attribute; value is JSON text and stays as it is."""
	return type, value, metadata


def text(value):
	return "Text", '"%s"' % value, {}


def at(time):
	return "DateTime", '"%s"' % time, {}


class V2(Broker):
	"""A scripted NGSI-v2 broker with what Orion is strict about: the
	tenant, the path, the characters of ids, limits; builtin times come
	only when asked for.  Entities: (path, id, type, {name: attr})."""
	service = "pegel"

	def __init__(self, entities=(), cap=1000, refuse=False):
		self.cap, self.refuse = cap, refuse
		self.bodies = []
		super().__init__(entities)

	def serve(self, c):
		data = b""
		try:
			while True:
				while b"\r\n\r\n" not in data:
					data += self.more(c)
				head, data = data.split(b"\r\n\r\n", 1)
				lines = head.decode().split("\r\n")
				n = re.search(r"(?i)content-length: (\d+)",
				    head.decode())
				n = int(n.group(1)) if n else 0
				while len(data) < n:
					data += self.more(c)
				body, data = data[:n], data[n:]
				with self.lock:
					self.log.append(lines)
					self.bodies.append(body)
				if self.fault:
					if not self.fault(self, c, lines[0]):
						return
				else:
					answer(c, *self.reply2(lines, body))
		except OSError:
			pass
		finally:
			with self.lock:
				self.open.discard(c)
			with contextlib.suppress(OSError):
				c.close()

	@staticmethod
	def more(c):
		more = c.recv(65536)
		if not more:
			raise OSError("closed")
		return more

	def error(self, status, what, why=""):
		return status, json.dumps({"error": what,
		    "description": why or "SECRET of the broker"}).encode(), []

	def reply2(self, lines, body):
		method, target, _ = lines[0].split(" ")
		fields = {k.lower(): v for k, v in
		    (f.split(": ", 1) for f in lines[1:])}
		if fields.get("fiware-service") != self.service:
			return 200, b"[]", ["Fiware-Total-Count: 0"]
		u = urlsplit(target)
		par = {k: v[0] for k, v in parse_qs(u.query).items()}
		paths = fields.get("fiware-servicepath", "/#").split(",")
		mine = [e for e in self.entities if any(p == e[0] or
		    p.endswith("/#") and (e[0] + "/").startswith(p[:-1])
		    for p in paths)]
		if method == "POST" and u.path == "/v2/op/query":
			return self.op_query(mine, par, json.loads(body))
		if method != "GET":
			return self.error(405, "MethodNotAllowed")
		if u.path == "/v2/entities":
			ids = par["id"].split(",") if "id" in par else None
			types = par["type"].split(",") if "type" in par \
			    else None
			return self.page([e for e in mine if
			    (ids is None or e[1] in ids) and
			    (types is None or e[2] in types)], par,
			    par.get("attrs"), par.get("metadata"), ids or [])
		if u.path.startswith("/v2/entities/"):
			id = unquote(u.path[len("/v2/entities/"):])
			found = [e for e in mine if e[1] == id and
			    par.get("type", e[2]) == e[2]]
			if len(found) > 1:
				return self.error(409, "TooManyResults")
			if not found:
				return self.error(404, "NotFound")
			return 200, self.show(found[0], par.get("attrs"),
			    par.get("metadata")), []
		return self.error(400, "BadRequest", "no such service")

	def op_query(self, mine, par, q):
		found = [e for e in mine if any(s.get("id", e[1]) == e[1] and
		    s.get("type", e[2]) == e[2] for s in q["entities"])]
		return self.page(found, par, ",".join(q["attrs"]),
		    ",".join(q["metadata"]), [s["id"] for s in q["entities"]
		    if "id" in s])

	def page(self, found, par, attrs, metadata, ids):
		if any(re.search(r"[\s<>\"'=;()&?/#]", i) for i in ids):
			return self.error(400, "BadRequest", "Invalid "
			    "characters in entity id")
		limit, at = int(par.get("limit", 20)), int(par.get("offset", 0))
		if limit > 1000 or self.refuse and limit > self.cap:
			return self.error(400, "BadRequest",
			    "Bad pagination limit: /%d/ [max: %d]" % (limit,
			    self.cap))
		fields = ["Link: <https://wrong.example/c>; rel=\"http://www."
		    "w3.org/ns/json-ld#context\""]
		if "count" in par.get("options", ""):
			fields.append("Fiware-Total-Count: %d" % len(found))
		return 200, b"[" + b",".join(self.show(e, attrs, metadata)
		    for e in found[at:at + min(limit, self.cap)]) + b"]", \
		    fields

	def show(self, e, attrs, metadata):
		attrs = (attrs or "*").split(",")
		metadata = (metadata or "*").split(",")
		out = ['"id":"%s"' % e[1], '"type":"%s"' % e[2]]
		have = dict(e[3])
		for k in ("dateCreated", "dateModified"):
			if k in attrs:
				have[k] = at(T0)
		for k, (type, value, meta) in have.items():
			builtin = k in ("dateCreated", "dateModified",
			    "dateExpires")
			if k not in attrs and ("*" not in attrs or builtin):
				continue
			meta = dict(meta)
			for m in ("dateCreated", "dateModified"):
				if m in metadata:
					meta.setdefault(m, at(T0))
			out.append('"%s":{"type":"%s","value":%s,"metadata":'
			    '{%s}}' % (k, type, value, ",".join(
			    '"%s":{"type":"%s","value":%s}' % (m, t, v)
			    for m, (t, v, _) in meta.items())))
		return ("{" + ",".join(out) + "}").encode()


def gauge(id, path="/ruhr", **attrs):
	return path, id, "WaterObserved", attrs


VILLIGST = urn("WaterObserved", "Villigst")
WESTHOFEN = urn("WaterObserved", "Westhofen")

GAUGES = [
    gauge(VILLIGST,
	waterLevel=attr("Number", "21.10", TimeInstant=at(T1),
	    unitCode=text("CMT"), accuracy=attr("Number", "0.50")),
	flow=attr("Number", "47.0"),
	location=attr("geo:point", '"51.44, 7.60"'),
	refDevice=text(urn("Device", "1")),
	stationName=text("Ruhr-Villigst"),
	licensePlate=text("GEHEIM"),
	TimeInstant=at(T0)),
    # two paths may hold one id
    gauge("Pegel,7", waterLevel=attr("Number", "7", timestamp=at(T1))),
    gauge("Pegel!8", "/lippe", waterLevel=attr("Number", "8")),
    gauge("9", "/lippe", waterLevel=attr("Number", "9", timestamp=at(T1))),
    gauge("9", "/ruhr", flow=attr("Number", "90")),
    gauge("off", location=attr("geo:point", '"north, east"'),
	waterLevel=attr("Number", "3")),
    gauge("gone", waterLevel=attr("Number", "4"),
	dateExpires=at("2020-01-01T00:00:00.000Z")),
    gauge("empty", waterLevel=attr("Number", "null")),
    # outside the dataset
    gauge("urn:other:1", waterLevel=attr("Number", "5")),
]
PARKING = [("/parken", "P1", "OffStreetParking",
    {"availableSpotNumber": attr("Integer", "12"),
     "licensePlate": text("GEHEIM")}),
    ("/parken/alt", "P1", "OffStreetParking",
    {"availableSpotNumber": attr("Integer", "0")})]
SHOWN = sorted([VILLIGST, urn("WaterObserved", "Pegel%2C7"),
    urn("WaterObserved", "Pegel%218"), urn("WaterObserved", "9"),
    urn("WaterObserved", "off")])


def v2_source(name, owner, broker, type, data="", extra="", ids=None):
	return '''
source %s { owner = %s  kind = ngsi-v2  endpoint = "%s"  timeout = 2s
	context = "%s" %s }
dataset %s-data { source = %s  upstream-tenant = pegel  %s
	ids = {%s}  type %s { } }
''' % (name, owner, broker.url, CONTEXT, extra, name, name, data,
	    ", ".join('"%s"' % i for i in ids or [urn(type, "*")]), type)


def build(w):
	b = w.brokers
	r = tenants()
	r += v2_source("orion", "schwerte", b["orion"], "WaterObserved")
	r += agreement("o-f", "schwerte", "froendenberg", "orion-data",
	    {"WaterObserved": "allow = {waterLevel, flow, location, "
	    "refDevice}"})
	r += agreement("o-u", "schwerte", "kreis-unna", "orion-data",
	    {"WaterObserved": "allow = {waterLevel} inside = {schwerte} "
	    "without-location = keep"})
	r += source("stellio", "dortmund", b["stellio"], ["WaterObserved"])
	r += agreement("s-f", "dortmund", "froendenberg", "stellio-data",
	    {"WaterObserved": "allow = {waterLevel, flow}"})
	r += v2_source("parken", "schwerte", b["parken"], "OffStreetParking",
	    'service-path = "/parken"')
	r += agreement("p-f", "schwerte", "froendenberg", "parken-data",
	    {"OffStreetParking": "allow = {availableSpotNumber} "
	    "system = {scope}"}, purpose="verkehr")
	for name in ("less", "refuse"):
		r += v2_source(name, "dortmund", b[name], "FloodMonitoring",
		    ids=[urn("FloodMonitoring", name + "*")])
		r += agreement(name, "dortmund", "froendenberg",
		    name + "-data",
		    {"FloodMonitoring": "allow = {currentLevel}"},
		    purpose="klima")
	return r


def many(name, n):
	return [("/", "%s%03d" % (name, i), "FloodMonitoring",
	    {"currentLevel": attr("Number", str(i))}) for i in range(n)]


def setup():
	w = World("v2", limits='source-answer = "256KiB"', brokers={
	    "orion": V2(GAUGES),
	    "parken": V2(PARKING),
	    "less": V2(many("less", 45), cap=20),
	    "refuse": V2(many("refuse", 45), cap=20, refuse=True),
	    "stellio": Broker([
		ent(VILLIGST, "WaterObserved", waterLevel=prop("20.00", T2),
		    flow=prop("46")),
		ent(WESTHOFEN, "WaterObserved", waterLevel=prop("1.91", T2)),
	    ])})
	w.apply(build(w))
	w.start()
	return w


def ask(w, query, tenant="froendenberg", **more):
	for b in w.brokers.values():
		b.forget()
		b.bodies = []
	return w.ask(tenant, query, **more)


def by_id(a):
	return {e["id"]: e for e in a.ok().json()}


@test
def shows_entities_as_ngsi_ld(w):
	a = ask(w, "?type=WaterObserved", tenant="schwerte")
	same(a.ids(), SHOWN, "what the owner sees")
	e = by_id(a)[VILLIGST]
	check(b'"value":21.10,' in a.body and b'"value":0.50}' in a.body,
	    a.body)
	same(e, {
	    "id": VILLIGST, "type": "WaterObserved",
	    "waterLevel": {"type": "Property", "value": 21.1,
		"observedAt": T1, "unitCode": "CMT",
		"accuracy": {"type": "Property", "value": 0.5}},
	    "flow": {"type": "Property", "value": 47, "observedAt": T0},
	    "location": {"type": "GeoProperty", "value": {"type": "Point",
		"coordinates": [7.6, 51.44]}, "observedAt": T0},
	    "refDevice": {"type": "Relationship", "object":
		urn("Device", "1"), "observedAt": T0},
	    "stationName": {"type": "Property", "value": "Ruhr-Villigst",
		"observedAt": T0},
	    "licensePlate": {"type": "Property", "value": "GEHEIM",
		"observedAt": T0}}, "the entity")
	# an id under two paths is one entity
	same(sorted(by_id(a)[urn("WaterObserved", "9")]),
	    ["flow", "id", "type", "waterLevel"], "of two paths")
	a = ask(w, "?type=WaterObserved&options=sysAttrs", tenant="schwerte")
	e = by_id(a)[VILLIGST]
	same((e["createdAt"], e["modifiedAt"], e["flow"]["createdAt"]),
	    (T0, T0, T0), "times")
	same(a.warnings(), {}, "warnings")


@test
def shows_what_was_agreed_and_no_more(w):
	a = ask(w, "?type=WaterObserved&options=sysAttrs")
	for word in (b"GEHEIM", b"Ruhr-Villigst", b"accuracy", b"createdAt"):
		check(word not in a.ok().body, a.body)
	same(a.ids(), sorted(SHOWN + [WESTHOFEN]), "ids")
	target = w.brokers["orion"].asked()[0][0]
	for word in ("licensePlate", "stationName"):
		check(word not in target, target)
	# whoever does not know where it is cannot say that it lies inside
	same(ask(w, "?type=WaterObserved", tenant="kreis-unna").ids(),
	    sorted(set(SHOWN) - {urn("WaterObserved", "off")}), "inside")
	same(ask(w, "?type=WaterObserved", tenant="holzwickede").ids(), [],
	    "without an agreement")
	same(w.brokers["orion"].asked(), [], "without an agreement")


@test
def asks_as_the_dataset_says(w):
	ask(w, "?type=WaterObserved&attrs=waterLevel&q=flow%3E1",
	    headers={"Fiware-Service": "evil", "Fiware-ServicePath": "/evil",
	    "X-Client": "evil"}).ok()
	head, = w.brokers["orion"].asked()
	same(head[0], "GET /v2/entities?options=count&limit=1000&offset=0"
	    "&metadata=dateCreated,dateModified,*&type=WaterObserved"
	    "&attrs=waterLevel,flow,TimeInstant,dateCreated,dateModified,"
	    "dateExpires HTTP/1.1", "the request")
	trace = [f for f in head if f.startswith("traceparent: 00-")]
	same(len(trace), 1, "traceparent")
	same(sorted(set(head[2:]) - set(trace)), ["Accept: application/json",
	    "Fiware-Service: pegel", "Fiware-ServicePath: /#",
	    "User-Agent: drehscheibe",
	    "Via: HTTP/1.1 hub.drehscheibe.example"], "fields")


@test
def merges_with_other_sources(w):
	e = by_id(ask(w, "?type=WaterObserved"))[VILLIGST]
	same((e["waterLevel"]["value"], e["waterLevel"].get("unitCode")),
	    (20, None), "the newer level, with its unit")
	same(e["flow"]["value"], 47, "the flow that has a time")
	w.brokers["stellio"].fault = status(500)
	a = ask(w, "?type=WaterObserved")
	e = by_id(a)[VILLIGST]
	w.brokers["stellio"].fault = None
	same((e["waterLevel"]["value"], e["waterLevel"]["unitCode"]),
	    (21.1, "CMT"), "the other one")
	same(a.warnings(), {"stellio": 299}, "warnings")


@test
def filters_in_the_hub(w):
	for query, want in (
	    ("q=waterLevel%3E7.5", [VILLIGST, urn("WaterObserved", "9"),
		urn("WaterObserved", "Pegel%218")]),
	    ("q=waterLevel==7", [urn("WaterObserved", "Pegel%2C7")]),
	    ("q=refDevice==" + quote('"%s"' % urn("Device", "1")),
		[VILLIGST]),
	    ("georel=near;maxDistance==1000&geometry=Point&coordinates="
		"%5B7.6,51.44%5D", [VILLIGST]),
	    ("georel=near;maxDistance==1000&geometry=Point&coordinates="
		"%5B51.44,7.6%5D", []),
	    ("idPattern=Pegel", [urn("WaterObserved", "Pegel%218"),
		urn("WaterObserved", "Pegel%2C7")]),
	):
		a = ask(w, "?type=WaterObserved&" + query)
		same(a.ids(), sorted(want), query)


@test
def leads_every_id_back(w):
	listed = by_id(ask(w, "?type=WaterObserved", tenant="schwerte"))
	for id in SHOWN:
		a = ask(w, ENTITIES + "/" + quote(id), tenant="schwerte")
		same(a.ok().json(), listed[id], id)
		same(a.warnings(), {}, id)
		a = ask(w, "?type=WaterObserved&id=" + quote(id),
		    tenant="schwerte")
		same(a.ids(), [id], "of a list: " + id)
	for id in ("nobody", "gone", "empty", "Pegel%2c7", "Pegel,7", "a%2Fb",
	    "%2E%2E", ".."):
		a = ask(w, ENTITIES + "/" + quote(urn("WaterObserved", id)),
		    tenant="schwerte").ok(404)
		same(a.warnings(), {}, id)
	a = ask(w, ENTITIES + "/urn:other:1", tenant="schwerte").ok(404)


@test
def retrieves_by_path_where_an_id_is_there_once(w):
	id = urn("OffStreetParking", "P1")
	a = ask(w, ENTITIES + "/" + id, purpose="verkehr").ok()
	same(a.json(), {"id": id, "type": "OffStreetParking",
	    "scope": "/parken", "availableSpotNumber":
	    {"type": "Property", "value": 12}}, "with its path as scope")
	head, = w.brokers["parken"].asked()
	check("Fiware-ServicePath: /parken" in head, head)
	# Its own name is P1; a list asks for that and for ours.
	check(head[0].startswith("GET /v2/entities?") and
	    "&id=%s,P1&" % id in head[0], head[0])
	a = ask(w, "?type=OffStreetParking&scopeQ=/parken", purpose="verkehr")
	same(a.ids(), [id], "by scope")
	w.brokers["parken"].entities.append(("/parken", "urn:ngsi-ld:"
	    "OffStreetParking:x:2", "OffStreetParking",
	    {"availableSpotNumber": attr("Integer", "2")}))
	a = ask(w, ENTITIES + "/urn:ngsi-ld:OffStreetParking:x:2",
	    purpose="verkehr").ok()
	same(a.json()["availableSpotNumber"]["value"], 2, "by path")
	head, = w.brokers["parken"].asked()
	check(head[0].startswith("GET /v2/entities/urn:ngsi-ld:"
	    "OffStreetParking:x:2?"), head[0])
	a = ask(w, ENTITIES + "/urn:ngsi-ld:OffStreetParking:x:3",
	    purpose="verkehr").ok(404)
	same(a.warnings(), {}, "nobody's")


@test
def asks_by_post_for_long_lists(w):
	ids = [urn("FloodMonitoring", "less%03d" % i) for i in range(100)]
	body = json.dumps({"type": "Query", "entities": [
	    {"type": "FloodMonitoring", "id": i} for i in ids]})
	for b in w.brokers.values():
		b.forget()
		b.bodies = []
	c = w.connect()
	c.request("POST", ROOT + "/entityOperations/query?limit=1000", body,
	    {"Authorization": "Bearer " + w.token("froendenberg"),
	    "Content-Type": "application/json", "Link": LINK,
	    "Hub-Purpose": "klima"})
	r = c.getresponse()
	a = Answer(r, r.read(), 0)
	c.close()
	same(a.ids(), ids[:45], "ids")
	asked = w.brokers["less"].asked()
	same({h[0].split("?")[0] for h in asked}, {"POST /v2/op/query"},
	    "how it was asked")
	q = json.loads(w.brokers["less"].bodies[0])
	same(len(q["entities"]), 200, "ids, each by two names")
	same(q["metadata"], ["dateCreated", "dateModified", "*"], "metadata")


@test
def reads_all_pages(w):
	for name in ("less", "refuse"):
		a = ask(w, "?type=FloodMonitoring&limit=1000&count=true"
		    "&idPattern=" + name, purpose="klima").ok()
		same(len(a.json()), 45, name)
		same(a.one("NGSILD-Results-Count"), "45", name)
		same(a.warnings(), {}, name)
		targets = [h[0] for h in w.brokers[name].asked()]
		offsets = [int(re.search(r"offset=(\d+)", t).group(1))
		    for t in targets]
		want = [0, 20, 40] if name == "less" else [0, 15, 30]
		same(sorted(set(offsets)), want, name)
	# What was refused is not tried again; each worker learns for itself.
	def known():
		ask(w, "?type=FloodMonitoring", purpose="klima").ok()
		return len(w.brokers["refuse"].asked()) == 3
	wait_for(known, 10, "the page is known")


@test
def keeps_pages_in_an_entity_map(w):
	q = "?type=FloodMonitoring&limit=30&idPattern=less"
	a = ask(w, q + "&entityMap=true", purpose="klima")
	check(a.status in (200, 201), a.body)
	first = [e["id"] for e in a.json()]
	key = a.one("NGSILD-EntityMap")
	a = ask(w, q + "&offset=30", purpose="klima",
	    headers={"NGSILD-EntityMap": key}).ok()
	same(first + a.ids(), [urn("FloodMonitoring", "less%03d" % i)
	    for i in range(45)], "both pages")
	for head in w.brokers["less"].asked():
		check("&id=urn:ngsi-ld:FloodMonitoring:less030,less030," in
		    head[0], head)


@test
def warns_of_each_fault_with_its_code(w):
	b = w.brokers["orion"]
	error = b'{"error":"X","description":"SECRET of the broker"}'
	for fault, code in (
	    (status(500, error), 299), (status(400, error), 299),
	    (status(409, error), 299), (status(401, error), 299),
	    (status(404, error), None),
	    (body(b"{}"), 111), (body(error), 111), (body(b"[{]"), 111),
	    (body(b'[{"id":"x","type":""}]'), 111),
	    (body(b'[{"id":"x"}]'), 111),
	    (body(b'[{"id":"x","type":"T","a":{},"a":{}}]'), 111),
	    (body(b"[]"), None), (hang, 199), (reset, 199),
	):
		b.fault = fault
		a = ask(w, "?type=WaterObserved").ok()
		same(a.warnings(), {"orion": code} if code else {},
		    "%s" % fault)
		check(b"SECRET" not in a.body and
		    "SECRET" not in str(a.fields), a.fields)
		same(a.ids(), [VILLIGST, WESTHOFEN], "what the other has")
		b.fault = None
		for i in range(100):	# the breaker, at rest
			if not ask(w, "?type=WaterObserved").warnings():
				break
			time.sleep(0.1)
	check(not w.logged("SECRET"), "the log")


@test
def bounds_what_answers_become(w):
	"""Each attribute takes the time of its entity along."""
	many = ",".join('"a%d":{"value":1}' % i for i in range(1000))
	text = lambda n: ("[" + ",".join('{"id":"%d","type":"WaterObserved",'
	    '"TimeInstant":{"value":"%s"},%s}' % (i, T1, many)
	    for i in range(n)) + "]").encode()
	check(len(text(6)) < 150000, "what is sent fits")
	for n, want in ((2, {}), (6, {"orion": 111})):
		w.brokers["orion"].fault = body(text(n))
		for i in range(8):
			a = ask(w, "?type=WaterObserved").ok()
			same(a.warnings(), want, "%d entities" % n)
			same(len(w.brokers["orion"].asked()), 1, "asked")
	w.brokers["orion"].fault = None
	same(ask(w, "?type=WaterObserved").warnings(), {}, "no pause")


@test
def is_tested_by_hubctl(w):
	out = w.ctl("source", "test", "orion", "-o", "json")[0]
	found = {r["check"]: r for r in json.loads(out)}
	same(found["dataset orion-data"]["result"], "ok", out)
	check("9 of type WaterObserved" in
	    found["dataset orion-data"]["finding"], out)
	check("identity" not in found and "context" not in found, out)
	out = w.ctl("source", "test", "less", "-o", "json")[0]
	found = {r["check"]: r for r in json.loads(out)}
	check("set page to 20" in found["page"]["finding"], out)
	check("ngsi-v2" in w.ctl("source", "list", "-o", "json")[0], "list")


main(setup)
