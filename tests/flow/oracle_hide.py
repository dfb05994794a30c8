"""oracle_hide.py - changes what a consumer does not see (policy.md 7, 2).

Anything is proposed, and the reference model decides: a change stays if the
consumer's view of the source is the same before and after it.  So nothing has
to be known here of why a thing is hidden.  The view is compared as text: the
values and members that are released, in their order, to the byte.

What an entity is spelled like where nothing of it is released (blanks between
members, escapes in names, the order of type and value) may change as well:
spelling() writes it in another way."""
import copy
import json
import random

import oracle
from oracle_base import Num, Undecided, dump, expand
from oracle_gen import ATTRS, SUBS, TYPES, iso
from oracle_view import KINDS, OWNERS, SYSTEM, VALUES, Leg, SeriesLeg, \
    Source, redact

# Names that no dataset of the generator registers.
STRANGE = ("geheim", "lang", "a b", "\u00fcber", "ngsi-ld:location",
    "https://example.org/geheim", "urn:x:y", "Type", "ID", "value", "object",
    "location ", "e" * 200)
KINDLESS = (Num("7"), None, True, "text", [], {}, [Num("1"), Num("2")],
    {"unitCode": "CMT"}, [{}], {"value": None}, {"type": "Property"},
    {"type": "Relationship", "object": {"id": "urn:x:1", "type": "X"}})
# Members that never leave, or to their owner only.
INNER = sorted(OWNERS) + ["entity", "entityList", "@id", "id", "@context"]
VALUED = sorted(VALUES)


class Sight:
	"""What one consumer sees of one source, and under which agreements.
	series: of how entities evolved."""

	def __init__(self, region, name, consumer, purpose, now, series=False):
		self.ctx, self.now = region["sources"][name]["ctx"], now
		self.leg = SeriesLeg if series else Leg
		self.all, self.each = [], []
		for ds in region["datasets"]:
			if ds["source"] == name:
				for action in ("temporal",) if series else \
				    ("query", "retrieve"):
					self.add(region, ds, consumer,
					    purpose, action)

	def add(self, region, ds, consumer, purpose, action):
		self.all.append(self.leg(region, ds, consumer, purpose,
		    action))
		for a in region["agreements"]:
			if a["dataset"] == ds["name"] and \
			    a["consumer"] == consumer:
				self.each.append(self.leg(dict(region,
				    agreements=[a]), ds, consumer, purpose,
				    action))

	def of(self, e):
		"""Two texts: what all agreements together show of an entity,
		and what each of them would."""
		s = Source(e, self.ctx)
		return tuple([self.seen(leg, s, e) for leg in legs]
		    for legs in (self.all, self.each))

	def seen(self, leg, s, e):
		if not leg.own and not leg.shares:
			return None
		v = redact(leg, s, self.now)
		if v is None:
			return None
		if leg.own:
			return dump(e)
		return dump([v.id, v.types, v.scope, v.created, v.modified,
		    [[i.name, oracle.show_instance(i, {}, True)]
		    for i in v.instances]])


def nothing(sight):
	return not any(sight[0]) and not any(sight[1])


class Hider:
	"""Changes entities of one source.  each: what one agreement alone
	would show stays the same, too; without that an agreement may come to
	show what another shows anyhow, which Hub-Agreement tells."""

	def __init__(self, gen, sight, ids, each):
		self.r, self.gen, self.sight = gen.r, gen, sight
		self.ids, self.each = ids, each
		self.style = {"lax": None, "core": not sight.ctx,
		    "times": [gen.now - s for s in (300, 600, 7000, 90000,
			9 * 86400)]}

	def maybe(self, p):
		return self.r.random() < p

	def hide(self, entities):
		"""The entities otherwise, but the same view of them."""
		out = []
		for e in entities:
			was = self.sight.of(e)
			if nothing(was) and self.maybe(0.4):
				continue
			out.append(self.change(e, was))
		for n in range(self.r.randint(0, 3)):
			self.add(out)
		self.r.shuffle(out)
		return out

	def change(self, e, was):
		for n in range(self.r.randint(3, 10)):
			e = self.attempt(e, was, self.r.choice(self.OPS))
		for k in self.attrs(e) if self.maybe(0.5) else []:
			e = self.attempt(e, was, lambda me, o: me.times(o, k))
		return e

	def attempt(self, e, was, op):
		other = copy.deepcopy(e)
		op(self, other)
		try:
			if other != e and self.sound(other) and \
			    self.same(was, self.sight.of(other)):
				return other
		except Undecided:
			pass
		return e

	def same(self, a, b):
		return a == b if self.each else a[0] == b[0]

	def add(self, out):
		id = self.r.choice(self.ids + ["urn:ngsi-ld:Neu:%d" %
		    self.r.randint(0, 99), "urn:ngsi-ld:", "x:y"])
		if id.endswith(":") or id in [e["id"] for e in out]:
			return
		e = self.gen.entity(id, self.style)
		try:
			if nothing(self.sight.of(e)):
				out.append(e)
		except Undecided:
			pass

	def sound(self, e):
		"""A broker could hold it: nothing is there twice."""
		names = [expand(self.sight.ctx, k) for k in e
		    if k not in SYSTEM]
		types = oracle.as_list(e["type"])
		return len(set(names)) == len(names) and 0 < len(types) <= 16

	# -- of an entity

	def attrs(self, e):
		return [k for k in e if k not in SYSTEM]

	def fresh(self, name):
		if self.maybe(0.2):
			return copy.deepcopy(self.r.choice(KINDLESS))
		return self.gen.attr(name, self.style)

	def add_attr(self, e):
		name = self.r.choice(ATTRS + STRANGE)
		self.put(e, self.gen.key(name, self.style), self.fresh(name))

	def put(self, e, key, value):
		"""Somewhere among the members."""
		members = [m for m in e.items() if m[0] != key]
		members.insert(self.r.randint(0, len(members)), (key, value))
		e.clear()
		e.update(members)

	def replace_attr(self, e):
		k = self.r.choice(self.attrs(e) or ["geheim"])
		e[k] = self.fresh("location" if k.endswith("location") else k)

	def drop_attr(self, e):
		if len(self.attrs(e)) > 1:
			del e[self.r.choice(self.attrs(e))]

	def respell_attr(self, e):
		"""A term by its IRI, an IRI of the default context by its
		name."""
		k = self.r.choice(self.attrs(e) or ["geheim"])
		iri = expand(self.sight.ctx, k)
		if k in e and iri != k:
			members = [(iri if m == k else m, v)
			    for m, v in e.items()]
			e.clear()
			e.update(members)

	def system(self, e):
		k = self.r.choice(("createdAt", "modifiedAt", "scope",
		    "expiresAt", "deletedAt"))
		v = self.r.choice((None, iso(self.r.choice(
		    self.style["times"])), iso(self.gen.now + 90000)))
		if k == "scope":
			v = self.r.choice((None, "/geheim", ["/a", "/b"], []))
		e.pop(k, None)
		if v is not None:
			self.put(e, k, v)

	def types(self, e):
		t = list(oracle.as_list(e["type"]))
		new = self.r.choice(TYPES + ("Geheimtyp",))
		new = self.gen.key(new, self.style)
		if new not in t and self.maybe(0.6):
			t.insert(self.r.randint(0, len(t)), new)
		elif len(t) > 1:
			t.remove(self.r.choice(t))
		e["type"] = t[0] if len(t) == 1 and self.maybe(0.5) else t

	def reorder(self, e):
		if not e:
			return
		members = list(e.items())
		m = members.pop(self.r.randrange(len(members)))
		members.insert(self.r.randint(0, len(members)), m)
		e.clear()
		e.update(members)

	# -- of an attribute

	def instance(self, e):
		"""One of its objects, or None."""
		k = self.r.choice(self.attrs(e) or ["id"])
		v = e[k]
		if isinstance(v, list) and v:
			v = self.r.choice(v)
		return v if isinstance(v, dict) else None

	def times(self, e, k):
		"""When an attribute was made or changed: what is newest wins
		among several sources, if it is shown."""
		for o in oracle.as_list(e[k]):
			if isinstance(o, dict):
				o.update({m: iso(self.r.choice(
				    self.style["times"]))
				    for m in ("createdAt", "modifiedAt")})

	def wrap(self, e):
		"""One instance as an array; an instance more, or one less."""
		k = self.r.choice(self.attrs(e) or ["id"])
		v = e[k]
		if isinstance(v, dict):
			v = [v]
		if not isinstance(v, list):
			return
		if self.maybe(0.4):
			v.insert(self.r.randint(0, len(v)), self.r.choice((
			    {}, {"expiresAt": iso(self.gen.now - 90000),
			    "type": "Property", "value": Num("1")},
			    {"type": "Relationship", "object": Num("1")},
			    self.gen.instance(k, self.style, "urn:ds:3"))))
		elif len(v) > 1:
			v.pop(self.r.randrange(len(v)))
		e[k] = v[0] if len(v) == 1 and self.maybe(0.5) else v

	def member(self, e):
		o = self.instance(e)
		if o is None:
			return
		inner = [v for k, v in o.items() if isinstance(v, dict) and
		    k not in VALUES]
		if inner and self.maybe(0.3):
			o = self.r.choice(inner)
		self.r.choice((self.add_member, self.add_member,
		    self.drop_member, self.reorder, self.retype,
		    self.wrap_member))(o)

	def add_member(self, o):
		k = self.r.choice(list(SUBS) * 4 + INNER + VALUED + [
		    "createdAt", "modifiedAt", "observedAt", "unitCode",
		    "datasetId", "expiresAt"] * 2 + list(STRANGE))
		time = iso(self.r.choice(self.style["times"]))
		v = {"createdAt": time, "modifiedAt": time, "observedAt": time,
		    "expiresAt": iso(self.gen.now + 90000),
		    "unitCode": "GEH", "datasetId": Num("1"),
		    "@context": "http://127.0.0.1:1/geheim"}.get(k)
		if v is None:
			v = self.r.choice((self.gen.sub(self.style),
			    {"type": "Property", "value": Num("4711"),
			    "createdAt": time}, [Num("1"), {}], None,
			    {"geheim": {"a": [None, True]}}))
		if k in VALUED or k not in o or self.maybe(0.5):
			self.put(o, self.gen.key(k, self.style)
			    if k in SUBS else k, v)

	def drop_member(self, o):
		if o:
			del o[self.r.choice(list(o))]

	def retype(self, o):
		"""A type that is told by the value member, or told twice."""
		t = o.pop("type", o.pop("@type", None))
		if t is not None and self.maybe(0.6):
			self.put(o, self.r.choice(("type", "@type")), t)
		elif t is None:
			kind = oracle.kind_of(o)
			if kind:
				self.put(o, "type", kind)

	def wrap_member(self, o):
		for k in ("observedAt", "unitCode"):
			if isinstance(o.get(k), str):
				o[k] = self.r.choice(({"type": "Property",
				    "value": o[k]}, {"@value": o[k]}))
			elif isinstance(o.get(k), dict):
				v = o[k].get("@value", o[k].get("value"))
				if isinstance(v, str):
					o[k] = v

	OPS = (add_attr, add_attr, replace_attr, replace_attr, drop_attr,
	    respell_attr, system, types, reorder, wrap, member, member,
	    member, member)


# ---- how it is written

# What is copied with its name as it came.
COPIED = OWNERS | {"observedAt", "unitCode", "datasetId", "createdAt",
    "modifiedAt", "expiresAt"}
BLANKS = ("", "", "", " ", "\n\t", "\r\n  ")


class Spelling:
	"""Writes entities in one of many ways: the same one each time."""

	def __init__(self, seed):
		self.seed = seed

	def __call__(self, e):
		self.r = random.Random("%s %s" % (self.seed, e["id"]))
		return self.object([(self.text(k), self.member(k, v))
		    for k, v in e.items()])

	def blank(self):
		return self.r.choice(BLANKS)

	def text(self, s):
		"""A string with escapes that need not be."""
		out = "".join("\\u%04x" % ord(c) if self.r.random() < 0.08 and
		    ord(c) < 0x10000 else json.dumps(c,
		    ensure_ascii=False)[1:-1] for c in s)
		return '"%s"' % out

	def object(self, members):
		b = self.blank
		return "{" + b() + ",".join(k + b() + ":" + b() + v + b()
		    for k, v in members) + "}"

	def member(self, k, v):
		if k == "id":
			return self.text(v)
		if k == "type":
			if not isinstance(v, list):
				return self.text(v)
			return "[%s]" % ",".join(self.blank() + self.text(t)
			    for t in v)
		if k in SYSTEM or not isinstance(v, (dict, list)) or not v:
			return dump(v)
		if isinstance(v, dict):
			return self.instance(v)
		return "[%s]" % ",".join(self.blank() + (self.instance(i)
		    if isinstance(i, dict) else dump(i)) for i in v)

	def instance(self, o):
		return self.object([(dump(k) if k in COPIED else self.text(k),
		    self.text(v) if k in ("type", "@type") and
		    isinstance(v, str) and v in KINDS else dump(v))
		    for k, v in o.items()])
