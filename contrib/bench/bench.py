"""bench.py - measures the hub beside its peers; contrib/bench.sh calls it.

	bench.py BUILD-FOLDER FLOOR [--quick] [--rounds N] [--seconds N]

Judged by CPU per request: user and system time of a contender's whole process
tree, from /proc, over that of floor.c in the same round.  Requests per second
are bounded by the load and the broker, which share the other core.  Python's
standard library only; loopback only; all is stopped by pid."""
import argparse
import contextlib
import glob
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time

import data
import idle
from world import HERE, LOAD_CORE, PROXY_CORE, Trouble, World, cpu_of, \
    installed, machine_busy, other_threads, run

PATH = "/ngsi-ld/v1/entities?type=Sensor&limit=100"
CHANGING_PATH = "/ngsi-ld/v1/entities?type=Probe&limit=100"
MERGE_PATH = "/ngsi-ld/v1/entities?type=Gauge&limit=1000"
FAIR_PATH = "/ngsi-ld/v1/entities?type=Meter&limit=1000"
SMALL_CONNECTIONS = 64
MERGE_CONNECTIONS = (1, 4)
# One request at a time on each, and many on few.
HTTP2_CONNECTIONS = (64, 4)
FAIR_CONNECTIONS = 16

# What is promised: the hub's CPU per request over the floor's, and that of
# one answer merged from three brokers with 1000 entities each.
TARGET_RATIO = 1.6
TARGET_MERGE_MS = 6.0
TARGET_HTTP2 = 1.0	# times the CPU of nginx, which checks no token
TARGET_LUA = 6.0	# times the hub's CPU that nginx with Lua takes
# ... and how much longer than the usual one an answer may take, when as many
# clients as FAIR_CONNECTIONS ask for three brokers' 300 entities each.
TARGET_TAIL = 3.0
BUSY = 20	# % of a core that others may take


# ---- contenders

class Contender:
	"""Knows how to start, and what a request must give."""
	gate = False		# it checks tokens
	path = PATH
	expected = None		# else the broker's own bytes
	answered = 0

	def __init__(self, world, name):
		self.world = world
		self.name = name
		self.process = None

	def stop(self):
		self.world.stop(self.process)

	def up(self, program, *argv):
		self.process = self.world.start_pinned(PROXY_CORE, program,
		    *argv)
		self.world.wait_port(self.world.port, self.process)

	def same(self, body):
		if self.expected is None:
			return body == self.world.small
		return json.loads(body) == self.expected

	def check(self):
		"""Nobody measures a gate that is open."""
		cases = [("good", 200)]
		if self.gate:
			cases += [(None, 401), ("expired", 401),
			    ("forged", 401)]
		for token, want in cases:
			status, body = self.world.ask(self.path, token)
			if status != want:
				raise Trouble("%s: status %d for token: %s, "
				    "want %d: %.500r" % (self.name, status,
				    token or "missing", want, body))
			if want == 200 and not self.same(body):
				raise Trouble("%s: wrong body: %.1500r" %
				    (self.name, body))
		return " ".join("%s=%d" % (t or "missing", s)
		    for t, s in cases) + " body=as-expected"


	def load(self, connections, seconds):
		"""One run of wrk: requests, bad ones, microseconds in all,
		p50 and p99 of one."""
		w = self.world
		out = run("taskset", "-c", LOAD_CORE, "wrk", "-t", "1", "-c",
		    str(connections), "-d", "%ds" % seconds, "--timeout",
		    "10s", "-s", os.path.join(HERE, "load.lua"),
		    "https://127.0.0.1:%d%s" % (w.port, self.path),
		    env=dict(os.environ, BENCH_TOKEN=w.path("token.good")))
		line = [x for x in out.splitlines() if
		    x.startswith("RESULT ")]
		return [int(x) for x in line[0].split()[1:]]


class OverHttp2:
	"""A contender whose load is h2load's: as many requests at once as with
	HTTP/1.1, over so many connections."""
	def load(self, connections, seconds):
		w = self.world
		with open(w.path("token.good")) as f:
			token = f.read().strip()
		log = w.path("h2load.log")
		with contextlib.suppress(FileNotFoundError):
			os.unlink(log)
		out = run("taskset", "-c", LOAD_CORE, "h2load", "-t", "1",
		    "-c", str(connections), "-m",
		    str(max(SMALL_CONNECTIONS // connections, 1)), "-D",
		    str(seconds), "--log-file", log, "-H",
		    "Authorization: Bearer " + token,
		    "https://127.0.0.1:%d%s" % (w.port, self.path))
		if "Application protocol: h2\n" not in out:
			raise Trouble("%s: no HTTP/2: %.500s" % (self.name,
			    out))
		# when it began (us), status, how long it took (us)
		with open(log) as f:
			rows = [line.split() for line in f]
		took = sorted(int(r[2]) for r in rows)
		return [len(rows), sum(r[1] != "200" for r in rows),
		    seconds * 1000000] + [took[len(took) * p // 100] if took
		    else 0 for p in (50, 99)]


class Floor(Contender):
	def start(self):
		w = self.world
		self.up(w.floor, str(w.port),
		    w.path("tls/hub.pem"), w.path("tls/hub.key"),
		    str(w.upstream_port))


class Haproxy(Contender):
	def __init__(self, world, name, gate):
		super().__init__(world, name)
		self.gate = gate

	def start(self):
		w = self.world
		gate = w.filled("haproxy-rs256.cfg") if self.gate else ""
		self.up("haproxy", "-db", "-f",
		    w.fill("haproxy.cfg", GATE=gate))


class Nginx(Contender):
	words = {"MODULES": "", "LUA": "", "LOCATIONS": "", "HTTP2": ""}

	def start(self):
		w = self.world
		self.up("nginx", "-p", w.dir, "-e", w.path("nginx.log"), "-c",
		    w.fill("nginx.conf", **self.words))


class NginxHttp2(OverHttp2, Nginx):
	words = dict(Nginx.words, HTTP2="http2")


class NginxLua(Nginx):
	"""Merges three answers, without any token: the peer's best case."""
	path = MERGE_PATH
	expected = data.merged()
	modules = "/usr/lib/nginx/modules/"
	words = {
	    "HTTP2": "",
	    "MODULES": "load_module %sndk_http_module.so;\n"
		"load_module %sngx_http_lua_module.so;" % (modules, modules),
	    "LUA": 'lua_package_path "%s/?.lua;;";\n'
		'init_by_lua_block { merge = require "merge" }' % HERE,
	    "LOCATIONS": 'location ~ "^/b[0-2]/" { internal; '
		"proxy_pass_request_headers off; proxy_pass http://broker; }\n"
		"location = /ngsi-ld/v1/entities "
		"{ content_by_lua_block { merge.answer() } }"}

	@staticmethod
	def possible():
		return os.path.exists(NginxLua.modules +
		    "ngx_http_lua_module.so") and \
		    bool(glob.glob("/usr/lib/*/lua/5.1/cjson.so"))


class Hub(Contender):
	gate = True

	def __init__(self, world, name, path, expected):
		super().__init__(world, name)
		self.path = path
		self.expected = expected

	def start(self):
		w = self.world
		self.up(os.path.join(w.build, "server/hubd"), "-f", "-c",
		    w.path("hubd.conf"))
		for i in range(300):	# until it has its region
			if w.ask(self.path, "good")[0] == 200:
				return
			time.sleep(0.05)
		raise Trouble("hubd does not become ready: %r" %
		    (w.ask(self.path, "good"),))


class HubHttp2(OverHttp2, Hub):
	pass


class HubChanging(Hub):
	"""The broker never says the same twice, so nothing is recalled."""
	def same(self, body):
		found = json.loads(body)
		name = found[0]["name"]["value"]
		return re.fullmatch("[0-9a-f]{32}", name) is not None and \
		    found == data.released(data.changing(name))


# ---- measuring

def load(c, connections, seconds):
	"""One run: requests, bad ones, p50 and p99 in ms, the load's CPU."""
	before = os.times()
	n, bad, us, p50, p99 = c.load(connections, seconds)
	after = os.times()
	c.answered += n
	return {"n": n, "bad": bad, "rps": n / (us / 1e6), "p50": p50 / 1000,
	    "p99": p99 / 1000, "load": after.children_user +
	    after.children_system - before.children_user -
	    before.children_system}


def measure(c, connections, seconds):
	"""One contender once; it runs and is warm."""
	w = c.world
	pid = c.process.pid
	pids = (pid, w.upstream.pid, w.pg_pid)
	busy, begun = machine_busy(), time.monotonic()
	rest = other_threads(pid)
	before = [cpu_of(p) for p in pids]
	m = load(c, connections, seconds)
	after = [cpu_of(p) for p in pids]
	wall = time.monotonic() - begun
	busy = machine_busy() - busy
	spent = [(a[0] - b[0], a[1] - b[1]) for a, b in zip(after, before)]
	n = max(m["n"], 1)
	m["user"], m["system"] = (x / n * 1e6 for x in spent[0])
	m["cpu"] = m["user"] + m["system"]
	m["rest"] = (other_threads(pid) - rest) / n * 1e6
	m["pg"] = sum(spent[2]) / n * 1e6
	m["core"] = sum(spent[0]) / wall * 100
	m["foreign"] = max(0.0, busy - m["load"] -
	    sum(sum(s) for s in spent)) / wall * 100
	if m["n"] == 0 or m["bad"] > 0:
		raise Trouble("%s: %d requests, %d of them bad" % (c.name,
		    m["n"], m["bad"]))
	return m


def measure_all(contenders, connection_counts, rounds, seconds):
	"""{(name, connections): [a measurement per round]}"""
	seen = {}
	for i in range(rounds):
		for c in contenders:
			c.start()
			try:
				load(c, 16, 1)
				for n in connection_counts:
					seen.setdefault((c.name, n),
					    []).append(measure(c, n, seconds))
			finally:
				c.stop()
		print("# round %d of %d done" % (i + 1, rounds),
		    file=sys.stderr, flush=True)
	return seen


def ratios(seen, name, connections, base="floor"):
	"""CPU per request over the base's in the same round."""
	return [m["cpu"] / b["cpu"] for m, b in zip(seen[name, connections],
	    seen.get((base, connections), []))]


COLUMNS = (("cpu us", "cpu", "%9.1f"), ("user", "user", "%8.1f"),
    ("system", "system", "%8.1f"), ("aside", "rest", "%7.1f"),
    ("pg us", "pg", "%7.1f"), ("req/s", "rps", "%8.0f"),
    ("p50 ms", "p50", "%8.2f"), ("p99 ms", "p99", "%8.2f"),
    ("core%", "core", "%6.0f"), ("other%", "foreign", "%7.0f"))


def print_table(title, seen):
	print("\n## " + title)
	print("%-16s %5s" % ("", "conns") + " " + "".join(
	    head.rjust(len(form % 0)) for head, key, form in COLUMNS) +
	    "   over floor (min..max)")
	for (name, connections), ms in seen.items():
		line = "".join(form % statistics.median(m[key] for m in ms)
		    for head, key, form in COLUMNS)
		r = ratios(seen, name, connections)
		over = "%6.2f (%.2f..%.2f)" % (statistics.median(r), min(r),
		    max(r)) if r else "     -"
		print("%-16s %5d %s   %s" % (name, connections, line, over),
		    flush=True)


def warn_if_busy(*measurements):
	"""A starved hub also has fewer answers per disk sync to share."""
	others = statistics.median(m["foreign"] for seen in measurements
	    for ms in seen.values() for m in ms)
	if others > BUSY:
		print("\nOther processes took %.0f %% of a core: the ratios are "
		    "not to be trusted, repeat on a quiet machine" % others)


# ---- the ledger

def access_records(world):
	return int(run("psql", "-XqAt", world.database, "-c",
	    "SELECT count(*) FROM ledger.event WHERE class = 'access'"))


def check_ledger(world, hubs):
	"""Every answer that the load saw must be in PostgreSQL in the end.
	There are a few more: answers on their way when a run ended."""
	answered = sum(h.answered for h in hubs)
	hubs[0].start()		# what its predecessors left in the spool
	try:
		for i in range(300):
			records = access_records(world)
			if records >= answered:
				break
			time.sleep(0.1)
	finally:
		hubs[0].stop()
	print("\nledger: %d answers seen by the load, %d access records in "
	    "PostgreSQL" % (answered, records))
	if records < answered:
		raise Trouble("answers are missing in the ledger")


# ---- verdict

def verdict(ok):
	return "met" if ok else "missed"


def print_target(name, value, at_most, unit="", least=False):
	ok = value >= at_most if least else value <= at_most
	print("TARGET %s: %.2f%s, at %s %.2f%s: %s" % (name, value, unit,
	    "least" if least else "most", at_most, unit, verdict(ok)))


def adds(seen, name, connections):
	"""Microseconds of CPU per request over those with HTTP/1.1."""
	plain = "nginx:none" if name == "nginx" else name
	return statistics.median(a["cpu"] - b["cpu"] for a, b in zip(
	    seen[name + ":h2", connections], seen[plain, connections]))


def print_http2(over2):
	if not over2:
		print("TARGET http2-over-nginx: not measured (h2load is not "
		    "installed)")
		return False
	for n in HTTP2_CONNECTIONS:
		print("# HTTP/2 adds, %d connections: hub %+.1f us, nginx "
		    "%+.1f us" % (n, adds(over2, "hub", n),
		    adds(over2, "nginx", n)))
		print_target("http2-over-nginx, %d connections" % n,
		    statistics.median(ratios(over2, "hub:h2", n, "nginx:h2")),
		    TARGET_HTTP2)
	return True


def print_idle(bytes):
	if bytes is None:
		print("TARGET idle-connection: not measured (the limit of "
		    "descriptors is too low)")
		return False
	print_target("idle-connection, %d held" % idle.HELD, bytes / 1024,
	    idle.TARGET_KIB, " KiB")
	return True


def print_targets(small, merge, fair, over2, alone):
	"""Returns whether all could be said."""
	def over(name, base="floor"):
		return statistics.median(ratios(small, name,
		    SMALL_CONNECTIONS, base))

	print()
	# The broker says what it said before; then never the same.
	print_target("cpu-over-floor", over("hub"), TARGET_RATIO)
	print_target("cpu-over-floor-changing", over("hub:changing"),
	    TARGET_RATIO)
	peers = ("haproxy:rs256", SMALL_CONNECTIONS) in small
	if peers:
		print_target("below-haproxy-rs256", over("hub:changing"),
		    over("haproxy:rs256"))
	else:
		print("TARGET below-haproxy-rs256: not measured "
		    "(haproxy is not installed)")
	print_target("merge-3x1000", max(statistics.median(m["cpu"]
	    for m in merge["hub", n]) for n in MERGE_CONNECTIONS) / 1000,
	    TARGET_MERGE_MS, " ms")
	if ("nginx:lua", 1) in merge:
		print_target("nginx-lua-over-merge", min(statistics.median(
		    1 / r for r in ratios(merge, "hub", n, "nginx:lua"))
		    for n in MERGE_CONNECTIONS), TARGET_LUA, least=True)
	else:
		peers = False
		print("TARGET nginx-lua-over-merge: not measured "
		    "(nginx with Lua is not installed)")
	print_target("fair-p99-over-p50", statistics.median(
	    m["p99"] / m["p50"] for m in fair["hub:fair", FAIR_CONNECTIONS]),
	    TARGET_TAIL)
	return all((print_http2(over2), print_idle(alone), peers))


def filesystem(path):
	return run("stat", "-f", "-c", "%T", path).strip()


def bench(args):
	w = World(args.build, args.floor)
	print("# spool on %s; small answer %d bytes, %d entities; three "
	    "answers of %d entities, %d bytes" % (filesystem(w.dir),
	    len(w.small), data.SMALL, data.LARGE, w.large_size))
	small = [Floor(w, "floor")]
	merge = []
	if installed("haproxy"):
		small += [Haproxy(w, "haproxy:none", False),
		    Haproxy(w, "haproxy:rs256", True)]
	small += [Nginx(w, "nginx:none"),
	    Hub(w, "hub", PATH, data.released(data.small())),
	    HubChanging(w, "hub:changing", CHANGING_PATH, None)]
	http2 = []
	if installed("h2load"):
		http2 = [NginxHttp2(w, "nginx:h2"),
		    HubHttp2(w, "hub:h2", PATH, data.released(data.small()))]
	if NginxLua.possible():
		merge += [NginxLua(w, "nginx:lua")]
	merge += [Hub(w, "hub", MERGE_PATH, data.merged())]
	fair = [Hub(w, "hub:fair", FAIR_PATH, data.merged(data.medium))]
	print("\n## answers")
	for c in small + http2 + merge + fair:
		c.start()
		try:
			print("%-16s %s" % (c.name, c.check()), flush=True)
		finally:
			c.stop()
	seen = measure_all(small, (SMALL_CONNECTIONS,), args.rounds,
	    args.seconds)
	print_table("2 KB answer, one source, RS256, CPU per request", seen)
	over2 = measure_all(small[:1] + http2 + [x for x in small if
	    x.name in ("hub", "nginx:none")], HTTP2_CONNECTIONS, args.rounds,
	    args.seconds) if http2 else {}
	if over2:
		print_table("the same over HTTP/2 (:h2; the others HTTP/1.1), "
		    "64 requests at once", over2)
	merged = measure_all(merge, MERGE_CONNECTIONS, args.rounds,
	    args.seconds)
	print_table("3 x 1000 entities merged, CPU per request", merged)
	many = measure_all(fair, (FAIR_CONNECTIONS,), args.rounds,
	    args.seconds)
	print_table("3 x 300 entities merged, many clients", many)
	alone = idle.measure(w, next(c for c in small if c.name == "hub"))
	print("\ncpu, user, system: microseconds per request, whole process "
	    "tree, medians of %d rounds of %d s;\naside: of it, threads other "
	    "than the busiest (in the hub: ledger and control); pg: "
	    "PostgreSQL, not in cpu;\nother%%: of a core, processes that are "
	    "not ours" % (args.rounds, args.seconds))
	warn_if_busy(seen, merged, many)
	check_ledger(w, [c for c in small + http2 + merge + fair
	    if isinstance(c, Hub)])
	return print_targets(seen, merged, many, over2, alone)


def main():
	p = argparse.ArgumentParser(prog="bench.sh")
	p.add_argument("build")
	p.add_argument("floor", help="floor.c, compiled")
	p.add_argument("--quick", action="store_true",
	    help="one round of 2 s")
	p.add_argument("--rounds", type=int, default=5)
	p.add_argument("--seconds", type=int, default=4)
	args = p.parse_args()
	if args.quick:
		args.rounds, args.seconds = 1, 2
	signal.signal(signal.SIGTERM, lambda *a: sys.exit(143))
	try:
		complete = bench(args)
	except (Trouble, OSError, subprocess.TimeoutExpired) as e:
		print("bench.sh: could not be measured: %s" % e,
		    file=sys.stderr)
		sys.exit(1)
	sys.exit(0 if complete else 1)


if __name__ == "__main__":
	main()
