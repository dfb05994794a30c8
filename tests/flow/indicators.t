#!/usr/bin/env python3
# indicators.t - what the impact indicators I1 and I2 are told from (ledger.md
# §8, R8): downloads of open data, and how many people there were, as they come
# from requests with real tokens, through the spool, into the reports.
import glob
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"
LONG = "?type=FloodMonitoring&limit=1000"
COUNTED = "indicators { count-persons = yes }"
AGS = {"froendenberg": "05978012", "holzwickede": "05978016",
    "schwerte": "05978028", "dortmund": "05913000"}
MONTH = ""	# this one, in Germany


def setup():
	global MONTH
	w = World("indicators")
	water = [ent("urn:ngsi-ld:WaterObserved:%d" % i, "WaterObserved",
	    waterLevel=prop(str(i))) for i in range(3)]
	flood = [ent("urn:ngsi-ld:FloodMonitoring:%04d" % i,
	    "FloodMonitoring", stationName=prop('"' + "x" * 6000 + '"'))
	    for i in range(900)]
	w.brokers = {"o": ToolBroker(w, "broker-o", water + flood),
	    "p": ToolBroker(w, "broker-p", water),
	    "l": ToolBroker(w, "broker-l", water)}
	r = tenants()
	r += source("broker-o", "dortmund", w.brokers["o"],
	    ["WaterObserved", "FloodMonitoring"], timeout="20s",
	    more="publish = open")
	r += source("broker-p", "schwerte", w.brokers["p"],
	    ["WaterObserved"], more="publish = open")
	r += source("broker-l", "kreis-unna", w.brokers["l"],
	    ["WaterObserved"], more="publish = listed")
	both = {"WaterObserved": "allow = {waterLevel}",
	    "FloodMonitoring": "allow = {stationName}"}
	water = {"WaterObserved": "allow = {waterLevel}"}
	r += agreement("o-f", "dortmund", "froendenberg", "broker-o-data",
	    both)
	r += agreement("p-f", "schwerte", "froendenberg", "broker-p-data",
	    water)
	r += agreement("l-f", "kreis-unna", "froendenberg", "broker-l-data",
	    water)
	r += agreement("o-h", "dortmund", "holzwickede", "broker-o-data",
	    water)
	r += agreement("l-h", "kreis-unna", "holzwickede", "broker-l-data",
	    water, purpose="verkehr")
	w.apply(r)
	MONTH = w.sql("SELECT to_char(now() AT TIME ZONE 'Europe/Berlin', "
	    "'YYYY-MM')")[0][0]
	# Left from a time when persons were counted.
	w.write("spool/person-key-2026-01", "k" * 32)
	w.start()
	return w


def loaded(w, *answers):
	"""Returns when the accesses of all are in the ledger."""
	ids = ", ".join("'%s'" % a.one("Request-Id") for a in answers)
	wait_for(lambda: w.sql("SELECT count(DISTINCT request_id) FROM "
	    "ledger.event WHERE class = 'access' AND request_id IN (%s)" %
	    ids) == [[str(len(answers))]], 20, "records in the ledger")


def told(w, *argv):
	rows = json.loads(w.ctl("-o", "json", "indicators", MONTH, *argv)[0])
	same(w.sql("SELECT * FROM report.indicator_difference"), [],
	    "roll-ups")
	return {(r["measure"], r["of"]): r["value"] for r in rows}


def downloads(w, *argv):
	return {of: int(n) for (what, of), n in told(w, *argv).items()
	    if what == "downloads" and n is not None}


def people(w):
	return {of.split(" ")[0]: n for (what, of), n in told(w).items()
	    if what == "users" and n is not None}


def flags(w, a):
	"""Of the records of an answer: {leg: flags}."""
	return {int(r[0]): int(r[1]) for r in w.sql("SELECT leg, flags FROM "
	    "ledger.event WHERE request_id = '%s'" % a.one("Request-Id"))}


@test
def counts_downloads_of_open_data_by_dataset(w):
	same(told(w)["downloads", ""], None, "nothing yet")
	a = w.ask("froendenberg", Q).ok()
	b = w.ask("froendenberg", Q).ok()	# what was made before
	c = w.ask("holzwickede", Q).ok()
	loaded(w, a, b, c)
	same(downloads(w), {"broker-o-data " + MONTH: 3,
	    "broker-p-data " + MONTH: 2}, "of two published open, of three")
	same(sorted(f & 2 for f in flags(w, a).values()), [0, 2, 2, 2],
	    "two legs and the access")
	same(flags(w, b)[0] & 2, 2, "the access of one that was recalled")
	same(downloads(w, "--tenant", "holzwickede"),
	    {"broker-o-data " + MONTH: 1}, "of a consumer")
	same(downloads(w, "--tenant", "schwerte"),
	    {"broker-p-data " + MONTH: 2}, "of a provider")


@test
def counts_nothing_that_brings_nothing(w):
	before = downloads(w)
	a = w.ask("froendenberg", Q).ok()	# counts
	said = a.one("ETag")
	none = [w.ask("froendenberg", Q, headers={"If-None-Match": said}),
	    w.ask("froendenberg", Q, method="HEAD"),
	    w.ask("froendenberg", Q + "&limit=2&offset=2").ok(),
	    w.ask("froendenberg", Q + "&q=waterLevel%3E100").ok(),
	    w.ask("holzwickede", Q, purpose="verkehr").ok(),	# not open
	    w.ask("dortmund", Q + "&id=urn:ngsi-ld:WaterObserved:none").ok()]
	same([x.status for x in none[:2]], [304, 200], "status")
	loaded(w, a, *none)
	for n, x in enumerate(none):
		same({f & 2 for f in flags(w, x).values()}, {0}, "ask %d" % n)
	same(downloads(w), {k: n + 1 for k, n in before.items()}, "one")


def part_of(w):
	"""Reads a part of a long answer; it is under way then."""
	s = socket.socket()
	s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
	s.settimeout(20 * SLOW)
	s.connect(("127.0.0.1", w.port))
	s = w.tls().wrap_socket(s, server_hostname="localhost")
	s.sendall(("GET %s%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: "
	    "Bearer %s\r\nHub-Purpose: hochwasserschutz\r\nLink: %s\r\n"
	    "Accept: application/json\r\n\r\n" % (ENTITIES, LONG,
	    w.token("froendenberg"), LINK)).encode())
	got = b""
	while len(got) < 300000:
		got += s.recv(16384)
	s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
	    b"\1\0\0\0\0\0\0\0")
	return s, re.search(rb"Request-Id: (\S+)", got).group(1).decode()


@test
def counts_a_long_answer_that_was_taken_whole(w):
	name = "broker-o-data " + MONTH
	before = downloads(w)[name]
	a = w.ask("froendenberg", LONG).ok()
	loaded(w, a)
	same(downloads(w)[name], before + 1, "taken")
	s, rid = part_of(w)
	wait_for(lambda: w.sql("SELECT 1 FROM ledger.event WHERE request_id = "
	    "'%s' AND leg > 0" % rid), 20, "its leg")
	s.close()
	wait_for(lambda: w.sql("SELECT 1 FROM ledger.event WHERE request_id = "
	    "'%s' AND kind = 8" % rid), 20, "its ABORT")
	same(downloads(w)[name], before + 1, "cut off")
	same(w.sql("SELECT sum(cut) FROM ledger.download_day"), [["1"]], "cut")


@test
def a_crash_in_a_long_answer_is_no_download(w):
	before = downloads(w)["broker-o-data " + MONTH]
	s, rid = part_of(w)
	wait_for(lambda: w.sql("SELECT 1 FROM ledger.event WHERE request_id = "
	    "'%s' AND leg > 0" % rid), 20, "its leg")
	w.hub.kill(signal.SIGKILL)
	w.hub.wait(5)
	s.close()
	w.start()
	wait_for(lambda: w.sql("SELECT 1 FROM ledger.event WHERE request_id = "
	    "'%s' AND kind = 8" % rid), 20, "its ABORT")
	same(downloads(w)["broker-o-data " + MONTH], before, "cut off")


@test
def counts_events_once_that_are_loaded_again(w):
	before = downloads(w)
	w.stop()
	w.sql("DELETE FROM ledger.spool_checkpoint")
	w.start()
	a = w.ask("froendenberg", Q).ok()
	loaded(w, a)
	check(w.logged("events are loaded again"), "they are not")
	same(downloads(w), {k: n + 1 for k, n in before.items()}, "one more")


@test
def names_nobody_unless_told(w):
	same(w.sql("SELECT count(*) FROM ledger.event WHERE flags & 4 <> 0 OR "
	    "user_pseudonym <> 0"), [["0"]], "persons in the ledger")
	same(people(w), {}, "unknown")
	same(glob.glob(w.path("spool", "person-key-*")), [], "keys")


def ask_as(w, tenant, *names, **more):
	answers = [w.ask(tenant, Q, token=w.token(tenant, sub=n, **more)).ok()
	    for n in names]
	loaded(w, *answers)
	return [w.sql("SELECT user_pseudonym FROM ledger.event WHERE "
	    "request_id = '%s' AND class = 'access'" % a.one("Request-Id"))
	    [0][0] for a in answers]


def start_with(w, settings):
	w.stop()
	w.settings = settings
	w.write_conf()
	w.start()


@test
def tells_five_people_and_hides_three(w):
	start_with(w, COUNTED)
	a, b, c = ask_as(w, "froendenberg", "anna", "bea", "cem")
	same(len({a, b, c, "0"}), 4, "names")
	same(ask_as(w, "froendenberg", "anna", "anna"), [a, a], "the same one")
	same(people(w), {AGS["froendenberg"]: "<5"}, "three")
	rows = w.sql("SELECT class, flags & 4, user_pseudonym <> 0, count(*) "
	    "FROM ledger.event WHERE batch IN (SELECT batch FROM ledger.event "
	    "WHERE user_pseudonym <> 0) GROUP BY 1, 2, 3 ORDER BY 1, 2")
	same([r[:3] for r in rows], [["access", "4", "t"], ["leg", "0", "f"]],
	    "no provider's record has them")
	ask_as(w, "froendenberg", "dora", "emil")
	ask_as(w, "holzwickede", "anna")
	same(people(w), {AGS["froendenberg"]: "5",
	    AGS["holzwickede"]: "<5"}, "five")
	# A day is no month: who was there on one is not told.
	same(w.sql("SELECT * FROM report.indicators('%s-01', '%s-02', NULL) "
	    "WHERE measure = 'users' AND value IS NOT NULL" % (MONTH,
	    MONTH)), [], "of a day")
	same(told(w)["requests", AGS["froendenberg"]] is None, False, "I2")


@test
def a_program_is_no_person(w):
	"""RFC 9068, 2.2: without a person, sub is the client; Keycloak has an
	account for it, with a sub of its own."""
	before = people(w)
	same(ask_as(w, "froendenberg", "dashboard", client_id="dashboard"),
	    ["0"], "a program")
	same(ask_as(w, "froendenberg", "c0ffee", azp="Grafana",
	    preferred_username="service-account-grafana"), ["0"], "Keycloak's")
	check(ask_as(w, "froendenberg", "bea", azp="Grafana",
	    preferred_username="service-account-other") != ["0"], "another's")
	check(ask_as(w, "froendenberg", "anna", client_id="dashboard") !=
	    ["0"], "a person with a program")
	same(people(w), before, "people")


@test
def says_nothing_of_persons_anywhere_else(w):
	ask_as(w, "froendenberg", "kanarie.person")
	same(w.hub.text().count("kanarie"), 0, "in the log")
	keys = glob.glob(w.path("spool", "person-key-*"))
	same((len(keys), {os.stat(k).st_mode & 0o777 for k in keys},
	    {os.path.getsize(k) for k in keys}), (2, {0o600}, {32}), "keys")


@test
def a_key_that_is_gone_takes_the_names_with_it(w):
	a = ask_as(w, "froendenberg", "anna")
	w.stop()
	w.start()
	same(ask_as(w, "froendenberg", "anna"), a, "after a restart")
	w.stop()
	w.write("spool/person-key-2026-01", "k" * 32)	# is over
	for key in glob.glob(w.path("spool", "person-key-%s" % MONTH)):
		os.unlink(key)
	w.start()
	check(ask_as(w, "froendenberg", "anna") != a, "the same name")
	check(not os.path.exists(w.path("spool/person-key-2026-01")), "key")
	check(w.logged("file=person-key-2026-01"), "not said")
	start_with(w, "")
	same(ask_as(w, "froendenberg", "anna"), ["0"], "not counted any more")
	same(glob.glob(w.path("spool", "person-key-*")), [], "keys")


@test
def keeps_the_number_of_a_month_that_is_pruned(w):
	month = "2020-03-01"
	w.sql("INSERT INTO ledger.person_month SELECT '%s', '%s', n FROM "
	    "generate_series(1, 6) n" % (month, AGS["dortmund"]))
	w.sql("INSERT INTO ledger.download_day VALUES ('2020-03-02', '%s', "
	    "'%s', 'alt', 7, 1)" % (AGS["dortmund"], AGS["schwerte"]))
	w.sql("CREATE TABLE ledger.event_202003 PARTITION OF ledger.event FOR "
	    "VALUES FROM ('2020-03-01') TO ('2020-04-01')")
	before = w.sql("SELECT * FROM report.indicators('2020-03-01', "
	    "'2020-04-01', NULL) WHERE value IS NOT NULL")
	w.sql("INSERT INTO ledger.period_proposal VALUES (1, '%s', '\\x00', "
	    "'dortmund', 'A'); INSERT INTO ledger.period_close VALUES ('%s', "
	    "1, '\\x00', 'dortmund', 'B')" % (month, month))
	w.sql("SET ROLE hub_owner; SELECT ledger.prune('%s')" % month)
	same(w.sql("SELECT (SELECT count(*) FROM ledger.person_month WHERE "
	    "month = '%s'), (SELECT n FROM ledger.person_count)" % month),
	    [["0", "6"]], "the names are gone")
	same(w.sql("SELECT * FROM report.indicators('2020-03-01', "
	    "'2020-04-01', NULL) WHERE value IS NOT NULL"), before, "figures")
	values = {(r[1], r[2]): r[3] for r in before}
	same((values["downloads", "alt 2020-03"],
	    values["users", AGS["dortmund"] + " 2020-03"]), ("6", "6"), "told")
	# What comes late for it is no reason to count somebody twice.
	w.sql("""SELECT ledger.indicate('[{"day":"2020-03-01","consumer":"%s",
	    "person":1}]')""" % AGS["dortmund"])
	same(w.sql("SELECT count(*) FROM ledger.person_month WHERE month = "
	    "'%s'" % month), [["0"]], "late")


main(setup)
