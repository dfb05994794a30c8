"""pages.py - the commands that documents have, and a desk at which a test gives
them as a reader would: the programs in PATH, and folders, ports and databases
of the test in place of those that the page has."""
import os
import re
import subprocess
import time

from flow import BUILD, SLOW, SRC, Failed, same

HUBVERIFY = os.path.join(BUILD, "server/hubverify/hubverify")
# How a line of a block begins that somebody is to type.
COMMAND = re.compile(r"""(\$[ ])? (sudo[ ] |
    (hubctl|hubd|hubverify|curl|openssl|psql|promtool|haproxy|keepalived|
	systemctl|journalctl|apt|useradd|install|mkdir|make|echo|export|ssh|scp|
	weasyprint|python3?[.0-9]*)[ ] |
    (\./|\.\./|contrib/)[\w/.-]+($|[ ]) |
    (SELECT|CREATE|GRANT|REVOKE)[ ].*;$)""", re.X)


def lines(page):
	"""(section, mark, line) of all blocks: the mark of a fenced one, none
	of one that is indented; of man pages the displays."""
	section = mark = ""
	with open(os.path.join(SRC, page), encoding="utf-8") as f:
		for line in f.read().splitlines():
			if line.startswith("```"):
				mark = "" if mark else line[3:] or "text"
			elif mark:
				yield section, mark, line
			elif re.match(r"#+ |\.S[hs] ", line):
				section = line.split(" ", 1)[1]
			elif line.startswith(("    ", ".Dl ")):
				yield section, "", line[4:]
			elif re.match(r"\$ |hubd -", line) and \
			    page[-1].isdigit():
				yield section, "", line


def commands(page, marked=("sh", "")):
	"""[(section, command)]: every line of a block marked "sh", and of
	unmarked ones those that begin like a command, with the lines that a
	backslash joins."""
	found, more = [], False
	for section, mark, line in lines(page):
		if mark not in marked:
			continue
		if more:
			found[-1][1] += "\n" + line
		elif mark or COMMAND.match(line):
			found.append([section, re.sub(r"^\$ ", "", line)])
		else:
			continue
		more = line.endswith("\\")
	return [tuple(f) for f in found]


class Desk:
	"""places: pairs of what a page has, and what is here for it."""

	def __init__(self, w, folder, places=(), **env):
		self.w, self.folder, self.places = w, folder, list(places)
		self.env = dict(os.environ, LC_ALL="C.UTF-8", **env)
		self.env["PATH"] = w.path("bin") + ":" + self.env["PATH"]
		os.makedirs(folder, exist_ok=True)

	def program(self, name, text):
		"""A script that commands find before any other of its name."""
		os.chmod(self.w.write("bin/" + name, "#!/bin/sh\n" + text),
		    0o755)

	def placed(self, text):
		for theirs, ours in self.places:
			text = text.replace(theirs, ours)
		return text

	def run(self, command, code=0, meanwhile=None, seconds=60):
		"""All that it said. meanwhile is called every few ms."""
		with open(self.w.path("out"), "w+b") as out:
			p = subprocess.Popen(["sh", "-c", self.placed(command)],
			    cwd=self.folder, stdout=out, stderr=out,
			    stdin=subprocess.DEVNULL, env=self.env)
			end = time.monotonic() + seconds * SLOW
			while p.poll() is None:
				if meanwhile:
					meanwhile()
				if time.monotonic() > end:
					p.kill()
					p.wait(10)
					raise Failed(command + ": did not end")
				time.sleep(0.01)
			out.seek(0)
			text = out.read().decode("utf-8", "replace")
		same(p.returncode, code, "%s: %s" % (command, text[-600:]))
		return text
