#!/bin/sh
''''exec python3 -- "$0" "$@" # '''
# ledger.t - usage survives kill -9 at any instant, of the hub and of
# PostgreSQL: what was acknowledged is in the database, each event once, and
# the roll-ups are the sum of the events (ledger.md: P7, P9, P17, T17-T19,
# T25-T27). The hub is tests/support/spool_tool.

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SRC = os.environ.get("HUB_SRCDIR", os.getcwd())
BUILD = os.environ.get("HUB_BUILDDIR", os.getcwd())
TOOL = os.environ.get("HUB_SPOOL_TOOL", BUILD + "/tests/support/spool_tool")
VERIFY = BUILD + "/server/hubverify/hubverify"
PG = SRC + "/tests/support/pg.sh"
SIZE, SEGMENT = 64 << 20, 1 << 20
ROUNDS = 12

failures = 0


def check(name, ok, detail=""):
    global failures
    print("%s - %s%s" % ("ok" if ok else "not ok", name,
                         "" if ok else "  # " + str(detail)))
    failures += not ok


class Db:
    def __init__(self, folder):
        self.folder = folder
        # Not through a pipe: the server would hold it open.
        subprocess.run(["sh", PG, "start", folder], check=True,
                       stdout=subprocess.DEVNULL)
        self.uri = subprocess.run(["sh", PG, "uri", folder], check=True,
                                  capture_output=True, text=True).stdout.strip()
        subprocess.run([BUILD + "/server/hubctl/hubctl", "-d", self.uri, "db",
                        "init"], check=True, stdout=subprocess.DEVNULL)

    def run(self, sql, one=False, fail=False):
        p = subprocess.run(
            ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.uri]
            + (["-1"] if one else []),
            input=sql, capture_output=True, text=True)
        if fail:
            return p.returncode != 0
        if p.returncode != 0:
            raise RuntimeError(p.stderr)
        return p.stdout.strip()

    def number(self, sql):
        return int(self.run(sql))


def write_for(folder, seconds, acked, kill):
    """Runs the writer, kills it or ends it; collects what it acknowledged."""
    p = subprocess.Popen([TOOL, "write", folder, str(SIZE), str(SEGMENT)],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    try:
        time.sleep(seconds)
        if kill:
            p.send_signal(signal.SIGKILL)
            out = p.communicate()[0]
        else:
            out = p.communicate(b"\n")[0]
    finally:
        if p.poll() is None:
            p.kill()
            p.wait()
    acked.update(re.findall(r"^ok (\S{36})$", out.decode(), re.M))


def load_start(folder, uri):
    return subprocess.Popen(
        [TOOL, "load", folder, str(SIZE), str(SEGMENT), uri],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def load(folder, uri):
    out = load_start(folder, uri).communicate()[0]
    return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", out)}


def stored(db):
    return set(db.run("SELECT event_id FROM ledger.event WHERE leg = 0")
               .split())


def exact(db, name, acked):
    have = stored(db)
    check(name + ": every acknowledged event is there", acked <= have,
          "%d of %d missing" % (len(acked - have), len(acked)))
    # At most the 64 that were under way at each kill.
    check(name + ": hardly more than those", len(have - acked)
          <= 64 * (ROUNDS + 4), len(have - acked))
    check(name + ": roll-ups are the sum of the events",
          db.run("SELECT * FROM report.rollup_difference") == "")
    check(name + ": no event outside its partition", db.number(
        "SELECT count(*) FROM ledger.event_default") == 0)
    check(name + ": no record is missing between others", db.number(
        "SELECT coalesce(sum(missing), 0) FROM ledger.spool_checkpoint") == 0)


def intact(db, name):
    p = subprocess.run([VERIFY, "--db", db.uri], capture_output=True,
                       text=True)
    check(name + ": hubverify finds the chain intact", p.returncode == 0,
          p.stdout + p.stderr)


def crash_writer(db, folder, acked):
    for i in range(ROUNDS):
        write_for(folder, random.uniform(0.02, 0.25), acked, True)
    check("the writer acknowledged something", len(acked) > ROUNDS,
          len(acked))
    got = load(folder, db.uri)
    check("all is loaded after %d kills" % ROUNDS, got.get("left") == 0
          and got.get("conflicts") == 0 and got.get("quarantined") == 0, got)
    exact(db, "T19: writer killed", acked)
    intact(db, "writer killed")


def crash_loader(db, folder, acked):
    for i in range(4):
        write_for(folder, 0.2, acked, False)
        p = load_start(folder, db.uri)
        time.sleep(random.uniform(0.02, 0.25))
        p.kill()
        p.communicate()
    subprocess.run(["sh", PG, "down", db.folder], check=True)
    write_for(folder, 0.2, acked, False)
    p = load_start(folder, db.uri)
    time.sleep(0.3)
    subprocess.run(["sh", PG, "up", db.folder], check=True)
    p.communicate()
    got = load(folder, db.uri)
    check("loader and database killed: all is loaded", got.get("left") == 0,
          got)
    exact(db, "T19: loader killed", acked)
    intact(db, "loader killed")


def replay(db, folder):
    before = db.run("SELECT count(*), sum(units) FROM ledger.event")
    rolled = db.run("SELECT sum(requests), sum(units) FROM ledger.usage_day")
    db.run("TRUNCATE ledger.spool_checkpoint")
    got = load(folder, db.uri)
    check("T17: a replay of the whole spool is read", got.get("loaded", 0) > 1000,
          got)
    check("T17: and adds no row", before == db.run(
        "SELECT count(*), sum(units) FROM ledger.event"))
    check("nor usage", rolled == db.run(
        "SELECT sum(requests), sum(units) FROM ledger.usage_day"))
    check("nor a conflict", db.number(
        "SELECT count(*) FROM ledger.ledger_conflict") == 0)
    intact(db, "replay")


def shuffled(db):
    """The same events in another order, in lots that overlap, some twice."""
    lots = "".join("""BEGIN;
SELECT FROM ledger.stage_new() WHERE %d = 1;
INSERT INTO pg_temp.stage SELECT (e.row).* FROM kept e
    WHERE e.lot %% 20 IN (%d, %d) ORDER BY random();
SELECT ledger.ingest(99, 1, 1, %d, %d, %d, now());
COMMIT;
""" % (k, a, a * 7 % 20, k, k, k + 1)
        for k, a in enumerate(list(range(20)) + [3, 11], 1))
    out = db.run("""
CREATE TEMP TABLE kept AS SELECT row_number() OVER (ORDER BY random()) AS lot,
    e AS row FROM ledger.event e;
CREATE TEMP TABLE day AS SELECT * FROM ledger.usage_day;
CREATE TEMP TABLE month AS SELECT * FROM ledger.usage_month;
BEGIN;
ALTER TABLE ledger.event DISABLE TRIGGER immutable_row;
ALTER TABLE ledger.event DISABLE TRIGGER immutable;
DELETE FROM ledger.event;
ALTER TABLE ledger.event ENABLE ALWAYS TRIGGER immutable_row;
ALTER TABLE ledger.event ENABLE ALWAYS TRIGGER immutable;
TRUNCATE ledger.usage_day, ledger.usage_month;
COMMIT;
%s
SELECT 'differ', (SELECT count(*) FROM ((SELECT (row).* FROM kept EXCEPT
        SELECT * FROM ledger.event) UNION ALL (SELECT * FROM ledger.event
        EXCEPT SELECT (row).* FROM kept)) d),
    (SELECT count(*) FROM (SELECT * FROM day EXCEPT
        SELECT * FROM ledger.usage_day) d),
    (SELECT count(*) FROM (SELECT * FROM ledger.usage_day EXCEPT
        SELECT * FROM day) d),
    (SELECT count(*) FROM (SELECT * FROM month EXCEPT
        SELECT * FROM ledger.usage_month) d),
    (SELECT count(*) FROM kept) > 1000;
""" % lots)
    check("T17: shuffled and overlapping lots make the same rows and sums",
          "differ|0|0|0|0|t" in out, out[-200:])
    check("T17: and no conflict", db.number(
        "SELECT count(*) FROM ledger.ledger_conflict") == 0)


STAGE = """BEGIN;
SELECT FROM ledger.stage_new();
"""


def restored(db, folder, acked):
    """The oldest backup of all, empty: the kept segments bring it back."""
    db.run("""BEGIN;
ALTER TABLE ledger.event DISABLE TRIGGER immutable_row;
ALTER TABLE ledger.event DISABLE TRIGGER immutable;
DELETE FROM ledger.event;
ALTER TABLE ledger.event ENABLE ALWAYS TRIGGER immutable_row;
ALTER TABLE ledger.event ENABLE ALWAYS TRIGGER immutable;
TRUNCATE ledger.usage_day, ledger.usage_month, ledger.spool_checkpoint;
COMMIT""")
    load(folder, db.uri)
    exact(db, "T25: database restored", acked)


def conflict(db):
    """The same key with other content: kept apart, the old row stays."""
    one = "(SELECT * FROM ledger.event WHERE leg = 0 LIMIT 1)"
    entities = db.run("SELECT event_id, entities FROM %s e" % one)
    key = entities.split("|")[0]
    for again in (1, 2):
        db.run(STAGE + """INSERT INTO stage SELECT * FROM ledger.event
    WHERE event_id = '%s' AND leg = 0;
UPDATE stage SET entities = 999, rec_hash = '\\x01', boot_epoch = 1, seq = 1;
SELECT ledger.ingest(7, 1, 1, %d, 1, 2, now()); COMMIT"""
               % (key, 1 if again == 1 else 2))
    check("T18: a contradicting event is kept as a conflict, once", db.number(
        "SELECT count(*) FROM ledger.ledger_conflict") == 1)
    check("T18: and the old row stays", entities == db.run(
        "SELECT event_id, entities FROM ledger.event WHERE leg = 0 AND "
        "event_id = '%s'" % key))
    check("a second loader is refused", db.run(
        STAGE + "SELECT ledger.ingest(7, 1, 1, 1, 1, 3, now()); COMMIT",
        fail=True))


def other_numbers(db, folder, acked):
    """A spool from before a backup: its next numbers had other texts."""
    os.mkdir(folder)
    # The kills were quicker than the clock that new boots are taken from.
    while time.time() <= db.number(
            "SELECT max(boot_epoch) + 1 FROM ledger.spool_checkpoint"):
        time.sleep(0.2)
    write_for(folder, 0.1, acked, False)
    with open(folder + "/dict", "rb") as f:
        born = int.from_bytes(f.read(24)[20:], "little")
    db.run("INSERT INTO ledger.dictionary SELECT 7, %d, i, 'type', 'wrong' "
           "FROM generate_series(1, 4) i" % born)
    load(folder, db.uri)
    exact(db, "restored spool", acked)
    check("restored spool: names are those of its own numbers", db.run(
        "SELECT DISTINCT purpose, types FROM ledger.usage_day "
        "WHERE class = 'access'") ==
        "hochwasserschutz|https://example.org/FloodMonitoring", db.run(
        "SELECT DISTINCT purpose, types FROM ledger.usage_day"))


LESS = '{"service_day": "2026-11-01", "service_period": "2026-11-01", ' \
    '"booked_period": "2026-11-01", "class": "access", "consumer": "1", ' \
    '"provider": "1", "operation": 1, "more": false, "requests": 1, ' \
    '"denied": 0, "entities": 0, "bytes": 0, "units": -1, ' \
    '"hist": [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]}'


def partly_there(db, folder, acked):
    """The access records are left, the legs are to come back; as if it had
    been so before there was a chain."""
    with open(SRC + "/sql/schema/0011_chain.sql") as f:
        begin = re.search(r"\nSELECT ledger.block_append\(6.*?;\n\n", f.read(),
                          re.S).group(0)
    db.run("""BEGIN;
ALTER TABLE ledger.event DISABLE TRIGGER immutable_row;
ALTER TABLE ledger.event DISABLE TRIGGER immutable;
DELETE FROM ledger.event WHERE class = 'leg';
UPDATE ledger.event SET batch = 0;
ALTER TABLE ledger.block DISABLE TRIGGER immutable;
DELETE FROM ledger.block;
ALTER TABLE ledger.block ENABLE ALWAYS TRIGGER immutable;
%s
ALTER TABLE ledger.event ENABLE ALWAYS TRIGGER immutable_row;
ALTER TABLE ledger.event ENABLE ALWAYS TRIGGER immutable;
DELETE FROM ledger.usage_day WHERE class = 'leg';
DELETE FROM ledger.usage_month WHERE class = 'leg';
TRUNCATE ledger.spool_checkpoint;
COMMIT""" % begin)
    legs = len(stored(db))
    load(folder, db.uri)
    exact(db, "every second event was there", acked)
    check("the others are added", db.number(
        "SELECT count(*) FROM ledger.event WHERE class = 'leg'") == legs)
    intact(db, "every second event was there")


def immutable(db):
    for sql in ("UPDATE ledger.event SET units = 0",
                "DELETE FROM ledger.event", "TRUNCATE ledger.event",
                "TRUNCATE ledger.event_default",
                "UPDATE ledger.dictionary SET text = 'x'"):
        check("refused: " + sql, db.run(sql, fail=True))
    part = db.run("SELECT 'ledger.' || relname FROM pg_class WHERE relname ~ "
                  "'^event_2' AND relkind = 'r' AND reltuples <> 0 LIMIT 1") \
        or db.run("SELECT tableoid::regclass FROM ledger.event LIMIT 1")
    for verb in ("UPDATE %s SET units = 0", "DELETE FROM %s", "TRUNCATE %s"):
        check("refused: " + verb % "a partition", db.run(verb % part,
                                                         fail=True))
    for role, sql, refused in (
            ("hub_ingest", "SELECT count(*) FROM ledger.event", False),
            ("hub_ingest", "DELETE FROM ledger.event", True),
            ("hub_ingest", "DELETE FROM ledger.usage_day", True),
            ("hub_ingest", "UPDATE ledger.usage_day SET units = 0", True),
            ("hub_ingest", "UPDATE ledger.spool_checkpoint SET next_seq = 1",
             True),
            ("hub_ingest", "INSERT INTO ledger.usage_day SELECT * FROM "
             "ledger.usage_day LIMIT 0", True),
            # Rows can be added, but none over another.
            ("hub_ingest", "INSERT INTO ledger.event SELECT * FROM "
             "ledger.event LIMIT 0", False),
            ("hub_ingest", "INSERT INTO ledger.event SELECT * FROM "
             "ledger.event LIMIT 1", True),
            ("hub_ingest", "INSERT INTO ledger.event SELECT * FROM "
             "ledger.event LIMIT 0 ON CONFLICT (service_period, event_id, "
             "leg) DO UPDATE SET units = 0", True),
            # Batches of one month go straight into their partition.
            ("hub_ingest", "INSERT INTO %s SELECT * FROM ledger.event "
             "LIMIT 0" % part, False),
            ("hub_ingest", "UPDATE %s SET units = 0" % part, True),
            ("hub_ingest", "DELETE FROM %s" % part, True),
            ("hub_ingest", "INSERT INTO ledger.event_default SELECT * FROM "
             "ledger.event LIMIT 0", True),
            ("hub_ingest", "SELECT ledger.roll_up('[]')", True),
            ("hub_ingest", "SELECT ledger.checkpoint_move(8, 1, 1, 1, 1, 2, "
             "now())", True),
            ("hub_ingest", "SELECT ledger.ingest_new(8, 1, 1, 1, 1, 2, now(), "
             "'[]')", False),
            # Of places that are loaded, and with usage taken away.
            ("hub_ingest", "SELECT ledger.ingest_new(8, 1, 1, 2, 1, 2, now(), "
             "'[]')", True),
            ("hub_ingest", "SELECT ledger.ingest_new(8, 1, 1, 1, 2, 3, now(), "
             "'[]')", True),
            ("hub_ingest", "SELECT ledger.ingest_new(8, 1, 1, 2, 2, 3, now(), "
             "'[" + LESS + "]')", True),
            # A stage of its own could have anything executed by the owner.
            ("hub_ingest", "CREATE TEMPORARY TABLE stage (LIKE ledger.event); "
             "SELECT ledger.ingest(7, 1, 1, 1, 1, 2, now())", True),
            # What the indicators are told from is only added to, and who was
            # there is for nobody to read.
            ("hub_ingest", "SELECT ledger.indicate('[]')", False),
            ("hub_ingest", "SELECT ledger.indicate('[{\"day\":\"2026-01-01\","
             "\"consumer\":\"x\",\"provider\":\"y\",\"given\":-1}]')", True),
            ("hub_ingest", "CREATE TEMPORARY TABLE stage (LIKE ledger.event); "
             "SELECT ledger.indicate_stage()", True),
            ("hub_ingest", "SELECT ledger.download_cut('2026-01-01', "
             "gen_random_uuid())", True),
            ("hub_ingest", "INSERT INTO ledger.download_day VALUES "
             "('2026-01-01', 'x', 'y', 'z', 1, 0)", True),
            ("hub_ingest", "UPDATE ledger.download_day SET cut = 0", True),
            ("hub_ingest", "SELECT * FROM ledger.person_month", True),
            ("hub_auditor", "SELECT * FROM ledger.download_day", False),
            ("hub_auditor", "SELECT * FROM ledger.person_month", True),
            ("finance_ro", "SELECT * FROM ledger.person_month", True),
            ("finance_ro", "SELECT * FROM ledger.download_day", True),
            ("finance_ro", "SELECT ledger.indicate('[]')", True),
            ("finance_ro", "SELECT * FROM report.indicator_difference", False),
            ("hub_admin", "SELECT ledger.prune('2020-01-01')", True),
            ("finance_ro", "SELECT * FROM report.usage_by_tenant", False),
            ("finance_ro", "SELECT * FROM ledger.event", True)):
        check("%s: %s" % (role, sql), db.run("SET ROLE %s; %s" % (role, sql),
                                             fail=True) == refused)


def reports(db):
    n = db.number("SELECT count(*) FROM ledger.event WHERE class = 'access'")
    check("tenants: requests and units are exact", db.run(
        "SELECT tenant, sum(requests), sum(units) FROM "
        "report.usage_by_tenant GROUP BY 1") ==
        "05978012|%d|%d" % (n, n * 1033))
    check("providers count legs", db.run(
        "SELECT provider, sum(requests) FROM report.usage_by_provider "
        "GROUP BY 1") == "05978028|%d" % n)
    check("purposes by name", db.run(
        "SELECT DISTINCT purpose FROM report.usage_by_purpose")
        == "hochwasserschutz")
    check("types by name", db.run(
        "SELECT DISTINCT types FROM report.usage_by_type")
        == "https://example.org/FloodMonitoring")
    check("months in German time", db.run(
        "SELECT count(*) FROM ledger.event WHERE service_day <> "
        "(ts AT TIME ZONE 'Europe/Berlin')::date OR service_period <> "
        "date_trunc('month', ts AT TIME ZONE 'Europe/Berlin')") == "0")
    months = db.number("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND "
                       "relname ~ '^event_2[0-9]{5}$'")
    check("partitions three months ahead", months >= 4, months)


def main():
    if shutil.which("psql") is None or not os.path.exists(TOOL):
        print("skipped: ledger (no PostgreSQL or no spool_tool)")
        return 0
    top = tempfile.mkdtemp(prefix="hubledger.")
    spool = top + "/spool"
    os.mkdir(spool)
    os.chmod(top, 0o755)
    db = None
    try:
        db = Db(top + "/pg")
        acked = set()
        crash_writer(db, spool, acked)
        crash_loader(db, spool, acked)
        reports(db)
        replay(db, spool)
        restored(db, spool, acked)
        shuffled(db)
        partly_there(db, spool, acked)
        other_numbers(db, spool + "-2", acked)
        immutable(db)
        conflict(db)
    finally:
        if db is not None:
            subprocess.run(["sh", PG, "stop", db.folder])
        shutil.rmtree(top, ignore_errors=True)
    return 1 if failures else 0


sys.exit(main())
