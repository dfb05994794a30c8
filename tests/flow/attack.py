"""attack.py - what the attack tests share (policy.md, section 6): a region with
hidden parts everywhere, and a look at all that leaves the hub.

All that is hidden from Fröndenberg has one of the CANARIES in it. No answer
that `seek` brings may have one, in body or header, whatever was asked for; nor
may hubd's log, in which names of sources may stand but no values.
"""
from flow import *

CANARIES = (b"geheim", b"98765.4", b"1987-06-05", b"7654321")
LOGGED = ("geheimnis", "98765.4", "1987-06-05")
WATER = "urn:ngsi-ld:WaterObserved:"
PARK = "urn:ngsi-ld:OffStreetParking:"
A, B, D = WATER + "a", WATER + "b", WATER + "d"
HIDDEN = WATER + "geheimnis"
ELSEWHERE = WATER + "k-geheimnis"
LOT = PARK + "geheimnis"
Q = "?type=WaterObserved"
T = "2026-11-22T17:00:00Z"
LONG_AGO = "1987-06-05T00:00:00Z"
# Another context of the region: harmless names for what is hidden.
OTHER = "https://drehscheibe.example/contexts/attack.jsonld"
TERM = "https://drehscheibe.example/terms/"
BATCH = ROOT + "/entityOperations/query"


def link(url):
	return {"Link": LINK.replace(CONTEXT, url)}


def secret(text="1", more=""):
	return prop('"geheimnis-%s"' % text, T, more=more)


def station(id, level, x=7.55, more="", type="WaterObserved", **hidden):
	"""Shown are the level and the place; the rest is hidden."""
	return ent(id, type, waterLevel=prop(level, T,
	    more=',"modifiedAt":"%s"%s' % (LONG_AGO, more)),
	    location=point(x, 51.44), **hidden)


def usual():
	"""What Schwerte has, as Fröndenberg may see a part of it."""
	return [
	    station(A, "142", more=',"accuracy":' + prop("98765.4"),
		refDevice=secret(), wide=point(7.6123, 51.7654321),
		licensePlate='{"type":"LanguageProperty","languageMap":'
		'{"de":"geheimnis-de","en":"geheimnis-en"}}',
		generation='{"type":"VocabProperty","vocab":"geheimnis"}',
		scope='"/geheimnis/1"', createdAt='"%s"' % LONG_AGO,
		modifiedAt='"%s"' % LONG_AGO),
	    station(B, "7", flow=prop("3", T)),
	    # Outside of the area that was agreed on.
	    station(HIDDEN, "142", x=7.9),
	    # Of a type that was not.
	    ent(LOT, "OffStreetParking", availableSpotNumber=prop("98765.4")),
	]


def lax(b, c, rq):
	"""A source that takes type, ids, q and paging for advice."""
	if rq.split("?")[0].rstrip("/") != ENTITIES:
		return answer(c, *b.reply(rq))
	return answer(c, 200, b"[" + b",".join(b.entities) + b"]",
	    b.reply(rq)[2][:1])


def region(w, more="", shared="allow = {waterLevel, flow, location, "
    "stationName} inside = {schwerte}", **tenant):
	b = w.brokers
	r = tenants(**tenant)
	r += 'context "%s" { file = "contexts/attack.jsonld" }\n' % OTHER
	# None rests after failures: the next test asks it again.
	awake = {"extra": 'breaker = "1000/1s"'}
	r += source("schwerte-broker", "schwerte", b["schwerte"],
	    ["WaterObserved", "OffStreetParking", "FloodMonitoring"], **awake)
	r += source("dortmund-broker", "dortmund", b["dortmund"],
	    ["WaterObserved"], ids=[WATER + "d*"], **awake)
	r += source("geheim-quelle", "kreis-unna", b["kreis-unna"],
	    ["WaterObserved", "FloodMonitoring"], **awake)
	if shared:
		r += agreement("s-f", "schwerte", "froendenberg",
		    "schwerte-broker-data", {"WaterObserved": shared})
	r += agreement("d-f", "dortmund", "froendenberg",
	    "dortmund-broker-data", {"WaterObserved":
	    "allow = {waterLevel}"})
	r += agreement("s-h", "schwerte", "holzwickede",
	    "schwerte-broker-data", {"WaterObserved":
	    "allow = {flow} inside = {schwerte}"})
	r += agreement("k-h", "kreis-unna", "holzwickede",
	    "geheim-quelle-data", {"WaterObserved":
	    "allow = {waterLevel, flow}"})
	return r + more


def restore(w):
	w.brokers["schwerte"].entities = usual()
	w.brokers["dortmund"].entities = [ent(D, "WaterObserved",
	    waterLevel=prop("61", T), flow=secret("flow"))]
	w.brokers["kreis-unna"].entities = [
	    station(ELSEWHERE, "98765.4", type="WaterObserved"),
	    station("urn:ngsi-ld:FloodMonitoring:geheimnis", "1",
		type="FloodMonitoring")]
	for b in w.brokers.values():
		b.fault = lax


def attacked(name, prepare=None, text=region, **more):
	"""A running hub with that region; prepare(w) may add files first."""
	w = World(name, {n: Broker() for n in ("schwerte", "dortmund",
	    "kreis-unna")}, **more)
	w.write("contexts/attack.jsonld", json.dumps({"@context": [{
	    "WaterObserved": TERM + "WaterObserved",
	    "harmless": TERM + "refDevice", "flow": TERM + "waterLevel",
	    "waterLevel": TERM + "refDevice"},
	    "https://uri.etsi.org/ngsi-ld/v1/"
	    "ngsi-ld-core-context-v1.9.jsonld"]}))
	restore(w)
	if prepare:
		prepare(w)
	w.apply(text(w))
	w.start()
	return w


def attack(fn):
	"""A test that ends with a look at the log of the hub."""
	def tried(w):
		restore(w)
		try:
			fn(w)
		finally:
			restore(w)
		log = w.hub.text()
		for canary in LOGGED:
			at = log.find(canary)
			check(at < 0, "in the log: %r" % log[max(0, at -
			    200):at + 80])
	tried.__name__ = fn.__name__
	return test(tried)


def clean(a, what=""):
	"""The answer, if nothing of it is hidden from Fröndenberg."""
	seen = a.body + repr(a.fields).encode()
	for canary in CANARIES:
		check(canary not in seen, "%s: %r in %.800r" % (what, canary,
		    seen))
	return a


def seek(w, path, tenant="froendenberg", **more):
	return clean(w.ask(tenant, path, **more), path)


def post(w, body, path=BATCH, tenant="froendenberg", method="POST",
    type="application/json", purpose="hochwasserschutz", **fields):
	"""A request with a body, as bytes or as what becomes JSON."""
	c = w.connect()
	h = {"Authorization": "Bearer " + w.token(tenant),
	    "Hub-Purpose": purpose, "Link": LINK, "Content-Type": type}
	h.update(fields)
	begun = time.monotonic()
	with contextlib.suppress(BrokenPipeError, ConnectionResetError):
		c.request(method, path, body if isinstance(body, bytes) else
		    json.dumps(body), h)
	r = c.getresponse()
	a = Answer(r, r.read(), time.monotonic() - begun)
	c.close()
	return clean(a, "%s %s %.200r" % (method, path, body))


def told(a):
	"""All that the client sees but what differs every time."""
	text = re.sub(rb'"instance":"[^"]*"', b"", a.body)
	return a.status, text, sorted((k, v) for k, v in a.fields
	    if k.lower() not in ("date", "request-id", "server-timing"))


def asked(w, *names):
	"""The targets that sources were asked for since they forgot."""
	return [lines[0].split(" ")[1] for n in names or w.brokers
	    for lines in w.brokers[n].asked()]


def forget(w):
	for b in w.brokers.values():
		b.forget()


def variants():
	"""The same view over other hidden parts."""
	yield usual()
	yield [station(A, "142"), station(B, "7", flow=prop("3", T))]
	yield [
	    station(A, "142", more=',"accuracy":%s,"refDevice":%s' % (
		prop("1"), secret("x")), refDevice=prop("98765.4"),
		wide=point(7.55, 51.44), licensePlate=secret("a"),
		generation=secret("b"), scope='"/a"'),
	    station(B, "7", flow=prop("3", T), refDevice=secret("aaa"),
		exact=prop("1"), scope='["/geheimnis/1"]')] + [
	    station(WATER + "y%d" % i, "142", x=8 + i, refDevice=secret())
	    for i in range(3)] + [
	    ent(PARK + "x%d" % i, "OffStreetParking",
		waterLevel=prop("142")) for i in range(4)]


def indifferent(w, paths, **more):
	"""The answers, if what is hidden changes no byte of them."""
	seen = {}
	conn = w.connect()
	for n, entities in enumerate(variants()):
		w.brokers["schwerte"].entities = entities
		for path in paths:
			a = seek(w, path, conn=conn, **more)
			same(told(a), told(seen.setdefault(path, a)),
			    "with other hidden parts (%d): %s" % (n, path))
	conn.close()
	restore(w)
	return seen
