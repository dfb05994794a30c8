#!/usr/bin/env python3
# revoke.t - what is revoked is refused within seconds, on connections that are
# open and for tokens that are known: by rows, and by a file without a database.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"
SUSPENDED = "urn:drehscheibe:problem:tenant-suspended"


def setup():
	w = World("revoke", {n: Broker([ent("urn:ngsi-ld:WaterObserved:" + n,
	    "WaterObserved", waterLevel=prop("1"))]) for n in "ds"})
	r = tenants()
	for n, owner in (("d", "dortmund"), ("s", "schwerte")):
		r += source("broker-" + n, owner, w.brokers[n],
		    ["WaterObserved"])
		r += agreement("%s-f" % n, owner, "froendenberg",
		    "broker-%s-data" % n,
		    {"WaterObserved": "allow = {waterLevel}"})
	w.apply(r)
	w.start()
	return w


def revoke(w, *argv, code=0):
	out = w.ctl("revoke", *argv, "--reason", "Test", code=code)
	return out[0].split()[-1] if code == 0 else out[1]


def unrevoke(w, id):
	w.ctl("unrevoke", id, "--reason", "Irrtum")


# What is revoked of a token, and what of a token stays as good.
CASES = [
	("jti", "t-1", {"jti": "t-1"}, {"jti": "t-2"}),
	("client", "grafana", {"azp": "grafana"}, {"azp": "grafana2"}),
	("subject", "anna k", {"sub": "anna k"}, {"sub": "anna"}),
]


@test
def refuses_a_token_client_or_person_on_open_connections(w):
	for kind, value, bad, good in CASES:
		bad = w.token("froendenberg", **bad)
		good = w.token("froendenberg", **good)
		c, d = w.connect(), w.connect()
		w.ask(None, Q, token=bad, conn=c).ok()	# it is known now
		w.ask(None, Q, token=good, conn=d).ok()
		id = revoke(w, kind, value)
		begun = time.monotonic()
		wait_for(lambda: w.ask(None, Q, token=bad, conn=c).status ==
		    401, 10, kind)
		check(time.monotonic() - begun < 10 * SLOW, "late")
		w.ask(None, Q, token=good, conn=d).ok()
		unrevoke(w, id)
		wait_for(lambda: w.ask(None, Q, token=bad, conn=c).status ==
		    200, 10, kind + " lifted")
	check(w.logged('why="the client is revoked"'), "log")


@test
def goes_by_the_issuer_where_one_is_named(w):
	t = w.token("froendenberg", azp="web")
	id = revoke(w, "client", "web", "--issuer", OTHER_ISSUER)
	time.sleep(2)
	w.ask(None, Q, token=t).ok()
	id2 = revoke(w, "client", "web", "--issuer", ISSUER)
	wait_for(lambda: w.ask(None, Q, token=t).status == 401, 10, "revoked")
	unrevoke(w, id), unrevoke(w, id2)


@test
def shuts_out_a_tenant_and_its_data(w):
	id = revoke(w, "tenant", "schwerte")
	wait_for(lambda: w.ask("schwerte", Q).status == 403, 10, "tenant")
	same(w.ask("schwerte", Q).json()["type"], SUSPENDED, "problem")
	# Nor does anybody get its data.
	same(w.ask("froendenberg", Q).ids(), ["urn:ngsi-ld:WaterObserved:d"],
	    "ids")
	unrevoke(w, id)
	wait_for(lambda: w.ask("schwerte", Q).status == 200, 10, "lifted")
	same(len(w.ask("froendenberg", Q).ids()), 2, "ids")


@test
def voids_an_agreement_as_if_it_had_never_been(w):
	before = w.ask("froendenberg", Q + "&count=true").ok()
	same(before.one("NGSILD-Results-Count"), "2", "count")
	w.brokers["d"].forget()
	id = revoke(w, "agreement", "d-f")
	wait_for(lambda: len(w.ask("froendenberg", Q).ids()) == 1, 10, "void")
	w.brokers["d"].forget()
	a = w.ask("froendenberg", Q + "&count=true").ok()
	same(a.one("NGSILD-Results-Count"), "1", "count")
	same(a.warnings(), {}, "warnings")
	same(a.all("Hub-Agreement"), ["s-f;v=1"], "agreements")
	same(w.brokers["d"].asked(), [], "asked")
	same(w.ask("froendenberg", ENTITIES + "/urn:ngsi-ld:WaterObserved:d")
	    .status, 404, "retrieve")
	unrevoke(w, id)
	wait_for(lambda: len(w.ask("froendenberg", Q).ids()) == 2, 10,
	    "lifted")


@test
def ends_by_itself(w):
	t = w.token("froendenberg", jti="brief")
	end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() +
	    6 * SLOW))
	revoke(w, "jti", "brief", "--until", end)
	wait_for(lambda: w.ask(None, Q, token=t).status == 401, 5, "revoked")
	wait_for(lambda: w.ask(None, Q, token=t).status == 200, 20, "over")


@test
def one_row_does_not_keep_others_from_being_read(w):
	t = w.token("froendenberg", azp="leaked")
	w.ask(None, Q, token=t).ok()
	ids = []
	for end in ("infinity", "294000-01-01T00:00:00Z"):
		out = w.ctl("revoke", "jti", "gone", "--until", end,
		    "--reason", "Test")[0]
		ids.append(out.split()[-1])
	# Past hubctl, which would have refused it.
	ids.append(w.sql("SELECT hub.revoke('certificate', 'no hash', '', "
	    "'Test', NULL)")[0][0])
	ids.append(revoke(w, "client", "leaked"))
	wait_for(lambda: w.ask(None, Q, token=t).status == 401, 10, "client")
	same(w.ask(None, Q, token=w.token("froendenberg", jti="gone")).status,
	    401, "for good")
	check(w.logged("revocations are not understood"), "log")
	for id in ids:
		unrevoke(w, id)
	wait_for(lambda: w.ask(None, Q, token=t).status == 200, 10, "lifted")


@test
def takes_only_what_can_be_revoked(w):
	for argv in (["planet", "x"], ["certificate", "abc"], ["jti", ""],
	    ["tenant", "a", "--issuer", ISSUER]):
		revoke(w, *argv, code=64)
	w.ctl("revoke", "jti", "x", code=64)	# without a reason
	w.ctl("unrevoke", "999", "--reason", "x", code=1)
	fingerprint = ":".join(["AB"] * 32)
	out = w.ctl("revoke", "certificate", fingerprint, "--reason", "x",
	    "--dry-run")[0]
	check("ab" * 32 in out, out)
	rows = json.loads(w.ctl("-o", "json", "revocations")[0])
	rows = rows if isinstance(rows, list) else list(rows.values())[0]
	check(len(rows) >= 7 and not any(r["in_force"] for r in rows), rows)


@test
def obeys_a_file_without_a_database(w):
	t = w.token("froendenberg", azp="stolen")
	c = w.connect()
	w.ask(None, Q, token=t, conn=c).ok()
	w.sql("CHECKPOINT")	# it goes as in a crash
	run(PG, "down", w.pg)
	w.write("deny.list", "# at night\nclient stolen issuer=%s\n"
	    "client\nagreement d-f\ntenant holzwickede\nplanet x\n" % ISSUER)
	wait_for(lambda: w.ask(None, Q, token=t, conn=c).status == 401, 10,
	    "client")
	same(w.ask("froendenberg", Q).ids(), ["urn:ngsi-ld:WaterObserved:s"],
	    "agreement")
	same(w.ask("holzwickede", Q).status, 403, "tenant")
	# A slip in it does not hold up the rest, and is told.
	wait_for(lambda: "2 line(s) of the deny list" in w.ready()[1], 10,
	    "bad lines: %r" % (w.ready(),))
	check(w.logged("line=3") and w.logged("line=6"), "log")


@test
def reads_a_file_that_is_another_with_the_size_and_time_of_the_old_one(w):
	at = os.stat(w.path("deny.list"))
	with open(w.path("deny.list")) as f:
		text = f.read()
	w.write("deny.list", text.replace("holzwickede", "froendenber"))
	os.utime(w.path("deny.list"), ns=(at.st_atime_ns, at.st_mtime_ns))
	wait_for(lambda: w.ask("holzwickede", Q).status == 200, 10, "another")


@test
def reads_it_again_when_told_to_and_lifts_it_when_it_is_gone(w):
	w.write("deny.list", "tenant froendenberg\n")
	w.hub.kill(signal.SIGHUP)
	wait_for(lambda: w.ask("froendenberg", Q).status == 403, 5, "SIGHUP")
	os.unlink(w.path("deny.list"))
	wait_for(lambda: w.ask("froendenberg", Q).status == 200, 10, "gone")
	same(len(w.ask("froendenberg", Q).ids()), 2, "ids")
	run(PG, "up", w.pg)


@test
def obeys_it_from_the_first_request_on(w):
	w.write("deny.list", "tenant froendenberg\n")
	wait_for(lambda: w.sql("SELECT 1") == [["1"]], 20, "database")
	w.stop()
	w.start()
	same(w.ask("froendenberg", Q).status, 403, "tenant")
	same(w.ask("schwerte", Q).status, 200, "another")


def asks_for_crises(w, token, end):
	"""As fast as they are answered, until then."""
	c = w.connect()
	n = 0
	while time.monotonic() < end.at:
		c.request("GET", "/hub/v1/crises", headers={"Authorization":
		    "Bearer " + token})
		r = c.getresponse()
		r.read()
		n += r.status == 200
		end.last = r.status
		if r.status == 401:
			end.refused = True
			break
	c.close()
	end.asked += n


@test
def obeys_the_file_while_the_helper_has_its_hands_full(w):
	class end:
		at, refused, asked = time.monotonic() + 15 * SLOW, False, 0
	token = w.token("schwerte", azp="busy")
	threads = [threading.Thread(target=asks_for_crises,
	    args=(w, token, end)) for i in range(4)]
	for t in threads:
		t.start()
	time.sleep(2)
	w.write("deny.list", "client busy\n")
	for t in threads:
		t.join()
	check(end.asked > 20, (end.asked, end.last))
	check(end.refused, "refused only when nobody asks any more")


@test
def obeys_the_file_while_the_database_hangs(w):
	token = w.token("schwerte", azp="night")
	w.write("deny.list", "")
	wait_for(lambda: w.ask(None, Q, token=token).status == 200, 10, "let in")
	postgres_signal(w, signal.SIGSTOP)
	try:
		time.sleep(2)	# the helper waits for it by now
		w.write("deny.list", "client night\n")
		wait_for(lambda: w.ask(None, Q, token=token).status == 401, 5,
		    "the file")
	finally:
		postgres_signal(w, signal.SIGCONT)


@test
def does_not_start_without_a_deny_list_that_is_there(w):
	w.stop()
	at = w.path("deny.list")
	for make in (os.mkdir, os.mkfifo, lambda _: w.write("deny.list",
	    "jti x\n" * 20001), lambda _: w.write("deny.list", "#" *
	    ((1 << 20) + 1))):
		os.rmdir(at) if os.path.isdir(at) else os.unlink(at)
		make(at)
		p = subprocess.run([HUBD, "-c", w.path("hubd.conf"), "-f"],
		    capture_output=True, text=True, timeout=20 * SLOW)
		same(p.returncode, 78, p.stderr[-500:])
		check("deny.list is there and cannot be read" in p.stderr,
		    p.stderr)
	os.unlink(at)
	w.start()


@test
def waits_for_nobody_who_holds_a_lock_of_the_same_name(w):
	holder = subprocess.Popen(["psql", "-XqAt", w.database, "-c",
	    "SELECT pg_advisory_lock(hashtext('hub.revocation')), "
	    "pg_advisory_lock(hashtext('hub.crisis')), pg_sleep(60)"],
	    stdout=subprocess.DEVNULL)
	try:
		wait_for(lambda: w.sql("SELECT count(*) FROM pg_locks WHERE "
		    "locktype = 'advisory' AND granted")[0][0] >= "2", 10,
		    "locks")
		at = time.monotonic()
		w.ctl("revoke", "client", "held-up", "--reason", "x")
		check(time.monotonic() - at < 5 * SLOW, "it waited")
	finally:
		holder.terminate()
		holder.wait()
	rows = w.sql("SELECT count(*) FROM audit.change WHERE tbl = "
	    "'hub.revocation' AND op = 'INSERT'")
	check(int(rows[0][0]) >= 1, "no row in the audit chain")


main(setup)
