#!/usr/bin/env python3
# quota.t - how often a consumer may ask: bursts, header fields, several
# agreements, many at once, a new region.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"
# Each test has its own purpose, and so its own agreements.


def region(w, quotas, version=1):
	"""quotas: {(provider letter, purpose): text}."""
	r = tenants()
	for name, owner in (("d", "dortmund"), ("s", "schwerte")):
		r += source("broker-" + name, owner, w.brokers[name],
		    ["WaterObserved"])
	for (name, purpose), quota in sorted(quotas.items()):
		owner = {"d": "dortmund", "s": "schwerte"}[name]
		r += agreement("%s-%s" % (name, purpose), owner,
		    "froendenberg", "broker-%s-data" % name,
		    {"WaterObserved": "allow = {waterLevel}"},
		    purpose=purpose, version=version,
		    more='quota = "%s"' % quota if quota else "")
	return r


# A token an hour: nothing comes back while a test runs.
QUOTAS = {
	("d", "hochwasserschutz"): "1/h burst 3",
	("s", "hochwasserschutz"): "",
	("d", "verkehr"): "1/h burst 2",
	("s", "verkehr"): "1/h burst 4",
	("d", "klima"): "1/h burst 40",
}


def apply(w, quotas, version):
	"""A new region, in force; what is watched has no quota."""
	w.apply(region(w, quotas, version))
	wait_for(lambda: "s-hochwasserschutz;v=%d" % version in
	    w.ask("froendenberg", Q).all("Hub-Agreement"), 10,
	    "version %d" % version)


def setup():
	w = World("quota", {n: Broker([ent("urn:ngsi-ld:WaterObserved:%s" % n,
	    "WaterObserved", waterLevel=prop("1"))]) for n in "ds"})
	w.apply(region(w, QUOTAS))
	w.start()
	return w


def fields(a):
	"""(RateLimit-Policy, RateLimit) as {name: {parameter: number}}."""
	out = []
	for name in ("RateLimit-Policy", "RateLimit"):
		items = {}
		for item in (a.one(name) or "").split(", "):
			if item:
				key, *rest = item.split(";")
				items[key.strip('"')] = {k: int(v) for k, v in
				    (p.split("=") for p in rest)}
		out.append(items)
	return out


@test
def says_what_is_left_and_spends_a_burst(w):
	for left in (2, 1, 0):
		a = w.ask("froendenberg", Q).ok()
		same(len(a.json()), 2, "entities")
		policy, state = fields(a)
		same(policy, {"d-hochwasserschutz": {"q": 1, "w": 3600}},
		    "RateLimit-Policy")
		same(state["d-hochwasserschutz"]["r"], left, "left")
		check(0 < state["d-hochwasserschutz"]["t"] <= 3600, state)
		same(a.warnings(), {}, "warnings")


@test
def answers_without_the_spent_one_and_does_not_ask_its_source(w):
	w.brokers["d"].forget()
	a = w.ask("froendenberg", Q + "&count=true").ok()
	same(a.ids(), ["urn:ngsi-ld:WaterObserved:s"], "ids")
	same(a.one("NGSILD-Results-Count"), "1", "count")
	same(a.warnings(), {"broker-d": 199}, "warnings")
	same(len(a.all("NGSILD-Warning")), 1, "warnings")
	check("quota" in a.one("NGSILD-Warning"), a.fields)
	same([v.split(";")[0] for v in a.all("Hub-Agreement")],
	    ["s-hochwasserschutz"], "agreements")
	same(w.brokers["d"].asked(), [], "asked")


@test
def refuses_all_or_nothing_with_429(w):
	a = w.ask("froendenberg", Q, headers={"Prefer":
	    "handling=strict"}).ok(429)
	check(0 < int(a.one("Retry-After")) <= 3600, a.fields)


@test
def finds_no_entity_by_id_behind_a_spent_quota(w):
	a = w.ask("froendenberg", ENTITIES + "/urn:ngsi-ld:WaterObserved:d")
	same(a.status, 404, "status")
	same(a.warnings(), {"broker-d": 199}, "warnings")


@test
def refuses_when_nothing_else_may_answer(w):
	for left in (1, 0):
		a = w.ask("froendenberg", Q, purpose="verkehr").ok()
		same(fields(a)[1]["d-verkehr"]["r"], left, "d")
		same(fields(a)[1]["s-verkehr"]["r"], left + 2, "s")
	# What is refused costs nothing: s still has its two after that.
	a = w.ask("froendenberg", Q, purpose="verkehr", headers={"Prefer":
	    "handling=strict"}).ok(429)
	for left in (1, 0):
		a = w.ask("froendenberg", Q, purpose="verkehr").ok()
		same(a.ids(), ["urn:ngsi-ld:WaterObserved:s"], "ids")
		same(fields(a)[1]["s-verkehr"]["r"], left, "s")
	a = w.ask("froendenberg", Q, purpose="verkehr",
	    headers={"Accept": "application/json;q=0.5, "
		"application/problem+json"})
	same(a.status, 429, "status")
	same(a.one("Content-Type"), "application/problem+json", "type")
	problem = a.json()
	same((problem["status"], problem["type"]), (429,
	    "urn:drehscheibe:problem:quota-spent"), "problem")
	check(3000 < int(a.one("Retry-After")) <= 3600, a.fields)
	same({k: v["r"] for k, v in fields(a)[1].items()},
	    {"d-verkehr": 0, "s-verkehr": 0}, "left")
	same(a.all("NGSILD-Warning"), [], "warnings of a refusal")
	same(a.all("Hub-Agreement"), [], "agreements of a refusal")
	same(w.ask("froendenberg", ENTITIES + "/urn:ngsi-ld:WaterObserved:s",
	    purpose="verkehr").status, 429, "retrieve")


@test
def has_no_such_fields_where_no_quota_governs(w):
	for tenant, purpose in (("schwerte", "hochwasserschutz"),
	    ("holzwickede", "hochwasserschutz")):
		a = w.ask(tenant, Q, purpose=purpose).ok()
		same(fields(a), [{}, {}], tenant)
	# Telling what there is to ask asks no source and costs nothing.
	a = w.ask("froendenberg", ROOT + "/types", purpose="verkehr").ok()
	same(fields(a), [{}, {}], "types")


@test
def lets_many_at_once_have_no_more_than_the_burst(w):
	same(fields(w.ask("froendenberg", Q, purpose="klima").ok())
	    [1]["d-klima"]["r"], 39, "left")
	got, lock = [], threading.Lock()
	start = threading.Barrier(200)

	def one():
		try:
			token = w.token("froendenberg")
			start.wait(60)
			a = w.ask("froendenberg", Q, purpose="klima",
			    token=token, timeout=60)
			what = a.status
		except Exception as e:
			what = repr(e)
		with lock:
			got.append(what)
	threads = [threading.Thread(target=one) for i in range(200)]
	for t in threads:
		t.start()
	for t in threads:
		t.join(120)
	same(len(got), 200, "answers")
	same({s: got.count(s) for s in set(got)}, {200: 39, 429: 161},
	    "statuses")


@test
def keeps_what_is_spent_over_a_new_region(w):
	same(w.ask("froendenberg", Q, purpose="klima").status, 429, "before")
	apply(w, QUOTAS, 2)
	same(w.ask("froendenberg", Q, purpose="klima").status, 429, "after")
	# Another quota begins full.
	apply(w, {**QUOTAS, ("d", "klima"): "1/h burst 5"}, 3)
	a = w.ask("froendenberg", Q, purpose="klima").ok()
	same(fields(a)[1]["d-klima"]["r"], 4, "left")


@test
def gives_tokens_back_in_time(w):
	apply(w, {**QUOTAS, ("d", "klima"): "1/s burst 1"}, 4)
	w.ask("froendenberg", Q, purpose="klima").ok()
	a = w.ask("froendenberg", Q, purpose="klima")
	if a.status == 429:	# a slow machine may be a second later
		same(a.one("Retry-After"), "1", "Retry-After")
	wait_for(lambda: w.ask("froendenberg", Q, purpose="klima").status ==
	    200, 5, "one came back")


@test
def leaves_pages_of_a_map_in_their_place(w):
	apply(w, {("d", "klima"): "1/h burst 2", ("s", "klima"): "",
	    ("s", "hochwasserschutz"): ""}, 5)
	a = w.ask("froendenberg", Q + "&entityMap=true&limit=1&count=true",
	    purpose="klima").ok(201)
	same([e["id"] for e in a.json()], ["urn:ngsi-ld:WaterObserved:d"],
	    "first")
	h = {"NGSILD-EntityMap": a.one("NGSILD-EntityMap")}
	page = Q + "&entityMap=true&limit=1&count=true"
	a = w.ask("froendenberg", page, purpose="klima", headers=h).ok()
	same(a.ids(), ["urn:ngsi-ld:WaterObserved:d"], "again")
	a = w.ask("froendenberg", page, purpose="klima", headers=h).ok()
	same((a.ids(), a.warnings()), ([], {"broker-d": 199}), "spent")
	a = w.ask("froendenberg", page + "&offset=1", purpose="klima",
	    headers=h).ok()
	same(a.ids(), ["urn:ngsi-ld:WaterObserved:s"], "second")
	same(a.one("NGSILD-Results-Count"), "2", "count")


@test
def checks_what_region_files_say(w):
	err = w.ctl("validate", w.write("bad.hub", region(w,
	    {("d", "klima"): "600"})), code=78)[1]
	check("600/h" in err, err)
	err = w.ctl("validate", w.write("bad.hub", region(w,
	    {("d", "klima"): "1/d burst 1000000"})), code=78)[1]
	check("refills within a year" in err, err)
	err = w.ctl("validate", w.write("good.hub", region(w, QUOTAS)))[1]
	check("not enforced" not in err, err)


main(setup)
