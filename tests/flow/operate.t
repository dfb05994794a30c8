#!/usr/bin/env python3
# operate.t - status, reload, drain and log-level over the control socket;
# reload and restart under load, without a request that fails.
import fcntl
import os
import resource
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"


def setup():
	w = World("operate", {"d": Broker([ent("urn:ngsi-ld:WaterObserved:1",
	    "WaterObserved", waterLevel=prop("1"))])},
	    settings='control = "control.sock"')
	w.apply(tenants() + source("broker-d", "dortmund", w.brokers["d"],
	    ["WaterObserved"]) + agreement("d-f", "dortmund",
	    "froendenberg", "broker-d-data", {"WaterObserved":
	    "allow = {waterLevel}"}))
	w.start()
	return w


def status(w, *more):
	return json.loads(w.ctl("-o", "json", "status", *more)[0])


def change(w, old, new):
	"""In hubd.conf."""
	text = open(w.path("hubd.conf")).read()
	check(old in text, "%r is not in hubd.conf" % old)
	w.write("hubd.conf", text.replace(old, new, 1))


@contextlib.contextmanager
def clients(w, n=4, port=None):
	"""Asks all the time, each on connections of its own, a new one when the
	hub says so; yields the list of what went wrong, and of the answers."""
	bad, good, stop = [], [], threading.Event()

	def run_one():
		conn = None
		while not stop.is_set():
			try:
				if conn is None:
					conn = w.connect()
				a = w.ask("froendenberg", Q, conn=conn)
				if a.status != 200 or a.warnings():
					bad.append((a.status, a.body[:200]))
				good.append(1)
				if a.one("Connection") == "close":
					conn.close()
					conn = None
			except Exception as e:
				bad.append(repr(e))
				conn = None
	threads = [threading.Thread(target=run_one) for i in range(n)]
	for t in threads:
		t.start()
	try:
		yield bad, good
	finally:
		stop.set()
		for t in threads:
			t.join()


@test
def status_tells_how_the_hub_is(w):
	w.ask("froendenberg", Q).ok()
	s = status(w)
	for key, want in (("ready", True), ("draining", False), ("bundle", 1),
	    ("name", "hub.drehscheibe.example"), ("database", True),
	    ("log-level", "info"), ("pid", w.hub.p.pid)):
		same(s[key], want, key)
	same(len(s["workers"]), 2, "workers")
	same(s["sources"], [{"name": "broker-d", "paused": False}], "sources")
	same(sum(x["answered"] for x in s["workers"]), 1, "answered")
	table = w.ctl("--lang", "en", "status")[0]
	check(re.search(r"^state +ready$", table, re.M), table)
	check("source broker-d" not in table, table)
	check("source broker-d" in w.ctl("--lang", "en", "status",
	    "--all")[0], "--all")
	check("bereit" in w.ctl("--lang", "de", "status")[0], "German")


@test
def log_level_changes_at_once(w):
	w.ctl("log-level", "debug")
	w.ask("froendenberg", Q).ok()
	wait_for(lambda: w.logged("level=debug"), 5, "a debug line")
	w.ctl("log-level", "info")
	same(status(w)["log-level"], "info", "level")
	err = w.ctl("log-level", "loud", code=64)[1]
	check("err, warn, info and debug" in err, err)


@test
def prints_its_settings(w):
	"""As a file that says the same; a secret is in none of it."""
	conf = w.path("hubd.conf")
	out = run(HUBD, "--print-config", "-c", conf, env=dict(os.environ,
	    HUB_DATABASE="host=db password=geheim"))[0]
	check("workers = 2  # %s:" % conf in out, out)
	check("log-format = logfmt  # default" in out, out)
	check("password='***' host='db'\"  # HUB_DATABASE" in out and
	    "geheim" not in out, out)
	w.write("printed.conf", run(HUBD, "--print-config", "-c", conf)[0])
	run(HUBD, "-t", "-c", w.path("printed.conf"))
	w.write("printed.conf", "nonsense = 1\n")
	out, err = run(HUBD, "--print-config", "-c", w.path("printed.conf"),
	    code=78)
	check(out == "" and "unknown key 'nonsense'" in err, err)


@test
def a_dry_run_changes_nothing(w):
	"""It says what the command would, and exits as it would."""
	before = w.hub.text()
	same(w.ctl("--lang", "en", "log-level", "debug", "--dry-run")[0],
	    "the log level would change from info to debug\n", "log-level")
	w.ctl("log-level", "loud", "--dry-run", code=64)
	same(status(w)["log-level"], "info", "level")
	out, err = w.ctl("--lang", "en", "reload", "--dry-run")
	check("would be read again" in out and err == "", out + err)
	old = open(w.path("hubd.conf")).read()
	change(w, "workers  = 2", "workers  = 3")
	err = w.ctl("--lang", "de", "reload", "--dry-run")[1]
	check("wirken erst nach einem Neustart: workers" in err, err)
	w.write("hubd.conf", old + "\nnonsense = 1\n")
	out, err = w.ctl("reload", "--dry-run", code=78)	# hubctl reads it, too
	check("unknown key 'nonsense'" in err and out == "", out + err)
	w.write("hubd.conf", old.replace("tls/hub.key", "tls/none.key"))
	check("none.key" in w.ctl("reload", "--dry-run", code=1)[1], "key")
	w.write("hubd.conf", old)
	out = w.ctl("--lang", "en", "drain", "--dry-run")[0]
	check("would end: 0 requests under way, at most 5000 ms" in out, out)
	w.ask("froendenberg", Q).ok()
	same([status(w)[k] for k in ("draining", "ready")], [False, True],
	    "the hub")
	for word in ("reload", "draining", "log level changed"):
		check(word not in w.hub.text()[len(before):], word)


@test
def the_socket_takes_one_strict_line(w):
	def say(data):
		s = socket.socket(socket.AF_UNIX)
		s.settimeout(10 * SLOW)
		s.connect(w.path("control.sock"))
		s.sendall(data)
		got = b""
		while True:
			more = s.recv(65536)
			if not more:
				return got
			got += more
	same(os.stat(w.path("control.sock")).st_mode & 0o777, 0o600, "mode")
	check(b'"ok":true' in say(b"status\n"), "status")
	for bad in (b"status\nstatus\n", b"status \n", b"STATUS\n", b"\n",
	    b"status\r\n", b"log-level\n", b"x" * 128, b"reload now\n",
	    b"\0\n", b"log-level  info\n", b"status dry-run\n",
	    b"reload  dry-run\n", b"log-level dry-run\n", b"dry-run\n",
	    b" dry-run\n", b"reload dry-run dry-run\n"):
		got = json.loads(say(bad))
		same(got["error"], "usage", "%r" % bad)
	socks = []
	for i in range(20):	# more than it serves at once, and silent
		s = socket.socket(socket.AF_UNIX)
		s.connect(w.path("control.sock"))
		socks.append(s)
	w.ask("froendenberg", Q).ok()
	for s in socks:
		s.close()
	wait_for(lambda: b'"ok"' in say(b"status\n"), 5, "it serves again")


@test
def only_who_may_is_heard(w):
	"""The kernel's word: another user is refused, whatever the file's mode
	says."""
	if os.geteuid() != 0:
		skip("not root, no other user to be")
	os.chmod(w.path("control.sock"), 0o666)
	os.chmod(w.dir, 0o755)
	r, wr = os.pipe()
	pid = os.fork()
	if pid == 0:
		os.setgroups([])
		os.setgid(65534)
		os.setuid(65534)
		out = b"none"
		with contextlib.suppress(OSError):
			s = socket.socket(socket.AF_UNIX)
			s.settimeout(10)
			s.connect(w.path("control.sock"))
			out = s.recv(4096)
		os.write(wr, out)
		os._exit(0)
	os.waitpid(pid, 0)
	got = os.read(r, 4096)
	check(b'"error":"denied"' in got, "got %r" % got)
	wait_for(lambda: w.logged('msg="control: refused" uid=65534'), 5, "log")


def seconds_of(pid):
	"""Of a processor, so far."""
	with open("/proc/%d/stat" % pid) as f:
		user, system = f.read().rpartition(")")[2].split()[11:13]
	return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@test
def waits_for_a_descriptor_without_spinning(w):
	pid = w.hub.p.pid
	limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
	s = socket.socket(socket.AF_UNIX)
	s.settimeout(10 * SLOW)
	resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
	try:
		s.connect(w.path("control.sock"))
		s.send(b"status\n")
		begun = seconds_of(pid)
		time.sleep(2)
		used = seconds_of(pid) - begun
	finally:
		resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
	check(used < 0.15, "%.2f s of a processor in 2 s" % used)
	check(s.recv(16).startswith(b'{"ok":true'), "answered then")
	s.close()


@test
def a_reload_under_load_fails_no_request(w):
	def serial():
		with w.raw_socket() as s:
			return s.getpeercert(True)
	first = serial()
	with clients(w) as (bad, good):
		for i in range(5):
			run(HUBTOOL, "certs", w.path("tls2"))
			for f in ("hub.pem", "hub.key", "ca.pem"):
				if i == 2:
					shutil.copy(w.path("tls2", f),
					    w.path("tls", f))
			if i % 2:
				w.hub.kill(signal.SIGHUP)
			else:
				w.ctl("reload")
			time.sleep(0.3)
	same(bad, [], "what failed")
	check(len(good) > 20, "only %d answers" % len(good))
	check(serial() != first, "the certificate is the old one")
	check(w.hub.text().count('msg="reloaded"') >= 4, "reloads")


@test
def a_bad_file_changes_nothing_and_is_named(w):
	text = open(w.path("hubd.conf")).read()
	w.write("hubd.conf", text + "\nnonsense = 1\n")
	line = text.count("\n") + 2
	before = len(w.hub.text())
	w.hub.kill(signal.SIGHUP)
	wait_for(lambda: "reload refused" in w.hub.text()[before:], 5, "log")
	check("hubd.conf:%d: unknown key 'nonsense'" % line in
	    w.hub.text()[before:], w.hub.text()[before:])
	w.ask("froendenberg", Q).ok()
	w.write("hubd.conf", text.replace("tls/hub.key", "tls/none.key"))
	w.hub.kill(signal.SIGHUP)
	wait_for(lambda: "none.key" in w.hub.text(), 5, "log")
	w.ask("froendenberg", Q).ok()
	w.write("hubd.conf", text)
	w.ctl("reload")
	same(status(w)["ready"], True, "ready")


@test
def limits_take_effect_and_the_rest_is_named(w):
	old = open(w.path("hubd.conf")).read()
	change(w, "limits { drain = 5s", "limits { drain = 5s header = 1KiB")
	change(w, "workers  = 2", "workers  = 3")
	change(w, '"64MiB"', '"32MiB"')
	err = w.ctl("reload")[1]
	check("take effect with a restart only: workers spool.size" in err, err)
	same(w.ask("froendenberg", Q, headers=[("X-Long", "x" * 4000)]).status,
	    431, "header of 4 KB")
	w.write("hubd.conf", old)
	w.ctl("reload")
	w.ask("froendenberg", Q, headers=[("X-Long", "x" * 4000)]).ok()
	same(len(status(w)["workers"]), 2, "workers")


@test
def drain_ends_the_hub(w):
	w.ctl("drain")
	same(w.hub.wait(10), 0, "exit code")
	err = w.ctl("--lang", "en", "status", code=69)[1]
	check("hubd does not run here" in err, err)
	check(not os.path.exists(w.path("control.sock")), "socket file")
	w.start()


@test
def a_second_drain_ends_nothing_at_once(w):
	w.brokers["d"].fault = delay(2)
	got = []
	t = threading.Thread(target=lambda:
	    got.append(w.ask("froendenberg", Q).status))
	t.start()
	wait_for(lambda: sum(x["open"] for x in status(w)["workers"]), 5,
	    "a request under way")
	same(w.ctl("drain"), ("", ""), "the first one")
	for argv in (("drain",), ("drain", "--dry-run")):
		out, err = w.ctl("--lang", "en", *argv)
		check("about to end already: 1 requests" in err and out == "",
		    out + err)
	check("about to end" in w.ctl("--lang", "en", "reload", "--dry-run",
	    code=1)[1], "reload")
	t.join()
	same(got, [200], "what was under way")
	same(w.hub.wait(10), 0, "exit code")
	w.brokers["d"].fault = None
	w.start()


# ---- the test plays the service manager

class Manager:
	def __init__(self, w):
		self.w = w
		self.public = socket.socket()
		self.public.bind(("127.0.0.1", 0))
		self.public.listen(512)
		self.admin = socket.socket()
		self.admin.bind(("127.0.0.1", 0))
		self.admin.listen(16)
		self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		self.notify.bind(w.path("notify.sock"))
		self.notify.setblocking(False)
		self.said = []

	def start(self, names="public:admin", watchdog=None, fds="2"):
		# The two descriptors become 3 and 4, whatever they are here.
		env = dict(os.environ, LISTEN_FDS=fds, LISTEN_FDNAMES=names,
		    NOTIFY_SOCKET=self.w.path("notify.sock"))
		if watchdog:
			env["WATCHDOG_USEC"] = str(watchdog)
		a, b = (fcntl.fcntl(x.fileno(), fcntl.F_DUPFD, 100)
		    for x in (self.public, self.admin))
		script = "exec 8<&%d 9<&%d; exec 3<&8 4<&9 8<&- 9<&-; " \
		    "LISTEN_PID=$$ exec %s -c %s -f" % (a, b, HUBD,
		    self.w.path("hubd.conf"))
		log = self.w.path("hubd.log")
		hub = Process.__new__(Process)
		hub.log, hub.name = log, "hubd"
		with open(log, "ab") as out:
			hub.seen = out.tell()
			hub.p = subprocess.Popen(["bash", "-c", script],
			    stdin=subprocess.DEVNULL, stdout=out, stderr=out,
			    env=env, pass_fds=(a, b))
		Process.everyone.append(hub)
		os.close(a)
		os.close(b)
		self.w.hub = hub
		self.w.port = self.public.getsockname()[1]
		self.w.admin = self.admin.getsockname()[1]

	def heard(self, word):
		with contextlib.suppress(OSError):
			while True:
				self.said += self.notify.recv(4096).decode() \
				    .split("\n")
		return word in self.said


@test
def a_restart_under_load_fails_no_request(w):
	w.stop()
	m = Manager(w)
	m.start(watchdog=6000000)
	wait_for(lambda: m.heard("READY=1"), 15, "READY=1")
	wait_for(lambda: w.ready()[0] == 200, 15, "ready")
	check(w.logged("inherited=yes"), "inherited")
	wait_for(lambda: m.heard("WATCHDOG=1"), 10, "WATCHDOG=1")
	with clients(w) as (bad, good):
		for i in range(3):
			time.sleep(0.5)
			n = len(good)
			w.hub.kill(signal.SIGTERM)
			same(w.hub.wait(10), 0, "exit code")
			m.start()
			wait_for(lambda: len(good) > n + 10, 20, "answers")
	# Nothing is in force in a fresh hub until it has read its region.
	same([b for b in bad if b[0] != 503], [], "what failed")
	same(bad, [], "what failed")
	check(m.heard("STOPPING=1"), "STOPPING=1")
	m.said = []
	w.ctl("reload")
	check(m.heard("RELOADING=1") and m.heard("READY=1"), "RELOADING=1")


@test
def refuses_sockets_that_it_does_not_know(w):
	w.stop()
	os.unlink(w.path("notify.sock"))
	m = Manager(w)
	m.start(names="public:postgres")
	same(w.hub.wait(10), 69, "exit code")
	check("allowed: public, admin" in w.hub.text(), w.hub.text())
	for fds in ("257", "-1", "two", ""):
		m.start(fds=fds)
		same(w.hub.wait(10), 69, "exit code with LISTEN_FDS=" + fds)
		check("LISTEN_FDS: the number of sockets" in w.hub.text(),
		    w.hub.text())
	w.start()


@test
def says_in_its_log_why_it_does_not_start(w):
	"""In the background its standard error leads nowhere."""
	good = open(w.path("hubd.conf")).read()
	w.stop()
	try:
		for log in ("", 'log = "hub.log"\n'):
			w.write("hubd.conf", log + good)
			change(w, 'directory = "spool"',
			    'directory = "not-there"')
			p = subprocess.run([HUBD, "-c", w.path("hubd.conf")],
			    capture_output=True, text=True,
			    timeout=20 * SLOW)
			said = wait_for(lambda: p.stderr or
			    os.path.exists(w.path("hub.log")) and "cannot "
			    "start" in open(w.path("hub.log")).read() and
			    open(w.path("hub.log")).read(), 10, "a reason")
			check("spool.directory" in said and
			    "No such file" in said, said)
	finally:
		w.write("hubd.conf", good)
		w.start()


main(setup)
