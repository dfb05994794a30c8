#!/usr/bin/env python3
# explain.t - why a request got what it got: hubctl explain REQUEST-ID by the
# decision log and the bundle of then, /hub/v1/explain/ for the tenant itself,
# and hubctl simulate, the requests of the log under other rules.
import glob
import os
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"
ONE = "urn:ngsi-ld:WaterObserved:s1"
TERM = "https://drehscheibe.example/terms/"
GERMAN = dict(os.environ, LC_ALL="de_DE.UTF-8")
ENGLISH = dict(os.environ, LC_ALL="C.UTF-8")
SHARE = "allow = {waterLevel}  history = 90d  round flow { to = 0.5 }"
NOBODY = "01890a5d-ac96-774b-bcce-b302099a8057"


def region(w, share=SHARE, version=1, draft=True, dortmund=True):
	r = tenants()
	r += source("broker-s", "schwerte", w.brokers["s"], ["WaterObserved"])
	r += source("broker-d", "dortmund", w.brokers["d"], ["WaterObserved",
	    "OffStreetParking"], timeout="400ms")
	r += agreement("s-f", "schwerte", "froendenberg", "broker-s-data",
	    {"WaterObserved": share}, version=version)
	if dortmund:
		r += agreement("d-f", "dortmund", "froendenberg",
		    "broker-d-data", {"WaterObserved": "allow = {waterLevel}"})
	r += agreement("s-h", "schwerte", "holzwickede", "broker-s-data",
	    {"WaterObserved": "allow = {waterLevel}"},
	    signed='"schwerte:a"' if draft else None)
	return r + 'forbid geraete { attribute = refDevice  reason = "x" }\n'


def setup():
	w = World("explain", {
	    "s": Broker([ent(ONE, "WaterObserved", waterLevel=prop("1.23"),
		flow=prop("2.2"), refDevice=prop('"d"'))]),
	    "d": Broker([ent("urn:ngsi-ld:WaterObserved:d%d" % i,
		"WaterObserved", flow=prop("1")) for i in range(3)])},
	    settings='decision-log { directory = "decisions" }')
	w.apply(region(w))
	w.start()
	return w


def id_of(answer):
	return answer.one("Request-Id")


def written(w, id):
	def look():
		return any(id.encode() in whole(open(p, "rb").read())
		    for p in glob.glob(w.path("decisions/*.log")))
	wait_for(look, 10, "the line of " + id)
	return id


def explain(w, id, *argv, code=0, env=ENGLISH):
	return w.ctl("-o", "json", "explain", written(w, id), *argv,
	    code=code, env=env)[0]


def rows(w, id, *argv):
	return json.loads(explain(w, id, *argv))


@test
def explains_a_request_that_was(w):
	a = w.ask("froendenberg", Q + "&attrs=waterLevel,flow,refDevice").ok()
	got = rows(w, id_of(a))
	s = [r for r in got if r["dataset"] == "broker-s-data"]
	same([r["code"] for r in s if r["code"]], ["CONDITIONAL",
	    "ATTR_TRANSFORMED", "ATTR_DROPPED", "HISTORY"], "codes")
	by = [r for r in s if r["agreement"]]
	line = int(re.match(r"region\.hub:(\d+)$", by[0]["at"]).group(1))
	check(open(w.path("region.hub")).read().splitlines()[line - 1]
	    .startswith("agreement s-f"), "line %d" % line)
	text = "\n".join(r["sentence"] for r in got)
	for part in ("froendenberg", "hochwasserschutz", "WaterObserved",
	    "waterLevel, flow", "rounded to 0.5", "sent 1 entities",
	    "sent 3 entities", "s-f;v=1"):
		check(part in text, "%s: %s" % (part, text))
	out = w.ctl("explain", id_of(a), env=GERMAN)[0]
	for part in ("Gefragt hat froendenberg", "gerundet auf 0,5",
	    "broker-s-data (Stadt Schwerte)", "Paket 1", "[decision-"):
		check(part in out, "%s: %s" % (part, out))


@test
def explains_what_was_refused(w):
	got = rows(w, id_of(w.ask("holzwickede", Q).ok()))
	check("NO_GRANT" in [r["code"] for r in got if not r["dataset"]],
	    got)
	draft = [r for r in got if r["agreement"] == "s-h"]
	check("draft" in draft[0]["sentence"], draft)
	for args, code in (
	    (dict(tenant="froendenberg", path=Q, purpose="nichts"),
		"NO_PURPOSE"),
	    (dict(tenant=None, path=Q), "NO_TOKEN"),
	    (dict(tenant="froendenberg", path=Q + "&nosuch=1"),
		"BAD_REQUEST")):
		got = rows(w, id_of(w.ask(**args)))
		check(code in [r["code"] for r in got], (code, got))


@test
def explains_a_source_that_failed(w):
	w.brokers["d"].fault = hang
	a = w.ask("froendenberg", Q).ok()
	w.brokers["d"].fault = None
	got = [r for r in rows(w, id_of(a)) if r["dataset"] ==
	    "broker-d-data"]
	check("SOURCE_FAILED" in [r["code"] for r in got], got)


@test
def knows_ids_by_what_was_asked(w):
	a = w.ask("froendenberg", ENTITIES + "/" + ONE).ok()
	got = rows(w, id_of(a))
	same([r["code"] for r in got if r["dataset"] == "broker-s-data"][0],
	    "CONDITIONAL", "by id")
	a = w.ask("froendenberg", ENTITIES + "/urn:ngsi-ld:Other:1")
	same(a.status, 404, "status")
	got = rows(w, id_of(a))
	same([r["code"] for r in got if r["dataset"] == "broker-s-data"],
	    ["ID_PREFIX"], "another id")


@test
def keeps_to_the_bundle_of_then(w):
	a = w.ask("froendenberg", Q).ok()
	w.apply(region(w, share="allow = {flow}", version=2))
	wait_for(lambda: w.ask("froendenberg", Q).one("Hub-Agreement") in
	    (None, "s-f;v=2"), 10, "the new bundle")
	text = explain(w, id_of(a))
	check("s-f;v=1" in text and "s-f;v=2" not in text, text)
	got = json.loads(text)
	same({r["version"] for r in got if r["agreement"] == "s-f"}, {1},
	    "version")
	w.apply(region(w))
	wait_for(lambda: w.ask("froendenberg", Q).one("Hub-Agreement") ==
	    "s-f;v=1", 10, "the old text")


@test
def says_what_it_cannot_explain(w):
	out, err = w.ctl("explain", NOBODY, code=1, env=ENGLISH)
	check("has no request" in err and out == "", err)
	err = w.ctl("explain", NOBODY, code=1, env=GERMAN)[1]
	check("steht keine Anfrage" in err, err)
	w.ctl("explain", NOBODY[:-1], code=64)
	w.ctl("explain", NOBODY, "--log", w.path("nowhere"), code=1)
	w.ctl("explain", "--log", w.path("decisions"), "GET /x", code=64)
	a = written(w, id_of(w.ask("froendenberg", Q)))
	os.makedirs(w.path("copy"))
	path = glob.glob(w.path("decisions/*.log"))[-1]
	text = open(path).read()
	copy = w.write("copy/" + os.path.basename(path), text.replace(
	    '"entities":1,', '"entities":2,', 1))
	check(text != open(copy).read(), "nothing was changed")
	err = w.ctl("explain", a, "--log", w.path("copy"), code=1,
	    env=ENGLISH)[1]
	check("chain of hashes is broken" in err, err)
	# A bundle that is not the one the log means.
	w.write("copy/" + os.path.basename(path), re.sub(
	    '(?<="bundle_hash":")[0-9a-f]',
	    lambda m: "1" if m.group() == "0" else "0", text))
	w.ctl("explain", a, "--log", w.path("copy"), code=1)


def http(w, tenant, id, **more):
	return w.ask(tenant, "/hub/v1/explain/" + id, link=False,
	    purpose=None, **more)


def client(w, tenant, name, *roles):
	return w.token(tenant, client_id=name, resource_access={
	    "regional-hub": {"roles": list(roles) or ["data-reader"]}})


@test
def tells_a_tenant_of_its_own_requests(w):
	mine = client(w, "froendenberg", "grafana")
	a = w.ask("froendenberg", Q + "&q=refDevice", token=mine).ok()
	d = http(w, "froendenberg", id_of(a), token=mine).ok().json()
	same((d["requestId"], d["tenant"], d["decision"], d["language"],
	    d["predicates"]), (id_of(a), "froendenberg", "permit", "en",
	    [{"attribute": TERM + "refDevice", "absent": True}]), "document")
	same([(s["dataset"], s["agreements"][0]["name"]) for s in
	    d["sources"]], [("broker-s-data", "s-f"),
	    ("broker-d-data", "d-f")], "sources")
	de = http(w, "froendenberg", id_of(a), token=mine, headers={
	    "Accept-Language": "de"}).ok().json()
	check(any("Gefragt hat froendenberg" in s["text"] for s in
	    de["sentences"]), de["sentences"])
	# At once, and again long after.
	for _ in range(30):
		a = w.ask("froendenberg", Q, token=mine)
		http(w, "froendenberg", id_of(a), token=mine).ok()
	# Who administers the tenant sees what its other clients asked.
	admin = client(w, "froendenberg", "web", "tenant-admin")
	http(w, "froendenberg", id_of(a), token=admin).ok()
	http(w, "froendenberg", id_of(a), token=client(w, "froendenberg",
	    "web", "auditor")).ok()


@test
def l6_tells_nobody_of_others_requests(w):
	"""policy.md, L6: to others it is a request that never was."""
	mine = client(w, "froendenberg", "grafana")
	a = w.ask("froendenberg", Q, token=mine)

	def seen(tenant, id, token):
		x = http(w, tenant, id, token=token)
		return x.status, x.body.replace(
		    x.one("Request-Id").encode(), b"")
	none = seen("froendenberg", NOBODY, mine)
	same(none[0], 404, "nobody's")
	for tenant, token in (
	    ("schwerte", client(w, "schwerte", "x", "tenant-admin")),
	    ("dortmund", client(w, "dortmund", "grafana", "hub-operator",
		"auditor", "data-reader")),
	    ("froendenberg", client(w, "froendenberg", "other"))):
		same(seen(tenant, id_of(a), token), none, tenant)
	for id in ("x", "..", NOBODY[:-1], NOBODY.upper()):
		check(seen("froendenberg", id, mine)[0] in (400, 404), id)
	# A role that is no reader's is not enough.
	same(http(w, "froendenberg", id_of(a), token=client(w,
	    "froendenberg", "grafana", "finance-reader")).status, 403, "role")
	same(http(w, None, id_of(a)).status, 401, "no token")


@test
def tells_nothing_of_what_is_hidden(w):
	"""Whatever a source sends beside the view changes no byte of it."""
	mine = client(w, "froendenberg", "grafana")

	def told():
		a = w.ask("froendenberg", Q, token=mine).ok()
		d = http(w, "froendenberg", id_of(a), token=mine).ok().json()
		for k in ("at", "requestId"):
			del d[k]
		return d
	before, kept = told(), w.brokers["d"].entities
	w.brokers["d"].entities = [ent("urn:ngsi-ld:WaterObserved:h%d" % i,
	    "WaterObserved", flow=prop(str(i))) for i in range(40)]
	same(told(), before, "with others hidden")
	w.brokers["d"].entities = []
	same(told(), before, "with none hidden")
	w.brokers["d"].entities = kept
	text = json.dumps(before)
	for word in ("entities_in", "upstream", "Parking", "refDevice",
	    "geraete", "holzwickede"):
		check(word not in text, word)


def asking(w, tenant, id, token):
	"""A question in a thread of its own; [0] is its answer, once there."""
	got = [None]

	def ask():
		got[0] = http(w, tenant, id, token=token)
	t = threading.Thread(target=ask)
	t.start()
	return got, t


@test
def lets_one_tenant_not_keep_all_others_waiting(w):
	"""A pipe in place of a day's file keeps the thread that searches."""
	path = w.path("decisions/decision-%s.log" % time.strftime("%Y-%m-%d",
	    time.gmtime(int(NOBODY.replace("-", "")[:12], 16) / 1000)))
	mine = client(w, "froendenberg", "grafana")
	other = client(w, "schwerte", "web", "tenant-admin")
	os.mkfifo(path)
	jobs = [asking(w, "froendenberg", NOBODY, mine)]

	def refused():
		return [g[0] for g, _ in jobs if g[0] is not None]
	try:
		time.sleep(0.5)		# it is searched for; four wait
		jobs += [asking(w, "froendenberg", NOBODY, mine)
		    for _ in range(6)]
		wait_for(lambda: len(refused()) == 2, 5, "two that are refused")
		jobs.append(asking(w, "schwerte", NOBODY, other))
		time.sleep(0.3)
		for a in refused():
			same((a.status, a.json()["type"], a.one("Retry-After")),
			    (503, "urn:drehscheibe:problem:explain-away", "5"),
			    "beyond four")
		same(len(refused()), 2, "refused; of another tenant none")
	finally:
		fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
		os.unlink(path)
		time.sleep(0.1)		# whoever opens it has done so
		os.close(fd)
		for _, t in jobs:
			t.join()
	same(sorted(g[0].status for g, _ in jobs), [404] * 6 + [503] * 2, "all")


def simulate(w, text, code, *argv):
	for name in ("contexts/flow.jsonld", "areas/schwerte.geojson",
	    "tls/jwks.json"):
		with open(w.path(name)) as f:
			w.write("other/" + name, f.read())
	out, err = w.ctl("-o", "json", "simulate", *(argv or ("--log", "1d")),
	    w.write("other/region.hub", text), code=code, env=ENGLISH)
	return json.loads(out), err


@test
def simulates_other_rules_on_what_was_asked(w):
	for p in glob.glob(w.path("decisions/*.log")):
		os.rename(p, p + ".old")
	w.hub.kill(signal.SIGUSR1)
	wait_for(lambda: glob.glob(w.path("decisions/*.log")), 10, "a file")
	for _ in range(3):
		w.ask("froendenberg", Q)
	w.ask("froendenberg", Q + "&attrs=waterLevel")
	w.ask("froendenberg", "?type=OffStreetParking")
	w.ask("froendenberg", ENTITIES + "/" + ONE)
	w.ask("schwerte", Q)
	w.ask(None, Q)
	written(w, id_of(w.ask("holzwickede", Q)))
	got, err = simulate(w, region(w) + "# nur ein Kommentar\n", 0)
	same(got, [], "nothing changed")
	check("8 requests replayed, 0 of them" in err, err)
	got, err = simulate(w, region(w, share="allow = {waterLevel, "
	    "stationName}  history = 30d  round flow { to = 0.5 }", version=2,
	    draft=False, dortmund=False), 3)
	kinds = {(r["tenant"], r["change"], r["dataset"]) for r in got}
	same(kinds, {("holzwickede", "now-allowed", "broker-s-data"),
	    ("froendenberg", "now-denied", "broker-d-data"),
	    ("froendenberg", "other-attributes", "broker-s-data"),
	    ("froendenberg", "other-limits", "broker-s-data"),
	    ("froendenberg", "other-agreements", "broker-s-data")}, "kinds")
	count = {k: sum(r["requests"] for r in got if r["change"] == k)
	    for k in {r["change"] for r in got}}
	same((count["now-allowed"], count["other-limits"],
	    count["other-attributes"]), (1, 5, 4), "requests")
	more = [r for r in got if r["change"] == "other-attributes"][0]
	check("stationName" in more["after"] and "stationName" not in
	    more["before"], more)
	check(all(re.match("[0-9a-f-]{36}$", r["example"]) for r in got), got)
	check("6 of them" in err, err)


@test
def simulates_a_time_and_no_other(w):
	other = region(w, draft=False)
	same(simulate(w, other, 0, "--log", "2020-01-01..2020-12-31")[0], [],
	    "another year")
	simulate(w, other, 3, "--log", "2020-01-01..2099-12-31")
	for bad in ("gestern", "2026-01-02..2026-01-01", "..", "-3d", "3"):
		w.ctl("simulate", "--log", bad, w.path("other/region.hub"),
		    code=64)
	w.ctl("simulate", w.path("other/region.hub"), code=64)
	w.ctl("simulate", "--log", "1d", w.write("bad.hub", "tenant {"),
	    code=78)
	w.ctl("simulate", "--log", "1d", "--directory", w.path("nowhere"),
	    w.path("other/region.hub"), code=1)


main(setup)
