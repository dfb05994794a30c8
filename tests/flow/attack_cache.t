#!/usr/bin/env python3
# attack_cache.t - nothing that the hub remembers crosses a view (policy.md, C1
# to C6): answers made before (server/recall.h), entity maps, questions that
# are asked at the same time.
import os
import random
import sys
from urllib.parse import quote

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from attack import *

OWN = "schwerte"


def text(w, more="", **opt):
	"""The same agreement once more for another purpose, with less in it."""
	return region(w, agreement("s-f-v", "schwerte", "froendenberg",
	    "schwerte-broker-data", {"WaterObserved": "allow = {flow}"},
	    purpose="verkehr") + more, **opt)


def steady(w):
	"""Data of which an answer may be recalled."""
	w.brokers["schwerte"].entities = [
	    ent(A, "WaterObserved", waterLevel=prop("142", T),
		flow=prop("1", T), location=point(7.55, 51.44),
		refDevice=secret()),
	    ent(B, "WaterObserved", waterLevel=prop("7", T),
		stationName=prop('"a,b"'), location=point(7.6, 51.44),
		refDevice=secret("2"))]


def recalled(w):
	"""How many answers were recalled so far, by all workers."""
	before = len(w.hub.text())
	w.hub.kill(signal.SIGUSR2)
	return sum(int(n) for n in wait_for(lambda: (lambda found:
	    found if len(found) == 2 else None)(re.findall(
	    r"worker \d+: \d+ answered, (\d+) of them recalled",
	    w.hub.text()[before:])), 5, "the state in the log"))


# In an answer; the number alone may be in the id of a request, too.
HIGH = b'"value":142'
JSON, LD, GEO = ("application/" + x for x in ("json", "ld+json", "geo+json"))
ALL = ROOT + "/entities"
# What a proxy would put under one key, and what it would take for one.
TARGETS = [ALL + x for x in (
    Q, Q + "&", Q + "&limit=20", Q + "&attrs=waterLevel,flow",
    Q + "&attrs=waterLevel",
    Q + "&attrs=waterLevel%2Cflow", Q + "&attrs=flow", Q + "&pick=id,flow",
    Q + "&pick=id&omit=flow", Q + "&omit=id", Q + "&id=%s,%s" % (A, B),
    Q + "&id=" + A, Q + "&id=" + B, "/" + A + "?type=WaterObserved",
    "/" + B + "?type=WaterObserved", "/" + A + "%2C" + B, "/" + A,
    "/" + A + "?attrs=flow", "/" + A + "?attrs=waterLevel",
    Q + "&limit=1", Q + "&limit=1&offset=1", Q + "&limit=11",
    Q + "&limit=1&count=true", Q + "&count=true", Q + "&lang=de",
    Q + "&lang=en", Q + "&options=keyValues", Q + "&options=sysAttrs",
    Q + "&options=keyValues,sysAttrs", Q + "&format=concise",
    Q + "&q=flow", Q + "&q=!flow", Q + "&q=stationName==%22a,b%22",
    Q + "&q=stationName==%22a%22,%22b%22", Q + "&q=waterLevel==142",
    Q + "&geometryProperty=location", Q + "&datasetId=urn:x:1",
    Q + "&splitEntities=true", Q + "&local=true", "?attrs=flow",
    "?type=WaterObserved,OffStreetParking", "?type=harmless")]
HEADERS = [dict(x) for x in (
    (), (("Accept", LD),), (("Accept", GEO),),
    (("Accept", GEO), ("Prefer", "body=json")),
    (("Accept", JSON + ";q=0.5, " + LD),), (("Prefer", "handling=strict"),),
    (("Prefer", "body=json"),), tuple(link(OTHER).items()),
    tuple(dict(link(OTHER), Accept=LD).items()),
    (("Accept-Language", "en"),), (("Accept-Encoding", "gzip"),),
    (("X-Forwarded-Host", "evil.example"),), (("X-Original-URL", "/x"),),
    (("Via", "1.1 other"),), (("If-None-Match", "*"),),
    (("Range", "bytes=0-3"),), (("NGSILD-Tenant", "*"),))]
WHO = [("froendenberg", "hochwasserschutz"), ("froendenberg", "verkehr"),
    ("froendenberg", "klima"), ("holzwickede", "hochwasserschutz"),
    (OWN, "hochwasserschutz")]


def cases():
	for who in WHO:
		for h in HEADERS:
			h = {k: who[0] if v == "*" and k == "NGSILD-Tenant"
			    else v for k, v in h.items()}
			yield who, h, TARGETS if not h else TARGETS[:8]
		yield who, None, TARGETS[:8]	# no context at all


def ask(w, conn, who, headers, target):
	a = w.ask(who[0], target, purpose=who[1], headers=headers or {},
	    link=headers is not None, conn=conn)
	if who[0] == "froendenberg":
		clean(a, target)
	return told(a)


@attack
def c1_no_answer_is_given_to_another_question(w):
	"""First with sources whose bytes are new each time, so that nothing
	can be recalled; then, in any order, with the same view in the same
	bytes: each answer must be what it was."""
	questions = [(who, h, t) for who, h, targets in cases()
	    for t in targets]
	w.brokers["kreis-unna"].entities = []
	n = [0]

	def fresh(b, c, rq):
		n[0] += 1
		code, text, fields = b.reply(rq)
		return answer(c, code, text + b" " * (n[0] % 997 + 1), fields)
	for b in w.brokers.values():
		b.fault = fresh
	steady(w)
	conn = w.connect()
	before = recalled(w)
	want = [ask(w, conn, *x) for x in questions]
	same(recalled(w), before, "recalled of changing bytes")
	for b in w.brokers.values():
		b.fault = None
	rnd = random.Random(20261123)
	order = [i for i in range(len(questions)) for k in range(3)]
	rnd.shuffle(order)
	# In runs, or the bounded memory would have forgotten it all.
	order = [i for at in range(0, len(order), 60)
	    for i in order[at:at + 60] * 2]
	for i in order:
		same(ask(w, conn, *questions[i]), want[i], "%r" %
		    (questions[i],))
	conn.close()
	hits = recalled(w) - before
	print("# %d questions, %d asked, %d recalled" % (len(questions),
	    len(order), hits), flush=True)
	check(hits > len(order) // 10, "only %d recalled" % hits)
	kinds = {repr(want[i]) for i in range(len(want))}
	check(len(kinds) > 100, "%d kinds of answers" % len(kinds))


@attack
def c1_foreign_fields_poison_nothing(w):
	steady(w)
	for b in w.brokers.values():
		b.fault = None
	conn = w.connect()
	plain = ask(w, conn, WHO[0], {}, ALL + Q)
	same(ask(w, conn, WHO[0], {}, ALL + Q), plain, "again")
	for name, value in (("X-Forwarded-Host", "evil.example"),
	    ("X-Forwarded-User", "schwerte"), ("X-Userinfo", "schwerte"),
	    ("X-Consumer-Username", "schwerte"), ("Fiware-Service", OWN),
	    ("X-Allowed-Scope-Ids", "*"), ("X-HTTP-Method-Override", "PUT"),
	    ("Forwarded", "for=127.0.0.1;host=evil.example"),
	    ("Cookie", "tenant=schwerte"), ("Pragma", "x-get-cache-key"),
	    ("Cache-Control", "only-if-cached"), ("Origin", "null"),
	    ("X-Forwarded-Prefix", "/evil"), ("Accept-Encoding", "br"),
	    ("X-Original-URL", "/hub/v1/me"), ("User-Agent", "evil")):
		for i in range(2):
			same(ask(w, conn, WHO[0], {name: value}, ALL + Q),
			    plain, name)
		same(ask(w, conn, WHO[0], {}, ALL + Q), plain, "after " + name)
	conn.close()
	a = w.ask("froendenberg", Q)
	same(a.one("Cache-Control"), "private", "Cache-Control")
	for word in ("Authorization", "Hub-Purpose", "Accept", "Link"):
		check(word in a.one("Vary"), a.one("Vary"))


@attack
def c2_what_is_revoked_is_not_recalled(w):
	steady(w)
	for b in w.brokers.values():
		b.fault = None
	forbid = 'forbid level { type = WaterObserved  reason = "test"  ' \
	    'attribute = waterLevel }'
	for what, region_text, code in (
	    ("the agreement", text(w, shared=None), 200),
	    ("its signature", text(w).replace(
		'"schwerte:a", "froendenberg:b"', '"schwerte:a"'), 200),
	    ("its time", text(w).replace("2020-01-01..2099-12-31",
		"2020-01-01..2020-12-31"), 200),
	    ("the attribute", text(w, forbid), 200),
	    ("the provider", text(w, schwerte="status = suspended"), 200),
	    ("the consumer", text(w, froendenberg="status = suspended"), 403)):
		conn = w.connect()
		w.ask("froendenberg", Q, conn=conn)
		before = recalled(w)
		a = w.ask("froendenberg", Q, conn=conn).ok()
		same(recalled(w), before + 1, "recalled before: " + what)
		check(HIGH in a.body, a.body)
		w.apply(region_text)
		# The next one that is decided anew is denied, and so are all.
		a = wait_for(lambda: [x for x in [w.ask("froendenberg", Q,
		    conn=conn)] if HIGH not in x.body], 10, what)[0]
		same(a.status, code, what)
		for i in range(6):
			a = clean(w.ask("froendenberg", Q, conn=conn))
			check(a.status == code and HIGH not in a.body,
			    "%s: %r" % (what, a.body))
		conn.close()
		w.apply(text(w))
		wait_for(lambda: HIGH in w.ask("froendenberg", Q).body, 10,
		    "the old region")


def ids(a):
	return [e["id"] for e in a.json()]


def page(w, tenant, location, purpose="hochwasserschutz", query=Q):
	return w.ask(tenant, query + "&limit=1", purpose=purpose,
	    headers={"NGSILD-EntityMap": location})


@attack
def c3_pages_of_others_are_worth_nothing(w):
	w.brokers["schwerte"].entities = [station(A, "142", more=""),
	    station(B, "7", flow=prop("3", T)), station(WATER + "c", "8",
	    flow=prop("4", T))]
	a = seek(w, Q + "&entityMap=true&limit=1&count=true").ok(201)
	mine = a.one("NGSILD-EntityMap")
	after = [l for l in a.all("Link") if 'rel="next"' in l][0]
	after = re.match("<([^>]*)>", after).group(1)
	own = page(w, "holzwickede", mine).ok(201)
	same(ids(own), [B], "Holzwickede's own first")
	# A next link is a question; who follows it gets an own answer.
	h = w.ask("holzwickede", after, headers={"NGSILD-EntityMap": mine})
	h.ok(201)
	check(set(ids(h)) <= {B, WATER + "c", ELSEWHERE}, h.body)
	check(HIGH not in h.body and b"stationName" not in h.body, h.body)
	same(ids(page(w, "froendenberg", mine, "klima").ok(201)), [],
	    "another purpose")
	base, id = mine.rsplit("/", 1)
	for name in (id[:-1], id + "0", id.upper(), id[:-4] + "0000", "..",
	    id + "%00", id.replace("-", ""), "' OR 1=1",
	    "urn:ngsi-ld:entitymap:" + "0" * 36, "a" * 4000):
		a = page(w, "froendenberg", base + "/" + name)
		if a.status == 201:
			check(a.one("NGSILD-EntityMap") != mine, name)
		else:
			same(a.status, 400, name)
		clean(a, name)
	same(page(w, "froendenberg", mine).ok().ids(), [A], "still there")
	w.apply(text(w, 'forbid level { type = WaterObserved  consumer = '
	    'froendenberg  attribute = waterLevel  reason = "test" }'))
	wait_for(lambda: page(w, "froendenberg", mine).status == 201, 10,
	    "the narrower policy")
	check(b'"waterLevel"' not in page(w, "froendenberg", mine).body,
	    "hidden by now")
	w.apply(text(w))
	wait_for(lambda: HIGH in w.ask("froendenberg", Q).body, 10,
	    "the old region")


@attack
def c5_a_silent_database_opens_nothing(w):
	steady(w)
	for b in w.brokers.values():
		b.fault = None
	questions = [(who, {}, ALL + Q) for who in WHO]
	want = [ask(w, None, *x) for x in questions]
	w.sql("CHECKPOINT")	# this one's commits are not on the disk at once
	run(PG, "down", w.pg)
	try:
		wait_for(lambda: "database: away" in w.ready()[1], 20, "away")
		for i in range(3):
			for x, before in zip(questions, want):
				same(ask(w, None, *x), before, "%r" % (x,))
		a = w.ask("froendenberg", Q, token=w.mint(w.claims("nobody")))
		same(a.status, 403, "an unknown tenant")
		same(seek(w, Q + "&id=" + HIDDEN).ids(), [], "hidden")
		# The limit is seconds here: then what is restricted is not
		# given any more.
		wait_for(lambda: "datasets are refused" in w.ready()[1], 15,
		    "stale")
		for x, before in zip(questions, want):
			got = ask(w, None, *x)
			check(got == before if b'"id"' not in before[1] else
			    got[0] == 503, "%r" % (got,))
	finally:
		run(PG, "up", w.pg)
	wait_for(lambda: "degraded" not in w.ready()[1], 30, "reached again")


@attack
def c5_an_older_database_brings_nothing_back(w):
	"""As a standby that lags, or a backup behind a running hub."""
	def head(bundle, epoch):
		w.sql("BEGIN; ALTER TABLE hub.head DISABLE TRIGGER ALL; "
		    "UPDATE hub.head SET bundle_id = %s, epoch = %d; "
		    "ALTER TABLE hub.head ENABLE TRIGGER ALL; NOTIFY "
		    "hub_policy; COMMIT" % (bundle, epoch))
	steady(w)
	for b in w.brokers.values():
		b.fault = None
	bundle, epoch = w.sql("SELECT bundle_id, epoch FROM hub.head")[0]
	check(HIGH in w.ask("froendenberg", Q).ok().body, "before")
	w.apply(text(w, shared=None))
	wait_for(lambda: HIGH not in w.ask("froendenberg", Q).ok().body, 10,
	    "the agreement's end")
	newer = w.sql("SELECT bundle_id, epoch FROM hub.head")[0]
	try:
		head(bundle, int(epoch))
		for i in range(15):
			a = seek(w, Q).ok()
			check(HIGH not in a.body, "back: %r" % a.body)
			time.sleep(0.1)
		check("not believed" in w.hub.text(), "nothing in the log")
	finally:
		head(newer[0], int(newer[1]))
		w.apply(text(w))
	wait_for(lambda: HIGH in w.ask("froendenberg", Q).body, 30,
	    "the old region")
	wait_for(lambda: "degraded" not in w.ready()[1], 30, "ready")


@attack
def c6_questions_at_once_share_nothing(w):
	steady(w)
	b = w.brokers["schwerte"]
	b.fault = delay(0.3)
	who = [x for x in WHO if x[1] == "hochwasserschutz"] * 4
	want = {x[0]: ask(w, None, x, {}, ALL + Q) for x in who[:3]}
	check(len({repr(v) for v in want.values()}) == 3, want)
	b.forget()
	got = []
	threads = [threading.Thread(target=lambda x=x: got.append((x[0],
	    ask(w, None, x, {}, ALL + Q)))) for x in who]
	for t in threads:
		t.start()
	for t in threads:
		t.join()
	same(len(got), len(who), "answers")
	for name, a in got:
		same(a, want[name], name)
	same(len(b.asked()), len(who), "one question for each")


main(lambda: attacked("attack-cache", text=text,
    settings='policy { stale-after = 4s }'))
