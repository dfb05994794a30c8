#!/usr/bin/env python3
# temporal.t - how entities evolved, as several sources tell it: one series per
# attribute and datasetId, within what was agreed; against hand-made answers
# and, for random series and queries, against a small model.
import datetime
import os
import random
import sys
from decimal import Decimal, getcontext
from fractions import Fraction

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *
from urllib.parse import parse_qs, quote, unquote, urlsplit

getcontext().prec = 80
TEMPORAL = ROOT + "/temporal/entities"
BATCH = ROOT + "/temporal/entityOperations/query"
SCOPE = "hub.read hub.temporal purpose:hochwasserschutz purpose:verkehr " \
    "purpose:klima"
UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
# The edges of history and delay lie between two of the hours before it.
NOW = int(time.time()) - 1800
HOUR, DAY = 3600, 86400


def iso(t, zone=0, digits=0):
	"""A DateTime, written under an offset of so many hours."""
	d = EPOCH + datetime.timedelta(seconds=t + zone * HOUR)
	text = d.strftime("%Y-%m-%dT%H:%M:%S")
	if digits:
		text += "." + "0" * digits
	return text + ("%+03d:00" % zone if zone else "Z")


def seconds(text):
	text = text.replace("Z", "+00:00")
	return int((datetime.datetime.fromisoformat(text) - EPOCH) /
	    datetime.timedelta(microseconds=1)) / 1000000


class Value:
	"""One instance of an attribute."""
	def __init__(self, at, value, dataset=None, text=None, modified=None,
	    more=""):
		self.at, self.value, self.dataset = at, value, dataset
		self.text = text or iso(at)
		self.modified, self.more = modified, more

	def json(self):
		return '{"type":"Property","value":%s,"observedAt":"%s"%s%s%s}' \
		    % (self.value, self.text,
		    ',"datasetId":"%s"' % self.dataset if self.dataset else "",
		    ',"modifiedAt":"%s"' % iso(self.modified)
		    if self.modified else "", self.more)


def evolution(id, type, **attrs):
	"""attrs: lists of Value or of JSON texts, or one JSON text."""
	parts = ['"id":"%s"' % id, '"type":"%s"' % type]
	for name, v in attrs.items():
		if isinstance(v, list):
			v = "[%s]" % ",".join(x if isinstance(x, str)
			    else x.json() for x in v)
		parts.append('"%s":%s' % (name, v))
	return ("{" + ",".join(parts) + "}").encode()


class History(Broker):
	"""A broker with a past.  strict: it leaves out what is exactly at
	timeAt.  cap: instants in one answer, then 206; span: writes its
	Content-Range."""
	strict, cap, page = True, 0, 1000
	present = ()	# what it has now

	@staticmethod
	def span(first, last):
		return "date-time %s-%s/*" % (iso(first)[:-1], iso(last)[:-1])

	def reply(self, rq):
		u = urlsplit(rq)
		par = {k: v[0] for k, v in parse_qs(u.query).items()}
		fields = ["Link: " + LINK]
		if u.path == ENTITIES and self.present:
			return 200, b"[" + b",".join(self.present) + b"]", \
			    fields + ["NGSILD-Results-Count: %d" %
			    len(self.present)]
		if not u.path.startswith(TEMPORAL):
			return 404, b'{"title":"not here"}', []
		single = unquote(u.path[len(TEMPORAL) + 1:])
		found = []
		for e in map(keep_numbers, self.entities):
			if single and e["id"] != single:
				continue
			if not single and e["type"] not in \
			    par["type"].split(","):
				continue
			if "id" in par and e["id"] not in par["id"].split(","):
				continue
			found.append(e)
		total = len(found)
		if not single:
			at, limit = int(par["offset"]), int(par["limit"])
			found = found[at:at + min(limit, self.page)]
			if par.get("count") == "true":
				fields.append("NGSILD-Results-Count: %d" % total)
		elif not found:
			return 404, b'{"title":"none"}', []
		status = self.narrow(found, par, fields)
		text = json.dumps(found[0] if single else found)
		return status, bare_numbers(text).encode(), fields

	def wanted(self, par):
		rel = par.get("timerel")
		at = seconds(par["timeAt"]) if rel else 0
		end = seconds(par["endTimeAt"]) if rel == "between" else 1e18
		after = (lambda t: t > at) if self.strict else \
		    (lambda t: t >= at)
		return {None: lambda t: True, "before": lambda t: t < at,
		    "after": after, "between": lambda t: after(t) and
		    t < end}[rel]

	def narrow(self, found, par, fields):
		"""As the parameters have it; the status."""
		want, when = self.wanted(par), par.get("timeproperty",
		    "observedAt")
		seen = set()
		for e in found:
			for name, v in list(e.items()):
				if name in ("id", "type", "scope"):
					continue
				if isinstance(v, list) and name != "location":
					e[name] = v = [x for x in v if when in x
					    and want(seconds(x[when]))]
					seen |= {seconds(x[when]) for x in v}
				if "attrs" in par and name not in \
				    par["attrs"].split(",") or v == []:
					del e[name]
		if not self.cap or len(seen) <= self.cap:
			return 200
		last = sorted(seen)[self.cap - 1]
		for e in found:
			for name, v in list(e.items()):
				if isinstance(v, list) and name != "location":
					e[name] = [x for x in v
					    if seconds(x[when]) <= last]
		fields.append("Content-Range: " + self.span(min(seen), last))
		return 206


def keep_numbers(text):
	"""Numbers as they are written, which json would not keep."""
	def note(n):
		return "#number " + n
	return json.loads(text, parse_float=note, parse_int=note)


def bare_numbers(text):
	return re.sub('"#number ([^"]*)"', r"\1", text)


class Asked:
	def __init__(self, lines):
		u = urlsplit(lines[0].split(" ")[1])
		self.path = u.path
		self.par = {k: v[0] for k, v in parse_qs(u.query).items()}


def asked(b):
	return [Asked(x) for x in b.asked()]


A, B, C, D = History(), History(), History(), History()
FLOOD = "urn:ngsi-ld:FloodMonitoring:"
WATER = "urn:ngsi-ld:WaterObserved:"
PARK = "urn:ngsi-ld:OffStreetParking:"
OPS = "operations = {queryTemporal, retrieveTemporal}"
ACTIONS = "temporal"


def region():
	def src(name, owner, broker, types, more="", dataset=None, extra=""):
		return source(name, owner, broker, types, more=OPS + " " + more,
		    dataset=dataset, extra=extra)
	text = tenants()
	text += src("schwerte", "schwerte", A, ["FloodMonitoring"],
	    "priority = 20")
	text += src("dortmund", "dortmund", B, ["FloodMonitoring"],
	    "priority = 10")
	text += src("kreis", "kreis-unna", C, ["WaterObserved"])
	# The same broker, but nothing of the past offered.
	text += '''
dataset kreis-now { source = kreis  ids = {"urn:ngsi-ld:OffStreetParking:*"}
	operations = {federationOps}  type OffStreetParking { } }'''
	allow = "allow = {currentLevel, alertLevel, location, " \
	    '"currentLevel.accuracy"}'
	text += agreement("an-a", "schwerte", "froendenberg", "schwerte-data",
	    {"FloodMonitoring": allow + " history = 30d"}, actions=ACTIONS)
	text += agreement("an-b", "dortmund", "froendenberg", "dortmund-data",
	    {"FloodMonitoring": allow + " delay = 6h"}, actions=ACTIONS)
	text += agreement("an-c", "kreis-unna", "froendenberg", "kreis-data",
	    {"WaterObserved": "allow = {waterLevel, location} "
	    "inside = {schwerte} system = {createdAt, modifiedAt}"},
	    actions=ACTIONS)
	text += source("parken", "dortmund", D, ["OffStreetParking"],
	    more="operations = {federationOps, queryTemporal}")
	text += agreement("an-e", "dortmund", "froendenberg", "parken-data",
	    {"OffStreetParking": "allow = {availableSpotNumber, location} "
	    "inside = {schwerte}"}, actions=ACTIONS)
	text += agreement("an-f", "dortmund", "schwerte", "parken-data",
	    {"OffStreetParking": "round availableSpotNumber { to = 5 } "
	    "trunc-time dateObserved { to = 15min }"}, actions=ACTIONS)
	text += agreement("an-d", "kreis-unna", "holzwickede", "kreis-data",
	    {"WaterObserved": "allow = {waterLevel, location}"},
	    actions="query, retrieve")
	return text


def setup():
	w = World("temporal", {"a": A, "b": B, "c": C, "d": D})
	w.apply(region())
	w.start()
	return w


def give(a=(), b=(), c=(), d=()):
	for broker, entities in ((A, a), (B, b), (C, c), (D, d)):
		broker.entities = list(entities)
		broker.fault, broker.cap, broker.page = None, 0, 1000
		broker.strict, broker.span = True, History.span
		broker.present = ()
		broker.forget()


def past(w, query, tenant="froendenberg", path=TEMPORAL, **more):
	return w.ask(tenant, path + query, token=w.token(tenant, scope=SCOPE),
	    **more)


def post(w, body, query="", tenant="froendenberg"):
	c = w.connect()
	c.request("POST", BATCH + query, body=json.dumps(body), headers={
	    "Authorization": "Bearer " + w.token(tenant, scope=SCOPE),
	    "Hub-Purpose": "hochwasserschutz", "Link": LINK,
	    "Accept": "application/json", "Content-Type": "application/json"})
	r = c.getresponse()
	a = Answer(r, r.read(), 0)
	c.close()
	return a


def texts(a):
	"""The answer with its numbers as they were written."""
	return json.loads(a.body, parse_float=str, parse_int=str)


def between(t0, t1):
	return "&timerel=between&timeAt=%s&endTimeAt=%s" % (quote(iso(t0)),
	    quote(iso(t1)))


def after(t):
	return "&timerel=after&timeAt=" + quote(iso(t))


def before(t):
	return "&timerel=before&timeAt=" + quote(iso(t))


def level(values, attr="currentLevel"):
	"""[(value, hours ago)] of one entity of the answer."""
	return [(x["value"], round((NOW - seconds(x["observedAt"])) / HOUR, 3))
	    for x in values[attr]]


def ago(h):
	return NOW - h * HOUR


# ---- merging

@test
def merges_the_series_of_two_sources(w):
	give([evolution(FLOOD + "1", "FloodMonitoring", currentLevel=[
	    Value(ago(30), "1.10"), Value(ago(10), "1.30")],
	    alertLevel=[Value(ago(20), "3")])],
	    [evolution(FLOOD + "1", "FloodMonitoring", currentLevel=[
	    Value(ago(9), "1.4"), Value(ago(20), "1.20")])])
	a = past(w, "?type=FloodMonitoring" + after(ago(48)))
	got = texts(a.ok())
	same(len(got), 1, "entities")
	same(level(got[0]), [("1.10", 30), ("1.20", 20), ("1.30", 10),
	    ("1.4", 9)], "series")
	same(level(got[0], "alertLevel"), [("3", 20)], "one instance")
	check(isinstance(got[0]["alertLevel"], list), "an array of one")
	same(sorted(a.all("Hub-Agreement")), ["an-a;v=1", "an-b;v=1"], "agreements")
	same(a.warnings(), {}, "warnings")


@test
def keeps_one_of_two_values_of_one_instant(w):
	# The same instant in another spelling; dortmund has the smaller
	# priority number, and its modifiedAt is not released.
	give([evolution(FLOOD + "1", "FloodMonitoring", currentLevel=[
	    Value(ago(30), "1", text=iso(ago(30), 2), modified=ago(1)),
	    Value(ago(30), "7", "urn:x:other")])],
	    [evolution(FLOOD + "1", "FloodMonitoring", currentLevel=[
	    Value(ago(30), "2", text=iso(ago(30), 0, 3), modified=ago(20)),
	    Value(ago(31), "3"), Value(ago(31), "4")])])
	got = texts(past(w, "?type=FloodMonitoring" + after(ago(48))).ok())[0]
	same([(x["value"], x.get("datasetId")) for x in got["currentLevel"]],
	    [("3", None), ("2", None), ("7", "urn:x:other")], "winners")


@test
def gives_the_newest_of_the_merged_series(w):
	give([evolution(FLOOD + "1", "FloodMonitoring", currentLevel=[
	    Value(ago(h), str(h)) for h in (40, 30, 20, 10)])],
	    [evolution(FLOOD + "1", "FloodMonitoring", currentLevel=[
	    Value(ago(h), str(h)) for h in (39, 25, 11)] +
	    [Value(ago(h), str(h), "urn:x:d") for h in (35, 34, 33)])])
	got = texts(past(w, "?type=FloodMonitoring&lastN=3" +
	    after(ago(48))).ok())[0]
	same([int(x["value"]) for x in got["currentLevel"]],
	    [20, 11, 10, 35, 34, 33], "the last three of each dataset")
	for b in (A, B):
		check("lastN" not in asked(b)[0].par, "lastN is the hub's")
	got = past(w, "?type=FloodMonitoring&lastN=99999999999" +
	    after(ago(48))).ok().json()[0]
	same(len(got["currentLevel"]), 10, "all there are")


@test
def reads_single_objects_and_other_kinds(w):
	give([evolution(FLOOD + "1", "FloodMonitoring",
	    currentLevel=Value(ago(5), "1").json(), alertLevel=[
	    '{"type":"Relationship","object":"urn:x:y","observedAt":"%s"}' %
	    iso(ago(6)), '{"type":"Property","value":"a","observedAt":"%s"}' %
	    iso(ago(5))])])
	# A broker that does not filter at all.
	A.narrow = lambda *a: 200
	try:
		got = past(w, "?type=FloodMonitoring&options=temporalValues" +
		    after(ago(48))).ok().json()[0]
	finally:
		del A.narrow
	same(got["currentLevel"], {"type": "Property",
	    "values": [[1, iso(ago(5))]]}, "an object")
	same(got["alertLevel"], [{"type": "Property",
	    "values": [["a", iso(ago(5))]]}, {"type": "Relationship",
	    "objects": [["urn:x:y", iso(ago(6))]]}], "two kinds")


# ---- representations

@test
def answers_as_dashboards_ask(w):
	"""As the Grafana data sources ask: temporalValues, by id or type."""
	give([evolution(FLOOD + "1", "FloodMonitoring", currentLevel=[
	    Value(ago(3), "21.10", text=iso(ago(3), 0, 3)),
	    Value(ago(2), "12345678901234567890")])])
	want = '[{"id":"%s1","type":"FloodMonitoring","currentLevel":' \
	    '{"type":"Property","values":[[21.10,"%s"],' \
	    '[12345678901234567890,"%s"]]}}]' % (FLOOD, iso(ago(3), 0, 3),
	    iso(ago(2)))
	q = "?type=FloodMonitoring&attrs=currentLevel" + between(ago(5), NOW)
	a = past(w, q + "&options=temporalValues").ok()
	same(a.body.decode(), want, "options")
	a = past(w, q + "&format=temporalValues").ok()
	same(a.body.decode(), want, "format")
	a = past(w, "/" + quote(FLOOD + "1", safe="") + "?attrs=currentLevel"
	    "&options=temporalValues" + between(ago(5), NOW)).ok()
	same(a.body.decode(), want[1:-1], "retrieve")
	a = past(w, q, headers={"Accept": "application/ld+json"}.items()).ok()
	same(a.one("Content-Type"), "application/ld+json", "type")
	same(a.json()[0]["@context"], CONTEXT, "context inside")
	a = past(w, q, headers={"Accept": "application/geo+json"}.items())
	same(a.status, 406, "GeoJSON")


@test
def aggregates_the_merged_series(w):
	t0 = ago(24)
	give([evolution(FLOOD + "1", "FloodMonitoring", currentLevel=[
	    Value(t0, "0.1"), Value(t0 + 600, "0.2"),
	    Value(t0 + 7200, "5e0"), Value(t0 + 9000, '"dry"')])],
	    [evolution(FLOOD + "1", "FloodMonitoring", currentLevel=[
	    Value(t0 + 1200, "0.30"), Value(t0 + 600, "0.20")])])
	q = "?type=FloodMonitoring&options=aggregatedValues" + \
	    between(t0, t0 + 4 * HOUR)
	a = past(w, q + "&aggrPeriodDuration=PT1H&aggrMethods=totalCount,"
	    "distinctCount,sum,avg,min,max,stddev,sumsq").ok()
	got = texts(a)[0]["currentLevel"]
	h = [iso(t0 + i * HOUR) for i in range(5)]
	same(got, {"type": "Property",
	    "totalCount": [["3", h[0], h[1]], ["2", h[2], h[3]]],
	    "distinctCount": [["3", h[0], h[1]], ["2", h[2], h[3]]],
	    "sum": [["0.6", h[0], h[1]], ["5", h[2], h[3]]],
	    "avg": [["0.2", h[0], h[1]], ["5", h[2], h[3]]],
	    "min": [["0.1", h[0], h[1]], ["5e0", h[2], h[3]]],
	    "max": [["0.30", h[0], h[1]], ["5e0", h[2], h[3]]],
	    "stddev": [["0.1", h[0], h[1]]],
	    "sumsq": [["0.14", h[0], h[1]], ["25", h[2], h[3]]]},
	    "by the hour")
	got = texts(past(w, q + "&aggrMethods=max,sum").ok())[0]
	same(got["currentLevel"], {"type": "Property",
	    "sum": [["5.6", h[0], h[4]]], "max": [["5e0", h[0], h[4]]]},
	    "the whole range")
	for b in (A, B):
		check(all("aggrMethods" not in r.par for r in asked(b)),
		    "never left to a source")


# ---- policy

@test
def keeps_history_and_delay_to_themselves(w):
	values = [Value(ago(h), str(h)) for h in (24 * 40, 24 * 31, 24 * 29,
	    12, 5, 1)]
	give([evolution(FLOOD + "1", "FloodMonitoring", currentLevel=values)],
	    [evolution(FLOOD + "2", "FloodMonitoring", currentLevel=values)])
	A.narrow = B.narrow = lambda *a: 200	# they send everything
	try:
		got = past(w, "?type=FloodMonitoring" + before(ago(-1000)))
	finally:
		del A.narrow, B.narrow
	got = {e["id"][-1]: [x["value"] for x in e["currentLevel"]]
	    for e in got.ok().json()}
	same(got, {"1": [24 * 29, 12, 5, 1],
	    "2": [24 * 40, 24 * 31, 24 * 29, 12]}, "what is shown")
	pa, pb = asked(A)[0].par, asked(B)[0].par
	same(pa["timerel"], "between", "clamped to the agreement")
	check(abs(seconds(pa["timeAt"]) - time.time() + 30 * DAY) < 60 * SLOW,
	    "history: " + pa["timeAt"])
	same(pb["timerel"], "before", "clamped to the agreement")
	check(abs(seconds(pb["timeAt"]) - time.time() + 6 * HOUR) < 60 * SLOW,
	    "delay: " + pb["timeAt"])


@test
def does_not_ask_for_what_nobody_may_see(w):
	give()
	same(past(w, "?type=FloodMonitoring" + before(ago(24 * 50))).ok()
	    .json(), [], "older than agreed")
	same((len(asked(A)), len(asked(B))), (0, 1), "asked")
	same(past(w, "?type=FloodMonitoring" + after(ago(2))).ok().json(), [],
	    "newer than agreed")
	same((len(asked(A)), len(asked(B))), (1, 1), "asked")
	# Neither agreement releases modifiedAt.
	q = "?type=FloodMonitoring&timeproperty=modifiedAt" + after(ago(99))
	same(past(w, q).ok().json(), [], "by modifiedAt")
	same((len(asked(A)), len(asked(B))), (1, 1), "asked")


@test
def hides_attributes_and_what_hangs_on_them(w):
	more = ',"accuracy":{"type":"Property","value":9},"wide":' \
	    '{"type":"Property","value":8},"instanceId":"urn:x:i"'
	e = evolution(FLOOD + "1", "FloodMonitoring", currentLevel=[
	    Value(ago(9), "1", modified=ago(8), more=more)],
	    refDevice=['{"type":"Relationship","object":"urn:x:secret",'
	    '"observedAt":"%s"}' % iso(ago(9))], scope='"/secret"')
	give([e])
	for form in ("", "&options=sysAttrs", "&options=temporalValues",
	    "&options=aggregatedValues&aggrMethods=max,totalCount"):
		a = past(w, "?type=FloodMonitoring" + form + after(ago(48)))
		for word in (b"secret", b"refDevice", b"wide", b"instanceId",
		    b"modifiedAt", b"scope"):
			check(word not in a.ok().body, "%r in %r" % (word,
			    a.body))
	got = past(w, "?type=FloodMonitoring" + after(ago(48))).json()[0]
	same(got["currentLevel"][0]["accuracy"]["value"], 9, "what is allowed")
	for q in ("&q=refDevice", "&attrs=refDevice", "&q=wide==8"):
		same(past(w, "?type=FloodMonitoring" + q + after(ago(48)))
		    .ok().json(), [], q)
	check("refDevice" not in asked(A)[0].par["attrs"], "not asked for")
	# Its owner sees all of it.
	a = past(w, "?type=FloodMonitoring" + after(ago(48)), "schwerte")
	for word in (b"urn:x:secret", b"wide", b"instanceId", b"/secret"):
		check(word in a.ok().body, "%r not in %r" % (word, a.body))


@test
def leaves_what_was_outside(w):
	def place(h, lon):
		return '{"type":"GeoProperty","value":{"type":"Point",' \
		    '"coordinates":[%s,51.44]},"observedAt":"%s"}' % (lon,
		    iso(ago(h)))
	def bus(n, *places):
		return evolution(WATER + n, "WaterObserved", waterLevel=[
		    Value(ago(9), n)], location=list(places))
	give(c=[bus("1", place(9, 7.55), place(8, 7.9), place(7, 7.6)),
	    bus("2", place(9, 7.9), place(8, 7.8)), bus("3"),
	    bus("4", '{"type":"GeoProperty","value":7,"observedAt":"%s"}' %
	    iso(ago(5)))])
	got = past(w, "?type=WaterObserved" + after(ago(48))).ok().json()
	same([e["id"][-1] for e in got], ["1"], "entities")
	same([x["value"]["coordinates"][0] for x in got[0]["location"]],
	    [7.55, 7.6], "places")
	check("location" in asked(C)[0].par["attrs"], "asked for, to judge")
	got = past(w, "?type=WaterObserved&attrs=waterLevel" +
	    after(ago(48))).ok().json()
	same([sorted(e) for e in got], [["id", "type", "waterLevel"]], "attrs")


def parking(n, more):
	return evolution(PARK + n, "OffStreetParking", availableSpotNumber=[
	    Value(ago(9), n), Value(ago(8), "7")], **more)


@test
def asks_where_stations_are(w):
	"""Who stands still has no history of its place."""
	here = json.loads(point(7.55, 51.44))
	there = json.loads(point(7.9, 51.44))
	moved = '[{"type":"GeoProperty","value":{"type":"Point",' \
	    '"coordinates":[7.9,51.44]},"observedAt":"%s"}]' % iso(ago(8))
	give(d=[parking("1", {}), parking("2", {}), parking("3", {}),
	    parking("4", {"location": moved})])
	D.present = [ent(PARK + n, "OffStreetParking", location=json.dumps(g))
	    for n, g in (("1", here), ("2", there), ("4", here))]
	a = past(w, "?type=OffStreetParking" + after(ago(48))).ok()
	same([sorted(e) for e in a.json()], [["availableSpotNumber", "id",
	    "type"]], "members")
	same(a.json()[0]["id"], PARK + "1", "entity")
	same(sorted((r.path[len(ROOT):], r.par["attrs"]) for r in asked(D)),
	    [("/entities", "location"),
	    ("/temporal/entities", "availableSpotNumber,location")], "asked")
	rid = a.one("Request-Id")
	rows = wait_for(lambda: w.sql("SELECT class, entities FROM "
	    "ledger.event WHERE request_id = '%s' ORDER BY leg" % rid), 20,
	    "rows of " + rid)
	same(rows, [["access", "1"], ["leg", "1"]], "booked once")
	# Nobody says where they are: nobody knows that it is inside.
	D.present = [b'{"id":"urn:ngsi-ld:OffStreetParking:1","type":7}']
	a = past(w, "?type=OffStreetParking" + after(ago(48))).ok()
	same((a.json(), a.warnings()), ([], {"parken": 111}), "answer")
	# Its owner needs no place.
	D.forget()
	a = past(w, "?type=OffStreetParking" + after(ago(48)), "dortmund")
	same((len(a.ok().json()), len(asked(D))), (4, 1), "the owner's")


@test
def shows_values_as_they_were_agreed_on(w):
	def seen(minute):
		at = ago(9) // 900 * 900 + minute * 60
		return '{"type":"Property","value":"%s","observedAt":"%s"}' % (
		    iso(at), iso(at))
	t0 = ago(9) // 900 * 900
	give(d=[evolution(PARK + "1", "OffStreetParking",
	    availableSpotNumber=[Value(ago(9), "12"), Value(ago(8), "13.4"),
	    Value(ago(7), "8")], dateObserved=[seen(1), seen(9), seen(17)])])
	q = "?type=OffStreetParking"
	a = past(w, q + "&options=aggregatedValues&aggrMethods=min,max,sumsq,"
	    "distinctCount&attrs=availableSpotNumber" + between(ago(10),
	    ago(6)), "schwerte").ok()
	got = {k: v[0][0] for k, v in
	    a.json()[0]["availableSpotNumber"].items() if k != "type"}
	same(got, {"min": 10, "max": 15, "sumsq": 425, "distinctCount": 2},
	    "of rounded values")
	# Truncated, they are earlier than their source has them.
	a = past(w, q + "&attrs=dateObserved&options=temporalValues" +
	    between(t0, t0 + 600), "schwerte").ok()
	same(a.json()[0]["dateObserved"]["values"], [[iso(t0), iso(t0)]],
	    "one of the quarter of an hour")
	a = past(w, q + "&attrs=dateObserved&options=temporalValues" +
	    between(t0 + 60, t0 + 960), "schwerte").ok()
	same(a.json()[0]["dateObserved"]["values"], [[iso(t0 + 900),
	    iso(t0 + 900)]], "the next one")


@test
def asks_by_other_times_where_they_are_released(w):
	def v(n, modified, created):
		return Value(ago(9), n, modified=modified, more=
		    ',"createdAt":"%s"' % iso(created))
	place = '{"type":"GeoProperty","value":{"type":"Point",' \
	    '"coordinates":[7.55,51.44]},"modifiedAt":"%s"}' % iso(ago(5))
	give(c=[evolution(WATER + "1", "WaterObserved", waterLevel=[
	    v("1", ago(5), ago(7)), v("2", ago(3), ago(4))],
	    location="[%s]" % place)])
	q = "?type=WaterObserved&timeproperty=%s&attrs=waterLevel"
	got = past(w, q % "modifiedAt" + between(ago(6), ago(4))).ok().json()
	same([x["value"] for x in got[0]["waterLevel"]], [1], "modifiedAt")
	same(asked(C)[0].par["timeproperty"], "modifiedAt", "upstream")
	got = past(w, q % "createdAt" + "&options=temporalValues" +
	    after(ago(7))).ok().json()
	same(got[0]["waterLevel"]["values"], [[1, iso(ago(7))],
	    [2, iso(ago(4))]], "createdAt")


@test
def needs_an_agreement_for_the_past(w):
	give(c=[evolution(WATER + "1", "WaterObserved", waterLevel=[
	    Value(ago(9), "1")])])
	a = past(w, "?type=WaterObserved&count=true" + after(ago(48)),
	    "holzwickede").ok()
	same((a.json(), a.one("NGSILD-Results-Count")), ([], "0"), "answer")
	same(past(w, "/" + WATER + "1", "holzwickede").status, 404, "retrieve")
	same(asked(C), [], "not asked")
	same(past(w, "?type=OffStreetParking" + after(ago(48)), "kreis-unna")
	    .ok().json(), [], "a dataset without a past")
	same(asked(D), [], "nor is that of another")
	same(asked(C), [], "not asked")
	# And a token for it.
	a = w.ask("froendenberg", TEMPORAL + "?type=FloodMonitoring" +
	    after(ago(48)))
	same(a.status, 403, "a token without hub.temporal")


@test
def owners_ask_for_the_last_values_alone(w):
	give(c=[evolution(WATER + "1", "WaterObserved", waterLevel=[
	    Value(ago(h), str(h)) for h in (9, 8, 7)])])
	a = past(w, "/" + WATER + "1?lastN=2", "kreis-unna").ok()
	same([x["value"] for x in a.json()["waterLevel"]], [8, 7], "values")
	same(asked(C)[0].par.get("lastN"), "2", "upstream")
	check("timerel" not in asked(C)[0].par, "no time was asked for")


# ---- pages

@test
def pages_by_entities(w):
	give([evolution(FLOOD + "%02d" % i, "FloodMonitoring", currentLevel=[
	    Value(ago(9), str(i))]) for i in range(0, 7)],
	    [evolution(FLOOD + "%02d" % i, "FloodMonitoring", currentLevel=[
	    Value(ago(10), str(i))]) for i in range(5, 12)])
	B.page = 3
	a = past(w, "?type=FloodMonitoring&limit=5&offset=5&count=true" +
	    after(ago(48))).ok()
	same([int(e["id"][-2:]) for e in a.json()], [5, 6, 7, 8, 9], "page")
	same(len(a.json()[0]["currentLevel"]), 2, "merged")
	same(a.one("NGSILD-Results-Count"), "12", "count")
	links = " ".join(a.all("Link"))
	check('offset=10>; rel="next"' in links and
	    'offset=0>; rel="prev"' in links and
	    "/ngsi-ld/v1/temporal/entities?" in links, links)


@test
def follows_sources_that_cut_in_time(w):
	values = [Value(ago(40) + i * 60, str(i)) for i in range(50)]
	more = [Value(ago(40) + i * 60 + 30, str(i)) for i in range(20)]
	give([evolution(FLOOD + "%d" % n, "FloodMonitoring", currentLevel=
	    values if n != 1 else more) for n in range(3)])
	for strict, page in ((True, 1000), (False, 1000), (True, 2)):
		A.strict, A.cap, A.page = strict, 8, page
		a = past(w, "?type=FloodMonitoring" + after(ago(48))).ok()
		same(a.warnings(), {}, "warnings")
		same([[x["value"] for x in e["currentLevel"]]
		    for e in a.json()], [list(range(50)), list(range(20)),
		    list(range(50))], "all of it")
	a = past(w, "/" + FLOOD + "0?attrs=currentLevel" + after(ago(48)))
	same(len(a.ok().json()["currentLevel"]), 50, "retrieve")
	for bad in (lambda *x: "items 0-8/*", lambda *x: "date-time x-y/*",
	    lambda *x: "date-time %s-%s/*" % (iso(ago(50)), iso(ago(60)))):
		A.span, A.page = bad, 1000
		a = past(w, "?type=FloodMonitoring" + after(ago(48))).ok()
		same((a.json(), a.warnings()), ([], {"schwerte": 111}),
		    "what cannot be followed")


@test
def cuts_long_answers_in_time(w):
	n = 6000
	t0 = ago(24 * 20)
	give([evolution(FLOOD + "1", "FloodMonitoring", currentLevel=[
	    Value(t0 + i * 60, str(i)) for i in range(n)],
	    alertLevel=[Value(t0 + i * 60, str(i)) for i in range(n)])])
	q = "?type=FloodMonitoring&options=temporalValues"
	a = past(w, q + after(t0)).ok(206)
	same(a.one("Content-Range"), "date-time %s-%s/*" % (iso(t0),
	    iso(t0 + 4999 * 60)), "range")
	got = a.json()[0]
	same([len(got[k]["values"]) for k in ("currentLevel", "alertLevel")],
	    [5000, 5000], "instances")
	a = past(w, q + after(t0 + 4999 * 60)).ok()
	same(len(a.json()[0]["currentLevel"]["values"]), 1001, "the rest")
	a = past(w, q + "&lastN=5500" + after(t0)).ok(206)
	same(a.one("Content-Range"), "date-time %s-%s/5500" % (
	    iso(t0 + 5999 * 60), iso(t0 + 1000 * 60)), "backwards")
	same(a.json()[0]["currentLevel"]["values"][0][0], 1000, "the newest")
	a = past(w, q.replace("temporalValues", "aggregatedValues") +
	    "&aggrMethods=sum" + after(t0)).ok()
	same(a.json()[0]["currentLevel"]["sum"][0][0], n * (n - 1) // 2,
	    "aggregates are of everything")


# ---- errors

@test
def warns_of_sources_that_fail(w):
	give([evolution(FLOOD + "1", "FloodMonitoring", currentLevel=[
	    Value(ago(9), "1")])])
	for fault, code in ((status(500), 299), (body(b"{"), 111),
	    (body(b'[{"id":"urn:x:1"}]'), 111), (reset, 199)):
		B.fault = fault
		a = past(w, "?type=FloodMonitoring" + after(ago(48))).ok()
		same((len(a.json()), a.warnings()), (1, {"dortmund": code}),
		    "answer")
		a = past(w, "?type=FloodMonitoring" + after(ago(48)),
		    headers={"Prefer": "handling=strict"}.items())
		same(a.status, 502, "strict")
	B.fault = status(404)
	a = past(w, "?type=FloodMonitoring" + after(ago(48))).ok()
	same(a.warnings(), {}, "nothing there is no failure")


BAD = ["", "?type=FloodMonitoring", "?timerel=after&timeAt=" + iso(0)] + [
    "?type=FloodMonitoring&" + q for q in (
	"timerel=after", "timeAt=" + iso(0), "timerel=during&timeAt=" + iso(0),
	"timerel=after&timeAt=yesterday", "timerel=after&timeAt=2026-01-01",
	"timerel=after&timeAt=%s&endTimeAt=%s" % (iso(0), iso(9)),
	"timerel=between&timeAt=" + iso(0),
	"timerel=between&timeAt=%s&endTimeAt=%s" % (iso(9), iso(0)),
	"timerel=after&timeAt=") + tuple(
	"timerel=after&timeAt=%s&%s" % (iso(0), more) for more in (
	"lastN=0", "lastN=-1", "lastN=1e9", "lastN=x", "timeproperty=x",
	"options=simplified", "options=temporalValues,aggregatedValues",
	"options=aggregatedValues", "aggrMethods=sum",
	"options=aggregatedValues&aggrMethods=median",
	"options=aggregatedValues&aggrMethods=sum,",
	"options=aggregatedValues&aggrMethods=sum&aggrPeriodDuration=1h",
	"options=aggregatedValues&aggrMethods=sum&aggrPeriodDuration=PT",
	"aggrPeriodDuration=PT1H", "geometryProperty=location", "foo=bar",
	"orderBy=id", "lastN=1&lastN=2", "format=keyValues"))]


@test
def refuses_what_it_does_not_take(w):
	give()
	for q in BAD:
		a = past(w, q)
		same(a.status, 400, q)
		same(a.json()["type"], "https://uri.etsi.org/ngsi-ld/errors/"
		    "BadRequestData", q)
	for q in ("options=concise", "timeproperty=deletedAt",
	    "join=inline", "entityMap=true", "options=audit"):
		same(past(w, "?type=FloodMonitoring&" + q + after(0)).status,
		    501, q)
	same(past(w, "?type=FloodMonitoring&limit=1001" + after(0)).status,
	    403, "limit")
	for method, path in (("POST", TEMPORAL), ("DELETE", TEMPORAL + "/" +
	    FLOOD + "1"), ("GET", BATCH)):
		a = past(w, "", path=path, method=method)
		same(a.status, 405, method + " " + path)
	same((asked(A), asked(B)), ([], []), "nobody was asked")


@test
def chooses_sources_by_csf(w):
	"""By what everybody knows of them."""
	give([evolution(FLOOD + "1", "FloodMonitoring",
	    currentLevel=[Value(ago(9), "1")])])
	for csf, n in (("owner==%22schwerte%22", 1),
	    ("owner==%22niemand%22", 0), ("endpoint", 0)):
		a = past(w, "?type=FloodMonitoring&csf=" + csf + after(0))
		same(len(a.ok().json()), n, csf)


@test
def answers_a_body_like_a_url(w):
	give([evolution(FLOOD + "%d" % i, "FloodMonitoring", currentLevel=[
	    Value(ago(9), str(i)), Value(ago(8), "5")]) for i in range(3)])
	q = {"type": "Query", "entities": [{"type": "FloodMonitoring",
	    "id": FLOOD + "1"}, {"type": "FloodMonitoring",
	    "idPattern": "2$"}], "attrs": ["currentLevel"],
	    "temporalQ": {"timerel": "after", "timeAt": iso(ago(48)),
	    "lastN": 1}}
	got = post(w, q, "?options=temporalValues").ok().json()
	same([(e["id"][-1], e["currentLevel"]["values"]) for e in got],
	    [("1", [[5, iso(ago(8))]]), ("2", [[5, iso(ago(8))]])], "answer")
	q["temporalQ"].update(aggrMethods=["max", "min"],
	    aggrPeriodDuration="P1D")
	got = post(w, q, "?format=aggregatedValues&limit=1&count=true").ok()
	same(got.one("NGSILD-Results-Count"), "2", "count")
	same(got.json()[0]["currentLevel"]["max"][0][0], 5, "aggregates")
	for bad in ({}, {"timerel": "after"}, {"timerel": 7}, 7,
	    {"timerel": "after", "timeAt": iso(0), "x": 1},
	    {"timerel": "after", "timeAt": iso(0), "lastN": -1}):
		q["temporalQ"] = bad
		same(post(w, q).status, 400, repr(bad))
	q["temporalQ"] = {"timerel": "after", "timeAt": iso(0), "lastN": 1}
	same(post(w, q, "?lastN=2").status, 400, "lastN twice")
	del q["temporalQ"]
	same(post(w, q).status, 400, "no time")
	same(post(w, q, "?timerel=after&timeAt=" + iso(0)).status, 400,
	    "time in the URL")


@test
def looks_for_entities_by_any_of_their_values(w):
	give([evolution(FLOOD + "1", "FloodMonitoring", currentLevel=[
	    Value(ago(9), "1"), Value(ago(30), "8")]),
	    evolution(FLOOD + "2", "FloodMonitoring", currentLevel=[
	    Value(ago(9), "2"), Value(ago(8), "8")])])
	for q, want in (("q=currentLevel%3E7" + after(ago(20)), "2"),
	    ("q=currentLevel%3E7" + after(ago(31)), "12"),
	    ("idPattern=1%24" + after(ago(31)), "1"),
	    ("id=%s2" % FLOOD + after(ago(31)), "2"),
	    ("pick=id,currentLevel" + after(ago(31)), "12"),
	    ("local=true" + after(ago(31)), "")):
		got = past(w, "?type=FloodMonitoring&" + q).ok().ids()
		same("".join(i[-1] for i in got), want, q)
	# Found by an old value, shown with the newest.
	got = past(w, "?type=FloodMonitoring&q=currentLevel==8&lastN=1" +
	    after(ago(31))).ok().json()
	same([e["currentLevel"][0]["value"] for e in got], [1, 8], "lastN")


@test
def books_what_was_given(w):
	give([evolution(FLOOD + "1", "FloodMonitoring", currentLevel=[
	    Value(ago(9), "1")])])
	a = past(w, "?type=FloodMonitoring" + after(ago(48))).ok()
	rid = a.one("Request-Id")
	rows = wait_for(lambda: w.sql("SELECT class, operation, entities FROM "
	    "ledger.event WHERE request_id = '%s' ORDER BY leg" % rid), 20,
	    "rows of " + rid)
	same([r[0] for r in rows], ["access", "leg", "leg"], "records")
	same({r[1] for r in rows}, {"3"}, "operation: temporal")
	same([r[2] for r in rows], ["1", "1", "0"], "entities")


# ---- the model

METHODS = ["totalCount", "distinctCount", "sum", "avg", "min", "max",
    "stddev", "sumsq"]
PERIODS = {"PT0S": None, "PT1H": HOUR, "PT30M": 1800, "P1D": DAY,
    "P1W": 7 * DAY, "P1DT12H": 36 * HOUR, "PT45M30S": 2730}
DAY_ONE = -62135596800
NAMES = ["currentLevel", "alertLevel"]


def make_series(rng):
	"""{id: {attr: [Value]}} of one source."""
	out = {}
	for n in range(rng.randrange(4)):
		attrs = {}
		for name in NAMES:
			values = []
			for i in range(rng.randrange(12)):
				at = NOW - rng.choice((20, 800)) * HOUR + \
				    rng.randrange(20) * HOUR
				value = rng.choice(("%d.%02d" % (rng.randrange(
				    50), rng.randrange(100)), "%d" % rng.
				    randrange(-9, 9), "-0.5", '"dry"'))
				values.append(Value(at, value, rng.choice((None,
				    None, None, "urn:x:1", "urn:x:2")),
				    iso(at, rng.choice((0, 0, 2, -5)),
				    rng.choice((0, 3)))))
			if values:
				attrs[name] = values
		if attrs:
			out[FLOOD + str(n)] = attrs
	return out


def model_view(views, rng, now):
	"""The entities of a query, and the query."""
	t0 = NOW - rng.choice((30 * HOUR, 15 * HOUR, 8 * HOUR, 810 * HOUR))
	t1 = t0 + rng.choice((5 * HOUR, 12 * HOUR, 900 * HOUR))
	rel = rng.choice(("before", "after", "between"))
	q = "?type=FloodMonitoring" + (before(t1) if rel == "before" else
	    after(t0) if rel == "after" else between(t0, t1))
	lo = t0 if rel != "before" else None
	hi = t1 if rel != "after" else None
	names = rng.choice((NAMES, NAMES, NAMES[:1]))
	if names != NAMES:
		q += "&attrs=currentLevel"
	merged = {}
	for prio, limits, view in views:
		for id, attrs in view.items():
			for name in names:
				for i, v in enumerate(attrs.get(name, [])):
					if not limits(now - v.at) or \
					    (lo is not None and v.at < lo) or \
					    (hi is not None and v.at >= hi):
						continue
					key = (v.dataset or "", v.at)
					best = merged.setdefault(id, {}) \
					    .setdefault(name, {})
					old = best.get(key)
					if old is None or prio < old[0]:
						best[key] = (prio, v)
	if rng.random() < 0.4:
		n = rng.randrange(1, 6)
		q += "&lastN=%d" % n
		for attrs in merged.values():
			for name, best in attrs.items():
				sets = {k[0] for k in best}
				keep = {k for d in sets for k in sorted(
				    k for k in best if k[0] == d)[-n:]}
				attrs[name] = {k: best[k] for k in keep}
	return q, lo, hi, {id: {name: [best[k][1] for k in sorted(best)]
	    for name, best in attrs.items()}
	    for id, attrs in sorted(merged.items())}


def number(text):
	return None if text.startswith('"') else Fraction(text)


def decimal(f):
	d = Decimal(f.numerator) / Decimal(f.denominator)
	text = format(d.normalize(), "f")
	return "0" if Fraction(text) == 0 else text


def model_aggregate(method, values):
	"""The text, or for avg and stddev the number; None: nothing."""
	numbers = [(number(v.value), v.value) for v in values
	    if number(v.value) is not None]
	xs = [n for n, _ in numbers]
	if method == "totalCount":
		return str(len(values))
	if method == "distinctCount":
		return str(len({number(v.value) if number(v.value) is not None
		    else v.value for v in values}))
	if not xs:
		return None
	if method in ("min", "max"):
		best = min(xs) if method == "min" else max(xs)
		return next(t for n, t in numbers if n == best)
	if method == "sum":
		return decimal(sum(xs))
	if method == "sumsq":
		return decimal(sum(x * x for x in xs))
	mean = sum(xs) / len(xs)
	if method == "avg":
		return float(mean)
	if len(xs) < 2:
		return None
	var = sum((x - mean) ** 2 for x in xs) / (len(xs) - 1)
	return float((Decimal(var.numerator) / Decimal(var.denominator)).sqrt())


def model_buckets(values, period, lo, hi):
	if period is None:
		return [(values, lo if lo is not None else values[0].at,
		    hi if hi is not None else values[-1].at)]
	out = {}
	origin = lo if lo is not None else DAY_ONE
	for v in values:
		out.setdefault((v.at - origin) // period, []).append(v)
	return [(vs, origin + k * period, origin + (k + 1) * period)
	    for k, vs in sorted(out.items())]


def close(got, want):
	if isinstance(want, float):
		return abs(float(got) - want) <= 1e-12 * max(1, abs(want))
	return got == want


def model_write(form, values, methods, period, lo, hi):
	"""What stands for one attribute."""
	if form == "normalized":
		return [dict({"type": "Property", "value": v.value.strip('"'),
		    "observedAt": v.text}, **({"datasetId": v.dataset}
		    if v.dataset else {})) for v in values]
	out = []
	for d in sorted({v.dataset or "" for v in values}):
		mine = [v for v in values if (v.dataset or "") == d]
		o = {"type": "Property"}
		if d:
			o["datasetId"] = d
		if form == "temporalValues":
			o["values"] = [[v.value.strip('"'), v.text]
			    for v in mine]
		for m in methods if form == "aggregatedValues" else ():
			o[m] = [[r, iso(b), iso(e)] for vs, b, e in
			    model_buckets(mine, period, lo, hi)
			    for r in [model_aggregate(m, vs)] if r is not None]
		out.append(o)
	return out[0] if len(out) == 1 else out


def alike(got, want):
	if isinstance(want, dict):
		return isinstance(got, dict) and got.keys() == want.keys() and \
		    all(alike(got[k], want[k]) for k in want)
	if isinstance(want, list):
		return isinstance(got, list) and len(got) == len(want) and \
		    all(alike(g, w) for g, w in zip(got, want))
	return close(got, want)


def raw(view):
	return [evolution(id, "FloodMonitoring", **attrs)
	    for id, attrs in view.items()]


@test
def agrees_with_the_model(w):
	seed = int(os.environ.get("HUB_FLOW_SEED", "7"))
	rng = random.Random(seed)
	shown = pairs = 0
	# Bytes as they are: json.dumps would write numbers anew.
	for b in (A, B):
		b.reply = lambda rq, b=b: (200, b"[" + b",".join(b.entities) +
		    b"]", ["Link: " + LINK, "NGSILD-Results-Count: %d" %
		    len(b.entities)])
	try:
		for i in range(40):
			va, vb = make_series(rng), make_series(rng)
			give(raw(va), raw(vb))
			views = ((20, lambda age: age <= 30 * DAY, va),
			    (10, lambda age: age >= 6 * HOUR, vb))
			for k in range(4):
				pairs += 1
				shown += one_pair(w, rng, views, (seed, i, k))
	finally:
		del A.reply, B.reply
	check(pairs >= 100 and shown >= 60, "%d pairs, %d with entities" %
	    (pairs, shown))


def one_pair(w, rng, views, where):
	q, lo, hi, entities = model_view(views, rng, time.time())
	form = rng.choice(("normalized", "temporalValues", "aggregatedValues"))
	methods = [m for m in METHODS if rng.random() < 0.5] or ["sum"]
	period = rng.choice(list(PERIODS))
	q += "&options=" + form
	if form == "aggregatedValues":
		q += "&aggrMethods=%s&aggrPeriodDuration=%s" % (
		    ",".join(methods), period)
	got = texts(past(w, q).ok())
	want = [dict({"id": id, "type": "FloodMonitoring"}, **{
	    name: model_write(form, values, methods, PERIODS[period], lo, hi)
	    for name, values in attrs.items()})
	    for id, attrs in entities.items()]
	check(alike(got, want), "seed, round, query %r: %s\ngot  %s\nwant %s" %
	    (where, q, json.dumps(got, sort_keys=True),
	    json.dumps(want, sort_keys=True)))
	return len(want) > 0


main(setup)
