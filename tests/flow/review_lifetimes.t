#!/usr/bin/env python3
# review_lifetimes.t - beginnings and ends: the rights that hubd needs, reloads
# under load, a second TERM, a database that hangs.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

GAUGES = "?type=WaterObserved"
ROLE = "hubd_plain"


def region(w, version=1):
	r = tenants()
	for name, owner in (("a", "dortmund"), ("b", "schwerte")):
		r += source("broker-" + name, owner, w.brokers[name],
		    ["WaterObserved"], timeout="8s",
		    ids=["urn:ngsi-ld:WaterObserved:%s*" % name])
		r += agreement("%s-f" % name, owner, "froendenberg",
		    "broker-%s-data" % name, {"WaterObserved":
		    "allow = {waterLevel}"}, version=version)
	return r


def setup():
	w = World("lifetimes", settings="policy { stale-after = 1s }")
	for n in "ab":
		w.brokers[n] = ToolBroker(w, "tool-" + n, [
		    ent("urn:ngsi-ld:WaterObserved:" + n, "WaterObserved",
		    waterLevel=prop("1"))])
	w.apply(region(w))
	# From here on as an operator is told to: an account of its own.
	w.sql("CREATE ROLE %s LOGIN; GRANT hub_proxy TO %s" % (ROLE, ROLE))
	w.owner = w.database
	w.plain = w.database.replace("user=postgres", "user=" + ROLE)
	as_role(w)
	w.start()
	return w


def as_role(w):
	w.database = w.plain
	w.write_conf()
	w.database = w.owner


def apply_as_owner(w, text):
	w.write_conf()
	w.apply(text)
	as_role(w)


def denied(w, sql):
	p = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", w.plain,
	    "-c", "SET ROLE hub_ingest", "-c", sql], capture_output=True,
	    text=True, timeout=30)
	check(p.returncode != 0 and "permission denied" in p.stderr,
	    "%s: %d %s" % (sql, p.returncode, p.stderr))


def all_booked(w, ids, legs=2):
	"""Waits for the loader; every complete answer is there, once."""
	def loaded():
		said, right, wrong = w.ledger_of(ids, legs)
		return said == right and (said, wrong)
	said, wrong = wait_for(loaded, 20, "each complete answer in the "
	    "ledger: %r" % (w.ledger_of(ids, legs),))
	same(wrong, 0, "events found otherwise")
	check(said > 20, "answers: %d" % said)
	same(w.sql("SELECT * FROM report.rollup_difference"), [],
	    "roll-ups that are not the sum of their events")


@test
def needs_the_rights_of_hub_proxy_only(w):
	ids = w.path("ids-role")
	r = w.load("froendenberg", GAUGES, 1, rate=60, ids=ids).result()
	same((r["errors"], r["refused"]), (0, 0), r)
	all_booked(w, ids)
	for table in ("event", "usage_day", "usage_month", "spool_checkpoint",
	    "dictionary", "ledger_conflict"):
		denied(w, "DELETE FROM ledger." + table)
		denied(w, "TRUNCATE ledger." + table)
	for sql in ("ledger.event SET units = 0",
	    "ledger.usage_day SET units = 0",
	    "ledger.usage_month SET units = 0",
	    "ledger.spool_checkpoint SET next_seq = 1"):
		denied(w, "UPDATE " + sql)


@test
def reloads_under_load(w):
	ids = w.path("ids-reload")
	load = w.load("froendenberg", GAUGES, 4, connections=8, ids=ids)
	for i in range(6):
		apply_as_owner(w, region(w, 2 + i))
		for n in range(4):
			w.hub.kill(signal.SIGHUP)
			w.raw_socket().close()
		time.sleep(0.2)
	r = load.result()
	same((r["errors"], r["refused"]), (0, 0), r)
	all_booked(w, ids)
	check(w.hub.running(), w.hub.text()[-3000:])


@test
def ends_at_once_at_the_second_term(w):
	w.brokers["a"].set_fault("hang")

	def ask():
		with contextlib.suppress(OSError, http.client.HTTPException):
			w.ask("froendenberg", GAUGES)
	t = threading.Thread(target=ask)
	t.start()
	time.sleep(0.5)
	begun = time.monotonic()
	w.hub.kill(signal.SIGTERM)
	time.sleep(0.3)
	check(w.hub.running(), "the first TERM did not wait")
	same(w.ready()[0], 503, "ready while draining")
	w.hub.kill(signal.SIGTERM)
	same(w.hub.wait(10), 0, "exit code; " + w.hub.text()[-1500:])
	check(time.monotonic() - begun < 3 * SLOW,
	    "seconds: %.1f" % (time.monotonic() - begun))
	t.join()
	w.brokers["a"].set_fault("none")
	w.start()


@test
def ends_while_the_database_hangs(w):
	ids = w.path("ids-hang")
	postgres_signal(w, signal.SIGSTOP)
	try:
		r = w.load("froendenberg", GAUGES, 1, rate=60,
		    ids=ids).result()
		same((r["errors"], r["refused"]), (0, 0), r)
		wait_for(lambda: "not confirmed" in w.ready()[1], 40,
		    "the policy is out of date: %r" % (w.ready(),))
		same(w.ready()[0], 200, "ready: open data goes on")
		begun = time.monotonic()
		w.stop()
		check(time.monotonic() - begun < 15 * SLOW, "took long")
	finally:
		postgres_signal(w, signal.SIGCONT)
	w.start()
	all_booked(w, ids)


main(setup)
