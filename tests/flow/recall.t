#!/usr/bin/env python3
# recall.t - what was made of the same bytes before is used again, for the same
# view and no other; every test counts how often.
import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

A = "urn:ngsi-ld:WaterObserved:A"
B = "urn:ngsi-ld:WaterObserved:B"
S = "urn:ngsi-ld:WeatherObserved:S"
Q = "?type=WaterObserved"
T = "2026-11-22T17:%02d:00Z"


def region(w, flow=True, history=""):
	r = tenants()
	r += source("broker-d", "dortmund", w.brokers["d"], ["WaterObserved"],
	    ids=[A])
	r += source("broker-s", "schwerte", w.brokers["s"],
	    ["WaterObserved", "WeatherObserved"], ids=[B, S])
	both = "allow = {waterLevel, flow}" if flow else "allow = {waterLevel}"
	r += agreement("d-f", "dortmund", "froendenberg", "broker-d-data",
	    {"WaterObserved": both})
	r += agreement("s-f", "schwerte", "froendenberg", "broker-s-data",
	    {"WaterObserved": both})
	r += agreement("s-f-k", "schwerte", "froendenberg", "broker-s-data",
	    {"WeatherObserved": "allow = {temperature} history = 2s"},
	    purpose="klima")
	r += agreement("d-h", "dortmund", "holzwickede", "broker-d-data",
	    {"WaterObserved": "allow = {flow}"})
	return r


def water(id, level, minute=10, more=""):
	return ent(id, "WaterObserved", waterLevel=prop(level, T % minute),
	    flow=prop("7", T % minute), refDevice=prop('"geheim"' + more))


def setup():
	w = World("recall", {"d": Broker([water(A, "1")]),
	    "s": Broker([water(B, "2")])})
	w.apply(region(w))
	w.start()
	return w


def recalled(w):
	"""How many answers were recalled so far, by all workers."""
	before = len(w.hub.text())
	os.kill(w.hub.p.pid, signal.SIGUSR2)
	pattern = r"worker \d+: \d+ answered, (\d+) of them recalled"
	return sum(int(n) for n in wait_for(lambda: (lambda found:
	    found if len(found) == 2 else None)(re.findall(pattern,
	    w.hub.text()[before:])), 5, "the state in the log"))


class Asking:
	"""One connection, so one worker; .new is how many were recalled."""
	def __init__(self, w, tenant="froendenberg", purpose="hochwasserschutz"):
		self.w, self.tenant, self.purpose = w, tenant, purpose
		self.conn = w.connect()

	def ask(self, path, **more):
		before = recalled(self.w)
		a = self.w.ask(self.tenant, path, conn=self.conn,
		    purpose=self.purpose, **more)
		self.new = recalled(self.w) - before
		return a


def restore(w):
	w.brokers["d"].entities = [water(A, "1")]
	w.brokers["s"].entities = [water(B, "2")]


@test
def gives_the_same_answer_again(w):
	c = Asking(w)
	for path in (Q, Q + "&count=true&limit=1", Q + "&limit=1&offset=1",
	    Q + "&options=keyValues", Q + "&q=waterLevel%3E1", "/ngsi-ld/v1/"
	    "entities/" + A + "?type=WaterObserved"):
		first = c.ask(path).ok()
		same(c.new, 0, "recalled at first: " + path)
		asked = len(w.brokers["d"].asked())
		again = c.ask(path).ok()
		same(c.new, 1, "recalled: " + path)
		same(len(w.brokers["d"].asked()), asked + 1,
		    "the source was asked all the same")
		same(again.body, first.body, "body: " + path)
		drop = ("request-id", "date", "server-timing")
		same([f for f in again.fields if f[0].lower() not in drop],
		    [f for f in first.fields if f[0].lower() not in drop],
		    "header: " + path)


@test
def sees_every_change_of_a_source(w):
	c = Asking(w)
	for d, s in (("1", "2"), ("3", "2"), ("3", "4"), ("1", "2")):
		w.brokers["d"].entities = [water(A, d)]
		w.brokers["s"].entities = [water(B, s)]
		for i in range(2):
			got = {e["id"]: e["waterLevel"]["value"]
			    for e in c.ask(Q).ok().json()}
			same(got, {A: int(d), B: int(s)}, "levels")
	# Only what is hidden changes: nothing is recalled, nothing is seen.
	first = c.ask(Q).ok()
	w.brokers["d"].entities = [water(A, "1", more=', "x": 1')]
	again = c.ask(Q).ok()
	same(c.new, 0, "recalled")
	same(again.body, first.body, "body")
	restore(w)


@test
def reads_the_rest_when_one_source_has_changed(w):
	c = Asking(w)
	c.ask(Q).ok()
	c.ask(Q).ok()
	same(c.new, 1, "recalled")
	w.brokers["s"].fault = status(500)
	a = c.ask(Q).ok()
	same(c.new, 0, "recalled")
	same(a.ids(), [A], "ids")
	check(a.warnings(), "a warning")
	w.brokers["s"].fault = None
	same(c.ask(Q).ok().ids(), [A, B], "ids")
	restore(w)


@test
def never_crosses_tenants_purposes_or_forms(w):
	f, h = Asking(w), Asking(w, "holzwickede")
	for i in range(3):
		e = f.ask(Q).ok().json()
		same(sorted(e[0]), ["flow", "id", "type", "waterLevel"], "F")
		e = h.ask(Q).ok().json()
		same([sorted(x) for x in e], [["flow", "id", "type"]], "H")
	same(h.new, 1, "recalled")
	same(f.ask(Q, headers={"Accept": "application/ld+json"}).ok().json()
	    [0]["@context"] is not None, True, "ld")
	same(f.new, 0, "recalled in another form")
	same(f.ask(Q, headers={"Accept": "application/geo+json"}).ok().json()
	    ["type"], "FeatureCollection", "geo")
	same(f.new, 0, "recalled in another form")
	e = f.ask(Q.replace("WaterObserved", "https%3A%2F%2Fexample.org%2Fx"),
	    link=False).ok()
	same(f.new, 0, "recalled under another context")


@test
def forgets_with_the_agreement(w):
	c = Asking(w)
	c.ask(Q).ok()
	check("flow" in c.ask(Q).ok().json()[0], "flow is shared")
	same(c.new, 1, "recalled")
	w.apply(region(w, flow=False))
	wait_for(lambda: "flow" not in w.ask("froendenberg", Q,
	    conn=c.conn).ok().json()[0], 10, "the new agreement")
	for i in range(3):
		check(b"flow" not in c.ask(Q).ok().body, "flow is shared")
	w.apply(region(w))
	wait_for(lambda: "flow" in w.ask("froendenberg", Q,
	    conn=c.conn).ok().json()[0], 10, "the old agreement")


def later(seconds):
	return time.strftime("%Y-%m-%dT%H:%M:%SZ",
	    time.gmtime(time.time() + seconds))


@test
def leaves_to_the_clock_what_is_bound_to_it(w):
	c = Asking(w)
	w.brokers["d"].entities = [ent(A, "WaterObserved",
	    waterLevel=prop("1"), expiresAt='"%s"' % later(3))]
	same(c.ask(Q).ok().ids(), [A, B], "ids before it expires")
	same(c.ask(Q).ok().ids(), [A, B], "ids before it expires")
	same(c.new, 0, "recalled")
	wait_for(lambda: c.ask(Q).ok().ids() == [B], 10, "its end")
	restore(w)
	k = Asking(w, purpose="klima")
	w.brokers["s"].entities = [ent(S, "WeatherObserved",
	    temperature=prop("5", later(0)))]
	same(k.ask("?type=WeatherObserved").ok().ids(), [S], "fresh")
	wait_for(lambda: k.ask("?type=WeatherObserved").ok().ids() == [], 10,
	    "the end of its history")
	restore(w)


@test
def books_what_it_recalls(w):
	c = Asking(w)
	a = [c.ask(Q).ok() for i in range(3)]
	same(c.new, 1, "recalled")
	ids = ["'%s'" % x.all("Request-Id")[0] for x in a]
	rows = wait_for(lambda: (lambda r: r if len(r) == 9 else None)(
	    w.sql("SELECT request_id, class, entities FROM ledger.event "
	    "WHERE request_id IN (%s)" % ", ".join(ids))), 15, "the ledger")
	for x in a:
		same(sorted(r[1:] for r in rows if r[0] ==
		    x.all("Request-Id")[0]), [["access", "2"], ["leg", "1"],
		    ["leg", "1"]], "records of " + x.all("Request-Id")[0])


main(setup)
