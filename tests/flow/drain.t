#!/usr/bin/env python3
# drain.t - TERM under load: what is under way is answered and recorded.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"


def setup():
	w = World("drain", {"d": Broker([ent("urn:ngsi-ld:WaterObserved:1",
	    "WaterObserved", waterLevel=prop("1"))])})
	w.apply(tenants() + source("broker-d", "dortmund", w.brokers["d"],
	    ["WaterObserved"], timeout="3s") + agreement("d-f", "dortmund",
	    "froendenberg", "broker-d-data", {"WaterObserved":
	    "allow = {waterLevel}"}))
	w.start()
	return w


@test
def loses_no_answer_on_term(w):
	w.brokers["d"].fault = delay(0.02)
	for i in range(3):
		ids = w.path("ids-%d" % i)
		load = w.load("froendenberg", Q, 2, connections=16, ids=ids)
		time.sleep(1)
		begun = time.monotonic()
		w.stop()
		check(time.monotonic() - begun < 8 * SLOW, "drain took long")
		check(w.logged("draining") and w.logged("stopped"), "log")
		load.result()
		n = len(w.ids_in(ids))
		check(n > 100 / SLOW, "only %d answers" % n)
		# The loader had its chance before the end; the rest comes now.
		w.start()
		wait_for(lambda: w.ledger_of(ids, 1)[1] == n, 20,
		    "all in the ledger: %r of %d" % (w.ledger_of(ids, 1), n))
		same(w.ledger_of(ids, 1), (n, n, 0), "ledger")


@test
def finishes_what_is_under_way(w):
	w.brokers["d"].fault = delay(1)
	got = []

	def slow():
		try:
			got.append(w.ask("froendenberg", Q).status)
		except Exception as e:
			got.append(repr(e))
	threads = [threading.Thread(target=slow) for i in range(8)]
	for t in threads:
		t.start()
	time.sleep(0.4)
	w.hub.kill(signal.SIGTERM)
	time.sleep(0.3)
	try:
		w.ask("froendenberg", Q)
		raise Failed("takes new connections while it drains")
	except OSError:
		pass
	for t in threads:
		t.join()
	same(got, [200] * 8, "answers")
	same(w.hub.wait(10), 0, "exit code")
	w.brokers["d"].fault = None
	w.start()


@test
def waits_no_longer_than_the_drain_time(w):
	w.brokers["d"].fault = hang
	s = w.raw_socket()		# idle, and it stays
	t = threading.Thread(target=lambda: contextlib.suppress(Exception) and
	    try_ask(w))
	t.start()
	time.sleep(0.3)
	begun = time.monotonic()
	w.stop()
	took = time.monotonic() - begun
	check(took < 7 * SLOW, "took %.1f s" % took)
	t.join()
	s.close()
	w.brokers["d"].fault = None
	w.start()


def try_ask(w):
	with contextlib.suppress(Exception):
		w.ask("froendenberg", Q)


@test
def takes_a_second_term_at_its_word(w):
	w.brokers["d"].fault = hang
	t = threading.Thread(target=try_ask, args=(w,))
	t.start()
	time.sleep(0.3)
	w.hub.kill(signal.SIGTERM)
	time.sleep(0.2)
	w.hub.kill(signal.SIGTERM)
	same(w.hub.wait(4), 0, "exit code")
	t.join()


main(setup)
