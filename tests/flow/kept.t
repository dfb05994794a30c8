#!/usr/bin/env python3
# kept.t - answers of sources that are kept for a while (cache, cacheDuration):
# who gets them, when they end, what they are when the source fails, and that
# they are within bounds and never beside policy.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

V = "urn:ngsi-ld:WaterObserved:V"
ASK = "?type=WaterObserved"


def build(w, cache="60s", allow="waterLevel", extra="", who="froendenberg"):
	b = w.brokers
	r = tenants()
	r += source("schwerte-broker", "schwerte", b["schwerte"],
	    ["WaterObserved"], extra=extra, timeout="500ms",
	    more="cache = %s" % cache if cache else "")
	r += agreement("s-f", "schwerte", who, "schwerte-broker-data",
	    {"WaterObserved": "allow = {%s}" % allow})
	return r + agreement("s-h", "schwerte", "holzwickede",
	    "schwerte-broker-data", {"WaterObserved": "allow = {stationName}"})


def gauge(level):
	return ent(V, "WaterObserved", waterLevel=prop(level),
	    stationName=prop('"West"'))


def renew(w, level, **more):
	"""Another region and hence another name of the source: nothing that
	was kept before has to do with it."""
	b = w.brokers["schwerte"]
	b.fault = None
	b.entities = [gauge(level)]
	w.stop()
	w.apply(build(w, **more))
	w.start()
	b.forget()
	return b


def level(a):
	return a.ok().json()[0]["waterLevel"]["value"]


def setup():
	# One worker, since each has a cache of its own.
	w = World("kept", {"schwerte": Broker([gauge("1")])})
	write = w.write_conf

	def one_worker():
		write()
		path = w.path("hubd.conf")
		with open(path) as f:
			text = f.read().replace("workers  = 2", "workers = 1")
		w.write("hubd.conf", text)
	w.write_conf = one_worker
	w.write_conf()
	w.apply(build(w))
	w.start()
	return w


@test
def asks_once_for_all_who_ask_the_same(w):
	b = renew(w, "1", allow="waterLevel, stationName")
	first = w.ask("froendenberg", ASK)
	b.entities = [gauge("2")]
	for i in range(10):
		a = w.ask("froendenberg", ASK)
		same((level(a), a.body, a.warnings()), (1, first.body, {}),
		    "kept")
	same(len(b.asked()), 1, "requests")
	# Other attributes are another question.
	a = w.ask("holzwickede", ASK).ok()
	same(list(a.json()[0]), ["id", "type", "stationName"], "view")
	same(len(b.asked()), 2, "requests")
	# And so is what the client's attrs make of it.
	same(level(w.ask("froendenberg", ASK + "&attrs=waterLevel")), 2,
	    "attrs")
	same(len(b.asked()), 3, "requests")


@test
def filters_for_each_what_is_kept(w):
	"""The owner's question is the same as that of one who may see less."""
	b = renew(w, "1", allow="waterLevel")
	query = ASK + "&attrs=waterLevel"
	same(level(w.ask("schwerte", query)), 1, "owner")
	same(level(w.ask("froendenberg", query)), 1, "consumer")
	same(len(b.asked()), 1, "requests")
	own = w.ask("schwerte", query + "&options=sysAttrs")
	same(w.ask("holzwickede", query).ok().json(), [], "nothing of it")
	a = w.ask("froendenberg", "/ngsi-ld/v1/entities/" + V)
	same(a.ok().json()["waterLevel"]["value"], 1, "retrieve")


@test
def policy_is_asked_each_time(w):
	"""What was kept of before is shown as it is agreed now."""
	b = renew(w, "1", allow="waterLevel, stationName")
	same(len(w.ask("froendenberg", ASK).ok().json()[0]), 4, "before")
	w.apply(build(w, allow="waterLevel, stationName") + '''
forbid name { attribute = stationName  consumer = froendenberg
	reason = "Test" }
''')
	wait_for(lambda: list(w.ask("froendenberg", ASK).ok().json()[0]) ==
	    ["id", "type", "waterLevel"], 10, "the forbid")
	w.apply(build(w, allow="waterLevel, stationName", who="kreis-unna"))
	wait_for(lambda: w.ask("froendenberg", ASK).ok().json() == [], 10,
	    "the end of the agreement")
	same(len(w.ask("kreis-unna", ASK).ok().json()[0]), 4, "another")


@test
def asks_again_when_its_time_is_over(w):
	b = renew(w, "1", cache="1s")
	same(level(w.ask("froendenberg", ASK)), 1, "first")
	b.entities = [gauge("2")]
	same(level(w.ask("froendenberg", ASK)), 1, "kept")
	time.sleep(1.2)
	same(level(w.ask("froendenberg", ASK)), 2, "again")


@test
def serves_what_is_old_only_when_the_source_fails(w):
	b = renew(w, "1", cache="300ms")
	faults = (("silence", hang, 110), ("a reset", reset, 110),
	    ("500", status(500), 110), ("503", status(503), 110),
	    ("429", status(429), 110), ("no JSON", body(b"{"), 110),
	    ("a cut body", truncate, 110),
	    ("403", status(403), 299), ("401", status(401), 299),
	    ("a loop", status(508), 199))
	for name, fault, code in faults:
		w.stop()
		w.start()
		b.fault = None
		b.entities = [gauge("1")]
		same(level(w.ask("froendenberg", ASK)), 1, "first")
		time.sleep(0.4)
		b.entities = [gauge("2")]
		b.fault = fault
		a = w.ask("froendenberg", ASK).ok()
		same(a.warnings(), {"schwerte-broker": code}, name)
		same([level(a)] if a.json() else [], [1] if code == 110 else [],
		    name)
	b.fault = None
	same(level(w.ask("froendenberg", ASK)), 2, "alive")


@test
def who_was_refused_gets_nothing_of_before_afterwards_either(w):
	"""The provider has taken the hub's access away: that its broker then
	fails does not bring back what it once gave, on any page."""
	other = ASK + "&id=" + V
	for fault in (status(403), status(401)):
		b = renew(w, "1", cache="300ms")
		for ask in (ASK, other):
			same(level(w.ask("froendenberg", ask)), 1, "first")
		time.sleep(0.4)
		b.fault = fault
		same(w.ask("froendenberg", ASK).warnings(),
		    {"schwerte-broker": 299}, "refused")
		b.fault = status(503)
		for ask in (ASK, other):
			a = w.ask("froendenberg", ask).ok()
			same((a.json(), a.warnings()),
			    ([], {"schwerte-broker": 299}), "then fails")


@test
def strict_clients_get_no_old_answers(w):
	b = renew(w, "1", cache="300ms")
	w.ask("froendenberg", ASK).ok()
	time.sleep(0.4)
	b.fault = status(500)
	same(w.ask("froendenberg", ASK, headers={"Prefer": "handling=strict"}
	    ).status, 502, "strict")
	same(w.ask("froendenberg", ASK).warnings(), {"schwerte-broker": 110},
	    "not strict")


@test
def serves_while_the_breaker_is_open(w):
	b = renew(w, "1", cache="2s", extra='breaker = "1/60s"')
	w.ask("froendenberg", ASK).ok()
	other = ASK + "&id=" + V
	b.fault = status(500)
	same(w.ask("froendenberg", other).warnings(),
	    {"schwerte-broker": 299}, "opens it")
	b.forget()
	a = w.ask("froendenberg", ASK)
	same((level(a), a.warnings()), (1, {}), "in its time")
	same(w.ask("froendenberg", other).warnings(),
	    {"schwerte-broker": 199}, "not kept")
	time.sleep(2.2)
	a = w.ask("froendenberg", ASK)
	same((level(a), a.warnings()), (1, {"schwerte-broker": 110}),
	    "past its time")
	same(b.asked(), [], "requests")


@test
def keeps_nothing_that_may_not_be_kept(w):
	b = renew(w, "1")
	plain = b.reply

	def no_store(rq):
		code, text, fields = plain(rq)
		return code, text, fields + ["Cache-Control: no-store"]
	b.reply = no_store
	for i in range(3):
		w.ask("froendenberg", ASK).ok()
	same(len(b.asked()), 3, "no-store")
	b.reply = plain
	b.forget()
	b.fault = status(500)
	for i in range(3):
		w.ask("froendenberg", ASK).ok()
	same(len(b.asked()), 3, "failures")
	b = renew(w, "1", cache="")
	for i in range(3):
		w.ask("froendenberg", ASK).ok()
	same(len(b.asked()), 3, "not said")


@test
def what_could_not_be_used_does_not_come_again(w):
	"""JSON, but no entities: it is asked for anew."""
	b = renew(w, "1")
	b.fault = body(b'[{"id":5}]')
	same(w.ask("froendenberg", ASK).warnings(), {"schwerte-broker": 111},
	    "bad")
	b.fault = None
	a = w.ask("froendenberg", ASK)
	same((level(a), a.warnings()), (1, {}), "good")


@test
def pages_are_kept_each(w):
	b = renew(w, "1", extra="page = 2")
	b.entities = [ent(V + str(i), "WaterObserved", waterLevel=prop("1"))
	    for i in range(5)]
	first = w.ask("froendenberg", ASK)
	same(len(first.ids()), 5, "entities")
	same(len(b.asked()), 3, "pages")
	same(w.ask("froendenberg", ASK).body, first.body, "again")
	same(len(b.asked()), 3, "pages")


@test
def is_booked_as_any_other(w):
	b = renew(w, "1")
	w.ask("froendenberg", ASK).ok()
	id = w.ask("froendenberg", ASK).ok().one("Request-Id")
	same(len(b.asked()), 1, "requests")
	rows = wait_for(lambda: w.sql("SELECT entities, bytes_in > 0, "
	    "flags & 8 FROM ledger.event WHERE class = 'leg' AND request_id = "
	    "'%s'" % id), 15, "the record")
	same(rows, [["1", "t", "8"]], "entities, bytes, flag")


@test
def fills_no_more_memory_than_it_may(w):
	w.limits = 'cache = "1MiB"'
	w.write_conf()
	b = renew(w, "1")
	b.entities = [ent(V + str(i), "WaterObserved",
	    waterLevel=prop('"%s"' % ("x" * 30000))) for i in range(200)]
	n = 200 if SLOW < 2 else 60
	for i in range(n):
		w.ask("froendenberg", ASK + "&id=%s%d" % (V, i)).ok()
	same(len(b.asked()), n, "each was asked for")
	w.ask("froendenberg", ASK + "&id=%s%d" % (V, n - 1)).ok()
	same(len(b.asked()), n, "the last is kept")
	w.ask("froendenberg", ASK + "&id=%s0" % V).ok()
	same(len(b.asked()), n + 1, "the first is not")
	w.limits = ""
	w.write_conf()


main(setup)
