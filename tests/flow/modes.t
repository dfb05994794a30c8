#!/usr/bin/env python3
# modes.t - registrations as GS CIM 009, 4.3.6 and 4.20 have them: whose value
# counts, which operations a source offers, how much it gives at a time.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *
from urllib.parse import parse_qs, unquote, urlsplit

T = "2026-11-22T17:%02d:00Z"
BATCH = ROOT + "/entityOperations/query"


class Asked:
	def __init__(self, head, body):
		self.method, self.target, _ = head[0].split(" ")
		self.fields = {k.lower(): v for k, v in
		    (f.split(": ", 1) for f in head[1:])}
		self.body = body
		u = urlsplit(self.target)
		self.path = u.path
		self.par = {k: v[0] for k, v in parse_qs(u.query).items()}

	def __repr__(self):
		return "%s %.80s" % (self.method, self.target)


class Picky(Broker):
	"""A broker that does what it offers, and nothing else.
	offers: of "retrieve", "query", "batch".  cap: entities a page; over:
	what it does when asked for more ("less", or status and body)."""

	def __init__(self, entities=(), offers="retrieve query batch", cap=1000,
	    over="less", count=True):
		self.offers, self.cap, self.over = offers.split(), cap, over
		self.count = count
		self.busy = self.most = 0
		self.pause = 0
		super().__init__(entities)

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
				head = head.decode().split("\r\n")
				length = [int(h.split(": ")[1]) for h in head
				    if h.lower().startswith("content-length:")]
				while length and len(data) < length[0]:
					data += c.recv(65536)
				n = length[0] if length else 0
				rq = Asked(head, data[:n])
				data = data[n:]
				with self.lock:
					self.log.append(rq)
				if not self.one(c, rq):
					return
		except OSError:
			pass
		finally:
			with self.lock:
				self.open.discard(c)
			with contextlib.suppress(OSError):
				c.close()

	def one(self, c, rq):
		with self.lock:
			self.busy += 1
			self.most = max(self.most, self.busy)
		try:
			if self.fault:
				return self.fault(self, c, rq)
			time.sleep(self.pause)
			return answer(c, *self.reply(rq))
		finally:
			with self.lock:
				self.busy -= 1

	def reply(self, rq):
		link = "Link: " + LINK
		tail = rq.path[len(ROOT):]
		if rq.path == BATCH:
			q = json.loads(rq.body)
			op, wanted = "batch", [(s["type"].split(","),
			    s.get("id")) for s in q["entities"]]
		elif tail.rstrip("/") == "/entities":
			ids = rq.par.get("id")
			op, wanted = "query", [(rq.par["type"].split(","), i)
			    for i in (ids.split(",") if ids else [None])]
		else:
			op, wanted = "retrieve", unquote(tail.split("/")[2])
		if op not in self.offers or \
		    (rq.method == "POST") != (op == "batch"):
			return 405, b'{"title":"not here"}', []
		if op == "retrieve":
			found = [e for e in self.entities
			    if json.loads(e)["id"] == wanted]
			return (200, found[0], [link]) if found else \
			    (404, b'{"title":"none"}', [])
		limit = int(rq.par.get("limit", 20))
		if limit > self.cap and self.over != "less":
			return self.over + ([],)
		found = [e for e in self.entities for o in [json.loads(e)]
		    if any(o["type"] in t and i in (None, o["id"])
		    for t, i in wanted)]
		at = int(rq.par.get("offset", 0))
		page = found[at:at + min(limit, self.cap)]
		fields = [link]
		if self.count and rq.par.get("count") == "true":
			fields.append("NGSILD-Results-Count: %d" % len(found))
		return 200, b"[" + b",".join(page) + b"]", fields


def urn(type, n):
	return "urn:ngsi-ld:%s:%s" % (type, n)


def many(type, n):
	return [ent(urn(type, "%03d" % i), type, waterLevel=prop(str(i)))
	    for i in range(n)]


def src(name, owner, broker, type, mode="inclusive", ids=None, attrs=None,
    source="", data=""):
	"""A source and its dataset, of one name, shared with Fröndenberg."""
	return '''
source %s { owner = %s  endpoint = "%s"  timeout = 2s  context = "%s" %s }
dataset %s { source = %s  mode = %s  ids = {%s} %s
	type %s { %s } }
''' % (name, owner, broker.url, CONTEXT, source, name, name, mode,
	    ", ".join('"%s"' % i for i in ids or [urn(type, "*")]), data, type,
	    "attributes = {%s}" % attrs if attrs else "") + \
	    share(name, owner, type, "froendenberg", attrs or
	    "waterLevel, flow, location")


def share(name, owner, type, consumer, allow="waterLevel, flow"):
	return agreement("%s-%s" % (name, consumer), owner, consumer, name,
	    {type: "allow = {%s}" % allow})


class Cast:
	"""name -> broker, in the order of their datasets."""

	def __init__(self, w):
		self.w, self.region = w, tenants()

	def add(self, name, owner, type, broker, **more):
		self.w.brokers[name] = broker
		self.region += src(name, owner, broker, type, **more)
		return broker


def water(type, n, **attrs):
	return ent(urn(type, n), type, **attrs)


def build(w):
	c = Cast(w)
	# Type ModeA: auxiliary.
	c.add("a-main", "dortmund", "ModeA", Picky([
	    water("ModeA", 1, waterLevel=prop("1", T % 1))]))
	c.add("a-aux", "schwerte", "ModeA", Picky([
	    water("ModeA", 1, waterLevel=prop("2", T % 9), flow=prop("7")),
	    water("ModeA", 2, waterLevel=prop("3"))]), mode="auxiliary")
	# Type ModeE: exclusive.
	c.add("e-main", "dortmund", "ModeE", Picky([
	    water("ModeE", 1, waterLevel=prop("1", T % 9), flow=prop("1")),
	    water("ModeE", 2, waterLevel=prop("2"))]))
	c.add("e-sole", "schwerte", "ModeE", Picky([
	    water("ModeE", 1, waterLevel=prop("5", T % 1), flow=prop("5"))]),
	    mode="exclusive", ids=[urn("ModeE", 1)], attrs="waterLevel")
	c.region += share("e-main", "dortmund", "ModeE", "holzwickede")
	c.region += share("e-main", "dortmund", "ModeE", "kreis-unna")
	c.region += agreement("e-sole-unna", "schwerte", "kreis-unna",
	    "e-sole", {"ModeE": "allow = {waterLevel} inside = {schwerte}"})
	# Type ModeR: redirect, twice.
	for i, owner in ((1, "dortmund"), (2, "schwerte")):
		c.add("r-%d" % i, owner, "ModeR", Picky([water("ModeR", 1,
		    waterLevel=prop(str(i), T % i))]), mode="redirect",
		    attrs="waterLevel")
	# Type ModeX: expiry; both sources are Schwerte's.
	soon = '"2099-01-01T00:00:00Z"'
	c.add("x-1", "schwerte", "ModeX", Picky([water("ModeX", 1,
	    waterLevel=prop("1"), expiresAt=soon)]))
	c.add("x-2", "schwerte", "ModeX", Picky([water("ModeX", 1,
	    flow=prop("2"))]))
	# Operations.
	for name, type, offers, more in (
	    ("o-query", "OnlyQuery", "query", ""),
	    ("o-retrieve", "OnlyRetrieve", "retrieve", "in-flight = 3"),
	    ("o-batch", "OnlyBatch", "batch", ""),
	    ("o-all", "OfAll", "retrieve query batch", ""),
	    ("o-get", "OnlyGet", "query", "")):
		c.add(name, "dortmund", type, Picky(many(type, 120), offers),
		    source=more, data="operations = {%s}" % ", ".join(
		    {"query": "queryEntity", "retrieve": "retrieveEntity",
		    "batch": "queryBatch"}[o] for o in offers.split()))
	# Pages.
	too_many = (403, b'{"type":"https://uri.etsi.org/ngsi-ld/errors/'
	    b'TooManyResults","title":"too many"}')
	for name, type, broker, more in (
	    ("p-403", "Page403", Picky(many("Page403", 70), cap=30,
		over=too_many), ""),
	    ("p-400", "Page400", Picky(many("Page400", 70), cap=50,
		over=(400, b'{"title":"limit is 50 at most"}')), ""),
	    ("p-less", "PageLess", Picky(many("PageLess", 70), cap=30), ""),
	    ("p-bare", "PageBare", Picky(many("PageBare", 70), count=False),
		"page = 20"),
	    ("p-stellio", "PageStellio", Picky(many("PageStellio", 150),
		cap=100, over=too_many), "dialect = stellio"),
	    ("p-scorpio", "PageScorpio", Picky(many("PageScorpio", 150)),
		"dialect = scorpio")):
		c.add(name, "dortmund", type, broker, source=more)
	return c.region


def setup():
	w = World("modes", limits='source-answer = "256KiB"')
	w.apply(build(w))
	w.start()
	return w


def ask(w, type, more="", tenant="froendenberg", **opt):
	for b in w.brokers.values():
		b.forget()
	return w.ask(tenant, "?type=%s&limit=1000%s" % (type, more),
	    **opt).ok()


def retrieve(w, type, n, tenant="froendenberg"):
	for b in w.brokers.values():
		b.forget()
	return w.ask(tenant, ENTITIES + "/" + urn(type, n))


def values(a, id):
	"""{attribute: value} of one entity."""
	e = a.json()
	e = e if isinstance(e, dict) else {x["id"]: x for x in e}[id]
	return {k: v["value"] for k, v in e.items() if isinstance(v, dict)}


# ---- whose value counts

@test
def auxiliary_adds_only_what_nobody_gave(w):
	one, two = urn("ModeA", 1), urn("ModeA", 2)
	for a in (ask(w, "ModeA"), retrieve(w, "ModeA", 1).ok()):
		same(values(a, one), {"waterLevel": 1, "flow": 7},
		    "Dortmund's older value stays")
	same(values(ask(w, "ModeA"), two), {"waterLevel": 3}, "alone")
	b = w.brokers["a-main"]
	b.fault = status(500)
	a = ask(w, "ModeA")
	same(a.warnings(), {"a-main": 299}, "warnings")
	same(values(a, one), {"waterLevel": 2, "flow": 7}, "nobody else did")
	b.fault = None


@test
def exclusive_values_come_from_their_source_alone(w):
	one, two = urn("ModeE", 1), urn("ModeE", 2)
	for a in (ask(w, "ModeE"), retrieve(w, "ModeE", 1).ok()):
		same(values(a, one), {"waterLevel": 5, "flow": 1},
		    "Schwerte's older level; flow is not registered there")
	same(values(ask(w, "ModeE"), two), {"waterLevel": 2}, "another id")
	rq = w.brokers["e-sole"].asked()
	same([r.par.get("id") for r in rq], [one], "ids asked")


@test
def exclusive_values_are_missing_when_their_source_fails(w):
	one = urn("ModeE", 1)
	b = w.brokers["e-sole"]
	for fault, code in ((status(500), 299), (body(b"no"), 111)):
		b.fault = fault
		a = ask(w, "ModeE")
		same(a.warnings(), {"e-sole": code}, "warnings")
		same(values(a, one), {"flow": 1}, "not Dortmund's")
		a = ask(w, "ModeE", "&q=waterLevel==1")
		same(a.ids(), [], "nor found by it")
	b.fault = status(404)
	a = ask(w, "ModeE")
	same(a.warnings(), {}, "404 is no failure")
	same(values(a, one), {"flow": 1}, "owned and not there")
	b.fault = None


@test
def exclusive_counts_in_the_view_only(w):
	one = urn("ModeE", 1)
	a = ask(w, "ModeE", tenant="holzwickede")
	same(values(a, one), {"waterLevel": 1, "flow": 1}, "no agreement with "
	    "Schwerte: what is not seen owns nothing")
	same(w.brokers["e-sole"].asked(), [], "asked")
	a = ask(w, "ModeE", tenant="kreis-unna")
	same(values(a, one), {"flow": 1}, "agreed, withheld for its place: "
	    "still Schwerte's")


@test
def redirect_reads_like_inclusive(w):
	a = ask(w, "ModeR")
	same(values(a, urn("ModeR", 1)), {"waterLevel": 2}, "the newest")
	same(a.warnings(), {}, "warnings")


@test
def attributes_do_not_outlive_their_version_of_the_entity(w):
	e = ask(w, "ModeX", "&options=sysAttrs", tenant="schwerte",
	    purpose=None).json()[0]
	check("expiresAt" not in e, "one version has none: %r" % e)
	same(e["waterLevel"].get("expiresAt"), "2099-01-01T00:00:00Z",
	    "pushed down")
	check("expiresAt" not in e["flow"], e["flow"])
	e = ask(w, "ModeX", "&options=sysAttrs").json()[0]
	check("expiresAt" not in str(e), "not released: %r" % e)


@test
def refuses_regions_with_wrong_exclusives(w):
	b = w.brokers["e-sole"]
	one = src("one", "dortmund", b, "T", mode="exclusive",
	    ids=["urn:t:1", "urn:t:2"], attrs="flow, waterLevel")
	for more, want in (
	    (src("two", "dortmund", b, "T", mode="exclusive"), "is a pattern"),
	    (src("two", "dortmund", b, "T", mode="exclusive",
		ids=["urn:t:3"]), "needs the attributes of type T"),
	    (src("two", "schwerte", b, "U", mode="exclusive",
		ids=["urn:t:2"], attrs="waterLevel"), "dataset one has"),
	    (src("two", "schwerte", b, "U", mode="exclusive",
		ids=["urn:t:2"], attrs="location"), None),
	    (src("two", "schwerte", b, "T", mode="exclusive",
		ids=["urn:t:4"], attrs="waterLevel"), None)):
		path = w.write("wrong.hub", tenants() + one + more)
		out, err = w.ctl("validate", path, code=78 if want else 0)
		check(want is None or want in out + err, (want, out, err))


# ---- operations

def shape(w, name):
	return [(r.method, r.path[len(ROOT):]) for r in
	    w.brokers[name].asked()]


@test
def only_query_serves_a_retrieve(w):
	same(values(retrieve(w, "OnlyQuery", "007").ok(), None),
	    {"waterLevel": 7}, "found")
	rq = w.brokers["o-query"].asked()
	same([(r.path, r.par["id"], r.par["type"]) for r in rq],
	    [(ENTITIES, urn("OnlyQuery", "007"), "OnlyQuery")], "asked")
	retrieve(w, "OnlyQuery", "999").ok(404)


@test
def only_retrieve_serves_a_query_with_ids(w):
	b = w.brokers["o-retrieve"]
	b.pause, b.most = 0.05, 0
	ids = [urn("OnlyRetrieve", "%03d" % i) for i in range(110, 130)]
	a = ask(w, "OnlyRetrieve", "&id=" + ",".join(ids))
	same(a.ids(), ids[:10], "404 is no failure")
	same(a.warnings(), {}, "warnings")
	same(sorted(r.path for r in b.asked()), [ENTITIES + "/" + i
	    for i in ids], "asked")
	check(1 < b.most <= 3, "at once: %d" % b.most)
	b.pause = 0
	a = ask(w, "OnlyRetrieve", "&id=" + ids[0])
	same(a.ids(), ids[:1], "one")
	a = ask(w, "OnlyRetrieve")
	same((a.ids(), a.warnings(), b.asked()), ([], {}, []),
	    "without ids it cannot be asked")
	ids = [urn("OnlyRetrieve", "%03d" % i) for i in range(101)]
	a = ask(w, "OnlyRetrieve", "&id=" + ",".join(ids))
	same((a.ids(), a.warnings(), b.asked()), ([], {"o-retrieve": 199}, []),
	    "too many")
	a = ask(w, "OnlyRetrieve", "&id=" + ",".join(ids[:100]))
	same(len(a.ids()), 100, "as many as may be")


@test
def one_failed_retrieve_spoils_the_source_as_a_whole(w):
	b = w.brokers["o-retrieve"]
	bad = urn("OnlyRetrieve", "005")

	def fault(b, c, rq):
		if rq.path.endswith("005"):
			return answer(c, 500, b"{}")
		return answer(c, *b.reply(rq))
	b.fault = fault
	ids = ",".join(urn("OnlyRetrieve", "%03d" % i) for i in range(12))
	for i in range(3):
		a = ask(w, "OnlyRetrieve", "&id=" + ids)
		same((a.ids(), a.warnings()), ([], {"o-retrieve": 299}), bad)
	b.fault = None
	wait_for(lambda: len(ask(w, "OnlyRetrieve", "&id=" + ids).ids()) == 12,
	    10, "healthy again")


@test
def only_batch_serves_both(w):
	b = w.brokers["o-batch"]
	same(values(retrieve(w, "OnlyBatch", "007").ok(), None),
	    {"waterLevel": 7}, "found")
	same(shape(w, "o-batch"), [("POST", "/entityOperations/query")],
	    "asked")
	rq = b.asked()[0]
	same(rq.fields["content-type"], "application/json", "Content-Type")
	check(CONTEXT in rq.fields["link"], rq.fields)
	q = json.loads(rq.body)
	same(q["entities"], [{"type": "OnlyBatch", "id": urn("OnlyBatch",
	    "007")}], "selectors")
	a = ask(w, "OnlyBatch")
	same(len(a.ids()), 120, "all, in two pages")
	same([json.loads(r.body)["entities"] for r in b.asked()],
	    [[{"type": "OnlyBatch"}]] * 2, "selectors")
	same([r.par["offset"] for r in b.asked()], ["0", "100"], "offsets")
	check(set(q["attrs"]) == {"waterLevel", "flow", "location"}, q)
	retrieve(w, "OnlyBatch", "999").ok(404)


@test
def repeats_a_batch_query_on_a_stale_connection(w):
	b = w.brokers["o-batch"]
	conn = w.connect()
	for i in range(5):
		b.fault = stale if i % 2 == 0 else None
		a = ask(w, "OnlyBatch", "&id=" + urn("OnlyBatch", "001"),
		    conn=conn)
		same((len(a.ids()), a.warnings()), (1, {}), "round %d" % i)
		b.fault = None
		time.sleep(0.02)
	conn.close()


@test
def long_lists_of_ids_become_a_batch_or_several_queries(w):
	for name, type in (("o-all", "OfAll"), ("o-get", "OnlyGet")):
		pad = "x" * 60
		ids = [urn(type, "%03d" % i) for i in range(120)] + \
		    [urn(type, pad + str(i)) for i in range(60)]
		a = ask(w, type, "&id=" + ",".join(ids))
		same(a.ids(), ids[:120], "ids")
		same(a.warnings(), {}, "warnings")
	same(shape(w, "o-all"), [], "the other type")
	rq = w.brokers["o-get"].asked()
	first = [r for r in rq if r.par["offset"] == "0"]
	check(len(first) > 1 and all(len(r.target) <= 4000 for r in rq), rq)
	same(sum(len(r.par["id"].split(",")) for r in first), 180, "each once")
	a = ask(w, "OfAll", "&id=" + ",".join(urn("OfAll", "%03d" % i)
	    for i in range(120)) + "," + ",".join(urn("OfAll", pad + str(i))
	    for i in range(60)))
	same(set(shape(w, "o-all")), {("POST", "/entityOperations/query")},
	    "asked")
	ask(w, "OfAll", "&id=" + urn("OfAll", "001"))
	same(shape(w, "o-all"), [("GET", "/entities")], "a short one")


# ---- pages

@test
def learns_the_page_of_a_source(w):
	for name, type, tries, then in (
	    ("p-403", "Page403", ["100", "50", "25", "25", "25"], "25"),
	    ("p-400", "Page400", ["100", "50", "50"], "50"),
	    ("p-less", "PageLess", ["100", "100", "100"], "100")):
		conn = w.connect()		# a worker of its own
		b = w.brokers[name]
		a = ask(w, type, conn=conn)
		same((len(a.ids()), a.warnings()), (70, {}), type)
		same([r.par["limit"] for r in b.asked()], tries, type)
		a = ask(w, type, conn=conn)
		same(len(a.ids()), 70, type)
		same({r.par["limit"] for r in b.asked()}, {then}, type)
		conn.close()


@test
def pages_on_without_a_count(w):
	a = ask(w, "PageBare")
	same(len(a.ids()), 70, "all")
	same([r.par["offset"] for r in w.brokers["p-bare"].asked()],
	    ["0", "20", "40", "60"], "offsets")


@test
def takes_other_errors_for_errors(w):
	b = w.brokers["p-less"]
	for code, text in ((403, b'{"title":"Forbidden"}'),
	    (400, b'{"title":"bad attribute"}'), (413, b"limit")):
		b.fault = status(code, text)
		a = ask(w, "PageLess")
		same((a.warnings(), len(b.asked())), ({"p-less": 299}, 1), code)
	# However often it is said: not for ever.
	b.fault = status(403, b"TooManyResults")
	a = ask(w, "PageLess")
	same(a.warnings(), {"p-less": 299}, "refuses any page")
	same([r.par["limit"] for r in b.asked()], ["100", "50", "25", "12"],
	    "halved")
	b.fault = None
	same([r.par["limit"] for r in (ask(w, "PageLess"), b.asked())[1]],
	    ["100"] * 3, "what did not help is not remembered")


@test
def speaks_dialects(w):
	same(len(ask(w, "PageStellio").ids()), 150, "stellio")
	same([r.par["limit"] for r in w.brokers["p-stellio"].asked()],
	    ["100", "100"], "pages")
	same(len(ask(w, "PageScorpio").ids()), 150, "scorpio")
	same([(r.path, r.par["limit"]) for r in
	    w.brokers["p-scorpio"].asked()], [(ENTITIES + "/", "1000")],
	    "pages")


# ---- warnings (6.3.17)

@test
def warns_as_the_standard_has_it(w):
	b = w.brokers["p-bare"]
	for fault, code in ((reset, 199), (hang, 199), (status(508), 199),
	    (status(500), 299), (status(401), 299), (status(403), 299),
	    (status(302), 299), (status(204, b""), 299),
	    (body(b"[{"), 111), (body(b"{}"), 111), (truncate, 111),
	    (oversize, 111), (status(404), None)):
		b.fault = fault
		a = ask(w, "PageBare")
		same(a.warnings(), {"p-bare": code} if code else {}, fault)
		same(a.ids(), [], "nothing partial")
		b.fault = None
		# So that no breaker opens.
		wait_for(lambda: ask(w, "PageBare").warnings() == {}, 10,
		    "sound again")
	b.stop()
	same(ask(w, "PageBare").warnings(), {"p-bare": 199}, "refused")
	b.start()


main(setup)
