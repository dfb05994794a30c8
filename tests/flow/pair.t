#!/usr/bin/env python3
# pair.t - two hubs behind the haproxy.cfg of contrib/haproxy, only its
# addresses and folders changed: what a client sees when one of them ends, dies
# or hangs; and the connection string for a PostgreSQL pair. Without haproxy
# only the latter; the others are skipped.
import functools
import os
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *
from pages import Desk, commands

PLACE = os.path.join(SRC, "contrib/haproxy")
HAPROXY = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")
Q = "?type=WaterObserved"
CONNECTIONS = 16
# Of haproxy.cfg: a failed check is noticed and repeated (fastinter), twice at
# most it waits for an answer (timeout check).
INTERVAL, HANGING = 2, 8
# What the page takes socat for: socat stdio SOCKET
SOCAT = """exec python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.stdin.buffer.read())
sys.stdout.buffer.write(s.makefile("rb").read())' "$2"
"""


class Hub:
	def __init__(self, w, name, node):
		self.w, self.name = w, name
		with open(w.path("hubd.conf"), encoding="utf-8") as f:
			text = f.read()
		for old, new in (
		    ('spool { directory = "spool"',
			'spool { directory = "spool-%d"  node = %d' %
			(node, node)),
		    ('listen "admin" { address = "127.0.0.1:0" }',
			'listen "admin" { address = "127.0.0.1:0"\n'
			'\tcertificate = "tls/hub.pem"  key = "tls/hub.key" }'),
		    # As README.md has it: all clients come from HAProxy.
		    ("limits { ", "limits { connections-per-address = 0  ")):
			same(text.count(old), 1, "hubd.conf: " + old)
			text = text.replace(old, new)
		self.conf = w.write("%s.conf" % name, text)
		self.log = w.path(name + ".log")
		os.makedirs(w.path("spool-%d" % node))
		self.port = self.admin = 0

	def start(self):
		w = self.w
		# Where it was before: haproxy.cfg names the ports.
		if self.port:
			with open(self.conf, encoding="utf-8") as f:
				text = f.read()
			text = text.replace("127.0.0.1:0",
			    "127.0.0.1:%d" % self.port, 1).replace(
			    "127.0.0.1:0", "127.0.0.1:%d" % self.admin, 1)
			w.write(os.path.basename(self.conf), text)
		self.p = w.hub = Process([HUBD, "-c", self.conf, "-f"],
		    self.log)
		self.port = w.port_of("listening")
		self.admin = w.port_of("admin listening")


def haproxy_test(fn):
	@functools.wraps(fn)
	def maybe(w):
		installed("haproxy")
		fn(w)
	return test(maybe)


def free_port():
	with socket.socket() as s:
		s.bind(("127.0.0.1", 0))
		return s.getsockname()[1]


def changed(text, pairs):
	for old, new in pairs:
		same(text.count(old), 1, "places of " + old)
		text = text.replace(old, new)
	return text


def read(name):
	with open(os.path.join(PLACE, name), encoding="utf-8") as f:
		return f.read()


def start_haproxy(w):
	w.port, w.health = free_port(), free_port()
	name = "hub.kreis-unna.example"
	text = read("haproxy.cfg")
	same(text.count(name), 2, "names of the hub")
	text = changed(text.replace(name, "localhost"), [
	    ("\tlog         /dev/log local0\n", "\tlog stderr local0\n"),
	    ("\tuser        haproxy\n\tgroup       haproxy\n", ""),
	    ("maxconn     20000", "maxconn 1000"),	# not all have the files
	    ("/run/haproxy/admin.sock mode 660", w.path("admin.sock")),
	    ("bind        :443", "bind 127.0.0.1:%d" % w.port),
	    ("127.0.0.1:8404", "127.0.0.1:%d" % w.health),
	    ("/etc/drehscheibe/tls/ca.pem", w.path("tls/ca.pem")),
	    ("check port 9443", "check"),
	] + [("192.0.2.1%d:8443" % (i + 1), "127.0.0.1:%d port %d" %
	    (h.port, h.admin)) for i, h in enumerate(w.hubs)])
	w.cfg = w.write("haproxy.cfg", text)
	w.haproxy = Process([HAPROXY, "-db", "-f", w.cfg],
	    w.path("haproxy.log"))
	both_up(w)


def setup():
	w = World("pair", database=False)
	w.broker = ToolBroker(w, "d", [ent("urn:ngsi-ld:WaterObserved:%d" % i,
	    "WaterObserved", waterLevel=prop("1.%d" % i)) for i in range(9)])
	w.pg_start()
	w.apply(tenants() + source("broker-d", "dortmund", w.broker,
	    ["WaterObserved"]) + agreement("d-f", "dortmund", "froendenberg",
	    "broker-d-data", {"WaterObserved": "allow = {waterLevel}"}))
	w.hubs = [Hub(w, "hub1", 1), Hub(w, "hub2", 2)]
	for h in w.hubs:
		h.start()
	if HAPROXY:
		start_haproxy(w)
		# So that there always are requests under way.
		w.broker.set_fault("delay 20")
	return w


def stat(w):
	"""{server: {column: text}} of the backend."""
	with socket.socket(socket.AF_UNIX) as s:
		s.settimeout(5 * SLOW)
		s.connect(w.path("admin.sock"))
		s.sendall(b"show stat\n")
		text = b""
		while True:
			more = s.recv(65536)
			if not more:
				break
			text += more
	rows = [line.split(",") for line in text.decode().splitlines() if line]
	return {r[1]: dict(zip(rows[0], r)) for r in rows if r[0] == "hubs"}


def is_up(w, hub):
	return os.path.exists(w.path("admin.sock")) and \
	    stat(w)[hub.name]["status"] == "UP"


def is_down(w, hub):
	# "UP 1/2" has failed one check and still takes connections.
	return stat(w)[hub.name]["status"].startswith("DOWN")


def both_up(w):
	def look():
		check(w.haproxy.running(), w.haproxy.text()[-1500:])
		return all(is_up(w, h) for h in w.hubs)
	wait_for(look, 20, "both are UP")


def busy(w):
	"""The hub that has the connections of a load, and the other one."""
	def look():
		s = stat(w)
		n = [int(s[h.name]["scur"]) for h in w.hubs]
		return n if max(n) >= CONNECTIONS // 2 else None
	n = wait_for(look, 10, "connections")
	a = n.index(max(n))
	return w.hubs[a], w.hubs[1 - a]


def in_ledger(w, ids):
	n = len(w.ids_in(ids))
	check(n > 100 / SLOW, "only %d answers" % n)
	wait_for(lambda: w.ledger_of(ids, 1)[1] == n, 30, "all in the ledger")
	same(w.ledger_of(ids, 1), (n, n, 0), "ledger")


@haproxy_test
def keeps_a_client_with_one_hub_and_spreads_many(w):
	def ask_from(last):
		c = http.client.HTTPSConnection("127.0.0.1", w.port,
		    context=w.tls(), timeout=20 * SLOW,
		    source_address=("127.0.0.%d" % last, 0))
		w.ask("froendenberg", Q, conn=c).ok()
		c.close()

	def turns():
		s = stat(w)
		return [int(s[h.name]["stot"]) for h in w.hubs]
	used = set()
	for last in range(2, 14):
		before = turns()
		for i in range(3):
			ask_from(last)
		after = turns()
		got = [b - a for a, b in zip(before, after)]
		same(sorted(got), [0, 3], "connections of one client")
		used.add(got.index(3))
	same(used, {0, 1}, "hubs in use")


@haproxy_test
def loses_no_request_when_one_is_stopped(w):
	ids = w.path("ids-term")
	load = w.load("froendenberg", Q, 6, connections=CONNECTIONS, ids=ids)
	one, other = busy(w)
	time.sleep(1)
	same(one.p.stop(), 0, "exit code of %s: %s" % (one.name,
	    one.p.text()[-800:]))
	at = len(w.ids_in(ids))
	got = load.result()
	same((got["errors"], got["refused"]), (0, 0), "failed requests")
	check(len(w.ids_in(ids)) > at + 100 / SLOW, "answers afterwards")
	one.start()
	both_up(w)
	in_ledger(w, ids)


@haproxy_test
def fails_what_was_under_way_only_when_one_is_killed(w):
	ids = w.path("ids-kill")
	load = w.load("froendenberg", Q, 6, connections=CONNECTIONS, ids=ids)
	one, other = busy(w)
	time.sleep(1)
	one.p.kill(signal.SIGKILL)
	one.p.wait(5)		# till then it may still take connections
	begun, asked = time.monotonic(), 0
	while time.monotonic() - begun < 2 * INTERVAL:
		w.ask("froendenberg", Q).ok()
		asked += 1
	check(asked >= 3, "asked %d times" % asked)
	wait_for(lambda: is_down(w, one), INTERVAL, "known to be down")
	got = load.result()
	check(got["errors"] <= CONNECTIONS, got)
	same(got["refused"], 0, "answers other than 200")
	one.start()
	both_up(w)
	in_ledger(w, ids)
	print("# %d failed of %d" % (got["errors"], got["count"]), flush=True)


@haproxy_test
def leaves_out_one_that_hangs(w):
	load = w.load("froendenberg", Q, 2, connections=CONNECTIONS)
	one, other = busy(w)
	load.result()
	one.p.kill(signal.SIGSTOP)
	try:
		wait_for(lambda: is_down(w, one), HANGING, "known to hang")
		for i in range(5):
			w.ask("froendenberg", Q).ok()
	finally:
		one.p.kill(signal.SIGCONT)
	both_up(w)


@haproxy_test
def tells_keepalived_whether_there_is_a_hub(w):
	script = os.path.join(PLACE, "check-hubs")
	at = "127.0.0.1:%d" % w.health
	run(script, at)
	for h in w.hubs:
		same(h.p.stop(), 0, "exit code")
	wait_for(lambda: all(is_down(w, h) for h in w.hubs), 20, "both down")
	run(script, at, code=22)
	for h in w.hubs:
		h.start()
	both_up(w)
	run(script, at)
	run(script, "127.0.0.1:%d" % free_port(), code=7)
	c = http.client.HTTPConnection("127.0.0.1", w.health,
	    timeout=5 * SLOW)
	c.request("GET", "/metrics")
	text = c.getresponse().read().decode()
	c.close()
	check('haproxy_server_status{proxy="hubs",server="hub1",state="UP"} 1'
	    in text, "metrics: " + text[:300])


@haproxy_test
def sends_to_the_other_while_one_is_serviced(w):
	"""By the lines of contrib/haproxy/README.md."""
	drain, ready = [c for section, c in commands(
	    "contrib/haproxy/README.md") if c.startswith("echo ")]
	desk = Desk(w, w.path("desk"), [("/run/haproxy/admin.sock",
	    w.path("admin.sock"))])
	desk.program("socat", SOCAT)
	desk.run(drain)
	before = stat(w)
	same(before["hub1"]["status"], "DRAIN", "state")
	for last in range(2, 14):
		c = http.client.HTTPSConnection("127.0.0.1", w.port,
		    context=w.tls(), timeout=20 * SLOW,
		    source_address=("127.0.0.%d" % last, 0))
		w.ask("froendenberg", Q, conn=c).ok()
		c.close()
	same([int(stat(w)[h]["stot"]) - int(before[h]["stot"]) for h in
	    ("hub1", "hub2")], [0, 12], "connections")
	desk.run(ready)
	both_up(w)


@haproxy_test
def is_well_formed(w):
	out = run(HAPROXY, "-c", "-f", w.cfg)
	check("warning" not in (out[0] + out[1]).lower(), out)


@test
def keepalived_reads_its_file(w):
	keepalived = installed("keepalived")
	script = w.write("check-hubs", read("check-hubs"))
	os.chmod(script, 0o755)
	conf = w.write("keepalived.conf", changed(read("keepalived.conf"), [
	    ("/etc/keepalived/check-hubs", script),
	    ("interface eth0", "interface lo")]))
	# It says much of what this machine lacks; the file itself is line and
	# key.
	p = subprocess.run([keepalived, "-t", "-f", conf], timeout=30 * SLOW,
	    stdin=subprocess.DEVNULL, capture_output=True, text=True)
	said = p.stdout + p.stderr
	check("Unknown keyword" not in said and "missing" not in said and
	    "invalid" not in said.lower(), said)


@test
def finds_the_writable_one_of_two_databases(w):
	"""The first host is silent, the second a standby, the third takes
	writes."""
	silent = socket.socket()
	silent.bind(("127.0.0.1", 0))
	silent.listen(0)
	# Its queue is full: what comes next is never answered.
	full = [socket.socket() for i in range(4)]
	for s in full:
		s.setblocking(False)
		s.connect_ex(silent.getsockname())
	standby = w.dir + ".pg2"
	run(PG, "start", standby)
	try:
		run("psql", "-Xq", "postgresql:///drehscheibe?host=%s&user="
		    "postgres" % standby, "-c", "ALTER DATABASE drehscheibe "
		    "SET default_transaction_read_only = on")
		h = Hub(w, "hub3", 3)
		with open(h.conf, encoding="utf-8") as f:
			text = f.read()
		w.write("hub3.conf", changed(text, [('database = "%s"' %
		    w.database, 'database = "host=127.0.0.1,%s,%s port=%d,5432,'
		    '5432 user=postgres dbname=drehscheibe '
		    'target_session_attrs=read-write tcp_user_timeout=2000"' %
		    (standby, w.pg, silent.getsockname()[1]))]))
		h.start()
		wait_for(lambda: h.p.text().count("connected") >= 2, 60,
		    "listener and loader are connected: " + h.p.text()[-1500:])
		same(h.p.stop(), 0, "exit code")
	finally:
		run(PG, "stop", standby)
		for s in full + [silent]:
			s.close()
	w.hub = w.hubs[0].p


def end(w):
	"""finish() stops the hub that was started last; here the others."""
	for h in w.hubs:
		if h.p is not w.hub:
			same(h.p.stop(), 0, "exit code of " + h.name)
	if HAPROXY:
		w.haproxy.stop()


@test
def ends_cleanly(w):
	end(w)


main(setup)
