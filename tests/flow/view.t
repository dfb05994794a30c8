#!/usr/bin/env python3
# view.t - nothing but the consumer's view decides an answer (policy.md 0.1, 7):
# what is hidden changes no byte, narrowing adds none, and what a source does
# by itself (attributes, ids, pages) makes no difference.
#
#	view.t [--long] [--seed N] [TEST...]
#
# HUB_LONG=1 is --long.  Regions, data and queries are those of oracle.t.
# oracle_hide.py changes what is hidden, oracle_narrow.py narrows.
import itertools
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import oracle
import oracle_gen
from flow import *
from oracle import canon, dump
from oracle_hide import Hider, Sight, Spelling
from oracle_lab import BROKERS, LONG, PAST, SEED, WORLDS, DataBroker, Lab, \
    shown, simple
from oracle_narrow import NarrowLab

HIDDEN = 2000 if LONG else 300
NARROWED = 2000 if LONG else 200
EQUAL = 1000 if LONG else 100
PAST_HIDDEN = 1000 if LONG else 100
REQUESTS = 4		# of one consumer about the same data
CASES_OF_REGION = 600


def whole(a):
	"""All of an answer but its time and its number, in order."""
	body = a.body if a.status == 200 else \
	    re.sub(rb'"instance":"[^"]*"', b"", a.body)
	return a.status, [f for f in a.fields
	    if f[0].lower() not in ("date", "request-id")], body


def agree(got, want, what):
	"""Says where they differ."""
	if got == want:
		return
	lines = [what]
	for name, a, b in zip(("status", "header", "body"), got, want):
		if a != b and name == "header":
			a, b = [f for f in a if f not in b], \
			    [f for f in b if f not in a]
		if a != b:
			lines.append("%s: got %r, want %r" % (name, a, b))
	raise Failed("\n".join(lines))


def without(answer, name):
	return answer[0], [f for f in answer[1] if f[0].lower() != name], \
	    answer[2]


# ---- requests

ACCEPTS = ("application/ld+json", "application/geo+json",
    "application/geo+json, application/ld+json;q=0.5")
FORMS = (("options", "concise"), ("options", "concise,sysAttrs"),
    ("options", "keyValues,sysAttrs"), ("lang", "de"), ("lang", "fr,en;q=0.5"),
    ("pick", "id,type,waterLevel,stationName"), ("pick", "location,flow"),
    ("omit", "waterLevel,type"), ("omit", "refDevice,exact,mystery"),
    ("scopeQ", "/Ruhr"), ("scopeQ", "/#"), ("splitEntities", "false"))


def request(lab, world, who):
	"""What the model can answer, in forms of which it knows nothing."""
	rq, r = lab.gen.query(lab.region, world), lab.rnd
	rq["consumer"], rq["purpose"] = who
	rq["headers"] = {}
	if r.random() < 0.25:
		rq["headers"]["Accept"] = r.choice(ACCEPTS)
	if r.random() < 0.1:
		rq["method"] = "HEAD"
	if r.random() < 0.4:
		name, value = r.choice(FORMS)
		if name in ("pick", "omit"):
			drop = (name, "attrs")
		else:
			drop = (name,)
		rq["params"] = [p for p in rq["params"]
		    if p[0] not in drop] + [(name, value)]
	return rq


def somebody(lab, world):
	"""Most often one who has an agreement; never one who sees all."""
	mine = [(a["consumer"], a["purpose"])
	    for a in lab.region["agreements"]
	    if a["provider"] in world["tenants"]]
	if mine and lab.rnd.random() < 0.9:
		return lab.rnd.choice(mine)
	return lab.rnd.choice(world["tenants"]), \
	    lab.rnd.choice(oracle_gen.PURPOSES)


def twice(lab, rq):
	"""The second answer may be one that the hub remembers."""
	first = whole(lab.ask(rq))
	agree(whole(lab.ask(rq)), first, "asked again: " + rq["path"])
	return first


def recalled(w):
	"""How many answers of this hub were ones that it remembered."""
	before = len(w.hub.text())
	w.hub.kill(signal.SIGUSR2)
	found = wait_for(lambda: re.findall(r"worker \d+: \d+ answered, "
	    r"(\d+) of them recalled", w.hub.text()[before:])[1:] and
	    re.findall(r"answered, (\d+) of them recalled",
	    w.hub.text()[before:]), 5, "the state in the log")
	return sum(map(int, found))


# ---- the region

lab = None


class HideLab(Lab):
	"""More forbids, so that what is shared is hidden again."""

	def prepare(self):
		reg = self.region
		for k, world in enumerate(reg["worlds"]):
			mine = [d for d in reg["datasets"]
			    if d["source"] in world["sources"]]
			for n in range(2, 6):
				self.gen.forbid(reg, k, n, mine,
				    world["tenants"])
				reg["forbids"][-1].setdefault("attribute",
				    self.rnd.choice(oracle_gen.ATTRS))


def fresh(w, seed, kind=HideLab):
	global lab
	for b in w.brokers:
		b.spell, b.past, b.wait = dump, False, 0
		behave(b, MANNERS[2])
	lab = kind(w, seed)


def world_of(i):
	return lab.region["worlds"][i % WORLDS]


# ---- what is hidden

class Hidden:
	"""The sources of a world with other things where nobody looks."""

	def __init__(self, world, who, each, series):
		self.saved = {n: lab.raw[n] for n in world["sources"]}
		self.told = None if series else self.tell(who)
		now = int(time.time() * 1e6)
		for n, entities in self.saved.items():
			sight = Sight(lab.region, n, *who, now, series)
			lab.load(n, Hider(lab.gen, sight, world["ids"],
			    each).hide(entities))
			self.spell(n, Spelling(lab.rnd.random()))
		self.changed = any(lab.raw[n] != e
		    for n, e in self.saved.items())
		if not series:
			same(self.tell(who), self.told, "the model's view")

	def tell(self, who):
		"""What the model sees of all sources together."""
		views = [oracle.view_of(lab.region, lab.data, *who, action,
		    int(time.time() * 1e6), None, None)
		    for action in ("query", "retrieve")]
		q = oracle.Query([("type", "x"), ("options", "sysAttrs")], {},
		    False)
		return [[canon(oracle.show(v, {}, q)) for v in some]
		    for some in views]

	def spell(self, name, how):
		lab.region["sources"][name]["broker"].spell = how

	def undo(self):
		for n, entities in self.saved.items():
			lab.load(n, entities)
			self.spell(n, dump)

	def reduce(self, differs):
		"""Takes back what is not needed for the difference."""
		for n in self.saved:
			self.spell(n, dump)
		if not differs():
			return
		for n, was in self.saved.items():
			for e in was + lab.raw[n]:
				self.take_back(n, e["id"], differs)

	def take_back(self, n, id, differs):
		old = {e["id"]: e for e in self.saved[n]}.get(id)
		new = {e["id"]: e for e in lab.raw[n]}.get(id)
		tries = [old]
		if old and new:
			tries += [dict(new, **{k: old[k]}) if k in old else
			    {m: v for m, v in new.items() if m != k}
			    for k in list(new) + list(old) if k != "id"]
		for less in tries:
			before = lab.raw[n]
			rest = [e for e in before if e["id"] != id]
			lab.load(n, rest + [less] if less else rest)
			if not differs():
				lab.load(n, before)
			elif less is old:
				return


def complain(rq, hidden, was, now, each):
	def differs():
		a, there = whole(lab.ask(rq)), dict(lab.raw)
		for n, e in hidden.saved.items():
			lab.load(n, e)
		b = whole(lab.ask(rq))
		for n in hidden.saved:
			lab.load(n, there[n])
		return alike(a, each) != alike(b, each)

	hidden.reduce(differs)
	lines = ["%s %s %s for %s %s: what is hidden shows (seed %d)" % (
	    rq.get("method", "GET"), rq["path"], rq["consumer"],
	    rq["purpose"], rq["headers"], SEED), "was %r" % (was,),
	    "is  %r" % (now,)]
	for n, e in hidden.saved.items():
		old = {x["id"]: dump(x) for x in e}
		new = {x["id"]: dump(x) for x in lab.raw[n]}
		lines += ["%s (%s): %s ->\n    %s" % (n,
		    lab.region["sources"][n]["owner"], old.get(i), new.get(i))
		    for i in sorted(set(old) | set(new))
		    if old.get(i) != new.get(i)]
	lines += [b for b in re.split(r"\n(?=\w)", lab.text)
	    if re.match(r"(dataset|agreement|forbid) %s" % rq["consumer"][:3],
	    b) and (not b.startswith("agreement") or
	    "consumer = %s " % rq["consumer"] in b)]
	raise Failed("\n".join(lines))


def alike(answer, each):
	"""Which agreements an answer was given under, of which its ETag is made
	too, is no secret of the view, but of the views that each of them
	gives."""
	return answer if each else without(without(answer, "hub-agreement"),
	    "etag")


def hide(cases, request, series):
	n = changed = data = i = 0
	while n < cases:
		if n % CASES_OF_REGION == 0 and n > 0:
			fresh(lab.w, SEED + n, type(lab))
		world = world_of(i)
		lab.fill(world)
		who = somebody(lab, world)
		asked = [request(lab, world, who) for k in range(REQUESTS)]
		before = [twice(lab, rq) for rq in asked]
		each = lab.rnd.random() < 0.6
		hidden = Hidden(world, who, each, series)
		for rq, was in zip(asked, before):
			now = twice(lab, rq)
			if alike(now, each) != alike(was, each):
				complain(rq, hidden, was, now, each)
		changed += hidden.changed * REQUESTS
		hidden.undo()
		for rq, was in zip(asked, before):
			agree(whole(lab.ask(rq)), was, rq["path"])
			data += was[0] == 200 and len(was[2]) > 2
		n += REQUESTS
		i += 1
	print("# %d cases, %d with something hidden, %d with data (seed %d)" %
	    (n, changed, data, SEED))
	check(changed > n // 2 and data > n // 10, "too little was tried")


@test
def what_is_hidden_changes_no_byte(w):
	hide(HIDDEN, request, False)
	check(recalled(w) > 0, "no answer was one that the hub remembered")


# ---- what a source does by itself

# Heeds attrs, ids; pages; at most so many on one; refuses more; counts.
MANNERS = (
    (False, False, False, None, None, False),
    (False, False, False, None, None, True),
    (True, True, True, None, None, True),
    (True, True, True, None, None, False),
    (True, True, True, 1, None, True),
    (True, False, True, 3, 20, True),
    (False, True, True, 2, 12, True),
)


def behave(broker, manner):
	broker.heeds_attrs, broker.heeds_ids, broker.paging, broker.cap, \
	    broker.most, broker.counts = manner


def brokers_of(world):
	return [lab.region["sources"][n]["broker"] for n in world["sources"]]


@test
def what_a_source_leaves_to_the_hub_changes_no_byte(w):
	"""One that ignores attrs, id, limit and offset, one that heeds them
	strictly, one that gives less than was asked for or refuses to."""
	fresh(w, SEED)
	n = data = 0
	while n < EQUAL:
		world = world_of(n // REQUESTS)
		lab.fill(world)
		who = somebody(lab, world)
		for k in range(REQUESTS):
			rq = request(lab, world, who)
			for b in brokers_of(world):
				behave(b, MANNERS[0])
			first = twice(lab, rq)
			for manner in MANNERS[1:] + (None, None):
				for b in brokers_of(world):
					behave(b, manner or
					    lab.rnd.choice(MANNERS))
					b.inline = lab.rnd.random() < 0.3
				agree(twice(lab, rq), first, "%s as %s (seed "
				    "%d), %s" % (rq["path"], who, SEED,
				    manner))
			n += 1
			data += first[0] == 200 and len(first[2]) > 2
	print("# %d cases, %d with data (seed %d)" % (n, data, SEED))
	check(data > n // 10, "too little was tried")


@test
def the_order_of_answers_changes_no_byte(w):
	"""Every order in which the sources can answer."""
	fresh(w, SEED + 1)
	for i in range(EQUAL // 4):
		world = world_of(i)
		rq = request(lab, world, somebody(lab, world))
		first = whole(lab.ask(rq))
		brokers = brokers_of(world)
		for order in itertools.permutations(range(len(brokers))):
			for b, rank in zip(brokers, order):
				b.wait = 0.004 * rank
			agree(whole(lab.ask(rq)), first, "%s (seed %d), %s" %
			    (rq["path"], SEED, order))
		for b in brokers:
			b.wait = 0


# ---- the past

class PastLab(HideLab):
	"""Whoever may query may see how things were; sources have nothing
	else."""

	def prepare(self):
		super().prepare()
		for d in self.region["datasets"]:
			d["more"] = "operations = {queryTemporal, " \
			    "retrieveTemporal}"
		for a in self.region["agreements"]:
			a["actions"] = ["temporal"]

	def fill(self, world):
		super().fill(world)
		for n in world["sources"]:
			self.region["sources"][n]["broker"].past = True
			self.load(n, [self.evolve(e) for e in self.raw[n]])

	def evolve(self, e):
		"""Some instances of each attribute."""
		style = {"lax": None, "core": False, "times": [self.now - s
		    for s in (600, 1200, 7000, 90000, 2 * 86400, 9 * 86400)]}
		if any(k in oracle_gen.ATTRS for k in e):
			name = lambda k: k
		else:
			style["core"] = True
			back = {v: k for k, v in TERMS.items()}
			name = lambda k: back.get(k, k)
		return {k: v if k in oracle.SYSTEM else [self.gen.instance(
		    name(k), style, self.rnd.choice(("", "", "urn:ds:1")))
		    for i in range(self.rnd.randint(1, 4))]
		    for k, v in e.items()}


TIMES = ("before", "after", "between")
PAST_FORMS = (("options", "temporalValues"), ("options", "sysAttrs"),
    ("lastN", "2"), ("lastN", "1"), ("count", "true"), ("limit", "1"),
    ("options", "aggregatedValues"), ("attrs", "waterLevel,flow,location"),
    ("timeproperty", "modifiedAt"), ("q", "waterLevel>1"), ("q", "!flow"),
    ("q", "refDevice"))


def past_request(lab, world, who):
	r = lab.rnd
	rq = {"consumer": who[0], "purpose": who[1], "link": True,
	    "at": PAST, "headers": {}, "token": lab.w.token(who[0],
	    scope="hub.read hub.temporal purpose:hochwasserschutz "
		"purpose:verkehr purpose:klima"),
	    "id": r.choice(world["ids"]) if r.random() < 0.2 else None}
	p = [] if rq["id"] else [("type", ",".join(oracle_gen.TYPES))]
	for k in range(r.randint(0, 2)):
		name, value = r.choice(PAST_FORMS)
		if name not in dict(p) and not (rq["id"] and name in ("q",
		    "count", "limit")):
			p.append((name, value))
	if dict(p).get("options") == "aggregatedValues":
		p += [("aggrMethods", "max,avg"),
		    ("aggrPeriodDuration", "P1D")]
	rel = r.choice(TIMES)
	p += [("timerel", rel), ("timeAt", oracle_gen.iso(lab.now - (
	    300 if rel == "before" else 20 * 86400)))]
	if rel == "between":
		p.append(("endTimeAt", oracle_gen.iso(lab.now)))
	rq["params"] = p
	return rq


@test
def what_is_hidden_of_the_past_changes_no_byte(w):
	fresh(w, SEED, PastLab)
	hide(PAST_HIDDEN, past_request, True)


# ---- narrowing

NEGATED = re.compile(r"!(?![=~])")


def wide_request(lab, world, who):
	"""All that is found; "!name" finds more where less is seen."""
	rq = lab.gen.query(lab.region, world)
	rq["consumer"], rq["purpose"] = who
	rq["params"] = [p for p in rq["params"] if p[0] not in ("limit",
	    "offset") and (p[0] != "q" or not NEGATED.search(p[1]))]
	if not rq["id"]:
		rq["params"].append(("limit", "1000"))
		if not {"type", "attrs", "q", "georel"} & {p[0]
		    for p in rq["params"]}:
			rq["params"].append(("type", ",".join(
			    oracle_gen.TYPES)))
	return rq


def shown_by(rq, a):
	"""(what is shown, how many entities were counted)."""
	out = set()
	if a.status == 200:
		found = oracle.parse(a.body)
		for e in [found] if rq["id"] else found:
			e = oracle.tidy(e, simple(rq))
			shown(flat(e) if simple(rq) else e, out)
	return out, int(a.one("NGSILD-Results-Count") or 0)


def flat(e):
	"""Simplified: the values alone, of whichever dataset they are."""
	return {k: list(v["dataset"].values())
	    if isinstance(v, dict) and set(v) == {"dataset"} else [v]
	    if k not in ("id", "type", "scope") else v for k, v in e.items()}


@test
def narrowing_adds_no_byte(w):
	n = data = less = i = 0
	kinds = set()
	fresh(w, SEED, NarrowLab)
	while n < NARROWED:
		if n % CASES_OF_REGION == 0 and n > 0:
			fresh(w, SEED + n, NarrowLab)
		world = world_of(i)
		i += 1
		lab.fill(world)
		for model, twin, done in world["twins"]:
			rq = wide_request(lab, world, (model,
			    lab.rnd.choice(oracle_gen.PURPOSES[:2])))
			wide, count = shown_by(rq, lab.ask(rq))
			narrow, few = shown_by(rq, lab.ask(dict(rq,
			    consumer=twin)))
			check(narrow <= wide and few <= count,
			    "%s as %s, and as %s with %s (seed %d): %r" % (
			    rq["path"], model, twin, done, SEED,
			    sorted(map(str, narrow - wide))[:3]))
			n += 1
			data += bool(wide)
			less += narrow < wide
			kinds |= set(done)
	print("# %d cases, %d with data, less of it in %d (seed %d): %s" % (n,
	    data, less, SEED, ", ".join(sorted(kinds))))
	check(data > n // 10 and less > n // 20, "too little was tried")


@test
def shows_nothing_without_an_agreement(w):
	"""The policy that grants nothing gives nothing, whatever is asked."""
	fresh(w, SEED, NarrowLab)
	found = 0
	for i in range(NARROWED // 2):
		world = world_of(i)
		rq = request(lab, world, (world["nobody"],
		    oracle_gen.PURPOSES[0]))
		rq["headers"], rq["method"] = {}, "GET"
		a = lab.ask(rq)
		check(a.status in (400, 403, 404 if rq["id"] else 200),
		    "%s: status %d" % (rq["path"], a.status))
		for name in ("Hub-Agreement", "Hub-Narrowing",
		    "NGSILD-Warning"):
			same(a.all(name), [], name)
		if a.status == 200:
			same((a.body, a.one("NGSILD-Results-Count")), (b"[]",
			    "0" if ("count", "true") in rq["params"]
			    else None), rq["path"])
			found += 1
	check(found > 0, "nothing was asked for in earnest")


def setup():
	print("# seed %d" % SEED, flush=True)
	w = World("view", [DataBroker() for i in range(BROKERS)])
	fresh(w, SEED)
	return w


sys.argv[1:] = [a for a in sys.argv[1:] if not a.startswith("--") and
    not a.isdigit()]
main(setup)
