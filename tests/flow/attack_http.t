#!/usr/bin/env python3
# attack_http.t - the rows of policy.md, H1 to H12, that http.t and attack_h2.t
# leave: what drips, what costs memory, what would write, TLS tricks, foreign
# origins.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from attack import *

CONNECTIONS = 100


def setup():
	return attacked("attack-http", limits="header-timeout = 1s  "
	    "body-timeout = 1s  idle-timeout = 3s  connections = %d" %
	    CONNECTIONS)


def head(w, line, *fields):
	return ("\r\n".join((line, "Host: localhost", "Authorization: Bearer " +
	    w.token("froendenberg"), "Hub-Purpose: hochwasserschutz",
	    "Link: " + LINK) + fields) + "\r\n\r\n").encode()


def drain(s, seconds):
	"""All that comes until the hub closes, and whether it did."""
	s.settimeout(seconds * SLOW)
	got = b""
	try:
		while True:
			more = s.recv(65536)
			if not more:
				return got, True
			got += more
	except (socket.timeout, TimeoutError):
		return got, False
	except OSError:
		return got, True


@attack
def h3_drips_and_crowds_shut_nobody_out(w):
	slow = w.raw_socket()
	slow.sendall(head(w, "POST %s HTTP/1.1" % BATCH, "Content-Length: 1000",
	    "Content-Type: application/json") + b"{")
	begun = time.monotonic()
	# One byte of the body at a time: each alone is quick enough.
	with contextlib.suppress(OSError):
		while time.monotonic() - begun < 5 * SLOW:
			slow.sendall(b" ")
			time.sleep(0.1)
			same(seek(w, Q).status, 200, "others")
	check(time.monotonic() - begun < 4 * SLOW, "the drip went on")
	slow.close()
	# More connections than allowed, all of them silent.
	crowd = []
	try:
		for i in range(CONNECTIONS + 50):
			s = socket.socket()
			s.settimeout(5 * SLOW)
			s.connect(("127.0.0.1", w.port))
			crowd.append(s)
		wait_for(lambda: seek_or_none(w), 8, "an answer after a crowd")
	finally:
		for s in crowd:
			s.close()
	same(seek(w, Q).ok().ids(), [A, B, D], "after it")


def seek_or_none(w):
	with contextlib.suppress(OSError, http.client.HTTPException):
		return seek(w, Q, timeout=2).status == 200
	return False


def memory(w):
	with open("/proc/%d/status" % w.hub.p.pid) as f:
		return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))


@attack
def h4_large_heads_cost_no_memory(w):
	line = "GET %s%s HTTP/1.1" % (ENTITIES, Q)
	w.raw(head(w, line, "X: " + "a" * 4000))
	before = memory(w)
	for i in range(20):
		for data, code in ((head(w, line, "X: " + "a" * 1048576), 431),
		    (head(w, line, *["X-%d: a" % k for k in range(500)]), 431),
		    (head(w, "GET /%s HTTP/1.1" % ("a" * 65536)), 414)):
			got, closed = w.raw(data)
			check(got.startswith(b"HTTP/1.1 %d " % code) and
			    closed, "%d: %r" % (code, got[:100]))
	# In KiB; a sanitizer keeps what was freed.
	check(SLOW > 1 or memory(w) - before < 4096, "VmHWM grew by %d KiB" %
	    (memory(w) - before))


@attack
def h7_nothing_is_written(w):
	e = json.loads(ent(A, "WaterObserved", waterLevel=prop("0")))
	attrs = ENTITIES + "/" + A + "/attrs"
	forget(w)
	for method, path, codes in (
	    ("POST", ENTITIES, [405]), ("PUT", ENTITIES + "/" + A, [405]),
	    ("PATCH", ENTITIES + "/" + A, [405]),
	    ("DELETE", ENTITIES + "/" + A, [405]), ("DELETE", ENTITIES, [405]),
	    ("POST", attrs, [404, 405, 501]),
	    ("PATCH", attrs, [404, 405, 501]),
	    ("DELETE", attrs + "/waterLevel", [404, 405, 501]),
	    ("PUT", attrs + "/waterLevel", [404, 405, 501]),
	    ("POST", ROOT + "/temporal/entities", [405]),
	    ("DELETE", ROOT + "/temporal/entities/" + A, [405]),
	    ("POST", ROOT + "/jsonldContexts", [405]),
	    ("DELETE", ROOT + "/jsonldContexts/" + CONTEXT.replace("/", "%2F"),
		[405]),
	    ("POST", ROOT + "/csourceRegistrations", [403]),
	    ("DELETE", ROOT + "/csourceRegistrations/urn:x:y", [403]),
	    ("POST", ROOT + "/subscriptions", [403, 501]),
	    ("POST", ROOT + "/types", [405]),
	    ("PUT", ROOT + "/info/sourceIdentity", [405]),
	) + tuple(("POST", ROOT + "/entityOperations/" + op, [404, 405, 501])
	    for op in ("create", "upsert", "update", "delete", "merge",
	    "purge", "upsert?options=update")):
		a = post(w, [e] if "Operations" in path else e, path,
		    method=method)
		check(a.status in codes, "%s %s: %d" % (method, path,
		    a.status))
		if a.status == 405:
			check(a.one("Allow") and method not in
			    a.one("Allow").split(", "), a.fields)
	same(asked(w), [], "asked")
	# A query in a body is bound by the same rules as one in a URL.
	a = post(w, {"type": "Query", "entities": [{"type": "WaterObserved"},
	    {"type": "OffStreetParking"}]})
	same(a.ids(), [A, B, D], "a query by POST")
	check(not [t for b in w.brokers.values() for t in b.asked() if
	    t[0].split(" ")[0] not in ("GET", "POST") or
	    t[0].startswith("POST") and "/query" not in t[0]], "a write")


def s_client(w, *argv, stdin="", seconds=10):
	p = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" %
	    w.port, "-CAfile", w.path("tls/ca.pem"), "-servername",
	    "localhost"] + list(argv), input=stdin, capture_output=True,
	    text=True, timeout=seconds * SLOW)
	return p.stdout + p.stderr


@attack
def h10_tls_offers_no_way_back(w):
	for cipher in ("ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA",
	    "ECDHE-RSA-AES256-SHA384", "ECDHE-ECDSA-AES256-SHA384", "AES128-"
	    "SHA256", "AES256-GCM-SHA384", "DHE-RSA-AES128-SHA", "NULL",
	    "ADH-AES128-SHA", "PSK-AES128-CBC-SHA"):
		out = s_client(w, "-tls1_2", "-cipher", cipher +
		    ":@SECLEVEL=0")
		check("Cipher is (NONE)" in out or "no cipher match" in out,
		    "%s: %s" % (cipher, out[-600:]))
	# It does speak with this client, just not that way.
	good = s_client(w, "-tls1_2")
	check("Cipher is ECDHE" in good, good[-600:])
	# Renegotiation that the client begins.
	out = s_client(w, "-tls1_2", stdin="R\n" + "GET / HTTP/1.1\r\n")
	check("RENEGOTIATING" in out, out[-600:])
	check("no renegotiation" in out, out[-600:])
	# Early data can be replayed: no session allows any.
	rq = "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close" \
	    "\r\n\r\n"
	out = s_client(w, "-tls1_3", "-ign_eof", "-sess_out",
	    w.path("session"), stdin=rq)
	check("Max Early Data: 0" in out, out[-1600:])
	check(not re.search(r"Max Early Data: [1-9]", out), out[-1600:])
	out = s_client(w, "-tls1_3", "-ign_eof", "-sess_in",
	    w.path("session"), "-early_data", w.write("early", rq), stdin=rq)
	check("Early data was accepted" not in out and "HTTP/1.1 404" in out,
	    out[-600:])


@attack
def h11_other_origins_read_nothing(w):
	for origin in ("https://evil.example", "null", "https://localhost",
	    "https://localhost.evil.example", "*", "file://"):
		for more in ({}, {"Cookie": "session=1"}):
			a = seek(w, Q, headers=dict({"Origin": origin},
			    **more)).ok()
			check(not [k for k, v in a.fields if k.lower()
			    .startswith("access-control")], a.fields)
		got, closed = w.raw(head(w, "OPTIONS %s HTTP/1.1" % ENTITIES,
		    "Origin: " + origin, "Access-Control-Request-Method: GET",
		    "Access-Control-Request-Headers: authorization"))
		check(got.startswith(b"HTTP/1.1 405 ") and
		    b"ccess-control" not in got.lower(), got[:200])
	a = w.ask(None, Q, headers={"Origin": "https://evil.example"})
	same(a.status, 401, "without a token")
	check(not a.all("Access-Control-Allow-Origin"), a.fields)


main(setup)
