#!/usr/bin/env python3
# stale.t - a policy that nobody confirms any more: what is restricted is
# refused, what is open goes on, and all is as before once it is confirmed.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

OPEN, CLOSED, BOTH = "?type=WaterObserved", "?type=FloodMonitoring", \
    "?type=WaterObserved,FloodMonitoring"


def setup():
	w = World("stale", {
	    "open": Broker([ent("urn:ngsi-ld:WaterObserved:o",
		"WaterObserved", waterLevel=prop("1"))]),
	    "person": Broker([ent("urn:ngsi-ld:OffStreetParking:p",
		"OffStreetParking", licensePlate=prop('"x"'))]),
	    "closed": Broker([ent("urn:ngsi-ld:FloodMonitoring:c",
		"FloodMonitoring", currentLevel=prop("2"))])},
	    settings='policy { stale-after = 4s  degraded-after = 2s }  '
	'decision-log { directory = "decisions" }')
	r = tenants()
	for name, type, more, attr in (
	    ("open", "WaterObserved", "publish = open", "waterLevel"),
	    ("person", "OffStreetParking", "publish = open  personal-data = "
		"indirect  dpia = \"DSFA 1\"", "licensePlate"),
	    ("closed", "FloodMonitoring", "publish = listed",
		"currentLevel")):
		r += source("broker-" + name, "dortmund", w.brokers[name],
		    [type], more=more)
		r += agreement("a-" + name, "dortmund", "froendenberg",
		    "broker-%s-data" % name, {type: "allow = {%s}" % attr})
	w.region = r
	w.apply(r)
	w.start()
	return w


@test
def gives_all_while_it_is_confirmed(w):
	for q in (OPEN, CLOSED, "?type=OffStreetParking"):
		same(len(w.ask("froendenberg", q).ids()), 1, q)
	check("degraded" not in w.ready()[1], w.ready())


@test
def says_that_it_is_degraded_and_stays_ready(w):
	begun = time.monotonic()
	w.sql("CHECKPOINT")	# it goes as in a crash
	run(PG, "down", w.pg)
	wait_for(lambda: "degraded: policy not confirmed" in w.ready()[1], 10,
	    "degraded")
	check(time.monotonic() - begun > 1, "too early")
	same(w.ready()[0], 200, "ready")
	if time.monotonic() - begun < 3:	# not stale yet
		same(len(w.ask("froendenberg", CLOSED).ids()), 1, "closed")


@test
def refuses_what_is_restricted_and_gives_what_is_open(w):
	wait_for(lambda: "restricted datasets are refused" in w.ready()[1], 15,
	    "stale")
	same(w.ready()[0], 200, "ready: open data goes on")
	for q in (CLOSED, "?type=OffStreetParking"):
		w.brokers["closed"].forget()
		w.brokers["person"].forget()
		a = w.ask("froendenberg", q, headers={"Accept":
		    "application/json;q=0.5, application/problem+json"})
		same(a.status, 503, q)
		same(a.one("Content-Type"), "application/problem+json", "type")
		same(a.json()["type"],
		    "urn:drehscheibe:problem:policy-not-confirmed", "problem")
		same(a.one("Retry-After"), "30", "Retry-After")
		same(w.brokers["closed"].asked() + w.brokers["person"].asked(),
		    [], "asked")
	same(w.ask("dortmund", CLOSED).status, 503, "one's own")
	same(len(w.ask("froendenberg", OPEN).ids()), 1, "open")
	a = w.ask("froendenberg", BOTH).ok()
	same(a.ids(), ["urn:ngsi-ld:WaterObserved:o"], "both")
	same(a.warnings(), {"broker-closed": 199}, "warnings")
	same(w.ask("froendenberg", BOTH, headers={"Prefer":
	    "handling=strict"}).status, 503, "strict")
	same(w.ask("froendenberg", ENTITIES + "/urn:ngsi-ld:FloodMonitoring:c")
	    .status, 503, "retrieve")


def explained(w, answer, language):
	d = w.ask("froendenberg", "/hub/v1/explain/" +
	    answer.one("Request-Id"), link=False, purpose=None,
	    token=w.token("froendenberg", resource_access={"regional-hub": {
		"roles": ["tenant-admin"]}}),
	    headers={"Accept-Language": language}).ok().json()
	return d, "\n".join(s["text"] for s in d["sentences"]
	    if s.get("code") == "STALE")


@test
def explains_that_it_was_this_and_no_quota(w):
	for q, verdict, name in ((CLOSED, "deny", "closed"),
	    (BOTH, "partial", "closed")):
		a = w.ask("froendenberg", q)
		d, text = explained(w, a, "en")
		same((d["decision"], d["reason"]), (verdict, "STALE"), q)
		same({s["dataset"]: s.get("reason") for s in d["sources"]},
		    {"broker-closed-data": "STALE"} if q == CLOSED else
		    {"broker-closed-data": "STALE", "broker-open-data": None},
		    "sources")
		check("not been confirmed" in text, text)
		check("nicht bestätigt" in explained(w, a, "de")[1], q)
		check("quota" not in json.dumps(d).lower(), d)


@test
def tells_nobody_of_data_that_he_has_no_agreement_for(w):
	a, b = (w.ask("holzwickede", q).ok() for q in (CLOSED,
	    "?type=Nothing"))
	same((a.body, a.warnings()), (b.body, b.warnings()), "view")


@test
def gives_all_again_once_it_is_confirmed(w):
	run(PG, "up", w.pg)
	wait_for(lambda: w.ask("froendenberg", CLOSED).status == 200, 40,
	    "closed")
	check("degraded" not in w.ready()[1], w.ready())



@test
def does_not_take_what_it_cannot_read_for_the_latest(w):
	w.sql("CREATE ROLE hub_stale LOGIN; GRANT hub_proxy TO hub_stale")
	owner = w.database
	w.stop()
	w.database = owner.replace("user=postgres", "user=hub_stale")
	w.write_conf()
	w.database = owner
	w.start()
	w.write_conf()	# of hubctl
	same(len(w.ask("froendenberg", CLOSED).ids()), 1, "closed")
	w.sql("REVOKE SELECT ON hub.bundle_file FROM hub_proxy")
	w.apply(w.region[:w.region.index("agreement a-closed")])
	wait_for(lambda: w.ask("froendenberg", CLOSED).status == 503, 40,
	    "an agreement that has ended goes on")
	check(w.logged("bundle cannot be read"), "log")
	w.sql("GRANT SELECT ON hub.bundle_file TO hub_proxy")
	wait_for(lambda: w.ask("froendenberg", CLOSED).body == b"[]", 20,
	    "the latest is in force")


@test
def does_not_go_by_what_a_refused_bundle_may_have_ended(w):
	w.apply(w.region)
	wait_for(lambda: len(w.ask("froendenberg", CLOSED).ids()) == 1, 20,
	    "as at first")
	good = w.sql("SELECT bundle_id FROM hub.head")[0][0]
	off = "BEGIN; ALTER TABLE hub.head DISABLE TRIGGER ALL; " \
	    "UPDATE hub.head SET epoch = epoch + 1, bundle_id = %s; " \
	    "ALTER TABLE hub.head ENABLE TRIGGER ALL; COMMIT; " \
	    "NOTIFY hub_policy"
	w.sql("BEGIN; INSERT INTO hub.bundle (sha256, created_by) VALUES "
	    "(sha256('x'), 'nobody'); INSERT INTO hub.bundle_file "
	    "(bundle_id, path, bytes) SELECT max(bundle_id), 'x.hub', 'x' "
	    "FROM hub.bundle; COMMIT")
	w.sql(off % "(SELECT max(bundle_id) FROM hub.bundle)")
	wait_for(lambda: w.logged("bundle is not what was stored"), 15,
	    "log")
	same(len(w.ask("froendenberg", CLOSED).ids()), 1, "for a while")
	wait_for(lambda: w.ask("froendenberg", CLOSED).status == 503, 40,
	    "what nobody confirms goes on")
	same(len(w.ask("froendenberg", OPEN).ids()), 1, "what is open")
	w.sql(off % good)
	wait_for(lambda: w.ask("froendenberg", CLOSED).status == 200, 20,
	    "the good one is the latest")


main(setup)
