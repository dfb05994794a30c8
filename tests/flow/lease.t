#!/usr/bin/env python3
# lease.t - several hubs on one database: what a quota has is had once.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"
# A token an hour: nothing comes back while a test runs.
QUOTAS = {
	"hochwasserschutz": "1/h burst 20",
	"verkehr": "100000/h burst 1000 daily 30",
	"klima": "1/h burst 10 strict",
	"flut": "1/h burst 40",
}


class Hub:
	"""One of several hubd of a world, with a spool of its own."""

	def __init__(self, w, node):
		self.w = w
		self.conf = "hub-%d.conf" % node
		self.node = node
		with open(w.path("hubd.conf")) as f:
			text = f.read()
		text = text.replace('spool { directory = "spool"',
		    'spool { directory = "spool-%d"  node = %d' % (node, node))
		w.write(self.conf, text)
		os.makedirs(w.path("spool-%d" % node), exist_ok=True)

	def start(self):
		w = self.w
		self.p = Process([HUBD, "-c", w.path(self.conf), "-f"],
		    w.path("hub-%d.log" % self.node))
		w.hub = self.p
		self.port, self.admin = (w.port_of("listening"),
		    w.port_of("admin listening"))
		w.admin = self.admin
		wait_for(lambda: w.ready()[0] == 200, 15, "ready")
		return self

	def ask(self, purpose="hochwasserschutz", n=1):
		"""How many of n were answered with data."""
		w, got = self.w, 0
		w.port = self.port
		c = w.connect()
		for i in range(n):
			a = w.ask("froendenberg", Q, purpose=purpose, conn=c)
			check(a.status in (200, 429), a.status)
			got += a.status == 200
		c.close()
		return got


def setup():
	w = World("lease", {"d": Broker([ent("urn:ngsi-ld:WaterObserved:d",
	    "WaterObserved", waterLevel=prop("1"))])})
	r = tenants() + 'purpose flut { title = "Flut" }\n'
	r += source("broker-d", "dortmund", w.brokers["d"], ["WaterObserved"])
	for purpose, quota in QUOTAS.items():
		r += agreement("d-" + purpose, "dortmund", "froendenberg",
		    "broker-d-data", {"WaterObserved": "allow = {waterLevel}"},
		    purpose=purpose, more='quota = "%s"' % quota)
	w.apply(r)
	w.a, w.b = Hub(w, 1).start(), Hub(w, 2).start()
	wait_for(lambda: w.sql("SELECT count(*) FROM hub.node") == [["2"]], 10,
	    "two hubs")
	return w


def drain(w, purpose, seconds=12):
	"""Asks both by turns until neither has had anything for a while."""
	got, quiet, end = 0, 0, time.monotonic() + seconds * SLOW
	while quiet < 3 and time.monotonic() < end:
		n = w.a.ask(purpose, 4) + w.b.ask(purpose, 4)
		got, quiet = got + n, 0 if n else quiet + 1
		time.sleep(1.2)
	return got


@test
def gives_a_burst_once_over_all_hubs(w):
	same(drain(w, "hochwasserschutz"), 20, "answered")


@test
def lets_many_at_once_at_both_have_no_more_than_the_burst(w):
	got, lock = [], threading.Lock()
	token = w.token("froendenberg", scope="hub.read purpose:flut")
	ports = (w.a.port, w.b.port)

	def one(i):
		c = http.client.HTTPSConnection("127.0.0.1", ports[i % 2],
		    context=w.tls(), timeout=60)
		a = w.ask("froendenberg", Q, purpose="flut", token=token,
		    conn=c)
		with lock:
			got.append(a.status)
		c.close()
	# Two waves, so that shares move between them.
	for wave in range(2):
		threads = [threading.Thread(target=one, args=(i,))
		    for i in range(60)]
		for t in threads:
			t.start()
		for t in threads:
			t.join(120)
		time.sleep(2.5)
	same(len(got), 120, "answers")
	check(20 <= got.count(200) <= 40, got.count(200))


@test
def gives_a_daily_limit_once_over_all_hubs(w):
	got, end = 0, time.monotonic() + 40 * SLOW
	while got < 30 and time.monotonic() < end:
		got += w.a.ask("verkehr", 10) + w.b.ask("verkehr", 10)
		time.sleep(1.1)
	same(got, 30, "answered")
	same((w.a.ask("verkehr", 3), w.b.ask("verkehr", 3)), (0, 0), "more")
	a = w.ask("froendenberg", Q, purpose="verkehr").ok(429)
	check(1 <= int(a.one("Retry-After")) <= 86400, a.fields)


@test
def keeps_what_is_spent_over_a_restart(w):
	time.sleep(1.5)
	same(w.a.p.stop(), 0, "exit code")
	w.a.start()
	same(w.a.ask("verkehr", 3), 0, "daily limit after a restart")
	same(w.a.ask("hochwasserschutz", 3), 0, "burst after a restart")
	same(w.sql("SELECT day_used FROM hub.quota_bucket WHERE "
	    "agreement = 'd-verkehr'"), [["30"]], "day_used")


@test
def gives_up_what_one_that_ends_has_held(w):
	same(w.b.ask("klima", 1), 1, "first")
	time.sleep(2.5)
	same(w.b.p.stop(), 0, "exit code")
	same(w.sql("SELECT count(*) FROM hub.node"), [["1"]], "hubs")
	got, end = 1, time.monotonic() + 12 * SLOW
	while got < 10 and time.monotonic() < end:
		got += w.a.ask("klima", 3)
		time.sleep(1.1)
	same(got, 10, "answered")
	w.b.start()


@test
def goes_on_without_the_database_with_its_part_and_strict_ones_do_not(w):
	w.sql("UPDATE hub.quota_bucket SET full_at_ns = 0, day_used = 0")
	time.sleep(1)
	w.a.ask("klima"), w.b.ask("klima")
	w.a.ask("hochwasserschutz"), w.b.ask("hochwasserschutz")
	time.sleep(12 * max(SLOW, 1))	# shares have settled, both ask again
	w.a.ask("hochwasserschutz"), w.b.ask("hochwasserschutz")
	time.sleep(3)
	spent = int(w.sql("SELECT round((full_at_ns - hub.now_ns()) / 3600e9) "
	    "FROM hub.quota_bucket WHERE agreement = 'd-hochwasserschutz'")
	    [0][0])
	run(PG, "down", w.pg)
	time.sleep(13 * max(SLOW, 1))	# leases are over
	got = w.a.ask("hochwasserschutz", 25) + w.b.ask("hochwasserschutz", 25)
	check(0 < got <= 20 - spent, "%d answered, %d spent" % (got, spent))
	same((w.a.ask("klima", 2), w.b.ask("klima", 2)), (0, 0), "strict")


main(setup)
