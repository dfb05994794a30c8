#!/usr/bin/env python3
# crisis.t - events that widen agreements: what they widen and what not, who
# may declare and confirm, when they end, what is told of them.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"
ID = "urn:ngsi-ld:WaterObserved:"
OLD = "2020-05-01T00:00:00Z"
INSIDE, OUTSIDE = point("7.58", "51.44"), point("7.30", "51.44")
KREIS = 'crisis-authority = true'


def entity(name, at, place):
	more = {"location": place} if place else {}
	return ent(ID + name, "WaterObserved", waterLevel=prop("1", at=at),
	    stationName=prop('"s"', at=at), refDevice=prop('"r"', at=at),
	    **more)


def region(w, quota="", version=1):
	r = tenants().replace('name = "Kreis Unna"', 'name = "Kreis Unna"  ' +
	    KREIS)
	r = r.replace('name = "Stadt Dortmund"', 'name = "Stadt Dortmund"  ' +
	    KREIS)
	r += source("broker-s", "schwerte", w.brokers["s"], ["WaterObserved"])
	share = {"WaterObserved": "allow = {waterLevel, location, "
	    "stationName, refDevice}  history = 1h  without-location = keep"}
	block = "crisis %s { authority = kreis-unna  history = 36500d  %s  " \
	    "max = %s  report = 1min }"
	r += agreement("wide", "schwerte", "froendenberg", "broker-s-data",
	    share, version=version, more="\n".join((quota and
	    'quota = "1/h burst 2"', block % ("flood", quota, "3h"),
	    block % ("brief", quota, "2min"))))
	r += agreement("other-purpose", "schwerte", "froendenberg",
	    "broker-s-data", share, purpose="verkehr")
	r += agreement("other-tenant", "schwerte", "dortmund", "broker-s-data",
	    share)
	return r + '''
forbid station { type = WaterObserved  attribute = stationName
	reason = "nur in Ruhe"  crisis-override = true }
forbid device { type = WaterObserved  attribute = refDevice
	reason = "nie"  crisis-override = false }
'''


def setup():
	now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
	w = World("crisis", {"s": Broker([
	    entity("in-new", now, INSIDE), entity("in-old", OLD, INSIDE),
	    entity("nowhere", OLD, None), entity("out-new", now, OUTSIDE),
	    entity("out-old", OLD, OUTSIDE)])})
	w.apply(region(w))
	w.start()
	return w


def crisis(w, *argv, code=0):
	out, err = w.ctl("crisis", *argv, code=code)
	return out + err


def declare(w, kind="flood", tenant="kreis-unna", by="anna", area="schwerte",
    length="2h", code=0, *more):
	"""The event's number."""
	out = crisis(w, "declare", kind, "--as", tenant, "--by", by, "--area",
	    area, "--reason", "Hochwasser der Ruhr", "--for", length, *more,
	    code=code)
	m = re.match(r"crisis (\d+):", out)
	return (int(m.group(1)) if m else None), out


def views(w, tenant="froendenberg", purpose="hochwasserschutz"):
	"""({entity: attributes}, answer) without ids' common part."""
	a = w.ask(tenant, Q + "&limit=100", purpose=purpose).ok()
	return {e["id"][len(ID):]: "".join(sorted(k[0] for k in e
	    if k not in ("id", "type", "location"))) for e in a.json()}, a


# w: waterLevel, s: stationName; what location alone shows is "".
QUIET = {"in-new": "w", "in-old": "", "out-new": "w", "out-old": ""}
CRISIS = {"in-new": "sw", "in-old": "sw", "out-new": "w", "out-old": ""}


def is_crisis(w):
	return views(w)[0] == CRISIS


def is_quiet(w):
	return views(w)[0] == QUIET


def rest(w):
	"""Forgets the past: as if a day had gone."""
	w.sql("ALTER TABLE hub.crisis_event DISABLE TRIGGER USER; "
	    "ALTER TABLE hub.crisis_step DISABLE TRIGGER USER; "
	    "UPDATE hub.crisis_event SET declared_at = declared_at - "
	    "interval '9 days', until = until - interval '9 days', "
	    "confirm_deadline = confirm_deadline - interval '9 days'; "
	    "UPDATE hub.crisis_step SET at = at - interval '9 days'; "
	    "INSERT INTO hub.crisis_step (event_id, step, person) SELECT "
	    "event_id, 'report', 'rest' FROM hub.crisis_event "
	    "ON CONFLICT DO NOTHING; "
	    "ALTER TABLE hub.crisis_event ENABLE TRIGGER USER; "
	    "ALTER TABLE hub.crisis_step ENABLE TRIGGER USER; "
	    "NOTIFY hub_policy")


@test
def shows_in_quiet_times_what_is_agreed(w):
	seen, a = views(w)
	same(seen, QUIET, "views")
	same(a.all("Hub-Crisis"), [], "Hub-Crisis")
	same(a.all("Hub-Agreement"), ["wide;v=1"], "Hub-Agreement")


@test
def lets_only_authorities_declare_and_only_what_is_agreed(w):
	for want, kw in (
	    (77, dict(tenant="froendenberg")),
	    (1, dict(tenant="nobody")),
	    (1, dict(area="nirgends")),
	    (1, dict(kind="fire")),
	    # It is an authority, but no agreement says it is this one's.
	    (1, dict(tenant="dortmund")),
	    (77, dict(length="73h")),
	    (77, dict(length="4h")),
	    (64, dict(length="soon")),
	    (64, dict(length="1s"))):
		same(declare(w, code=want, **kw)[0], None, repr(kw))
	crisis(w, "declare", "flood", "--as", "kreis-unna", code=64)
	same(w.sql("SELECT count(*) FROM hub.crisis_event"), [["0"]], "events")
	# By the database as well, whoever writes there.
	out = run("psql", "-XqAt", w.database, "-c", "SET ROLE hub_owner; "
	    "INSERT INTO hub.crisis_event (kind, authority, area, reason, "
	    "declared_by, until, confirm_deadline, report_within) VALUES "
	    "('flood', 'kreis-unna', 'schwerte', 'x', 'a', now() + interval "
	    "'73 hours', now() + interval '60 minutes', '7 days')",
	    code=None)[1]
	check("crisis_event_check" in out, out)


@test
def widens_within_the_area_for_the_purpose_and_at_once(w):
	begun = time.monotonic()
	event, out = declare(w)
	check(event is not None and "in force" in out, out)
	wait_for(lambda: is_crisis(w), 5, "in force: %r" % views(w)[0])
	check(time.monotonic() - begun < 8 * SLOW, "by NOTIFY, not by the poll")
	a = views(w)[1]
	same(a.one("Hub-Crisis"), str(event), "Hub-Crisis")
	same(a.all("Hub-Agreement"), ["wide;v=1;crisis=%d" % event],
	    "Hub-Agreement")
	for what in ({"purpose": "verkehr"}, {"tenant": "dortmund"}):
		seen, a = views(w, **what)
		same(seen, QUIET, repr(what))
		same(a.all("Hub-Crisis"), [], repr(what))
	# What it releases can be asked for, what it does not cannot.
	for name, count in (("stationName", 2), ("refDevice", 0)):
		a = w.ask("froendenberg", Q + "&q=%s&count=true" % name).ok()
		same(int(a.one("NGSILD-Results-Count")), count, name)
	a = w.ask("froendenberg", ROOT + "/attributes").ok()
	check(b"stationName" in a.body and b"refDevice" not in a.body, a.body)


@test
def is_confirmed_by_a_second_person_once(w):
	event = w.sql("SELECT max(event_id) FROM hub.crisis_event")[0][0]
	crisis(w, "confirm", "99", "--by", "bert", code=1)
	crisis(w, "confirm", "x", "--by", "bert", code=64)
	for by in ("anna", "Anna"):
		out = crisis(w, "confirm", event, "--by", by, code=77)
		check("cannot confirm" in out, out)
	crisis(w, "confirm", event, "--by", "bert", "--dry-run")
	same(w.sql("SELECT count(*) FROM hub.crisis_step"), [["0"]], "steps")
	crisis(w, "confirm", event, "--by", "bert")
	crisis(w, "confirm", event, "--by", "carla", code=1)
	check(is_crisis(w), "still in force")
	rows = json.loads(w.ctl("crisis", "list", "-o", "json")[0])
	same((rows[0]["state"], rows[0]["declared_by"],
	    rows[0]["confirmed_by"]), ("confirmed", "anna", "bert"), "list")


@test
def ends_when_it_is_ended_and_for_good(w):
	event = w.sql("SELECT max(event_id) FROM hub.crisis_event")[0][0]
	crisis(w, "report", event, "--by", "anna", "--note", "Az. 1", code=77)
	crisis(w, "end", event, "--by", "anna")
	wait_for(lambda: is_quiet(w), 5, "ended")
	crisis(w, "end", event, "--by", "anna", code=1)
	same(views(w)[1].all("Hub-Agreement"), ["wide;v=1"], "Hub-Agreement")
	for change in ("DELETE FROM hub.crisis_event",
	    "UPDATE hub.crisis_step SET person = 'x'"):
		out = run("psql", "-XqAt", w.database, "-c", change,
		    code=None)[1]
		check("immutable" in out, out)


@test
def drafts_a_report_of_who_asked_what(w):
	event = w.sql("SELECT max(event_id) FROM hub.crisis_event")[0][0]

	def draft():
		"""The row and the marked ones, once loading is between them."""
		rows = json.loads(w.ctl("crisis", "report", event, "-o",
		    "json")[0])
		marked = w.sql("SELECT count(*) FILTER (WHERE flags & 128 "
		    "<> 0), count(*) FROM ledger.event "
		    "WHERE class = 'access'")[0]
		return rows and rows[0]["requests"] == int(marked[0]) and (
		    rows[0], marked)
	row, marked = wait_for(draft, 20, "the ledger to be loaded")
	same((row["consumer"], row["provider"], row["purpose"],
	    row["agreement"], row["dataset"]), ("05978012", "05978028",
	    "hochwasserschutz", "wide", "broker-s-data"), "row")
	check(row["requests"] > 0 and row["entities"] >= row["requests"], row)
	# What the agreement gave without the crisis is not in it.
	check(int(marked[0]) < int(marked[1]), marked)
	for lang, words in (("de", ("Entwurf des Berichts", "Ausgerufen von",
	    "VEREINBARUNG")), ("en", ("Draft report", "Declared by",
	    "AGREEMENT"))):
		out = w.ctl("--lang", lang, "crisis", "report", event)[0]
		for word in words + ("anna", "bert", "Hochwasser der Ruhr"):
			check(word in out, (word, out))


@test
def makes_a_chain_wait_for_another_person(w):
	event, out = declare(w, by="carla")
	check("not in force" in out, out)
	time.sleep(0.5)
	check(is_quiet(w), "not yet")
	for by in ("anna", "bert", "carla"):
		crisis(w, "confirm", str(event), "--by", by, code=77)
	crisis(w, "confirm", str(event), "--by", "dora")
	wait_for(lambda: is_crisis(w), 5, "in force")
	crisis(w, "end", str(event), "--by", "dora")
	wait_for(lambda: is_quiet(w), 5, "ended")


@test
def lapses_by_the_clock_without_anybody(w):
	rest(w)
	w.sql("SET ROLE hub_owner; INSERT INTO hub.crisis_event (kind, "
	    "authority, area, reason, declared_by, declared_at, until, "
	    "confirm_deadline, report_within) VALUES ('flood', 'kreis-unna', "
	    "'schwerte', 'x', 'anna', now() - interval '59 minutes', "
	    "now() + interval '1 hour', now() + interval '%d seconds', "
	    "'7 days')" % (3 * SLOW))
	wait_for(lambda: is_crisis(w), 2.5, "in force")
	bundles = w.hub.text().count('msg="region in force"')
	wait_for(lambda: is_quiet(w), 6, "lapsed")
	same(w.hub.text().count('msg="region in force"'), bundles,
	    "no new snapshot was needed")
	event = w.sql("SELECT max(event_id) FROM hub.crisis_event")[0][0]
	crisis(w, "confirm", event, "--by", "bert", code=77)
	same(w.sql("SELECT state FROM hub.crisis WHERE event_id = " + event),
	    [["lapsed"]], "state")
	# The same person cannot go on hour after hour.
	check("not in force" in declare(w)[1], "a chain")


@test
def is_no_longer_than_the_agreement_says(w):
	rest(w)
	# 3h are the longest of this kind; the database allows 72.
	w.sql("SET ROLE hub_owner; INSERT INTO hub.crisis_event (kind, "
	    "authority, area, reason, declared_by, declared_at, until, "
	    "confirm_deadline, report_within) VALUES ('brief', 'kreis-unna', "
	    "'schwerte', 'x', 'anna', now() - interval '%d seconds', "
	    "now() + interval '71 hours', now() + interval '50 minutes', "
	    "'7 days')" % (120 - 3 * SLOW))
	wait_for(lambda: is_crisis(w), 2.5, "in force")
	wait_for(lambda: is_quiet(w), 6, "over for this agreement")


@test
def asks_for_the_report_before_the_next(w):
	rest(w)
	event, out = declare(w)
	crisis(w, "end", str(event), "--by", "anna")
	w.sql("ALTER TABLE hub.crisis_event DISABLE TRIGGER USER; "
	    "ALTER TABLE hub.crisis_step DISABLE TRIGGER USER; "
	    "UPDATE hub.crisis_event SET declared_at = declared_at - "
	    "interval '9 days', until = until - interval '9 days', "
	    "confirm_deadline = confirm_deadline - interval '9 days'; "
	    "UPDATE hub.crisis_step SET at = at - interval '9 days'; "
	    "ALTER TABLE hub.crisis_event ENABLE TRIGGER USER; "
	    "ALTER TABLE hub.crisis_step ENABLE TRIGGER USER; "
	    "NOTIFY hub_policy")
	wait_for(lambda: w.logged("report of a crisis is overdue"), 15,
	    "the alarm")
	w.sql("DO $$ BEGIN CREATE ROLE admin_only LOGIN; EXCEPTION WHEN "
	    "duplicate_object THEN NULL; END $$; "
	    "GRANT hub_admin TO admin_only")
	call = "SET SESSION AUTHORIZATION admin_only; SELECT " \
	    "hub.crisis_declare('flood', 'kreis-unna', 'schwerte', 'x', " \
	    "'anna', 3600, 86400)"
	out = run("psql", "-XqAt", w.database, "-c", call, code=None)[1]
	check("overdue" in out and "hub_dpo" in out, out)
	crisis(w, "report", str(event), "--by", "anna", "--note", "Az. 7")
	same(w.sql("SELECT state, report_ref FROM hub.crisis WHERE event_id = "
	    "%d" % event), [["reported", "Az. 7"]], "reported")
	out = run("psql", "-XqAt", w.database, "-c", call)[0]
	check(out.strip().isdigit(), out)
	crisis(w, "end", out.strip(), "--by", "anna")


@test
def widens_the_quota_within_the_area_only(w):
	rest(w)
	w.apply(region(w, quota='quota = "1/h burst 4"', version=2))
	wait_for(lambda: views(w, purpose="verkehr")[1].ok() and
	    w.logged("bundle=2"), 10, "bundle 2")
	event, out = declare(w)
	wait_for(lambda: w.logged("event=%d " % event), 10, "in force")
	a = wait_for(lambda: (lambda a: a if a.all("Hub-Crisis") else None)(
	    w.ask("froendenberg", Q).ok()), 10, "Hub-Crisis")
	check('"wide crisis %d";r=' % event in a.one("RateLimit"), a.fields)
	wide = None
	for i in range(8):
		a = w.ask("froendenberg", Q + "&limit=100")
		if a.status == 429:
			break
		wide = {e["id"][len(ID):] for e in a.json()}
		same(a.warnings(), {}, "warnings")
	# The agreement's own two are gone before the four of the crisis: what
	# it gives is inside its area.
	same(wide, {"in-new", "in-old"}, "the last answer")
	same(a.status, 429, "spent at last")
	crisis(w, "end", str(event), "--by", "anna")


@test
def is_told_by_validate_when_it_widens_nothing(w):
	text = region(w, quota='quota = "1/d"')
	err = w.ctl("validate", w.write("less.hub", text))[1]
	check("quota widens nothing" in err, err)
	check("dormant" not in err and "not enforced" not in err, err)
	err = w.ctl("validate", w.write("less.hub", region(w).replace(
	    "history = 36500d", "history = 1min")))[1]
	check("history widens nothing" in err, err)


main(setup)
