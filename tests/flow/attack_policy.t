#!/usr/bin/env python3
# attack_policy.t - what is put into region files (policy.md, A1, A2, A3, A7):
# signatures that are none, data of others, text that would be a command.
import os
import sys
from urllib.parse import unquote

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from attack import *


def refused(w, text, word, what, seconds=20):
	"""By validate and apply, with its place; nothing else is in force."""
	for verb in ("validate", "apply"):
		out, err = w.ctl(verb, w.write("bad.hub", text), code=78,
		    seconds=seconds)
		check(re.search(r"bad\.hub(:\d+)?", err), "%s: %.300s" % (what,
		    err))
		check(word in err, "%s: %.300s" % (what, err))
	os.unlink(w.path("bad.hub"))


def bundles(w):
	return w.sql("SELECT bundle_id, epoch FROM hub.head")


def second(w, signed, provider="schwerte", consumer="froendenberg"):
	return region(w, agreement("s-f-2", provider, consumer,
	    "schwerte-broker-data", {"WaterObserved": "allow = {flow, exact}"},
	    signed=signed))


@attack
def a1_one_side_does_not_sign_for_both(w):
	w.brokers["schwerte"].entities = [ent(A, "WaterObserved",
	    exact=secret("draft"), waterLevel=prop("142"),
	    location=point(7.55, 51.44))]
	for signed in ('"schwerte:a"', '"schwerte:a", "schwerte:b"',
	    '"froendenberg:b"', '"froendenberg:a", "froendenberg:b"'):
		w.apply(second(w, signed))
		wait_for(lambda: str(bundles(w)[0][0]) in w.ready()[1], 10,
		    "in force: " + w.ready()[1])
		for path in (Q, Q + "&attrs=exact", "?attrs=exact", ENTITIES +
		    "/" + A):
			a = seek(w, path)
			check(b"exact" not in a.body, "%s: %r" % (signed,
			    a.body))
		check(not [x for x in seek(w, Q).all("Hub-Agreement") if
		    "s-f-2" in x], "a draft is named")
	before = bundles(w)
	for signed, word in (('"kreis-unna:a", "schwerte:b"', "kreis-unna"),
	    ('"schwerte", "froendenberg"', "schwerte"),
	    ('"schwerte:", "froendenberg:b"', "schwerte"),
	    ('"nobody:a"', "nobody")):
		refused(w, second(w, signed), word, signed)
	same(bundles(w), before, "in force")
	w.apply(region(w))


@attack
def a2_nobody_shares_what_is_not_his(w):
	before = bundles(w)
	for provider in ("dortmund", "kreis-unna", "holzwickede"):
		refused(w, second(w, None, provider), "schwerte-broker",
		    provider)
	refused(w, second(w, None, "schwerte", "schwerte"), "schwerte",
	    "with itself")
	# Nor by a dataset of its own at another's source.
	w.ctl("validate", w.write("good.hub", second(w, None)))
	refused(w, region(w, agreement("x-f", "dortmund", "froendenberg",
	    "stolen", {"WaterObserved": "allow = {exact}"}) + '''
dataset stolen { source = schwerte-broker  licence = dl-de-zero-2-0
	ids = {"%s*"}  type WaterObserved { } }
''' % WATER), "cannot share it",
	    "a dataset at another's source")
	same(bundles(w), before, "in force")
	same(seek(w, Q).ids(), [A, B, D], "what is shared")


@attack
def a3_no_file_means_what_it_does_not_say(w):
	before = bundles(w)
	good = region(w)
	for what, text, word in (
	    ("homoglyph", good.replace("consumer = froendenberg",
		"consumer = \"fr\u043eendenberg\"", 1), "unknown tenant"),
	    ("other case", good.replace("consumer = froendenberg",
		"consumer = Froendenberg", 1), "Froendenberg"),
	    ("unknown attribute", good.replace("type WaterObserved { }",
		"type WaterObserved { attributes = {flow} }"), "waterLevel"),
	    ("31 February", good.replace("2020-01-01..", "2020-02-31..", 1),
		"2020-02-31"),
	    ("backwards", good.replace("2020-01-01..2099-12-31",
		"2099-01-01..2020-12-31", 1), "valid"),
	    ("two versions", good + agreement("s-f", "schwerte",
		"froendenberg", "schwerte-broker-data", {"WaterObserved":
		"allow = {exact}"}, version=2), "s-f"),
	    ("a misspelt forbid", good + 'forbid xx { typ = WaterObserved  '
		'reason = "x" }\n', "typ"),
	    ("an empty forbid key", good + 'forbid xx { attribute = ""  '
		'reason = "x" }\n', "attribute"),
	    ("a file without end", good + 'purpose xx { title = "x"\n', ""),
	    ("the environment", good + 'purpose xx { title = "${PATH}" }\n',
		"environment"),
	    ("a file elsewhere", good + 'context "https://x.example/c" '
		'{ file = "../../../../etc/passwd" }\n', "segments"),
	    ("include elsewhere", good + 'include ("/etc/passwd")\n', ""),
	    ("NUL", good + "\0", ""),
	    ("10^6 rules", good + "".join('forbid f%d { reason = "x" }\n' % i
		for i in range(100000)), ""),
	    ("5 MiB", good + "# " + "x" * 5242880, ""),
	    ("deep", good + "purpose x {" * 5000, "")):
		refused(w, text, word, what)
	same(bundles(w), before, "in force")
	# Past hubctl: the hub takes only what hubctl has stored.
	bad = good.replace("allow = {", "allow = {refDevice, ", 1)
	w.sql("""BEGIN; SELECT hub.bundle_begin(sha256('x'), 'x', '');
	    SELECT hub.bundle_add((SELECT max(bundle_id) FROM hub.bundle),
	    'region.hub', convert_to($text$%s$text$, 'UTF8'));
	    SELECT hub.head_move((SELECT max(bundle_id) FROM hub.bundle),
	    (SELECT epoch FROM hub.head)); COMMIT""" % bad)
	wait_for(lambda: w.logged("bundle is not what was stored: refused"),
	    20, "refusal")
	same(seek(w, Q).ids(), [A, B, D], "the old region")
	w.sql("SELECT hub.head_move(%s, (SELECT epoch FROM hub.head))" %
	    before[0][0])
	same(seek(w, Q).ids(), [A, B, D], "after rolling back")


@attack
def a7_text_stays_text(w):
	evil = ("'); DROP TABLE hub.bundle; --", "$$; DROP SCHEMA ledger "
	    "CASCADE; $$", "{geheim},\\x00", "<script>alert(1)</script>",
	    "x>; rel=\"next\", <https://evil.example/", "=cmd|' /C calc'!A0",
	    "%0d%0aSet-Cookie: a=b", "a,b; title=\"c\"", "\u202e txt", "''")
	# Partitions come with the months that are booked.
	tables = "SELECT count(*) FROM pg_class WHERE relnamespace::" \
	    "regnamespace::text IN ('hub', 'ledger') AND " \
	    "relkind IN ('r', 'p', 'v') AND NOT relispartition"
	before = w.sql(tables)
	for text in evil:
		q = text.replace("\\", "\\\\").replace('"', '\\"')
		good = region(w).replace('attribution = "schwerte"',
		    'attribution = "%s"' % q).replace('title = "Verkehrs'
		    'planung"', 'title = "%s"' % q).replace('title = '
		    '"schwerte-broker"', 'title = "%s"' % q)
		check(q in good, "no place for " + text)
		out, err = w.ctl("apply", w.write("region.hub", good),
		    "--note", text, code=None)
		if "--accept-widening" in err:
			w.apply(good)
		wait_for(lambda: str(bundles(w)[0][0]) in w.ready()[1], 10,
		    "in force: " + err)
		a = seek_but(w, text)
		titles = [unquote(re.sub(".*title\\*=UTF-8''|.*title=", "", x))
		    for x in a.all("Link") if 'rel="license"' in x]
		check(any(text in x for x in titles) or any(
		    json.dumps(text)[1:-1] in x for x in titles),
		    "%r in %r" % (text, titles))
		for link in a.all("Link"):
			same(len(re.findall(r"<[^>]*>", link)), 1, link)
			check('rel="next"' not in link, link)
		check(not a.all("Set-Cookie"), a.fields)
		out = w.ctl("bundles", "-o", "json")[0]
		json.loads(out)
		out = w.ctl("bundles", "-o", "csv")[0]
		check(not re.search(r"(?m)(^|,)=", out), "a formula: " + out)
	same(w.sql(tables), before, "tables")
	# By the request: a purpose and ids that would be SQL or a path.
	for purpose in evil[:3] + ("../hochwasserschutz", "%68ochwasserschutz",
	    "Hochwasserschutz", "hochwasserschutz'", "hochwasserschutz,klima",
	    "*", "hochwasserschutz\u200b"):
		a = w.ask("froendenberg", Q, purpose=purpose.encode()
		    if purpose.isascii() else purpose.encode("utf-8"))
		clean(a, purpose)
		same(a.status, 403, purpose)
	w.apply(region(w))


def seek_but(w, text):
	"""seek(), where the text itself is no secret."""
	a = w.ask("froendenberg", Q).ok()
	same(a.ids(), [A, B, D], text)
	check(b"98765.4" not in a.body, a.body)
	return a


main(lambda: attacked("attack-policy"))
