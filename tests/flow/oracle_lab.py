"""oracle_lab.py - a random region in force, random data behind it, and requests
to a hub there: what the tests with the reference model share."""
import os
import random
import re
import sys
import urllib.parse

import oracle
import oracle_gen
from flow import *
from oracle import Source, canon, dump, expand
from oracle_geo import Geo
from oracle_gen import AREAS, Gen
from oracle_query import Q
from oracle_view import Release, View

BROKERS = 26
PAST = ROOT + "/temporal/entities"


def option(name, default):
	return int(sys.argv[sys.argv.index(name) + 1]) \
	    if name in sys.argv else default


LONG = "--long" in sys.argv or os.environ.get("HUB_LONG") == "1"
# A check says the same thing of the same source twice; a long run looks at what
# nobody saw yet.
SEED = option("--seed", int.from_bytes(os.urandom(4), "big") if LONG else
    20261123)
WORLDS = 6


class OwnEarth(Geo):
	"""Of an ellipsoid: it measures otherwise by half of a percent."""

	def near(self, d, limit):
		return d * 1.005 <= limit


PUSHED = {"q", "scopeQ", "georel"}


def selector(par, ctx):
	"""What a broker selects by q, scopeQ and geo: by what it holds itself,
	which is more than anybody sees, and names as its context has them."""
	q = Q(par["q"], ctx) if "q" in par else None
	geo = OwnEarth(par, ctx) if "georel" in par else None
	scope = par.get("scopeQ")

	def match(e):
		v = View(e["id"])
		s = Source(e, ctx)
		v.instances = [i.released(Release(all=True, own=True))
		    for i in s.instances if i.kind]
		v.scope, v.created, v.modified = s.scope, s.created, s.modified
		return (q is None or q.root(v)) and (geo is None or
		    geo.matches(v)) and (scope is None or in_scope(scope,
		    v.scope))
	return match


def in_scope(scope_q, scope):
	mine = scope if isinstance(scope, list) else [scope] if scope else []
	return any(s == want or want.endswith("/#") and
	    (s + "/").startswith(want[:-1])
	    for want in scope_q.split(",") for s in mine)


class DataBroker(Broker):
	"""Serves entities as the case has them.  It selects by type and id;
	attrs it heeds or not, pages it cuts or not, like real ones."""

	def __init__(self):
		self.items = []
		self.ctx = TERMS
		self.heeds_attrs = False
		self.heeds_ids = True
		self.cap = None		# entities on one of its pages
		self.most = None	# it refuses a larger limit
		self.counts = True	# it says how many there are
		self.selects = False	# it heeds q, scopeQ and geo
		self.refuses = False	# it knows none of them: 400
		self.selected = 0	# requests by which it did
		self.inline = False
		self.past = False	# it holds how entities evolved
		self.rnd = None
		self.wait = 0		# seconds before it answers
		self.spell = dump	# how it writes an entity
		super().__init__()

	def load(self, entities, ctx):
		self.ctx = ctx
		self.items = [(e["id"], {expand(ctx, t) for t in
		    oracle.as_list(e["type"])}, e) for e in entities]

	def text(self, e, attrs):
		if attrs is not None:
			e = {k: v for k, v in e.items() if
			    k in oracle.SYSTEM or expand(self.ctx, k) in attrs}
		if self.inline and self.ctx:
			e = dict(e)
			e["@context"] = self.context
		return self.spell(e)

	def reply(self, rq):
		time.sleep(self.rnd.random() * 0.02 if self.rnd else self.wait)
		u = urllib.parse.urlsplit(rq)
		par = {k: v[0] for k, v in
		    urllib.parse.parse_qs(u.query).items()}
		link = []
		if self.ctx and not self.inline:
			link = ["Link: " + LINK]
		there = PAST if u.path.startswith(PAST) else ENTITIES
		if self.past != (there == PAST):
			return 404, b'{"title":"not here"}', []
		if u.path.rstrip("/") != there:
			want = urllib.parse.unquote(u.path[len(there) + 1:])
			for id, _, e in self.items:
				if id == want:
					return 200, self.text(e,
					    None).encode(), link
			return 404, b'{"type":"about:blank","title":"no"}', []
		if self.most and int(par.get("limit", 0)) > self.most:
			return 403, b'{"title":"TooManyResults"}', []
		types = {expand(self.ctx, t)
		    for t in par["type"].split(",")}
		ids = par["id"].split(",") \
		    if "id" in par and self.heeds_ids else None
		attrs = None
		if self.heeds_attrs and "attrs" in par:
			attrs = {expand(self.ctx, a)
			    for a in par["attrs"].split(",")}
		if PUSHED & set(par):
			self.selected += 1
			if self.refuses:
				return 400, b'{"title":"BadRequestData"}', []
		match = selector(par, self.ctx) if self.selects else None
		found = [self.text(e, attrs) for id, mine, e in self.items
		    if types & mine and (ids is None or id in ids) and
		    (attrs is None or any(expand(self.ctx, k) in attrs
			for k in e if k not in oracle.SYSTEM)) and
		    (match is None or match(e))]
		total = len(found)
		if self.paging:
			at = int(par.get("offset", 0))
			found = found[at:at + min(int(par["limit"]),
			    self.cap or total)]
		if self.counts:
			link.append("NGSILD-Results-Count: %d" % total)
		return 200, ("[" + ",".join(found) + "]").encode(), link


# ---- the world

HEAD = '''issuer "%s" {
	jwks-file = "tls/jwks.json"  audience = "regional-hub"
	algorithms = {RS256, ES256}  typ = "at+jwt"  tenant-claim = hub_tenant
	roles-path = "resource_access.regional-hub.roles"
	max-ttl = 1h  skew = 30s  speaks-for = {%s}
}
context "%s" { file = "contexts/flow.jsonld" }
''' + "\n".join('purpose %s { title = "%s" }' % (p, p)
    for p in oracle_gen.PURPOSES)


class Lab:
	"""One region in force and the data behind it."""

	def __init__(self, w, seed):
		self.w = w
		self.seed = seed
		self.rnd = random.Random(seed)
		self.now = int(time.time())
		self.gen = Gen(self.rnd, self.now, TERMS)
		free = list(w.brokers)
		self.region = self.gen.region(lambda: free.pop(0), WORLDS)
		self.prepare()
		self.apply()
		self.raw, self.data = {}, {}
		for world in self.region["worlds"]:
			self.fill(world)

	def prepare(self):
		"""Changes the region before it is applied."""

	def apply(self):
		w, reg = self.w, self.region
		for a in AREAS:
			w.write("areas/%s.geojson" % a, oracle_gen.geojson(a))
		self.text = oracle_gen.region_text(reg, lambda b: b.url,
		    HEAD % (ISSUER, ", ".join(reg["tenants"]), CONTEXT),
		    CONTEXT)
		if w.hub and w.hub.running():
			w.stop()
		path = w.write("region.hub", self.text)
		p = subprocess.run([HUBCTL, "-c", w.path("hubd.conf"), "apply",
		    path], capture_output=True, text=True)
		hash = re.search(r"--accept-widening ([0-9a-f]+)", p.stderr +
		    p.stdout)
		if p.returncode == 3 and hash:
			w.ctl("apply", path, "--accept-widening", hash.group(1))
		else:
			check(p.returncode == 0, "apply (%d): %s" % (
			    p.returncode, "\n".join([m
			    for m in p.stderr.split("\n")
			    if ": warning: " not in m][:8])))
		w.start()
		self.conn = w.connect()

	def fill(self, world):
		"""New data for the brokers of a world."""
		for name, entities in self.gen.world_data(self.region,
		    world).items():
			b = self.region["sources"][name]["broker"]
			b.heeds_attrs = self.rnd.random() < 0.5
			b.paging = self.rnd.random() < 0.7
			b.inline = self.rnd.random() < 0.2
			b.selects = self.rnd.random() < 0.5
			self.load(name, entities)

	def load(self, name, entities):
		src = self.region["sources"][name]
		self.raw[name] = entities
		src["broker"].load(entities, src["ctx"])
		self.data[name] = [Source(e, src["ctx"]) for e in entities]

	def shuffle(self, on):
		for s in self.region["sources"].values():
			s["broker"].rnd = self.rnd if on else None

	def ask(self, rq):
		"""rq: as Gen.query makes them; also headers and a method."""
		path = rq.get("at", ENTITIES)
		if rq["id"]:
			path += "/" + urllib.parse.quote(rq["id"], safe=":")
		path += "?" * bool(rq["params"]) + urllib.parse.urlencode(
		    rq["params"], quote_via=urllib.parse.quote, safe=":")
		rq["path"] = path
		try:
			return self.send(rq)
		except (OSError, http.client.HTTPException):
			self.conn.close()
			self.conn = self.w.connect()
			return self.send(rq)

	def send(self, rq):
		return self.w.ask(rq["consumer"], rq["path"],
		    purpose=rq["purpose"], link=rq["link"], conn=self.conn,
		    headers=rq.get("headers", ()), token=rq.get("token"),
		    method=rq.get("method", "GET"))

	def expect(self, rq):
		return oracle.answer(self.region, self.data, rq,
		    int(time.time() * 1e6))


def simple(rq):
	return "keyValues" in dict(rq["params"]).get("options", "")


def told(a):
	"""All of an answer that may not depend on time or chance."""
	body = a.body if a.status == 200 else \
	    re.sub(rb'"instance":"[^"]*"', b"", a.body)
	return a.status, body, sorted((k, v) for k, v in a.fields
	    if k.lower() not in ("date", "request-id"))


BARE = oracle.VALUES | {"type", "observedAt", "unitCode", "datasetId"}


def shown(e, out):
	"""Adds what an answer's entity shows, each member for itself."""
	for k, v in e.items():
		for i in oracle.as_list(v):
			if not isinstance(i, dict):
				out.add((e["id"], k, canon(i)))
				continue
			bare = canon({m: x for m, x in i.items() if m in BARE})
			out.add((e["id"], k, bare))
			for m, x in i.items():
				if m not in BARE:
					out.add((e["id"], k, bare, m, canon(x)))
