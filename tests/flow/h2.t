#!/usr/bin/env python3
# h2.t - HTTP/2 (RFC 9113) through the same gate as HTTP/1.1: what is answered,
# how a connection ends, and programs that others wrote.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from h2 import *

Q = "?type=WaterObserved"
BIG = "?type=FloodMonitoring"


def setup():
	w = World("h2", {"a": Broker([ent("urn:ngsi-ld:WaterObserved:a",
	    "WaterObserved", waterLevel=prop("1")), ent(
	    "urn:ngsi-ld:FloodMonitoring:big", "FloodMonitoring",
	    stationName=prop('"%s"' % ("x" * 8000000)))])},
	    limits="header-timeout = 1s  body-timeout = 2s  "
	    "idle-timeout = 3s  write-timeout = 2s  connections = 200  "
	    "connections-per-tenant = 30")
	w.apply(tenants() + source("broker-a", "dortmund", w.brokers["a"],
	    ["WaterObserved", "FloodMonitoring"], timeout="10s"))
	w.start()
	return w


@test
def answers_as_http_1_does(w):
	a = w.ask("dortmund", Q).ok()
	c = H2(w)
	r = c.ask(Q)
	same(r.status, 200, r.body[:300])
	same(r.body, a.body, "body")
	vary = ("date", "request-id", "connection")
	same(sorted((k, v) for k, v in r.fields if k not in vary and k[0] !=
	    ":"), sorted((k.lower(), v) for k, v in a.fields if k.lower() not
	    in vary), "fields")
	check(r.one("request-id") and r.one("date"), r.fields)
	c.close()


@test
def is_held_against_the_document(w):
	c = H2(w)
	r = c.ask(Q)
	check(r.asked is None or not OPENAPI, "it was not judged")
	r.asked, r.body = ("GET", ENTITIES + Q), b'[{"id":1}]'
	try:
		c.judge(r)
	except Failed as e:
		check("openapi.json" in str(e), str(e))
	else:
		raise Failed("another body is not found to be wrong")
	c.close()


@test
def carries_every_kind_of_request(w):
	c = H2(w)
	r = c.ask(Q, method="HEAD")
	same((r.status, r.body, r.reset), (200, b"", None), "HEAD")
	same(int(r.one("content-length")), len(c.ask(Q).body), "its length")
	query = json.dumps({"type": "Query", "entities": [{"type":
	    "WaterObserved"}]}).encode()
	path = ROOT + "/entityOperations/query"
	for more in ((("content-length", str(len(query))),), ()):
		s = c.head(c.fields(path, method="POST", more=(
		    ("content-type", "application/json"),) + more),
		    flags=END_HEADERS)
		c.send(frame(DATA, 0, s, query[:7]))
		c.send(frame(DATA, END_STREAM, s, query[7:]))
		r = c.answer(s)
		same(r.status, 200, r.body[:300])
		same([e["id"] for e in r.json()],
		    ["urn:ngsi-ld:WaterObserved:a"], "POST %r" % (more,))
	# Trailers are read past.
	s = c.head(c.fields(path, method="POST", more=(("content-type",
	    "application/json"),)), flags=END_HEADERS)
	c.send(frame(DATA, 0, s, query))
	c.send(frame(HEADERS, END_STREAM | END_HEADERS, s,
	    literal("x-sum", "1")))
	same(c.answer(s).status, 200, "with trailers")
	# 100 Continue comes when it is asked for.
	s = c.head(c.fields(path, method="POST", more=(("content-type",
	    "application/json"), ("expect", "100-continue"))),
	    flags=END_HEADERS)
	check(c.until(lambda: c.streams[s].status == 100, 2), "no 100")
	c.send(frame(DATA, END_STREAM, s, query))
	same(c.answer(s).status, 200, "after 100")
	for path, code in (("/nowhere", 404), (ENTITIES + "/%2e%2e", 400),
	    (ENTITIES + "/urn:x:y", 404), ("/", 200)):
		same(c.ask(path).status, code, path)
	same(c.ask(Q, tenant=None).status, 401, "without a token")
	same(c.ask(Q, method="DELETE").status, 405, "DELETE")
	f = [(k, "evil.example" if k == ":authority" else v) for k, v in
	    c.fields(Q)]
	same(c.answer(c.head(f)).status, 421, "another host")
	c.close()


@test
def a_slow_request_holds_up_no_other(w):
	b = w.brokers["a"]
	c = H2(w)
	b.fault = lambda b, conn, rq: delay(SLOW)(b, conn, rq) if "Flood" in \
	    rq else answer(conn, *b.reply(rq))
	try:
		slow = c.get(BIG)
		quick = [c.get(Q) for i in range(20)]
		for s in quick:
			same(c.answer(s, 0.9 * SLOW).status, 200, "quick")
		check(not c.streams[slow].ended, "the slow one came first")
		r = c.answer(slow)
		same(r.status, 200, "slow")
		check(len(r.body) > 8000000, len(r.body))
	finally:
		b.fault = None
	c.close()


@test
def a_hundred_at_once_are_answered(w):
	c = H2(w)
	for turn in range(3):
		for s in [c.get(Q) for i in range(90)]:
			same(c.answer(s).status, 200, "stream %d" % s)
	same(c.settings.get(3), 100, "SETTINGS_MAX_CONCURRENT_STREAMS")
	check(c.settings.get(6, 0) >= 1024, "SETTINGS_MAX_HEADER_LIST_SIZE")
	check(c.settings.get(8, 0) == 0, "extended CONNECT")
	c.close()


@test
def large_answers_follow_the_windows(w):
	whole = w.ask("dortmund", BIG).ok().body
	c = H2(w, generous=False)
	s, t = c.get(BIG), c.get(BIG)
	c.until(lambda: False, 0.3)
	got = len(c.streams[s].body) + len(c.streams[t].body)
	same(got, 65535, "bytes before any window was raised")
	# One is let go, and the other stays where it is.
	c.send(window(1 << 30) + window(1 << 30, t))
	same(c.answer(t).body, whole, "the one")
	check(len(c.streams[s].body) <= 65535, "the other")
	c.send(window(1 << 30, s))
	same(c.answer(s).body, whole, "the other, too")
	# In small pieces, both turn by turn.
	s, t = c.get(BIG), c.get(BIG)
	for i in range(200):
		c.send(window(20000, s) + window(20000, t) + window(40000))
	c.until(lambda: min(len(c.streams[s].body),
	    len(c.streams[t].body)) > 2000000, 5)
	for x in (s, t):
		check(len(c.streams[x].body) > 2000000, "stream %d has %d" %
		    (x, len(c.streams[x].body)))
		c.send(window(1 << 30, x))
	c.send(window(1 << 29))
	same([c.answer(x).body == whole for x in (s, t)], [True, True],
	    "bodies")
	c.close()


def booked(w, reply):
	"""(kind, aborted, bytes) of what the ledger says of it."""
	rows = wait_for(lambda: w.sql("SELECT kind, flags, bytes_out FROM "
	    "ledger.event WHERE class = 'access' AND request_id = '%s'" %
	    reply.one("request-id")), 20, "its access")
	same(len(rows), 1, "accesses")
	return int(rows[0][0]), int(rows[0][1]) & 16, int(rows[0][2])


@test
def who_takes_a_part_is_booked_with_that_part(w):
	whole = len(w.ask("dortmund", BIG).ok().body)
	c = H2(w, generous=False)
	s, t, u = c.get(BIG), c.get(BIG), c.get(BIG)
	c.send(window(1 << 20))
	c.until(lambda: min(len(c.streams[x].body) for x in (s, t, u)) ==
	    65535, 3)
	# One is let go of, one is taken, one is cut with the connection.
	c.send(rst(s) + window(1 << 30) + window(1 << 30, t))
	same(len(c.answer(t).body), whole, "the one taken")
	same(booked(w, c.streams[s]), (8, 16, 65535), "the one let go of")
	same(booked(w, c.streams[t]), (4, 0, whole), "the one taken")
	c.send(window(300000, u))
	c.until(lambda: len(c.streams[u].body) == 365535, 3)
	c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
	    b"\1\0\0\0\0\0\0\0")
	c.close()
	kind, aborted, n = booked(w, c.streams[u])
	same((kind, aborted), (8, 16), "the one cut")
	check(300000 <= n <= 365535, "bytes %d" % n)


@test
def ends_with_goodbye_when_idle(w):
	c = H2(w)
	begun = time.monotonic()
	same(c.ask(Q).status, 200, "status")
	while not c.closed:
		# What is no request keeps no connection open.
		c.send(frame(PING, 0, 0, b"12345678"))
		c.until(lambda: c.closed, 0.3)
		took = time.monotonic() - begun
		check(took < 5 * SLOW, "still open")
	check(took > 2.5, "closed after %.1f s" % took)
	same(c.goaway, (1, NO_ERROR), "GOAWAY")


@test
def drains_with_a_warning_and_loses_nothing(w):
	b = w.brokers["a"]
	b.fault = delay(0.8)
	try:
		c, idle = H2(w), H2(w)
		same(idle.ask("/").status, 200, "idle one")
		early = [c.get(Q) for i in range(5)]
		c.until(lambda: False, 0.2)
		w.hub.kill(signal.SIGTERM)
		check(c.until(lambda: c.goaway is not None, 2), "no GOAWAY")
		# First only a warning: this one was on its way.
		same(c.goaway, (0x7fffffff, NO_ERROR), "first GOAWAY")
		late = c.get(Q)
		for s in early + [late]:
			same(c.answer(s).status, 200, "stream %d" % s)
		same(c.end(3), NO_ERROR, "last GOAWAY")
		same(c.goaway[0], late, "last stream")
		same(idle.end(3), NO_ERROR, "GOAWAY of the idle one")
		same(w.hub.wait(10), 0, "exit code")
	finally:
		b.fault = None
		if not w.hub.running():
			w.start()


@test
def h3_a_connection_too_many_of_a_tenant_ends(w):
	conns = [H2(w) for i in range(30)]
	same([c.ask(Q).status for c in conns], [200] * 30, "allowed ones")
	same([c.ask(Q).status for c in conns], [200] * 30, "again")
	c = H2(w)
	same(c.ask(Q).status, 429, "one more")
	same(c.end(3), NO_ERROR, "its end")
	conns.pop().close()
	c = H2(w)
	wait_for(lambda: c.ask(Q).status == 200 if not c.closed else False, 10,
	    "one in its place")
	for c in conns + [c]:
		c.close()


@test
def can_be_switched_off(w):
	ctx = w.tls()
	ctx.set_alpn_protocols(["h2", "http/1.1"])

	def spoken():
		with socket.create_connection(("127.0.0.1", w.port), 5 *
		    SLOW) as s:
			with ctx.wrap_socket(s, server_hostname="localhost") \
			    as t:
				return t.selected_alpn_protocol()
	same(spoken(), "h2", "by default")
	conf = w.path("hubd.conf")
	with open(conf) as f:
		text = f.read()
	w.write("hubd.conf", text.replace('hub.key"\n',
	    'hub.key"\n\thttp2 = no\n', 1))
	w.hub.kill(signal.SIGHUP)
	wait_for(lambda: spoken() == "http/1.1", 5, "http/1.1 after a reload")
	w.write("hubd.conf", text)
	w.hub.kill(signal.SIGHUP)
	wait_for(lambda: spoken() == "h2", 5, "h2 after another")


def program_fields(w):
	return ["Authorization: Bearer " + w.token("dortmund"),
	    "Hub-Purpose: hochwasserschutz", "Link: " + LINK]


@test
def curl_speaks_it(w):
	if "HTTP2" not in run(installed("curl"), "-V")[0]:
		skip("curl has no HTTP/2")
	argv = ["curl", "-sS", "--http2", "--cacert", w.path("tls/ca.pem"),
	    "-w", "%{http_version} %{http_code} %{size_download}"]
	for f in program_fields(w):
		argv += ["-H", f]
	url = "https://localhost:%d%s" % (w.port, ENTITIES)
	out = run(*argv, "-o", w.path("got"), url + Q)[0]
	check(out.startswith("2 200 "), out)
	out = run(*argv, "-o", w.path("got"), url + BIG)[0]
	check(out.startswith("2 200 8000"), out)
	out = run(*argv, "-o", w.path("got"), "-H",
	    "Content-Type: application/json", "--data-binary",
	    '{"type":"Query","entities":[{"type":"WaterObserved"}]}',
	    "https://localhost:%d%s/entityOperations/query" % (w.port,
	    ROOT))[0]
	check(out.startswith("2 200 "), out)


@test
def nghttp_speaks_it(w):
	installed("nghttp")
	argv = ["nghttp", "-nv", "-m", "20", "-y"]
	for f in program_fields(w):
		argv += ["-H", f]
	out = run(*argv, "https://localhost:%d%s%s" % (w.port, ENTITIES, Q))[0]
	same(len(re.findall(r":status: 200", out)), 20, "answers")
	check("GOAWAY frame <length=8" in out, out[-600:])
	check("error_code=NO_ERROR" in out and not re.search(
	    r"error_code=(?!NO_ERROR)", out), "errors")


@test
def h2load_finds_no_failure(w):
	installed("h2load")
	argv = ["h2load", "-n", "600", "-c", "8", "-m", "16"]
	for f in program_fields(w):
		argv += ["-H", f]
	out = run(*argv, "https://127.0.0.1:%d%s%s" % (w.port, ENTITIES, Q))[0]
	check("600 succeeded, 0 failed, 0 errored, 0 timeout" in out,
	    out[-1200:])
	check("600 2xx, 0 3xx, 0 4xx, 0 5xx" in out, out[-1200:])


main(setup)
