#!/usr/bin/env python3
# kaemmerei.t - contrib/docs/kaemmerei.md from its first line to its last, by
# two clerks whose accounts have the roles that the page gives them and no
# other. The month is the last one, whatever the day.
import csv
import datetime
import io
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *
from pages import Desk, commands

PAGE = "contrib/docs/kaemmerei.md"
SUDO = """
# sudo -u SOMEBODY COMMAND...
PGUSER=$2
export PGUSER
shift 2
exec "$@"
"""
FIRST = datetime.date.today().replace(day=1) - datetime.timedelta(days=1)
MONTH = FIRST.strftime("%Y-%m")
REGION = '''
tenant schwerte { name = "Stadt Schwerte"  ags = "05978028"
	kind = municipality  population "2018-12-31" { inhabitants = 46340 } }
tenant froendenberg { name = "Stadt Fröndenberg/Ruhr"  ags = "05978012"
	kind = municipality  population "2018-12-31" { inhabitants = 20766 } }
cost betrieb-%(year)s { title = "Betrieb"  amount = 55000.00
	from = %(year)s-01-01  to = %(year)s-12-31  model = mitnutzung }
model mitnutzung { version = 1  clause = "§ 5 ÖRV (Entwurf)"
	members = {schwerte, froendenberg}
	component einwohner { basis-points = 7000  key = population
		key-date = 2018-12-31 }
	component nutzung { basis-points = 3000  key = usage
		on-zero = population } }
''' % {"year": MONTH[:4]}


def page():
	with open(os.path.join(SRC, PAGE), encoding="utf-8") as f:
		return f.read()


def here(text):
	"""The page's month is the last one here."""
	return text.replace("2026-10", MONTH).replace("betrieb-2026",
	    "betrieb-" + MONTH[:4])


def setup():
	w = World("kaemmerei")
	w.apply(REGION)
	for table, key in (("usage_day", MONTH + "-05"),
	    ("usage_month", MONTH + "-01")):
		w.sql("INSERT INTO ledger.%s VALUES ('%s', '%s-01', 'access', "
		    "'05978012', '00000000', 'a', 'p', 'd', '', 1, 1, 0, 0, 0, "
		    "9000, ARRAY[1,0,0,0,0,0,0,0,0,0])" % (table, key, MONTH))
	w.desk = Desk(w, w.path("desk"), [("2026-10", MONTH),
	    ("betrieb-2026", "betrieb-" + MONTH[:4])], PGHOST=w.pg,
	    PGDATABASE="drehscheibe")
	w.desk.program("sudo", SUDO)
	w.desk.program("hubctl", 'exec "%s" "$@"\n' % HUBCTL)
	return w


def execute(w, command, code=0, person=None, german=True):
	if person is None:
		person = "a.yilmaz" if ":a.yilmaz" in command else "c.weber"
	w.desk.env.update(PGUSER=person, LANG="de_DE.UTF-8",
	    LC_ALL="" if german else "C.UTF-8")
	return w.desk.run(command, code)


@test
def every_line_of_the_page_works(w):
	said = {}
	for section, command in commands(PAGE, ["sh"]):
		said[command] = execute(w, command) + said.get(command, "")
	check(len(said) >= 12, "only %d commands" % len(said))
	for command, want in (
	    ("hubctl period list", "abzuschließen"),
	    ("hubctl period list", "abgeschlossen"),
	    ("hubctl allocate betrieb-2026 --period 2026-10", "Vorläufig"),
	    ("hubctl period close 2026-10 --as schwerte:c.weber --dry-run",
		"(Probelauf) zum Abschluss vorgeschlagen"),
	    ("hubctl period close 2026-10 --as froendenberg:a.yilmaz",
		here("2026-10: abgeschlossen"))):
		check(want in said[command], "%s: %s" % (command,
		    said[command]))


def table(w, name):
	with open(w.path("desk", here(name)), "rb") as f:
		data = f.read()
	check(data.startswith(b"\xef\xbb\xbf"), name + ": no mark of UTF-8")
	rows = list(csv.reader(io.StringIO(data[3:].decode("utf-8")),
	    delimiter=";"))
	check(len(rows) > 1, name)
	same({len(r) for r in rows}, {len(rows[0])}, name + ": columns")
	return rows


@test
def files_open_in_excel_as_the_page_says(w):
	for name in ("journal-2026-10.csv", "buchungen-2026-10.csv",
	    "bescheide-2026-10.csv",
	    "froendenberg-2026-10.csv"):
		for row in table(w, name)[1:]:
			for cell in row:
				# What Excel would take for a formula.
				check(cell[:1] not in "=+@\t\r" or not cell,
				    cell)
				check(cell[:1] != "-" or
				    re.fullmatch(r"-\d+,\d\d", cell), cell)
	rows = table(w, "journal-2026-10.csv")
	at = rows[0].index("Betrag")
	cents = [int(r[at].replace(",", "")) for r in rows[1:]]
	check(all(re.fullmatch(r"-?\d+,\d\d", r[at]) for r in rows[1:]), rows)
	same(sum(cents), 0, "sum of the journal")
	day = rows[0].index("Leistung von")
	check(all(re.fullmatch(r"\d\d\.\d\d\.\d{4}", r[day])
	    for r in rows[1:]), rows)
	known = page()
	for name in ("Art", "Konto", "Schlüssel"):
		for r in rows[1:]:
			word = r[rows[0].index(name)]
			check(not word or "`%s`" % word in known,
			    "the page does not explain " + word)


@test
def says_in_german_why_it_does_not_go(w):
	this = datetime.date.today().strftime("%Y-%m")
	close = "hubctl period close "
	for command, code, want in (
	    (close + this + " --as schwerte:c.weber", 77,
		"ist noch nicht vorbei"),
	    (close + MONTH + " --as schwerte:c.weber", 77,
		MONTH + " ist abgeschlossen"),
	    (close + "Oktober --as schwerte:c.weber", 64, "ist kein Monat"),
	    (close + MONTH + " --as c.weber", 64,
		"es fehlt --as KOMMUNE:PERSON"),
	    (close + MONTH + " --as froendenbreg:c.weber", 1,
		"diese Kommune gibt es in der geltenden Region nicht"),
	    ("hubctl statement froendenbreg " + MONTH, 1,
		"die Kommune froendenbreg gibt es"),
	    ("hubctl statement froendenberg 10/2026", 64,
		"ist weder Jahr noch Monat")):
		text = execute(w, command, code)
		check(want in text, "%s: %s" % (command, text))
	text = execute(w, close + this + " --as schwerte:c.weber", 77,
	    german=False)
	check("is not over" in text, text)


@test
def says_so_where_nothing_is_booked(w):
	text = execute(w, "hubctl usage 2001 --by tenant")
	check("dort ist nichts gebucht" in text, text)
	text = execute(w, "hubctl usage 2026-10 --by tenant")
	check("nichts gebucht" not in text and "9,000" in text, text)
	same(execute(w, "hubctl -o json usage 2001"), "[]\n", "JSON")


@test
def an_account_without_the_roles_is_told_so(w):
	w.sql('CREATE ROLE "n.niemand" LOGIN')
	text = execute(w, "hubctl period list", 77, "n.niemand")
	check("dem Konto n.niemand fehlt eine Rolle" in text, text)


@test
def the_accounts_can_do_nothing_else(w):
	for command in ("hubctl rollback 1 --note x",
	    "hubctl revoke client x --reason x",
	    "psql -c 'DELETE FROM ledger.journal'",
	    "psql -c 'UPDATE ledger.usage_month SET units = 0'"):
		env = dict(os.environ, PATH=w.path("bin") + ":" +
		    os.environ["PATH"], PGHOST=w.pg, PGUSER="c.weber",
		    PGDATABASE="drehscheibe")
		p = subprocess.run(["sh", "-c", command], env=env,
		    capture_output=True, text=True, timeout=60 * SLOW)
		check(p.returncode != 0, command)
		check("denied" in p.stderr, "%s: %s" % (command, p.stderr))


main(setup)
