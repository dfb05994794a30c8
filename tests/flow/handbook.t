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
from pages import HUBVERIFY, Desk, commands

PAGE = "contrib/docs/betrieb.md"
# What commands are to say; a line of the handbook -> words of its output.
SAYS = {
    "hubctl db status": "0022_audited_digests",
    "hubctl bundles": "Erste Region",
    "hubctl who-can FloodMonitoring": "froendenberg",
    "sudo -u postgres hubctl revocations": "kaputtes-dashboard",
    "curl -fsS http://127.0.0.1:9443/readyz": "ready",
}
SUDO = """
# sudo -u SOMEBODY COMMAND...
[ "$1" = -u ] && shift 2
exec "$@"
"""
# "systemctl" leaves a file that the test sees; it does the rest itself.
SYSTEMCTL = """
echo "$1 $2" >%(dir)s/asked
n=0
while [ -e %(dir)s/asked ] && [ $n -lt 600 ]; do sleep 0.05; n=$((n + 1)); done
[ ! -e %(dir)s/asked ] && [ ! -e %(dir)s/refused ]
"""


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
	w.desk = desk(w)
	run("psql", "-Xq", w.database.replace("/drehscheibe?", "/postgres?"),
	    "-c", "DROP DATABASE drehscheibe")
	w.write_conf = lambda: None
	start_hub(w)
	return w


def desk(w):
	d = Desk(w, w.path("desk"), (("127.0.0.1:9443", "?"),
	    ("/etc/drehscheibe", w.path("etc")),
	    ("/var/lib/drehscheibe", w.path("lib")),
	    ("/var/backups/drehscheibe", w.path("backups")),
	    ("/usr/share/doc/drehscheibe/examples/region",
		os.path.join(SRC, "policies/examples"))), PGHOST=w.pg,
	    PGUSER="postgres")
	d.program("sudo", SUDO)
	d.program("systemctl", SYSTEMCTL % {"dir": w.dir})
	for name, program in (("hubctl", HUBCTL), ("hubd", HUBD)):
		d.program(name, 'exec %s -c %s "$@"\n' % (program,
		    w.path("etc/hubd.conf")))
	d.program("hubverify", 'exec %s "$@"\n' % HUBVERIFY)
	return d


def start_hub(w):
	w.hub = Process([HUBD, "-c", w.path("etc/hubd.conf"), "-f"],
	    w.path("hubd.log"))
	w.port = w.port_of("listening")
	w.admin = w.port_of("admin listening")
	w.desk.places[0] = "127.0.0.1:9443", "127.0.0.1:%d" % w.admin


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


def own_keys(w):
	"""The example's issuer cannot be asked for its keys here."""
	path = w.path("etc/region/region.hub")
	with open(path, encoding="utf-8") as f:
		text, n = re.subn(r'jwks( *)= "https[^"]*"',
		    'jwks-file = "jwks.json"', f.read())
	same(n, 1, "issuers of the example")
	w.write("etc/region/region.hub", text)
	shutil.copy(w.path("etc/tls/jwks.json"), w.path("etc/region"))


def asked(w):
	"""Does what systemctl was asked for while a command runs."""
	if not os.path.exists(w.path("asked")):
		return
	with open(w.path("asked")) as f:
		words = f.read().split()
	if len(words) == 2:
		systemctl(w, *words)
		os.unlink(w.path("asked"))


@test
def does_what_the_handbook_says(w):
	lines = commands(PAGE, ["sh"])
	check(len(lines) >= 50, "only %d commands" % len(lines))
	said = set()
	for section, line in lines:
		if line.endswith("/readyz"):
			wait_for(lambda: w.ready()[0] == 200, 15,
			    "ready: %r" % (w.ready(),))
		text = w.desk.run(line, meanwhile=lambda: asked(w))
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
	with open(os.path.join(SRC, PAGE), encoding="utf-8") as f:
		page = f.read()
	conf = os.path.join(SRC, "contrib/systemd/tmpfiles.d/drehscheibe.conf")
	with open(conf, encoding="utf-8") as f:
		folders = [line.split()[1] for line in f if line[0] == "d"]
	for folder in folders:
		if folder.startswith(("/etc", "/var/lib/drehscheibe/")):
			check(os.path.basename(folder) + "/" in page, folder)


main(setup)
