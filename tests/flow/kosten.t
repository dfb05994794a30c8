#!/bin/sh
''''exec python3 -- "$0" "$@" # '''
# kosten.t - contrib/docs/kosten.md says what works: every command of the page
# is run as it stands there, in its order, and the files open as it says.

import csv
import io

from flow import *
from pages import Desk, commands

PAGE = "contrib/docs/kosten.md"
UNITS = {"kamen": 280000, "holzwickede": 25000, "schwerte": 2400000}
TENANTS = [("kamen", "Stadt Kamen", "05978020", 42971),
    ("holzwickede", "Gemeinde Holzwickede", "05978016", 17118),
    ("schwerte", "Stadt Schwerte", "05978028", 46340)]
REGION = "".join('tenant %s { name = "%s"  ags = "%s"  kind = municipality'
    ' population "2018-12-31" { inhabitants = %d } }\n' % t for t in TENANTS)
for year in (2026, 2027):
	REGION += '''cost betrieb-%d { title = "Betrieb"  amount = 55000.00
	from = %d-01-01  to = %d-12-31  model = mitnutzung }
''' % (year, year, year)
REGION += '''model mitnutzung { version = 1  clause = "§ 5 ÖRV (Entwurf)"
	members = {kamen, holzwickede, schwerte}
	component einwohner { basis-points = 7000  key = population
		key-date = 2018-12-31 }
	component nutzung { basis-points = 3000  key = usage
		on-zero = population } }
'''


def put(w, ags, day, units, booked):
	for table, key in (("usage_day", day), ("usage_month", day[:7] +
	    "-01")):
		w.sql("INSERT INTO ledger.%s VALUES ('%s', '%s', 'access', "
		    "'%s', '00000000', 'a', 'p', 'd', '', 1, 1, 0, 0, 0, %d, "
		    "ARRAY[1,0,0,0,0,0,0,0,0,0])" % (table, key, booked, ags,
		    units * 1000))


def setup():
	w = World("kosten")
	for name, _, ags, _ in TENANTS:
		put(w, ags, "2026-10-05", UNITS[name], "2026-10-01")
	w.write("kosten.hub", REGION)
	w.desk = Desk(w, w.dir)
	w.desk.program("hubctl", 'exec "%s" -c "%s" "$@"\n' % (HUBCTL,
	    w.path("hubd.conf")))
	return w


@test
def every_command_of_the_page_works(w):
	said = {}
	for section, command in commands(PAGE):
		if not command.startswith("hubctl "):
			continue
		if " correct 2026-10 " in command and "late" not in said:
			put(w, "05978020", "2026-10-06", 5000, "2026-11-01")
			said["late"] = True
		said[command] = w.desk.run(command)
	check(len(said) > 15, "commands on the page: %d" % len(said))
	for command, text in said.items():
		for has, want in (("a.yilmaz", "abgeschlossen"),
		    ("period list", "abzuschließen"),
		    ("statement kamen", "Nachzügler Kamen")):
			if has in command and "reverse" not in command:
				check(want in text, "%s: %s" % (command, text))


@test
def files_open_as_the_page_says(w):
	for name in ("holzwickede", "journal", "buchungen", "bescheide",
	    "nutzung"):
		with open(w.path(name + ".csv"), "rb") as f:
			text = f.read()
		check(text.startswith(b"\xef\xbb\xbf"), name + ": BOM")
		table = list(csv.reader(io.StringIO(text[3:].decode(),
		    newline=""), delimiter=";", strict=True))
		check(len(table) > 1 and len({len(r) for r in table}) == 1,
		    name + ": a table")
		if name == "journal":
			at = table[0].index("Betrag")
			same(sum(int(r[at].replace(",", "")) for r in
			    table[1:]), 0, "the journal's sum")


@test
def the_correction_and_its_reversal_sum_to_nothing(w):
	same(w.sql("SELECT type, count(*) FROM ledger.journal GROUP BY 1 "
	    "ORDER BY 1"), [["ALLOCATION", "10"], ["CORRECTION", "1"],
	    ["REVERSAL", "1"]], "entries")
	same(w.sql("SELECT sum(amount_cents) FROM report.journal WHERE "
	    "type IN ('CORRECTION', 'REVERSAL') AND account = 'share'"),
	    [["0"]], "their sum")


main(setup)
