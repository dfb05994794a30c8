#!/usr/bin/env python3
# german.t - hubctl in German: help, and every message that it has.  The
# messages are read from the sources: one without a German text fails.
import glob
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

# Whose parts are texts of hubctl, too: what is made of them is in the table.
MADE = {
    "* *; there are:": ["* has no such command; there are:",
	"* is half a command; there are:"],
    "* * is not known; allowed: *, ***": ["output * is not known; allowed: *",
	"language * is not known; allowed: *"],
    "no tenant ***": ["no tenant *", "no tenant *; nearest: *"],
    "400 BadRequestData: *": ["400 BadRequestData: a parameter is there twice",
	"400 BadRequestData: the hub refuses this URL"],
    "revocation * *": ["revocation * does not exist",
	"revocation * is lifted already"],
    "scenario *: * is *, or unknown": [
	"scenario *: * is a whole number above 0, or unknown",
	"scenario *: * is an amount such as 55000.00, or unknown"],
    "crisis * of * in * for *: *": None,
    "cost *, model *: *": None,
}
STRING = r'"(?:\\.|[^"\\])*"'
CONVERSION = r"%(?:\.\*|\.\d+|0)?(?:l{1,2}|z)?[sduo]"


def setup():
	return World("german", database=False)


def de(*argv, code=0):
	"""(stdout, stderr) of hubctl in German."""
	return run(HUBCTL, "--lang", "de", *argv, code=code)


def source(path):
	with open(os.path.join(SRC, path), encoding="utf-8") as f:
		return f.read()


def joined(text):
	"""The strings of a piece of C as they are at run time; numbers of fixed
	width are conversions like others."""
	text = re.sub(r"\bPRI[du]64\b", '"d"', text)
	return ["".join(re.sub(r"\\(.)", r"\1", s[1:-1]) for s in
	    re.findall(STRING, m)) for m in
	    re.findall(r"(?:%s\s*)+" % STRING, text)]


def formats():
	"""Every format of ctl_warn() that has no German beside it, with * for
	what varies, and its file."""
	found = {}
	for path in glob.glob(os.path.join(SRC, "server/hubctl/*.c")):
		with open(path, encoding="utf-8") as f:
			text = f.read()
		for m in re.finditer(r"\bctl_warn\(((?:%s|[^\";])*)\);" % STRING,
		    text):
			call = m.group(1)
			if re.search("LANG_DE|by_lang|german\(", call):
				continue
			# A choice of formats, or one and its arguments.
			for s in joined(call if "?" in call.split('"')[0] else
			    re.match(r"\s*((?:%s|PRI[du]64|\s)*)" % STRING,
			    call).group(1)):
				s = re.sub(CONVERSION, "*", s)
				if re.search("[a-z]", s):
					found[s] = os.path.basename(path)
	check(len(found) > 110, "found only %d" % len(found))
	return found


def table():
	rows = re.findall(r"^\t\{ ((?:%s|[^\"}])*) \},$" % STRING,
	    source("server/hubctl/german_table.c"), re.M)
	texts = [joined(row) for row in rows]
	check(len(texts) > 130, "read only %d rows" % len(texts))
	same([t for t in texts if len(t) != 2], [], "rows of two texts")
	return dict(texts)


@test
def every_message_has_a_german_text(w):
	known = table()
	missing = []
	for text, path in formats().items():
		rows = MADE.get(text, [text])
		if rows is None:
			rows = [k for k in known if
			    k.startswith(text[:-1])] or [text]
		missing += ["%s: %s" % (path, t) for t in rows if
		    t not in known]
	same(missing, [], "without German")


@test
def no_german_text_is_half_english(w):
	for en, text in table().items():
		check(en != text, "not translated: " + en)
		for word in (" the ", " is ", " not ", " needs ", "allowed"):
			check(word not in text, "half English: " + text)


@test
def has_german_help(w):
	en, text = run(HUBCTL, "--help")[0], de("--help")[0]
	check(text.startswith("Aufruf: hubctl") and "\nBefehle:\n" in text and
	    "commands:" not in text, text[:300])
	rows = lambda s: [l for l in s.splitlines() if l.startswith("  ")]
	same(len(rows(text)), len(rows(en)), "rows")
	for a, b in zip(rows(en), rows(text)):
		a, b = (re.split(r"  +", l.strip(), 1) for l in (a, b))
		if a[0] == "[--lang de|en] COMMAND" or "RS256 or" in a[-1]:
			continue
		check(len(b) == 2 or " " in b[0], "no German: %r" % b)
		check(a != b, "not translated: %r" % b)


@test
def has_german_help_of_each_command(w):
	for name in run(HUBCTL, "--list-commands")[0].splitlines():
		en = run(HUBCTL, *name.split(), "--help")[0].splitlines()
		text = de(*name.split(), "--help")[0].splitlines()
		same(len(text), len(en), name)
		check(text[0].startswith("Aufruf: hubctl " + name), text[0])
		check(len(text[1].strip()) > 4 and text[1] != en[1], text[1])
	check("crisis confirm" in de("crisis", "--help")[0], "a group")


@test
def speaks_german_of_mistakes(w):
	for argv, code, want in ((["frobnicate"], 64, 'den Befehl "frobnicate"'
	    " gibt es nicht; --help nennt alle"),
	    (["applly"], 64, 'am ähnlichsten ist "apply"'),
	    (["db"], 64, "db ist nur ein halber Befehl; es gibt:"),
	    (["crisis", "begin"], 64, "crisis hat keinen solchen Befehl"),
	    (["validate", "--html", "x"], 64, "validate nimmt kein --html"),
	    (["-o", "json", "compare", "--html"], 64, "--html und -o json "
		"schließen einander aus"),
	    (["-o", "csv", "usage", "2025", "--html"], 64, "--html und -o csv "
		"schließen einander aus"),
	    (["-o", "xml", "bundles"], 64, "die Ausgabe xml gibt es nicht; "
		"erlaubt: table, json, csv"),
	    (["completion", "ksh"], 64, "für ksh gibt es keine"),
	    (["apply"], 64, "Aufruf: hubctl apply PATH..."),
	    (["validate", w.path("nowhere.hub")], None, "gibt es nicht"),
	    (["revoke", "x", "y", "--reason", "z"], 64, "x kann nicht gesperrt")):
		err = de(*argv, code=code)[1]
		check(want in err, "%r: %s" % (argv, err))


main(setup)
