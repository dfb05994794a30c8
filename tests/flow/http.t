#!/usr/bin/env python3
# http.t - HTTP over TLS, byte by byte: what must be refused is (RFC 9112,
# policy.md H1 to H12, performance.md 1).
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

TARGET = ENTITIES + "?type=WaterObserved"


def setup():
	w = World("http", {"a": Broker([ent("urn:ngsi-ld:WaterObserved:a",
	    "WaterObserved", waterLevel=prop("1")), ent(
	    "urn:ngsi-ld:FloodMonitoring:big", "FloodMonitoring",
	    stationName=prop('"%s"' % ("x" * 8000000)))])},
	    limits="header-timeout = 1s  body-timeout = 2s  "
	    "idle-timeout = 3s  write-timeout = 2s  connections = 200")
	w.apply(tenants() + source("broker-a", "dortmund", w.brokers["a"],
	    ["WaterObserved", "FloodMonitoring"]))
	w.start()
	w.bearer = "Authorization: Bearer " + w.token("dortmund") + "\r\n" \
	    "Link: " + LINK + "\r\n"
	return w


def request(w, *fields, line=None, host="Host: localhost", body=""):
	lines = [line or "GET %s HTTP/1.1" % TARGET]
	if host:
		lines.append(host)
	return ("\r\n".join(lines + list(fields)) + "\r\n" + w.bearer + "\r\n" +
	    body).encode("utf-8", "surrogateescape")


def codes(got):
	return [int(x) for x in re.findall(rb"(?:^|\r\n\r\n|[\]}])HTTP/1\.1 "
	    rb"(\d\d\d) ", got)]


def expect(w, what, data, want, closes=True, seconds=1.5):
	"""Exactly one answer with one of the codes; then the end."""
	begun = time.monotonic()
	got, closed = w.raw(data, linger=0.4 if closes else 0.05)
	took = time.monotonic() - begun
	seen = codes(got)
	if len(seen) != 1 or seen[0] not in want:
		return "%s: %r, want %r: %.200r" % (what, seen, want, got)
	if closes and not closed:
		return "%s: %r, but not closed" % (what, seen)
	if took > seconds * SLOW:
		return "%s: took %.1f s" % (what, took)
	return None


def expect_all(w, rows, **more):
	wrong = [expect(w, what, data, want, **more)
	    for what, data, want in rows]
	wrong = [x for x in wrong if x]
	check(not wrong, "\n".join(wrong))


@test
def answers_a_sound_request(w):
	got, closed = w.raw(request(w))
	same(codes(got), [200], got[:300])
	check(not closed, "closed")
	got, closed = w.raw(request(w, "Connection: close"))
	same((codes(got), closed), ([200], True), "with close")
	got, closed = w.raw(request(w) * 3)
	same(codes(got), [200] * 3, "three at once: %.300r" % got)


SMUGGLED = "GET /ngsi-ld/v1/entities?type=X HTTP/1.1\r\nHost: localhost" \
    "\r\n\r\n"


@test
def refuses_doubtful_framing(w):
	b = "0\r\n\r\n" + SMUGGLED
	expect_all(w, [
	    ("CL and TE", request(w, "Content-Length: 5",
		"Transfer-Encoding: chunked", body=b), [400]),
	    ("CL 0 and TE", request(w, "Content-Length: 0",
		"Transfer-Encoding: chunked", body=b), [400]),
	    ("two CLs", request(w, "Content-Length: 5", "Content-Length: 6",
		body="helloo"), [400]),
	    ("two equal CLs", request(w, "Content-Length: 5",
		"Content-Length: 5", body="hello"), [400]),
	    ("a list of CLs", request(w, "Content-Length: 5, 5",
		body="hello"), [400]),
	    ("CL: +5", request(w, "Content-Length: +5", body="hello"), [400]),
	    ("CL: 5x", request(w, "Content-Length: 5x", body="hello"), [400]),
	    ("CL: -1", request(w, "Content-Length: -1"), [400]),
	    ("CL empty", request(w, "Content-Length:"), [400]),
	    ("CL 2^64", request(w, "Content-Length: 18446744073709551616"),
		[400, 413]),
	    ("TE: gzip, chunked", request(w,
		"Transfer-Encoding: gzip, chunked", body=b), [400, 501]),
	    ("TE: chunked, gzip", request(w,
		"Transfer-Encoding: chunked, gzip", body=b), [400, 501]),
	    ("TE: chunked,", request(w, "Transfer-Encoding: chunked,",
		body=b), [400, 501]),
	    ("TE: xchunked", request(w, "Transfer-Encoding: xchunked",
		body=b), [400, 501]),
	    ("TE twice", request(w, "Transfer-Encoding: chunked",
		"Transfer-Encoding: chunked", body=b), [400, 501]),
	    ("TE on 1.0", request(w, "Transfer-Encoding: chunked",
		line="GET %s HTTP/1.0" % TARGET, body=b), [400, 501]),
	    ("chunk size 0x5", request(w, "Transfer-Encoding: chunked",
		body="0x5\r\nhello\r\n0\r\n\r\n"), [400]),
	    ("chunk size -1", request(w, "Transfer-Encoding: chunked",
		body="-1\r\nhello\r\n0\r\n\r\n"), [400]),
	    ("chunk size of 17 digits", request(w,
		"Transfer-Encoding: chunked", body="00000000000000005\r\n"
		"hello\r\n0\r\n\r\n"), [400]),
	    ("a control byte in a chunk extension", request(w,
		"Transfer-Encoding: chunked", body="5;a=\1\r\nhello\r\n0\r\n"
		"\r\n"), [400]),
	    ("a bare LF in chunks", request(w, "Transfer-Encoding: chunked",
		body="5\nhello\n0\n\n"), [400]),
	])


@test
def refuses_malformed_heads(w):
	expect_all(w, [
	    ("bare LF", request(w).replace(b"\r\n", b"\n"), [400]),
	    ("bare CR", request(w, "X: a\rb"), [400]),
	    ("obs-fold", request(w, "X: a\r\n b"), [400]),
	    ("blank before colon", request(w, "X : a"), [400]),
	    ("Host :", request(w, host="Host : localhost"), [400]),
	    ("empty name", request(w, ": a"), [400]),
	    ("no colon", request(w, "X"), [400]),
	    ("NUL in a value", request(w, "X: a\0b"), [400]),
	    ("DEL in a value", request(w, "X: a\x7fb"), [400]),
	    ("no UTF-8", request(w, "X: a\udcffb"), [400]),
	    ("umlaut in a name", request(w, "Xä: a"), [400]),
	    ("no Host", request(w, host=None), [400]),
	    ("two Hosts", request(w, "Host: localhost"), [400]),
	    ("HTTP/2.0", request(w, line="GET %s HTTP/2.0" % TARGET),
		[400, 505]),
	    ("HTTP/1.2", request(w, line="GET %s HTTP/1.2" % TARGET),
		[400, 505]),
	    ("http/1.1", request(w, line="GET %s http/1.1" % TARGET), [400]),
	    ("no version", request(w, line="GET " + TARGET), [400]),
	    ("two blanks", request(w, line="GET  %s HTTP/1.1" % TARGET),
		[400]),
	    ("h2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 505]),
	    ("TLS in TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" +
		b"\0" * 64, [400]),
	    ("1 MiB of header", request(w, "X: " + "a" * 1048576), [431]),
	    ("500 fields", request(w, *["X-%d: a" % i for i in range(500)]),
		[431]),
	    ("a target of 64 KiB", request(w, line="GET /%s HTTP/1.1" %
		("a" * 65536)), [414]),
	    ("a target of 12 KiB", request(w, line="GET /%s HTTP/1.1" %
		("a" * 12288)), [414]),
	])


@test
def refuses_paths_that_could_mean_two_things(w):
	rows = []
	for path in ("/ngsi-ld/v1/entities/..;x=1/admin",
	    "/ngsi-ld/v1/entities/%2e%2e", "/ngsi-ld/v1/entities/../x",
	    "/ngsi-ld/v1/./entities?type=X", "/ngsi-ld//v1/entities?type=X",
	    "//ngsi-ld/v1/entities?type=X", "/ngsi-ld/v1\\entities?type=X",
	    "/ngsi-ld/v1/entities?type=X#a", "/ngsi-ld%2fv1/entities?type=X",
	    "/ngsi-ld/v1/entities/%00", "/ngsi-ld/v1/entities/%c0%ae",
	    "/ngsi-ld/v1/entities/%zz", "/ngsi-ld/v1/entities/a%",
	    "/ngsi-ld/v1/entities?type=WaterObserved&type=X",
	    "/ngsi-ld/v1/entities?type=WaterObserved&t%79pe=X",
	    "/ngsi-ld/v1/entities?type=WaterObserved&Type=X",
	    "/ngsi-ld/v1/entities?type=WaterObserved&attrs[]=X",
	    "/ngsi-ld/v1/entities?type=WaterObserved&foo=",
	    "/ngsi-ld/v1/entities?type=WaterObserved&=x",
	    "/ngsi-ld/v1/entities?type=%ff"):
		rows.append((path, request(w, line="GET %s HTTP/1.1" % path),
		    [400]))
	expect_all(w, rows, closes=False)


@test
def serves_its_own_hosts_only(w):
	expect_all(w, [
	    ("foreign Host", request(w, host="Host: evil.example"), [421]),
	    ("foreign authority", request(w,
		line="GET https://evil.example%s HTTP/1.1" % TARGET), [421]),
	    ("own authority beats Host", request(w, host="Host: evil.example",
		line="GET https://localhost%s HTTP/1.1" % TARGET),
		[200, 400, 421]),
	    ("own authority", request(w,
		line="GET https://localhost%s HTTP/1.1" % TARGET), [200]),
	    ("port", request(w, host="Host: localhost:8443"), [200]),
	    ("other case", request(w, host="Host: LOCALHOST"), [200]),
	    ("user in Host", request(w, host="Host: a@localhost"),
		[400, 421]),
	    ("blank in Host", request(w, host="Host: local host"),
		[400, 421]),
	    ("empty Host", request(w, host="Host:"), [400, 421]),
	], closes=False)


@test
def names_the_methods_it_has(w):
	wrong = []
	for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS",
	    "FOO"):
		for path in (ENTITIES, ENTITIES + "/urn:x:y"):
			got, closed = w.raw(request(w, "Content-Length: 0",
			    line="%s %s HTTP/1.1" % (method, path)), linger=0.05)
			if codes(got) != [405] or \
			    b"\r\nAllow: GET, HEAD\r\n" not in got:
				wrong.append("%s %s: %.120r" % (method, path,
				    got))
	check(not wrong, "\n".join(wrong))
	got, closed = w.raw(request(w,
	    line="CONNECT localhost:443 HTTP/1.1"))
	check(codes(got) in ([400], [405], [501]), got[:200])
	# Overriding the method is no method of ours.
	got, closed = w.raw(request(w, "X-HTTP-Method-Override: DELETE"))
	same(codes(got), [200], got[:200])


@test
def knows_what_is_not_here(w):
	for path, code in (("/no", 404), ("/ngsi-ld/v1", 404), ("/admin", 404),
	    ("/ngsi-ld/v2/entities?type=X", 404),
	    ("/metrics", 404), ("/readyz", 404),
	    (ROOT + "/subscriptions", 501)):
		a = w.ask("dortmund", path)
		check(a.status == code, "%s: %d, want %d" % (path, a.status,
		    code))


@test
def binds_the_tenant_header_to_the_token(w):
	q = "?type=WaterObserved"
	for name, code in (("dortmund", 200), ("schwerte", 404),
	    ("nonesuch", 404), ("Dortmund", 404), ("", 400)):
		a = w.ask("dortmund", q, headers={"NGSILD-Tenant": name})
		check(a.status == code, "%r: %d, want %d" % (name, a.status,
		    code))
		if code == 404:
			check(a.json()["type"].endswith("/NonexistentTenant"),
			    a.body)
	expect_all(w, [
	    ("two tenants", request(w, "NGSILD-Tenant: dortmund",
		"NGSILD-Tenant: dortmund"), [400]),
	    ("underscore", request(w, "ngsild_tenant: schwerte"), [400]),
	], closes=False)


@test
def ends_slow_and_idle_connections(w):
	s = w.raw_socket()
	s.sendall(b"GET / HTTP/1.1\r\nX: ")
	begun = time.monotonic()
	got = b""
	s.settimeout(0.2)
	while time.monotonic() - begun < 6 * SLOW:
		try:
			s.sendall(b"a")
			more = s.recv(4096)
			if not more:
				break
			got += more
		except (socket.timeout, TimeoutError):
			continue
		except OSError:
			break
	took = time.monotonic() - begun
	s.close()
	check(took < 3 * SLOW, "slow header lived %.1f s" % took)
	check(codes(got) in ([408], []), got)
	s = w.raw_socket()
	begun = time.monotonic()
	s.settimeout(10 * SLOW)
	same(s.recv(10), b"", "idle")
	check(time.monotonic() - begun < 5 * SLOW, "idle too long")
	s.close()
	s = w.raw_socket()
	s.sendall(request(w, "Content-Length: 10", body="abc"))
	s.settimeout(10 * SLOW)
	begun = time.monotonic()
	got = b""
	with contextlib.suppress(OSError):
		while True:
			more = s.recv(4096)
			if not more:
				break
			got += more
	check(time.monotonic() - begun < 6 * SLOW and codes(got) in
	    ([408], [400], []), got)
	s.close()
	# And others were served all the while.
	same(w.ask("dortmund", "?type=WaterObserved").status, 200, "others")


@test
def drops_who_does_not_read_its_answer(w):
	big = "?type=FloodMonitoring"
	same(len(w.ask("dortmund", big).ok().body) > 8000000, True, "size")
	raw = socket.socket()
	raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
	raw.settimeout(20 * SLOW)
	raw.connect(("127.0.0.1", w.port))
	s = w.tls().wrap_socket(raw, server_hostname="localhost")
	s.sendall(request(w, line="GET %s%s HTTP/1.1" % (ENTITIES, big)))
	begun = time.monotonic()
	quick = []
	while time.monotonic() - begun < 4 * SLOW:
		quick.append(w.ask("dortmund", "?type=WaterObserved").ok()
		    .seconds)
		time.sleep(0.05)
	quick.sort()
	check(quick[len(quick) // 2] < 0.2 * SLOW, "others wait: %r" % quick)
	got = 0
	with contextlib.suppress(OSError):
		while True:
			more = s.recv(65536)
			if not more:
				break
			got += len(more)
	s.close()
	check(got < 8000000, "all %d bytes came" % got)


@test
def speaks_modern_tls_only(w):
	ctx = w.tls()
	for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
		old = ssl.create_default_context(
		    cafile=w.path("tls/ca.pem"))
		try:
			import warnings
			with warnings.catch_warnings():
				warnings.simplefilter("ignore")
				old.minimum_version = version
				old.maximum_version = version
			old.set_ciphers("ALL:@SECLEVEL=0")
			with socket.create_connection(("127.0.0.1", w.port),
			    5) as s:
				old.wrap_socket(s, server_hostname="localhost")
			raise Failed("%s was accepted" % version)
		except (ssl.SSLError, OSError, ValueError):
			pass
	for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
		ctx.minimum_version = version if version == \
		    ssl.TLSVersion.TLSv1_3 else ssl.TLSVersion.TLSv1_2
		ctx.maximum_version = version
		with socket.create_connection(("127.0.0.1", w.port), 5) as s:
			t = ctx.wrap_socket(s, server_hostname="localhost")
			check(t.version() is not None, "version")
			t.close()
		ctx = w.tls()
	rsa = w.tls()
	rsa.maximum_version = ssl.TLSVersion.TLSv1_2
	rsa.set_ciphers("AES128-SHA:AES256-SHA:AES128-GCM-SHA256:@SECLEVEL=0")
	with socket.create_connection(("127.0.0.1", w.port), 5) as s:
		try:
			rsa.wrap_socket(s, server_hostname="localhost")
			raise Failed("RSA key exchange was accepted")
		except (ssl.SSLError, OSError):
			pass


@test
def answers_plain_http_on_the_tls_port_with_nothing(w):
	with socket.create_connection(("127.0.0.1", w.port), 5) as s:
		s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		got = b""
		with contextlib.suppress(OSError):
			while True:
				more = s.recv(4096)
				if not more:
					break
				got += more
	check(b"200" not in got, got)


@test
def adds_no_cors_and_keeps_the_log_in_lines(w):
	a = w.ask("dortmund", "?type=WaterObserved", headers={
	    "Origin": "https://evil.example",
	    "User-Agent": "x\x1b[31m"[:1], "X-Request-Id": "a b\"c"}).ok()
	check(not [k for k, v in a.fields if
	    k.lower().startswith("access-control")], a.fields)
	for line in w.hub.text().splitlines():
		check(line.startswith("ts=") and "\x1b" not in line, line)
	check("eyJ" not in w.hub.text(), "a token in the log")


main(setup)
