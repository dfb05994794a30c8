"""world.py - what a run of the bench needs around the contenders: keys, tokens,
the brokers' files behind nginx, a private PostgreSQL, and how CPU is read."""
import atexit
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

import data

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
TICK = os.sysconf("SC_CLK_TCK")
PROXY_CORE, LOAD_CORE = "0", "1"
ISSUER = "https://issuer.bench.example"
CONTEXT = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"


class Trouble(Exception):
	pass


def installed(program):
	"""Also where a user's PATH does not lead."""
	return shutil.which(program, path=os.environ.get("PATH", "") +
	    ":/usr/sbin:/usr/local/sbin")


# ---- processes and what they cost

def run(*argv, **more):
	p = subprocess.run(argv, capture_output=True, text=True, timeout=120,
	    **more)
	if p.returncode != 0:
		raise Trouble("%s: exit code %d: %s%s" % (" ".join(argv[:5]),
		    p.returncode, p.stdout[-500:], p.stderr[-1500:]))
	return p.stdout


def stat_of(pid):
	"""Parent, and ticks of it and of its children that have ended."""
	with open("/proc/%d/stat" % pid) as f:
		fields = f.read().rsplit(") ", 1)[1].split()
	return int(fields[1]), [int(x) for x in fields[11:15]]


def cpu_of(root):
	"""Seconds of user and of system time of a process and all below it."""
	stats = {}
	for name in os.listdir("/proc"):
		if name.isdigit():
			try:
				stats[int(name)] = stat_of(int(name))
			except OSError:
				pass	# it has just ended
	user = system = 0
	todo = [root]
	while todo:
		pid = todo.pop()
		if pid not in stats:
			continue
		u, s, cu, cs = stats[pid][1]
		user += u + cu
		system += s + cs
		todo += [p for p in stats if stats[p][0] == pid]
	return user / TICK, system / TICK


def other_threads(pid):
	"""Seconds of all threads of a process but its busiest one."""
	spent = []
	for tid in os.listdir("/proc/%d/task" % pid):
		with open("/proc/%d/task/%s/schedstat" % (pid, tid)) as f:
			spent.append(int(f.read().split()[0]) / 1e9)
	return sum(spent) - max(spent)


def machine_busy():
	with open("/proc/stat") as f:
		t = [int(x) for x in f.readline().split()[1:]]
	return (sum(t[:8]) - t[3] - t[4]) / TICK


def free_port():
	with socket.socket() as s:
		s.bind(("127.0.0.1", 0))
		return s.getsockname()[1]


# ---- the world: keys, tokens, data, broker, database

class World:
	def __init__(self, build, floor):
		self.build = build
		self.floor = floor
		self.dir = tempfile.mkdtemp(prefix="hubbench.")
		self.children = []
		self.pg = None
		self.port = free_port()
		self.upstream_port = free_port()
		atexit.register(self.close)
		os.chmod(self.dir, 0o711)
		self.make_keys()
		self.make_data()
		self.upstream = self.start_pinned(LOAD_CORE, "nginx", "-p",
		    self.dir, "-e", self.path("upstream.log"), "-c",
		    self.fill("upstream.conf"))
		self.wait_port(self.upstream_port, self.upstream)
		self.make_database()

	def close(self):
		for p in self.children:
			self.stop(p)
		if self.pg:
			run(self.tool("pg.sh"), "stop", self.pg)
		shutil.rmtree(self.dir, ignore_errors=True)

	def path(self, *parts):
		return os.path.join(self.dir, *parts)

	@staticmethod
	def tool(name):
		return os.path.join(SOURCE, "tests/support", name)

	def write(self, name, content):
		os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
		with open(self.path(name), "wb") as f:
			f.write(content if isinstance(content, bytes)
			    else content.encode())
		return self.path(name)

	def filled(self, name, **more):
		"""A template with its @WORDS@ replaced."""
		words = {"DIR": self.dir, "PORT": self.port, "ISSUER": ISSUER,
		    "UPSTREAM": self.upstream_port, "CONTEXT": CONTEXT,
		    "SMALL": data.SMALL, "LARGE": data.LARGE,
		    "MEDIUM": data.MEDIUM,
		    "CHANGING": data.bytes_of(
			data.changing("$request_id")).decode(),
		    "USER": "user root;" if os.geteuid() == 0 else ""}
		words.update(more)
		with open(os.path.join(HERE, name + ".in")) as f:
			text = f.read()
		for word, value in words.items():
			text = text.replace("@%s@" % word, str(value))
		return text

	def fill(self, name, **more):
		return self.write(name, self.filled(name, **more))

	# -- processes

	def start_pinned(self, core, program, *argv):
		name = os.path.basename(program)
		with open(self.path(name + ".out"), "ab") as out:
			p = subprocess.Popen(["taskset", "-c", core,
			    installed(program), *argv], cwd=self.dir,
			    stdin=subprocess.DEVNULL, stdout=out, stderr=out)
		p.output = self.path(name + ".out")
		self.children.append(p)
		return p

	def stop(self, p):
		if p.poll() is None:
			p.terminate()
			try:
				p.wait(30)
			except subprocess.TimeoutExpired:
				p.kill()
				p.wait()
		if p in self.children:
			self.children.remove(p)

	def wait_port(self, port, p):
		for i in range(300):
			if p.poll() is not None:
				break
			with socket.socket() as s:
				if s.connect_ex(("127.0.0.1", port)) == 0:
					return
			time.sleep(0.05)
		with open(p.output, errors="replace") as f:
			raise Trouble("%s does not listen: %s" %
			    (p.args[3], f.read()[-1500:]))

	# -- files

	def make_keys(self):
		run(os.path.join(self.build, "tests/support/hubtool"), "certs",
		    self.path("tls"))
		run("openssl", "pkey", "-in", self.path("tls/rs256.key"),
		    "-pubout", "-out", self.path("tls/rs256.pub"))
		both = b""
		for name in ("hub.pem", "hub.key"):
			with open(self.path("tls", name), "rb") as f:
				both += f.read()
		self.write("tls/both.pem", both)
		now = int(time.time())
		good = self.mint(now, now + 3500)
		self.write("token.good", good)
		self.write("token.expired", self.mint(now - 3500, now - 600))
		at = good.rindex(".") + 20
		self.write("token.forged", good[:at] +
		    ("A" if good[at] != "A" else "B") + good[at + 1:])

	def mint(self, issued, expires):
		claims = {"iss": ISSUER, "aud": "regional-hub", "sub": "bench",
		    "jti": "bench-%d" % expires, "iat": issued, "exp": expires,
		    "hub_tenant": "kamen", "scope": "hub.read purpose:klima",
		    "resource_access": {"regional-hub":
			{"roles": ["data-reader"]}}}
		return run(os.path.join(self.build, "server/hubctl/hubctl"),
		    "token", "mint", "--key", self.path("tls/rs256.key"),
		    "--alg", "RS256", "--kid", "rs256-1", "--typ", "at+jwt",
		    "-", input=json.dumps(claims)).strip()

	def make_data(self):
		self.small = data.bytes_of(data.small())
		self.write("data/small.json", self.small)
		self.large_size = 0
		for i in range(3):
			body = data.bytes_of(data.large(i))
			self.large_size += len(body)
			self.write("data/b%d.json" % i, body)
			self.write("data/m%d.json" % i,
			    data.bytes_of(data.medium(i)))
		os.chmod(self.path("data"), 0o755)

	def make_database(self):
		self.pg = self.dir + ".pg"
		with open(self.path("pg.out"), "w+") as out:
			code = subprocess.run(["taskset", "-c", LOAD_CORE,
			    self.tool("pg.sh"), "start", self.pg], stdout=out,
			    stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
			    timeout=120).returncode
			out.seek(0)
			self.database = out.read().strip()
		if code != 0:
			self.pg = None
			raise Trouble("PostgreSQL: " + self.database)
		self.pg_pid = int(run(self.tool("pg.sh"), "pid", self.pg))
		text = self.filled("region.hub")
		for name, owner, path, kind in (
		    ("one", "schwerte", "", "Sensor"),
		    ("new", "schwerte", "/new", "Probe"),
		    ("b0", "dortmund", "/b0", "Gauge"),
		    ("b1", "schwerte", "/b1", "Gauge"),
		    ("b2", "unna", "/b2", "Gauge"),
		    ("m0", "dortmund", "/m0", "Meter"),
		    ("m1", "schwerte", "/m1", "Meter"),
		    ("m2", "unna", "/m2", "Meter")):
			text += self.filled("source.hub", NAME=name, TYPE=kind,
			    OWNER=owner, PATH=path)
		conf = self.fill("hubd.conf", DATABASE=self.database)
		os.makedirs(self.path("spool"), exist_ok=True)
		for argv in (["db", "init"],
		    ["apply", self.write("region.hub", text)]):
			run(os.path.join(self.build, "server/hubctl/hubctl"),
			    "-c", conf, *argv)

	# -- a request

	def ask(self, path, token=None):
		tls = ssl.create_default_context(
		    cafile=self.path("tls/ca.pem"))
		c = http.client.HTTPSConnection("127.0.0.1", self.port,
		    context=tls, timeout=20)
		headers = {}
		if token:
			with open(self.path("token." + token)) as f:
				headers["Authorization"] = "Bearer " + f.read()
		try:
			c.request("GET", path, headers=headers)
			r = c.getresponse()
			return r.status, r.read()
		finally:
			c.close()
