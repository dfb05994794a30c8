#!/usr/bin/env python3
# registrations.t - context sources that tenants register through the API: who
# may, where, what is refused, and what then flows through them.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

CSR = ROOT + "/csourceRegistrations"
WO = "urn:ngsi-ld:WaterObserved:"
NS = "https://drehscheibe.example/terms/"


def gauge(n, level, **more):
	o = {"id": WO + n, "type": "WaterObserved",
	    "waterLevel": {"type": "Property", "value": level},
	    "flow": {"type": "Property", "value": 1}}
	o.update(more)
	return json.dumps(o).encode()


def body(w, broker="a", **more):
	o = {"type": "ContextSourceRegistration",
	    "endpoint": w.brokers[broker].url,
	    "information": [{"entities": [{"type": "WaterObserved"}]}]}
	o.update(more)
	return {k: v for k, v in o.items() if v is not None}


def admin(w, tenant):
	return w.token(tenant, resource_access={"regional-hub": {
	    "roles": ["source-admin", "data-reader"]}})


def send(w, method, path, o=None, tenant="schwerte", type="application/json",
    link=True, headers=(), token=None):
	h = {"Authorization": "Bearer " + (token or admin(w, tenant)),
	    "Accept": "application/json"}
	if link:
		h["Link"] = LINK
	data = None
	if o is not None:
		data = o if isinstance(o, bytes) else json.dumps(o).encode()
		h["Content-Type"] = type
	h.update(dict(headers))
	c = w.connect()
	begun = time.monotonic()
	c.request(method, path, body=data, headers=h)
	r = c.getresponse()
	a = Answer(r, r.read(), time.monotonic() - begun)
	c.close()
	return a


def post(w, o, **more):
	return send(w, "POST", CSR, o, **more)


def patch(w, id, o, **more):
	return send(w, "PATCH", CSR + "/" + id, o, **more)


def get(w, path="", **more):
	return send(w, "GET", CSR + path, **more)


def made(w, o, **more):
	"""Registers; returns its id."""
	a = post(w, o, **more).ok(201)
	path = a.one("Location")
	check(path and path.startswith(CSR + "/"), "Location: %r" % path)
	return path[len(CSR) + 1:]


def gone(w, *ids, **more):
	for id in ids:
		send(w, "DELETE", CSR + "/" + id, **more).ok(204)


def asks(w, tenant="schwerte", query="?type=WaterObserved", **more):
	return w.ask(tenant, query, purpose=None, **more)


def region(w, more=""):
	return tenants(
	    schwerte='may-register = {"http://127.0.0.1"}',
	    froendenberg='may-register = {"http://127.0.0.1:%d", '
	    '"https://*.froendenberg.example"}' % w.brokers["b"].port) + \
	    source("fest", "schwerte", w.brokers["c"], ["OffStreetParking"]) + \
	    more


def setup():
	w = World("registrations", brokers={
	    "a": Broker([gauge("1", 10), gauge("2", 20)]),
	    "b": Broker([gauge("3", 30)]),
	    "c": Broker([])})
	w.apply(region(w))
	w.start()
	return w


# ---- one registration from its birth to its end

@test
def is_created_read_changed_and_deleted(w):
	own = {"operatedBy": "Stadtwerke", "tags": [1, {"a": None}]}
	given = body(w, id="urn:ngsi-ld:CSR:leben", registrationName="Pegel",
	    description="Pegel am Ort", expiresAt="2099-01-01T00:00:00Z",
	    refreshRate="PT5M", scope=["/a/b"], mode="inclusive",
	    operations=["federationOps"], tenant="pegel",
	    datasetId=["urn:ngsi-ld:D:1", "@none"],
	    location={"type": "Point", "coordinates": [7.5, 51.4]},
	    observationInterval={"startAt": "2020-01-01T00:00:00Z"},
	    contextSourceAlias="broker.a", management={"localOnly": True,
	    "timeout": 900, "cooldown": 1000, "cacheDuration": "PT1M"},
	    contextSourceInfo=[{"key": "X-Key", "value": "v"}],
	    information=[{"entities": [{"id": WO + "1", "type":
	    "WaterObserved"}, {"idPattern": "^" + WO, "type":
	    ["WaterObserved", "FloodMonitoring"]}], "propertyNames":
	    ["waterLevel"], "relationshipNames": ["refDevice"]}], **own)
	id = made(w, given)
	same(id, "urn:ngsi-ld:CSR:leben", "Location")
	got = get(w, "/" + id).ok().json()
	said = {k: got.pop(k) for k in ("timesSent", "timesFailed")}
	same(said, {"timesSent": 0, "timesFailed": 0}, "counters")
	same(got, given, "what was registered")
	full = get(w, "/" + id, link=False).ok().json()
	same(full["information"][0]["propertyNames"], [NS + "waterLevel"],
	    "under the core context")
	a = patch(w, id, {"registrationName": "Pegel 2", "description": None,
	    "operatedBy": "urn:ngsi-ld:null", "tags": 2})
	same((a.status, a.body), (204, b""), "changed")
	want = dict(given, registrationName="Pegel 2", tags=2)
	for k in ("description", "operatedBy"):
		del want[k]
	got = get(w, "/" + id + "?options=sysAttrs").ok().json()
	for k in ("timesSent", "timesFailed"):
		del got[k]
	check(got.pop("createdAt") < got.pop("modifiedAt"), "times")
	same(got, want, "what was changed")
	same(w.sql("SELECT version FROM hub.registration"), [["2"]], "version")
	gone(w, id)
	same(get(w, "/" + id).status, 404, "gone")
	same(send(w, "DELETE", CSR + "/" + id).status, 404, "gone already")
	same(patch(w, id, {"description": "x"}).status, 404, "none to change")
	same(w.sql("SELECT count(*) FROM hub.registration"), [["0"]], "rows")


@test
def gets_an_id_if_it_has_none(w):
	one, two = made(w, body(w)), made(w, body(w))
	check(re.fullmatch(r"urn:ngsi-ld:ContextSourceRegistration:"
	    r"[0-9a-f-]{36}", one), "id: " + one)
	check(one != two, "ids differ")
	a = post(w, body(w, id=one))
	same((a.status, a.json()["type"]), (409,
	    "https://uri.etsi.org/ngsi-ld/errors/AlreadyExists"), "twice")
	gone(w, one, two)


@test
def takes_the_context_from_the_body(w):
	o = dict(body(w), **{"@context": [CONTEXT,
	    "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"]})
	id = made(w, o, type="application/ld+json", link=False)
	same(get(w, "/" + id).ok().json()["information"][0]["entities"],
	    [{"type": "WaterObserved"}], "under the region's context")
	w.brokers["a"].forget()
	same(asks(w).ids(), [WO + "1", WO + "2"], "ids")
	line = w.brokers["a"].asked()[0]
	check("type=WaterObserved&" in line[0], "short names: %r" % line)
	a = send(w, "GET", CSR + "/" + id, headers={
	    "Accept": "application/ld+json"}).ok()
	same(a.json()["@context"], CONTEXT, "ld")
	gone(w, id)
	for link, type in ((True, "application/ld+json"),
	    (False, "application/json")):
		same(post(w, o, type=type, link=link).status, 400, type)
	same(post(w, body(w, **{"@context": "https://x.example/"}),
	    type="application/ld+json", link=False).status, 503, "unknown")


# ---- who and where

@test
def is_for_source_admins_only(w):
	id = made(w, body(w))
	reader = w.token("schwerte")
	for method, path, o in (("GET", "", None), ("POST", "", body(w)),
	    ("GET", "/" + id, None), ("PATCH", "/" + id, {"description": "x"}),
	    ("DELETE", "/" + id, None)):
		same(send(w, method, CSR + path, o, token=reader).status, 403,
		    method + path)
	same(send(w, "PUT", CSR + "/" + id, {}).one("Allow"),
	    "GET, HEAD, PATCH, DELETE", "Allow")
	same(send(w, "DELETE", CSR).one("Allow"), "GET, HEAD, POST", "Allow")
	gone(w, id)


@test
def is_seen_by_its_tenant_alone(w):
	mine = made(w, body(w, id="urn:ngsi-ld:CSR:eins"))
	other = {"tenant": "froendenberg"}
	theirs = made(w, body(w, "b", id="urn:ngsi-ld:CSR:eins"), **other)
	same(mine, theirs, "the same id")
	same(get(w, "/" + mine).ok().json()["endpoint"], w.brokers["a"].url,
	    "schwerte")
	same(get(w, "/" + mine, **other).ok().json()["endpoint"],
	    w.brokers["b"].url, "froendenberg")
	same(len(get(w).ok().json()), 1, "list")
	same(asks(w).ids(), [WO + "1", WO + "2"], "schwerte")
	same(asks(w, "froendenberg").ids(), [WO + "3"], "froendenberg")
	same(asks(w, "dortmund").ids(), [], "dortmund")
	gone(w, theirs, **other)
	same(get(w, "/" + mine).status, 200, "mine stays")
	unknown = "urn:ngsi-ld:CSR:keine"
	a = [send(w, m, CSR + "/" + i, o, **other) for m, o in (("GET", None),
	    ("PATCH", {"description": "x"}), ("DELETE", None))
	    for i in (mine, unknown)]
	same([x.status for x in a], [404] * 6, "hidden like unknown")
	bodies = {x.json()["detail"] for x in a}
	same(len(bodies), 1, "told alike: %r" % bodies)
	gone(w, mine)


@test
def goes_only_where_the_region_lets_it(w):
	https = "https://%s/ngsi-ld/v1"
	cases = [("froendenberg", w.brokers["a"].url, 403),
	    ("froendenberg", https % "a.b.froendenberg.example", 201),
	    ("froendenberg", https % "A.FROENDENBERG.example:8443", 201),
	    ("froendenberg", https % "froendenberg.example", 403),
	    ("froendenberg", https % "x.froendenberg.example.evil.example", 403),
	    ("froendenberg", "http://x.froendenberg.example", 403),
	    ("froendenberg", "https://u@x.froendenberg.example", 400),
	    ("froendenberg", "https://evil.example/?.froendenberg.example", 400),
	    ("froendenberg", "https://evil.example#.froendenberg.example", 400),
	    ("schwerte", "http://127.0.0.2", 403),
	    ("schwerte", "https://127.0.0.1", 403),
	    ("schwerte", "http://localhost", 403),
	    ("dortmund", w.brokers["a"].url, 403),
	    ("dortmund", "https://x.example", 403)]
	for tenant, url, status in cases:
		a = post(w, body(w, endpoint=url), tenant=tenant)
		same(a.status, status, tenant + " " + url)
		if status == 201:
			gone(w, a.one("Location")[len(CSR) + 1:],
			    tenant=tenant)
	id = made(w, body(w))
	same(patch(w, id, {"endpoint": "http://127.0.0.2"}).status, 403, "moved")
	w.apply(region(w).replace('{"http://127.0.0.1"}',
	    '{"https://a.example.org"}'))
	wait_for(lambda: asks(w).ids() == [], 10, "the list was made shorter")
	same(get(w, "/" + id).status, 200, "still read")
	w.apply(region(w))
	wait_for(lambda: len(asks(w).ids()) == 2, 10, "and longer again")
	gone(w, id)


# ---- what is refused

def without(o, *keys):
	return {k: v for k, v in o.items() if k not in keys}


def info(**more):
	return {"information": [more]}


T = {"type": "WaterObserved"}
BAD = [
    ("endpoint", dict(endpoint=None)),
    ("information", dict(information=None)),
    ("ContextSourceRegistration", dict(type=None)),
    ("ContextSourceRegistration", dict(type="Subscription")),
    ("id is no URI", dict(id="leben")),
    ("endpoint", dict(endpoint="ftp://127.0.0.1")),
    ("endpoint", dict(endpoint="http://127.0.0.1:99999")),
    ("endpoint", dict(endpoint="http://127.0.0.1/../x")),
    ("endpoint", dict(endpoint="http://127.0.0.1/a?b")),
    ("endpoint", dict(endpoint=7)),
    ("information", dict(information=[])),
    ("information", dict(information={"entities": [T]})),
    ("information", info()),
    ("entities", info(entities=[])),
    ("entities", info(entities=[{"id": WO + "1"}])),
    ("entities", info(entities=[dict(T, id="1")])),
    ("entities", info(entities=[dict(T, id=WO + "*")])),
    ("entities", info(entities=[dict(T, id=WO + "1", idPattern=".*")])),
    ("entities", info(entities=[dict(T, idPattern="(")])),
    ("entities", info(entities=[dict(T, q="x")])),
    ("nothing else", info(entities=[T], attrs=["x"])),
    ("propertyNames", info(propertyNames=[])),
    ("propertyNames", info(propertyNames="waterLevel")),
    ("propertyNames", info(propertyNames=["flow", "flow"])),
    ("propertyNames", info(propertyNames=["a b"])),
    ("relationshipNames", info(relationshipNames=[1])),
    ("mode", dict(mode="sometimes")),
    ("operations", dict(operations=["queryEverything"])),
    ("operations", dict(operations="retrieveOps")),
    ("tenant", dict(tenant="a\r\nX: y")),
    ("tenant", dict(tenant="a b")),
    ("contextSourceInfo", dict(contextSourceInfo={"key": "a", "value": "b"})),
    ("contextSourceInfo", dict(contextSourceInfo=[{"key": "a"}])),
    ("contextSourceInfo", dict(contextSourceInfo=[
    {"key": "a b", "value": "c"}])),
    ("contextSourceInfo", dict(contextSourceInfo=[
    {"key": "a", "value": "b\r\nHost: c"}])),
    ("contextSourceInfo", dict(contextSourceInfo=[
    {"key": "a", "value": "b"}, {"key": "A", "value": "b"}])),
    ("contextSourceAlias", dict(contextSourceAlias="a, b")),
    ("management", dict(management={"timeout": -1})),
    ("management", dict(management={"timeout": "1"})),
    ("management", dict(management={"pause": 1})),
    ("management", dict(management={"cacheDuration": "1 day"})),
    ("location", dict(location={"type": "Point", "coordinates": [200, 0]})),
    ("location", dict(location="here")),
    ("expiresAt is no DateTime", dict(expiresAt="tomorrow")),
    ("in the past", dict(expiresAt="2020-01-01T00:00:00Z")),
    ("refreshRate", dict(refreshRate="often")),
    ("scope", dict(scope=["/a/#"])),
    ("datasetId", dict(datasetId=["x"])),
    ("observationInterval", dict(observationInterval={"endAt":
    "2020-01-01T00:00:00Z"})),
    ("observationInterval", dict(observationInterval={"startAt":
    "2020-01-02T00:00:00Z", "endAt": "2020-01-01T00:00:00Z"})),
    ("exclusive", dict(mode="exclusive")),
    ("exclusive", dict(mode="exclusive", **info(entities=[dict(T,
    id=WO + "1")]))),
    ("exclusive", dict(mode="exclusive", **info(entities=[dict(T,
    idPattern=".*")], propertyNames=["flow"]))),
    ("exclusive", dict(mode="exclusive", **info(entities=[dict(T,
    id=WO + "1"), dict(T, id=WO + "2")], propertyNames=["flow"]))),
    ("null", dict(operatedBy="urn:ngsi-ld:null")),
]


@test
def names_what_it_refuses(w):
	for word, more in BAD:
		a = post(w, body(w, **more))
		same(a.status, 400, "%r: %r" % (more, a.body))
		check(word in a.json()["detail"], "%r: %r" % (more, a.body))
	id = made(w, body(w, id="urn:ngsi-ld:CSR:hart"))
	before = get(w, "/" + id).json()
	for word, more in BAD:
		if None in more.values() or more.get("operatedBy"):
			continue
		if "id" in more:
			word = "id"
		same(patch(w, id, more).status, 400, "change: %r" % more)
	for more in ({"endpoint": None}, {"information": None}, {"id": None},
	    {"type": None}, {"id": "urn:ngsi-ld:CSR:anders"}):
		same(patch(w, id, more).status, 400, "change: %r" % more)
	same(get(w, "/" + id).json(), before, "unchanged")
	gone(w, id)
	for raw in (b"", b"{", b"[]", b'"x"', b'{"type":1,"type":2}'):
		same(post(w, raw).status, 400, repr(raw))
	same(post(w, body(w), type="text/plain").status, 415, "type")
	same(post(w, body(w, x="a" * 9000)).status, 400, "large member")
	same(post(w, body(w, **{"x%d" % i: 1 for i in range(200)})).status, 400,
	    "many members")
	same(get(w, "?x=1").status, 400, "parameter")
	same(send(w, "POST", CSR + "?x=1", body(w)).status, 400, "parameter")
	same(w.sql("SELECT count(*) FROM hub.registration"), [["0"]], "rows")


@test
def guards_what_is_exclusive(w):
	x = dict(mode="exclusive", **info(entities=[dict(T, id=WO + "1")],
	    propertyNames=["waterLevel"]))
	id = made(w, body(w, **x))
	cases = [(409, x), (409, dict(x, mode="redirect")),
	    (409, dict(mode="redirect")),
	    (201, dict(x, mode="inclusive")), (201, dict(x, mode="auxiliary")),
	    (201, dict(mode="exclusive", **info(entities=[dict(T,
	    id=WO + "1")], propertyNames=["flow"]))),
	    (201, dict(mode="exclusive", **info(entities=[dict(T,
	    id=WO + "2")], propertyNames=["waterLevel"])))]
	for status, more in cases:
		a = post(w, body(w, **more))
		same(a.status, status, repr(more))
		if status == 201:
			gone(w, a.one("Location")[len(CSR) + 1:])
		else:
			same(a.json()["title"], "Conflict", "title")
	soft = made(w, body(w, **dict(x, mode="inclusive")))
	same(patch(w, soft, {"mode": "redirect"}).status, 409, "made harder")
	same(patch(w, id, {"description": "sich selbst"}).status, 204, "itself")
	# What others have is nobody's business.
	theirs = made(w, body(w, "b", **x), tenant="froendenberg")
	gone(w, theirs, tenant="froendenberg")
	gone(w, id)
	same(patch(w, soft, {"mode": "exclusive"}).status, 204, "free again")
	gone(w, soft)
	parking = "urn:ngsi-ld:OffStreetParking:1"
	w.apply(region(w, '''
dataset zu { source = fest  ids = {"%s"}  mode = exclusive
	type OffStreetParking { attributes = {availableSpotNumber} } }
''' % parking))
	hard = dict(mode="redirect", **info(entities=[{"id": parking,
	    "type": "OffStreetParking"}], propertyNames=["availableSpotNumber"]))

	def refused():
		a = post(w, body(w, **hard))
		if a.status == 201:	# the new region is not in force yet
			gone(w, a.one("Location")[len(CSR) + 1:])
		return a.status == 409
	wait_for(refused, 10, "409 with a dataset of the region")
	w.apply(region(w))


# ---- what flows

@test
def works_at_once_on_every_worker(w):
	for turn in range(6):
		id = made(w, body(w))
		for n in range(8):	# a new connection each, two workers
			same(asks(w).ids(), [WO + "1", WO + "2"], "made")
		patch(w, id, info(entities=[dict(T, id=WO + "2")])).ok(204)
		for n in range(8):
			same(asks(w).ids(), [WO + "2"], "changed")
		gone(w, id)
		for n in range(8):
			same(asks(w).ids(), [], "deleted")


@test
def limits_a_source_to_what_is_registered(w):
	a = w.brokers["a"]
	id = made(w, body(w, information=[
	    {"entities": [dict(T, id=WO + "1")], "propertyNames": ["flow"]},
	    {"entities": [dict(T, idPattern=":2$")],
	    "propertyNames": ["waterLevel"]}]))
	got = {e["id"]: sorted(e) for e in asks(w).ok().json()}
	same(got, {WO + "1": ["flow", "id", "type"],
	    WO + "2": ["id", "type", "waterLevel"]}, "by entity")
	a.forget()
	for q in ("?type=FloodMonitoring", "?type=WaterObserved&id=" + WO + "3",
	    "?type=WaterObserved&attrs=refDevice"):
		same(asks(w, query=q).ids(), [], q)
	same(a.asked(), [], "not asked in vain")
	gone(w, id)
	id = made(w, body(w, **info(entities=[dict(T, idPattern="^urn:.*:2$")],
	    propertyNames=["flow"])))
	a.forget()
	same(asks(w).ids(), [WO + "2"], "pattern")
	line = a.asked()[0][0]
	check("idPattern=%5Eurn:.%2A:2%24&" in line and "attrs=flow" in line,
	    "narrowed: " + line)
	gone(w, id)
	id = made(w, body(w, **info(propertyNames=["flow"])))
	a.forget()
	same([sorted(e) for e in asks(w).ok().json()],
	    [["flow", "id", "type"]] * 2, "attributes alone")
	asks(w, query="?attrs=flow").ok()
	line = a.asked()[-1][0]
	check("/entities?attrs=flow&" in line, "without a type: " + line)
	gone(w, id)


@test
def asks_as_it_is_registered(w):
	a = w.brokers["a"]
	info = [{"key": "Authorization", "value": "Bearer geheim"},
	    {"key": "X-Api-Key", "value": "k"},
	    {"key": "Accept-Language", "value": "urn:ngsi-ld:request"},
	    {"key": "X-Request-Id", "value": "urn:ngsi-ld:request"},
	    {"key": "Cookie", "value": "urn:ngsi-ld:request"},
	    {"key": "Host", "value": "evil.example"},
	    {"key": "Via", "value": "1.1 evil"},
	    {"key": "NGSILD-Tenant", "value": "evil"},
	    {"key": "Content-Length", "value": "7"}]
	id = made(w, body(w, tenant="pegel", contextSourceInfo=info,
	    management={"localOnly": True}))
	a.forget()
	same(asks(w, headers={"Accept-Language": "de", "Cookie": "c=1",
	    "X-Correlation-Id": "x"}).ids(), [WO + "1", WO + "2"], "ids")
	line, fields = a.asked()[0][0], a.asked()[0][1:]
	check("&local=true" in line, line)
	got = {}
	for f in fields:
		k, v = f.split(": ", 1)
		got.setdefault(k, []).append(v)
	for k, v in (("Authorization", ["Bearer geheim"]), ("X-Api-Key", ["k"]),
	    ("Accept-Language", ["de"]), ("NGSILD-Tenant", ["pegel"]),
	    ("Host", ["127.0.0.1:%d" % a.port]),
	    ("Via", ["HTTP/1.1 hub.drehscheibe.example"])):
		same(got.get(k), v, k)
	for k in ("X-Request-Id", "Cookie", "Content-Length",
	    "X-Correlation-Id", "Hub-Purpose"):
		check(k not in got, k + " travelled: %r" % got)
	patch(w, id, {"contextSourceInfo": [{"key": "Authorization", "value":
	    "urn:ngsi-ld:request"}], "management": None,
	    "localOnly": True}).ok(204)
	a.forget()
	asks(w).ok()
	check("&local=true" in a.asked()[0][0], "localOnly at the top")
	check(not any(f.startswith("Authorization") for f in a.asked()[0]),
	    "the client's token travelled")
	gone(w, id)


@test
def gets_the_state_of_a_trace_where_it_is_registered(w):
	"""Once, and never as the client sent it unless it is well-formed."""
	a = w.brokers["a"]
	id = made(w, body(w, contextSourceInfo=[
	    {"key": "Tracestate", "value": "urn:ngsi-ld:request"},
	    {"key": "traceparent", "value": "urn:ngsi-ld:request"}]))
	trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	parent = "00-%s-00f067aa0ba902b7-01" % trace
	for sent, state in (({"traceparent": parent, "tracestate": "k=v"},
		["k=v"]), ({"traceparent": parent, "tracestate": "K=v"}, []),
	    ({"traceparent": "x", "tracestate": "k=v"}, []), ({}, [])):
		a.forget()
		asks(w, headers=sent).ok()
		got = [f.split(": ", 1) for f in a.asked()[0][1:]]
		same([v for k, v in got if k.lower() == "tracestate"], state,
		    "%r" % sent)
		parents = [v for k, v in got if k.lower() == "traceparent"]
		same(len(parents), 1, "%r" % sent)
		same(parents[0].split("-")[1] == trace, sent.get("traceparent")
		    == parent, "%r: %r" % (sent, parents))
		check(parents != [parent], "our own part")
	gone(w, id)


@test
def does_not_ask_who_is_in_via(w):
	a = w.brokers["a"]
	id = made(w, body(w, contextSourceAlias="broker.a"))
	a.forget()
	same(asks(w, headers={"Via": "1.1 x, HTTP/1.1 Broker.A"}).ids(), [],
	    "in the chain")
	same(a.asked(), [], "not asked")
	same(len(asks(w, headers={"Via": "1.1 broker.b"}).ids()), 2, "another")
	gone(w, id)


@test
def ends_when_it_expires(w):
	at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
	id = made(w, body(w, expiresAt=at))
	same(len(asks(w).ids()), 2, "before")
	same(len(get(w).json()), 1, "listed")
	bundles = w.hub.text().count("region in force")
	wait_for(lambda: asks(w).ids() == [], 8, "its end")
	same(w.hub.text().count("region in force"), bundles, "no reload")
	same(get(w).json(), [], "not listed")
	patch(w, id, {"expiresAt": "2099-01-01T00:00:00Z"}).ok(204)
	same(len(asks(w).ids()), 2, "prolonged")
	gone(w, id)


@test
def rests_after_a_failure_and_counts(w):
	a = w.brokers["a"]
	id = made(w, body(w, management={"timeout": 300, "cooldown": 1500}))
	same(len(asks(w).ids()), 2, "first")
	got = get(w, "/" + id).json()
	same((got["timesSent"], got["timesFailed"], got["status"]),
	    (1, 0, "ok"), "counted")
	check("lastSuccess" in got and "lastFailure" not in got, repr(got))
	a.fault = hang
	late = asks(w)
	same(late.warnings(), {id: 199}, "late")
	check(late.seconds < 1.5 * SLOW, "timeout: %.2f s" % late.seconds)
	a.fault = None
	a.forget()
	same(asks(w).warnings(), {id: 199}, "resting")
	same(a.asked(), [], "not asked while it rests")
	got = get(w, "/" + id).json()
	same((got["timesSent"], got["timesFailed"], got["status"]),
	    (2, 1, "failed"), "counted")
	same([r["id"] for r in get(w, "?csf=status==%22failed%22").json()],
	    [id], "asked for by its status")
	wait_for(lambda: asks(w).warnings() == {}, 8, "its rest to end")
	gone(w, id)


# ---- agreements

@test
def is_shared_by_an_agreement_that_names_it(w):
	id = "urn:ngsi-ld:CSR:geteilt"
	text = region(w) + agreement("geteilt", "schwerte", "froendenberg",
	    "x-x", {"WaterObserved": "allow = {waterLevel}"}).replace("x-x",
	    '"%s"' % id)
	said = w.apply(text)
	check("registration" in said and "geteilt" in said, said)
	see = lambda: w.ask("froendenberg", "?type=WaterObserved").ok().json()
	same(see(), [], "not there yet")
	# Another tenant's registration of that id is not what was agreed upon.
	theirs = made(w, body(w, "b", id=id), tenant="froendenberg")
	same([e["id"] for e in see()], [WO + "3"], "its own, and no more")
	gone(w, theirs, tenant="froendenberg")
	made(w, body(w, id=id))
	wait_for(lambda: [sorted(e) for e in see()] ==
	    [["id", "type", "waterLevel"]] * 2, 10, "what is released")
	same(get(w, "/" + id, tenant="froendenberg").status, 404, "hidden")
	csf = "?type=WaterObserved&csf="
	same(len(w.ask("froendenberg", csf + "owner==%22schwerte%22").ids()), 2,
	    "what a consumer may ask of it")
	same(w.ask("froendenberg", csf + "endpoint").ids(), [],
	    "and what it may not")
	# It no longer fits: the agreement is void, the region goes on.
	patch(w, id, info(entities=[{"type": "FloodMonitoring"}])).ok(204)
	same(see(), [], "void")
	same(w.ready()[0], 200, "ready")
	gone(w, id)
	w.apply(region(w))


# ---- finding

@test
def finds_what_is_asked_for(w):
	box = {"type": "Polygon", "coordinates": [[[7.5, 51.4], [7.6, 51.4],
	    [7.6, 51.5], [7.5, 51.5], [7.5, 51.4]]]}
	one = made(w, body(w, id="urn:ngsi-ld:CSR:1", operatedBy="Werke",
	    level=3, scope="/ruhr/oben", location=box,
	    observationInterval={"startAt": "2020-01-01T00:00:00Z",
	    "endAt": "2021-01-01T00:00:00Z"}))
	two = made(w, body(w, id="urn:ngsi-ld:CSR:2", mode="auxiliary",
	    **info(entities=[{"id": WO + "7", "type": "WaterObserved"}],
	    propertyNames=["flow"])))
	three = made(w, body(w, id="urn:ngsi-ld:CSR:3",
	    **info(entities=[{"idPattern": "^urn:ngsi-ld:F",
	    "type": "FloodMonitoring"}])))
	near = "&geometry=Point&coordinates=%5B7.55,51.45%5D"
	cases = [("", [one, two, three]), ("?type=WaterObserved", [one, two]),
	    ("?type=WaterObserved%7CFloodMonitoring", [one, two, three]),
	    ("?type=Nix", []), ("?id=" + WO + "7", [one, two]),
	    ("?id=" + WO + "8", [one]),
	    ("?type=FloodMonitoring&id=urn:ngsi-ld:Flut:1", [three]),
	    ("?type=WaterObserved&idPattern=:7$", [one, two]),
	    ("?type=WaterObserved&idPattern=:8$", [one]),
	    ("?attrs=flow", [one, two, three]), ("?attrs=refDevice",
	    [one, three]),
	    ("?csf=operatedBy==%22Werke%22", [one]), ("?csf=level%3E2", [one]),
	    ("?csf=level%3E3", []), ("?csf=mode==%22auxiliary%22", [two]),
	    ("?csf=!mode", [one, three]),
	    ("?scopeQ=/ruhr/%23", [one]), ("?scopeQ=/lippe", []),
	    ("?georel=intersects" + near, [one]),
	    ("?georel=disjoint" + near, []),
	    ("?georel=intersects&geoproperty=operationSpace" + near, []),
	    ("?timerel=after&timeAt=2020-06-01T00:00:00Z", [one]),
	    ("?timerel=before&timeAt=2020-01-01T00:00:00Z", []),
	    ("?timerel=between&timeAt=2020-06-01T00:00:00Z"
	    "&endTimeAt=2030-01-01T00:00:00Z", [one]),
	    ("?timerel=after&timeAt=2020-06-01T00:00:00Z"
	    "&timeproperty=modifiedAt", []),
	    ("?limit=2", [one, two]), ("?limit=2&offset=2", [three])]
	for q, want in cases:
		a = get(w, q)
		check(a.status == 200, "%s: %r" % (q, a.body))
		same([r["id"] for r in a.json()], want, q)
	a = get(w, "?limit=1&offset=1&count=true")
	same(a.one("NGSILD-Results-Count"), "3", "count")
	links = " ".join(a.all("Link"))
	for rel, at in (("next", 2), ("prev", 0)):
		check("csourceRegistrations?count=true&limit=1&offset=%d>; "
		    'rel="%s"' % (at, rel) in links, links)
	for q in ("?timerel=after", "?timeAt=2020-01-01T00:00:00Z",
	    "?options=keyValues", "?q=a==1", "?limit=x", "?csf=a=="):
		same(get(w, q).status, 400, q)
	same(get(w, "?limit=1001").status, 403, "limit")
	gone(w, one, two, three)


@test
def keeps_answers_as_long_as_is_registered(w):
	"""Each of the two workers asks for itself."""
	a = w.brokers["a"]
	for duration, most in (("PT1M", 2), ("PT0S", 6), (None, 6)):
		id = made(w, body(w, management={"cacheDuration": duration}
		    if duration else {"localOnly": False}))
		a.forget()
		for i in range(6):
			same(len(asks(w).ids()), 2, "entities")
		check(1 <= len(a.asked()) <= most if most < 6 else
		    len(a.asked()) == 6, "%s: asked %d times" % (duration,
		    len(a.asked())))
		gone(w, id)


@test
def chooses_sources_by_csf(w):
	one = made(w, body(w, operatedBy="Werke"))
	two = made(w, body(w, "b", operatedBy="Stadt"))
	for b in "ab":
		w.brokers[b].forget()
	csf = "?type=WaterObserved&csf="
	same(asks(w, query=csf + "operatedBy==%22Stadt%22").ids(), [WO + "3"],
	    "one of them")
	same(w.brokers["a"].asked(), [], "the other is not asked")
	same(len(asks(w, query=csf + "operatedBy").ids()), 3, "both")
	same(asks(w, query=csf + "operatedBy==%22x%22").ids(), [], "neither")
	same(asks(w, query="?type=OffStreetParking&csf=title==%22fest%22"
	    ).status, 200, "a dataset of the region")
	gone(w, one, two)


@test
def asks_only_where_it_can_be(w):
	a = w.brokers["a"]
	id = made(w, body(w, scope=["/ruhr"], datasetId="urn:ngsi-ld:D:1",
	    location={"type": "Polygon", "coordinates": [[[7.5, 51.4],
	    [7.6, 51.4], [7.6, 51.5], [7.5, 51.5], [7.5, 51.4]]]}))
	point = "&geometry=Point&coordinates="
	cases = [("&scopeQ=/ruhr", 1), ("&scopeQ=/ruhr/oben", 1),
	    ("&scopeQ=/%23", 1), ("&scopeQ=/lippe", 0),
	    ("&datasetId=urn:ngsi-ld:D:1", 1), ("&datasetId=urn:ngsi-ld:D:2", 0),
	    ("&datasetId=@none,urn:ngsi-ld:D:1", 1),
	    ("&georel=intersects" + point + "%5B7.55,51.45%5D", 1),
	    ("&georel=intersects" + point + "%5B8.55,51.45%5D", 0),
	    ("&georel=disjoint" + point + "%5B8.55,51.45%5D", 1),
	    ("&georel=near;maxDistance==1000" + point + "%5B7.61,51.45%5D", 1),
	    ("&georel=near;maxDistance==500" + point + "%5B7.61,51.45%5D", 0),
	    ("&georel=near;minDistance==500" + point + "%5B7.61,51.45%5D", 1),
	    ("&georel=intersects&geoproperty=flow" + point + "%5B8,51%5D", 1)]
	for q, times in cases:
		a.forget()
		asks(w, query="?type=WaterObserved" + q).ok()
		same(len(a.asked()), times, q)
	gone(w, id)


# ---- the database

@test
def outlives_a_restart(w):
	id = made(w, body(w, id="urn:ngsi-ld:CSR:bleibt"))
	before = get(w, "/" + id).json()
	w.stop()
	w.start()
	same(get(w, "/" + id).ok().json(), before, "the same")
	same(len(asks(w).ids()), 2, "and in force")
	gone(w, id)


@test
def may_end_before_its_last_answer_is_out(w):
	id = made(w, body(w))
	w.stop()
	w.start(env=slow_disk(w, 1.5))
	a = w.brokers["a"]
	a.forget()
	ids = []
	t = threading.Thread(target=lambda: ids.extend(asks(w).ids()))
	t.start()
	wait_for(a.asked, 10, "the source is asked")
	# The answer is in and waits for the disk; what it came by goes.
	gone(w, id)
	t.join(30)
	same(len(ids), 2, "it was asked while it was registered")
	same(asks(w).ids(), [], "gone")
	w.stop()
	w.start()


@test
def skips_rows_that_do_not_hold(w):
	good = made(w, body(w))
	w.sql("INSERT INTO hub.registration (tenant, id, context, document) "
	    "VALUES ('schwerte', 'urn:x:kein-json', '', '{{'), "
	    "('schwerte', 'urn:x:leer', '', '{}'), "
	    "('niemand', 'urn:x:fremd', '', '{}')")
	w.sql("UPDATE hub.registration_head SET epoch = epoch + 1")
	w.sql("NOTIFY hub_policy, 'registration'")
	wait_for(lambda: w.logged("registration is not in force"), 10, "the log")
	same(len(asks(w).ids()), 2, "the good one stays")
	same([r["id"] for r in get(w).json()], [good], "listed")
	same(post(w, body(w, id="urn:x:leer")).status, 409, "its id is taken")
	gone(w, "urn:x:leer", "urn:x:kein-json", good)
	w.sql("DELETE FROM hub.registration")


@test
def takes_no_more_names_than_a_tenant_may_bring(w):
	ids = []

	def named(n):
		return body(w, information=[{"propertyNames":
		    ["%s%d" % (NS + "x", n * 999 + i) for i in range(999)]}])
	for n in range(5):
		ids.append(made(w, named(n)))
	a = post(w, named(5))
	same(a.status, 403, "one too many: %r" % a.body)
	same(a.json()["type"], "urn:drehscheibe:problem:registrations-full",
	    "type")
	same(post(w, named(0)).status, 201, "names that it has already")
	gone(w, *[r["id"] for r in get(w).json()])


@test
def loses_nothing_by_what_another_tenant_registers(w):
	id = made(w, body(w))
	w.sql("INSERT INTO hub.registration (tenant, id, context, document) "
	    "SELECT 'froendenberg', 'urn:x:' || n, '', '{}' "
	    "FROM generate_series(1, 10001) n")
	w.sql("UPDATE hub.registration_head SET epoch = epoch + 1")
	w.sql("NOTIFY hub_policy, 'registration'")
	wait_for(lambda: w.logged("more registrations than a region can have"),
	    20 * SLOW, "the log")
	wait_for(lambda: w.logged("more registrations are not in force"),
	    20 * SLOW, "the new region")
	same([r["id"] for r in get(w).json()], [id], "listed")
	same(len(asks(w).ids()), 2, "in force")
	w.sql("DELETE FROM hub.registration WHERE tenant = 'froendenberg'")
	gone(w, id)


@test
def binds_the_database_to_the_tenant(w):
	id = made(w, body(w, id="urn:ngsi-ld:CSR:rls"))
	as_tenant = lambda who: w.sql("SET ROLE hub_tenant; "
	    "SET hub.tenant = '%s'; SELECT id FROM hub.registration" % who)
	same(as_tenant("schwerte"), [[id]], "its own")
	same(as_tenant("froendenberg"), [], "another's")
	same(as_tenant(""), [], "nobody's")
	proxy = lambda sql: w.sql("SET ROLE hub_proxy; " + sql)
	same(proxy("SELECT id FROM hub.registration"), [[id]], "the hub")
	for sql in ("DELETE FROM hub.registration",
	    "UPDATE hub.registration SET document = '{}'",
	    "INSERT INTO hub.registration (tenant, id, context, document) "
	    "VALUES ('schwerte', 'urn:x:y', '', '{}')",
	    "UPDATE hub.registration_head SET epoch = 0",
	    "SELECT hub.registration_turn(NULL)"):
		try:
			proxy(sql)
		except Failed as e:
			check("denied" in str(e), sql + ": " + str(e))
			continue
		raise Failed("the hub may: " + sql)
	same(proxy("SELECT hub.registration_create('schwerte', 'urn:x:y', -1, "
	    "'', '{}', 1000)"), [["moved"]], "another epoch")
	same(proxy("SELECT hub.registration_create('schwerte', 'urn:x:y', "
	    "epoch, '', '{}', 1) FROM hub.registration_head"), [["full"]],
	    "too many")
	same(proxy("SELECT hub.registration_delete('schwerte', '%s')" % id),
	    [["done"]], "by function")


@test
def is_not_lost_between_two_writers(w):
	answers, threads = [], []

	def write(n):
		answers.append(post(w, body(w, id="urn:ngsi-ld:CSR:n%d" %
		    (n // 2))).status)
	for n in range(8):
		threads.append(threading.Thread(target=write, args=(n,)))
	for t in threads:
		t.start()
	for t in threads:
		t.join()
	same(sorted(answers), [201] * 4 + [409] * 4, "each id once")
	same(len(get(w).json()), 4, "all there")
	gone(w, *["urn:ngsi-ld:CSR:n%d" % n for n in range(4)])


@test
def says_when_the_database_is_away(w):
	id = made(w, body(w))
	subprocess.run([PG, "stop", w.pg], timeout=60, check=True,
	    stdout=subprocess.DEVNULL)
	w.pg = None
	for a in (post(w, body(w)), patch(w, id, {"description": "x"}),
	    send(w, "DELETE", CSR + "/" + id)):
		same(a.status, 503, "without a database: %r" % a.body)
		check(a.one("Retry-After"), "Retry-After")
		check(a.seconds < 12 * SLOW, "%.1f s" % a.seconds)
	same(get(w, "/" + id).status, 200, "still read")
	same(len(asks(w).ids()), 2, "still in force")


main(setup)
