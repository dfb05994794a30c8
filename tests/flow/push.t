#!/usr/bin/env python3
# push.t - what sources select by themselves changes no byte (policy.md 3.2, 7:
# push-down equivalence): q, geo and scopeQ pushed or not, to sources that heed
# them, pass over them or refuse them.  What is sent to them, and what never.
#
#	push.t [--long] [--seed N] [--cases N] [TEST...]
#
# HUB_LONG=1 is --long: 20,000 cases instead of 500.
import copy
import os
import re
import sys
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import oracle
import oracle_gen
from flow import *
from oracle_lab import BROKERS, LONG, SEED, WORLDS, DataBroker, Lab, \
    option

EQUAL = option("--cases", 20000 if LONG else 500)
BATCH = 250		# cases between two starts of the hub


class PushLab(Lab):
	"""In half of the worlds no two datasets can hold one entity; most
	that is shared may be filtered by."""

	def prepare(self):
		reg = self.region
		for k, world in enumerate(reg["worlds"]):
			mine = [d for d in reg["datasets"]
			    if d["source"] in world["sources"]]
			for d in mine if k % 2 else []:
				d["mode"] = "inclusive"
			left = list(world["ids"])
			for n, d in enumerate(mine) if k % 2 else []:
				d["ids"] = left[n::len(mine)] or ["urn:none"]
		for a in reg["agreements"]:
			for s in a["shares"]:
				if self.rnd.random() < 0.7:
					s["filterable"] = list(s["allow"])
					s["rules"] = {}
				if self.rnd.random() < 0.5:
					s["system"] = ["scope"]


FORMS = (("scopeQ", "/Ruhr"), ("scopeQ", "/Ruhr/#,/Emscher"),
    ("scopeQ", "/Pegel/#"), ("splitEntities", "false"),
    ("splitEntities", "true"), ("q", "waterLevel>1"), ("q", "flow"),
    ("q", "waterLevel>=0;flow<200"), ("q", "refDevice==urn:d:2"),
    ("q", 'stationName=="West"|flow==1..150'))


def request(lab, world):
	rq, r = lab.gen.query(lab.region, world), lab.rnd
	rq["headers"] = {}
	for k in range(r.randint(0, 2)):
		name, value = r.choice(FORMS)
		if not rq["id"]:
			rq["params"] = [p for p in rq["params"]
			    if p[0] != name] + [(name, value)]
	if not {"q", "georel", "scopeQ"} & set(dict(rq["params"])) and \
	    not rq["id"]:
		rq["params"].append(("q", lab.gen.q()))
	return rq


def whole(a):
	body = a.body if a.status == 200 else \
	    re.sub(rb'"instance":"[^"]*"', b"", a.body)
	return a.status, [f for f in a.fields
	    if f[0].lower() not in ("date", "request-id")], body


# Selects, refuses to; heeds attrs; pages.
MANNERS = ((False, False, False, True), (True, False, False, True),
    (True, False, True, True), (True, False, False, False),
    (False, True, False, True))


def behave(lab, manner):
	for s in lab.region["sources"].values():
		b = s["broker"]
		b.selects, b.refuses, b.heeds_attrs, b.paging = manner


def restart(lab, push):
	w = lab.w
	w.settings = "push-down = " + push
	w.write_conf()
	w.stop()
	w.start()
	lab.conn = w.connect()


def differ(rq, was, now, what):
	for name, a, b in zip(("status", "header", "body"), was, now):
		if a != b and name == "header":
			a, b = [f for f in a if f not in b], \
			    [f for f in b if f not in a]
		if a != b:
			raise Failed("%s as %s for %s, %s (seed %d): %s is "
			    "%.500r, was %.500r" % (rq["path"],
			    rq["consumer"], rq["purpose"], what, SEED, name,
			    b, a))


def selections(lab):
	return sum(s["broker"].selected
	    for s in lab.region["sources"].values())


def batch(lab, n, total):
	restart(lab, "no")
	behave(lab, MANNERS[1])
	cases = []
	before = selections(lab)
	for i in range(n):
		rq = request(lab, lab.region["worlds"][i % WORLDS])
		cases.append((rq, whole(lab.ask(rq))))
	same(selections(lab), before, "predicates sent without push-down")
	restart(lab, "yes")
	for manner in MANNERS:
		behave(lab, manner)
		before = selections(lab)
		for rq, was in cases:
			differ(rq, was, whole(lab.ask(rq)), "selects, refuses,"
			    " heeds attrs, pages: %r" % (manner,))
		if not manner[1]:
			total["sent"] += selections(lab) - before
	total["cases"] += n
	total["data"] += sum(was[0] == 200 and len(was[2]) > 2
	    for _, was in cases)


lab = None


@test
def what_a_source_selects_changes_no_byte(w):
	global lab
	total = {"cases": 0, "sent": 0, "data": 0}
	while total["cases"] < EQUAL:
		seed = SEED + total["cases"]
		w.settings = ""
		w.write_conf()
		lab = PushLab(w, seed)
		batch(lab, min(BATCH, EQUAL - total["cases"]), total)
	print("# %(cases)d cases, %(data)d with data, %(sent)d requests with "
	    "predicates" % total + " (seed %d)" % SEED)
	check(total["sent"] > total["cases"] // 2 and
	    total["data"] > total["cases"] // 20, "too little was tried")


def setup():
	print("# seed %d" % SEED, flush=True)
	return World("push", [DataBroker() for i in range(BROKERS)])


sys.argv[1:] = [a for a in sys.argv[1:] if not a.startswith("--") and
    not a.isdigit()]
main(setup)
