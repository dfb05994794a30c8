#!/usr/bin/env python3
# crises.t - crises over HTTP: who may declare, confirm and end them, with what
# login; who is told, and what the report says.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"
BASE = "/hub/v1/crises"
OLD = "2020-05-01T00:00:00Z"
PROBLEM = "urn:drehscheibe:problem:"


def setup():
	w = World("crises", {"s": Broker([ent("urn:ngsi-ld:WaterObserved:old",
	    "WaterObserved", waterLevel=prop("1", at=OLD),
	    location=point("7.58", "51.44"))])})
	r = tenants().replace('name = "Kreis Unna"',
	    'name = "Kreis Unna"  crisis-authority = true')
	r = r.replace('name = "Stadt Dortmund"',
	    'name = "Stadt Dortmund"  crisis-authority = true')
	r = r.replace('max-ttl = 1h', 'step-up-acr = "gold"  max-ttl = 1h', 1)
	r += source("broker-s", "schwerte", w.brokers["s"], ["WaterObserved"])
	r += agreement("wide", "schwerte", "froendenberg", "broker-s-data",
	    {"WaterObserved": "allow = {waterLevel, location}  history = 1h"},
	    more='quota = "1000/h"  crisis flood { authority = kreis-unna  '
	    'history = 36500d  quota = "6000/h"  max = 3h  report = 1min }')
	w.apply(r + 'forbid station { type = WaterObserved  attribute = '
	    'stationName  reason = "x"  crisis-override = true }\n')
	w.start()
	return w


def person(w, tenant, name, *roles, **more):
	claims = {"sub": name, "acr": "gold", "auth_time": int(time.time()),
	    "resource_access": {"regional-hub": {"roles": list(roles)}}}
	claims.update(more)
	return w.mint(w.claims(tenant, **{k: v for k, v in claims.items()
	    if v is not None}))


def officer(w, name="anna", tenant="kreis-unna", **more):
	return person(w, tenant, name, "crisis-officer", **more)


def confirmer(w, name="bert", tenant="kreis-unna", **more):
	return person(w, tenant, name, "crisis-confirmer", **more)


FLOOD = {"kind": "flood", "area": "schwerte", "reason": "Hochwasser der Ruhr",
    "for": "2h"}


def call(w, token, path="", body=None):
	c = w.connect()
	h = {"Authorization": "Bearer " + token, "Accept":
	    "application/json, application/problem+json"}
	if body is None:
		c.request("GET", BASE + path, headers=h)
	else:
		h["Content-Type"] = "application/json"
		c.request("POST", BASE + path, headers=h, body=body if
		    isinstance(body, str) else json.dumps(body))
	r = c.getresponse()
	a = Answer(r, r.read(), 0)
	c.close()
	return a


def shows_old(w):
	return "waterLevel" in (w.ask("froendenberg", Q).ok().json() or
	    [{}])[0]


@test
def a4_is_declared_by_officers_of_authorities_with_a_fresh_login(w):
	now = int(time.time())
	for token, status in (
	    (w.token("kreis-unna"), 403),		# no such role
	    (confirmer(w), 403),
	    (officer(w, tenant="froendenberg"), 403),	# no authority
	    (officer(w, auth_time=None), 401),
	    (officer(w, auth_time=now - 400), 401),
	    (officer(w, auth_time=now + 400), 401),
	    (officer(w, auth_time="now"), 401),
	    (officer(w, acr="silver"), 401),
	    (officer(w, acr=None), 401)):
		same(call(w, token, body=FLOOD).status, status, "status")
	a = call(w, officer(w, acr="silver"), body=FLOOD)
	same(a.json()["type"], PROBLEM + "step-up", "problem")
	check("insufficient_user_authentication" in a.one("WWW-Authenticate"),
	    a.fields)
	same(w.sql("SELECT count(*) FROM hub.crisis_event"), [["0"]], "events")


@test
def a4_only_what_is_agreed_and_well_formed(w):
	t = officer(w)
	for change, status in (({"for": "4h"}, 403), ({"for": "73h"}, 403),
	    ({"for": "1s"}, 403), ({"for": "soon"}, 400),
	    ({"kind": "fire"}, 400), ({"area": "nirgends"}, 400),
	    ({"reason": ""}, 400), ({"reason": " x"}, 400),
	    ({"reason": "a\nb"}, 400), ({"reason": "x" * 2001}, 400),
	    ({"reason": 7}, 400), ({"kind": "'; DROP TABLE x"}, 400)):
		a = call(w, t, body=dict(FLOOD, **change))
		same(a.status, status, change)
	same(call(w, t, body="[]").status, 400, "a list")
	same(call(w, t, body="{").status, 400, "no JSON")
	same(call(w, t, "?x=1").status, 400, "a parameter")
	# Of another authority no agreement says anything.
	same(call(w, officer(w, tenant="dortmund"), body=FLOOD).status, 400,
	    "dortmund")


@test
def is_in_force_when_the_answer_comes_and_the_provider_is_told(w):
	check(not shows_old(w), "before")
	a = call(w, officer(w), body=FLOOD).ok(201)
	w.event = a.json()["event"]
	same(a.one("Location"), "%s/%d" % (BASE, w.event), "Location")
	check(shows_old(w), "in force")
	check(w.logged("its provider is told") and
	    w.logged("agreement=wide provider=schwerte"), "log")
	rows = call(w, w.token("schwerte")).ok().json()
	same([(r["event"], r["kind"], r["state"], r["reason"]) for r in rows],
	    [(w.event, "flood", "unconfirmed", FLOOD["reason"])], "provider")
	n = rows[0]["agreements"]
	same([(x["agreement"], x["consumer"]) for x in n],
	    [("wide", "froendenberg")], "agreements")
	same(n[0]["widens"], "history 1 h -> 36500 d; quota 1000/h -> 6000/h; "
	    "without forbid station", "widens")
	# Who acted is not for others; nor is it for others at all.
	same(rows[0]["declaredBy"], None, "declaredBy")
	same(call(w, w.token("holzwickede")).ok().json(), [], "others")
	same(call(w, w.token("dortmund")).ok().json(), [], "other authority")
	rows = call(w, w.token("kreis-unna")).ok().json()
	same(rows[0]["declaredBy"], "anna", "declaredBy")


@test
def is_confirmed_by_another_person_of_the_authority_once(w):
	at = "/%d/confirm" % w.event
	same(call(w, officer(w, "bert"), at, {}).status, 403, "no confirmer")
	same(call(w, confirmer(w, "anna"), at, {}).status, 403, "herself")
	same(call(w, confirmer(w, "ANNA"), at, {}).status, 403, "herself")
	same(call(w, confirmer(w, auth_time=1), at, {}).status, 401, "old")
	same(call(w, confirmer(w, tenant="dortmund"), at, {}).status, 404,
	    "another authority")
	same(call(w, confirmer(w), "/999/confirm", {}).status, 404, "none")
	same(call(w, confirmer(w), "/x/confirm", {}).status, 404, "no number")
	same(call(w, confirmer(w), "/%d/report" % w.event, {}).status, 404,
	    "no such step")
	same(call(w, confirmer(w), at, {}).status, 204, "confirmed")
	same(call(w, confirmer(w, "carl"), at, {}).status, 409, "twice")
	rows = call(w, w.token("kreis-unna")).json()
	same((rows[0]["state"], rows[0]["confirmedBy"]), ("confirmed", "bert"),
	    "state")


@test
def is_ended_and_reported(w):
	check(shows_old(w), "in force")
	same(call(w, officer(w), "/%d/end" % w.event, {}).status, 204, "end")
	check(not shows_old(w), "ended")
	same(call(w, w.token("schwerte")).json()[0]["state"], "ended", "state")
	wait_for(lambda: "hochwasserschutz" in w.ctl("crisis", "report",
	    str(w.event))[0], 20, "the ledger")
	out = w.ctl("--lang", "en", "crisis", "report", str(w.event))[0]
	for text in ("TOLD", "schwerte", "history 1 h -> 36500 d",
	    "froendenberg", "hochwasserschutz"):
		check(text in out, "%s: %s" % (text, out))


@test
def one_officer_does_not_fill_the_list_for_all(w):
	w.sql("SELECT hub.crisis_do(event_id, 'report', 'dora', '') "
	    "FROM hub.crisis WHERE finished <= now()")
	t = officer(w)
	got = [call(w, t, body=FLOOD).status for i in range(24)]
	same(got, [201] * 20 + [403] * 4, "declared")
	out = w.ctl("crisis", "declare", "flood", "--as", "kreis-unna", "--by",
	    "anna", "--area", "schwerte", "--reason", "x", "--for", "1h",
	    code=77)[1]
	check("20 crises of kreis-unna are not over" in out, out)
	for row in call(w, w.token("kreis-unna")).ok().json():
		if row["state"] in ("waiting", "unconfirmed"):
			same(call(w, t, "/%d/end" % row["event"], {}).status,
			    204, "end")
	same(call(w, t, body=FLOOD).status, 201, "again")


@test
def many_at_once_are_no_more(w):
	argv = [HUBCTL, "-c", w.path("hubd.conf"), "crisis", "declare", "flood",
	    "--as", "kreis-unna", "--by", "anna", "--area", "schwerte",
	    "--reason", "x", "--for", "1h"]
	def open_now():
		return [row["event"] for row in call(w, w.token("kreis-unna"))
		    .ok().json() if row["state"] in ("waiting", "unconfirmed")]
	before = len(open_now())
	all = [subprocess.Popen(argv, stdout=subprocess.DEVNULL,
	    stderr=subprocess.DEVNULL) for i in range(30)]
	codes = [p.wait(60 * SLOW) for p in all]
	same((codes.count(0), codes.count(77)), (20 - before, 10 + before),
	    codes)
	t = officer(w)
	same(len(open_now()), 20, "open")
	for event in open_now():
		same(call(w, t, "/%d/end" % event, {}).status, 204, "end")


@test
def fails_closed_without_the_database(w):
	w.sql("CHECKPOINT")
	run(PG, "down", w.pg)
	try:
		same(call(w, officer(w), body=FLOOD).status, 503, "declare")
		same(call(w, w.token("schwerte")).status, 503, "list")
	finally:
		run(PG, "up", w.pg)


@test
def nobody_fills_the_line_in_which_others_wait(w):
	holder = subprocess.Popen(["psql", "-XqAt", w.database, "-c", "BEGIN",
	    "-c", "LOCK hub.head IN ACCESS EXCLUSIVE MODE", "-c",
	    "SELECT pg_sleep(5)"], stdout=subprocess.DEVNULL)
	wait_for(lambda: w.sql("SELECT 1 FROM pg_locks WHERE granted AND "
	    "mode = 'AccessExclusiveLock' AND relation = "
	    "'hub.head'::regclass"), 10, "lock")
	token, got = w.token("holzwickede"), []
	threads = [threading.Thread(target=lambda: got.append(call(w,
	    token).status)) for i in range(80)]
	for t in threads:
		t.start()
	try:
		wait_for(lambda: 503 in got, 10, "some are sent away")
		same(call(w, w.token("kreis-unna")).status, 200, "another")
	finally:
		for t in threads:
			t.join()
		holder.terminate()
		holder.wait()
	check(16 <= got.count(200) < 64, got)
	same(call(w, token).status, 200, "later")


main(setup)
