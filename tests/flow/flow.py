"""flow.py - what the flow tests share: a private PostgreSQL, scripted brokers,
the real hubd on port 0, tokens, raw HTTP.  Python's standard library only;
loopback only; every wait has a deadline; all is stopped by pid.

A test file looks like this:

	from flow import *

	@test
	def shares_only_what_was_agreed(w):
		...

	main(setup)		# setup() returns a World

A test fails by an exception; `check` and `same` raise with what was seen.
`skip` ends one that lacks something here: it counts as neither good nor bad.
"""
import atexit
import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import openapi

SRC = os.environ.get("HUB_SRCDIR") or os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("HUB_BUILDDIR") or SRC
HUBD = os.path.join(BUILD, "server/hubd")
HUBCTL = os.path.join(BUILD, "server/hubctl/hubctl")
HUBTOOL = os.environ.get("HUBTOOL") or os.path.join(
    BUILD, "tests/support/hubtool")
PG = os.path.join(SRC, "tests/support/pg.sh")
# Is every answer one that /openapi.json has?
OPENAPI = os.environ.get("HUB_FLOW_OPENAPI") != "0"
# Sanitizers make everything slower: bounds of time are stretched by this.
SLOW = float(os.environ.get("HUB_FLOW_SLOW", "1"))
# The ledger's days and months are those of Germany; so are ours and those of
# what we start (written out, since a small system has no table of zones).
os.environ["TZ"] = "CET-1CEST,M3.5.0,M10.5.0/3"
time.tzset()

CONTEXT = "https://drehscheibe.example/contexts/flow.jsonld"
LINK = '<%s>; rel="http://www.w3.org/ns/json-ld#context"; ' \
    'type="application/ld+json"' % CONTEXT
ISSUER = "https://idm.drehscheibe.example/region"
OTHER_ISSUER = "https://idm.schwerte.example/stadt"
ROOT = "/ngsi-ld/v1"
ENTITIES = ROOT + "/entities"


class Failed(Exception):
	pass


class Skipped(Exception):
	pass


def check(condition, what):
	if not condition:
		raise Failed(what)


def same(got, want, what="value"):
	if got != want:
		raise Failed("%s: got %.300r, want %.300r" % (what, got, want))


def skip(why):
	raise Skipped(why)


def installed(program):
	"""Where it is; without it the test is skipped."""
	path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")
	return path or skip(program + " is not installed")


def wait_for(condition, seconds, what):
	"""Polls until condition() is true; its value is returned."""
	end = time.monotonic() + seconds * SLOW
	while True:
		value = condition()
		if value:
			return value
		if time.monotonic() > end:
			raise Failed("after %g s still not: %s" % (seconds, what))
		time.sleep(0.02)


def whole(data):
	"""The lines of a file that is being written."""
	return data[:data.rfind(b"\n") + 1]


# ---- processes

class Process:
	"""A child with its output in a file."""
	everyone = []

	def __init__(self, argv, log, env=None):
		self.log = log
		self.name = os.path.basename(argv[0])
		with open(log, "ab") as out:
			self.seen = out.tell()
			self.p = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
			    stdout=out, stderr=out, env=env)
		Process.everyone.append(self)

	def text(self):
		"""What it wrote, in whole lines: a write may be seen in part."""
		with open(self.log, "rb") as f:
			f.seek(self.seen)
			return whole(f.read()).decode("utf-8", "replace")

	def running(self):
		return self.p.poll() is None

	def kill(self, signo):
		if self.running():
			self.p.send_signal(signo)

	def wait(self, seconds):
		try:
			return self.p.wait(seconds * SLOW)
		except subprocess.TimeoutExpired:
			self.p.kill()
			self.p.wait(10)
			raise Failed("%s did not end within %g s" %
			    (self.name, seconds))

	def stop(self, signo=signal.SIGTERM, seconds=20):
		self.kill(signo)
		return self.wait(seconds)


def kill_everyone():
	for p in Process.everyone:
		if p.running():
			p.p.kill()
			p.p.wait(10)


def slow_disk(w, seconds):
	"""The environment of a hubd whose every sync takes so much longer."""
	library = w.path("disk.so")
	run("cc", "-shared", "-fPIC", "-o", library,
	    os.path.join(SRC, "tests/support/disk.c"))
	# A sanitizer's runtime must be loaded first.
	loaded = re.findall(r"=> (/\S*/lib[at]san\.so\S*)",
	    run("ldd", HUBD)[0]) + [library]
	return dict(os.environ, LD_PRELOAD=":".join(loaded),
	    HUB_DISK_SYNC=str(int(seconds * 1e6)))


def run(*argv, stdin=None, code=0, seconds=60, env=None):
	"""Runs a program to its end; returns (stdout, stderr)."""
	p = subprocess.run(argv, input=stdin, capture_output=True,
	    timeout=seconds * SLOW, text=True, env=env)
	if code is not None and p.returncode != code:
		raise Failed("%s: exit code %d, want %d: %s%s" % (
		    " ".join(argv[:4]), p.returncode, code, p.stdout[-500:],
		    p.stderr[-1500:]))
	return p.stdout, p.stderr


# ---- brokers

def ent(id, type, **attrs):
	"""The bytes of an entity; attributes are given as JSON text."""
	parts = ['"id":"%s"' % id, '"type":"%s"' % type]
	parts += ['"%s":%s' % (k, v) for k, v in attrs.items()]
	return ("{" + ",".join(parts) + "}").encode()


def prop(value, at=None, unit=None, more=""):
	"""A Property; value is JSON text and stays as it is."""
	return '{"type":"Property","value":%s%s%s%s}' % (value,
	    ',"observedAt":"%s"' % at if at else "",
	    ',"unitCode":"%s"' % unit if unit else "", more)


def point(lon, lat):
	return '{"type":"GeoProperty","value":{"type":"Point",' \
	    '"coordinates":[%s,%s]}}' % (lon, lat)


class Broker:
	"""A scripted NGSI-LD broker.  It ignores attrs, q and geo parameters
	(as real ones do): what the hub filters, it filters itself.

	fault: None, or a function of (broker, connection, request, body) that
	returns True when the connection stays usable.  The usual ones are
	below; `answer` sends one."""

	def __init__(self, entities=(), context=CONTEXT, paging=True):
		self.entities = list(entities)
		self.context = context
		self.paging = paging
		self.fault = None
		self.log = []
		self.port = 0
		self.sock = None
		self.open = set()
		self.lock = threading.Lock()
		self.start()

	@property
	def url(self):
		return "http://127.0.0.1:%d" % self.port

	def start(self):
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(("127.0.0.1", self.port))
		s.listen(512)
		self.port = s.getsockname()[1]
		self.sock = s
		threading.Thread(target=self.accept, args=(s,),
		    daemon=True).start()

	def stop(self):
		"""As if the machine had gone: no listener, no connections."""
		s, self.sock = self.sock, None
		with contextlib.suppress(OSError):
			s.shutdown(socket.SHUT_RDWR)
		s.close()
		with self.lock:
			conns = list(self.open)
		for c in conns:
			with contextlib.suppress(OSError):
				c.shutdown(socket.SHUT_RDWR)

	def accept(self, s):
		while True:
			try:
				c, _ = s.accept()
			except OSError:
				return
			c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
			with self.lock:
				self.open.add(c)
			threading.Thread(target=self.serve, args=(c,),
			    daemon=True).start()

	def serve(self, c):
		data = b""
		try:
			while True:
				while b"\r\n\r\n" not in data:
					more = c.recv(65536)
					if not more:
						return
					data += more
				head, data = data.split(b"\r\n\r\n", 1)
				lines = head.decode().split("\r\n")
				with self.lock:
					self.log.append(lines)
				fault = self.fault
				rq = lines[0].split(" ")[1]
				if fault is None:
					answer(c, *self.reply(rq))
				elif not fault(self, c, rq):
					return
		except OSError:
			pass
		finally:
			with self.lock:
				self.open.discard(c)
			with contextlib.suppress(OSError):
				c.close()

	def reply(self, rq):
		from urllib.parse import parse_qs, unquote, urlsplit
		u = urlsplit(rq)
		par = {k: v[0] for k, v in parse_qs(u.query).items()}
		link = "Link: <%s>; rel=\"http://www.w3.org/ns/json-ld#context\"" \
		    "; type=\"application/ld+json\"" % self.context
		if u.path.rstrip("/") != ENTITIES:
			want = unquote(u.path.rstrip("/").rsplit("/", 1)[1])
			for e in self.entities:
				if json.loads(e)["id"] == want:
					return 200, e, [link]
			return 404, b'{"type":"about:blank","title":"none"}', []
		types = par.get("type", "").split(",")
		ids = par.get("id")
		found = []
		for e in self.entities:
			o = json.loads(e)
			mine = o["type"] if isinstance(o["type"], list) \
			    else [o["type"]]
			if not any(t.rsplit("/", 1)[-1] in mine for t in types):
				continue
			if ids is None or o["id"] in ids.split(","):
				found.append(e)
		total = len(found)
		if self.paging:
			at = int(par.get("offset", 0))
			found = found[at:at + int(par.get("limit", 20))]
		return (200, b"[" + b",".join(found) + b"]",
		    [link, "NGSILD-Results-Count: %d" % total])

	def asked(self):
		with self.lock:
			return list(self.log)

	def forget(self):
		with self.lock:
			self.log = []


def answer(c, status, body, fields=(), type="application/json", length=None,
    keep=True):
	head = ["HTTP/1.1 %d X" % status, "Content-Type: " + type,
	    "Content-Length: %d" % (len(body) if length is None else length)]
	c.sendall("\r\n".join(head + list(fields)).encode() + b"\r\n\r\n" +
	    body)
	return keep


def hang(b, c, rq):
	"""Accepts, reads, never answers; ends when the other side closes."""
	with contextlib.suppress(OSError):
		while c.recv(65536):
			pass
	return False


def delay(seconds):
	def fault(b, c, rq):
		time.sleep(seconds)
		return answer(c, *b.reply(rq))
	return fault


def status(n, body=b'{"title":"secret of the broker"}', fields=()):
	def fault(b, c, rq):
		return answer(c, n, body, fields)
	return fault


def redirect(url):
	return status(302, b"", ["Location: " + url])


def body(text, type="application/json"):
	def fault(b, c, rq):
		return answer(c, 200, text, type=type)
	return fault


def truncate(b, c, rq):
	code, text, fields = b.reply(rq)
	return answer(c, code, text[:-2], fields, length=len(text) + 100,
	    keep=False)


def oversize(b, c, rq):
	c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	    b"Transfer-Encoding: chunked\r\n\r\n")
	for i in range(4096):
		c.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
	return False


def reset(b, c, rq):
	c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
	    b"\1\0\0\0\0\0\0\0")
	return False


def stale(b, c, rq):
	"""Answers as if to keep the connection, then closes it silently."""
	answer(c, *b.reply(rq))
	return False


def drip(b, c, rq):
	c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
	for i in range(100):
		c.sendall(b" ")
		time.sleep(0.2)
	return False


class ToolBroker:
	"""hubtool's broker: quick, for load."""

	def __init__(self, w, name, entities):
		data = w.write(name + ".json", (b"[" + b",".join(entities) +
		    b"]").decode())
		context = w.write(name + ".jsonld",
		    json.dumps({"@context": TERMS}))
		self.p = Process([HUBTOOL, "broker", "--port", "0", "--data",
		    data, "--context", context + "=" + CONTEXT, "--name",
		    name], w.path(name + ".log"))
		self.port = int(wait_for(lambda: re.search(r"port (\d+)",
		    self.p.text()), 10, name + ": " + self.p.text()).group(1))

	@property
	def url(self):
		return "http://127.0.0.1:%d" % self.port

	def set_fault(self, text):
		c = http.client.HTTPConnection("127.0.0.1", self.port,
		    timeout=5 * SLOW)
		c.request("PUT", "/_fault", body=text + "\n")
		r = c.getresponse()
		r.read()
		check(r.status < 300, "PUT /_fault: %d" % r.status)
		c.close()


# ---- the world of a test file

def children(pid):
	"""Without ps(1), which a small system lacks."""
	found = []
	for name in os.listdir("/proc"):
		if not name.isdigit():
			continue
		with contextlib.suppress(OSError):
			with open("/proc/%s/stat" % name) as f:
				stat = f.read().rpartition(")")[2].split()
			if stat[1] == pid:
				found.append(name)
	return found


def postgres_signal(w, signo):
	"""To the postmaster and all its backends."""
	pid = run(PG, "pid", w.pg)[0].strip()
	for p in children(pid) + [pid]:
		with contextlib.suppress(ProcessLookupError):
			os.kill(int(p), signo)


class World:
	def __init__(self, name, brokers=None, settings="", database=True,
	    limits=""):
		self.dir = tempfile.mkdtemp(prefix="hubflow.")
		self.pg = None
		self.hub = None
		self.brokers = brokers or {}
		self.tokens = {}
		self.settings = settings
		self.limits = limits
		self.database = ""
		atexit.register(self.close)
		run(HUBTOOL, "certs", self.path("tls"))
		self.write("contexts/flow.jsonld", json.dumps({"@context": [
		    TERMS, "https://uri.etsi.org/ngsi-ld/v1/"
		    "ngsi-ld-core-context-v1.9.jsonld"]}))
		self.write("areas/schwerte.geojson", AREA)
		self.write_conf()
		if database:
			self.pg_start()

	def path(self, *parts):
		return os.path.join(self.dir, *parts)

	def write(self, name, text):
		path = self.path(name)
		os.makedirs(os.path.dirname(path), exist_ok=True)
		with open(path, "w", encoding="utf-8") as f:
			f.write(text)
		return path

	def write_conf(self):
		os.makedirs(self.path("spool"), exist_ok=True)
		self.write("hubd.conf", CONF % {"database": self.database,
		    "limits": self.limits, "settings": self.settings})

	def close(self):
		kill_everyone()
		if self.pg:
			subprocess.run([PG, "stop", self.pg], timeout=60,
			    stdout=subprocess.DEVNULL)
			self.pg = None
		if os.environ.get("HUB_FLOW_KEEP"):
			print("# kept " + self.dir, flush=True)
		else:
			shutil.rmtree(self.dir, ignore_errors=True)

	# -- PostgreSQL

	def pg_start(self):
		self.pg = self.dir + ".pg"
		# To a file: nothing the server inherits keeps us waiting.
		with open(self.path("pg.out"), "w+") as out:
			code = subprocess.run([PG, "start", self.pg],
			    stdin=subprocess.DEVNULL, stdout=out,
			    stderr=subprocess.STDOUT,
			    timeout=60 * SLOW).returncode
			out.seek(0)
			self.database = out.read().strip()
		check(code == 0, "PostgreSQL: " + self.database)
		self.write_conf()
		self.ctl("db", "init")

	def sql(self, text):
		out = run("psql", "-XqAt", "-F", "|", "-v", "ON_ERROR_STOP=1",
		    self.database, "-c", text)[0]
		return [line.split("|") for line in out.splitlines()]

	def ids_in(self, path):
		"""The ids of the complete answers that a load noted."""
		with open(path) as f:
			return f.read().split()

	def ledger_of(self, path, legs):
		"""(asked for, found once with all legs, found otherwise)."""
		out = run("psql", "-XqAt", "-F", "|", "-v", "ON_ERROR_STOP=1",
		    self.database,
		    "-c", "CREATE TEMP TABLE said (id uuid)",
		    "-c", "\\copy said FROM '%s'" % path,
		    "-c", """SELECT count(*),
			count(*) FILTER (WHERE access = 1 AND legs = %d),
			count(*) FILTER (WHERE access IS NOT NULL
			    AND NOT (access = 1 AND legs = %d))
			FROM said LEFT JOIN (SELECT request_id,
			    count(*) FILTER (WHERE class = 'access') AS access,
			    count(*) FILTER (WHERE class = 'leg') AS legs
			    FROM ledger.event GROUP BY 1) e
			ON id = request_id""" % (legs, legs))[0]
		return tuple(int(x) for x in out.strip().split("|"))

	# -- hubctl

	def ctl(self, *argv, **more):
		return run(HUBCTL, "-c", self.path("hubd.conf"), *argv, **more)

	def apply(self, text, code=0, name="region.hub"):
		"""Returns what hubctl said on standard error. What widens is
		accepted, unless another code than 0 is expected."""
		argv = ["apply", self.write(name, text)]
		p = subprocess.run([HUBCTL, "-c", self.path("hubd.conf")] +
		    argv, capture_output=True, timeout=60 * SLOW, text=True)
		hash = re.search(r"--accept-widening ([0-9a-f]+)", p.stderr)
		if code == 0 and p.returncode == 3 and hash:
			return self.ctl(*argv, "--accept-widening",
			    hash.group(1))[1]
		same(p.returncode, code, "apply: %s%s" % (p.stdout[-500:],
		    p.stderr[-1500:]))
		return p.stderr

	# -- hubd

	def start(self, ready=True, env=None):
		self.hub = Process([HUBD, "-c", self.path("hubd.conf"), "-f"],
		    self.path("hubd.log"), env)
		self.port = self.port_of("listening")
		self.admin = self.port_of("admin listening")
		if ready:
			wait_for(lambda: self.ready()[0] == 200, 15,
			    "hub ready: %r" % (self.ready(),))

	def port_of(self, phrase):
		pattern = re.compile(r'msg="%s" port=(\d+)' % phrase)

		def look():
			if not self.hub.running():
				raise Failed("hubd ended: " +
				    self.hub.text()[-2000:])
			return pattern.search(self.hub.text())
		return int(wait_for(look, 15, "msg=%r" % phrase).group(1))

	def ready(self):
		try:
			c = http.client.HTTPConnection("127.0.0.1", self.admin,
			    timeout=5 * SLOW)
			c.request("GET", "/readyz")
			r = c.getresponse()
			return r.status, r.read().decode()
		except OSError as e:
			return 0, str(e)

	def stop(self):
		code = self.hub.stop()
		text = self.hub.text()
		same(code, 0, "hubd's exit code; log: " +
		    (reported(text) or text[-1500:]))

	def logged(self, text):
		return text in self.hub.text()

	# -- tokens

	def claims(self, tenant, **more):
		now = int(time.time())
		c = {"iss": ISSUER, "aud": "regional-hub", "iat": now,
		    "exp": now + 900, "sub": "flow", "jti": "flow",
		    "hub_tenant": tenant,
		    "resource_access": {"regional-hub": {
			"roles": ["data-reader"]}},
		    "scope": "hub.read purpose:hochwasserschutz "
			"purpose:verkehr purpose:klima"}
		for k, v in more.items():
			if v is None:
				del c[k]
			else:
				c[k] = v
		return c

	def mint(self, claims, alg="RS256", kid=None, typ="at+jwt", key=None):
		key = key or self.path("tls", alg.lower() + ".key")
		kid = kid or alg.lower() + "-1"
		if not isinstance(claims, str):
			claims = json.dumps(claims)
		return self.ctl("token", "mint", "--key", key, "--alg", alg,
		    "--kid", kid, "--typ", typ, "-", stdin=claims)[0].strip()

	def token(self, tenant, **more):
		key = (tenant, repr(sorted(more.items())))
		if key not in self.tokens:
			self.tokens[key] = self.mint(self.claims(tenant, **more))
		return self.tokens[key]

	def token_file(self, tenant, **more):
		return self.write("token-" + tenant, self.token(tenant, **more))

	# -- requests

	def tls(self):
		ctx = ssl.create_default_context(cafile=self.path("tls/ca.pem"))
		return ctx

	def connect(self, timeout=20):
		return http.client.HTTPSConnection("127.0.0.1", self.port,
		    context=self.tls(), timeout=timeout * SLOW)

	def ask(self, tenant, path, purpose="hochwasserschutz", headers=(),
	    method="GET", conn=None, token=None, link=True, timeout=20):
		"""One request; returns an Answer."""
		h = {"Accept": "application/json"}
		if tenant or token:
			h["Authorization"] = "Bearer " + (token or
			    self.token(tenant))
		if purpose:
			h["Hub-Purpose"] = purpose
		if link:
			h["Link"] = LINK
		h.update(dict(headers))
		c = conn or self.connect(timeout)
		begun = time.monotonic()
		if path.startswith("?"):
			path = ENTITIES + path
		c.request(method, path, headers=h)
		r = c.getresponse()
		a = Answer(r, r.read(), time.monotonic() - begun)
		if conn is None:
			c.close()
		if OPENAPI:
			judge(method, path, a)
		return a

	def raw_socket(self, timeout=10):
		s = socket.create_connection(("127.0.0.1", self.port),
		    timeout * SLOW)
		return self.tls().wrap_socket(s, server_hostname="localhost")

	def raw(self, data, timeout=10, linger=0.4):
		"""Sends bytes as they are and reads until the hub closes or
		nothing comes for linger seconds after an answer began.
		Returns (all bytes, closed)."""
		s = self.raw_socket(timeout)
		got, closed = b"", False
		with contextlib.suppress(OSError):	# closed while we send
			s.sendall(data)
		try:
			while True:
				more = s.recv(65536)
				if not more:
					closed = True
					break
				got += more
				s.settimeout(linger * SLOW)
		except (socket.timeout, TimeoutError):
			pass
		except OSError:
			closed = True
		finally:
			s.close()
		return got, closed

	# -- load

	def load(self, tenant, query, seconds, rate=None, connections=None,
	    ids=None, purpose="hochwasserschutz"):
		"""Starts hubtool load; .result() waits for it."""
		argv = [HUBTOOL, "load", "--url", "https://127.0.0.1:%d%s%s" %
		    (self.port, ENTITIES, query), "--ca",
		    self.path("tls/ca.pem"), "--token-file",
		    self.token_file(tenant), "--header", "Link: " + LINK,
		    "--header", "Hub-Purpose: " + purpose, "--seconds",
		    str(seconds), "--json"]
		if rate:
			argv += ["--rate", str(rate)]
		if connections:
			argv += ["--connections", str(connections)]
		if ids:
			argv += ["--ids", ids]
		return Load(argv, self.path("load-%d.log" %
		    len(Process.everyone)), seconds)


class Load(Process):
	def __init__(self, argv, log, seconds):
		super().__init__(argv, log)
		self.seconds = seconds

	def result(self):
		code = self.wait(self.seconds + 30)
		same(code, 0, "hubtool load: " + self.text()[-800:])
		return json.loads(self.text().strip().splitlines()[-1])


def judge(method, path, a):
	try:
		openapi.document(SRC).judge(method, path, a.status, a.fields,
		    a.body)
	except openapi.Undocumented as e:
		raise Failed("%s %.200s: openapi.json: %s" % (method, path,
		    e)) from None


class Answer:
	def __init__(self, r, body, seconds):
		self.status = r.status
		self.fields = r.getheaders()
		self.body = body
		self.seconds = seconds

	def all(self, name):
		return [v for k, v in self.fields if k.lower() == name.lower()]

	def one(self, name):
		v = self.all(name)
		return v[0] if len(v) == 1 else None

	def json(self):
		return json.loads(self.body)

	def ids(self):
		return [e["id"] for e in self.ok().json()]

	def ok(self, status=200):
		if self.status != status:
			raise Failed("status %d, want %d: %.500r" % (
			    self.status, status, self.body))
		return self

	def warnings(self):
		"""{source: code}"""
		return {v.split(" ")[1]: int(v.split(" ")[0])
		    for v in self.all("NGSILD-Warning")}


# ---- a region to begin with

TERMS = {t: "https://drehscheibe.example/terms/" + t for t in (
    "WaterObserved", "FloodMonitoring", "OffStreetParking", "waterLevel",
    "flow", "currentLevel", "alertLevel", "refDevice", "stationName",
    "exact", "wide", "tiny", "escaped", "unescaped", "availableSpotNumber",
    "licensePlate", "dateObserved", "accuracy", "generation")}

# A box around Schwerte.
AREA = json.dumps({"type": "Polygon", "coordinates": [[[7.50, 51.40],
    [7.66, 51.40], [7.66, 51.48], [7.50, 51.48], [7.50, 51.40]]]})

CONF = '''listen "public" {
	address     = "127.0.0.1:0"
	certificate = "tls/hub.pem"
	key         = "tls/hub.key"
}
listen "admin" { address = "127.0.0.1:0" }
database = "%(database)s"
spool { directory = "spool"  size = "64MiB"  segment = "1MiB" }
name     = "hub.drehscheibe.example"
workers  = 2
limits { drain = 5s  %(limits)s }
%(settings)s
'''

TENANTS = '''
tenant dortmund { name = "Stadt Dortmund"  ags = "05913000"  kind = municipality }
tenant schwerte { name = "Stadt Schwerte"  ags = "05978028"  kind = municipality %(schwerte)s }
tenant kreis-unna { name = "Kreis Unna"  ags = "05978000"  kind = district }
tenant froendenberg { name = "Stadt Fröndenberg/Ruhr"  ags = "05978012"  kind = municipality %(froendenberg)s }
tenant holzwickede { name = "Gemeinde Holzwickede"  ags = "05978016"  kind = municipality }
issuer "%(issuer)s" {
	%(jwks)s
	audience = "regional-hub"  algorithms = {RS256, ES256}  typ = "at+jwt"
	tenant-claim = hub_tenant  roles-path = "resource_access.regional-hub.roles"
	max-ttl = 1h  skew = 30s
	speaks-for = {dortmund, kreis-unna, schwerte, froendenberg, holzwickede}
}
issuer "%(other)s" {
	jwks-file = "tls/jwks.json"
	audience = "regional-hub"  algorithms = {RS256}  typ = "at+jwt"
	tenant-claim = organization  roles-path = "resource_access.regional-hub.roles"
	speaks-for = {schwerte}
}
context "%(context)s" { file = "contexts/flow.jsonld" }
purpose hochwasserschutz { title = "Hochwasserschutz"  legal-basis = "BHKG NRW" }
purpose verkehr { title = "Verkehrsplanung" }
purpose klima { title = "Klimaanpassung" }
purpose ungenannt { title = "Keinem Token erlaubt" }
area schwerte { ags = "05978028"  geojson-file = "areas/schwerte.geojson" }
'''


def tenants(schwerte="", froendenberg="", jwks='jwks-file = "tls/jwks.json"'):
	return TENANTS % {"issuer": ISSUER, "other": OTHER_ISSUER,
	    "context": CONTEXT, "schwerte": schwerte, "jwks": jwks,
	    "froendenberg": froendenberg}


def source(name, owner, broker, types, timeout="2s", extra="", more="",
    ids=None, dataset=None):
	"""A source and its one dataset, NAME-data. Who makes it fail again and
	again sees each failure: no breaker opens."""
	if "breaker" not in extra:
		extra += ' breaker = "1000/1s"'
	return '''
source %s { owner = %s  kind = ngsi-ld  endpoint = "%s"  timeout = %s
	context = "%s" %s }
dataset %s { source = %s  title = "%s"  licence = dl-de-by-2-0
	attribution = "%s" %s %s
%s }
''' % (name, owner, broker.url, timeout, CONTEXT, extra,
	    dataset or name + "-data", name, name, owner,
	    "ids = {%s}" % ", ".join('"%s"' % i for i in ids or
	    ["urn:ngsi-ld:%s:*" % t for t in types]), more, "\n".join("\ttype %s { }" % t for t in types))


def agreement(name, provider, consumer, dataset, shares,
    purpose="hochwasserschutz", signed=None, version=1, more="",
    actions="query, retrieve"):
	"""shares: {type: text of the block, e.g. 'allow = {waterLevel}'}"""
	if signed is None:
		signed = '"%s:a", "%s:b"' % (provider, consumer)
	return '''
agreement %s { version = %d  provider = %s  consumer = %s  dataset = %s
	purpose = %s  actions = {%s}  valid = "2020-01-01..2099-12-31" %s
	signed-by = {%s}
%s }
''' % (name, version, provider, consumer, dataset, purpose, actions, more,
	    signed, "\n".join("\tshare %s { %s }" % s for s in shares.items()))


# ---- running

tests = []


def test(fn):
	tests.append(fn)
	return fn


def main(setup):
	signal.signal(signal.SIGTERM, lambda *a: sys.exit(143))
	only = sys.argv[1:]
	passed = failed = 0
	w = None
	try:
		w = setup()
	except Exception as e:
		traceback.print_exc()
		print("not ok setup %s" % e, flush=True)
		failed += 1
	for fn in tests if w or not failed else []:
		if only and fn.__name__ not in only:
			continue
		begun = time.monotonic()
		try:
			fn(w)
			passed += 1
			print("ok %s (%.1f s)" % (fn.__name__,
			    time.monotonic() - begun), flush=True)
		except Skipped as e:
			print("skipped: %s (%s)" % (fn.__name__, e), flush=True)
		except Exception as e:
			failed += 1
			where = traceback.extract_tb(e.__traceback__)
			line = [f.lineno for f in where
			    if f.filename.endswith(".t")][-1:]
			print("not ok %s line %s: %s: %s" % (fn.__name__,
			    line, type(e).__name__,
			    str(e).replace("\n", "\n# ")), flush=True)
			if os.environ.get("HUB_FLOW_DEBUG"):
				traceback.print_exc()
			revive(w)
	if w:
		try:
			finish(w)
		except Exception as e:
			failed += 1
			print("not ok ends_cleanly %s" % e, flush=True)
		w.close()
	print("%d passed, %d failed" % (passed, failed), flush=True)
	sys.exit(1 if failed else 0)


def reported(log):
	"""The first report of a sanitizer or assertion, or nothing."""
	found = [at for at in (log.find(word) for word in (
	    "ERROR: AddressSanitizer", "runtime error:", "LeakSanitizer",
	    "WARNING: ThreadSanitizer", "Assertion")) if at >= 0]
	return log[min(found):][:3000] if found else ""


def revive(w):
	"""After a failure: the next test shall find a hub, too."""
	if w.hub and not w.hub.running():
		print("# hubd had ended with %s: %s" % (w.hub.p.returncode,
		    w.hub.text()[-1500:].replace("\n", "\n# ")), flush=True)
		with contextlib.suppress(Failed):
			w.start()


def finish(w):
	"""The hub must end well, also for the leak checker."""
	if w.hub and w.hub.running():
		w.stop()
	if w.hub:
		with open(w.hub.log, "r", errors="replace") as f:
			text = f.read()
		report = reported(text)
		check(not report, "hubd's log: " + report)
