#!/usr/bin/env python3
# faults.t - a disk that fails at the Nth call, a kill at the Nth call, a
# database that ends sessions at COPY and COMMIT: what a client has is in the
# ledger, each once (ledger.md, T17, T19, T21, P17); a clock that jumps (T39).
# HUB_LONG: more rounds.
import datetime
import itertools
import math
import os
import random
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"
ROUNDS = 500 if os.environ.get("HUB_LONG") else 25
SEED = int(os.environ.get("HUB_SEED", "1"))
# The loader's work, and how its session is ended there.
COPY, INGEST, COMMIT = "^COPY ledger", "^SELECT .*ingest", "^COMMIT"
END_AT = """
CREATE FUNCTION pg_temp.end_at(pattern text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	word text;
	backend int;
BEGIN
	FOR i IN 1 .. 1500 LOOP
		PERFORM pg_stat_clear_snapshot();
		SELECT split_part(query, ' ', 1), pid INTO word, backend
		FROM pg_stat_activity WHERE state <> 'idle'
		AND pid <> pg_backend_pid() AND query ~ pattern LIMIT 1;
		IF FOUND THEN
			PERFORM pg_terminate_backend(backend);
			RETURN NEXT word;
			RETURN;
		END IF;
		PERFORM pg_sleep(0.001);
	END LOOP;
END $$;
SELECT pg_temp.end_at('%s')"""
SMALL = {"HUB_SPOOL_SEGMENT": "64KiB", "HUB_SPOOL_SIZE": "1GiB"}
# What may happen at which call, and up to which call of a round.
FAULTS = [("pwrite", "kill", 400), ("pwrite", "tear", 400),
    ("fdatasync", "kill", 300), ("fsync", "kill", 12),
    ("renameat", "kill", 8), ("openat", "kill", 30), ("any", "kill", 600),
    ("fdatasync", "eio", 300), ("pwrite", "eio", 400),
    ("pwrite", "enospc", 400), ("fsync", "eio", 12), ("fsync", "enospc", 12),
    ("renameat", "eio", 8), ("openat", "eio", 30)]


def setup():
	w = World("faults")
	e = [ent("urn:ngsi-ld:WaterObserved:%d" % i, "WaterObserved",
	    waterLevel=prop(str(i))) for i in range(3)]
	w.brokers = {"d": ToolBroker(w, "broker-d", e)}
	w.apply(tenants() + source("broker-d", "dortmund", w.brokers["d"],
	    ["WaterObserved"]) + agreement("d-f", "dortmund", "froendenberg",
	    "broker-d-data", {"WaterObserved": "allow = {waterLevel}"}))
	w.library = w.path("faults.so")
	run("cc", "-shared", "-fPIC", "-o", w.library,
	    os.path.join(SRC, "tests/support/faults.c"), "-ldl")
	w.start(env=dict(os.environ, **SMALL))
	return w


def exact(w, ids, name):
	n = len(set(w.ids_in(ids)))
	last = None

	def look():
		nonlocal last
		last = w.ledger_of(ids, 1)
		return last == (n, n, 0)
	try:
		wait_for(look, 60, name)
	except Failed:
		pass
	same(last, (n, n, 0), name + ": (said, in the ledger once, "
	    "otherwise)")
	same(w.sql("SELECT count(*) FROM ledger.ledger_conflict"), [["0"]],
	    "conflicts")
	same(w.sql("SELECT * FROM report.rollup_difference"), [], "roll-ups")
	return n


def round_of(w, rng, ids, fault):
	call, what, most = fault
	nth = int(2 ** rng.uniform(0, math.log2(most)))
	env = dict(os.environ, LD_PRELOAD=w.library, HUB_FAULT="%s:%d:%s" %
	    (call, nth, what), HUB_FAULT_DIR=w.path("spool"), **SMALL)
	try:
		w.start(env=env)
	except Failed:
		# It met the fault before it could be asked.
		check(not w.hub.running() or what == "kill",
		    "%s: hubd hangs: %s" % (env["HUB_FAULT"],
		    w.hub.text()[-800:]))
		w.hub.kill(signal.SIGKILL)
		w.hub.wait(5)
		return env["HUB_FAULT"] + " at start"
	load = w.load("froendenberg", Q, 1, connections=8, ids=ids)
	load.result()
	text = env["HUB_FAULT"]
	if w.hub.running():
		code = w.hub.stop()
		check(code in (0, 74), "%s: exit code %d: %s" % (text, code,
		    w.hub.text()[-800:]))
		return text + " ended with %d" % code
	code = w.hub.p.returncode
	check(code in (-9, 74, 0), "%s: exit code %d: %s" % (text, code,
	    w.hub.text()[-800:]))
	return text + " met"


@test
def T19_T21_nothing_is_lost_at_any_call(w):
	if SLOW > 1:
		skip("a sanitizer's runtime must be loaded first")
	rng = random.Random(SEED)
	ids = w.path("ids-faults")
	open(ids, "w").close()
	w.stop()
	met = 0
	for i in range(ROUNDS):
		said = round_of(w, rng, ids, FAULTS[i % len(FAULTS)])
		met += "ended with 0" not in said
	w.start(env=dict(os.environ, **SMALL))
	n = exact(w, ids, "%d rounds" % ROUNDS)
	check(n > ROUNDS * 5, "only %d answers" % n)
	check(met > ROUNDS // 4, "only %d rounds met their fault" % met)
	same(w.sql("SELECT kind, records FROM report.capture_alarm"), [],
	    "alarms")
	print("# %d answers in %d rounds, %d of them cut short" % (n, ROUNDS,
	    met))


@test
def T21_one_refused_sync_is_seen(w):
	"""Nothing is lost by it; the next one is a warning too late."""
	if SLOW > 1:
		return	# as above
	w.stop()
	w.start(env=dict(os.environ, LD_PRELOAD=w.library,
	    HUB_FAULT="fdatasync:7:eio", HUB_FAULT_DIR=w.path("spool"), **SMALL))
	for i in range(20):
		w.ask("froendenberg", Q).ok()
	check("spool: the disk refused 1 write(s)" in w.ready()[1], w.ready())
	w.stop()
	w.start(env=dict(os.environ, **SMALL))
	check("refused" not in w.ready()[1], w.ready())


@test
def T19_sessions_end_at_copy_and_commit(w):
	ids = w.path("ids-ended")
	# Commits take a while, so that they can be met.
	slow = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I %s', " \
	    "current_database()); END $$"
	w.sql(slow % "SET commit_delay = 50000")
	w.sql(slow % "SET commit_siblings = 0")
	w.stop()
	w.start(env=dict(os.environ, **SMALL))
	load = w.load("froendenberg", Q, 12, connections=4, ids=ids)
	seen, end = [], time.monotonic() + 11
	for point in itertools.cycle((COPY, COMMIT, INGEST, COMMIT)):
		if time.monotonic() > end:
			break
		seen += [r[0] for r in w.sql(END_AT % point)]
	load.result()
	w.sql(slow % "RESET ALL")
	check(len(seen) >= 3 and {"COPY", "COMMIT"} <= set(seen),
	    "sessions ended at %s" % seen)
	n = exact(w, ids, "sessions ended at %s" % seen)
	print("# sessions ended at %s, %d answers" % (", ".join(seen), n))


@test
def T17_a_replay_adds_nothing(w):
	ids = w.path("ids-ended")
	w.stop()
	w.sql("CREATE TABLE public.kept AS SELECT * FROM "
	    "ledger.spool_checkpoint")
	before = w.sql("SELECT count(*), sum(units) FROM ledger.event")
	w.sql("TRUNCATE ledger.spool_checkpoint")
	w.start(env=dict(os.environ, **SMALL))
	# With segments this small a batch has some hundred records.
	wait_for(lambda: w.sql("SELECT count(*) FROM public.kept k WHERE NOT "
	    "EXISTS (SELECT FROM ledger.spool_checkpoint c WHERE c.node_id = "
	    "k.node_id AND c.boot_epoch = k.boot_epoch AND c.next_seq >= "
	    "k.next_seq)") == [["0"]], 120 + ROUNDS, "all is read again")
	w.stop()
	same(w.sql("SELECT count(*), sum(units) FROM ledger.event"), before,
	    "events")
	w.start(env=dict(os.environ, **SMALL))
	exact(w, ids, "after a replay")


def in_doubt(w):
	c = http.client.HTTPConnection("127.0.0.1", w.admin, timeout=5)
	c.request("GET", "/metrics")
	return b"\nhub_ledger_clock_in_doubt 1\n" in c.getresponse().read()


@test
def T39_a_clock_that_jumps_is_told_and_marks_records(w):
	if SLOW > 1:
		skip("a sanitizer's runtime must be loaded first")
	clock = w.write("clock", "0")
	w.stop()
	w.start(env=dict(os.environ, LD_PRELOAD=w.library,
	    HUB_FAULT_CLOCK=clock, **SMALL))
	seen = []
	for ahead, doubt in ((0, False), (600, True), (0, False), (-20, True)):
		w.write("clock", str(ahead))
		# What notices is the record after the jump.
		for i in range(2):
			rid = w.ask("froendenberg", Q).ok().one("Request-Id")
		wait_for(lambda: in_doubt(w) == doubt, 5,
		    "%d s: in doubt: %s" % (ahead, doubt))
		seen.append((rid, doubt))
	check(w.logged("the clock jumped ahead, records are marked"), "log")
	check(w.logged("the clock went back, records are marked"), "log")
	w.write("clock", "0")
	rows = None

	def look():
		nonlocal rows
		rows = w.sql("SELECT request_id, flags & 64 <> 0, "
		    "extract(epoch FROM ts)::bigint, seq FROM ledger.event "
		    "WHERE class = 'access' AND request_id IN ('%s') "
		    "ORDER BY seq" % "', '".join(r for r, _ in seen))
		return len(rows) == len(seen)
	wait_for(look, 70, "all are there")
	same([(r[0], r[1] == "t") for r in rows], seen, "marked")
	check(int(rows[1][2]) - int(rows[0][2]) >= 590, "ten minutes: %s" % rows)
	w.stop()
	w.start(env=dict(os.environ, **SMALL))


@test
def a_month_ends_while_the_database_is_away(w):
	"""What was booked on both sides of it comes as one batch, to a loader
	that has put the month before straight where it belongs."""
	if SLOW > 1:
		skip("a sanitizer's runtime must be loaded first")
	today = datetime.date.today()
	ahead = ((today.replace(day=1) + datetime.timedelta(32)).replace(day=2) -
	    today).days * 86400
	now = int(time.time())
	tokens = [w.token("froendenberg", jti=str(at), iat=now + at,
	    exp=now + at + 900) for at in (0, ahead)]
	clock = w.write("clock", "0")
	w.stop()
	w.start(env=dict(os.environ, LD_PRELOAD=w.library,
	    HUB_FAULT_CLOCK=clock))
	rows = "SELECT tableoid::regclass, request_id FROM ledger.event WHERE " \
	    "class = 'access' AND request_id IN ('%s') ORDER BY seq"
	rids = [w.ask("froendenberg", Q).ok().one("Request-Id")]
	wait_for(lambda: w.sql(rows % rids[0]), 20, "the first is there")
	run(PG, "down", w.pg)
	try:
		for at, token in zip((0, ahead), tokens):
			w.write("clock", str(at))
			rids.append(w.ask("froendenberg", Q, token=token).ok()
			    .one("Request-Id"))
	finally:
		run(PG, "up", w.pg)
	text = rows % "', '".join(rids)
	try:
		wait_for(lambda: len(w.sql(text)) == 3, 30, "all are there")
	except Failed:
		raise Failed(w.hub.text()[-800:])
	got = w.sql(text)
	same([r[1] for r in got], rids, "each once, in order")
	then = today + datetime.timedelta(ahead // 86400)
	same([r[0] for r in got], ["ledger.event_%04d%02d" % (d.year, d.month)
	    for d in (today, today, then)], "where they are")
	w.write("clock", "0")
	w.stop()
	w.start(env=dict(os.environ, **SMALL))


main(setup)
