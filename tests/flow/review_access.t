#!/usr/bin/env python3
# review_access.t - what a hostile client or source tries at the gate and at
# the view: to fill what is shared, to make others fail, to see what is hidden.
import os
import random
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

A = "urn:ngsi-ld:WaterObserved:a"
Q = "?type=WaterObserved"
T = "2026-11-22T17:00:00Z"
HIDDEN = "2001-02-03T04:05:06Z"


class Keys(Broker):
	"""An issuer's key set by URL, which it takes its time to give."""

	def __init__(self, document, seconds=0.0):
		self.document, self.seconds = document, seconds
		super().__init__()
		self.fault = self.give

	def give(self, b, c, rq):
		time.sleep(self.seconds)
		return answer(c, 200, self.document.encode())


def region(w, more=""):
	b = w.brokers
	r = tenants(jwks='jwks = "%s/certs"' % w.keys[0].url)
	# The second issuer by URL, too.
	r = r.replace('jwks-file = "tls/jwks.json"',
	    'jwks = "%s/certs"' % w.keys[1].url)
	r += source("dortmund-broker", "dortmund", b["dortmund"],
	    ["WaterObserved"])
	r += source("schwerte-broker", "schwerte", b["schwerte"],
	    ["WaterObserved"])
	r += agreement("d-f", "dortmund", "froendenberg",
	    "dortmund-broker-data", {"WaterObserved":
	    'allow = {waterLevel, "waterLevel.accuracy"}'})
	r += agreement("s-f", "schwerte", "froendenberg",
	    "schwerte-broker-data", {"WaterObserved":
	    "allow = {waterLevel, flow} inside = {schwerte}"})
	return r + more


def setup():
	w = World("review-access", {"dortmund": Broker(), "schwerte": Broker()})
	with open(w.path("tls/jwks.json")) as f:
		w.jwks = f.read()
	w.keys = [Keys(w.jwks), Keys(w.jwks)]
	w.apply(region(w))
	w.start()
	wait_for(lambda: w.ask("dortmund", Q).status == 200, 10, "keys")
	w.fetched = time.monotonic()
	return w


def heal(w):
	for b in w.brokers.values():
		b.fault = None
		b.entities = []


def plain(a):
	"""All that the client sees but what differs every time."""
	fields = [f for f in a.fields if f[0] not in ("Date", "Request-Id")]
	body = a.body
	for v in a.all("Request-Id"):
		body = body.replace(v.encode(), b"")
	return a.status, fields, body


# ---- the view

@test
def hides_the_system_times_of_what_it_releases_in_parts(w):
	heal(w)
	w.brokers["dortmund"].entities = [ent(A, "WaterObserved",
	    waterLevel=prop("1", more=',"modifiedAt":"%s","accuracy":%s' % (
		HIDDEN, prop("2", more=',"modifiedAt":"%s","createdAt":"%s"' %
		(HIDDEN, HIDDEN)))))]
	a = w.ask("froendenberg", Q + "&options=sysAttrs").ok()
	same(a.json()[0]["waterLevel"]["accuracy"],
	    {"type": "Property", "value": 2}, "the released part")
	for q in ("waterLevel.accuracy.modifiedAt",
	    "waterLevel.accuracy.createdAt", "waterLevel.modifiedAt"):
		a = w.ask("froendenberg", "%s&q=%s" % (Q, q))
		same(a.ids(), [], q)
	same(w.ask("froendenberg", Q + "&q=waterLevel.accuracy==2").ids(), [A],
	    "the part's value")
	a = w.ask("dortmund", Q + "&options=sysAttrs").ok()
	same(a.body.count(HIDDEN.encode()), 3, "times that the owner sees")


@test
def asks_nothing_of_what_hangs_on_a_unit(w):
	"""A unit that is an object leaves as its text; q sees no more."""
	heal(w)
	for wrapped in ('{"value":"CMT","secret":7}', '{"secret":7}'):
		w.brokers["dortmund"].entities = [ent(A, "WaterObserved",
		    waterLevel='{"value":1,"unitCode":%s,"observedAt":%s}' %
		    (wrapped, wrapped.replace("CMT", T)))]
		for q in ("unitCode[secret]==7", "observedAt[secret]==7",
		    "unitCode[secret]", "observedAt[value]"):
			same(w.ask("froendenberg", "%s&q=waterLevel.%s" %
			    (Q, q)).ids(), [], q)
		a = w.ask("froendenberg", Q + '&q=waterLevel.unitCode==%22CMT%22')
		same(a.ids(), [A] if "CMT" in wrapped else [], "the text")
		check(b"secret" not in a.body, "more than the text left")


def worlds(n):
	"""The same view of two sources, n times, over other hidden parts."""
	r = random.Random(n)

	def when():
		return "20%02d-%02d-01T00:00:00Z" % (r.randrange(99),
		    r.randrange(1, 13))

	def junk():
		return "".join(r.choice("abc") for i in range(r.randrange(40)))

	def hidden():
		out = {"secret%d" % i: prop('"%s"' % junk(), when())
		    for i in range(r.randrange(5))}
		out["createdAt"] = '"%s"' % when()
		out["modifiedAt"] = '"%s"' % when()
		if r.random() < 0.5:
			out["scope"] = '"/%s"' % junk()
		return out

	def shown(value, at):
		return prop(value, at, more=',"modifiedAt":"%s","by":%s' % (
		    when(), prop('"%s"' % junk())))

	d, s = [], []
	for i in range(6):
		id = "urn:ngsi-ld:WaterObserved:%d" % i
		d.append(ent(id, "WaterObserved", waterLevel=shown(str(i), T),
		    location=point(r.random(), r.random()), **hidden()))
		# Equal in observedAt: the hidden modifiedAt must not decide.
		s.append(ent(id, "WaterObserved", waterLevel=shown("9", T),
		    flow=shown(str(i), T), location=point(7.55, 51.45),
		    **hidden()))
	for i in range(r.randrange(4)):
		# Of a type, of an id, at a place that are not agreed.
		d.append(ent("urn:ngsi-ld:WaterObserved:x%d" % i, "Secret",
		    waterLevel=prop("1")))
		d.append(ent("urn:x:%d" % i, "WaterObserved",
		    waterLevel=prop("1")))
		s.append(ent("urn:ngsi-ld:WaterObserved:y%d" % i,
		    "WaterObserved", waterLevel=prop("1"),
		    location=point(1, 1)))
	r.shuffle(d)
	r.shuffle(s)
	return d, s


@test
def answers_the_same_whatever_is_hidden(w):
	heal(w)
	for b in w.brokers.values():
		# As a source that takes type, paging and options for advice.
		b.fault = lambda b, c, rq: answer(c, *(b.reply(rq)
		    if rq.split("?")[0] != ENTITIES else (200, b"[" +
		    b",".join(b.entities) + b"]", [])))
	asks = [Q, Q + "&count=true&limit=2&offset=2", Q + "&options=sysAttrs",
	    Q + "&options=keyValues", Q + "&q=secret0", Q + "&q=!secret0",
	    Q + "&q=modifiedAt>2000-01-01T00:00:00Z",
	    Q + "&q=waterLevel.modifiedAt>2000-01-01T00:00:00Z",
	    Q + "&q=waterLevel.by~=a", Q + "&q=scope", Q + "&attrs=secret0",
	    Q + "&attrs=flow,secret0", "?type=Secret", "?attrs=secret1",
	    Q + "&georel=near;maxDistance==500000&geometry=Point"
	    "&coordinates=[0.5,0.5]",
	    ENTITIES + "/urn:ngsi-ld:WaterObserved:1",
	    ENTITIES + "/urn:ngsi-ld:WaterObserved:x0",
	    ENTITIES + "/urn:ngsi-ld:WaterObserved:y0",
	    ENTITIES + "/urn:x:0"]
	c = w.connect()
	seen = {}
	for n in range(8):
		w.brokers["dortmund"].entities, w.brokers["schwerte"].entities \
		    = worlds(n)
		for path in asks:
			got = plain(w.ask("froendenberg", path, conn=c))
			same(got, seen.setdefault(path, got),
			    "world %d, %s" % (n, path))
	same(seen[Q][0], 200, "status")
	check(b'"value":9' not in seen[Q][2], "the wrong source won")
	same(seen[asks[-2]][0], 404, "status of what lies elsewhere")


# ---- what is shared among consumers

@test
def gives_no_number_to_what_a_client_invents(w):
	heal(w)
	c = w.connect()
	w.ask("froendenberg", Q, conn=c).ok()
	path = w.path("spool/dict")
	time.sleep(0.5)
	before = os.path.getsize(path)
	for i in range(20):
		w.ask("froendenberg", "?type=WaterObserved," + ",".join(
		    "Invented%d-%d" % (i, k) for k in range(3)), conn=c).ok()
	time.sleep(0.5)
	same(os.path.getsize(path), before, "size of the dictionary")


@test
def lets_no_client_make_a_source_rest(w):
	heal(w)
	b = w.brokers["dortmund"]
	b.entities = [ent(A, "WaterObserved", waterLevel=prop("1"))]
	b.fault = lambda b, c, rq: answer(c, 431, b"") if \
	    any("x" * 5000 in line for line in b.log[-1]) else \
	    answer(c, *b.reply(rq))
	for i in range(24):	# each worker sees more than five of them
		a = w.ask("froendenberg", Q,
		    headers={"Via": "1.1 " + "x" * 5000})
		same(a.ok().warnings(), {"dortmund-broker": 299}, "warnings")
	for i in range(6):
		a = w.ask("froendenberg", Q)
		same(a.ids(), [A], "another client's answer")
		same(a.warnings(), {}, "its warnings")


@test
def says_it_failed_when_another_entity_came(w):
	heal(w)
	w.brokers["schwerte"].fault = status(500)
	w.brokers["dortmund"].fault = body(ent(A + "2", "WaterObserved",
	    waterLevel=prop("1")))
	a = w.ask("froendenberg", ENTITIES + "/" + A,
	    headers={"Prefer": "handling=strict"})
	same(a.status, 502, "status")


@test
def waits_for_the_keys_of_the_right_issuer(w):
	"""Another issuer's key set that comes first ends no wait."""
	heal(w)
	# Sets are asked for once in 30 s, the first time at the start.
	time.sleep(max(0, w.fetched + 31 - time.monotonic()))
	rotated = json.loads(w.jwks)
	for k in rotated["keys"]:
		if k["kid"] == "rs256-1":
			rotated["keys"].append(dict(k, kid="rs256-2"))
	w.keys[0].document = json.dumps(rotated)
	w.keys[0].seconds = 0.25
	mine = w.mint(w.claims("dortmund"), kid="rs256-2")
	other = w.mint(w.claims("schwerte", iss=OTHER_ISSUER,
	    organization="schwerte"), kid="nobody-knows")
	got = []
	waits = [threading.Thread(target=lambda: got.append(w.ask(None, Q,
	    purpose=None, token=mine).status)) for i in range(6)]
	for t in waits:
		t.start()
	time.sleep(0.1)
	begun = time.monotonic()
	same(w.ask(None, Q, purpose=None, token=other).status, 401,
	    "status with a key that never comes")
	check(time.monotonic() - begun < 2 * SLOW, "it took too long")
	for t in waits:
		t.join()
	same(got, [200] * 6, "statuses with a key that comes")
	w.keys[0].seconds = 0


# ---- staying alive

@test
def survives_clients_that_leave_at_any_time(w):
	heal(w)
	d, s = worlds(1)
	r = random.Random(4711)
	for b, e in (("dortmund", d), ("schwerte", s)):
		w.brokers[b].entities = e
		w.brokers[b].fault = lambda b, c, rq: (
		    time.sleep(r.random() / 50), answer(c, *b.reply(rq)))[1]
	rq = ("GET %s%s HTTP/1.1\r\nHost: localhost\r\nLink: %s\r\n"
	    "Authorization: Bearer %s\r\nHub-Purpose: hochwasserschutz\r\n\r\n"
	    % (ENTITIES, Q, LINK, w.token("froendenberg"))).encode()
	strange = rq.replace(w.token("froendenberg").encode(),
	    w.mint(w.claims("froendenberg"), kid="strange").encode())
	end = time.monotonic() + 5
	n = 0
	while time.monotonic() < end:
		socks = [w.raw_socket() for i in range(4)]
		for x in socks:
			x.sendall(strange if r.random() < 0.2 else
			    rq * r.randrange(1, 4))
		for x in socks:
			time.sleep(r.random() / 100)
			if r.random() < 0.7:	# a reset, not a farewell
				x.setsockopt(socket.SOL_SOCKET,
				    socket.SO_LINGER, struct.pack("ii", 1, 0))
			x.close()
		n += 1
		if n % 20 == 0:
			w.apply(region(w, "# %d\n" % n))
	check(w.hub.running(), "hubd ended: " + w.hub.text()[-2000:])
	heal(w)
	w.brokers["dortmund"].entities = d
	same(len(w.ask("froendenberg", Q).ids()), 6, "entities")


if __name__ == "__main__":
	main(setup)
