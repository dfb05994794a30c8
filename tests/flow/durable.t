#!/usr/bin/env python3
# durable.t - an answer that a client has is in the ledger, once: after
# kill -9, without PostgreSQL, and at the end; it waits for one sync.
import os
import random
import statistics
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"
ROUNDS = 500 if os.environ.get("HUB_LONG") and SLOW == 1 else 25


def setup():
	w = World("durable", settings='control = "control.sock"')
	e = [ent("urn:ngsi-ld:WaterObserved:%d" % i, "WaterObserved",
	    waterLevel=prop(str(i))) for i in range(5)]
	w.brokers = {n: ToolBroker(w, "broker-" + n, e) for n in "ds"}
	r = tenants()
	for n, owner in (("d", "dortmund"), ("s", "schwerte")):
		r += source("broker-" + n, owner, w.brokers[n],
		    ["WaterObserved"])
		r += agreement(n + "-f", owner, "froendenberg",
		    "broker-%s-data" % n, {"WaterObserved":
		    "allow = {waterLevel}"})
	w.apply(r)
	w.start()
	return w


def in_ledger(w, ids, seconds=30):
	"""Waits until every id is there, then looks for any but once."""
	n = len(w.ids_in(ids))
	last = (0, 0, 0)

	def look():
		nonlocal last
		last = w.ledger_of(ids, 2)
		return last[1] == n
	try:
		wait_for(look, seconds, "all in the ledger")
	except Failed:
		pass
	same(last, (n, n, 0), "(said, in the ledger with 2 legs, otherwise)")
	same(w.sql("SELECT count(*) FROM ledger.ledger_conflict"), [["0"]],
	    "conflicts")
	return n


@test
def keeps_every_answer_through_kill_9(w):
	ids = w.path("ids-kill")
	rng = random.Random(1)
	for i in range(ROUNDS):
		load = w.load("froendenberg", Q, 1, connections=8, ids=ids)
		time.sleep(0.3 + rng.random() * 0.5)
		w.hub.kill(signal.SIGKILL)
		w.hub.wait(5)
		load.result()
		w.start()
	n = in_ledger(w, ids)
	check(n >= ROUNDS * 10, "only %d answers" % n)
	print("# %d answers in %d rounds" % (n, ROUNDS))
	# A sequence has no hole: nothing else was lost either.
	same(w.sql("SELECT sum(missing) FROM ledger.spool_checkpoint"),
	    [["0"]], "records missing")


def access_rows(w):
	return int(w.sql("SELECT count(*) FROM ledger.event "
	    "WHERE class = 'access'")[0][0])


@test
def goes_on_without_postgresql(w):
	before = access_rows(w)
	run(PG, "down", w.pg)
	ids = w.path("ids-away")
	load = w.load("froendenberg", Q, 3, rate=100, ids=ids)
	wait_for(lambda: "database: away" in w.ready()[1], 15,
	    "readyz says so: %r" % (w.ready(),))
	check(w.logged("database away"), "log")
	same(w.ready()[0], 200, "still ready")
	r = load.result()
	same((r["errors"], r["refused"]), (0, 0), "load %r" % r)
	check(r["count"] >= 250, r)
	run(PG, "up", w.pg)
	n = in_ledger(w, ids, 40)
	same(n, r["count"], "ids noted")
	same(access_rows(w) - before, n, "rows more")
	wait_for(lambda: "database: reached" in w.ready()[1], 20, "reached")


@test
def keeps_answers_when_both_fail(w):
	before = access_rows(w)
	run(PG, "down", w.pg)
	ids = w.path("ids-both")
	load = w.load("froendenberg", Q, 2, rate=100, ids=ids)
	time.sleep(1)
	w.hub.kill(signal.SIGKILL)
	w.hub.wait(5)
	load.result()
	w.start(ready=False)
	same(w.ready()[0], 503, "ready without a region")
	a = w.ask("froendenberg", Q)
	same(a.status, 503, "answer without a region")
	run(PG, "up", w.pg)
	wait_for(lambda: w.ready()[0] == 200, 30, "ready again")
	n = in_ledger(w, ids, 40)
	check(n > 30, "only %d answers" % n)
	# What was on the disk but not yet sent may be there too, no more.
	more = access_rows(w) - before - n
	check(0 <= more <= 64, "%d rows more than answers" % more)


@test
def counts_refused_and_empty_uses_too(w):
	a = w.ask("holzwickede", Q).ok()
	rid = a.one("Request-Id")
	wait_for(lambda: w.sql("SELECT 1 FROM ledger.event WHERE request_id = "
	    "'%s'" % rid), 10, "the empty answer")
	row = w.sql("SELECT class, consumer, entities, http_status FROM "
	    "ledger.event WHERE request_id = '%s'" % rid)
	same(row, [["access", "05978016", "0", "200"]], "row")
	a = w.ask("froendenberg", Q + "&limit=3").ok()
	rid = a.one("Request-Id")
	wait_for(lambda: len(w.sql("SELECT 1 FROM ledger.event WHERE request_id "
	    "= '%s'" % rid)) == 3 or None, 10, "the answer")
	row = w.sql("SELECT consumer, entities, bytes_out FROM ledger.event "
	    "WHERE class = 'access' AND request_id = '%s'" % rid)
	same(row, [["05978012", "3", str(len(a.body))]], "row")
	head = w.ask("froendenberg", Q, method="HEAD").ok()
	rid = head.one("Request-Id")
	wait_for(lambda: w.sql("SELECT 1 FROM ledger.event WHERE request_id = "
	    "'%s'" % rid), 10, "HEAD is a use")


@test
def reports_what_was_recorded(w):
	want = access_rows(w)
	year = time.strftime("%Y")

	def total():
		rows = json.loads(w.ctl("-o", "json", "usage", year)[0])
		return sum(int(r["requests"]) for r in rows) == want
	wait_for(total, 10, "usage %s is %d requests: %s" % (year, want,
	    w.ctl("-o", "json", "usage", year)[0]))


SYNC_MS = 50


@test
def an_answer_waits_for_one_sync(w):
	if SLOW > 1:
		skip("a sanitizer's runtime must be loaded first")
	library = w.path("disk.so")
	run("cc", "-shared", "-fPIC", "-o", library,
	    os.path.join(SRC, "tests/support/disk.c"))
	with open(w.path("syncs"), "wb") as f:
		f.write(bytes(16))

	def syncs():
		with open(w.path("syncs"), "rb") as f:
			return struct.unpack("=QQ", f.read())[0]
	w.stop()
	w.start(env=dict(os.environ, LD_PRELOAD=library,
	    HUB_DISK_SYNC=str(SYNC_MS * 1000),
	    HUB_DISK_COUNT=w.path("syncs")))
	c = w.connect()
	for i in range(3):	# names get their numbers
		w.ask("froendenberg", Q, conn=c).ok()
	before = syncs()
	ms = []
	for i in range(15):
		at = time.monotonic()
		w.ask("froendenberg", Q, conn=c).ok()
		ms.append((time.monotonic() - at) * 1000)
	n = syncs() - before
	# Held until the record is on the disk, and for one sync, not for two.
	check(min(ms) >= SYNC_MS, ms)
	check(statistics.median(ms) < 1.8 * SYNC_MS, ms)
	# A minute's TICK may come between.
	check(15 <= n <= 16, "%d syncs for 15 answers" % n)
	# A crowd shares them.
	load = w.load("froendenberg", Q, 3, connections=16,
	    ids=w.path("ids-syncs"))
	before = syncs()
	r = load.result()
	n = syncs() - before
	same((r["errors"], r["refused"]), (0, 0), "load %r" % r)
	check(r["count"] > 4 * n, "%d syncs for %r" % (n, r))
	w.stop()
	w.start()


# fdatasync(2) that fails as long as a file is there.
FAILING = """#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
int fdatasync(int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

	if (access(getenv("DISK_FAILS"), F_OK) == 0) {
		errno = EIO;
		return (-1);
	}
	return (real(fd));
}
"""


@test
def ends_when_its_disk_fails(w):
	if SLOW > 1:
		skip("a sanitizer's runtime must be loaded first")
	source = w.write("failing.c", FAILING)
	library = w.path("failing.so")
	run("cc", "-shared", "-fPIC", "-o", library, source, "-ldl")
	w.stop()
	fails = w.path("disk-fails")
	w.start(env=dict(os.environ, LD_PRELOAD=library, DISK_FAILS=fails))
	w.ask("froendenberg", Q).ok()
	w.write("disk-fails", "")
	for i in range(2):
		same(w.ask("froendenberg", Q).status, 503, "status")
	same(w.ready()[0], 503, "readyz")
	check("the disk has failed" in w.ready()[1], w.ready())
	check(json.loads(w.ctl("-o", "json", "status")[0])["spool"]["failed"],
	    "hubctl status")
	wait_for(lambda: not w.hub.running(), 20, "hubd ends")
	same(w.hub.p.returncode, 74, "exit code")
	os.unlink(fails)
	w.start()	# in a new segment
	a = w.ask("froendenberg", Q).ok()
	rid = a.one("Request-Id")
	wait_for(lambda: w.sql("SELECT 1 FROM ledger.event WHERE request_id = "
	    "'%s'" % rid), 10, "the answer in the ledger")


main(setup)
