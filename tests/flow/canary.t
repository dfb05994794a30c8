#!/usr/bin/env python3
# canary.t - what clients, their tokens and sources send is marked, each kind
# with its own word; then all that an operator can read is searched for the
# words (policy.md, L3 and L4): the log in each format and at each level, the
# decision log, metrics, health, status.
import glob
import os
import sys
from urllib.parse import quote

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"
LEVELS = ("err", "warn", "info", "debug")
FORMATS = ("logfmt", "json")
# Letters and digits, so that no escaping hides them.
KINDS = ("sub jti name email client scope role issuer kid qvalue entityid "
    "geo type attribute param path method purpose accept origin requestid "
    "badrequestid agent tenant via link body bodyvalue etag state cookie "
    "forwarded host dpop password value refused header reason broken "
    "unknown").split()
MARK = {k: "kanarie%s0815" % k for k in KINDS}
# policy.md, 4, names these as members of a line of the decision log: names that
# are asked for, and what the client calls itself and its request.
DECISION_LOG_HAS = {"client", "requestid", "type", "attribute"}
# interfaces.md, Rulings: the log names the @context to add.
LOG_HAS = {"unknown"}


def setup():
	w = World("canary", {
	    "s": Broker([ent("urn:ngsi-ld:WaterObserved:s", "WaterObserved",
		waterLevel=prop('"%s"' % MARK["value"]),
		stationName=prop('"%s"' % MARK["value"]))]),
	    "d": Broker([ent("urn:ngsi-ld:WaterObserved:d", "WaterObserved",
		waterLevel=prop("1"))])})
	w.settings = 'decision-log { directory = "decisions" }\n' \
	    'control = "control.sock"\nlog-format = logfmt\n'
	w.write_conf()
	w.apply(tenants() + "".join(source("broker-" + n, who, w.brokers[n],
	    ["WaterObserved"], timeout="500ms",
	    extra='breaker = "1000/1s"') + agreement(n + "-f", who,
	    "froendenberg", "broker-%s-data" % n,
	    {"WaterObserved": "allow = {waterLevel, stationName}"})
	    for n, who in (("d", "dortmund"), ("s", "schwerte"))))
	w.start()
	w.marked = w.token("froendenberg", sub=MARK["sub"], jti=MARK["jti"],
	    name=MARK["name"], email=MARK["email"], client_id=MARK["client"],
	    azp=MARK["client"], scope="hub.read purpose:hochwasserschutz "
	    "purpose:" + MARK["scope"], resource_access={"regional-hub":
	    {"roles": ["data-reader", MARK["role"]]}})
	w.refused = [
	    w.mint(w.claims("froendenberg", iss="https://%s.example/" %
		MARK["issuer"])),
	    w.mint(w.claims("froendenberg"), kid=MARK["kid"]),
	    w.mint(w.claims(MARK["tenant"])),
	    w.mint(w.claims("froendenberg", exp=1, sub=MARK["sub"])),
	    w.marked[:-12] + "AAAAAAAAAAAA", "Bearer", MARK["password"],
	    MARK["password"] + ".." + MARK["password"]]
	return w


# ---- what is sent

def paths():
	q = lambda text: Q + "&q=" + quote(text)
	return [ENTITIES + p for p in (
	    q('stationName=="%s"' % MARK["qvalue"]),
	    q('stationName~="%s.*"' % MARK["qvalue"]),
	    q('stationName=="%s' % MARK["qvalue"]),
	    q(MARK["attribute"] + "==1"),
	    Q + "&attrs=" + MARK["attribute"],
	    "?type=" + MARK["type"],
	    Q + "&id=urn:ngsi-ld:WaterObserved:" + MARK["entityid"],
	    Q + "&idPattern=.*" + MARK["entityid"],
	    "/urn:ngsi-ld:WaterObserved:" + MARK["entityid"],
	    Q + "&georel=near;maxDistance==1&geometry=Point&coordinates=[7.5,"
		+ MARK["geo"] + "]",
	    Q + "&%s=%s" % (MARK["param"], MARK["param"]),
	    Q + "&limit=" + MARK["param"], Q)] + [
	    "/" + MARK["path"], ROOT + "/%s/x" % MARK["path"],
	    ROOT + "/types/" + MARK["type"],
	    ROOT + "/jsonldContexts/" + MARK["path"],
	    ROOT + "/entityMaps/" + MARK["path"],
	    "/hub/v1/explain/" + MARK["path"],
	    "/hub/v1/usage?format=" + MARK["param"]]


HEADERS = {"User-Agent": MARK["agent"], "X-Request-Id": MARK["requestid"],
    "Cookie": MARK["cookie"], "X-Forwarded-For": MARK["forwarded"],
    "Forwarded": "for=" + MARK["forwarded"], "Via": "1.1 " + MARK["via"],
    "If-None-Match": '"%s"' % MARK["etag"], "DPoP": MARK["dpop"],
    "Origin": "https://%s.example" % MARK["origin"],
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "k=" + MARK["state"], "Accept": "application/json, x/" +
	MARK["accept"]}


def send(w, headers, path=ENTITIES + Q, method="GET", body=None):
	h = {"Host": "localhost", "Link": LINK,
	    "Authorization": "Bearer " + w.marked,
	    "Hub-Purpose": "hochwasserschutz"}
	h.update(headers)
	c = w.connect()
	c.request(method, path, body=body, headers=h)
	r = c.getresponse()
	r.read()
	c.close()
	return r.status


def send_all(w):
	for path in paths():
		send(w, HEADERS, path)
	for h in ({"Hub-Purpose": MARK["purpose"]},
	    {"NGSILD-Tenant": MARK["tenant"]},
	    {"Accept": MARK["accept"] + "/x"}, {"Accept": MARK["accept"]},
	    {"Host": MARK["host"] + ".example"},
	    {"Link": '<https://%s.example/c>; rel="http://www.w3.org/ns/'
		'json-ld#context"' % MARK["link"]},
	    {"Prefer": MARK["param"]}, {"traceparent": MARK["state"]},
	    {"Range": MARK["param"]}, {"X_" + MARK["header"]: "1"}):
		send(w, dict(HEADERS, **h))
	send(w, HEADERS, method=MARK["method"].upper())
	post = dict(HEADERS, **{"Content-Type": "application/json"})
	for body in ('{"type":"Query","entities":[{"type":"WaterObserved"}],'
	    '"q":"stationName==\\"%s\\""}' % MARK["bodyvalue"],
	    '{"%s":1}' % MARK["body"], '{"type":"' + MARK["body"]):
		send(w, post, ROOT + "/entityOperations/query", "POST", body)
	for token in w.refused:
		send(w, dict(HEADERS, Authorization="Bearer " + token))
	send(w, dict(HEADERS, Authorization="Basic " + MARK["password"]))
	# Bytes that no field may have.
	for bad in (b"\x00", b"\x1b[31m", b"\r", b"\n x: y", b"\xff", b"\x9b"):
		w.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: " +
		    MARK["badrequestid"].encode() + bad + b"\r\n\r\n",
		    linger=0.05)


def let_sources_fail(w):
	s = w.brokers["s"]
	for fault in (status(500, MARK["refused"].encode(), ["X-Broker: " +
	    MARK["header"]]), status(401, MARK["refused"].encode(),
		['WWW-Authenticate: Bearer realm="%s"' % MARK["reason"]]),
	    redirect("https://%s.example/" % MARK["reason"]),
	    body(b'[{"id":"%s"' % MARK["broken"].encode()),
	    body(b'[{"id":"urn:x:%s","type":7}]' % MARK["broken"].encode()),
	    body(MARK["broken"].encode(), "text/" + MARK["broken"])):
		s.fault = fault
		same(send(w, HEADERS), 200, "status")
	s.fault = None


# ---- where it might be

def admin(w, path, **fields):
	c = http.client.HTTPConnection("127.0.0.1", w.admin, timeout=5 * SLOW)
	c.request("GET", path, headers=fields)
	text = c.getresponse().read().decode()
	c.close()
	return text


def decisions(w):
	return "".join(open(p, encoding="utf-8").read() for p in
	    glob.glob(w.path("decisions", "decision-*.log")))


def places(w):
	"""{place: (its text, kinds it may have)}"""
	w.hub.p.send_signal(signal.SIGUSR2)
	got = {"log": (w.hub.text(), LOG_HAS),
	    "decision log": (decisions(w), DECISION_LOG_HAS),
	    "status": (w.ctl("status", "-o", "json")[0], set())}
	for path in ("/metrics", "/livez", "/readyz", "/readyz?verbose",
	    "/version"):
		got[path] = (admin(w, path), set())
	got["OpenMetrics"] = (admin(w, "/metrics",
	    Accept="application/openmetrics-text"), set())
	return got


def found(w):
	"""{(place, kind)} of all that is there and should not be."""
	return {(place, k) for place, (text, may) in places(w).items()
	    for k in MARK if k not in may and MARK[k] in text.lower()}


def wait_for_lines(w):
	"""What was sent until now is where it is written."""
	id = w.ask("froendenberg", Q).ok().one("Request-Id")
	wait_for(lambda: id in decisions(w), 5, "decision log")
	time.sleep(0.05)


def tokens_found(w):
	parts = [p for t in [w.marked] + w.refused for p in t.split(".")
	    if len(p) > 20]
	check(len(parts) > 10, "parts of tokens")
	return [place for place, (text, may) in places(w).items()
	    if any(p in text for p in parts)]


def configure(w, format, level):
	w.settings = re.sub("log-format = .*", "log-format = " + format,
	    w.settings)
	w.write_conf()
	w.ctl("reload")
	w.ctl("log-level", level)


# ---- the tests

@test
def no_mark_is_in_any_format_at_any_level(w):
	for format in FORMATS:
		for level in LEVELS:
			before = len(w.hub.text())
			configure(w, format, level)
			send_all(w)
			let_sources_fail(w)
			wait_for_lines(w)
			same(found(w), set(), "%s, %s" % (format, level))
			same(tokens_found(w), [], "%s, %s" % (format, level))
			text = w.hub.text()[before:]
			n = text.count("route")
			check(n > 30 if level in ("info", "debug") else n == 0,
			    "%d lines of requests at %s" % (n, level))
			check((re.search('level(=|":")debug', text) != None) ==
			    (level == "debug"), "lines of debug at " + level)


@test
def what_policy_names_is_in_the_decision_log(w):
	"""So the search finds what is there."""
	text = wait_for(lambda: MARK["client"] in decisions(w) and
	    decisions(w), 5, "the client")
	for k in DECISION_LOG_HAS:
		check(MARK[k] in text, k + " is not there")
	check(MARK["sub"] not in text, "the person")


@test
def the_search_finds_what_is_logged(w):
	"""The one text of others that the log has on purpose."""
	b = w.brokers["s"]
	b.context = "https://%s.example/context" % MARK["unknown"]
	for format in FORMATS:
		configure(w, format, "info")
		before = w.hub.text().count(MARK["unknown"])
		same(send(w, HEADERS), 200, "status")
		wait_for(lambda: w.hub.text().count(MARK["unknown"]) > before,
		    15, "the context in the log, " + format)
	LOG_HAS.clear()
	same(found(w), {("log", "unknown")}, "found")
	LOG_HAS.add("unknown")


@test
def a_line_is_a_line_whatever_comes(w):
	w.stop()
	text = w.hub.text().lower()
	same({k for k in MARK if MARK[k] in text}, {"unknown"}, "at the end")
	for l in w.hub.text().splitlines():
		check(re.fullmatch(r"[^\x00-\x1f\x7f-\x9f]+", l), "%r" % l)
		if l.startswith("{"):
			json.loads(l)
		else:
			check(re.match(r"ts=\S+ level=\w+ msg=\"", l), l)


main(setup)
