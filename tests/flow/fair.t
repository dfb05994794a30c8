#!/usr/bin/env python3
# fair.t - one tenant's flood at a slow source is its own affair.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

GAUGES = "?type=WaterObserved"
A = "urn:ngsi-ld:WaterObserved:a"
SERVICE = 0.1	# seconds the source takes for one request


def build(w):
	r = tenants() + source("slow", "dortmund", w.brokers["slow"],
	    ["WaterObserved"], timeout="4s",
	    extra='in-flight = 2  breaker = "5/5s"')
	for tenant in ("froendenberg", "holzwickede", "schwerte"):
		r += agreement("slow-" + tenant, "dortmund", tenant,
		    "slow-data", {"WaterObserved": "allow = {waterLevel}"})
	return r


def setup():
	w = World("fair", {"slow": Broker([ent(A, "WaterObserved",
	    waterLevel=prop("1"))])})
	w.brokers["slow"].fault = delay(SERVICE)
	w.apply(build(w))
	w.start()
	return w


def ask_others(w, n):
	took = []
	for i in range(n):
		for tenant in ("holzwickede", "schwerte"):
			a = w.ask(tenant, GAUGES).ok()
			same((a.ids(), a.warnings()), ([A], {}), tenant)
			took.append(a.seconds)
	return sorted(took)


@test
def serves_a_single_request_beside_a_flood(w):
	flood = w.load("froendenberg", GAUGES, 5, connections=200)
	busy = w.brokers["slow"]
	wait_for(lambda: len(busy.asked()) > 8, 10, "the flood")
	took = ask_others(w, 8)
	print("# seconds %r" % [round(s, 2) for s in took], flush=True)
	# A place is free after one service time at most, and then the turn is
	# theirs: a queue in order of arrival would take a second and more.
	check(took[len(took) // 2] <= 2 * SERVICE + 0.1 * SLOW, took)
	check(took[-1] <= 3 * SERVICE + 0.3 * SLOW, took)
	r = flood.result()
	same((r["errors"], r["refused"]), (0, 0), r)
	check(r["count"] >= 200, r)


@test
def takes_no_flood_for_a_failing_source(w):
	"""What never left the queue says nothing about the source: its
	breaker stays closed."""
	time.sleep(0.5)
	check(not w.logged("source failed in a row"), "the breaker opened")
	same(w.ask("froendenberg", GAUGES).ok().ids(), [A], "served again")


main(setup)
