#!/usr/bin/env python3
# progress.t - who waits for long work at a terminal sees how far it is; pipes,
# programs and quick work see nothing of it.
import os
import pty
import select
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import *

VERIFY = os.path.join(BUILD, "server/hubverify/hubverify")
CLEAR = "\r\033[K"


def setup():
	w = World("progress", {})
	w.apply(tenants())
	return w


class Watched:
	"""A program whose standard error is a terminal."""

	def __init__(self, *argv):
		try:
			self.fd, slave = pty.openpty()
		except OSError as e:	# a container without /dev/pts
			skip("no terminal: %s" % e)
		self.p = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
		    stdout=subprocess.PIPE, stderr=slave)
		os.close(slave)

	def end(self):
		"""(exit code, standard output, what the terminal got)"""
		out = self.p.communicate(timeout=60 * SLOW)[0].decode()
		got = b""
		with contextlib.suppress(OSError):	# EIO: the other end
			while select.select([self.fd], [], [], 0)[0]:
				more = os.read(self.fd, 65536)
				if not more:
					break
				got += more
		os.close(self.fd)
		return self.p.returncode, out, got.decode()


@contextlib.contextmanager
def held_up(w, seconds, tables="audit.change, ledger.block, hub.head"):
	"""Whoever asks for what hubctl and hubverify read waits so long."""
	p = subprocess.Popen(["psql", "-Xq", w.database, "-c", "BEGIN", "-c",
	    "LOCK TABLE " + tables, "-c",
	    "SELECT pg_sleep(%g)" % seconds, "-c", "COMMIT"],
	    stdout=subprocess.DEVNULL)
	wait_for(lambda: w.sql("SELECT 1 FROM pg_locks WHERE relation = "
	    "'%s'::regclass AND mode = 'AccessExclusiveLock' AND granted" %
	    tables.split(", ")[-1]), 10, "the lock")
	yield
	same(p.wait(60), 0, "psql")


def ctl(w, *argv):
	return Watched(HUBCTL, "-c", w.path("hubd.conf"), *argv)


@test
def shows_who_waits_how_far_it_is(w):
	w.write("more.hub", tenants() + 'purpose more { title = "More" }\n')
	with held_up(w, 2 + SLOW / 2):
		audit = ctl(w, "audit", "--verify")
		integrity = ctl(w, "integrity")
		apply = ctl(w, "apply", w.path("more.hub"), "--dry-run")
		json_ = ctl(w, "-o", "json", "integrity")
		verify = Watched(VERIFY, "--lang", "en", "--db", w.database)
		pipe = subprocess.Popen([HUBCTL, "-c", w.path("hubd.conf"),
		    "integrity"], stdout=subprocess.PIPE,
		    stderr=subprocess.PIPE)
	for p, name in ((audit, "audit"), (integrity, "integrity"),
	    (apply, "apply")):
		code, out, seen = p.end()
		check(re.search("%shubctl %s: \\d s" % (re.escape(CLEAR),
		    name), seen), "%s: %r" % (name,
		    seen))
		check(seen.endswith(CLEAR), "%s: left behind: %r" % (name,
		    seen))
		check(code == 0 and out, "%s: %d %r" % (name, code, out))
		check("\033" not in out, "%s: in its output" % name)
	code, out, seen = verify.end()
	same(code, 0, "hubverify")
	check("rows read, the last ones of " in seen and seen.endswith(CLEAR),
	    repr(seen))
	check("\033" not in out and "consistent" in out, repr(out))
	same(json_.end()[2], "", "with -o json")
	same(pipe.communicate(timeout=60)[1], b"", "in a pipe")


@test
def says_nothing_of_quick_work(w):
	for argv in (("audit", "--verify"), ("integrity",)):
		same(ctl(w, *argv).end()[2], "", argv[0])
	same(Watched(VERIFY, "--db", w.database).end()[2], "", "hubverify")


@test
def a_message_stands_on_a_line_of_its_own(w):
	with held_up(w, 1 + SLOW / 2):
		p = ctl(w, "apply", w.path("more.hub"), "--accept-widening",
		    "x", "--dry-run")
		q = ctl(w, "allocate", "nothing")
	code, out, seen = q.end()
	same(code, 1, "allocate")
	check(re.search(r"\d s%shubctl: no cost nothing" % re.escape(CLEAR),
	    seen), repr(seen))
	same(p.end()[0], 0, "apply")


@test
def counts_what_is_booked(w):
	with held_up(w, 3 + SLOW, "ledger.usage_day"):
		p = ctl(w, "estimate", "2026-11-02", "--tenant", "schwerte",
		    "--requests", "70", "--entities", "70", "--bytes", "70",
		    "--reason", "x", "--by", "y", "--reference", "r")
	code, out, seen = p.end()
	same(code, 0, "estimate: " + seen)
	check(re.search(r"hubctl estimate: \d+ / 70, \d s", seen), repr(seen))
	check("msg=" not in seen, repr(seen))


main(setup)
