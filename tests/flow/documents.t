#!/usr/bin/env python3
# documents.t - the commands of README.md, of the man pages and of what is below
# contrib: each is given here as it stands there, in an order that a reader
# could have, or a reason says why not. betrieb.md, kosten.md and kaemmerei.md
# have tests of their own. The README's hub is the one that all others use.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *
from pages import HUBVERIFY, Desk, commands, lines

Q = "?type=WaterObserved"
# What runs which page; tests/docs.t looks for the names here.
HERE = ("README.md", "contrib/docs/pruefung.md", "contrib/docs/web.md",
    "contrib/docs/datenschutz.md", "contrib/docs/developers.md",
    "contrib/docs/betrieb.md", "contrib/docs/kaemmerei.md",
    "contrib/docs/kosten.md", "contrib/haproxy/README.md",
    "contrib/prometheus/README.md", "contrib/grafana/README.md",
    "contrib/debian/README.Debian", "server/hubd.8",
    "server/hubctl/hubctl.1", "server/hubverify/hubverify.1")
# Page, how commands begin that are not given here, and why.
SYSTEM = "changes the machine; contrib/dev/test-deb.sh installs and removes"
BUILDS = "contrib/check.sh does the same, and make distcheck"
PAIR = "pair.t does it where HAProxy and keepalived are there"
SERVICE = "needs systemd and its journal"
DIGEST = "the auditor's guide has it, too, and digests.t"
CLOSED = "evidence.t has a closed month and runs it"
NOT_HERE = (
    ("README.md", "contrib/demo.sh", "a step of contrib/check.sh --long"),
    ("README.md", "contrib/check.sh", "what runs this"),
    ("README.md", "curl --cacert /tmp/drehscheibe-demo", "the demo's output"),
    ("README.md", "hubctl --lang de statement", "the demo's output"),
    ("README.md", "contrib/dev/install-deps.sh", "contrib/check.sh does it"),
    ("README.md", "./autogen.sh", BUILDS),
    ("README.md", "mkdir build", BUILDS), ("README.md", "../conf", BUILDS),
    ("README.md", "make", BUILDS), ("README.md", "sudo make", BUILDS),
    ("contrib/docs/developers.md", "./autogen.sh", BUILDS),
    ("contrib/docs/developers.md", "../configure", BUILDS),
    ("contrib/docs/developers.md", "make", BUILDS),
    ("contrib/docs/betrieb.md", "apt ", SYSTEM),
    ("contrib/docs/betrieb.md", "sudo -u drehscheibe hubctl source test",
	"the example's source is none; sources.t asks real ones"),
    ("contrib/docs/betrieb.md", "journalctl", SERVICE),
    ("contrib/docs/betrieb.md", "systemctl", SERVICE),
    ("contrib/docs/betrieb.md", "hubctl digest keygen", DIGEST),
    ("contrib/docs/betrieb.md", "curl -H", DIGEST),
    ("contrib/docs/pruefung.md", "systemctl", SERVICE),
    ("contrib/docs/pruefung.md", "hubctl --lang de export protocol", CLOSED),
    ("contrib/docs/pruefung.md", "hubctl -o csv --lang de export protocol",
	CLOSED),
    ("contrib/debian/README.Debian", "hubctl digest keygen", DIGEST),
    ("contrib/docs/kaemmerei.md", "ssh", "another machine"),
    ("contrib/docs/kaemmerei.md", "scp", "another machine"),
    ("contrib/docs/kosten.md", "weasyprint",
	"tests/clients/paper.t makes the PDF, with --long"),
    ("contrib/haproxy/README.md", "apt ", SYSTEM),
    ("contrib/haproxy/README.md", "useradd", SYSTEM),
    ("contrib/haproxy/README.md", "install", SYSTEM),
    ("contrib/haproxy/README.md", "haproxy -c", PAIR),
    ("contrib/haproxy/README.md", "keepalived -t", PAIR),
    ("contrib/haproxy/README.md", "systemctl", SERVICE),
    ("contrib/haproxy/README.md", "echo", PAIR))
# Tests of their own run what begins so there.
ELSEWHERE = {"contrib/docs/betrieb.md": (), "contrib/docs/kaemmerei.md": (),
    "contrib/docs/kosten.md": ("hubctl",)}
COSTS = '''
cost betrieb-2026 { title = "Betrieb"  amount = 55000.00
	from = 2026-01-01  to = 2026-12-31  model = mitnutzung }
model mitnutzung { version = 1  clause = "§ 5 ÖRV (Entwurf)"
	members = {schwerte, froendenberg}
	component sockel { basis-points = 10000  key = equal } }
'''
SUDO = """[ "$1" = -u ] && shift 2
exec "$@"
"""
given = set()


def setup():
	w = World("documents", {"d": Broker([ent("urn:ngsi-ld:WaterObserved:1",
	    "WaterObserved", waterLevel=prop("1.50"))])}, database=False)
	w.pg = w.dir + ".pg"
	w.database = run(PG, "start", w.pg)[0].strip()
	run("psql", "-Xq", w.database.replace("/drehscheibe?", "/postgres?"),
	    "-c", "DROP DATABASE drehscheibe")
	mine = w.path("desk")
	w.desk = Desk(w, mine, (("policies/examples",
	    os.path.join(SRC, "policies/examples")),
	    ("/etc/drehscheibe/region", "my-region"),
	    ("/etc/drehscheibe", mine),
	    ("/var/lib/drehscheibe", w.path("lib")),
	    ("0.0.0.0:8443", "127.0.0.1:0"),
	    ("127.0.0.1:9443", "127.0.0.1:0")), PGHOST=w.pg,
	    PGUSER="postgres", HUB_DATABASE="postgresql:///drehscheibe")
	w.desk.program("sudo", SUDO)
	for name, program in (("hubctl", HUBCTL), ("hubd", HUBD),
	    ("hubverify", HUBVERIFY)):
		w.desk.program(name, 'exec %s "$@"\n' % program)
	region(w)
	return w


def region(w):
	"""What a reader of the README would have written."""
	for name in ("contexts", "areas", "tls"):
		shutil.copytree(w.path(name), w.path("desk/my-region", name))
	w.write("desk/my-region/region.hub", tenants() + COSTS + source(
	    "broker-d", "dortmund", w.brokers["d"], ["WaterObserved"]) +
	    agreement("d-f", "dortmund", "froendenberg", "broker-d-data",
	    {"WaterObserved": "allow = {waterLevel}"}))
	shutil.copytree(w.path("desk/my-region"), w.path("desk/region"))


def of(page, *begins):
	"""The commands of a page that begin so, which are given now."""
	found = [c for section, c in commands(page) if c.startswith(begins)]
	check(len(found) >= len(begins), "%s: %d of %r" % (page, len(found),
	    begins))
	given.update((page, c) for c in found)
	return found


def start(w, command):
	"""hubd -t ... && hubd -f ...; the second in the background."""
	check(" && hubd " in command, command)
	command = "cd '%s' && %s" % (w.path("desk"), w.desk.placed(
	    command).replace(" && hubd ", " && exec hubd "))
	w.hub = Process(["sh", "-c", command], w.path("hubd.log"), w.desk.env)
	w.port = w.port_of("listening")
	w.admin = w.port_of("admin listening")
	wait_for(lambda: w.ready()[0] == 200, 15, "ready: %r" % (w.ready(),))


def answer_of(w, path, more=""):
	"""As somebody who has the README's certificate would ask."""
	return w.desk.run("curl -sS --cacert hub.pem -H 'Authorization: Bearer "
	    "%s' -H 'Hub-Purpose: hochwasserschutz' -H 'Link: %s' -D head %s "
	    "'https://localhost:%d%s'" % (w.token("froendenberg"),
	    LINK.replace("'", ""), more, w.port, path))


@test
def the_readme_leads_to_a_hub_of_your_own(w):
	page = "README.md"
	for command in of(page, "hubctl validate", "hubctl db init",
	    "hubctl apply", "openssl req", "mkdir -p /var/lib"):
		w.desk.run(command)
	conf = [line for section, mark, line in lines(page)
	    if re.match(r"(listen|database|spool|name) +[\"{=]", line)]
	same(len(conf), 5, "settings")
	w.write("desk/hubd.conf", w.desk.placed("\n".join(conf) + "\n"))
	start(w, *of(page, "hubd -c"))
	got = json.loads(answer_of(w, ENTITIES + Q))
	same(got[0]["waterLevel"]["value"], 1.5, "the answer")


@test
def the_page_of_hubd_starts_it_too(w):
	w.stop()
	start(w, *of("server/hubd.8", "hubd -t"))


@test
def what_the_package_tells_first_works(w):
	page = "contrib/debian/README.Debian"
	w.desk.places[-1] = "127.0.0.1:9443", "127.0.0.1:%d" % w.admin
	text = w.desk.run(*of(page, "curl"))
	check("ready" in text, text)
	for command in of(page, "sudo -u postgres createuser",
	    "sudo -u postgres hubctl db init", "sudo -u postgres psql",
	    "sudo -u postgres hubctl apply"):
		w.desk.run(command)


@test
def the_examples_of_hubctl_work(w):
	page = "server/hubctl/hubctl.1"
	w.sql(*of(page, "GRANT"))
	for command in of(page, "hubctl "):
		text = w.desk.run(command)
	check("27500,00" in text and "trace" not in text, text)
	with open(w.path("desk/nutzung-2026-11.csv"), "rb") as f:
		check(f.read(3) == b"\xef\xbb\xbf", "no mark of UTF-8")


def fetches_a_digest(w, page):
	"""One script, as a municipality has it."""
	section = "Digests holen und bestätigen"
	given.update((page, c) for s, c in commands(page) if s == section)
	script = "\n".join(l for s, mark, l in lines(page) if s == section and
	    not mark)
	w.desk.run("TOKEN=%s\n" % w.token("froendenberg", resource_access={
	    "regional-hub": {"roles": ["finance-reader"]}}) +
	    "export CURL_CA_BUNDLE=hub.pem\nset -e\n" + script.replace(
	    "https://hub.kreis-unna.example", "https://localhost:%d" % w.port))
	same(w.sql("SELECT count(*) FROM ledger.digest_ack"), [["1"]],
	    "receipts")


@test
def the_auditors_guide_works(w):
	"""First the operator's part; then the rest, in its order."""
	page = "contrib/docs/pruefung.md"
	answer_of(w, ENTITIES + Q)
	with open(w.path("desk/head")) as f:
		request = re.search(r"(?mi)^request-id: (\S+)", f.read())
	request = request.group(1)
	wait_for(lambda: w.sql("SELECT 1 FROM ledger.event WHERE request_id = "
	    "'%s'" % request), 20, "its row")
	setting, = [line for section, mark, line in lines(page)
	    if line.startswith("digest {")]
	w.write("desk/with-digest.conf", open(w.path("desk/hubd.conf")).read() +
	    w.desk.placed(setting.replace("}", 'directory = "." }')) + "\n")
	w.desk.program("hubctl", 'exec %s -c with-digest.conf "$@"\n' % HUBCTL)
	for command in of(page, "hubctl digest keygen"):
		w.desk.run(command)
	w.desk.run("cp digest.key.pub hub.pub")
	w.desk.run("hubctl digest")	# as the timer does at night
	for command in of(page, "hubctl integrity"):
		w.desk.run(command)
	fetches_a_digest(w, page)
	with open(os.path.join(SRC, page), encoding="utf-8") as f:
		grant = re.search(r"`(GRANT \w+ TO revision;)`", f.read())
	w.sql("CREATE ROLE revision LOGIN; " + grant.group(1))
	theirs = "'postgresql:///drehscheibe?host=%s&user=revision'" % w.pg
	w.desk.places += [("'postgresql://revision@hub/drehscheibe'", theirs),
	    ("--db ...", "--db " + theirs), ("0199...-...", request)]
	for command in of(page, "hubctl export"):
		w.desk.run(command)
	for command in of(page, "hubverify"):
		text = w.desk.run(command)
	check("The proof holds" in text, text)
	with open(w.path("desk/nachweis.json")) as f:
		check(request in f.read(), "another request's proof")


@test
def the_example_of_hubverify_works(w):
	os.rename(w.path("desk/pruefung-2026"), w.path("desk/audit-2026"))
	text = w.desk.run(*of("server/hubverify/hubverify.1", "hubverify"))
	check("also against the digests (1)" in text, text)


@test
def the_register_of_data_protection_is_printed(w):
	said = [w.desk.run(c) for c in of("contrib/docs/datenschutz.md",
	    "hubctl --lang de")]
	with open(w.path("desk/vvt.csv"), "rb") as f:
		text = f.read().decode("utf-8-sig")
	check("d-f" in text and "BHKG NRW" in text, text)
	check("BHKG NRW" in said[-1], said[-1])


@test
def a_statement_comes_without_javascript(w):
	w.desk.program("curl", 'exec "%s" -fsS --cacert hub.pem "$@"\n' %
	    installed("curl"))
	token = w.token("froendenberg", resource_access={"regional-hub":
	    {"roles": ["finance-reader"]}})
	w.desk.env["TOKEN"] = token
	w.desk.places.append(("https://HUB/", "https://localhost:%d/" % w.port))
	w.desk.run(*of("contrib/docs/web.md", "curl"))
	with open(w.path("desk/bescheid.html"), encoding="utf-8") as f:
		text = f.read()
	check("<table" in text and "Betrieb" in text, text[:500])


@test
def an_account_for_grafana_sees_its_own(w):
	create, *rest = of("contrib/grafana/README.md", "CREATE ROLE", "SELECT",
	    "REVOKE", "GRANT")
	w.sql(create)
	w.sql("SET ROLE hub_admin; " + rest[0])
	for command in rest[1:]:
		w.sql(command)
	own = w.database.replace("user=postgres", "user=grafana_kamen")
	for view in ("report.grafana_usage", "report.grafana_cost"):
		same(run("psql", "-XqAt", own, "-c", "SELECT count(*) FROM " +
		    view)[0], "0\n", view)


@test
def promtool_takes_the_alerts(w):
	found = of("contrib/prometheus/README.md", "promtool")
	installed("promtool")
	w.desk.folder = SRC
	for command in found:
		w.desk.run(command)


@test
def settings_of_a_pair_are_read(w):
	page = "contrib/haproxy/README.md"
	conf = [line for section, mark, line in lines(page)
	    if re.match(r"(listen|database|spool|limits) +[\"{=]", line)]
	same(len(conf), 5, "settings")
	path = w.write("pair.conf", "\n".join(conf + ['name = "hub.example"']))
	run(HUBD, "-t", "-c", path)


@test
def no_command_is_left_out(w):
	"""Of every page, whether it is one of those above or not."""
	left, used = [], set()
	for page in HERE:
		for section, command in commands(page, [""]):
			why = [r for r in NOT_HERE if r[0] == page and
			    command.startswith(r[1])]
			used.update(why)
			if (page, command) not in given and not why and not \
			    command.startswith(ELSEWHERE.get(page, "-")):
				left.append("%s: %s" % (page, command))
	same(left, [], "given nowhere")
	same([r for r in NOT_HERE if r not in used], [], "no such command")


main(setup)
