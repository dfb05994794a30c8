#!/usr/bin/env python3
# web.t - the files of the web page, where it sends people to log in, and the
# outlines for its map; without a browser (tests/web has that).
import gzip
import hashlib
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

WEB = os.path.join(SRC, "contrib/web")
LOGIN = "https://idm.drehscheibe.example:8444"


def square(x, y):
	return json.dumps({"type": "Polygon", "coordinates": [[[x, y],
	    [x + 0.125, y], [x + 0.125, y + 0.0625], [x, y]]]})


def region(w):
	r = tenants().replace('	max-ttl = 1h  skew = 30s\n', '	max-ttl = 1h'
	    '  skew = 30s  web-client = "page \\"1\\""\n', 1).replace(ISSUER,
	    LOGIN + "/region", 1)
	for name in ("dortmund", "froendenberg", "ruhr", "geheim"):
		r += 'area %s { ags = "05913000"  geojson-file = ' \
		    '"areas/%s.geojson" }\n' % (name, name)
	r += source("broker-s", "schwerte", w.brokers["s"], ["WaterObserved"])
	r += agreement("s-f", "schwerte", "froendenberg", "broker-s-data",
	    {"WaterObserved": "allow = {waterLevel}  inside = {ruhr}"})
	r += agreement("s-d", "schwerte", "dortmund", "broker-s-data",
	    {"WaterObserved": "allow = {waterLevel}  inside = {geheim}"})
	return r


def setup():
	w = World("web", {"s": Broker([])},
	    settings='contact = "a+b@kreis-unna.example"\n'
	    'decision-log { directory = "decisions" }')
	for i, name in enumerate(("dortmund", "froendenberg", "ruhr",
	    "geheim")):
		w.write("areas/%s.geojson" % name, square(7 + i / 8, 51.5))
	w.apply(region(w))
	w.start()
	return w


def claims(w, tenant):
	return w.mint(w.claims(tenant, iss=LOGIN + "/region"))


def get(w, path, headers=(), **more):
	h = dict([("Accept", "text/html,*/*;q=0.8")])
	h.update(dict(headers))
	return w.ask(None, path, purpose=None, link=False, headers=h.items(),
	    **more)


def files(w):
	"""{name: address} of what the page names itself."""
	text = get(w, "/").ok().body.decode()
	found = re.findall(r'"(/web/[0-9a-f]{16}/([a-z.]+))"', text)
	check(found, text)
	return {name: path for path, name in found}


def policy(a):
	return {d.split(" ")[0]: d.split(" ")[1:] for d in
	    a.one("Content-Security-Policy").split("; ")}


@test
def serves_the_page_to_anybody(w):
	a = get(w, "/").ok()
	same(a.one("Content-Type"), "text/html; charset=utf-8", "type")
	same(a.one("Cache-Control"), "no-cache", "cache")
	check(a.body.startswith(b"<!doctype html>"), a.body[:40])
	check(b"@HASH@" not in a.body and b"<script>" not in a.body and
	    b"style=" not in a.body, "nothing inline, all filled in")
	for headers in ((), [("Accept", "text/html")], [("Accept",
	    "image/png")], [("Authorization", "Bearer nonsense")]):
		same(get(w, "/", headers).ok().body, a.body, headers)
	# What an issuer sends back with is the page's own business.
	same(get(w, "/?code=x&state=y").ok().body, a.body, "back from login")


@test
def sends_strict_headers_with_each_file(w):
	for path in ["/"] + list(files(w).values()):
		a = get(w, path).ok()
		p = policy(a)
		same(p["default-src"], ["'none'"], path)
		for what in ("script-src", "style-src"):
			same(p[what], ["'self'"], path)
		same(p["img-src"], ["'self'", "data:"], path)
		# The issuer that has a client for the page, not the other.
		same(p["connect-src"], ["'self'", LOGIN], path)
		for what in ("frame-ancestors", "base-uri", "form-action",
		    "trusted-types"):
			same(p[what], ["'none'"], path)
		same(p["require-trusted-types-for"], ["'script'"], path)
		same((a.one("X-Content-Type-Options"),
		    a.one("Referrer-Policy")), ("nosniff", "no-referrer"),
		    path)
		check("max-age=31536000" in
		    (a.one("Strict-Transport-Security") or ""), path)
		check(a.one("Request-Id"), path)


@test
def a_localhost_is_not_bound_to_https(w):
	a = get(w, "/", [("Host", "localhost:%d" % w.port)]).ok()
	same(a.all("Strict-Transport-Security"), [], "HSTS")


@test
def files_are_those_of_the_source_under_one_hash(w):
	types = {"js": "text/javascript; charset=utf-8", "css":
	    "text/css; charset=utf-8", "svg": "image/svg+xml"}
	where = files(w)["app.js"].rsplit("/", 1)[0]
	names = sorted(os.listdir(WEB))
	names = [n for n in names if n.rsplit(".", 1)[1] in types]
	check(len(names) > 8, names)
	for name in names:
		a = get(w, where + "/" + name).ok()
		with open(os.path.join(WEB, name), "rb") as f:
			same(hashlib.sha256(a.body).digest(),
			    hashlib.sha256(f.read()).digest(), name)
		same(a.one("Content-Type"), types[name.rsplit(".", 1)[1]], name)
		same(a.one("Cache-Control"),
		    "public, max-age=31536000, immutable", name)
		# Each import is a file that is there.
		for other in re.findall(rb"from\s+'\./([a-z.]+)'", a.body):
			check(other.decode() in names, other)


@test
def the_look_comes_from_tokens(w):
	text = {}
	for name in ("tokens.css", "style.css"):
		with open(os.path.join(WEB, name)) as f:
			text[name] = re.sub(r"/\*.*?\*/", "", f.read(),
			    flags=re.S)
	both = "".join(text.values())
	known = re.findall(r"(--[a-z0-9-]+):", both)
	same(sorted(set(known)), sorted(known), "each once")
	same(set(known), set(re.findall(r"var\((--[a-z0-9-]+)\)", both)),
	    "what is there and what is used")
	check(len(known) > 30, known)
	# Whose a name is shows: KERN's are in its file, ours are not.
	for name, mine in (("tokens.css", "--kern-"), ("style.css",
	    "--hub-")):
		for token in re.findall(r"(--[a-z0-9-]+):", text[name]):
			check(token.startswith(mine), name + " " + token)
	rules = text["style.css"].split("}", 1)[1]
	same(re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb\(|hsl\(", rules), [],
	    "colours without a name")


@test
def knows_what_a_client_has(w):
	for path in ("/", files(w)["app.js"]):
		a = get(w, path).ok()
		tag = a.one("ETag")
		check(re.fullmatch(r'"[0-9a-f]{16}"', tag), tag)
		for have in (tag, "W/" + tag, '"x", ' + tag, "*"):
			b = get(w, path, [("If-None-Match", have)])
			same((b.status, b.body, b.one("ETag")), (304, b"", tag),
			    have)
			check(b.one("Content-Security-Policy"), "the policy")
		for other in ('"0000000000000000"', tag.strip('"'), '""', '"',
		    tag[:-1], ","):
			same(get(w, path, [("If-None-Match", other)]).status,
			    200, other)


@test
def sends_fewer_bytes_to_who_takes_them(w):
	"""The same file, under a name of its own."""
	takes = ("Accept-Encoding", "br, gzip")
	saved = 0
	for path in ["/"] + list(files(w).values()):
		plain, coded = get(w, path).ok(), get(w, path, [takes]).ok()
		same(plain.one("Content-Encoding"), None, path)
		same(coded.one("Content-Encoding"), "gzip", path)
		same(gzip.decompress(coded.body), plain.body, path)
		saved += len(plain.body) - len(coded.body)
		check(len(coded.body) < len(plain.body), path)
		tag = plain.one("ETag")
		same(coded.one("ETag"), tag[:-1] + '-gzip"', path)
		for a in (plain, coded):
			same(a.one("Vary"), "Accept-Encoding", path)
		same(get(w, path, [takes], method="HEAD").one(
		    "Content-Length"), str(len(coded.body)), path)
		# Either is that state, to whoever has it.
		for have in (tag, coded.one("ETag")):
			a = get(w, path, [takes, ("If-None-Match", have)])
			same((a.status, a.body, a.one("ETag"),
			    a.one("Content-Encoding")), (304, b"",
			    coded.one("ETag"), None), have)
	check(saved > 3000, "only %d bytes" % saved)
	for no in ("identity", "br", "gzip;q=0"):
		same(get(w, "/", [("Accept-Encoding", no)]).ok().one(
		    "Content-Encoding"), None, no)


@test
def head_and_other_methods(w):
	for path in ("/", files(w)["style.css"]):
		g, h = get(w, path).ok(), get(w, path, method="HEAD").ok()
		same((h.body, h.one("Content-Length")), (b"",
		    str(len(g.body))), path)
		for method in ("POST", "PUT", "DELETE", "PATCH"):
			a = get(w, path, method=method)
			same((a.status, a.one("Allow")), (405, "GET, HEAD"),
			    method)


@test
def nothing_else_is_there(w):
	where = files(w)["app.js"].rsplit("/", 1)[0]
	for path in ("/web", "/web/", where, where + "/", where + "/none.js",
	    where + "/index.html", where + "/APP.JS", where + "/app.js/x",
	    "/web/0000000000000000/app.js", "/index.html", "/app.js",
	    where + "/app.js%00", where + "/../app.js", "/web/../web",
	    where + "/README.md", "/hubd.conf", "//", "/*"):
		a = get(w, path)
		check(a.status in (400, 404), "%s: %d" % (path, a.status))
		check(b"doctype" not in a.body, path)


@test
def tells_where_to_log_in(w):
	a = get(w, "/hub/v1/login", [("Accept", "application/json")]).ok()
	same(a.json(), {"hub": "hub.drehscheibe.example", "contact":
	    "a+b@kreis-unna.example", "issuers": [{
	    "issuer": LOGIN + "/region", "clientId": 'page "1"',
	    "scope": "openid hub.read"}]}, "login")
	same(get(w, "/hub/v1/login?x=1").status, 400, "parameter")
	same(get(w, "/hub/v1/login", method="POST").status, 405, "method")


@test
def a_reload_names_another_contact_or_none(w):
	def named():
		return get(w, "/hub/v1/login", [("Accept",
		    "application/json")]).ok().json()["contact"]

	before = w.settings
	for line, want in (('contact = "https://kreis-unna.example/k"\n',
	    "https://kreis-unna.example/k"), ("", None)):
		w.settings = re.sub("contact = .*\n", "", before) + "\n" + line
		w.write_conf()
		w.hub.kill(signal.SIGHUP)
		wait_for(lambda: named() == want, 10, "a contact of %r" % want)
	w.settings = before
	w.write_conf()
	w.hub.kill(signal.SIGHUP)
	wait_for(lambda: named() is not None, 10, "what was")


@test
def outlines_are_those_of_ones_agreements(w):
	for tenant, want in (("froendenberg", ["schwerte", "froendenberg",
	    "ruhr"]), ("dortmund", ["schwerte", "dortmund", "geheim"]),
	    ("schwerte", ["schwerte", "dortmund", "froendenberg", "ruhr",
	    "geheim"]), ("holzwickede", []), ("kreis-unna", [])):
		a = w.ask(None, "/hub/v1/areas", purpose=None, link=False,
		    token=claims(w, tenant)).ok()
		got = {f["properties"]["name"]: f for f in
		    a.json()["features"]}
		same(sorted(got), sorted(want), tenant)
		for name in ("dortmund", "ruhr", "geheim"):
			if name not in want:
				check(name.encode() not in a.body, "%s: %s" %
				    (tenant, name))
	same(got, {}, "nobody's")
	a = w.ask(None, "/hub/v1/areas", purpose=None, link=False,
	    token=claims(w, "froendenberg")).json()["features"]
	ruhr = [f for f in a if f["properties"]["name"] == "ruhr"][0]
	same(ruhr["geometry"], {"type": "MultiPolygon", "coordinates": [
	    json.loads(square(7.25, 51.5))["coordinates"]]}, "geometry")
	same([f["properties"]["title"] for f in a if
	    f["properties"]["name"] == "froendenberg"],
	    ["Stadt Fröndenberg/Ruhr"], "title")
	same(get(w, "/hub/v1/areas").status, 401, "without a token")


@test
def agreements_have_titles_for_people(w):
	a = w.ask(None, "/hub/v1/agreements", purpose=None, link=False,
	    token=claims(w, "froendenberg")).ok().json()[0]
	same((a["providerTitle"], a["consumerTitle"], a["datasetTitle"],
	    a["purposeTitle"]), ("Stadt Schwerte", "Stadt Fröndenberg/Ruhr",
	    "broker-s", "Hochwasserschutz"), "titles")
	same((a["providerAgs"], a["consumerAgs"]), ("05978028", "05978012"),
	    "in whose name figures are")


@test
def nothing_of_the_page_is_booked_or_logged(w):
	before = w.ask("froendenberg", "?type=WaterObserved").status
	get(w, "/").ok()
	get(w, files(w)["app.js"]).ok()
	get(w, "/hub/v1/login").ok()
	time.sleep(1 * SLOW)
	text = ""
	for name in os.listdir(w.path("decisions")):
		with open(w.path("decisions", name)) as f:
			text += f.read()
	same(before, 401, "the issuer of the other tests is not there")
	check('"GET"' in text, "the requests with tokens are in the log")
	ids = [get(w, p).one("Request-Id") for p in ("/", "/hub/v1/login")]
	time.sleep(1 * SLOW)
	for name in os.listdir(w.path("decisions")):
		with open(w.path("decisions", name)) as f:
			text = f.read()
		for id in ids:
			check(id not in text, "a page in the decision log")
	same(w.sql("SELECT count(*) FROM ledger.event"), [["0"]], "events")


main(setup)
