#!/usr/bin/env python3
# handbook.t - every command of the operator's handbook, in its order, against
# a private hub and PostgreSQL: contrib/docs/betrieb.md, the blocks marked "sh".
# Folders and ports are this test's own, put into the text; sudo and systemctl
# are scripts that do what they would do.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

PAGE = os.path.join(SRC, "contrib/docs/betrieb.md")
HUBVERIFY = os.path.join(BUILD, "server/hubverify/hubverify")
# What commands are to say; a line of the handbook -> words of its output.
SAYS = {
    "hubctl db status": "0017_indicators    yes",
    "hubctl bundles": "Erste Region",
    "hubctl who-can FloodMonitoring": "froendenberg",
    "sudo -u postgres hubctl revocations": "kaputtes-dashboard",
    "curl -fsS http://127.0.0.1:9443/readyz": "ready",
}
SUDO = """#!/bin/sh
# sudo -u SOMEBODY COMMAND...
[ "$1" = -u ] && shift 2
exec "$@"
"""
# "systemctl" leaves a file that the test sees; it does the rest itself.
SYSTEMCTL = """#!/bin/sh
echo "$1 $2" >%(dir)s/asked
n=0
while [ -e %(dir)s/asked ] && [ $n -lt 600 ]; do sleep 0.05; n=$((n + 1)); done
[ ! -e %(dir)s/asked ] && [ ! -e %(dir)s/refused ]
"""


def commands():
	"""[(section, command)]: the lines of the blocks."""
	section, inside, found = "", False, []
	with open(PAGE, encoding="utf-8") as f:
		for line in f.read().splitlines():
			if line.startswith("## "):
				section = line[3:]
			elif line.startswith("```"):
				inside = line == "```sh"
			elif inside:
				found.append((section, line))
	return found


def script(w, name, text):
	path = w.write("bin/" + name, text)
	os.chmod(path, 0o755)


def setup():
	w = World("handbook", settings='name = "hub.kreis-unna.example"',
	    database=False)
	# The settings of flow.py name the hub already.
	conf = CONF.replace('name     = "hub.drehscheibe.example"\n', "")
	w.pg = w.dir + ".pg"
	out = run(PG, "start", w.pg)[0]
	w.database = out.strip()
	w.write("etc/hubd.conf", (conf % {"database": w.database,
	    "limits": "", "settings": w.settings}).replace(
	    'directory = "spool"', 'directory = "%s"' % w.path("lib/spool")))
	os.rename(w.path("tls"), w.path("etc/tls"))
	os.makedirs(w.path("lib/spool"))
	os.makedirs(w.path("etc/secrets"))
	script(w, "sudo", SUDO)
	script(w, "systemctl", SYSTEMCTL % {"dir": w.dir})
	for name, program in (("hubctl", HUBCTL), ("hubd", HUBD)):
		script(w, name, '#!/bin/sh\nexec %s -c %s "$@"\n' % (program,
		    w.path("etc/hubd.conf")))
	script(w, "hubverify", '#!/bin/sh\nexec %s "$@"\n' % HUBVERIFY)
	run("psql", "-Xq", w.database.replace("/drehscheibe?", "/postgres?"),
	    "-c", "DROP DATABASE drehscheibe")
	w.write_conf = lambda: None
	start_hub(w)
	return w


def start_hub(w):
	w.hub = Process([HUBD, "-c", w.path("etc/hubd.conf"), "-f"],
	    w.path("hubd.log"))
	w.port = w.port_of("listening")
	w.admin = w.port_of("admin listening")


def systemctl(w, verb, unit):
	"""What the service manager would do."""
	same(unit, "hubd", "unit")
	if verb in ("stop", "restart"):
		w.stop()
	if verb in ("start", "restart"):
		start_hub(w)
	if verb == "reload":
		w.hub.kill(signal.SIGHUP)
		wait_for(lambda: w.logged("reloaded"), 10, "reloaded")


def placed(w, line):
	"""The command with this test's folders and ports."""
	for path, mine in (("/etc/drehscheibe", w.path("etc")),
	    ("/var/lib/drehscheibe", w.path("lib")),
	    ("/var/backups/drehscheibe", w.path("backups")),
	    ("/usr/share/doc/drehscheibe/examples/region",
		os.path.join(SRC, "policies/examples")),
	    ("127.0.0.1:9443", "127.0.0.1:%d" % w.admin)):
		line = line.replace(path, mine)
	return line


def own_keys(w):
	"""The example's issuer cannot be asked for its keys here."""
	path = w.path("etc/region/region.hub")
	with open(path, encoding="utf-8") as f:
		text, n = re.subn(r'jwks( *)= "https[^"]*"',
		    'jwks-file = "jwks.json"', f.read())
	same(n, 1, "issuers of the example")
	w.write("etc/region/region.hub", text)
	shutil.copy(w.path("etc/tls/jwks.json"), w.path("etc/region"))


def execute(w, line):
	env = dict(os.environ, PATH=w.path("bin") + ":" + os.environ["PATH"],
	    PGHOST=w.pg, PGUSER="postgres", LC_ALL="C.UTF-8")
	with open(w.path("out"), "w+b") as out:
		p = subprocess.Popen(["sh", "-c", placed(w, line)], stdout=out,
		    stderr=out, stdin=subprocess.DEVNULL, env=env)
		end = time.monotonic() + 60 * SLOW
		while p.poll() is None:
			if os.path.exists(w.path("asked")):
				with open(w.path("asked")) as f:
					asked = f.read().split()
				if len(asked) == 2:
					systemctl(w, *asked)
					os.unlink(w.path("asked"))
			if time.monotonic() > end:
				p.kill()
				p.wait(10)
				raise Failed("%s: did not end" % line)
			time.sleep(0.01)
		out.seek(0)
		text = out.read().decode("utf-8", "replace")
	same(p.returncode, 0, "%s: %s" % (line, text[-600:]))
	return text


@test
def does_what_the_handbook_says(w):
	lines = commands()
	check(len(lines) >= 50, "only %d commands" % len(lines))
	said = set()
	for section, line in lines:
		if line.endswith("/readyz"):
			wait_for(lambda: w.ready()[0] == 200, 15,
			    "ready: %r" % (w.ready(),))
		text = execute(w, line)
		if line.startswith("cp -r"):
			own_keys(w)
		if line in SAYS:
			said.add(line)
			check(SAYS[line] in text, "%s (%s): %s" % (line,
			    section, text[-600:]))
	same(said, set(SAYS), "commands with words to find")
	print("# %d commands" % len(lines), flush=True)


@test
def serves_again_after_the_disaster(w):
	wait_for(lambda: w.ready()[0] == 200, 15, "ready: %r" % (w.ready(),))
	same(w.sql("SELECT count(*) > 0 FROM hub.bundle"), [["t"]],
	    "bundles that came back")


@test
def knows_every_folder_of_the_package(w):
	with open(PAGE, encoding="utf-8") as f:
		page = f.read()
	conf = os.path.join(SRC, "contrib/systemd/tmpfiles.d/drehscheibe.conf")
	with open(conf, encoding="utf-8") as f:
		folders = [line.split()[1] for line in f if line[0] == "d"]
	for folder in folders:
		if folder.startswith(("/etc", "/var/lib/drehscheibe/")):
			check(os.path.basename(folder) + "/" in page, folder)


main(setup)
