#!/usr/bin/env python3
# capture.t - what is recorded of uses that are not plain: a spool without
# room, long answers, answers cut off, several hubs, a database that came back
# from a backup, estimates (ledger.md, T20, T23-T25, T36-T39). HUB_LONG: the
# database is away for an hour's requests.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *
import flow

Q = "?type=WaterObserved"
LONG = "?type=FloodMonitoring&limit=1000"
PURPOSE = "verkehr"	# of the agreements that go on by estimate
SMALL = {"HUB_SPOOL_SIZE": "1MiB", "HUB_SPOOL_SEGMENT": "64KiB"}


def setup():
	w = World("capture", settings='control = "control.sock"')
	e = [ent("urn:ngsi-ld:WaterObserved:%d" % i, "WaterObserved",
	    waterLevel=prop(str(i))) for i in range(3)]
	e += [ent("urn:ngsi-ld:FloodMonitoring:%04d" % i, "FloodMonitoring",
	    stationName=prop('"' + "x" * 6000 + '"')) for i in range(900)]
	w.brokers = {"d": ToolBroker(w, "broker-d", e), "s": ToolBroker(w,
	    "broker-s", e[:3]), "k": ToolBroker(w, "broker-k", e[:3])}
	r = tenants()
	r += source("broker-d", "dortmund", w.brokers["d"],
	    ["WaterObserved", "FloodMonitoring"], timeout="20s")
	r += source("broker-s", "schwerte", w.brokers["s"], ["WaterObserved"])
	r += source("broker-k", "kreis-unna", w.brokers["k"],
	    ["WaterObserved"])
	share = {"WaterObserved": "allow = {waterLevel}",
	    "FloodMonitoring": "allow = {stationName}"}
	r += agreement("d-f", "dortmund", "froendenberg", "broker-d-data",
	    share)
	r += agreement("s-f", "schwerte", "froendenberg", "broker-s-data",
	    {"WaterObserved": "allow = {waterLevel}"})
	r += agreement("d-e", "dortmund", "froendenberg", "broker-d-data",
	    share, purpose=PURPOSE,
	    more="on-ledger-full = estimate  bill-aborted = true")
	w.apply(r)
	w.start()
	return w


def events(w, rid):
	"""(class, kind, flags, entities, bytes, units) of a request."""
	return [(r[0], *map(int, r[1:])) for r in w.sql(
	    "SELECT class, kind, flags, entities, bytes_out, units "
	    "FROM ledger.event WHERE request_id = '%s' ORDER BY leg" % rid)]


def access_of(w, rid, seconds=20):
	return wait_for(lambda: [e for e in events(w, rid)
	    if e[0] == "access"] or None, seconds, "the access of %s" % rid)


def total(w, what="count(*)", where="true"):
	return int(w.sql("SELECT coalesce(%s, 0) FROM ledger.event WHERE %s" %
	    (what, where))[0][0])


def chain_holds(w):
	run(os.path.join(BUILD, "server/hubverify/hubverify"), "--db",
	    w.database, seconds=200)


def metric(w, name):
	c = http.client.HTTPConnection("127.0.0.1", w.admin,
	    timeout=5 * SLOW)
	c.request("GET", "/metrics")
	found = re.search(r"^%s (\S+)$" % name, c.getresponse().read().decode(),
	    re.M)
	check(found, "no metric " + name)
	return float(found.group(1))


def tells(w, metrics, **status):
	"""What metrics and hubctl status say: two of each ledger or spool."""
	for name, value in metrics.items():
		wait_for(lambda: metric(w, "hub_" + name) == value, 15,
		    "%s is %g: %g" % (name, value, metric(w, "hub_" + name)))
	said = json.loads(w.ctl("-o", "json", "status")[0])
	for name, value in status.items():
		part, _, key = name.partition("_")
		same(said[part][key.replace("_", "-")], value, name)


def sums_agree(w):
	same(w.sql("SELECT * FROM report.rollup_difference"), [], "roll-ups")
	same(w.sql("SELECT * FROM report.capture_alarm"), [], "alarms")


@test
def T36_one_access_and_a_leg_for_each_source(w):
	w.brokers["s"].set_fault("status 500")
	try:
		a = w.ask("froendenberg", Q).ok()
	finally:
		w.brokers["s"].set_fault("none")
	rows = access_of(w, a.one("Request-Id"))
	same(len(rows), 1, "accesses")
	legs = [(e[0], e[3] > 0, e[5] > 0) for e in events(w,
	    a.one("Request-Id")) if e[0] == "leg"]
	# Kreis Unna has no agreement: it is no leg at all.
	same(sorted(legs), [("leg", False, False), ("leg", True, True)],
	    "legs: no entities, no units")
	same(w.sql("SELECT DISTINCT decision FROM ledger.event WHERE class = "
	    "'access' AND request_id = '%s'" % a.one("Request-Id")), [["2"]],
	    "partial")


@test
def a_long_answer_is_opened_and_closed(w):
	a = w.ask("froendenberg", LONG).ok()
	check(len(a.body) > 5 << 20, len(a.body))
	rows = access_of(w, a.one("Request-Id"))
	same([(k, n, b) for _, k, _, n, b, _ in rows],
	    [(4, 900, len(a.body))], "CLOSE, entities, bytes")


def take_part(w, purpose, bytes):
	"""Reads so much of the long answer, then resets the connection."""
	s = socket.socket()
	s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
	s.settimeout(20 * SLOW)
	s.connect(("127.0.0.1", w.port))
	s = w.tls().wrap_socket(s, server_hostname="localhost")
	s.sendall(("GET %s%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: "
	    "Bearer %s\r\nHub-Purpose: %s\r\nLink: %s\r\nAccept: "
	    "application/json\r\n\r\n" % (ENTITIES, LONG,
	    w.token("froendenberg"), purpose, LINK)).encode())
	got = b""
	while len(got) < bytes:
		more = s.recv(16384)
		check(more, "the answer ends early: %r" % got[:300])
		got += more
	s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
	    b"\1\0\0\0\0\0\0\0")
	rid = re.search(rb"Request-Id: (\S+)", got).group(1).decode()
	return s, rid


@test
def T37_who_takes_a_part_is_booked_with_that_part(w):
	for purpose, billed in (("hochwasserschutz", False), (PURPOSE, True)):
		s, rid = take_part(w, purpose, 300000)
		s.close()
		rows = access_of(w, rid)
		same(len(rows), 1, "accesses")
		_, kind, flags, entities, n, units = rows[0]
		same((kind, flags & 16), (8, 16), "an ABORT, flagged")
		# What the client's kernel had taken as well, no more.
		check(250000 < n < 2000000, "bytes %d" % n)
		check(0 < entities < 900, "entities %d" % entities)
		same(units, 1000 + 10 * entities + -(-n // 1024) if billed
		    else 0, "units by the agreement")
	sums_agree(w)


@test
def T38_a_crash_in_a_long_answer_is_one_abort(w):
	s, rid = take_part(w, "hochwasserschutz", 300000)
	time.sleep(0.5)
	same([e for e in events(w, rid) if e[0] == "access"], [],
	    "nothing is booked before the end")
	w.hub.kill(signal.SIGKILL)
	w.hub.wait(5)
	s.close()
	for i in range(2):	# the second start finds nothing more
		w.start()
		rows = access_of(w, rid)
		same([(k, f & 16, b, u) for _, k, f, _, b, u in rows],
		    [(8, 16, 0, 0)], "one ABORT")
		w.stop()
	check(w.hub.text().count("answers were cut off") == 0, "log")
	w.start()
	sums_agree(w)


@test
def T23_a_full_spool_refuses_what_must_be_recorded(w):
	w.stop()
	run(PG, "down", w.pg)
	run(PG, "up", w.pg)
	w.start(env=dict(os.environ, **SMALL))
	before = total(w)
	wait_for(lambda: "ledger: loading" in w.ready()[1], 15, "loading")
	run(PG, "down", w.pg)
	said = []
	c = w.connect()
	for i in range(4000):
		a = w.ask("froendenberg", Q, conn=c)
		if a.status != 200:
			break
		said.append(a.one("Request-Id"))
	same(a.status, 503, "status after %d answers" % len(said))
	check(a.one("Retry-After"), "Retry-After")
	same(a.json()["type"], "urn:drehscheibe:problem:ledger-full", "type")
	for phrase in ("the spool fills", "the spool is nearly full",
	    "the spool is full"):
		check(w.logged(phrase), "log: " + phrase)
	same(w.ready()[0], 503, "readyz")
	check("full" in w.ready()[1], w.ready())
	tells(w, {"ledger_spool_level": 3, "ledger_loader_up": 0,
	    "database_up": 0}, spool_level="full", ledger_up=False)
	# Not even asked: a source's work would be for nothing.
	same(w.ask("froendenberg", Q).status, 503, "again")
	# The other agreement goes on.
	for i in range(25):
		w.ask("froendenberg", Q, purpose=PURPOSE).ok()
	check("estimates: 25 use(s)" in w.ready()[1], w.ready())
	tells(w, {"ledger_estimates_waiting": 25}, ledger_estimates=25)
	run(PG, "up", w.pg)
	wait_for(lambda: w.ask("froendenberg", Q).status == 200, 90,
	    "answers again: %s" % w.ready()[1])
	wait_for(lambda: total(w, where="class = 'estimate'") == 25, 60,
	    "estimates: %s" % w.ready()[1])
	same(w.ready()[0], 200, "readyz")
	for rid in said[:3] + said[-3:]:
		same(len(access_of(w, rid)), 1, "accesses of an answer")
	wait_for(lambda: total(w) - before >= 3 * len(said) + 25, 60, "all")
	sums_agree(w)
	year = time.strftime("%Y")
	row = [r for r in json.loads(w.ctl("-o", "json", "usage", year)[0])
	    if r["ags"] == "05978012"][0]
	same(int(row["estimated"]), 25, "estimated, beside the rest")
	tells(w, {"ledger_spool_level": 0, "ledger_loader_up": 1,
	    "ledger_estimates_waiting": 0}, spool_level="room",
	    ledger_up=True, ledger_estimates=0)
	w.stop()
	w.start()


def start_on_small_disk(w, kib):
	"""The spool's folder is a file system of its own, which ends with the
	process. False: this account may not mount."""
	may = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none",
	    w.path("spool")], capture_output=True)
	if may.returncode != 0:
		return False
	kept, flow.HUBD = flow.HUBD, w.write("hubd-small", "#!/bin/sh\n"
	    "exec unshare -m sh -c 'mount -t tmpfs -o size=%dk none \"$0\" && "
	    "exec \"$@\"' '%s' '%s' \"$@\"\n" % (kib, w.path("spool"), HUBD))
	os.chmod(flow.HUBD, 0o755)
	try:
		w.start(env=dict(os.environ, HUB_SPOOL_SIZE="1GiB",
		    HUB_SPOOL_SEGMENT="64KiB"))
	finally:
		flow.HUBD = kept
	return True


@test
def T23_a_full_file_system_refuses_and_recovers(w):
	w.stop()
	if not start_on_small_disk(w, 900):
		w.start()
		skip("this account may not mount")
	before = total(w)
	wait_for(lambda: "ledger: loading" in w.ready()[1], 15, "loading")
	run(PG, "down", w.pg)
	said = []
	c = w.connect()
	refused = 0
	for i in range(6000):
		a = w.ask("froendenberg", Q, conn=c)
		if a.status == 200:
			said.append(a.one("Request-Id"))
			refused = 0
			continue
		same(a.status, 503, "status after %d answers" % len(said))
		check(a.one("Retry-After"), "Retry-After")
		refused += 1
		if refused == 3:
			break
		# What was loaded before makes room, a segment at a time.
		time.sleep(1.5)
	same(refused, 3, "refusals after %d answers" % len(said))
	# Most of the disk was used: segments are small beside it.
	check(len(said) * 3 * 256 > 500000, "%d answers" % len(said))
	tells(w, {"ledger_spool_level": 3, "ledger_spool_failed": 0,
	    "ledger_loader_up": 0}, spool_level="full", spool_failed=False)
	run(PG, "up", w.pg)
	wait_for(lambda: w.ask("froendenberg", Q).status == 200, 90,
	    "answers again: %s" % w.ready()[1])
	wait_for(lambda: total(w) - before >= 3 * len(said), 60, "all")
	for rid in said[:3] + said[-3:]:
		same(len(access_of(w, rid)), 1, "accesses of an answer")
	# The room is that of segments which are loaded, once a second.
	c = w.connect()
	for i in range(len(said)):
		wait_for(lambda: w.ask("froendenberg", Q,
		    conn=c).status == 200, 15, "answer %d again" % i)
	tells(w, {"ledger_loader_up": 1})
	w.stop()	# and with it the small disk: all of it is loaded
	w.start()
	sums_agree(w)


# 200 requests a second for an hour, as fast as they go.
HOUR = 200 * 3600
SPACE = {"HUB_SPOOL_SIZE": "2GiB", "HUB_SPOOL_SEGMENT": "8MiB"}


def load_for(w, ids, least):
	"""6 s of requests, or more, until there are so many."""
	n = 0
	while n < max(least, 1):
		r = w.load("froendenberg", Q, 30 if least else 6,
		    connections=16, ids=ids).result()
		same((r["errors"], r["refused"]), (0, 0), "load %r" % r)
		n += r["count"]
	return n


@test
def T24_hours_without_the_database_lose_nothing(w):
	hour = HOUR if os.environ.get("HUB_LONG") and SLOW == 1 else 0
	w.stop()
	w.start(env=dict(os.environ, **SPACE))
	w.ask("froendenberg", Q).ok()
	before = total(w, where="class = 'access'")
	wait_for(lambda: metric(w, "hub_ledger_spool_bytes") == 0, 15, "loaded")
	before = total(w, where="class = 'access'")
	run(PG, "down", w.pg)
	ids = w.path("ids-t24")
	open(ids, "w").close()
	at = time.monotonic()
	n = load_for(w, ids, hour)
	at = time.monotonic() - at
	same(len(w.ids_in(ids)), n, "ids noted")
	waiting = metric(w, "hub_ledger_spool_bytes")
	check(waiting >= n * 3 * 256, waiting)
	check(metric(w, "hub_ledger_spool_oldest_seconds") >= 5, "age")
	tells(w, {"ledger_loader_up": 0, "database_up": 0,
	    "ledger_spool_level": 0}, spool_level="room", ledger_up=False)
	run(PG, "up", w.pg)
	up = time.monotonic()
	wait_for(lambda: metric(w, "hub_ledger_spool_bytes") == 0, 300,
	    "the backlog of %d drains" % n)
	up = time.monotonic() - up
	same(total(w, where="class = 'access'") - before, n, "rows more")
	same(w.ledger_of(ids, 2), (n, n, 0), "each once")
	tells(w, {"ledger_loader_up": 1, "database_up": 1}, ledger_up=True)
	sums_agree(w)
	chain_holds(w)
	print("# %d answers in %.0f s without a database, %.0f MB of records, "
	    "loaded after %.0f s" % (n, at, waiting / 1e6, up))
	w.stop()
	w.start()


def backup(w):
	return run("pg_dump", "-Fc", "-f", w.path("backup.dump"), w.database)


def restore(w):
	"""As an operator would: another database takes the place."""
	name = re.search(r"/(\w+)\?|dbname=(\w+)|/(\w+)$", w.database)
	name = [g for g in name.groups() if g][0]
	admin = w.database.replace(name, "postgres", 1) \
	    if "dbname" in w.database else re.sub(r"/%s(\?|$)" % name,
	    r"/postgres\1", w.database)
	run("psql", "-Xq", "-v", "ON_ERROR_STOP=1", admin,
	    "-c", "ALTER DATABASE %s WITH ALLOW_CONNECTIONS false" % name,
	    "-c", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
	    "WHERE datname = '%s'" % name,
	    "-c", "DROP DATABASE %s WITH (FORCE)" % name,
	    "-c", "CREATE DATABASE %s" % name)
	run("pg_restore", "--exit-on-error", "-d", w.database,
	    w.path("backup.dump"))


@test
def T25_a_restored_database_is_fed_again(w):
	first = w.ask("froendenberg", Q).ok().one("Request-Id")
	access_of(w, first)
	backup(w)
	ids = w.path("ids-t25")
	w.load("froendenberg", Q, 1, connections=4, ids=ids).result()
	n = len(w.ids_in(ids))
	wait_for(lambda: w.ledger_of(ids, 2)[1] == n, 30, "loaded once")
	sums = "SELECT count(*), sum(units), sum(entities), sum(bytes_out) " \
	    "FROM ledger.event WHERE request_id <> '%s'"
	want = w.sql(sums % first)
	restore(w)
	check(w.sql(sums % first) != want, "the backup is older")
	# Whatever comes next makes the loader look.
	last = w.ask("froendenberg", Q).ok().one("Request-Id")
	wait_for(lambda: w.ledger_of(ids, 2) == (n, n, 0), 60, "fed again")
	access_of(w, last)
	check(w.logged("is older than it was"), "log")
	tells(w, {"ledger_database_restored_total": 1,
	    "ledger_events_lost_total": 0,
	    "ledger_events_conflicting_total": 0}, ledger_restored=1)
	same(w.sql((sums % first) + " AND request_id <> '%s'" % last), want,
	    "totals")
	sums_agree(w)
	chain_holds(w)


def second_hub(w, node):
	"""Another hub on the same database, with its own spool."""
	os.makedirs(w.path("spool-2"), exist_ok=True)
	conf = open(w.path("hubd.conf")).read().replace(
	    'directory = "spool"', 'directory = "spool-2"  node = %d' % node
	    ).replace("control.sock", "control-2.sock")
	w.write("hubd-2.conf", conf)
	return Process([HUBD, "-c", w.path("hubd-2.conf"), "-f"],
	    w.path("hubd-2.log"))


@test
def two_hubs_load_into_one_database(w):
	p = second_hub(w, 2)
	port = int(wait_for(lambda: re.search(r'msg="listening" port=(\d+)',
	    p.text()), 15, "the second hub: " + p.text()[-500:]).group(1))
	first = w.port
	rids = []
	try:
		wait_for(lambda: 'msg="region in force"' in p.text(), 15,
		    "its region")
		# Its workers hear of it one after the other.
		w.port = port
		wait_for(lambda: all(w.ask("froendenberg", Q).status == 200
		    for i in range(6)), 15, "its workers")
		for i in range(10):
			w.port = (first, port)[i % 2]
			rids.append(w.ask("froendenberg", Q).ok()
			    .one("Request-Id"))
	finally:
		w.port = first
	for rid in rids:
		same(len(access_of(w, rid)), 1, "accesses")
	same(w.sql("SELECT node_id FROM report.capture WHERE node_id < 65000 "
	    "ORDER BY 1"), [["1"], ["2"]], "nodes")
	same(p.stop(), 0, "exit code")
	sums_agree(w)


@test
def two_hubs_of_one_node_do_not_mix(w):
	w.ask("froendenberg", Q).ok()
	p = second_hub(w, 1)
	# Its directory is that of node 2.
	same(p.wait(20), 69, "exit code: " + p.text()[-500:])
	check("belongs to node 2" in p.text(), p.text()[-500:])
	shutil.rmtree(w.path("spool-2"))
	p = second_hub(w, 1)
	wait_for(lambda: "each hub needs its own spool.node" in p.text(), 20,
	    "the log says so: " + p.text()[-800:])
	p.stop()
	shutil.rmtree(w.path("spool-2"))
	rid = w.ask("froendenberg", Q).ok().one("Request-Id")
	same(len(access_of(w, rid)), 1, "accesses")
	sums_agree(w)


@test
def an_estimate_is_booked_once_and_shown_apart(w):
	day = time.strftime("%Y-%m-%d")
	argv = ["estimate", day, "--tenant", "holzwickede", "--requests",
	    "5003", "--entities", "20010", "--bytes", "1000001", "--provider",
	    "dortmund", "--reference", "Vorfall 7", "--reason",
	    "Platte von hub-2 verloren", "--by", "kaemmerei:meier"]
	w.ctl(*argv, "--dry-run")
	same(total(w, where="consumer = '05978016' AND class = 'estimate'"), 0,
	    "a dry run")
	for again in range(2):
		out = w.ctl(*argv)[0]
		check("5003" in out, out)
		same(w.sql("SELECT count(*), sum(entities), sum(bytes_out) FROM "
		    "ledger.event WHERE class = 'estimate' AND consumer = "
		    "'05978016' AND provider = '05913000' AND flags & 32 <> 0"),
		    [["5003", "20010", "1000001"]], "what is booked")
	argv[argv.index("5003")] = "5004"
	p = subprocess.run([HUBCTL, "-c", w.path("hubd.conf")] + argv,
	    capture_output=True, text=True, timeout=60 * SLOW)
	same(p.returncode, 1, "another booking of that reference")
	check("Vorfall 7" in p.stderr, p.stderr)
	row = [r for r in json.loads(w.ctl("-o", "json", "usage", day)[0])
	    if r["ags"] == "05978016"][0]
	same((int(row["requests"]), int(row["estimated"])), (0, 5003), row)
	sums_agree(w)


@test
def T20_a_bad_record_is_left_out_and_an_alarm(w):
	run(PG, "down", w.pg)
	rids = [w.ask("froendenberg", Q).ok().one("Request-Id")
	    for i in range(6)]
	w.hub.kill(signal.SIGKILL)
	w.hub.wait(5)
	# One byte in the middle of what is not loaded.
	raw, at = None, -1
	for name in sorted(os.listdir(w.path("spool"))):
		if not name.endswith(".seg"):
			continue
		with open(w.path("spool", name), "rb") as f:
			raw = f.read()
		at = raw.find(bytes.fromhex(rids[2].replace("-", "")))
		if at >= 0:
			break
	check(at >= 0, "the record is in the spool")
	with open(w.path("spool", name), "r+b") as f:
		f.seek(at + 60)
		f.write(bytes([raw[at + 60] ^ 1]))
	run(PG, "up", w.pg)
	w.start(ready=False)
	check(w.logged("quarantined"), "log")
	tells(w, {"ledger_events_lost_total": 1}, spool_damaged=1)
	for i, rid in enumerate(rids):
		if i != 2:
			same(len(access_of(w, rid, 40)), 1, "accesses")
	same([e for e in events(w, rids[2]) if e[0] == "access"], [], "it")
	same(w.sql("SELECT kind, node_id, records FROM report.capture_alarm"),
	    [["missing", "1", "1"]], "the alarm")
	wait_for(lambda: "in quarantine" in w.ready()[1], 10, "readyz")
	w.stop()
	w.start()
	wait_for(lambda: w.logged("their months cannot be closed"), 20, "log")
	# It stands in the way of closing until somebody has settled it.
	closing = "SELECT ledger.period_obstacle((date_trunc('month', " \
	    "now()) - interval '2 months')::date)"
	said = w.sql(closing)[0][0]
	check("1 records of node 1 are missing" in said, said)
	w.ctl("estimate", time.strftime("%Y-%m-%d"), "--tenant",
	    "froendenberg", "--requests", "1", "--entities", "6", "--node",
	    "1", "--reference", "Vorfall 8", "--reason", "ein Satz war "
	    "unlesbar", "--by", "kaemmerei:meier")
	same(w.sql("SELECT missing, settled FROM report.capture WHERE "
	    "node_id = 1"), [["1", "1"]], "settled")
	check("missing" not in w.sql(closing)[0][0], "closing")
	sums_agree(w)


main(setup)
