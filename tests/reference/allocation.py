"""allocation.py - shares of a cost, once more: written from the description
(ledger.md, section 6) in fractions and big integers, for comparison with
server/ledger/allocation.c.  allocation.t runs it; alone it takes a number of
models and a seed, with HUB_BUILDDIR set.
"""
import calendar
import datetime
import itertools
import math
import os
import random
import subprocess
import sys
from fractions import Fraction

EQUAL, POPULATION, USAGE, PREVIOUS, FIXED, WEIGHTS, STEPDOWN, SHAPLEY = range(8)
ERROR, ZERO_EQUAL, ZERO_POPULATION = range(3)
FAULTS = {"zero": 1, "infeasible": 2, "fixed": 3, "shapley": 4, "nobody": 5}
MAX, MIN = 2 ** 63 - 1, 1 - 2 ** 63
EPOCH = datetime.date(1970, 1, 1)


class Refused(Exception):
	pass


def split(cents, weights, turn):
	"""Largest remainder; of equal ones the first in the rotation."""
	total, n = sum(weights), len(weights)
	exact = [Fraction(abs(cents) * w, total) for w in weights]
	share = [math.floor(x) for x in exact]
	order = sorted(range(n), key=lambda k: (share[k] - exact[k],
	    (k - turn) % n))
	for k in order[:abs(cents) - sum(share)]:
		share[k] += 1
	return [-s if cents < 0 else s for s in share]


def length(days):
	return days[1] - days[0] + 1


def date(number):
	return EPOCH + datetime.timedelta(number)


def ranges(period, members):
	"""Day by day: a new range where the set of members changes."""
	found, last = [], None
	for day in range(period[0], period[1] + 1):
		now = [m["from"] <= day <= m["to"] for m in members]
		if now != last:
			found.append([day, day])
		found[-1][1] = day
		last = now
	return found


def stepdown(tiers, heads):
	return sum(next(w for up, w in tiers if up == 0 or head <= up) * width
	    for head, width in pieces(tiers, heads))


def pieces(tiers, heads):
	"""(a head of the piece, its width): cut at the tiers' ends."""
	ends = sorted({up for up, w in tiers if 0 < up < heads} | {heads})
	return [(end, end - begin) for begin, end in zip([0] + ends, ends)
	    if end > begin]


def cost_of(group, declared):
	"""A set of members; the cheapest of all its divisions."""
	if not group:
		return 0
	if group in declared:
		return declared[group]
	first, *others = sorted(group)
	best = None
	for n in range(len(others)):
		for side in itertools.combinations(others, n):
			part = frozenset((first,) + side)
			price = cost_of(part, declared) + \
			    cost_of(group - part, declared)
			if best is None or price < best:
				best = price
	declared[group] = best
	return best


def shapley(who, declared):
	"""The mean over all orders of joining, exactly."""
	declared = {s: c for s, c in declared.items() if s <= frozenset(who)}
	value = dict.fromkeys(who, 0)
	for order in itertools.permutations(who):
		there = frozenset()
		for i in order:
			joined = there | {i}
			value[i] += cost_of(joined, declared) - \
			    cost_of(there, declared)
			there = joined
	if any(v < 0 for v in value.values()):
		raise Refused("shapley")
	return [value[i] for i in who]


def weights(model, c, who, r):
	key = c["key"]
	if key == SHAPLEY:
		w = shapley(who, c["coalitions"])
	elif key in (USAGE, PREVIOUS):
		w = [model["usage"][r][i] for i in who]
	else:
		w = [{EQUAL: lambda: 1,
		    POPULATION: lambda: c["inhabitants"][i],
		    FIXED: lambda: c["given"][i],
		    WEIGHTS: lambda: c["given"][i],
		    STEPDOWN: lambda: stepdown(c["tiers"],
		    c["inhabitants"][i])}[key]() for i in who]
	if not any(w):
		if c["zero"] == ERROR:
			raise Refused("zero")
		w = [1 if c["zero"] == ZERO_EQUAL else c["inhabitants"][i]
		    for i in who]
	if not any(w):
		raise Refused("zero")
	return w


def bound_for(cents, member, model, up):
	"""By days of membership in each year or month, rounded there."""
	first = max(member["from"], model["period"][0])
	last = min(member["to"], model["period"][1])
	units = {}
	for day in range(first, last + 1):
		d = date(day)
		unit = (d.year, d.month) if model["per"] else (d.year,)
		units[unit] = units.get(unit, 0) + 1
	total = 0
	for unit, days in units.items():
		of = calendar.monthrange(*unit)[1] if model["per"] else \
		    365 + calendar.isleap(unit[0])
		exact = Fraction(cents * days, of)
		total += math.ceil(exact) if up else math.floor(exact)
	return total


def bounded(model, who, raw, turn):
	low = {i: bound_for(model["members"][i]["min"], model["members"][i],
	    model, False) for i in who}
	high = {i: math.inf if model["members"][i]["max"] == MAX else
	    bound_for(model["members"][i]["max"], model["members"][i], model,
	    True) for i in who}
	if not sum(low.values()) <= model["cents"] <= sum(high.values()):
		raise Refused("infeasible")
	share, free = {}, list(who)
	while free:
		rest = model["cents"] - sum(share.values())
		w = [raw[i] for i in free]
		a = dict(zip(free, split(rest, w if any(w) else [1] * len(w),
		    turn)))
		below = sum(max(0, low[i] - a[i]) for i in free)
		above = sum(max(0, a[i] - high[i]) for i in free)
		if below == above:
			share.update({i: min(max(a[i], low[i]), high[i])
			    for i in free})
			break
		for i in free:
			if below > above and a[i] < low[i]:
				share[i] = low[i]
			if above > below and a[i] > high[i]:
				share[i] = high[i]
		free = [i for i in free if i not in share]
	return share


def allocate(model):
	"""[(raw, share)] of each member, or Refused."""
	members, period = model["members"], model["period"]
	points = [c["bp"] for c in model["components"]]
	begin = date(period[0])
	turn = 12 * begin.year + begin.month - 1
	for c, part in zip(model["components"], split(model["whole"], points,
	    0)):
		if c["key"] == FIXED and sum(c["given"]) != abs(part):
			raise Refused("fixed")
	parts = ranges(period, members)
	raw = [0] * len(members)
	for r, (days, cents) in enumerate(zip(parts, split(model["cents"],
	    [length(p) for p in parts], 0))):
		who = [i for i, m in enumerate(members) if m["from"] <= days[0]
		    and m["to"] >= days[1]]
		if not who:
			raise Refused("nobody")
		for c, part in zip(model["components"], split(cents, points,
		    0)):
			if part == 0:
				continue
			for i, s in zip(who, split(part, weights(model, c, who,
			    r), turn)):
				raw[i] += s
	share = dict(enumerate(raw))
	there = [i for i, m in enumerate(members) if m["from"] <= period[1] and
	    m["to"] >= period[0]]
	has = any(m["min"] > 0 or m["max"] < MAX for m in members)
	if model["bounds"] and has and model["cents"] > 0:
		share.update(bounded(model, there, raw, turn))
	return [(raw[i], share[i]) for i in range(len(members))]


# ---- as lines for hubtool allocate

def line(model):
	out = [model["cents"], model["whole"], *model["period"],
	    int(model["bounds"]), model["per"], len(model["members"]),
	    len(model["components"])]
	for m in model["members"]:
		out += [m["from"], m["to"], m["min"], m["max"]]
	for c in model["components"]:
		out += [c["bp"], c["key"], c["zero"]]
		out += c["inhabitants"] or [-1]
		out += c["given"] or [-1]
		out += [len(c["tiers"])] + [x for t in c["tiers"] for x in t]
		out.append(len(c["coalitions"]))
		for group, cents in c["coalitions"].items():
			out += [sum(1 << i for i in group), cents]
	for row in model["usage"]:
		out += row
	return " ".join(map(str, out))


# ---- random models

def some_weights(rng, n, top):
	kind = rng.random()
	if kind < 0.06:
		return [0] * n
	if kind < 0.2:
		return [rng.randrange(3) for _ in range(n)]
	if kind < 0.3:
		return [rng.randrange(top) for _ in range(n - 1)] + [top]
	return [rng.randrange(1 + rng.choice([10, 10 ** 5, top]))
	    for _ in range(n)]


def random_component(rng, n, bp, fixed):
	keys = [EQUAL, POPULATION, USAGE, PREVIOUS, WEIGHTS, STEPDOWN]
	if n <= 5:
		keys.append(SHAPLEY)
	if fixed > 0:
		keys.append(FIXED)
	key = rng.choice(keys)
	c = {"bp": bp, "key": key, "zero": rng.choice([ERROR, ZERO_EQUAL,
	    ZERO_EQUAL, ZERO_POPULATION]), "inhabitants": some_weights(rng, n,
	    10 ** 8), "given": None, "tiers": [], "coalitions": {}}
	if key == WEIGHTS:
		c["given"] = some_weights(rng, n, 10 ** 9)
	if key == FIXED:
		cuts = sorted(rng.randrange(fixed + 1) for _ in range(n - 1))
		c["given"] = [b - a for a, b in zip([0] + cuts, cuts + [fixed])]
		if rng.random() < 0.05:
			c["given"][0] += 1
	if key == STEPDOWN:
		ends = sorted({rng.randrange(1, 10 ** rng.randrange(1, 8))
		    for _ in range(rng.randrange(4))}) + [0]
		falling = sorted((rng.randrange(10 ** 9) for _ in ends),
		    reverse=True)
		c["tiers"] = list(zip(ends, falling))
	if key == SHAPLEY:
		top = rng.choice([100, 10 ** 7, 10 ** 12])
		for i in range(n):
			c["coalitions"][frozenset([i])] = rng.randrange(top)
		for _ in range(rng.randrange(6)):
			group = frozenset(rng.sample(range(n),
			    rng.randrange(1, n + 1)))
			c["coalitions"][group] = rng.randrange(top) * \
			    rng.choice([1, len(group)]) % (10 ** 12)
	return c


def random_period(rng):
	year = rng.randrange(2020, 2033)
	kind = rng.random()
	if kind < 0.6:
		first, last = (year, 1, 1), (year, 12, 31)
	elif kind < 0.8:
		month = rng.randrange(1, 13)
		first = (year, month, 1)
		last = (year, month, calendar.monthrange(year, month)[1])
	else:
		a = datetime.date(year, 1, 1).toordinal() + rng.randrange(900)
		return [a - EPOCH.toordinal(),
		    a - EPOCH.toordinal() + rng.randrange(400)]
	return [datetime.date(*x).toordinal() - EPOCH.toordinal()
	    for x in (first, last)]


def random_member(rng, period, mean):
	m = {"from": MIN, "to": MAX, "min": 0, "max": MAX}
	if rng.random() < 0.15:
		m["from"] = rng.randrange(period[0] - 5, period[1] + 5)
	if rng.random() < 0.15:
		m["to"] = max(rng.randrange(period[0] - 5, period[1] + 5),
		    period[0] - 9 if m["from"] == MIN else m["from"])
	if rng.random() < 0.5:
		m["min"] = rng.randrange(1 + int(mean * rng.choice([0.3, 0.8,
		    1.2])))
	if rng.random() < 0.5:
		m["max"] = m["min"] + rng.randrange(1 + int(mean *
		    rng.choice([0.5, 1.5, 4])))
	return m


def random_model(rng):
	n = rng.choice([1, 2, 3, 4, 5, 6, 10, 12, 17])
	k = rng.randrange(1, 6)
	cents = rng.choice([0, 1, rng.randrange(100), rng.randrange(10 ** 7),
	    rng.randrange(10 ** 7), rng.randrange(10 ** 12 + 1)])
	if rng.random() < 0.1:
		cents = -cents
	whole = cents
	period = random_period(rng)
	if rng.random() < 0.5:
		members = [{"from": MIN, "to": MAX, "min": 0, "max": MAX}
		    for _ in range(n)]
		for m in members if rng.random() < 0.8 else []:
			m.update(random_member(rng, period, abs(cents) / n),
			    **{"from": MIN, "to": MAX})
	else:
		members = [random_member(rng, period, abs(cents) / n)
		    for _ in range(n)]
	cuts = sorted(rng.randrange(10001) for _ in range(k - 1))
	points = [b - a for a, b in zip([0] + cuts, cuts + [10000])]
	model = {"cents": cents, "whole": whole, "period": period,
	    "bounds": rng.random() < 0.8, "per": int(rng.random() < 0.2),
	    "members": members}
	model["components"] = [random_component(rng, n, bp, abs(part))
	    for bp, part in zip(points, split(whole, points, 0))]
	model["usage"] = [some_weights(rng, n, rng.choice([10 ** 7,
	    2 ** 63 - 1])) for _ in ranges(period, members)]
	return model


def compare(tool, count, seed):
	"""Returns (models, refused by reason); raises AssertionError."""
	rng = random.Random(seed)
	refused = {}
	for begin in range(0, count, 1000):
		models = [random_model(rng) for _ in range(min(1000,
		    count - begin))]
		p = subprocess.run([tool, "allocate"], capture_output=True,
		    text=True, timeout=600, input="".join(line(m) + "\n"
		    for m in models))
		assert p.returncode == 0, p.stderr
		got = p.stdout.splitlines()
		assert len(got) == len(models)
		for model, answer in zip(models, got):
			try:
				want = " ".join("%d %d" % x
				    for x in allocate(model))
			except Refused as e:
				refused[str(e)] = refused.get(str(e), 0) + 1
				want = "fault %d" % FAULTS[str(e)]
			assert answer == want, "%s\n got %s\nwant %s" % (
			    line(model), answer, want)
			if not want.startswith("fault"):
				assert sum(int(x) for x in
				    answer.split()[1::2]) == model["cents"]
	return count, refused


if __name__ == "__main__":
	print(compare(os.path.join(os.environ["HUB_BUILDDIR"],
	    "tests/support/hubtool"), int(sys.argv[1]), int(sys.argv[2])))
