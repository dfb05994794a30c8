#!/usr/bin/env python3
# conduct.t - what HTTP clients expect of any server: ETag and 304, gzip, CORS,
# HSTS, Allow, errors in the reader's language; and that none of it tells more
# than the answer does.
import glob
import gzip
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

A = "urn:ngsi-ld:WaterObserved:A"
Q = "?type=WaterObserved&limit=1000"
T = "2026-11-22T17:10:00Z"
PAGE = "https://karte.froendenberg.example"
OTHER = "https://karte.schwerte.example:8443"
BASE_VARY = {"Authorization", "Hub-Purpose", "Accept", "Accept-Encoding", "Link",
    "NGSILD-Tenant", "Origin"}


def water(id, level):
	return ent(id, "WaterObserved", waterLevel=prop(level, T),
	    flow=prop("7", T), refDevice=prop('"geheim"'))


def region(w, version=1, more=""):
	r = tenants(schwerte='origins = {"%s"}' % OTHER,
	    froendenberg='origins = {"%s", "http://localhost:3000"}' % PAGE)
	r += source("broker-d", "dortmund", w.brokers["d"], ["WaterObserved"])
	for who in ("froendenberg", "holzwickede"):
		r += agreement("d-" + who, "dortmund", who, "broker-d-data",
		    {"WaterObserved": "allow = {waterLevel, flow}"},
		    version=version)
	return r + more


def many(n=40):
	return [water("urn:ngsi-ld:WaterObserved:%03d" % i, "%d.10" % i)
	    for i in range(n)]


def setup():
	w = World("conduct", {"d": Broker(many())})
	w.apply(region(w))
	w.start()
	return w


def apply(w, text):
	"""Returns when the hub has it."""
	w.apply(text)
	number = w.sql("SELECT max(bundle_id) FROM hub.bundle")[0][0]
	wait_for(lambda: w.logged("bundle=%s tenants=" % number), 15,
	    "bundle %s is in force" % number)
	time.sleep(0.1)	# and every worker has been told


def ask(w, path=Q, tenant="froendenberg", conn=None, method="GET", **headers):
	return w.ask(tenant, path, conn=conn, method=method, headers={
	    k.replace("_", "-"): v for k, v in headers.items()})


def booked(w, a):
	"""(status, bytes, entities) of the access, once it is there."""
	rows = wait_for(lambda: w.sql("SELECT http_status, bytes_out, entities "
	    "FROM ledger.event WHERE request_id = '%s' AND class = 'access'" %
	    a.one("Request-Id")), 20, "the access is in the ledger")
	return tuple(int(x) for x in rows[0])


# ---- ETag

@test
def names_the_same_state_alike(w):
	c = w.connect()
	first = ask(w, conn=c).ok()
	tag = first.one("ETag")
	check(re.fullmatch(r'"[0-9a-f]{32}"', tag or ""), "ETag %r" % tag)
	same([ask(w, conn=c).one("ETag") for i in range(3)], [tag] * 3, "again")
	same(ask(w).one("ETag"), tag, "of another connection")
	same(ask(w, method="HEAD").one("ETag"), tag, "of HEAD")
	same(ask(w, Accept_Language="de").one("ETag"), tag, "of another language")
	c.close()


@test
def names_different_states_differently(w):
	seen = {}
	one = "/ngsi-ld/v1/entities/urn:ngsi-ld:WaterObserved:000"
	empty = "?type=FloodMonitoring"
	for what, a in {
	    "whole": ask(w), "page": ask(w, "?type=WaterObserved&limit=5&offset=1"),
	    "simplified": ask(w, Q + "&options=keyValues"),
	    "counted": ask(w, Q + "&count=true"),
	    "linked data": ask(w, Accept="application/ld+json"),
	    "GeoJSON": ask(w, Accept="application/geo+json"),
	    "another tenant": ask(w, tenant="holzwickede"),
	    "one": ask(w, one),
	    "one of another tenant": ask(w, one, tenant="holzwickede"),
	    "nothing": ask(w, empty),
	    "nothing of another tenant": ask(w, empty, tenant="holzwickede"),
	    "nothing counted": ask(w, empty + "&count=true"),
	    "a context": ask(w, "/ngsi-ld/v1/jsonldContexts/" +
		CONTEXT.replace("/", "%2F")),
	}.items():
		tag = a.ok().one("ETag")
		check(tag and tag not in seen, "%s: %s is also that of %s" %
		    (what, tag, seen.get(tag)))
		seen[tag] = what


@test
def follows_the_view_and_nothing_else(w):
	b = w.brokers["d"]
	tag = ask(w).one("ETag")
	b.entities = many()
	for e in range(len(b.entities)):
		b.entities[e] = b.entities[e].replace(b"geheim", b"anders")
	same(ask(w).one("ETag"), tag, "when something hidden has changed")
	apply(w, region(w, more=agreement("s-h", "schwerte", "holzwickede",
	    "broker-s-data", {"WaterObserved": "allow = {flow}"}) + source(
	    "broker-s", "schwerte", b, ["WaterObserved"])))
	same(ask(w).one("ETag"), tag, "when others agreed on something")
	apply(w, region(w, version=2))
	a = ask(w)
	check(a.one("ETag") != tag, "another version of the agreement")
	b.entities = many(39)
	check(ask(w).one("ETag") not in (tag, a.one("ETag")), "other data")
	b.entities = many()
	same(ask(w).one("ETag"), a.one("ETag"), "the data of before")
	apply(w, region(w))
	same(ask(w).one("ETag"), tag, "all as it was")


@test
def answers_304_to_who_has_it(w):
	c = w.connect()
	full = ask(w, conn=c).ok()
	tag = full.one("ETag")
	for known in (tag, "W/" + tag, '"x", %s , "y"' % tag, "*",
	    tag[:-1] + '-gzip"'):
		for method in ("GET", "HEAD"):
			a = ask(w, conn=c, method=method, If_None_Match=known)
			same((a.status, a.body), (304, b""), known)
			for name in ("ETag", "Vary", "Cache-Control",
			    "Hub-Agreement"):
				same(a.one(name), full.one(name), name)
			check(a.one("Date") and a.one("Request-Id"), "fields")
			for name in ("Content-Type", "Content-Encoding",
			    "Content-Length"):
				same(a.one(name), None, name)
	for other in ('"x"', tag.strip('"'), tag[:-2] + '"', '"-gzip"', "**",
	    tag[:-1] + '-br"'):
		same(ask(w, conn=c, If_None_Match=other).status, 200, other)
	w.brokers["d"].entities = many(39)
	same(ask(w, conn=c, If_None_Match=tag).status, 200, "changed")
	w.brokers["d"].entities = many()
	c.close()


@test
def says_304_only_to_whose_view_it_is(w):
	tag = ask(w).one("ETag")
	same(ask(w, tenant="holzwickede", If_None_Match=tag).status, 200,
	    "another tenant")
	same(ask(w, Accept="application/ld+json", If_None_Match=tag).status, 200,
	    "another media type")
	same(ask(w, "/ngsi-ld/v1/entities/urn:ngsi-ld:X:1",
	    If_None_Match="*").status, 404, "what is not there")
	same(w.ask(None, Q, headers={"If-None-Match": "*"}).status, 401,
	    "nobody")


@test
def books_304_as_an_access_without_bytes(w):
	full = ask(w)
	a = ask(w, If_None_Match=full.one("ETag"))
	same(booked(w, full), (200, len(full.body), 40), "the whole answer")
	same(booked(w, a), (304, 0, 40), "the same again")


@test
def tells_of_failures_with_304_too(w):
	"""What the client has is still what there is; that a source failed is
	another matter."""
	b = w.brokers["d"]
	b.fault = status(500)
	failed = ask(w).ok()
	same(failed.warnings(), {"broker-d": 299}, "warning")
	a = ask(w, If_None_Match=failed.one("ETag"))
	same((a.status, a.warnings()), (304, {"broker-d": 299}), "304")
	b.fault = None


# ---- gzip

@test
def codes_what_is_worth_it(w):
	c = w.connect()
	plain = ask(w, conn=c)
	same(plain.one("Content-Encoding"), None, "not asked for")
	first = None
	for accepted in ("gzip", "gzip, deflate, br", "GZIP;q=0.5", "*",
	    "br;q=1, gzip;q=0.1", "identity, gzip"):
		a = ask(w, conn=c, Accept_Encoding=accepted).ok()
		same(a.one("Content-Encoding"), "gzip", accepted)
		same(gzip.decompress(a.body), plain.body, accepted)
		same(a.one("ETag"), plain.one("ETag")[:-1] + '-gzip"', "ETag")
		same(a.one("Content-Type"), plain.one("Content-Type"), "type")
		first = first or a.body
		same(a.body, first, "the same bytes each time")
	check(len(first) * 4 < len(plain.body), "%d of %d bytes" %
	    (len(first), len(plain.body)))
	for accepted in ("", "br", "gzip;q=0", "gzip;q=0.000, *", "gzip;q=2",
	    "identity"):
		a = ask(w, conn=c, Accept_Encoding=accepted).ok()
		same((a.one("Content-Encoding"), a.body), (None, plain.body),
		    accepted)
	a = ask(w, conn=c, Accept_Encoding="gzip", method="HEAD")
	same(a.one("ETag"), plain.one("ETag")[:-1] + '-gzip"', "of HEAD")
	same(a.one("Content-Length"), str(len(first)), "length of HEAD")
	a = ask(w, conn=c, Accept_Encoding="gzip", If_None_Match=a.one("ETag"))
	same((a.status, a.one("ETag")), (304, plain.one("ETag")), "304")
	c.close()


@test
def leaves_alone_what_is_short_long_or_private(w):
	def coding(path, **more):
		return ask(w, path, Accept_Encoding="gzip", **more).one(
		    "Content-Encoding")
	same(coding("?type=WaterObserved&limit=1"), None, "short")
	same(coding("?q=%22" + "a" * 3000), None, "an error")
	for path in ("me", "agreements", "catalogue"):
		same(coding("/hub/v1/" + path), None, path)
	w.brokers["d"].entities = many(900) + [water(
	    "urn:ngsi-ld:WaterObserved:long", '"%s"' % ("x" * 1100000))]
	same(coding(Q), None, "more than a MiB")
	same(ask(w, If_None_Match="*").ok().one("ETag"), None,
	    "above 256 KiB")
	w.brokers["d"].entities = many(900)
	same(coding(Q), "gzip", "less than a MiB")
	w.brokers["d"].entities = many()


@test
def books_bytes_as_they_are_sent(w):
	c = w.connect()
	for i in range(3):	# made, recalled and coded, both recalled
		a = ask(w, conn=c, Accept_Encoding="gzip").ok()
		same(a.one("Content-Encoding"), "gzip", "coding")
		same(booked(w, a), (200, len(a.body), 40), "booked")
	c.close()


# ---- Server-Timing

def with_roles(w, tenant, *roles):
	return w.token(tenant, resource_access={"regional-hub": {
	    "roles": list(roles)}})


def times(a):
	"""{name: milliseconds} of a Server-Timing, or None."""
	text = a.one("Server-Timing")
	if text is None:
		return None
	parts = [re.fullmatch(r"(\w+);dur=(\d+\.\d{3})", p) for p in
	    text.split(", ")]
	check(all(parts), "Server-Timing: " + text)
	return {p.group(1): float(p.group(2)) for p in parts}


@test
def tells_a_tenants_admins_where_the_time_went(w):
	admin = with_roles(w, "froendenberg", "data-reader", "tenant-admin")
	w.brokers["d"].fault = delay(0.05)
	a = w.ask("froendenberg", Q, token=admin).ok()
	w.brokers["d"].fault = None
	t = times(a)
	same(list(t), ["total", "sources", "ledger"], "names")
	check(50 <= t["sources"] <= t["total"], "%r" % t)
	check(0 < t["ledger"] < t["total"], "%r" % t)
	check(t["sources"] + t["ledger"] <= t["total"] + 0.001, "%r" % t)
	# Nobody is asked for these, and nothing is booked.
	for path, status in (("/hub/v1/me", 200), ("?limit=x", 400),
	    ("/ngsi-ld/v1/jsonldContexts", 200)):
		a = w.ask("froendenberg", path, token=admin)
		same((a.status, list(times(a))), (status, ["total"]), path)


@test
def tells_nobody_else(w):
	for roles in (("data-reader",), ("data-reader", "hub-operator",
	    "auditor", "policy-editor", "source-admin", "finance-reader",
	    "crisis-officer")):
		token = with_roles(w, "froendenberg", *roles)
		for path in (Q, "/hub/v1/me", "?limit=x", "/nothing"):
			same(times(w.ask("froendenberg", path, token=token)),
			    None, "%s for %s" % (path, roles))
	same(times(w.ask(None, Q)), None, "nobody")
	same(times(w.ask(None, Q, token="x.y.z")), None, "a bad token")
	old = w.token("froendenberg", exp=1, resource_access={"regional-hub":
	    {"roles": ["tenant-admin"]}})
	a = w.ask(None, Q, token=old)
	same((a.status, times(a)), (401, None), "an admin's token of then")
	same(times(w.ask(None, "/", purpose=None, link=False)), None, "the page")


@test
def times_are_no_part_of_the_state(w):
	admin = with_roles(w, "froendenberg", "data-reader", "tenant-admin")
	c = w.connect()
	tags = {w.ask("froendenberg", Q, token=admin, conn=c).one("ETag")
	    for i in range(3)}
	same(tags, {ask(w, conn=c).one("ETag")}, "the ETag")
	a = w.ask("froendenberg", Q, token=admin, conn=c, headers={
	    "If-None-Match": tags.pop(), "Origin": PAGE})
	same(a.status, 304, "status")
	check("total" in times(a), "of 304")
	check("Server-Timing" in a.one("Access-Control-Expose-Headers"),
	    "exposed")
	c.close()


# ---- CORS

def allowed(a):
	return a.one("Access-Control-Allow-Origin")


@test
def lets_pages_read_that_the_tenant_lists(w):
	for origin, tenant, want in (
	    (PAGE, "froendenberg", PAGE), (OTHER, "schwerte", OTHER),
	    ("http://localhost:3000", "froendenberg", "http://localhost:3000"),
	    (OTHER, "froendenberg", None), (PAGE, "holzwickede", None),
	    (PAGE + ":443", "froendenberg", None),
	    (PAGE + ".evil.example", "froendenberg", None),
	    (PAGE.upper(), "froendenberg", None),
	    ("null", "froendenberg", None), ("*", "froendenberg", None)):
		for path, code in ((Q, 200), ("?limit=x", 400),
		    ("/hub/v1/me", 200), ("/nothing", 404)):
			a = ask(w, path, tenant=tenant, Origin=origin)
			same(a.status, code, path)
			if path != "/nothing":	# nobody is known there yet
				same(allowed(a), want, "%s %s %s" % (origin,
				    tenant, path))
			same(a.one("Access-Control-Allow-Credentials"), None,
			    "credentials")
			exposed = a.one("Access-Control-Expose-Headers")
			check(not allowed(a) or "NGSILD-Results-Count" in
			    exposed and "NGSILD-Warning" in exposed and
			    "Link" in exposed and "ETag" in exposed, exposed)
	same(allowed(ask(w, Origin=PAGE, If_None_Match="*")), PAGE, "of 304")
	same(allowed(w.ask(None, Q, headers={"Origin": PAGE})), PAGE, "of 401")
	same(allowed(w.ask(None, Q, headers={"Origin": "https://evil.example"})),
	    None, "of 401 to others")
	a = w.ask(None, "/ngsi-ld/v1/jsonldContexts/" + CONTEXT.replace("/",
	    "%2F"), headers={"Origin": "https://anyone.example"})
	same((a.status, allowed(a)), (200, "*"), "what is open")


@test
def answers_preflights_from_the_list(w):
	def preflight(path, origin, **more):
		h = {"Origin": origin, "Access-Control-Request-Method": "GET",
		    "Access-Control-Request-Headers": "authorization"}
		h.update({k.replace("_", "-"): v for k, v in more.items()})
		return w.ask(None, path, method="OPTIONS", purpose=None,
		    link=False, headers={k: v for k, v in h.items() if v})
	for path, methods in ((ENTITIES, "GET, HEAD"), (ROOT +
	    "/entityOperations/query", "POST"), ("/hub/v1/me", "GET, HEAD"),
	    (ROOT + "/csourceRegistrations/x", "GET, HEAD, PATCH, DELETE")):
		for origin in (PAGE, OTHER):
			a = preflight(path, origin)
			same((a.status, a.body), (204, b""), path)
			same(allowed(a), origin, path)
			same(a.one("Access-Control-Allow-Methods"), methods,
			    path)
			check({"Authorization", "traceparent"} <= set(a.one(
			    "Access-Control-Allow-Headers").split(", ")),
			    "headers")
			same(a.one("Access-Control-Allow-Credentials"), None,
			    "credentials")
			check("Origin" in a.one("Vary"), "Vary")
	for a in (preflight(ENTITIES, "https://evil.example"),
	    preflight(ENTITIES, None), preflight(ENTITIES, PAGE,
	    Access_Control_Request_Method=None)):
		same((a.status, allowed(a) if a.status == 204 else None),
		    (405, None), "no preflight of ours")
		same(a.one("Allow"), "GET, HEAD", "Allow")
		same(a.one("Access-Control-Allow-Methods"), None, "methods")
	same(preflight("/nothing", PAGE).status, 404, "nothing there")


# ---- fields of all answers

@test
def says_what_all_answers_say(w):
	for path in (Q, "?limit=x", "/hub/v1/me", "/nothing",
	    "/ngsi-ld/v1/types"):
		a = ask(w, path)
		same(a.one("Strict-Transport-Security"), "max-age=31536000",
		    path)
		same(a.one("Cache-Control"), "private", path)
		check(BASE_VARY <= set(a.one("Vary").split(", ")),
		    a.one("Vary"))


@test
def names_what_it_takes_with_405(w):
	for path, methods in ((ENTITIES, "GET, HEAD"), (ROOT +
	    "/entityOperations/query", "POST"), (ROOT + "/entityMaps/x",
	    "GET, HEAD, PATCH, DELETE"), ("/hub/v1/crises",
	    "GET, HEAD, POST")):
		a = ask(w, path, method="PUT")
		same((a.status, a.one("Allow")), (405, methods), path)


def details():
	"""What parsers and steps tell clients, from their sources."""
	def text(pattern):
		for path in glob.glob(os.path.join(SRC, pattern)):
			with open(path, encoding="utf-8") as f:
				yield re.sub(r'"\s*\n\s*"', "", f.read())
	word = r'"((?:[^"\\\n]|\\.)+)"'
	for pattern, how in (
	    ("server/request*.c", r"refuse\(rq,\s*PROBLEM_\w+,\s*"),
	    ("server/request*.c", r"PROBLEM_BAD_REQUEST,\s*"),
	    ("server/request_map.c", r"return \("),
	    ("server/request_media.c", r"why_r = (?:[^;\"]*\?\s*)?"),
	    ("policies/crisis.c", r"return \("),
	    ("policies/registration*.c", r"reader_bad\(&?r,\s*"),
	    ("server/ngsild/q*.c", r"why_r = "),
	    ("server/ngsild/*.c", r"refuse\(&?p, HUB_\w+,\s*"),
	    ("server/ngsild/quer*.c", r"query_bad\(&?\w[\w>.-]*,\s*"),
	    ("server/ngsild/temporal_query.c", r"query_bad\(&?\w[\w>.-]*,\s*"),
	    ("server/ngsild/geo.c", r"why_r = "),
	    ("server/ngsild/scope.c", r"why_r = "),
	    ("server/ngsild/quer*.c", r"query_refuse\([^\"]*")):
		found = [m.group(1).replace('\\"', '"') for t in text(pattern)
		    for m in re.finditer(how + word, t)]
		check(found, "nothing found by " + how)
		yield from found


@test
def has_german_for_every_detail(w):
	with open(os.path.join(SRC, "server/problem_german.c"),
	    encoding="utf-8") as f:
		table = re.sub(r'"\s*\n\s*"', "", f.read())
	known = [m.replace('\\"', '"') for m in re.findall(
	    r'\{ "((?:[^"\\]|\\.)*)",', table)]
	check(len(known) > 100, len(known))
	same(sorted(known), sorted(set(known)), "each once")
	missing = {d for d in details() if " " in d and "%" not in d and not any(
	    d == k or k[-1] == "*" and d.startswith(k[:-1]) for k in known)}
	check(not missing, "details without German: %r" % sorted(missing))


GERMAN = re.compile("[äöüß]|\\b(der|die|das|ist|nicht|ein|eine|kein|gibt|"
    "diese|hat|keine|sind|mit)\\b", re.I)
WRONG = ("?limit=x", "?limit=1001", "?type=", "?type=WaterObserved&limit=1"
    "&limit=1", "/nothing", "/hub/v1/me?x=1", "?nonsense=1",
    ENTITIES + "/urn:x:1", "/ngsi-ld/v1/types?local=x", "?q=(((",
    "?type=WaterObserved&georel=near&geometry=Point",
    "/ngsi-ld/v1/subscriptions", "/ngsi-ld/v1/temporal/entities")


@test
def speaks_the_readers_language(w):
	for accepted, want in (("de", "de"), ("de-DE,de;q=0.9,en;q=0.8", "de"),
	    ("en;q=0.8, de", "de"), ("fr, de;q=0.5", "de"), ("DE", "de"),
	    ("en", "en"), ("en-GB, de;q=0.9", "en"), ("fr", "en"),
	    ("de;q=0", "en"), ("*", "en"), ("", "en"), ("den", "en")):
		a = ask(w, "?limit=x", Accept_Language=accepted)
		same(a.one("Content-Language"), want, accepted)
		same(bool(GERMAN.search(a.json()["detail"])), want == "de",
		    "%s: %s" % (accepted, a.json()["detail"]))
	for path in WRONG:
		for language in ("de", "en"):
			a = ask(w, path, Accept_Language=language)
			check(a.status >= 400, path)
			same(a.one("Content-Language"), language, path)
			text = a.json()["detail"]
			same(bool(GERMAN.search(text)), language == "de",
			    "%s: %s" % (path, text))


# ---- /openapi.json

@test
def serves_its_own_description(w):
	a = w.ask(None, "/openapi.json", link=False, purpose=None,
	    headers={"Origin": "https://anyone.example"}).ok()
	with open(os.path.join(SRC, "contrib/openapi/openapi.json"), "rb") as f:
		same(a.body, f.read(), "the document")
	same(a.json()["openapi"], "3.1.0", "version")
	same(allowed(a), "*", "any page may read it")
	b = w.ask(None, "/openapi.json", link=False, purpose=None,
	    headers={"Accept-Encoding": "gzip"})
	same(gzip.decompress(b.body), a.body, "with gzip")
	same(w.ask(None, "/openapi.json", headers={"If-None-Match":
	    b.one("ETag")}).status, 304, "again")
	same(w.ask(None, "/openapi.json?x=1").status, 400, "parameters")
	same(w.ask(None, "/openapi.json", method="POST").status, 405, "POST")


@test
def describes_every_route_it_has(w):
	"""Of the tables in the sources: what is done (a step) is there with
	each of its methods, and nothing else is."""
	doc = openapi.document(SRC)
	with open(os.path.join(SRC, "server/request.c")) as f:
		table = f.read()
	words = dict(re.findall(r'#define (\w+)[\s\\]*\(?1U << HTTP_[^"]*'
	    r'"([A-Z, ]+)"', table))
	routes = [(ROOT + "/" + p, words[m]) for p, m in re.findall(
	    r'\{ "([\w/*]+)",\s*([A-Z]+), &STEP', table)]
	with open(os.path.join(SRC, "server/request_hub.c")) as f:
		table = f.read()
	routes += [("/hub/v1/" + p, "GET, HEAD") for p in re.findall(
	    r'HUB\("([\w/*]+)"', table)]
	routes += [("/hub/v1/" + p, m or "GET, HEAD") for p, m in re.findall(
	    r'\.path = "([\w/*]+)",(?:[^{}]*?\.allow = "([^"]*)")?', table)]
	check(len(routes) > 25, routes)
	seen = set()
	for path, methods in routes:
		path = path.replace("*", "x")
		found = [item for n, pattern, item in doc.routes
		    if pattern.match(path)]
		check(found, "%s is not in the document" % path)
		same(sorted(k.upper() for k in found[0] if k != "parameters"),
		    sorted(set(methods.split(", ")) - {"HEAD"}), path)
		seen.add(id(found[0]))
	more = [t for t, item in doc.doc["paths"].items() if id(item) not in
	    seen and t not in ("/", "/web/{hash}/{file}", "/openapi.json")]
	same(more, [], "in the document, and not in the hub")


@test
def judges_answers_by_it(w):
	"""The judge itself: it must find what is wrong."""
	doc = openapi.document(SRC)
	a = ask(w).ok()
	path = ENTITIES + Q
	problem = ask(w, "?limit=x")

	def wrong(method="GET", target=path, status=a.status, fields=a.fields,
	    body=a.body):
		try:
			doc.judge(method, target, status, fields, body)
		except openapi.Undocumented:
			return True
		return False
	check(not wrong(), "a good answer")
	check(not wrong(status=400, fields=problem.fields, body=problem.body),
	    "a good problem")
	coded = a.fields + [("Content-Encoding", "gzip")]
	check(not wrong(fields=coded, body=gzip.compress(a.body)), "gzip")
	p = problem.json()
	for what, case in {
	    "a shape in gzip": {"fields": coded, "body": gzip.compress(
		b'[{"id":1}]')},
	    "no gzip": {"fields": coded}, "another coding": {"fields":
		a.fields + [("Content-Encoding", "br")]},
	    "status": {"status": 418}, "status of none": {"status": 201},
	    "method": {"method": "DELETE"}, "path": {"target": "/secret"},
	    "field": {"fields": a.fields + [("X-Broker", "d")]},
	    "media type": {"fields": [("Content-Type", "text/html")]},
	    "no type": {"fields": []}, "body": {"body": b'{"a":1}'},
	    "shape": {"body": b'[{"id":1}]'},
	    "a body with 304": {"status": 304},
	    "a member more": {"status": 400, "fields": problem.fields,
		"body": json.dumps(dict(p, broker="d")).encode()},
	    "a member less": {"status": 400, "fields": problem.fields,
		"body": json.dumps({k: p[k] for k in p if k != "title"
		}).encode()},
	    "a member empty": {"status": 400, "fields": problem.fields,
		"body": json.dumps(dict(p, detail="")).encode()},
	    "another instance": {"status": 400, "fields": problem.fields,
		"body": json.dumps(dict(p, instance="x")).encode()},
	}.items():
		check(wrong(**case), "%s is not found to be wrong" % what)


main(setup)
