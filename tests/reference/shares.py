"""shares.py - calculations as a close stores them, written from the models and
the rules of allocation.py (ledger.md, section 6): what hubverify has to find
right, and wrong after any change.  recompute.t runs it.
"""
import datetime
import math

import allocation as a

KEYS = ["equal", "population", "usage", "previous-year-usage", "fixed",
    "weights", "stepdown", "shapley"]
ZERO = ["error", "equal", "population"]


def day(number):
	return a.date(number).isoformat()


class Document:
	"""What one model comes to; .doc is None where there are no shares."""

	def __init__(self, model, number):
		self.model, self.trace = model, []
		self.name = "m%d" % number
		try:
			self.result = a.allocate(model)
		except a.Refused:
			self.doc = None
			return
		self.there = [i for i, m in enumerate(model["members"])
		    if m["from"] <= model["period"][1] and m["to"] >=
		    model["period"][0]]
		self.make()

	def tenant(self, i):
		# Their order is not that of the AGS.
		return "t%02d" % (97 * i % 100)

	def step(self, step, **rest):
		self.trace.append(dict(step=step, **rest))

	def make(self):
		model, members = self.model, self.model["members"]
		begin = a.date(model["period"][0])
		self.turn = 12 * begin.year + begin.month - 1
		k = len(model["components"])
		self.parts = [[0] * k for _ in members]
		self.days = [0] * len(members)
		spans = a.ranges(model["period"], members)
		lengths = [a.length(s) for s in spans]
		for r, (span, cents) in enumerate(zip(spans, a.split(
		    model["cents"], lengths, 0))):
			self.share_range(r, span, cents)
		for i in self.there:
			self.step("raw", tenant=self.tenant(i),
			    cents=self.result[i][0])
		has = any(m["min"] > 0 or m["max"] < a.MAX for m in members)
		self.low = self.high = None
		self.sides = {}
		if model["bounds"] and has and model["cents"] > 0:
			self.bound()
		for i in self.there:
			side = {"bound": self.sides[i]} if i in self.sides \
			    else {}
			self.step("share", tenant=self.tenant(i), **side,
			    cents=self.result[i][1])
		self.write("applied" if has and model["bounds"] else None)

	def share_range(self, r, span, cents):
		model = self.model
		when = {"from": day(span[0]), "to": day(span[1])}
		who = [i for i, m in enumerate(model["members"]) if m["from"] <=
		    span[0] and m["to"] >= span[1]]
		self.step("days", **when, weight=a.length(span),
		    of=a.length(model["period"]), cents=cents)
		for i in who:
			self.days[i] += a.length(span)
		points = [c["bp"] for c in model["components"]]
		for n, (c, part) in enumerate(zip(model["components"],
		    a.split(cents, points, 0))):
			self.step("component", **when, component="c%d" % n,
			    weight=c["bp"], of=10000, cents=part)
			if part == 0:
				continue
			weights = a.weights(model, c, who, r)
			if c["key"] == a.SHAPLEY and self.known(c, who, r):
				# The smallest numbers that are whole.
				same = math.factorial(len(who)) // math.lcm(
				    *range(1, len(who) + 1))
				weights = [w // same for w in weights]
			if not self.known(c, who, r):
				self.step("zero", **when, component="c%d" % n,
				    cents=0)
			for i, w, s in zip(who, weights, a.split(part, weights,
			    self.turn)):
				self.parts[i][n] += s
				self.step("part", **when, component="c%d" % n,
				    tenant=self.tenant(i), weight=w,
				    of=sum(weights), cents=s)

	def known(self, c, who, r):
		"""Whether the key itself gives weights."""
		try:
			a.weights(self.model, dict(c, zero=a.ERROR), who, r)
		except a.Refused:
			return False
		return True

	def bound(self):
		model, members = self.model, self.model["members"]
		self.low = {i: a.bound_for(members[i]["min"], members[i],
		    model, False) for i in self.there}
		self.high = {i: math.inf if members[i]["max"] == a.MAX else
		    a.bound_for(members[i]["max"], members[i], model, True)
		    for i in self.there}
		free, rest, n = list(self.there), model["cents"], 0
		while free:
			n += 1
			w = [self.result[i][0] for i in free]
			got = dict(zip(free, a.split(rest, w if any(w) else
			    [1] * len(w), self.turn)))
			below = sum(max(0, self.low[i] - got[i]) for i in free)
			above = sum(max(0, got[i] - self.high[i]) for i in free)
			self.step("round", round=n, below_cents=below,
			    above_cents=above, cents=rest)
			for i in free:
				self.step("attempt", tenant=self.tenant(i),
				    round=n, cents=got[i])
			for i in free[:]:
				side = None
				if below >= above and got[i] < self.low[i]:
					side = "minimum"
				elif above >= below and got[i] > self.high[i]:
					side = "maximum"
				if side:
					cents = (self.low if side == "minimum"
					    else self.high)[i]
					self.sides[i] = side
					self.step("freeze", tenant=self.tenant(
					    i), round=n, bound=side,
					    cents=cents)
					rest -= cents
					free.remove(i)
			if below == above:
				break

	def figures(self, c):
		out = {}
		if c["inhabitants"] is not None:
			out["inhabitants"] = [c["inhabitants"][i]
			    for i in self.there]
		if c["given"] is not None:
			out["given"] = [c["given"][i] for i in self.there]
		if c["key"] == a.STEPDOWN:
			out["tiers"] = [{"to": up, "weight": w}
			    for up, w in c["tiers"]]
		if c["key"] == a.SHAPLEY:
			out["coalitions"] = [{"members": [self.tenant(i)
			    for i in sorted(group)], "cents": cents}
			    for group, cents in c["coalitions"].items()
			    if group <= set(self.there)]
		return out

	def member(self, i):
		out = {"ags": "%08d" % (1000 + i), "tenant": self.tenant(i),
		    "name": "x", "days": self.days[i],
		    "parts_cents": self.parts[i],
		    "raw_cents": self.result[i][0]}
		if self.low is not None:
			high = self.high[i]
			out.update(minimum_cents=self.low[i],
			    maximum_cents=None if high == math.inf else high)
		out.update(bound=self.sides.get(i),
		    share_cents=self.result[i][1])
		return out

	def write(self, bounds):
		model = self.model
		self.doc = {"cost": self.name, "title": "x", "currency": "EUR",
		    "from": day(model["period"][0]),
		    "to": day(model["period"][1]),
		    "amount_cents": model["cents"],
		    "whole_cents": model["whole"], "model": {"name": "x",
		    "version": 1, "clause": "", "usage_party": "consumer",
		    "meter": [1000, 10, 1]}, "tax": None, "bounds": bounds,
		    "others_milli_units": 0, "state": "closed",
		    "tax_cents": {"notices": 0, "total": 0, "difference": 0},
		    "components": [dict({"name": "c%d" % n,
		    "key": KEYS[c["key"]], "on_zero": ZERO[c["zero"]],
		    "basis_points": c["bp"], "cents": sum(p[n]
		    for p in self.parts)}, **self.figures(c))
		    for n, c in enumerate(model["components"])],
		    "shares": [self.member(i) for i in self.there],
		    "trace": self.trace}


def documents(rng, count):
	"""That many calculations of random models, those without shares left
	out."""
	found = []
	while len(found) < count:
		doc = Document(a.random_model(rng), len(found)).doc
		if doc is not None and doc["shares"]:
			found.append(doc)
	return found
