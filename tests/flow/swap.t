#!/usr/bin/env python3
# swap.t - a new region under load, a wrong one not at all; hubd.conf checked.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

Q = "?type=WaterObserved"


def region(w, version):
	"""Odd versions release waterLevel, even ones flow."""
	attr = "waterLevel" if version % 2 else "flow"
	r = tenants()
	for name, owner in (("d", "dortmund"), ("s", "schwerte"),
	    ("u", "kreis-unna")):
		r += source("broker-" + name, owner, w.brokers[name],
		    ["WaterObserved"])
		r += agreement(name + "-f", owner, "froendenberg",
		    "broker-%s-data" % name, {"WaterObserved":
		    "allow = {%s}" % attr}, version=version)
	return r


def setup():
	w = World("swap", {n: Broker([ent("urn:ngsi-ld:WaterObserved:%s%d" % (
	    n, i), "WaterObserved", waterLevel=prop("1"), flow=prop("2"))
	    for i in range(20)]) for n in "dsu"})
	w.apply(region(w, 1))
	w.start()
	return w


def judge(a):
	"""The version that an answer comes from; fails if it is of two."""
	e = a.ok().json()
	same(len(e), 60, "entities")
	kinds = {tuple(sorted(set(x) - {"id", "type"})) for x in e}
	same(len(kinds), 1, "attributes %r" % kinds)
	versions = {v.split("v=")[1] for v in a.all("Hub-Agreement")}
	same(len(versions), 1, "agreements %r" % versions)
	version = int(versions.pop())
	same(kinds.pop(), ("waterLevel",) if version % 2 else ("flow",),
	    "attributes of version %d" % version)
	return version


@test
def gives_wholly_old_or_wholly_new_answers(w):
	stop, seen, wrong = [], [[] for i in range(4)], []

	def load(n):
		conn = w.connect()
		while not stop:
			try:
				seen[n].append(judge(w.ask("froendenberg",
				    Q + "&limit=100", conn=conn)))
			except Exception as e:
				wrong.append(str(e))
				return
	pid = w.hub.p.pid
	threads = [threading.Thread(target=load, args=(i,)) for i in range(4)]
	for t in threads:
		t.start()
	late = []
	try:
		for version in range(2, 10):
			w.apply(region(w, version))
			begun = time.monotonic()
			wait_for(lambda: all(judge(w.ask("froendenberg",
			    Q + "&limit=100")) == version for i in range(4)),
			    10, "version %d in force" % version)
			late.append(time.monotonic() - begun)
			time.sleep(0.1)
	finally:
		stop.append(1)
		for t in threads:
			t.join()
	check(not wrong, wrong[:3])
	for answers in seen:
		check(len(answers) > 10, "only %d answers" % len(answers))
		same(answers, sorted(answers), "no way back")
	check(max(late) < 1.0 * SLOW, "in force after %r s" % late)
	check(w.hub.running() and w.hub.p.pid == pid, "restarted")


@test
def takes_no_region_that_is_wrong(w):
	good = region(w, 11)
	w.apply(good)
	wait_for(lambda: judge(w.ask("froendenberg", Q + "&limit=100")) == 11,
	    10, "version 11")
	bundles = len(w.ctl("bundles")[0].splitlines())
	lines = good.count("\n")
	for text, line in (
	    ('agreement x { consumer = nobody }\n', lines + 1),
	    ('\n\nsource s2 { owner = dortmund  endpont = "x" }\n', lines + 3),
	    ('purpose p { title = "x" \n', None),
	    ('purpose p { title = "${HOME}" }\n', lines + 1),
	    ('tenant dortmund { name = "zweimal" }\n', lines + 1),
	    ('forbid x { attribute = \n', None),
	    ('area a { geojson-file = "areas/none.geojson" }\n', None),
	):
		for verb in ("validate", "apply"):
			path = w.write("bad.hub", good + text)
			err = w.ctl(verb, path, code=78)[1]
			at = re.search(r"bad\.hub:(\d+):", err)
			check(at or line is None, "%s %r: %s" % (verb, text,
			    err))
			if line is not None:
				check(int(at.group(1)) >= line, "%s: %s" % (
				    text, err))
	same(len(w.ctl("bundles")[0].splitlines()), bundles, "bundles")
	same(judge(w.ask("froendenberg", Q + "&limit=100")), 11, "in force")
	os.unlink(w.path("bad.hub"))


@test
def says_unchanged_for_the_same_region(w):
	path = w.write("region.hub", region(w, 11))
	check("unchanged" in w.ctl("apply", path)[0], "apply")
	out = w.ctl("apply", w.write("region.hub", region(w, 12)),
	    "--dry-run", code=3)[0]
	check("additionally" in out, out)
	out = w.ctl("apply", w.write("region.hub", region(w, 11) + "# x\n"),
	    "--dry-run")[0]
	check("would" in out, out)
	same(judge(w.ask("froendenberg", Q + "&limit=100")), 11, "in force")


BAD_SETTINGS = (
    # what to add, words that the message must have
    ('limits { connections = "many" }', ["connections", "1"]),
    ('limits { connections = 0 }', ["connections"]),
    ('limits { header = "1TiB" }', ["header"]),
    ('limits { conections = 10 }', ["conections", "connections"]),
    ('workers = 1000', ["workers", "256"]),
    ('wrokers = 1', ["wrokers", "workers"]),
    ('listen "other" { address = "127.0.0.1:1" }', ["other"]),
    ('spool { size = "1" }', ["size"]),
    ('policy { stale-after = "soon" }', ["stale-after"]),
    ('policy { stale-after = 5min', []),
    ('database = "${HOME}"', []),
)


@test
def names_what_is_wrong_in_hubd_conf(w):
	base = open(w.path("hubd.conf")).read()
	wrong = []
	for text, words in BAD_SETTINGS:
		# A section given twice is merged or refused: replace it.
		name = text.split(" ")[0]
		kept = [l for l in base.splitlines()
		    if not (l.startswith(name) and l.split(" ")[0] == name and
		    name != "listen")]
		lines = kept + [text]
		path = w.write("bad.conf", "\n".join(lines) + "\n")
		out, err = run(HUBD, "-c", path, "-t", code=None)
		p = subprocess.run([HUBD, "-c", path, "-t"],
		    capture_output=True, text=True, timeout=20)
		if p.returncode != 78:
			wrong.append("%s: exit %d" % (text, p.returncode))
		elif not all(x in p.stderr for x in ["bad.conf"] + words):
			wrong.append("%s: %s" % (text, p.stderr))
		elif not re.search(r"bad\.conf:%d\b" % len(lines), p.stderr):
			wrong.append("%s: no line %d: %s" % (text, len(lines),
			    p.stderr))
	check(not wrong, "\n".join(wrong))
	run(HUBD, "-c", w.path("hubd.conf"), "-t")


@test
def refuses_a_listener_in_the_clear(w):
	base = open(w.path("hubd.conf")).read()
	path = w.write("bad.conf", base.replace('"127.0.0.1:0" }',
	    '"0.0.0.0:0" }'))
	err = run(HUBD, "-c", path, "-t", code=78)[1]
	check("certificate" in err and "admin" in err, err)
	path = w.write("bad.conf", base.replace("hub.pem", "none.pem"))
	err = run(HUBD, "-c", path, "-t", code=78)[1]
	check("none.pem" in err, err)
	env = dict(os.environ, HUB_LIMITS_CONNECTIONS="many")
	err = run(HUBD, "-c", w.path("hubd.conf"), "-t", code=78, env=env)[1]
	check("HUB_LIMITS_CONNECTIONS" in err or "connections" in err, err)
	run(HUBD, "--nonsense", code=64)


@test
def reloads_all_or_nothing(w):
	base = open(w.path("hubd.conf")).read()
	w.write("hubd.conf", base + "nonsense = 1\n")
	w.hub.kill(signal.SIGHUP)
	wait_for(lambda: w.logged("reload refused"), 5, "refused")
	same(w.ask("froendenberg", Q).status, 200, "after a wrong reload")
	w.write("hubd.conf", base)
	w.hub.kill(signal.SIGHUP)
	wait_for(lambda: w.logged('msg="reloaded"'), 5, "reloaded")
	same(w.ask("froendenberg", Q).status, 200, "after a reload")
	w.hub.kill(signal.SIGUSR2)
	wait_for(lambda: w.logged('msg="state"'), 5, "state")


main(setup)
