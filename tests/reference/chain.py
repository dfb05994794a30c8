"""chain.py - the ledger's chain a second time, written from ledger.md 5.1
alone: what a leaf is, roots (RFC 9162, 2.1.1) and blocks.

	chain.py vector		prints the hashes of the test vector
	chain.py DIR		checks what "hubctl export audit-data DIR" wrote;
				prints "N blocks, M rows, K made", or ends with 1

Python's standard library only."""
import csv
import hashlib
import json
import re
import struct
import sys

INGEST, CLOSE, CORRECT = 1, 2, 3


def sha256(*parts):
	return hashlib.sha256(b"".join(parts)).digest()


def tree(leaves):
	"""The root over leaf hashes."""
	n = len(leaves)
	if n == 1:
		return leaves[0]
	k = 1
	while 2 * k < n:
		k *= 2
	return sha256(b"\1", tree(leaves[:k]), tree(leaves[k:]))


def leaf_hash(leaf):
	return sha256(b"\0", leaf)


GENESIS = sha256(b"hubledger/1 genesis")


def block_hash(no, prev, kind, payload):
	return sha256(b"hubledger/1", struct.pack(">Q", no), prev,
	    struct.pack(">H", kind), payload)


def days(text):
	import datetime
	return (datetime.date.fromisoformat(text) -
	    datetime.date(1970, 1, 1)).days


def uuid(text):
	return bytes.fromhex(text.replace("-", ""))


def leaf(row):
	"""The 256 bytes that a row of events.csv (a dict) stands for."""
	n = {k: int(v) for k, v in row.items() if v.lstrip("-").isdigit()}
	out = struct.pack("<4s4xQHHI", b"URL1", n["seq"], n["node_id"],
	    n["kind"], n["boot_epoch"])
	out += uuid(row["event_id"]) + uuid(row["request_id"])
	out += struct.pack("<qIHBB8s8s", n["ts"], n["duration_us"],
	    n["http_status"], n["decision"], n["operation"],
	    row["consumer"].encode(), row["provider"].encode())
	out += struct.pack("<IIHBBIQQ", n["agreement"],
	    n["agreement_version"], n["purpose"], n["leg"], n["flags"],
	    n["entities"], n["bytes_out"], n["bytes_in"])
	out += uuid(row["decision_id"]) + bytes.fromhex(row["policy_hash"])
	out += struct.pack("<IIIIB7xqIIII", n["type1"], n["type2"],
	    n["type3"], n["type4"], n["ntypes"], n["user_pseudonym"],
	    n["dataset"], n["use_case"], n["upstream_us"], n["queue_us"])
	assert len(out) == 200
	out += struct.pack("<IiiIQ", n["dict_born"], days(row["service_day"]),
	    days(row["booked_period"]), 0, n["units"])
	out += bytes.fromhex(row["rec_hash"])
	assert len(out) == 256
	return out


def root_of(rows):
	return tree([leaf_hash(leaf(r)) for r in rows])


def table(folder, name):
	csv.field_size_limit(1 << 30)
	with open("%s/%s.csv" % (folder, name), newline="") as f:
		return list(csv.DictReader(f))


MADE = {"entry": "journal", "run": "runs", "share": "shares", "deferral":
    "deferrals", "proposal": "proposals", "close": "closes", "retired":
    "retired", "estimate": "estimates"}


def cells(folder, name):
	"""Rows with None where there is no value, which the module csv cannot
	tell from the empty text."""
	with open("%s/%s.csv" % (folder, name), newline="",
	    encoding="utf-8") as f:
		text = f.read()
	rows, row = [], []
	for cell, end in re.findall(r'("(?:[^"]|"")*"|[^,\n]*)([,\n])', text):
		row.append(cell[1:-1].replace('""', '"') if cell[:1] == '"'
		    else cell or None)
		if end == "\n":
			rows.append(row)
			row = []
	return rows[1:]


def made_hashes(folder):
	"""(kind, id) -> the hash of its rows, in hex (0018_evidence.sql)."""
	sums = {}
	for kind, name in MADE.items():
		for row in cells(folder, name):
			text = b"".join(b"-," if c is None else b"%d:%s," % (
			    len(c.encode()), c.encode()) for c in row) + b"\n"
			sums.setdefault((kind, row[0]),
			    hashlib.sha256()).update(text)
	return {k: h.hexdigest() for k, h in sums.items()}


def check(folder):
	blocks = table(folder, "blocks")
	rows = {}
	for r in table(folder, "events"):
		rows.setdefault(int(r["block_no"]), []).append(r)
	prev = GENESIS
	seen = 0
	made = {}
	for i, b in enumerate(blocks):
		no, kind = int(b["block_no"]), int(b["kind"])
		assert no == i + 1, "block %d is missing" % (i + 1)
		if kind == INGEST:
			mine = rows.get(no, [])
			assert len(mine) == int(b["n_leaves"]), no
			payload = root_of(mine)
			seen += len(mine)
		else:
			payload = sha256(b["payload"].encode())
			doc = json.loads(b["payload"])
			if kind in (CLOSE, CORRECT) and doc.get("v") == 2:
				made.update({(m[0], m[1]): m[2]
				    for m in doc["made"]})
		assert payload.hex() == b["payload_hash"], "payload of %d" % no
		assert prev.hex() == b["prev_hash"], "prev of %d" % no
		prev = block_hash(no, prev, kind, payload)
		assert prev.hex() == b["hash"], "hash of %d" % no
	assert seen == sum(len(r) for r in rows.values()), "rows in no block"
	assert made == made_hashes(folder), "what was made"
	return len(blocks), seen, len(made)


def vector():
	root = tree([leaf_hash(bytes([i]) * 256) for i in range(3)])
	other = tree([leaf_hash(b"\0" * 256), leaf_hash(b"\1" * 255 + b"\2"),
	    leaf_hash(b"\2" * 256)])
	return [GENESIS.hex(), root.hex(),
	    block_hash(1, GENESIS, INGEST, root).hex(), other.hex()[:16]]


if __name__ == "__main__":
	if sys.argv[1:] == ["vector"]:
		print("\n".join(vector()))
	else:
		print("%d blocks, %d rows, %d made" % check(sys.argv[1]))
