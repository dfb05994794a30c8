"""oracle_narrow.py - a region in which narrowing an agreement can only take
away (policy.md 7, 3): for each world tenants that see what their model does,
less something.

Where several sources hold one thing, less of one lets another come to light
that was hidden behind it; so does less of what rules clash about, or of what
an exclusive registration owns.  Here each entity is in one source, each source
one dataset, and an attribute is shared as it is, or changed by one rule, or
not at all: the narrower answer must be within the wider one."""
import copy

import oracle_gen
from oracle_gen import AREAS, ATTRS
from oracle_lab import Lab

TWINS = 6


class NarrowLab(Lab):
	def prepare(self):
		reg = self.region
		seen = set()
		reg["datasets"] = [d for d in reg["datasets"]
		    if d["source"] not in seen and not seen.add(d["source"])]
		names = {d["name"] for d in reg["datasets"]}
		reg["agreements"] = [a for a in reg["agreements"]
		    if a["dataset"] in names]
		reg["forbids"] = [f for f in reg["forbids"]
		    if "dataset" not in f or f["dataset"] in names]
		for d in reg["datasets"]:
			d["mode"] = "inclusive"
			d["ids"] = ["urn:*", "https:*"]
			self.settle(d)
		for k, world in enumerate(reg["worlds"]):
			self.twins(k, world)

	def settle(self, d):
		"""For some attributes one rule each, whoever asks; they are
		shared in no other way."""
		changed = set(self.rnd.sample(ATTRS, 4))
		rules = {}
		for a in self.region["agreements"]:
			for s in a["shares"] if a["dataset"] == d["name"] \
			    else []:
				listed = d["types"][s["type"]] or ATTRS
				s["allow"] = [x for x in s["allow"]
				    if x not in changed] or [
				    x for x in listed if x not in changed][:1]
				s["subs"] = [p for p in s["subs"]
				    if p[0] in s["allow"]]
				s["rules"] = {x: rules.setdefault(x, r)
				    for x, r in s["rules"].items()
				    if x in changed}

	def twins(self, k, world):
		reg = self.region
		mine = [a for a in reg["agreements"]
		    if a["provider"] in world["tenants"]]
		nobody = "w%d-nobody" % k
		world["nobody"], world["twins"] = nobody, []
		reg["tenants"].append(nobody)
		for n in range(TWINS if mine else 0):
			model = self.rnd.choice(mine)["consumer"]
			twin = "w%d-twin%d" % (k, n)
			done = self.twin(model, twin, [a for a in mine
			    if a["consumer"] == model])
			world["twins"].append((model, twin, done))

	def twin(self, model, twin, agreements):
		"""Adds a tenant; which kinds of narrowing were done."""
		reg, done = self.region, []
		mine = copy.deepcopy(agreements)
		for a in mine:
			a["name"] += "-" + twin
			a["consumer"] = twin
		forbids = [dict(f, consumer=twin, name=f["name"] + "-" + twin)
		    for f in reg["forbids"] if f.get("consumer") == model]
		for n in range(self.rnd.randint(1, 4)):
			kind = self.rnd.choice(KINDS)
			if kind(self, twin, mine, forbids):
				done.append(kind.__name__)
		reg["tenants"].append(twin)
		reg["agreements"] += mine
		reg["forbids"] += forbids
		return done

	def fill(self, world):
		"""Each id in one source."""
		super().fill(world)
		home = {}
		for n in world["sources"]:
			self.load(n, [e for e in self.raw[n]
			    if home.setdefault(e["id"], n) == n])

	# -- kinds of narrowing; false: there was nothing to narrow

	def one(self, agreements):
		"""Some share, or None."""
		some = [s for a in agreements for s in a["shares"]]
		return self.rnd.choice(some) if some else None

	def forbids_more(self, twin, mine, forbids):
		f = {"name": "%s-f%d" % (twin, len(forbids)), "consumer": twin}
		if self.rnd.random() < 0.8:
			f["attribute"] = self.rnd.choice(ATTRS)
		if "attribute" not in f or self.rnd.random() < 0.5:
			f["type"] = self.rnd.choice(oracle_gen.TYPES)
		forbids.append(f)
		return True

	def grants_less(self, twin, mine, forbids):
		if mine:
			mine.remove(self.rnd.choice(mine))
		return True

	def shares_less(self, twin, mine, forbids):
		many = [a for a in mine if len(a["shares"]) > 1]
		if many:
			self.rnd.choice(many)["shares"].pop()
		return bool(many)

	def allows_less(self, twin, mine, forbids):
		s = self.one(mine)
		if s is None or len(s["allow"]) < 2:
			return False
		for n in range(self.rnd.randint(1, len(s["allow"]) - 1)):
			s["allow"].remove(self.rnd.choice(s["allow"]))
		s["subs"] = [p for p in s["subs"] if p[0] in s["allow"]]
		return True

	def shows_less_of_it(self, twin, mine, forbids):
		"""Sub-attributes, system members, changed values."""
		s = self.one(mine)
		part = s and self.rnd.choice(("subs", "system", "rules"))
		if not s or not s[part]:
			return False
		if part == "rules":
			del s[part][self.rnd.choice(list(s[part]))]
		else:
			s[part].remove(self.rnd.choice(s[part]))
		return True

	def ends(self, twin, mine, forbids):
		if mine:
			a = self.rnd.choice(mine)
			a[self.rnd.choice(("valid_now", "signed"))] = False
		return bool(mine)

	def does_less(self, twin, mine, forbids):
		many = [a for a in mine if len(a["actions"]) > 1]
		if many:
			self.rnd.choice(many)["actions"].pop(0)
		return bool(many)

	def narrows_the_area(self, twin, mine, forbids):
		s = self.one(mine)
		if s is None:
			return False
		if not s["inside"] and not s["outside"]:
			s[self.rnd.choice(("inside", "outside"))] = \
			    self.rnd.sample(list(AREAS), 1)
			s["without"] = self.rnd.choice(("drop", "keep"))
		elif self.rnd.random() < 0.3:
			s["without"] = "drop"
		elif s["outside"]:
			s["outside"] = list(AREAS)
		elif s["buffer"]:
			s["buffer"] = 0
		else:
			s["inside"] = s["inside"][:1]
		return True

	def shortens_the_history(self, twin, mine, forbids):
		s = self.one(mine)
		if s is None:
			return False
		if self.rnd.random() < 0.5:
			s["history"] = min(s["history"] or 10**9,
			    self.rnd.choice((2 * 86400, 3 * 86400)))
		else:
			s["delay"] = max(s["delay"],
			    self.rnd.choice((3600, 86400)))
		return True


KINDS = (NarrowLab.forbids_more, NarrowLab.grants_less,
    NarrowLab.shares_less, NarrowLab.allows_less, NarrowLab.shows_less_of_it,
    NarrowLab.ends, NarrowLab.does_less, NarrowLab.narrows_the_area,
    NarrowLab.shortens_the_history)
