#!/usr/bin/env python3
# hostile.t - sources that do their worst, all at the same time: each costs its
# own budget, its own data and one warning; nothing else changes.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

GAUGES = "?type=WaterObserved"
GOOD = ("a", "b")
# What sources send may take so much of the hub's memory, and one of them
# sends at most so much.
MEMORY = 96
SOURCE_ANSWER = "2MiB"
TIMEOUT = 1.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def gauge(name, value="1"):
	return ent("urn:ngsi-ld:WaterObserved:" + name, "WaterObserved",
	    waterLevel=prop(value))


# ---- faults: functions of (broker, connection, target), as in flow.py

def send(*chunks, keep=False):
	"""Sends bytes as they are."""
	def fault(b, c, rq):
		for x in chunks:
			c.sendall(x)
		return keep
	return fault


def pour(head, chunk, times):
	def fault(b, c, rq):
		c.sendall(head)
		for i in range(times):
			c.sendall(chunk)
		return False
	return fault


def drip_slowly(b, c, rq):
	c.sendall(HEAD + b"Content-Length: 100\r\n\r\n[")
	while True:
		time.sleep(1)
		c.sendall(b" ")


def interim(b, c, rq):
	for i in range(100000):
		c.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
	return False


def two_answers(b, c, rq):
	"""A good answer, and behind it a forged one for whoever comes next."""
	body = b"[" + b"".join(b.entities) + b"]"
	forged = b"[" + gauge(b.name, "666") + b"]"
	c.sendall(b"".join(HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(x), x)
	    for x in (body, forged)))
	with contextlib.suppress(OSError):
		b.more = c.recv(65536)
	return False


def whole(text, fields=b""):
	return send(HEAD + fields + b"Content-Length: %d\r\n\r\n" % len(text),
	    text, keep=True)


M = 1 << 20
LONG = HEAD + b"Content-Length: %d\r\n\r\n" % (100 * M)
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
MB_CHUNK = b"100000\r\n" + b" " * M + b"\r\n"
# Texts that are small and large once read.
BOMBS = (
    ("numbers", b"[" + b"1," * (M - 16) + b"1]"),
    ("empty arrays", b"[" + b"[]," * (M // 2) + b"[]]"),
    ("open arrays", b"[" * (2 * M - 16)),
    ("empty instances", b"[" + b",".join(
	b'{"id":"urn:ngsi-ld:WaterObserved:x%d","type":"WaterObserved",'
	b'"waterLevel":[%s{}]}' % (i, b"{}," * 1000)
	for i in range(600)) + b"]"),
    ("tiny entities", b"[" + b",".join(b'{"id":"u:%d","type":"T"}' % i
	for i in range(60000)) + b"]"),
    ("names", b"[" + b",".join(
	b'{"id":"urn:ngsi-ld:WaterObserved:x%d","type":"WaterObserved",%s}' % (
	    i, b",".join(b'"n%d_%d":1' % (i, k) for k in range(900)))
	for i in range(150)) + b"]"),
)

# name: (fault, code of the warning)
FAULTS = {
    "hang": (hang, 199),
    "drip": (drip_slowly, 199),
    "long": (pour(LONG, b" " * M, 100), 111),
    "chunks": (pour(CHUNKED, MB_CHUNK, 100), 111),
    "redirect": (redirect("https://127.0.0.1:1/"), 299),
    "gzip": (whole(b"\x1f\x8b\x08" + b"\0" * 60,
	b"Content-Encoding: gzip\r\n"), 111),
    "old": (send(b"[" + gauge("old") + b"]"), 111),
    "early": (interim, 111),
    "header": (pour(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536, 16), 111),
    "cut": (send(CHUNKED + b"5\r\n[    \r\n"), 111),
    "badchunk": (send(CHUNKED + b"zz\r\n[]\r\n0\r\n\r\n"), 111),
    "lengths": (send(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n"
	b"[]]"), 111),
    "both": (send(HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked"
	b"\r\n\r\n2\r\n[]\r\n0\r\n\r\n"), 111),
    "bare": (send(b"HTTP/1.1 200 OK\nContent-Length: 2\n\n[]"), 111),
    "bomb": (whole(BOMBS[0][1]), 111),
}
# Their answers end where they say: that connection is sound.
WELL_FRAMED = ("redirect", "gzip", "bomb")
# Wrong certificates, and a name that nobody has.
PEMS = {"stranger": "other/hub.pem", "elsewhere": "tls/elsewhere.pem",
    "expired": "tls/expired.pem"}


class TlsBroker(Broker):
	def __init__(self, w, pem, **more):
		self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		self.tls.load_cert_chain(w.path(pem),
		    w.path(os.path.dirname(pem), "hub.key"))
		super().__init__(**more)

	@property
	def url(self):
		return "https://localhost:%d" % self.port

	def serve(self, c):
		try:
			c = self.tls.wrap_socket(c, server_side=True)
		except OSError:
			c.close()
			return
		super().serve(c)


class Nobody:
	url = "http://no-such-host.invalid:9"


def build(w):
	r = tenants()
	for name, b in w.brokers.items():
		plain = isinstance(b, Nobody)
		extra = 'breaker = "1000/1s"  in-flight = 8'
		if isinstance(b, TlsBroker):
			extra += '  ca = "tls/ca.pem"'
		if isinstance(b, Nobody):
			extra += "  plain = true"
		r += source("s-" + name, "dortmund", b, ["WaterObserved"],
		    timeout="5s" if name in GOOD or name == "tls" else
		    "%dms" % (TIMEOUT * 1000), extra=extra,
		    ids=["urn:ngsi-ld:WaterObserved:%s*" % name])
		r += agreement(name + "-f", "dortmund", "froendenberg",
		    "s-%s-data" % name, {"WaterObserved":
		    "allow = {waterLevel}"})
		if name in GOOD:
			r += agreement(name + "-h", "dortmund", "holzwickede",
			    "s-%s-data" % name, {"WaterObserved":
			    "allow = {waterLevel}"})
	return r


def setup():
	w = World("hostile", limits='source-answer = "%s"  memory = "%dMiB"' %
	    (SOURCE_ANSWER, MEMORY))
	run(HUBTOOL, "certs", w.path("other"))
	for n in GOOD:
		w.brokers[n] = Broker([gauge(n)])
	w.brokers["tls"] = TlsBroker(w, "tls/hub.pem", entities=[gauge("tls")])
	for n, pem in PEMS.items():
		w.brokers[n] = TlsBroker(w, pem, entities=[gauge(n)])
	w.brokers["nobody"] = Nobody()
	for n in FAULTS:
		w.brokers[n] = Broker([gauge(n)])
		w.brokers[n].name = n
		w.brokers[n].fault = FAULTS[n][0]
	w.apply(build(w))
	w.start()
	w.base = memory(w)
	return w


EXPECTED = {"s-" + n: code for n, (fault, code) in FAULTS.items()}
EXPECTED.update({"s-" + n: 199 for n in list(PEMS) + ["nobody"]})
THERE = sorted("urn:ngsi-ld:WaterObserved:" + n for n in GOOD + ("tls",))


def memory(w, what="VmHWM"):
	"""Of hubd, in MiB."""
	with open("/proc/%d/status" % w.hub.p.pid) as f:
		for line in f:
			if line.startswith(what):
				return int(line.split()[1]) / 1024
	raise Failed("no " + what)


def all_warned(a):
	same(a.ids(), THERE, "the others' entities")
	same(len(a.all("NGSILD-Warning")), len(EXPECTED), "warnings")
	same(a.warnings(), EXPECTED, "codes")


@test
def gives_the_others_data_and_one_warning_each(w):
	for i in range(3):
		a = w.ask("froendenberg", GAUGES).ok()
		all_warned(a)
		check(a.seconds <= TIMEOUT + 1.5 * SLOW, "seconds %r" %
		    a.seconds)
		check(b"666" not in a.body and b"secret" not in a.body, a.body)


@test
def uses_no_connection_again_after_a_bad_answer(w):
	w.ask("froendenberg", GAUGES).ok()
	for name, (fault, code) in FAULTS.items():
		if name in WELL_FRAMED:
			continue
		b = w.brokers[name]
		check(b.asked(), name + " was not asked")
		wait_for(lambda: not b.open, 5, name + ": connection closed")
	# A second answer behind a good one is nobody's.
	b = w.brokers["a"]
	b.name, b.more = "a", None
	b.fault = two_answers
	try:
		for i in range(6):
			a = w.ask("froendenberg", GAUGES + "&id="
			    "urn:ngsi-ld:WaterObserved:a").ok()
			same([e["waterLevel"]["value"] for e in a.json()],
			    [1], "the answer that was asked for")
			wait_for(lambda: b.more is not None, 5, "closed")
			same(b.more, b"", "sent behind it")
			b.more = None
	finally:
		b.fault = None


@test
def keeps_its_memory_bounded(w):
	"""Several hostile sources, several clients, every kind of bomb."""
	bombers = ["bomb", "long", "chunks", "cut"]
	try:
		for what, text in BOMBS:
			for n in bombers:
				w.brokers[n].fault = whole(text)
			seen = []

			def client():
				for i in range(3):
					seen.append(w.ask("froendenberg",
					    GAUGES, timeout=60))
			threads = [threading.Thread(target=client)
			    for i in range(6)]
			for t in threads:
				t.start()
			for t in threads:
				t.join()
			same(len(seen), 18, what + ": answers")
			for a in seen:
				same(a.ok().ids(), THERE, what)
				for n in bombers:
					# Too much by itself, or beside
					# others; what fits is harmless.
					check(a.warnings().get("s-" + n) in
					    (None, 111, 199), what + ": %r" %
					    a.warnings())
		print("# VmHWM %.0f MiB, at the start %.0f MiB, ceiling %d "
		    "MiB" % (memory(w), w.base, MEMORY), flush=True)
		# Beside it: read buffers, answers, what the allocator keeps.
		# (A sanitizer keeps what was freed.) Without a ceiling it is
		# four times as much.
		if "HUB_FLOW_SLOW" not in os.environ:
			check(memory(w) <= w.base + MEMORY + 64,
			    "VmHWM %.0f MiB, at the start %.0f MiB" % (
			    memory(w), w.base))
	finally:
		for n in bombers:
			w.brokers[n].fault = FAULTS[n][0]
	# All of it was given back.
	all_warned(w.ask("froendenberg", GAUGES).ok())


@test
def leaves_healthy_sources_alone(w):
	def holzwickede():
		r = w.load("holzwickede", GAUGES, 4, rate=50).result()
		same((r["errors"], r["refused"], r["missed"]), (0, 0, 0), r)
		check(r["count"] >= 190, r)
		return r["p99_ms"]
	before = holzwickede()
	stop = []

	def others():
		while not stop:
			w.ask("froendenberg", GAUGES)
	threads = [threading.Thread(target=others) for i in range(2)]
	for t in threads:
		t.start()
	try:
		during = holzwickede()
	finally:
		stop.append(1)
		for t in threads:
			t.join()
	# The brokers' own threads compete for the machine here, too.
	limit = max(10 * before, 150) * SLOW
	print("# p99 %.1f ms, alone %.1f ms" % (during, before), flush=True)
	check(during <= limit, "p99 %.1f ms, before %.1f ms" % (during,
	    before))


main(setup)
