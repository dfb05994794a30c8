"""oracle.py - the reference model: what a consumer sees, computed slowly from
the specification (design/federation.md 1-1.6, design/policy.md 3.2 and 9,
design/interfaces.md "Rulings", design/sources.md 1 and 2).

A region is a dict (oracle_gen.py makes them), an entity is parsed JSON whose
numbers are Num: text that was never a float.  answer() gives the status, the
entities in order and the count.  oracle_view.py has what is in a view,
oracle_query.py and oracle_geo.py what a query selects,
oracle_transform.py what becomes of a value that is shared changed.

A case that only rounding could decide raises Undecided and is not asked.
"""
from oracle_base import Num, Undecided, bare_text, canon, compact, dump, \
    expand, parse, LOCATION
from oracle_geo import Refused
from oracle_query import Query
from oracle_view import INLINED, KINDS, OWNERS, SYSTEM, VALUES, Instance, \
    Leg, Source, as_list, kind_of, redact, sub_shown, view_of


def only_purpose(region, consumer):
	return {a["purpose"] for a in region["agreements"]
	    if a["consumer"] == consumer and a["valid_now"] and a["signed"]}


def answer(region, data, rq, now):
	"""(status, [entity as JSON], count or None)."""
	purpose = rq["purpose"]
	if purpose is None:
		mine = only_purpose(region, rq["consumer"])
		if len(mine) > 1:
			return 400, None, None
		purpose = mine.pop() if mine else None
	try:
		q = Query(rq["params"], rq["ctx"], rq["id"] is not None)
	except Refused as e:
		return e.status, None, None
	views = [] if q.nothing else view_of(region, data, rq["consumer"],
	    purpose, "retrieve" if rq["id"] else "query", now, q.types,
	    q.needed)
	if rq["id"]:
		views = [v for v in views if v.id == rq["id"] and
		    q.has_attrs(v)]
		return (200, [show(views[0], rq["ctx"], q)], None) if views \
		    else (404, None, None)
	views = [v for v in views if q.matches(v)]
	page = views[q.offset:q.offset + q.limit]
	return 200, [show(v, rq["ctx"], q) for v in page], \
	    len(views) if q.count else None


# ---- representations

def show(v, ctx, q):
	out = {"id": v.id, "type": [compact(ctx, t) for t in v.types]}
	for key, m in (("scope", v.scope),
	    ("createdAt", v.created if q.sys else None),
	    ("modifiedAt", v.modified if q.sys else None)):
		if m is not None:
			out[key] = m
	names = []
	for i in v.instances:
		if i.name not in names and (q.attrs is None or
		    i.name in q.attrs):
			names.append(i.name)
	for n in names:
		mine = [i for i in v.instances if i.name == n]
		out[compact(ctx, n)] = simple_attr(mine, ctx) if q.simple \
		    else [show_instance(i, ctx, q.sys) for i in mine]
	return tidy(out, q.simple)


def value_shown(i, ctx):
	if i.kind != "VocabProperty":
		return i.value
	one = lambda t: compact(ctx, expand(i.ctx, t)) \
	    if isinstance(t, str) and not isinstance(t, Num) else t
	return [one(t) for t in i.value] if isinstance(i.value, list) \
	    else one(i.value)


def simple_attr(mine, ctx):
	def one(i):
		v = value_shown(i, ctx)
		if i.kind in ("Property", "GeoProperty", "Relationship"):
			return v
		return {KINDS[i.kind]: v}
	if len(mine) == 1:
		return one(mine[0])
	return {"dataset": {i.dataset_id or "@none": one(i) for i in mine}}


def show_instance(i, ctx, sys):
	out = {"type": i.kind, KINDS[i.kind]: value_shown(i, ctx)}
	r = i.release
	for k, v in i.obj.items():
		if k in VALUES or k in INLINED or k in ("type", "@type",
		    "id", "@id", "@context", "expiresAt"):
			continue
		if k in ("observedAt", "unitCode"):
			if bare_text(v) is not None:
				out[k] = bare_text(v)
		elif k == "datasetId":
			if i.dataset_id is not None:
				out[k] = v
		elif k in ("createdAt", "modifiedAt"):
			if sys and (r.created if k[0] == "c" else r.modified):
				out[k] = v
		elif k in OWNERS:
			if r.own:
				out[k] = v
		elif (r.all or expand(i.ctx, k) in r.subs) and \
		    sub_shown(k, v):
			out[compact(ctx, expand(i.ctx, k))] = \
			    show_sub(v, i.ctx, r, ctx, sys)
	return out


def show_sub(v, source_ctx, release, ctx, sys):
	if isinstance(v, list):
		return [show_sub(e, source_ctx, release, ctx, sys) for e in v]
	if isinstance(v, dict) and kind_of(v):
		i = Instance("", v, source_ctx)
		i.release = release.below()
		return show_instance(i, ctx, sys)
	return v


def tidy(e, simple):
	"""One form for what may be written in several; both sides get it.
	expiresAt is left out: the standard does not say whose option shows
	it."""
	out = {}
	for k, v in e.items():
		if k == "expiresAt":
			continue
		if k in ("type", "scope"):
			v = sorted(as_list(v))
		elif k not in SYSTEM and not simple:
			v = sorted(as_list(v), key=lambda i: str(
			    i.get("datasetId")) if isinstance(i, dict) else "")
			v = [{m: x for m, x in i.items() if m != "expiresAt"}
			    if isinstance(i, dict) else i for i in v]
		out[k] = v
	return out
