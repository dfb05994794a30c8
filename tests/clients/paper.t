#!/bin/sh
''''exec python3 -- "$0" "$@" # '''
# paper.t - the statement on paper: contrib/docs/kosten.md's commands make a PDF
# that has the statement's text, and no page cuts a row of a table. Without
# weasyprint or pdftotext the tests are skipped in a plain line.
import html
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../flow"))
from flow import *

PAGE = os.path.join(SRC, "contrib/docs/kosten.md")
ONE, TWO = "kamen:c.weber", "kamen:a.yilmaz"
N = 14
REGION = '''
tenant kamen { name = "Stadt Kamen" ags = "05978020" kind = municipality }
tenant holzwickede { name = "Gemeinde Holzwickede <Süd> & Mühle"
	ags = "05978016" kind = municipality }
cost betrieb { title = "Betrieb" amount = %d.00 from = 2026-10-01
	to = 2026-10-31 model = mm tax = standard tax-rate = 19
	tax-basis = "Bescheid" }
model mm { version = 1 clause = "§ 5 ÖRV" members = {kamen, holzwickede}
	per = month
	component sockel { basis-points = 10000 key = equal } }
'''


def needs(*programs):
	missing = [p for p in programs if not shutil.which(p)]

	def wrap(fn):
		if not missing:
			return test(fn)
		print("skipped: %s (no %s)" % (fn.__name__, missing[0]),
		    flush=True)
		return fn
	return wrap


def setup():
	w = World("paper")
	w.apply(REGION % 1000)
	for table in ("usage_day", "usage_month"):
		w.sql("INSERT INTO ledger.%s VALUES ('2026-10-01', "
		    "'2026-10-01', 'access', '05978020', '00000000', 'a', 'p', "
		    "'d', '', 1, 1, 0, 0, 0, 1, ARRAY[1,0,0,0,0,0,0,0,0,0])" %
		    table)
	for person in (ONE, TWO):
		w.ctl("period", "close", "2026-10", "--as", person)
	for n in range(N):
		w.apply(REGION % (1100 + 100 * n))
		w.ctl("correct", "2026-10", "--as", ONE, "--reason",
		    "anfang%02d %s ende%02d" % (n, "Begründung " * 20, n))
	return w


def commands():
	with open(PAGE, encoding="utf-8") as f:
		found = re.findall(r"^    ((?:hubctl .*--html|weasyprint) .*)$",
		    f.read(), re.M)
	same(len(found), 2, "commands of the page")
	return found


def make(w):
	w.write("bin/hubctl", '#!/bin/sh\nexec "%s" -c "%s" "$@"\n' % (HUBCTL,
	    w.path("hubd.conf")))
	os.chmod(w.path("bin/hubctl"), 0o755)
	env = dict(os.environ, PATH=w.path("bin") + ":" + os.environ["PATH"],
	    LC_ALL="C.UTF-8")
	for command in commands():
		p = subprocess.run(["sh", "-c", command], cwd=w.dir, env=env,
		    capture_output=True, text=True, timeout=120 * SLOW)
		same((p.returncode, "ERROR" in p.stderr), (0, False), command +
		    p.stderr)
	return w.path("holzwickede.pdf")


def pages(path):
	text = run("pdftotext", "-layout", "-enc", "UTF-8", path, "-",
	    seconds=100)[0]
	return text.split("\f")[:-1]


def cut(found):
	"""Of which rows begin and end are on different pages."""
	out = []
	for n in range(N):
		where = [[i for i, p in enumerate(found) if word % n in p]
		    for word in ("anfang%02d", "ende%02d")]
		same([len(x) for x in where], [1, 1], "row %d" % n)
		if where[0] != where[1]:
			out.append(n)
	return out


@needs("weasyprint", "pdftotext")
def a_pdf_has_the_text_of_the_statement(w):
	found = pages(make(w))
	text = re.sub(r"\s+", " ", " ".join(found))
	for want in ("Kostenaufstellung 2026-10",
	    "Gemeinde Holzwickede <Süd> & Mühle, AGS 05978016", "500,00",
	    "§ 5 ÖRV", "sockel", "01.10.2026", "31.10.2026"):
		check(want in text, "%s: %s" % (want, text[:2000]))
	with open(w.path("holzwickede.html"), encoding="utf-8") as f:
		body = f.read().partition("<body>")[2]
	# Every word of the page, as often as it is there or more: headings
	# come again.
	words = html.unescape(re.sub(r"<[^>]*>", " ", body)).split()
	check(len(words) > N * 20, len(words))
	have = text.split()
	missing = [x for x in set(words) if have.count(x) < words.count(x)]
	same(missing, [], "words that are not on paper")
	same(text.count("Summe"), body.count("Summe"), "sums")


@needs("weasyprint", "pdftotext")
def no_page_cuts_a_row(w):
	found = pages(make(w))
	check(len(found) >= 3, "pages: %d" % len(found))
	same(cut(found), [], "rows that are cut")
	for i, p in enumerate(found):
		if re.search(r"anfang\d\d", p):
			check("Beleg" in p, "page %d has no heading" % i)
	# It is the style that does it.
	path = w.path("holzwickede.html")
	with open(path, encoding="utf-8") as f:
		text = f.read()
	check("tr,tfoot{break-inside:avoid}" in text, "the style")
	other = w.write("other.html", text.replace(
	    "tr,tfoot{break-inside:avoid}", ""))
	run("weasyprint", other, w.path("other.pdf"), seconds=120)
	check(cut(pages(w.path("other.pdf"))), "nothing is ever cut")


@test
def hubctl_prints_the_page_of_the_statement(w):
	de = w.ctl("--lang", "de", "statement", "kamen", "2026-10",
	    "--html")[0]
	check(de.startswith("<!DOCTYPE html>\n<html lang=\"de\">") and
	    "Kostenaufstellung 2026-10" in de, de[:300])
	same(w.ctl("--lang", "de", "statement", "kamen", "2026-10",
	    "--html")[0], de, "again")
	check("Statement 2026-10" in w.ctl("--lang", "en", "statement",
	    "05978020", "2026-10", "--html")[0], "English")
	w.ctl("statement", "nobody", "2026-10", "--html", code=1)
	w.ctl("statement", "kamen", "2026-13", "--html", code=64)
	w.ctl("allocate", "betrieb", "--html", code=64)


main(setup)
