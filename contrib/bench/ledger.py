"""ledger.py - what the ledger costs; contrib/bench.sh calls it.

	ledger.py BUILD-FOLDER [--quick]

Records at a rate through spool and loader into a private PostgreSQL that syncs;
a backlog; a year of eleven tenants from the roll-ups; and what an answer waits
for the disk.  Python's standard library only; all is stopped by pid."""
import argparse
import http.client
import json
import mmap
import os
import shutil
import signal
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from bench import BUSY, CHANGING_PATH, filesystem, print_target
from world import Trouble, World, cpu_of, machine_busy, run

RATE = 51000		# records a second
TARGET_RATE = 50000
TARGET_PG = 15.0	# % of a core, for TARGET_RATE
TARGET_WORKER = 0.5	# us of the worker's thread per record
TARGET_YEAR = 10.0	# s
TARGET_SYNCS = 1.0	# that an answer waits for
# What a server has: pg.sh leaves syncs out.
DURABLE = "-c fsync=on -c synchronous_commit=on -c full_page_writes=on " \
    "-c shared_buffers=128MB"
REQUESTS = 100_000_000	# of the year
YEAR = time.localtime().tm_year - 1
SLOW_DISK_US = 5000


class Cluster:
	"""A private PostgreSQL with the hub's schema, and a folder for spools."""

	def __init__(self, build):
		self.build = build
		self.dir = tempfile.mkdtemp(prefix="hubledger.")
		os.chmod(self.dir, 0o711)
		self.spools = 0
		self.pg = self.dir + ".pg"
		with open(self.path("pg.out"), "w+") as out:
			code = subprocess.run([World.tool("pg.sh"), "start",
			    self.pg], stdin=subprocess.DEVNULL, stdout=out,
			    stderr=subprocess.STDOUT, timeout=120,
			    env=dict(os.environ,
				HUB_PG_OPTIONS=DURABLE)).returncode
			out.seek(0)
			self.uri = out.read().strip()
		if code != 0:
			self.close(started=False)
			raise Trouble("PostgreSQL: " + self.uri)
		self.ctl("db", "init")

	def __enter__(self):
		return self

	def __exit__(self, *what):
		self.close()

	def close(self, started=True):
		if started:
			run(World.tool("pg.sh"), "stop", self.pg)
		shutil.rmtree(self.dir, ignore_errors=True)

	def path(self, name):
		return os.path.join(self.dir, name)

	def sql(self, text):
		return run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.uri,
		    "-c", text).strip()

	def ctl(self, *argv):
		return run(os.path.join(self.build, "server/hubctl/hubctl"),
		    "-d", self.uri, *argv)

	def cpu(self):
		return sum(cpu_of(int(run(World.tool("pg.sh"), "pid",
		    self.pg))))

	def drive(self, mode, *more):
		"""The driver's numbers, and PostgreSQL's seconds of CPU with
		those of the checkpoint that is due then."""
		self.spools += 1
		spool = self.path("spool-%d" % self.spools)
		os.mkdir(spool)
		before = self.cpu()
		at, busy, mine = time.monotonic(), machine_busy(), os.times()
		out = subprocess.run([os.path.join(self.build,
		    "contrib/bench/ledger"), mode, spool, self.uri, *more],
		    stdin=subprocess.DEVNULL, capture_output=True, text=True,
		    timeout=900)
		if out.returncode != 0:
			raise Trouble("ledger: " + out.stderr[-500:])
		at, busy, now = time.monotonic() - at, machine_busy() - busy, \
		    os.times()
		foreign = busy - (self.cpu() - before) - sum(
		    now[i] - mine[i] for i in range(4))
		self.sql("CHECKPOINT")
		shutil.rmtree(spool)
		seen = {}
		for word in out.stdout.split():
			name, _, value = word.partition("=")
			seen[name] = float(value or 0)
		seen["pg"] = self.cpu() - before
		seen["foreign"] = max(0.0, foreign) / at * 100
		return seen


# ---- records

def touch_memory(folder, gib):
	"""A virtual machine gets its memory when it is used first, which costs
	five times as much as a page of a file; not of the ledger's making."""
	path = os.path.join(folder, "memory")
	zeros = bytes(1 << 20)
	try:
		with open(path, "wb") as f:
			for i in range(gib << 10):
				f.write(zeros)
	finally:
		os.unlink(path)


def check_stored(c, records):
	"""Each once: rows are counted, their key is unique, their sum is what
	the driver gave, the chain is whole."""
	uses = [n // 2 for n in records]
	entities = sum(2 * (n // 50 * 1225 + (n % 50) * (n % 50 - 1) // 2)
	    for n in uses)
	seen = c.sql("SELECT count(*), sum(entities), (SELECT count(*) FROM "
	    "ledger.ledger_conflict), (SELECT sum(missing) FROM "
	    "ledger.spool_checkpoint), (SELECT count(*) FROM "
	    "report.rollup_difference) FROM ledger.event")
	want = "%d|%d|0|0|0" % (sum(records), entities)
	if seen != want:
		raise Trouble("records, entities, conflicts, missing, sums: "
		    "%s, want %s" % (seen, want))
	run(os.path.join(c.build, "server/hubverify/hubverify"), "--db", c.uri)
	print("all %d records are stored once, roll-ups are their sums, the "
	    "chain of %s blocks is whole" % (sum(records),
	    c.sql("SELECT count(*) FROM ledger.block")), flush=True)


def measure_records(build, seconds):
	with Cluster(build) as c:
		touch_memory(c.dir, max(1, seconds // 5))
		print("\n## ledger: records (256 bytes, two of a use), spool and "
		    "PostgreSQL on %s" % filesystem(c.dir))
		# First, so that the other finds WAL files to use again.
		b = c.drive("backlog", str(RATE * seconds))
		print("backlog   %8d records in %6.2f s: %.0f a second; us per "
		    "record: loader %.2f, PostgreSQL %.2f" % (b["records"],
		    b["seconds"], b["records"] / b["seconds"],
		    b["loader_us"], b["pg"] / b["records"] * 1e6), flush=True)
		m = c.drive("capture", str(RATE), str(seconds))
		print("capture   %8d records in %6.2f s: %.0f a second, in %d "
		    "syncs; the last one is in PostgreSQL %.2f s later" %
		    (m["records"], m["seconds"], m["records"] / m["seconds"],
		    m["batches"], m["lag"]))
		print("us per record: worker %.3f (of it taking the record "
		    "%.3f), loader %.2f, PostgreSQL %.2f" % (m["thread_us"],
		    m["capture_us"], m["loader_us"],
		    m["pg"] / m["records"] * 1e6))
		if m["foreign"] > BUSY:
			print("other processes took %.0f %% of a core: CPU is "
			    "not to be trusted, repeat on a quiet machine" %
			    m["foreign"])
		check_stored(c, [int(b["records"]), int(m["records"])])
		return {"rate": m["records"] / m["seconds"],
		    "worker": m["thread_us"], "pg": m["pg"] / m["records"] * TARGET_RATE * 100}


# ---- a year

MEMBERS = [("05978004", "bergkamen", 48725), ("05978008", "boenen", 18107),
    ("05978012", "froendenberg", 20766), ("05978016", "holzwickede", 17118),
    ("05978020", "kamen", 42971), ("05978024", "luenen", 86449),
    ("05978028", "schwerte", 46340), ("05978032", "selm", 26011),
    ("05978036", "unna", 58633), ("05978040", "werne", 29662),
    ("05913000", "dortmund", 587010)]
COST_CENTS = 5500000
REGION = "".join('tenant %s { name = "%s"  ags = "%s"  kind = municipality\n'
    '  population "2018-12-31" { inhabitants = %d } }\n' % (m[1], m[1], m[0],
    m[2]) for m in MEMBERS) + '''
cost betrieb { title = "Betrieb"  amount = 55000.00  from = %d-01-01
	to = %d-12-31  model = mitnutzung }
model mitnutzung { version = 1  members = {%s}
	component sockel { basis-points = 2000  key = equal }
	component einwohner { basis-points = 5000  key = population
		key-date = 2018-12-31 }
	component nutzung { basis-points = 3000  key = usage
		on-zero = population }
	minimum = 2500.00  maximum = 10000.00  per = year  tie = rotate }
''' % (YEAR, YEAR, ", ".join(m[1] for m in MEMBERS))

# Accesses by purpose, types and operation; legs by provider, agreement and
# data set.  The accesses come to REQUESTS; all legs are downloads.
FILL = """
CREATE TEMP TABLE t AS SELECT row_number() OVER (ORDER BY ags) AS i, ags
    FROM unnest('{%(ags)s}'::text[]) ags;
CREATE TEMP TABLE day AS SELECT d::date AS day FROM generate_series(
    '%(year)d-01-01'::date, '%(year)d-12-31', interval '1 day') d;
CREATE TEMP TABLE used AS
SELECT day, 'access' AS class, c.ags AS consumer, '00000000' AS provider,
    '' AS agreement, 'zweck-' || p AS purpose, '' AS dataset,
    'https://uri.etsi.org/ngsi-ld/default-context/Typ' || y AS types,
    o AS operation, 1 + abs(hashint8(c.i * 1000000 + p * 10000 + y * 1000 +
    o * 100)::bigint + extract(doy FROM day)::int * 7919) %% 1000 AS weight
FROM day, t c, generate_series(1, 4) p, generate_series(1, 3) y,
    generate_series(1, 2) o
UNION ALL
SELECT day, 'leg', c.ags, p.ags, p.ags || '-' || c.ags || '-' || a,
    'zweck-' || a, 'daten-' || p.ags || '-' || a,
    'https://uri.etsi.org/ngsi-ld/default-context/Typ' || a, 1,
    1 + abs(hashint8(c.i * 10000 + p.i * 100 + a)::bigint +
    extract(doy FROM day)::int * 104729) %% 1000
FROM day, t c, t p, generate_series(1, 3) a WHERE c.ags <> p.ags;
CREATE TEMP TABLE counted AS
SELECT u.*, (weight * %(requests)d / sum(weight) OVER (PARTITION BY class)
    )::bigint AS requests FROM used u;
UPDATE counted SET requests = requests + %(requests)d - (SELECT sum(requests)
    FROM counted WHERE class = 'access') WHERE class = 'access' AND
    day = '%(year)d-07-01' AND consumer = '05978028' AND purpose = 'zweck-1'
    AND operation = 1 AND types LIKE '%%Typ1';
INSERT INTO ledger.usage_day
SELECT day, date_trunc('month', day)::date, class, consumer, provider,
    agreement, purpose, dataset, types, operation, requests, requests / 50,
    requests * 12, requests * 6000, requests * 1126,
    ARRAY[requests / 2, requests / 4, requests - requests / 2 - requests / 4,
    0, 0, 0, 0, 0, 0, 0] FROM counted;
INSERT INTO ledger.usage_month
SELECT booked_period, booked_period, class, consumer, provider, agreement,
    purpose, dataset, types, operation, sum(requests), sum(denied),
    sum(entities), sum(bytes), sum(units), ARRAY[sum(latency_hist[1]),
    sum(latency_hist[2]), sum(latency_hist[3]), 0, 0, 0, 0, 0, 0, 0]
FROM ledger.usage_day GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10;
INSERT INTO ledger.download_day
SELECT day, consumer, provider, dataset, sum(requests - requests / 50), 0
FROM counted WHERE class = 'leg' GROUP BY 1, 2, 3, 4;
INSERT INTO ledger.person_month
SELECT DISTINCT date_trunc('month', day)::date, ags, n
FROM day, t, generate_series(1, 500) n;
INSERT INTO ledger.spool_checkpoint VALUES (7, 1, 1, 2, 0, now());
ANALYZE"""


def timed(c, *commands):
	at = time.monotonic()
	out = [c.ctl(*argv) for argv in commands]
	return time.monotonic() - at, out


def measure_year(build):
	year = str(YEAR)
	with Cluster(build) as c:
		with open(c.path("region.hub"), "w", encoding="utf-8") as f:
			f.write(REGION)
		c.ctl("apply", c.path("region.hub"))
		c.sql(FILL % {"ags": ",".join(m[0] for m in MEMBERS),
		    "year": YEAR, "requests": REQUESTS})
		print("\n## ledger: the year %s, %s" % (year, c.sql("SELECT "
		    "sum(requests) FILTER (WHERE class = 'access') || "
		    "' requests of ' || count(DISTINCT consumer) || "
		    "' tenants, ' || count(*) || ' roll-ups of days' "
		    "FROM ledger.usage_day")), flush=True)
		spent = {}
		spent["allocate"], out = timed(c, ["-o", "json", "allocate",
		    "betrieb", "--period", year])
		shares = sum(m["share_cents"]
		    for m in json.loads(out[0])["shares"])
		if shares != COST_CENTS:
			raise Trouble("the shares come to %d cents" % shares)
		spent["usage"], _ = timed(c, *(["-o", "csv", "usage", year,
		    "--by", by] for by in ("tenant", "provider", "purpose",
		    "type", "month", "flow")))
		spent["indicators"], _ = timed(c, ["indicators", year])
		closing, _ = timed(c, *(["period", "close", "%s-%02d" %
		    (year, m), "--as", who] for m in range(1, 13)
		    for who in ("schwerte:c.weber", "kamen:a.yilmaz")))
		spent["statements"], _ = timed(c, *(["-o", "csv", "statement",
		    m[1], year] for m in MEMBERS))
		spent["journal"], out = timed(c, ["-o", "json", "export",
		    "journal", year])
		posted = sum(l["amount_cents"] for l in json.loads(out[0])
		    if l["account"] == "share")
		if posted != COST_CENTS:
			raise Trouble("the journal comes to %d cents" % posted)
		spent["files"], _ = timed(c, *(["-o", "csv", "export", what,
		    year] for what in ("usage", "statement", "focus")))
		for name, s in spent.items():
			print("%-12s %6.2f s" % (name, s))
		print("%-12s %6.2f s (twelve months, two persons each; once, "
		    "not in the target)" % ("closing", closing), flush=True)
		return sum(spent.values())


# ---- what an answer waits for

class Hub:
	"""One hub over another disk."""

	def __init__(self, world, library, how):
		self.w = world
		self.count = world.write("syncs", bytes(16))
		env = {"LD_PRELOAD": library, "HUB_DISK_COUNT": self.count}
		if how:
			env["HUB_DISK_SYNC"] = str(how)
		kept = dict(os.environ)
		os.environ.update(env)
		try:
			self.p = world.start_pinned("0", os.path.join(
			    world.build, "server/hubd"), "-f", "-c",
			    world.path("hubd.conf"))
		finally:
			os.environ.clear()
			os.environ.update(kept)
		world.wait_port(world.port, self.p)
		for i in range(300):
			if world.ask(CHANGING_PATH, "good")[0] == 200:
				return
			time.sleep(0.05)
		raise Trouble("hubd does not become ready")

	def syncs(self):
		"""How many, and their milliseconds."""
		with open(self.count, "rb") as f, mmap.mmap(f.fileno(), 16,
		    access=mmap.ACCESS_READ) as m:
			n, us = struct.unpack("=QQ", m[:16])
			return n, us / 1000

	def ask(self, n):
		"""One client, one request after the other: each one's
		milliseconds, and syncs and their time per answer."""
		tls = ssl.create_default_context(
		    cafile=self.w.path("tls/ca.pem"))
		c = http.client.HTTPSConnection("127.0.0.1", self.w.port,
		    context=tls, timeout=20)
		with open(self.w.path("token.good")) as f:
			fields = {"Authorization": "Bearer " + f.read()}
		ms = []
		for i in range(n + 20):
			if i == 20:
				before = self.syncs()
			at = time.monotonic()
			c.request("GET", CHANGING_PATH, headers=fields)
			r = c.getresponse()
			r.read()
			if r.status != 200:
				raise Trouble("status %d" % r.status)
			ms.append((time.monotonic() - at) * 1000)
		c.close()
		return sorted(ms[20:]), *((b - a) / n for a, b in zip(before,
		    self.syncs()))


def measure_hold(build, uses):
	"""Of the spool alone: how many batches were synced between a use and
	its answer, its own and the one that ran when it came."""
	folder = tempfile.mkdtemp(prefix="hubledger.")
	try:
		print("\n## ledger: clients that wait for the spool (us)")
		for clients in (1, 3, 16, 64):
			spool = os.path.join(folder, str(clients))
			os.mkdir(spool)
			print("%2d: " % clients + " ".join(run(os.path.join(
			    build, "contrib/bench/ledger"), "hold", spool,
			    str(uses), str(clients)).split()), flush=True)
	finally:
		shutil.rmtree(folder, ignore_errors=True)


def measure_wait(build, n):
	w = World(build, "")
	library = w.path("disk.so")
	run("cc", "-shared", "-fPIC", "-O2", "-o", library,
	    World.tool("disk.c"))
	print("\n## ledger: one client, its answer held until the record is on "
	    "the disk (ms)")
	most = 0
	for name, how, many in (("without a sync", "none", n),
	    ("this disk", None, n),
	    ("a sync of %g ms more" % (SLOW_DISK_US / 1000), SLOW_DISK_US,
	    n // 5)):
		hub = Hub(w, library, how)
		try:
			ms, syncs, spent = hub.ask(many)
		finally:
			w.stop(hub.p)
		most = max(most, syncs)
		print("%-20s p50 %6.2f  p99 %6.2f  mean %6.2f, of it the sync "
		    "%5.2f; syncs of an answer %.3f" % (name,
		    statistics.median(ms), ms[len(ms) * 99 // 100],
		    statistics.mean(ms), spent, syncs), flush=True)
	return most


def main():
	p = argparse.ArgumentParser(prog="ledger.py")
	p.add_argument("build")
	p.add_argument("--quick", action="store_true")
	args = p.parse_args()
	signal.signal(signal.SIGTERM, lambda *a: sys.exit(143))
	try:
		m = measure_records(args.build, 5 if args.quick else 20)
		year = measure_year(args.build)
		measure_hold(args.build, 2000 if args.quick else 20000)
		waits = measure_wait(args.build, 200 if args.quick else 1000)
	except (Trouble, OSError, subprocess.TimeoutExpired) as e:
		print("bench.sh: the ledger could not be measured: %s" % e,
		    file=sys.stderr)
		sys.exit(1)
	print()
	print_target("ledger-records-per-second", m["rate"], TARGET_RATE,
	    least=True)
	print_target("ledger-postgresql", m["pg"], TARGET_PG, " % of a core")
	print_target("ledger-worker", m["worker"], TARGET_WORKER,
	    " us per record")
	print_target("ledger-year", year, TARGET_YEAR, " s")
	# The preparer of the next segment has some, too.
	print_target("ledger-syncs-of-an-answer", round(waits, 1),
	    TARGET_SYNCS)


if __name__ == "__main__":
	main()
