#!/usr/bin/env python3
# oracle.t - the hub against the reference model (policy.md 7): random regions,
# data and queries; the order of answers, what is hidden, and narrowing.
#
#	oracle.t [--long] [--seed N] [--cases N]
#
# HUB_LONG=1 is --long: 20,200 cases instead of 3,000.  A seed makes the same
# regions, data and queries again (times are relative to the start).
import copy
import os
import re
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import oracle
import oracle_gen
from flow import *
from oracle import Num, Source, Undecided, canon, dump, expand
from oracle_lab import BROKERS, LONG, SEED, WORLDS, DataBroker, Lab, option, \
    shown, simple, told

CASES = option("--cases", 20200 if LONG else 3000)	# of a few it is unsure
REPORTS = 8


# ---- the region

class TwinLab(Lab):
	def prepare(self):
		"""For each world one tenant more that sees what its model
		does, less something: narrowing never adds."""
		reg = self.region
		for k, world in enumerate(reg["worlds"]):
			names = {d["name"] for d in reg["datasets"]
			    if d["source"] in world["sources"]}
			mine = [a for a in reg["agreements"]
			    if a["dataset"] in names]
			world["twin"] = None
			if not mine:
				continue
			model = self.rnd.choice(mine)["consumer"]
			twin = "w%d-twin" % k
			world["twin"] = (model, twin)
			reg["tenants"].append(twin)
			twins = copy.deepcopy([a for a in mine
			    if a["consumer"] == model])
			for b in twins:
				b["name"] += "-twin"
				b["consumer"] = twin
				self.narrow(b, twins)
			reg["agreements"] += twins
			for f in [f for f in reg["forbids"]
			    if f.get("consumer") == model]:
				reg["forbids"].append(dict(f, consumer=twin,
				    name=f["name"] + "-twin"))
			reg["forbids"].append({"name": "w%d-extra" % k,
			    "consumer": twin, "attribute":
			    self.rnd.choice(oracle_gen.ATTRS)})

	def narrow(self, a, all):
		for s in a["shares"]:
			if len(s["allow"]) > 1 and self.rnd.random() < 0.7:
				gone = s["allow"].pop()
				s["subs"] = [p for p in s["subs"]
				    if p[0] != gone]
				self.bare(a["dataset"], gone, all)
			s["system"] = s["system"][1:]

	def bare(self, dataset, attr, all):
		"""What is not seen as it is any more is not seen changed
		either: a changed value would be one that the model does not
		see."""
		for b in all:
			for s in b["shares"]:
				if b["dataset"] == dataset:
					s["rules"].pop(attr, None)


def difference(lab, rq, a=None):
	"""What is wrong with the hub's answer, or None."""
	status, entities, count = lab.expect(rq)
	a = a or lab.ask(rq)
	if a.status != status:
		return "status %d, want %d" % (a.status, status)
	if a.warnings():
		return "warnings %r" % a.warnings()
	if status != 200:
		return None
	got = oracle.parse(a.body)
	got = [oracle.tidy(e, simple(rq)) for e in
	    ([got] if rq["id"] else got)]
	if [e["id"] for e in got] != [e["id"] for e in entities]:
		return "ids %r, want %r" % ([e["id"] for e in got],
		    [e["id"] for e in entities])
	for g, e in zip(got, entities):
		for k in sorted(set(g) | set(e)):
			if canon(g.get(k)) != canon(e.get(k)):
				return "%s: %s is %s, want %s" % (g["id"], k,
				    dump(g.get(k)), dump(e.get(k)))
	if a.one("NGSILD-Results-Count") != (None if count is None else
	    str(count)):
		return "count %r, want %r" % (a.one("NGSILD-Results-Count"),
		    count)
	return None


# ---- reports

def shrink(lab, rq):
	"""Leaves out parameters, then entities, while the answers differ."""
	def still(r):
		try:
			return difference(lab, r) is not None
		except (Undecided, Failed):
			return False
	for k in list(rq["params"]):
		less = dict(rq, params=[p for p in rq["params"] if p != k])
		if still(less):
			rq = less
	for name in list(lab.raw):
		for e in list(lab.raw[name]):
			for less in lesser(e):
				before = lab.raw[name]
				lab.load(name, [x for x in (less if x is e
				    else x for x in before) if x])
				if still(rq):
					e = less
				else:
					lab.load(name, before)
				if e is None:
					break
	return rq


def lesser(e):
	yield None
	for k in list(e):
		if k not in ("id", "type"):
			yield {m: v for m, v in e.items() if m != k}


def report(lab, rq, what):
	saved = {n: list(e) for n, e in lab.raw.items()}
	try:
		rq = shrink(lab, rq)
		a = lab.ask(rq)
		what = difference(lab, rq, a) or what
		show(lab, rq, what, a)
	finally:
		for n, e in saved.items():
			lab.load(n, e)


def show(lab, rq, what, a):
	status, entities, _ = lab.expect(rq)
	print("# --- difference: " + what)
	print("# seed %d  %s for %s: GET %s%s" % (SEED, rq["consumer"],
	    rq["purpose"], urllib.parse.unquote(rq["path"]),
	    "" if rq["link"] else " (no Link)"))
	print("# expected %s %s" % (status, dump(entities)))
	print("# got      %s %s" % (a.status, a.body.decode()))
	for n, es in lab.raw.items():
		src = lab.region["sources"][n]
		for e in es:
			if n[:3] == rq["consumer"][:3]:
				print("# %s (%s%s): %s" % (n, src["owner"],
				    ", heeds attrs" if
				    src["broker"].heeds_attrs else "",
				    dump(e)))
	for block in re.split(r"\n(?=\w)", lab.text):
		if re.match(r"(dataset|agreement|forbid) %s" %
		    rq["consumer"][:3], block) and (not
		    block.startswith("agreement") or "consumer = %s " %
		    rq["consumer"] in block):
			print("# " + block.replace("\n", "\n# "))
	sys.stdout.flush()


class Tally:
	"""Cases of one test; the first differences are told in full."""

	def __init__(self):
		self.n = self.bad = self.undecided = self.data = 0

	def case(self, lab, rq):
		try:
			a = lab.ask(rq)
			what = difference(lab, rq, a)
		except Undecided:
			self.undecided += 1
			return
		self.n += 1
		self.data += a.status == 200 and a.body not in (b"[]",)
		if what:
			self.bad += 1
			if self.bad <= REPORTS:
				report(lab, rq, what)

	def end(self):
		print("# %d cases, %d with data, %d undecided, seed %d" % (
		    self.n, self.data, self.undecided, SEED))
		check(self.bad == 0, "%d of %d differ" % (self.bad, self.n))


# ---- tests

lab = None


def fresh(w, seed):
	global lab
	lab = TwinLab(w, seed)
	return lab


def world_of(lab, i):
	return lab.region["worlds"][i % WORLDS]


@test
def answers_as_the_reference_model_does(w):
	t = Tally()
	i = 0
	while t.n + t.undecided < CASES:
		if i % 1000 == 0 and i > 0:
			fresh(w, SEED + i)
		world = world_of(lab, i // 12)
		if i % 12 == 0:
			lab.fill(world)
		t.case(lab, lab.gen.query(lab.region, world))
		i += 1
	t.end()


@test
def does_not_depend_on_the_order_of_answers(w):
	for i in range(min(CASES // 20, 500)):
		world = world_of(lab, i)
		rq = lab.gen.query(lab.region, world)
		plain = told(lab.ask(rq))
		lab.shuffle(True)
		try:
			for k in range(2):
				same(told(lab.ask(rq)), plain, rq["path"])
		finally:
			lab.shuffle(False)


def other_value(rnd):
	return {"type": "Property", "value": Num(str(rnd.randint(1, 10**6))),
	    "observedAt": "2026-11-23T00:00:00Z",
	    "modifiedAt": "2026-11-23T00:00:01Z"}


def hide_more(lab, rq, name):
	"""The entities of a source, changed where this consumer does not
	look: attributes, sub-attributes, times and types that no view has."""
	reg, rnd = lab.region, lab.rnd
	now = int(time.time() * 1e6)
	legs = [oracle.Leg(reg, d, rq["consumer"], rq["purpose"],
	    "retrieve" if rq["id"] else "query") for d in reg["datasets"]
	    if d["source"] == name]
	if any(g.own for g in legs):
		return lab.raw[name]
	ctx = reg["sources"][name]["ctx"]
	out = []
	for e in lab.raw[name]:
		views = [v for v in (oracle.redact(g, Source(e, ctx), now)
		    for g in legs) if v]
		if not views and rnd.random() < 0.3:
			continue
		out.append(change(rnd, e, ctx, views, legs))
	return out


def change(rnd, e, ctx, views, legs):
	e = copy.deepcopy(e)
	seen, reachable = {}, set()
	for v in views:
		for i in v.instances:
			seen.setdefault(i.name, []).append(i)
	for g in legs:
		reachable |= {expand(TERMS, a) for s in g.shares
		    for a in s["allow"] + list(s["rules"])}
	for k in list(e):
		name = expand(ctx, k)
		if k == "scope" and not any(v.scope for v in views):
			e[k] = "/geheim/%d" % rnd.randint(0, 9)
		elif k in ("createdAt", "modifiedAt"):
			if not any(getattr(v, k[:-2]) for v in views):
				e[k] = "2026-11-2%dT00:00:00Z" % \
				    rnd.randint(0, 3)
		elif k in oracle.SYSTEM or name == oracle.LOCATION or \
		    name == expand(ctx, "dateObserved"):
			continue
		elif name not in reachable:
			if rnd.random() < 0.5:
				e[k] = other_value(rnd)
		elif name in seen and isinstance(e[k], dict):
			change_subs(rnd, e[k], ctx, seen[name], legs)
	return e


def change_subs(rnd, o, ctx, instances, legs):
	"""delay looks at modifiedAt where observedAt is missing."""
	delayed = any(s["delay"] for g in legs for s in g.shares)
	subs = {s for i in instances for s in i.release.subs}
	for s in oracle_gen.SUBS:
		k = s if ctx else TERMS.get(s, s)
		if expand(ctx, s) not in subs and rnd.random() < 0.5:
			o[k] = other_value(rnd)
	if not any(i.release.modified for i in instances) and \
	    "modifiedAt" in o and not delayed:
		o["modifiedAt"] = "2026-11-2%dT00:00:00Z" % rnd.randint(0, 3)


@test
def what_is_hidden_changes_no_byte(w):
	changed = 0
	for i in range(min(CASES // 5, 3000)):
		world = world_of(lab, i)
		if i % 20 == 0:
			lab.fill(world)
		rq = lab.gen.query(lab.region, world)
		if rq["purpose"] is None:
			continue
		before = told(lab.ask(rq))
		saved = {n: lab.raw[n] for n in world["sources"]}
		for n in saved:
			lab.load(n, hide_more(lab, rq, n))
		changed += any(lab.raw[n] != saved[n] for n in saved)
		same(told(lab.ask(rq)), before, "%s as %s for %s (seed %d)" %
		    (rq["path"], rq["consumer"], rq["purpose"], SEED))
		for n, e in saved.items():
			lab.load(n, e)
	print("# %d cases with something hidden to change" % changed)
	check(changed > 0, "nothing was hidden in any case")


@test
def narrowing_adds_nothing(w):
	"""What the twin gets, one of the model's sources shows the model:
	where a newer value is hidden, an older one may come to light."""
	n = 0
	for i in range(min(CASES // 5, 3000)):
		world = world_of(lab, i)
		if i % 20 == 0:
			lab.fill(world)
		if not world["twin"]:
			continue
		model, twin = world["twin"]
		rq = {"consumer": twin, "link": True, "ctx": TERMS,
		    "purpose": lab.rnd.choice(oracle_gen.PURPOSES[:2]),
		    "id": None, "params": [("type", ",".join(
			oracle_gen.TYPES)), ("limit", "1000")] +
			lab.gen.options()}
		if simple(rq):
			continue
		got = set()
		for e in oracle.parse(lab.ask(rq).ok().body):
			shown(oracle.tidy(e, False), got)
		may = seen_by(dict(rq, consumer=model))
		n += bool(got)
		check(got <= may, "%s sees what %s does not (seed %d): %r" %
		    (twin, model, SEED, sorted(map(str, got - may))[:3]))
	print("# %d cases with data" % n)


def seen_by(rq):
	"""All that any one dataset shows a consumer, not merged."""
	out = set()
	for ds in lab.region["datasets"]:
		one = dict(lab.region, datasets=[ds])
		_, entities, _ = oracle.answer(one, lab.data, rq,
		    int(time.time() * 1e6))
		for e in entities:
			shown(e, out)
	return out


def setup():
	print("# seed %d, %d cases" % (SEED, CASES), flush=True)
	w = World("oracle", [DataBroker() for i in range(BROKERS)])
	fresh(w, SEED)
	return w


sys.argv[1:] = [a for a in sys.argv[1:] if not a.startswith("--") and
    not a.isdigit()]
main(setup)
