#!/usr/bin/env python3
# attack_h2.t - what HTTP/2 adds to what can be attacked (policy.md 6, H8):
# heads that mean two things, floods that ask for nothing, resets, windows
# that never open.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from attack import *
from h2 import *


def setup():
	return attacked("attack-h2", limits="header-timeout = 1s  "
	    "body-timeout = 1s  idle-timeout = 8s  write-timeout = 1s  "
	    "connections = 100")


def good(c, n=1):
	"""The connection still answers, as it should."""
	for i in range(n):
		r = c.ask(Q, tenant="froendenberg")
		same(r.status, 200, r.body[:200])
		same([e["id"] for e in r.json()], [A, B, D], "ids")


def head(c, drop=(), first=(), last=(), **change):
	"""Fields of a sound request, with some of it changed: names by their
	first letter for pseudo-fields."""
	names = {"method": ":method", "scheme": ":scheme",
	    "authority": ":authority", "path": ":path"}
	change = {names[k]: v for k, v in change.items()}
	f = [(k, change.get(k, v)) for k, v in c.fields(Q, "froendenberg")
	    if k not in drop]
	return list(first) + f + list(last)


@attack
def h8_heads_that_no_client_may_send(w):
	c = H2(w)
	for what, f, codes in (
	    ("no :method", head(c, [":method"]), ()),
	    ("no :scheme", head(c, [":scheme"]), ()),
	    ("no :path", head(c, [":path"]), ()),
	    ("no :authority", head(c, [":authority"]), (400,)),
	    ("an empty :authority", head(c, authority=""), (400,)),
	    ("an empty :path", head(c, path=""), ()),
	    ("two :method", head(c, first=[(":method", "GET")]), ()),
	    ("two :path", head(c, first=[(":path", "/")]), ()),
	    (":status", head(c, first=[(":status", "200")]), ()),
	    (":protocol", head(c, first=[(":protocol", "websocket")]), ()),
	    ("an unknown one", head(c, first=[(":x", "y")]), ()),
	    ("one behind others", head(c, [":path"], last=[(":path", Q)]), ()),
	    ("http", head(c, scheme="http"), (400,)),
	    ("another scheme", head(c, scheme="ftp"), (400,)),
	    ("an absolute :path", head(c, path="https://localhost" + ENTITIES +
		Q), (400,)),
	    ("a :path without slash", head(c, path="ngsi-ld"), (400,)),
	    ("*", head(c, path="*"), (400,)),
	    ("a blank in :path", head(c, path=ENTITIES + Q + " HTTP/1.1"),
		(400,)),
	    ("a request in :path", head(c, path=ENTITIES + Q + " HTTP/1.1\r\n"
		"x: y"), (400,)),
	    ("a request in :method", head(c, method="GET / HTTP/1.1\r\nx:"),
		(400,)),
	    ("a field in :authority", head(c, authority="localhost\r\nx: y"),
		(400,)),
	    ("a user in :authority", head(c, authority="a@localhost"), (400,)),
	    ("CONNECT", [(":method", "CONNECT"), (":authority", "localhost")],
		(400, 501)),
	    ("another Host", head(c, last=[("host", "evil.example")]),
		(400,)),
	    ("two Hosts", head(c, [":authority"], last=[("host",
		"localhost"), ("host", "localhost")]), (400,)),
	    ("upper case", head(c, last=[("X-Y", "z")]), (400,)),
	    ("an empty name", head(c, last=[("", "z")]), (400,)),
	    ("a blank in a name", head(c, last=[("x y", "z")]), (400,)),
	    ("a colon in a name", head(c, last=[("x:y", "z")]), (400,)),
	    ("an umlaut in a name", head(c, last=[(b"x\xc3\xa4", "z")]),
		(400,)),
	    ("CRLF in a value", head(c, last=[("x", "y\r\nz: a")]), (400,)),
	    ("LF in a value", head(c, last=[("x", "y\nz: a")]), (400,)),
	    ("an end in a value", head(c, last=[("x", "y\r\n\r\nGET / ")]),
		(400,)),
	    ("NUL in a value", head(c, last=[("x", "y\0z")]), (400,)),
	    ("DEL in a value", head(c, last=[("x", "y\x7fz")]), (400,)),
	    ("no UTF-8", head(c, last=[("x", b"y\xffz")]), (400,)),
	    ("a blank before a value", head(c, last=[("x", " y")]), (400,)),
	    ("a tab behind a value", head(c, last=[("x", "y\t")]), (400,)),
	    ("Connection", head(c, last=[("connection", "close")]), (400,)),
	    ("Keep-Alive", head(c, last=[("keep-alive", "a")]), (400,)),
	    ("Proxy-Connection", head(c, last=[("proxy-connection", "a")]),
		(400,)),
	    ("Upgrade", head(c, last=[("upgrade", "h2c")]), (400,)),
	    ("TE: gzip", head(c, last=[("te", "gzip")]), (400,)),
	    ("Transfer-Encoding", head(c, last=[("transfer-encoding",
		"chunked")]), (400,)),
	    ("Content-Length twice", head(c, last=[("content-length", "0"),
		("content-length", "0")]), (400,)),
	    ("Content-Length: +0", head(c, last=[("content-length", "+0")]),
		(400,)),
	    ("Content-Length: 0x0", head(c, last=[("content-length", "0x0")]),
		(400,)),
	    ("a body that does not come", head(c, last=[("content-length",
		"5")]), ()),
	    ("a name with an underscore", head(c, last=[("x_y", "z")]),
		(400,))):
		r = c.answer(c.head(f))
		# A stream error is as good as an answer (RFC 9113, 8.1.1).
		check(r.status in codes if r.status else r.reset ==
		    PROTOCOL_ERROR, "%s: status %r, reset %r, %r" % (what,
		    r.status, r.reset, r.body[:100]))
		check(b"WaterObserved" not in r.body, what)
	good(c)
	for f in (head(c, [":authority"], last=[("host", "localhost")]),
	    head(c, last=[("host", "LOCALHOST")]),
	    head(c, last=[("te", "trailers")]),
	    head(c, last=[("cookie", "a=1"), ("cookie", "b=2")]),
	    head(c, last=[("x", "grün".encode())])):
		same(c.answer(c.head(f)).status, 200, f[-1])
	c.close()


@attack
def h8_bodies_that_are_not_what_they_say(w):
	c = H2(w)

	def body(data, *more, flags=END_STREAM):
		s = c.head(c.fields(BATCH, "froendenberg", method="POST",
		    more=(("content-type", "application/json"),) + more),
		    flags=END_HEADERS)
		for i in range(0, max(len(data), 1), 16384):
			c.send(frame(DATA, flags if i + 16384 >= len(data)
			    else 0, s, data[i:i + 16384]))
		return c.answer(s)
	q = json.dumps({"type": "Query", "entities": [{"type":
	    "WaterObserved"}]}).encode()
	same(body(q).status, 200, "sound")
	for n in (len(q) - 1, len(q) + 1, 0):
		r = body(q, ("content-length", str(n)))
		same((r.status, r.reset), (None, PROTOCOL_ERROR), "%d for %d" %
		    (n, len(q)))
	same(body(b"", ("content-length", str(5 << 20))).status, 413,
	    "a length that is too much")
	r = body(b" " * 1100000)
	same(r.status, 413, "a body that is too much")
	check(r.reset in (None, NO_ERROR), r.reset)
	begun = time.monotonic()
	same(body(q[:5], flags=0).status, 408, "one that does not end")
	check(time.monotonic() - begun < 3 * SLOW, "late")
	# Padding is no way around what is counted.
	s = c.head(c.fields(BATCH, "froendenberg", method="POST"),
	    flags=END_HEADERS)
	c.send(frame(DATA, 8 | END_STREAM, s, b"\xff" + b"{}"))
	c.until(lambda: c.closed, 2)
	same(c.goaway and c.goaway[1], PROTOCOL_ERROR, "padding")


def memory(w):
	with open("/proc/%d/status" % w.hub.p.pid) as f:
		return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))


def split(c, block, stream, frames):
	"""A head in that many frames; END_HEADERS on the last."""
	n = -(-len(block) // frames)
	for i in range(frames):
		c.send(frame(CONTINUATION if i else HEADERS, (0 if i else
		    END_STREAM) | (END_HEADERS if i == frames - 1 else 0),
		    stream, block[i * n:(i + 1) * n]))


@attack
def h8_large_heads_cost_no_memory(w):
	c = H2(w)
	good(c)
	before = memory(w)
	for i in range(20):
		for more, code in (([("x", "a" * 20000)], 431),
		    ([("x-%d" % k, "a" * 80) for k in range(500)], 431),
		    ([("x-%d" % k, "a") for k in range(70)], 431)):
			s = c.next_stream()
			c.streams[s] = Reply()
			split(c, b"".join(literal(k, v) for k, v in head(c,
			    last=more)), s, 4)
			same(c.answer(s).status, code, more[0][1][:9])
		for n in (9000, 20000):
			same(c.answer(c.head(head(c, path="/" + "a" *
			    min(n, 15000)))).status, 414, "a long :path")
	# One entry of the table, named again and again: a byte each.
	s = c.next_stream()
	c.streams[s] = Reply()
	block = b"".join(literal(k, v) for k, v in head(c)) + b"\x40" + \
	    number(4, 7) + b"bomb" + number(3900, 7) + b"x" * 3900 + \
	    b"\xbe" * 16000
	split(c, block, s, 3)
	same(c.answer(s).status, 431, "a bomb")
	good(c)
	check(SLOW > 1 or memory(w) - before < 4096, "VmHWM grew by %d KiB" %
	    (memory(w) - before))
	c.close()


@attack
def h8_heads_that_do_not_end(w):
	for what, first, flood in (
	    ("CONTINUATION frames", literal("x", "y"), frame(CONTINUATION, 0,
		1, literal("x", "y" * 9000))),
	    ("empty ones", literal("x", "y"), frame(CONTINUATION, 0, 1))):
		c = H2(w)
		c.send(frame(HEADERS, END_STREAM, 1, first))
		sent = 0
		while sent < 100000 and c.send(flood * 20):
			sent += 20
			c.until(lambda: c.closed, 0.005)
			if c.closed:
				break
		check(c.closed or c.end(2) is not None, what)
		check(sent < 100000, "%s: took %d" % (what, sent))
		c.close()
	# One byte at a time, and nothing at all.
	for drip in (True, False):
		c = H2(w)
		good(c)
		begun = time.monotonic()
		c.send(frame(HEADERS, END_STREAM, 3, literal("x", "y")))
		whole = frame(CONTINUATION, 0, 3, literal("x", "y" * 900))
		for i in range(60):
			if drip:
				c.send(whole[i:i + 1])
			if c.until(lambda: c.closed, 0.1):
				break
		check(c.closed and 0.8 < time.monotonic() - begun < 4 * SLOW,
		    "after %.1f s, closed %r" % (time.monotonic() - begun,
		    c.closed))
		same(c.goaway and c.goaway[1], CALM, "GOAWAY")
	same(seek(w, Q).status, 200, "others")


def flood(w, what, data, code=CALM, most=20000):
	"""Sent again and again: the end comes soon, and nobody else feels it."""
	c = H2(w)
	good(c)
	sent = 0
	while sent < most and not c.closed and c.send(data * 50):
		sent += 50
		c.until(lambda: c.closed, 0.002)
		if sent % 1000 == 0:
			same(seek(w, Q).status, 200, "others")
	c.until(lambda: c.closed, 3)
	check(c.closed, "%s: still open after %d" % (what, sent))
	check(c.goaway is None or c.goaway[1] == code, "%s: GOAWAY %r" % (what,
	    c.goaway))
	c.close()


@attack
def h8_frames_that_ask_for_nothing(w):
	for what, data in (
	    ("PING", frame(PING, 0, 0, b"12345678")),
	    ("SETTINGS", frame(SETTINGS)),
	    ("SETTINGS with values", settings(window=70000, table=0)),
	    ("PRIORITY", frame(PRIORITY, 0, 5, b"\0\0\0\0\1")),
	    ("an unknown frame", frame(0x77, 0, 0, b"x")),
	    ("RST_STREAM of a closed stream", rst(1)),
	    ("WINDOW_UPDATE", window(1))):
		flood(w, what, data)
	# Empty DATA of a request that never ends.
	c = H2(w)
	s = c.head(c.fields(BATCH, "froendenberg", method="POST"),
	    flags=END_HEADERS)
	for i in range(100):
		if not c.send(frame(DATA, 0, s) * 50):
			break
	c.until(lambda: c.closed, 3)
	check(c.closed and (c.goaway is None or c.goaway[1] == CALM),
	    "empty DATA: %r %r" % (c.closed, c.goaway))
	# What a client with much to read has to say is no flood.
	c = H2(w)
	for i in range(60):
		c.send(window(10) + window(10, c.get(Q, tenant=
		    "froendenberg")))
		good(c)
	c.close()


def served(w):
	return sum(len(b.asked()) for b in w.brokers.values())


@attack
def h8_rapid_reset(w):
	for what, more in (("by the client", rst),
	    # It makes the hub do it (CVE-2025-8671).
	    ("by a window of 0", lambda s: window(0, s)),
	    ("by DATA behind the end", lambda s: frame(DATA, 0, s, b"x")),
	    ("by a window too large", lambda s: window(0x7fffffff, s))):
		for b in w.brokers.values():
			b.fault = hang
		forget(w)
		c = H2(w)
		n = 0
		try:
			while n < 3000 and not c.closed:
				s = c.next_stream()
				c.streams[s] = Reply()
				n += 1
				if not c.send(frame(HEADERS, END_STREAM |
				    END_HEADERS, s, b"".join(literal(k, v)
				    for k, v in c.fields(Q,
				    "froendenberg"))) + more(s)):
					break
				if n % 50 == 0:
					c.until(lambda: c.closed, 0.01)
			c.until(lambda: c.closed, 3)
		finally:
			restore(w)
		check(c.closed, "%s: still open after %d" % (what, n))
		# nghttp2 ends the connection for some of it at once.
		check(c.goaway is None or c.goaway[1] not in (NO_ERROR, 2),
		    "%s: %r" % (what, c.goaway))
		c.close()
		# Each of those costs two requests of sources at most.
		check(served(w) < 1000, "%s: sources were asked %d times" %
		    (what, served(w)))
		same(seek(w, Q).ok().ids(), [A, B, D], "others")
	# Who lets go of some has all others answered.
	c = H2(w)
	for i in range(100):
		c.send(rst(c.get(Q, tenant="froendenberg")))
	good(c, 3)
	c.close()


@attack
def h8_more_streams_than_allowed(w):
	for b in w.brokers.values():
		b.fault = hang
	c = H2(w)
	try:
		streams = [c.get(Q, tenant="froendenberg") for i in range(150)]
		refused = streams[100:]
		for s in refused:
			same(c.answer(s).reset, REFUSED_STREAM, "stream %d" %
			    s)
		check(not [s for s in streams[:100] if c.streams[s].reset is
		    not None], "one of the first hundred")
	finally:
		restore(w)
	c.close()
	c = H2(w)
	good(c)
	# Numbers that go back, are even or are the connection's.
	for what, data in (("an even one", frame(HEADERS, 5, 2)),
	    ("none", frame(HEADERS, 5, 0)),
	    ("DATA of none", frame(DATA, 1, 0, b"x")),
	    ("DATA of an idle one", frame(DATA, 1, 99, b"x")),
	    ("a frame too large", frame(DATA, 0, 1, b"x" * 20000)),
	    ("a SETTINGS frame of 5 bytes", frame(SETTINGS, 0, 0, b"12345")),
	    ("a window too large", window(0x7fffffff) + window(0x7fffffff)),
	    ("PUSH_PROMISE", frame(PUSH, 4, 1, b"\0\0\0\2")),
	    ("an index of nothing", frame(HEADERS, 5, 3, b"\xff\xff\x7f"))):
		c = H2(w)
		c.send(data)
		code = c.end(3)
		check(code not in (None, NO_ERROR), "%s: %r" % (what, code))
	same(seek(w, Q).status, 200, "others")


@attack
def h8_windows_that_never_open(w):
	b = w.brokers["schwerte"]
	b.entities = [station(WATER + "z%04d" % i, str(i), stationName=prop(
	    '"%s"' % ("x" * 600))) for i in range(1000)]
	# A window of 0: the answer waits, not for ever; others do not.
	c = H2(w, hello=settings(window=0), generous=False)
	s = c.get(Q, tenant="froendenberg")
	begun = time.monotonic()
	check(c.until(lambda: c.streams[s].status == 200, 3), "head")
	open_ = c.get("/nowhere", tenant="froendenberg")
	c.send(window(99999, open_))
	same(c.answer(open_).status, 404, "another stream")
	r = c.answer(s)
	took = time.monotonic() - begun
	same((r.body, r.reset), (b"", CANCEL), "the stream")
	check(0.8 < took < 4 * SLOW, "after %.1f s" % took)
	# One byte at a time is progress, as with HTTP/1.1.
	s = c.get(Q + "&limit=1000", tenant="froendenberg")
	for i in range(20):
		c.send(window(1, s))
		c.until(lambda: False, 0.1)
	r = c.streams[s]
	same((len(r.body), r.reset), (20, None), "twenty bytes")
	c.close()
	# A client that does not read: its socket is full.
	raw = socket.socket()
	raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
	raw.connect(("127.0.0.1", w.port))
	ctx = w.tls()
	ctx.set_alpn_protocols(["h2"])
	t = ctx.wrap_socket(raw, server_hostname="localhost")
	block = b"".join(literal(k, v) for k, v in H2.fields(c, Q +
	    "&limit=1000", "froendenberg"))
	t.sendall(PREFACE + settings(window=1 << 30) + window(1 << 30) +
	    b"".join(frame(HEADERS, 5, 2 * i + 1, block) for i in range(20)))
	time.sleep(3 * SLOW)
	got = 0
	t.settimeout(5 * SLOW)
	with contextlib.suppress(ConnectionError, ssl.SSLError):
		while True:
			more = len(t.recv(65536))
			if more == 0:
				break
			got += more
	# What the kernels had, of fourteen million.
	check(got < 9000000, "%d bytes" % got)
	t.close()
	same(seek(w, Q, timeout=5).status, 200, "others")


@attack
def h8_no_other_way_into_it(w):
	for offered, want in ((["h2"], "h2"), (["http/1.1", "h2"], "h2"),
	    (["http/1.1"], "http/1.1"), (["h2c", "h3", "h2-14"], None)):
		ctx = w.tls()
		ctx.set_alpn_protocols(offered)
		with socket.create_connection(("127.0.0.1", w.port), 5 *
		    SLOW) as s:
			try:
				t = ctx.wrap_socket(s,
				    server_hostname="localhost")
			except OSError:
				same(want, None, "refused")
				continue
			same(t.selected_alpn_protocol(), want, offered)
			t.close()
	# Without ALPN its preface is no request; Upgrade is not heard.
	got, closed = w.raw(PREFACE + settings() + b"\0" * 99)
	check(got[9:12] in (b"400", b"505") and closed, got[:100])
	got, closed = w.raw(("GET %s%s HTTP/1.1\r\nHost: localhost\r\n"
	    "Authorization: Bearer %s\r\nHub-Purpose: hochwasserschutz\r\n"
	    "Link: %s\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings"
	    "\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n" % (ENTITIES,
	    Q, w.token("froendenberg"), LINK)).encode())
	check(got.startswith(b"HTTP/1.1 200 "), got[:100])
	# A plain listener knows nothing of it.
	s = socket.create_connection(("127.0.0.1", w.admin), 5 * SLOW)
	s.sendall(PREFACE + settings())
	check(s.recv(4096)[9:12] in (b"400", b"505"), "preface in clear text")
	s.close()
	# Agreed upon, and then something else is spoken.
	for data in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
	    b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"\0" * 64,
	    PREFACE + frame(PING, 0, 0, b"12345678")):
		c = H2(w, hello=b"")
		c.close()
		ctx = w.tls()
		ctx.set_alpn_protocols(["h2"])
		with socket.create_connection(("127.0.0.1", w.port), 5 *
		    SLOW) as s:
			with ctx.wrap_socket(s, server_hostname="localhost") \
			    as t:
				t.sendall(data)
				t.settimeout(5 * SLOW)
				got = b""
				with contextlib.suppress(OSError):
					while True:
						more = t.recv(4096)
						if not more:
							break
						got += more
		check(b"HTTP/1.1" not in got and frame(GOAWAY)[3:4] in got,
		    "%r: %r" % (data[:20], got))


main(setup)
