#!/usr/bin/env python3
# clients.t - programs that people use, against the hub as it is: curl, what
# Grafana's Infinity sends, ngsijs, Node-RED, and tokens of an issuer in the
# shape of Keycloak whose key is rotated. HUB_CLIENTS is the directory where
# the packages of package.json are installed; without it, or without Node.js,
# those tests are skipped in a plain line.
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../flow"))
from flow import *

MODULES = os.environ.get("HUB_CLIENTS", "")
T = "2026-11-22T17:10:00Z"
Q = ENTITIES + "?type=WaterObserved"
REALM = "/auth/realms/region"


def has(package):
	return shutil.which("node") and os.path.isdir(os.path.join(MODULES,
	    "node_modules", package)) and MODULES


def needs(package):
	def wrap(fn):
		if has(package):
			return test(fn)
		print("skipped: %s (no %s)" % (fn.__name__, package),
		    flush=True)
		return fn
	return wrap


def node(w, **more):
	env = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG")}
	env.update(HUB_CLIENTS=os.path.abspath(MODULES), HOME=w.dir,
	    NODE_EXTRA_CA_CERTS=w.path("tls/ca.pem"), CONTEXT=CONTEXT, **more)
	return env


def region(w, more=""):
	return tenants() + source("broker-d", "dortmund", w.brokers["d"],
	    ["WaterObserved"]) + agreement("d-f", "dortmund", "froendenberg",
	    "broker-d-data", {"WaterObserved":
	    "allow = {waterLevel, flow} filterable = {waterLevel}"}) + more


def setup():
	w = World("clients", {"d": Broker([ent("urn:ngsi-ld:WaterObserved:" + i,
	    "WaterObserved", waterLevel=prop(level, T), flow=prop("7.10", T),
	    refDevice=prop('"geheim"')) for i, level in (("A", "1.50"),
	    ("B", "2.50"), ("C", "3.50"))])})
	w.apply(region(w))
	w.start()
	return w


@test
def curl_gets_it_and_keeps_it(w):
	"""--compressed, --etag-save and --etag-compare: the second time there
	is nothing to fetch."""
	installed("curl")
	url = "https://localhost:%d%s" % (w.port, Q)
	argv = ["curl", "-sS", "--compressed", "--cacert", w.path("tls/ca.pem"),
	    "--connect-to", "localhost:%d:127.0.0.1:%d" % (w.port, w.port),
	    "-H", "Authorization: Bearer " + w.token("froendenberg"), "-H",
	    "Hub-Purpose: hochwasserschutz", "-H", "Link: " + LINK,
	    "-w", "%{http_code}", "--etag-save", w.path("etag"),
	    "--etag-compare", w.path("etag"), url]
	w.write("etag", "")
	out = run(*argv)[0]
	same([e["id"][-1] for e in json.loads(out[:-3])], ["A", "B", "C"],
	    "ids")
	same((out[-3:], run(*argv)[0]), ("200", "304"), "status")


@test
def grafana_infinity_gets_a_table(w):
	"""The fields of grafana-infinity-datasource 3 (pkg/infinity)."""
	h = [("User-Agent", "Grafana/12.1.0"), ("Accept",
	    "application/json;q=0.9,text/plain"), ("Accept-Encoding", "gzip"),
	    ("NGSILD-Tenant", "froendenberg"), ("traceparent",
	    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
	a = w.ask("froendenberg", Q + "&options=keyValues", headers=h).ok()
	same(a.one("Content-Type"), "application/json", "type")
	same(a.one("Content-Encoding"), None, "too short for gzip")
	same([(r["id"][-1], r["waterLevel"]) for r in a.json()],
	    [("A", 1.5), ("B", 2.5), ("C", 3.5)], "rows")
	check(b"7.10" in a.body, "numbers as they were: %r" % a.body)


@needs("ngsijs")
def ngsijs_reads_what_there_is(w):
	out = run("node", os.path.join(HERE, "ngsijs.js"),
	    "https://localhost:%d" % w.port, env=node(w,
	    TOKEN=w.token("froendenberg")))[0]
	got = json.loads(out)
	same((got["count"], [i[-1] for i in got["ids"]]), (3, ["A", "B"]),
	    "page")
	same([e["waterLevel"] for e in got["warm"]], [2.5, 3.5], "q")
	same(got["one"]["flow"], 7.1, "one")
	same((got["missing"], got["bad"]), ("NotFound", "BadRequest"),
	    "errors")
	check(got["writing"] != "no error", "it wrote")


FLOW = [{"id": "t1", "type": "tab", "label": "t"},
    {"id": "tls1", "type": "tls-config", "verifyservercert": True},
    {"id": "in1", "type": "http in", "z": "t1", "url": "/pegel",
	"method": "get", "wires": [["fn1"]]},
    {"id": "fn1", "type": "function", "z": "t1", "func":
	"msg.headers = {Authorization: 'Bearer ' + env.get('TOKEN'), "
	"'Hub-Purpose': 'hochwasserschutz', Link: env.get('LINK'), "
	"'NGSILD-Tenant': 'froendenberg'}; return msg;", "outputs": 1,
	"wires": [["rq1"]]},
    {"id": "rq1", "type": "http request", "z": "t1", "method": "GET",
	"ret": "obj", "url": "${URL}", "wires": [["out1"]]},
    {"id": "out1", "type": "http response", "z": "t1", "wires": []}]


@needs("node-red")
def node_red_asks_in_a_flow(w):
	url = "https://localhost:%d%s" % (w.port, Q)
	flow = json.dumps(FLOW).replace("${URL}", url)
	home = os.path.dirname(w.write("red/flows.json", flow))
	with socket.socket() as s:
		s.bind(("127.0.0.1", 0))
		port = s.getsockname()[1]
	w.write("red/settings.js", "module.exports = {flowFile: 'flows.json', "
	    "uiHost: '127.0.0.1', uiPort: %d, httpAdminRoot: false, "
	    "credentialSecret: false};\n" % port)
	p = Process(["node", os.path.join(MODULES,
	    "node_modules/node-red/red.js"), "-u", home, "-s",
	    os.path.join(home, "settings.js")], w.path("red.log"),
	    node(w, TOKEN=w.token("froendenberg"), LINK=LINK))

	def look():
		try:
			c = http.client.HTTPConnection("127.0.0.1", port,
			    timeout=10 * SLOW)
			c.request("GET", "/pegel")
			r = c.getresponse()
			return r.status == 200 and r.read()
		except OSError:
			check(p.running(), "Node-RED ended: " + p.text()[-800:])
	try:
		got = json.loads(wait_for(look, 40, "Node-RED answers"))
	finally:
		p.stop()
	same([e["id"][-1] for e in got], ["A", "B", "C"], "ids: %r" % got)


def token_of(port):
	c = http.client.HTTPConnection("127.0.0.1", port, timeout=10 * SLOW)
	c.request("POST", REALM + "/protocol/openid-connect/token",
	    "grant_type=client_credentials&scope=hub.read+"
	    "purpose:hochwasserschutz", {"Content-Type":
	    "application/x-www-form-urlencoded", "Authorization": "Basic " +
	    base64.b64encode(b"froendenberg-grafana:geheim").decode()})
	r = c.getresponse()
	body = r.read()
	same(r.status, 200, "token: %r" % body)
	return json.loads(body)["access_token"]


def kid_of(token):
	head = token.split(".")[0]
	return json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]


@needs("oidc-provider")
def keycloaks_tokens_hold_through_a_rotation(w):
	p = Process(["node", os.path.join(HERE, "issuer.mjs")],
	    w.path("issuer.log"), node(w))
	try:
		port = int(wait_for(lambda: re.search(r"port=(\d+)", p.text()),
		    20, "the issuer: " + p.text()).group(1))
		base = "http://127.0.0.1:%d%s" % (port, REALM)
		w.apply(region(w, '''issuer "%s" {
	jwks = "%s/protocol/openid-connect/certs"
	audience = "regional-hub"  algorithms = {RS256}  typ = "at+jwt"
	tenant-claim = hub_tenant
	roles-path = "resource_access.regional-hub.roles"
	speaks-for = {froendenberg}
}
''' % (base, base)))
		old = token_of(port)
		wait_for(lambda: w.ask(None, Q, token=old).status == 200, 15,
		    "its token is taken")
		c = http.client.HTTPConnection("127.0.0.1", port,
		    timeout=10 * SLOW)
		c.request("POST", "/rotate")
		kid = c.getresponse().read().decode()
		c.close()
		new = token_of(port)
		same(kid_of(new), kid, "the new key signs")
		wait_for(lambda: w.ask(None, Q, token=new).status == 200, 40,
		    "a token of the new key")	# keys are asked for every 30 s
		same(w.ask(None, Q, token=old).status, 200, "one of the old key")
		same(len(w.ask(None, Q, token=new).ids()), 3, "ids")
	finally:
		p.stop()


main(setup)
