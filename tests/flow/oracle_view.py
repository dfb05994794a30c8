"""oracle_view.py - reading what a source sends, what of it a consumer may see
(policy.md 3.2 and 9, sources.md 1 and 2), and merging (federation.md 1.3)."""
import re

from oracle_base import LOCATION, Num, bare_text, expand, when
from oracle_geo import distance_to_area, vertices

# Kinds of attribute and the member that holds their value.
KINDS = {"Property": "value", "Relationship": "object",
    "GeoProperty": "value", "LanguageProperty": "languageMap",
    "JsonProperty": "json", "VocabProperty": "vocab",
    "ListProperty": "valueList", "ListRelationship": "objectList"}
ORDER = ["Property", "Relationship", "LanguageProperty", "JsonProperty",
    "VocabProperty", "ListProperty", "ListRelationship"]
VALUES = set(KINDS.values())
INLINED = {"entity", "entityList"}
OWNERS = {"deletedAt", "instanceId", "objectType", "valueType",
    "previousValue", "previousObject", "previousLanguageMap", "previousJson",
    "previousVocab", "previousValueList", "previousObjectList"}
SYSTEM = {"id", "@id", "type", "@type", "scope", "@context", "createdAt",
    "modifiedAt", "expiresAt", "deletedAt"}


# ---- reading what a source sends

class Instance:
	def __init__(self, name, obj, ctx):
		self.name, self.obj, self.ctx = name, obj, ctx
		self.kind = kind_of(obj)
		self.value = obj.get(KINDS[self.kind]) if self.kind else None
		ds = obj.get("datasetId")
		self.dataset_id = ds if isinstance(ds, str) else None
		self.observed = when(bare_text(obj.get("observedAt")))
		self.modified = when(bare_text(obj.get("modifiedAt")))
		self.expires = when(bare_text(obj.get("expiresAt")))
		self.release = None

	def released(self, release):
		"""A copy that shows what release lets through."""
		other = Instance.__new__(Instance)
		other.__dict__.update(self.__dict__)
		other.release = release
		if not release.modified:
			other.modified = None
		return other


def is_target(v, in_list):
	if isinstance(v, dict):
		return in_list and set(v) == {"object"} and \
		    isinstance(v["object"], str)
	return isinstance(v, str) and not isinstance(v, Num)


def kind_of(obj):
	kind = obj.get("type", obj.get("@type"))
	if not isinstance(kind, str) or kind not in KINDS:
		kind = next((k for k in ORDER if KINDS[k] in obj), None)
		v = obj.get("value")
		if kind == "Property" and isinstance(v, dict) and \
		    "type" in v and "coordinates" in v:
			kind = "GeoProperty"
	if kind is None or KINDS[kind] not in obj:
		return None
	if kind in ("Relationship", "ListRelationship"):
		v = obj[KINDS[kind]]
		for t in v if isinstance(v, list) else [v]:
			if not is_target(t, kind == "ListRelationship"):
				return None
	return kind


def sub_shown(key, v):
	"""A member that leaves if it is released: no inlined entity, and
	nothing that says it is an attribute and is none."""
	if isinstance(v, list):
		return all(sub_shown(key, e) for e in v)
	if not isinstance(v, dict) or kind_of(v):
		return key not in INLINED
	t = v.get("type", v.get("@type"))
	return key not in INLINED and not VALUES & set(v) and not (
	    isinstance(t, str) and t in KINDS)


class Source:
	"""An entity as one source holds it."""

	def __init__(self, obj, ctx):
		self.id = obj["id"]
		t = obj["type"]
		self.types = [expand(ctx, x) for x in
		    (t if isinstance(t, list) else [t])]
		self.scope = obj.get("scope")
		self.created = obj.get("createdAt")
		self.modified = obj.get("modifiedAt")
		self.expires = when(bare_text(obj.get("expiresAt")))
		self.instances = []
		for k, v in obj.items():
			if k in SYSTEM:
				continue
			if not isinstance(v, list) or not v or \
			    not all(isinstance(o, dict) for o in v):
				v = [v]
			for o in v:
				self.instances.append(Instance(expand(ctx, k),
				    o if isinstance(o, dict) else {}, ctx))


# ---- policy

class Release:
	def __init__(self, all=False, subs=(), created=False, modified=False,
	    own=False):
		self.all, self.own = all, own
		self.subs = frozenset(subs)
		self.created = created or all
		self.modified = modified or all

	def below(self):
		"""Of a sub-attribute: all below it, but of its system members
		those that its attribute shows too."""
		r = Release(all=True, own=self.own)
		r.created, r.modified = self.created, self.modified
		return r

	def __or__(self, other):
		if other is None or self.all:
			return self
		return Release(False, self.subs | other.subs,
		    self.created or other.created,
		    self.modified or other.modified)


def glob(pattern, text):
	return re.fullmatch(".*".join(re.escape(p)
	    for p in pattern.split("*")), text, re.S) is not None


class Leg:
	"""What one consumer may have of one dataset for one purpose."""

	def __init__(self, region, ds, consumer, purpose, action):
		self.ds, self.region = ds, region
		self.source = region["sources"][ds["source"]]
		self.ctx = self.source["ctx"]
		# The region file has terms, or the IRIs that they mean.
		self.meant = region["contexts"][0]
		self.own = self.source["owner"] == consumer
		self.shares = [] if self.own else [s
		    for a in region["agreements"]
		    if a["dataset"] == ds["name"] and
		    a["consumer"] == consumer and a["purpose"] == purpose and
		    a["valid_now"] and a["signed"] and action in a["actions"]
		    for s in a["shares"]]
		self.forbids = [f for f in region["forbids"]
		    if f.get("dataset", ds["name"]) == ds["name"] and
		    f.get("consumer", consumer) == consumer and
		    f.get("purpose", purpose) == purpose]

	def types(self):
		names = self.ds["types"] if self.own else \
		    [s["type"] for s in self.shares]
		return {expand(self.meant, t) for t in names}

	def registered(self, type, attr):
		listed = self.ds["types"][type]
		return not listed or attr in listed

	def forbidden(self, type, attr):
		return any(type in {expand(c, f.get("type", type))
		    for c in self.region["contexts"]} and
		    attr in {expand(c, f.get("attribute", attr))
		    for c in self.region["contexts"]} for f in self.forbids)

	def owned(self):
		"""What an exclusive registration keeps to itself: what of it
		this consumer could see, whatever is there."""
		if self.ds["mode"] != "exclusive":
			return set()
		if self.own:
			return {expand(self.meant, a)
			    for attrs in self.ds["types"].values()
			    for a in attrs}
		return {a for s in self.shares for a in (expand(self.meant, x)
		    for x in s["allow"] + list(s["rules"])
		    if self.registered(s["type"], x))
		    if not self.forbidden(expand(self.meant, s["type"]), a)}


	def place_allowed(self, share, e):
		return place_allowed(self.region, share, e)

	def time_allowed(self, share, i, e, now):
		return time_allowed(share, i, e, self, now)


class SeriesLeg(Leg):
	"""The same of evolutions: each instance stands for itself."""

	def place_allowed(self, share, e):
		if not share["inside"] and not share["outside"]:
			return True
		there = [i for i in e.instances if i.name == LOCATION and
		    not (i.gone and i.kind)]
		return any(lies_well(self.region, share, i) for i in there) \
		    if there else share["without"] == "keep"

	def time_allowed(self, share, i, e, now):
		if (share["inside"] or share["outside"]) and \
		    i.name == LOCATION and not lies_well(self.region, share,
			i):
			return False
		at = [t for t in (i.observed, i.modified,
		    when(bare_text(i.obj.get("createdAt")))) if t is not None]
		if not share["history"] and not share["delay"]:
			return True
		return at != [] and not (share["history"] and
		    at[0] < now - share["history"] * 10**6) and not (
		    share["delay"] and at[0] > now - share["delay"] * 10**6)


class View:
	"""What is left of an entity; also what merging makes of several."""

	def __init__(self, id):
		self.id = id
		self.types = []
		self.instances = []
		self.scope = self.created = self.modified = None


def place_allowed(region, share, e):
	if not share["inside"] and not share["outside"]:
		return True
	seen = False
	for i in e.instances:
		if i.name != LOCATION or i.gone and i.kind:
			continue
		seen = True
		# No valid geometry: gone, whatever without-location says, and
		# whatever its time says: who knows what was meant.
		if not lies_well(region, share, i):
			return False
	return seen or share["without"] == "keep"


def lies_well(region, share, i):
	"""Has one instance of a location all its points where they may be?"""
	points = vertices(i.value) if i.kind == "GeoProperty" else None
	for p in points or []:
		near = [distance_to_area(p, region["areas"][a],
		    share["buffer"]) for a in share["inside"]]
		far = [distance_to_area(p, region["areas"][a],
		    share["buffer"]) for a in share["outside"]]
		if near and not any(near) or any(far):
			return False
	return bool(points)


def time_allowed(share, i, e, leg, now):
	at = i.observed
	if at is None:
		name = expand(leg.ctx, "dateObserved")
		mine = [d for d in e.instances if d.name == name and
		    not d.gone and d.kind]
		mine = [d for d in mine if d.dataset_id is None][:1] or \
		    mine[:1]
		if mine and mine[0].kind == "Property":
			at = when(bare_text(mine[0].value))
	if share["history"] and at is not None and \
	    at < now - share["history"] * 10**6:
		return False
	if not share["delay"]:
		return True
	if at is None:
		at = i.modified
	return at is not None and at <= now - share["delay"] * 10**6


def redact(leg, e, now):
	"""The view of one entity of one source, or None (policy.md 3.2, 9)."""
	if not any(glob(g, e.id) for g in leg.ds["ids"]) or \
	    e.expires is not None and e.expires <= now:
		return None
	for i in e.instances:
		i.gone = i.expires is not None and i.expires <= now
	alive = [i for i in e.instances if i.kind and not i.gone]
	v = View(e.id)
	if leg.own:
		if not set(e.types) & leg.types() or not alive:
			return None
		v.types = list(e.types)
		v.instances = [i.released(Release(all=True, own=True))
		    for i in alive]
		v.scope, v.created, v.modified = e.scope, e.created, e.modified
		return v
	hidden = set()
	for f in leg.forbids:
		if "type" in f and not any(expand(c, f["type"]) in e.types
		    for c in leg.region["contexts"]):
			continue
		if "attribute" not in f:
			return None
		hidden |= {expand(c, f["attribute"])
		    for c in leg.region["contexts"]}
	released, masks = {}, {}
	for s in leg.shares:
		redact_share(leg, s, e, alive, hidden, now, v, released, masks)
	for i in alive:
		m = masks.get(i, Mask())
		seen = i if m.raw else None if m.clash else m.made
		if i in released and seen:
			v.instances.append(seen.released(released[i]))
	v.types = [t for t in e.types if t in v.types]
	return v if v.instances and v.types else None


class Mask:
	"""What rules make of an instance.  Allow beats all others; two that
	would make two things of it make nothing."""

	def __init__(self):
		self.raw = self.clash = False
		self.rule = self.made = None

	def lets_through(self, i, rule):
		if rule is None:
			self.raw = True
			return True
		if self.rule is None:
			self.rule = rule
			self.made = transform(i, rule)
		elif self.rule != rule:
			self.clash = True
		return self.made is not None and not self.clash


def redact_share(leg, s, e, alive, hidden, now, v, released, masks):
	type = expand(leg.meant, s["type"])
	if type not in e.types or not leg.place_allowed(s, e):
		return
	allow = {expand(leg.meant, a): a for a in s["allow"]
	    if leg.registered(s["type"], a)}
	rules = {expand(leg.meant, a): r for a, r in s["rules"].items()
	    if leg.registered(s["type"], a)}
	for i in alive:
		if i.name not in allow and i.name not in rules or \
		    i.name in hidden or not leg.time_allowed(s, i, e, now):
			continue
		rule = None if i.name in allow else rules[i.name]
		if not masks.setdefault(i, Mask()).lets_through(i, rule):
			continue
		subs = {expand(leg.meant, b) for a, b in s["subs"]
		    if a == allow.get(i.name)}
		released[i] = Release(False, subs, "createdAt" in s["system"],
		    "modifiedAt" in s["system"]) | released.get(i)
	# "The entity's id and granted types always" (interfaces.md).
	v.types.append(type)
	v.scope = e.scope if "scope" in s["system"] else v.scope
	if "createdAt" in s["system"]:
		v.created = e.created
	if "modifiedAt" in s["system"]:
		v.modified = e.modified


# Needs Instance from here.
from oracle_transform import transform


# ---- merging (4.5.5; interfaces.md "Selecting and merging")

def as_list(v):
	return v if isinstance(v, list) else [] if v is None else [v]


def merge(views):
	"""views: (auxiliary, priority, dataset name, View) of one id."""
	views = sorted(views, key=lambda t: (t[0], t[1], t[2].encode()))
	out = View(views[0][3].id)
	best = {}
	never = -10**18
	for rank, (adds, _, _, v) in enumerate(views):
		for i in v.instances:
			key = (i.name, i.dataset_id)
			strength = (not adds,
			    never if i.observed is None else i.observed,
			    never if i.modified is None else i.modified, -rank)
			if key not in best or strength > best[key][0]:
				best[key] = (strength, i)
		if adds and not views[0][0]:
			continue	# it adds attributes and nothing else
		out.types += [t for t in v.types if t not in out.types]
		scopes = as_list(out.scope)
		scopes += [s for s in as_list(v.scope) if s not in scopes]
		out.scope = scopes or None
		out.created = pick(out.created, v.created, min)
		out.modified = pick(out.modified, v.modified, max)
	out.instances = [i for _, i in best.values()]
	return out


def pick(a, b, which):
	times = [t for t in (a, b) if t is not None]
	return which(times, key=lambda t: when(bare_text(t)) or 0) \
	    if times else None


# ---- the answer

def view_of(region, data, consumer, purpose, action, now, types, needed):
	"""[merged View] of all that the consumer may see of these types.
	data: source name -> list of Source.  needed: names the request is
	about, or None; a source is asked for these alone."""
	found, owners = {}, {}
	for ds in region["datasets"]:
		leg = Leg(region, ds, consumer, purpose, action)
		if not leg.own and not leg.shares:
			continue
		ask = leg.types() if types is None else leg.types() & types
		if ask:
			for id in ds["ids"]:
				for a in leg.owned():
					owners[id, a] = ds["name"]
		for e in data[ds["source"]]:
			if not set(e.types) & ask:
				continue
			v = redact(leg, e, now)
			if v and not set(v.types) & ask:
				continue	# by a type that is hidden
			if v and needed is not None:
				v.instances = [i for i in v.instances
				    if i.name in needed]
			if v and v.instances:
				found.setdefault(v.id, []).append(
				    (ds["mode"] == "auxiliary",
				    ds["priority"], ds["name"], v))
	for id in list(found):
		for _, _, name, v in found[id]:
			v.instances = [i for i in v.instances
			    if owners.get((id, i.name), name) == name]
		found[id] = [t for t in found[id] if t[3].instances]
		if not found[id]:
			del found[id]
	return [merge(v) for _, v in sorted(found.items(),
	    key=lambda kv: kv[0].encode())]
