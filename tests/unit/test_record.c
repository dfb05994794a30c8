/* tests/unit/test_record.c - the usage record's bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "server/base/hash.h"
#include "server/ledger/loader_priv.h"
#include "server/ledger/record.h"

static const unsigned char *
bytes(size_t n, unsigned char from)
{
	static unsigned char room[32];

	assert_true(n <= sizeof(room));
	for (size_t i = 0; i < n; i++)
		room[i] = (unsigned char)(from + i);
	return (room);
}

/* Every field another value, so that a swap shows. */
static struct record
sample(uint16_t kind)
{
	struct record r = { 0 };

	r.seq = 0x0102030405060708U;
	r.node_id = 0x1112;
	r.kind = kind;
	r.boot_epoch = 0x21222324;
	memcpy(r.event_id.b, bytes(16, 0x30), 16);
	memcpy(r.request_id.b, bytes(16, 0x40), 16);
	r.start.us = INT64_C(1793487599999000);
	r.duration_us = 123456;
	r.http_status = 206;
	r.decision = DECISION_PARTIAL;
	r.operation = OPERATION_DOWNLOAD;
	memcpy(r.consumer_ags, "05978012", 8);
	memcpy(r.provider_ags, "05978028", 8);
	r.agreement = 70001;
	r.agreement_version = 3;
	if (kind == RECORD_DICT) {
		r.dataset = 4711;
		r.operation = 3;
		r.dict_text = STR("FloodMonitoring");
		return (r);
	}
	r.purpose = 513;
	r.leg = kind == RECORD_LEG ? 7 : 0;
	r.flags = RECORD_BILLABLE | RECORD_OPEN_DATA | RECORD_LATE_CLOCK;
	r.entities = 1000000;
	r.bytes_out = UINT64_C(5000000000);
	r.bytes_in = 77;
	memcpy(r.decision_id.b, bytes(16, 0x50), 16);
	memcpy(r.policy_hash, bytes(16, 0x60), 16);
	for (uint32_t i = 0; i < 4; i++)
		r.types[i] = 65536 * (i + 1) + i;
	r.ntypes = 5;
	r.user_pseudonym = UINT64_C(0xfedcba9876543210);
	r.dataset = 81;
	r.use_case = 82;
	r.upstream_us = 83;
	r.queue_us = 84;
	return (r);
}

static void
assert_same(const struct record *a, const struct record *b)
{
	struct record x = *a, y = *b;

	assert_true(str_eq(x.dict_text, y.dict_text));
	x.dict_text = y.dict_text = STR_NONE;
	/* The structs were zeroed before they were filled. */
	assert_memory_equal(&x, &y, sizeof(x));
}

static void
decodes_what_it_encodes_for_every_kind(void **state HUB_UNUSED)
{
	for (uint16_t kind = RECORD_ACCESS; kind <= RECORD_ABORT; kind++) {
		unsigned char raw[RECORD_LEN];
		struct record in = sample(kind), out = { 0 };

		record_encode(&in, raw);
		assert_int_equal(record_decode(raw, &out), HUB_OK);
		assert_same(&in, &out);
	}
}

/* Offset, length and bytes of every field: ledger.md, section 3. */
static void
fields_stand_where_the_table_says(void **state HUB_UNUSED)
{
	static const struct {
		size_t off;
		const char *hex;
	} cases[] = {
		{ 0, "55524c31" },
		{ 8, "0807060504030201" },
		{ 16, "12110100" },
		{ 20, "24232221" },
		{ 24, "303132333435363738393a3b3c3d3e3f" },
		{ 40, "404142434445464748494a4b4c4d4e4f" },
		{ 56, "18984edf2a5f0600" },
		{ 64, "40e20100" },
		{ 68, "ce000206" },
		{ 72, "3035393738303132" },
		{ 80, "3035393738303238" },
		{ 88, "7111010003000000" },
		{ 96, "01020043" },
		{ 100, "40420f00" },
		{ 104, "00f2052a01000000" },
		{ 112, "4d00000000000000" },
		{ 120, "505152535455565758595a5b5c5d5e5f" },
		{ 136, "606162636465666768696a6b6c6d6e6f" },
		{ 152, "00000100010002000200030003000400" },
		{ 168, "0500000000000000" },
		{ 176, "1032547698badcfe" },
		{ 184, "5100000052000000" },
		{ 192, "5300000054000000" },
		{ 200, "0000000000000000" },
	};
	struct record r = sample(RECORD_ACCESS);
	unsigned char raw[RECORD_LEN];

	record_encode(&r, raw);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char hex[33];

		hex_encode(raw + cases[i].off, strlen(cases[i].hex) / 2, hex);
		assert_string_equal(hex, cases[i].hex);
	}
}

static void
refuses_any_single_bit_changed(void **state HUB_UNUSED)
{
	struct record r = sample(RECORD_LEG), out;
	unsigned char raw[RECORD_LEN];

	record_encode(&r, raw);
	for (size_t bit = 0; bit < 8 * RECORD_LEN; bit++) {
		raw[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(record_decode(raw, &out), HUB_ESYNTAX);
		raw[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	assert_int_equal(record_decode(raw, &out), HUB_OK);
}

static void
reseal(unsigned char *raw)
{
	uint32_t crc = crc32c(raw + 8, RECORD_LEN - 8);

	for (int i = 0; i < 4; i++)
		raw[4 + i] = (unsigned char)(crc >> 8 * i);
}

/* A right checksum does not make these a record. */
static void
refuses_bad_kinds_and_reserved_bytes(void **state HUB_UNUSED)
{
	static const struct {
		uint16_t kind;
		size_t off;
		unsigned char value;
	} cases[] = {
		{ RECORD_ACCESS, 18, 0 },
		{ RECORD_ACCESS, 18, 9 },
		{ RECORD_ACCESS, 19, 1 },
		{ RECORD_ACCESS, 169, 1 },
		{ RECORD_ACCESS, 175, 1 },
		{ RECORD_ACCESS, 200, 1 },
		{ RECORD_ACCESS, 255, 1 },
		{ RECORD_DICT, 100, 151 },
		{ RECORD_DICT, 101, 1 },
		{ RECORD_DICT, 117, 'x' },
		{ RECORD_DICT, 255, 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record r = sample(cases[i].kind), out;
		unsigned char raw[RECORD_LEN];

		record_encode(&r, raw);
		raw[cases[i].off] = cases[i].value;
		reseal(raw);
		assert_int_equal(record_decode(raw, &out), HUB_ESYNTAX);
	}
}

static void
what_decodes_encodes_to_the_same_bytes(void **state HUB_UNUSED)
{
	unsigned char raw[RECORD_LEN], again[RECORD_LEN];
	struct record r;
	unsigned ok = 0;

	for (int i = 0; i < 20000; i++) {
		random_bytes(raw, sizeof(raw));
		memcpy(raw, "URL1", 4);
		raw[18] = (unsigned char)(raw[18] % 10);
		raw[19] = 0;
		memset(raw + 169, 0, 7);
		memset(raw + 200, 0, 56);
		reseal(raw);
		if (record_decode(raw, &r) != HUB_OK)
			continue;
		ok++;
		record_encode(&r, again);
		assert_memory_equal(raw, again, RECORD_LEN);
	}
	assert_true(ok > 1000);
}

static void
keeps_150_bytes_of_text(void **state HUB_UNUSED)
{
	struct record r = sample(RECORD_DICT), out = { 0 };
	unsigned char raw[RECORD_LEN];
	char text[150];

	memset(text, 'x', sizeof(text));
	r.dict_text = (struct str){ text, sizeof(text) };
	record_encode(&r, raw);
	assert_int_equal(record_decode(raw, &out), HUB_OK);
	assert_true(str_eq(out.dict_text, r.dict_text));
	r.dict_text = STR_NONE;
	record_encode(&r, raw);
	assert_int_equal(record_decode(raw, &out), HUB_OK);
	assert_int_equal(out.dict_text.len, 0);
}

/* RFC 3720, B.4. */
static void
crc32c_gives_the_published_values(void **state HUB_UNUSED)
{
	unsigned char p[32];

	assert_int_equal(crc32c("123456789", 9), 0xe3069283U);
	assert_int_equal(crc32c("", 0), 0);
	memset(p, 0, sizeof(p));
	assert_int_equal(crc32c(p, sizeof(p)), 0x8a9136aaU);
	memset(p, 0xff, sizeof(p));
	assert_int_equal(crc32c(p, sizeof(p)), 0x62a8ab43U);
	for (size_t i = 0; i < 32; i++)
		p[i] = (unsigned char)i;
	assert_int_equal(crc32c(p, sizeof(p)), 0x46dd794eU);
}

/* One record of each kind, as sample() gives them, written by the first
 * version: what stands on a disk must be readable by every later one. */
static void
reads_the_golden_file(void **state HUB_UNUSED)
{
	unsigned char raw[RECORD_LEN], again[RECORD_LEN];
	const char *src = getenv("HUB_SRCDIR");
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/tests/data/ledger-golden.bin",
	    src != NULL ? src : ".");
	f = fopen(path, "rb");
	assert_non_null(f);
	for (uint16_t kind = RECORD_ACCESS; kind <= RECORD_ABORT; kind++) {
		struct record want = sample(kind), got = { 0 };

		assert_int_equal(fread(raw, RECORD_LEN, 1, f), 1);
		assert_int_equal(record_decode(raw, &got), HUB_OK);
		assert_same(&want, &got);
		record_encode(&got, again);
		assert_memory_equal(raw, again, RECORD_LEN);
	}
	assert_int_equal(fgetc(f), EOF);
	(void)fclose(f);
}

/* ---- records as rows */

enum { COL_PERIOD = 0, COL_DAY = 4, COL_TS = 7, COL_HASH = 35, COLS = 41 };

struct row {
	const unsigned char *at[COLS];
	uint32_t len[COLS];
};

static uint64_t
number(const unsigned char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return (v);
}

/* The one row of a batch; the bytes are rs's. */
static void
row_of(struct rows *rs, const struct record *r, struct row *row)
{
	unsigned char raw[RECORD_LEN];
	const unsigned char *p, *end;

	record_encode(r, raw);
	rows_begin(rs);
	rows_add(rs, r, raw, 9);
	rows_end(rs);
	assert_int_equal(rs->n, 1);
	p = (const unsigned char *)rs->copy.p;
	end = p + rs->copy.len;
	assert_memory_equal(p, "PGCOPY\n\377\r\n\0", 11);
	p += 19;
	assert_int_equal(number(p, 2), COLS);
	p += 2;
	for (size_t i = 0; i < COLS; i++) {
		row->len[i] = (uint32_t)number(p, 4);
		row->at[i] = p + 4;
		p += 4 + row->len[i];
		assert_true(p < end);
	}
	assert_int_equal(number(p, 2), 0xffff);
	assert_ptr_equal(p + 2, end);
}

/* One after the other through the same cache, there and back. */
static void
a_row_has_the_german_day_and_month(void **state)
{
	static const char *const times[] = { "2026-10-31T22:59:59.999999Z",
		"2026-10-31T23:00:00Z", "2026-10-31T23:59:59Z",
		"2026-11-01T00:00:00Z", "2026-06-30T21:59:59Z",
		"2026-06-30T22:00:00Z", "2026-12-31T22:59:59Z",
		"2026-12-31T23:00:00Z", "2028-02-28T23:00:00Z",
		"2028-02-29T22:59:59Z", "2026-10-25T00:30:00Z",
		"2026-10-25T01:30:00Z", "2026-03-29T00:59:59Z",
		"2026-03-29T01:00:00Z", "1970-01-01T00:00:00Z",
		"2199-12-31T23:30:00Z" };
	const size_t n = sizeof(times) / sizeof(times[0]);
	struct record r = sample(RECORD_ACCESS);
	struct wall_us day, first, at;
	struct rows rs;
	struct row row;
	char text[16];
	int y, m, d;

	(void)state;
	rows_init(&rs);
	for (size_t i = 0; i < 2 * n; i++) {
		assert_int_equal(wall_parse(str_of(times[i < n ? i
		    : 2 * n - 1 - i]), &at), HUB_OK);
		r.start = at;
		row_of(&rs, &r, &row);
		wall_berlin_date(at, &y, &m, &d);
		(void)snprintf(text, sizeof(text), "%04d-%02d-%02d", y, m, d);
		assert_int_equal(wall_parse_date(str_of(text), &day), HUB_OK);
		(void)snprintf(text, sizeof(text), "%04d-%02d-01", y, m);
		assert_int_equal(wall_parse_date(str_of(text), &first), HUB_OK);
		assert_int_equal((int32_t)number(row.at[COL_DAY], 4),
		    day.us / WALL_DAY_US - 10957);
		assert_int_equal((int32_t)number(row.at[COL_PERIOD], 4),
		    first.us / WALL_DAY_US - 10957);
		assert_int_equal((int64_t)number(row.at[COL_TS], 8),
		    at.us - 10957 * WALL_DAY_US);
		assert_int_equal(rs.rolls.sums[0].key.day, d);
	}
	rows_clear(&rs);
}

static void
the_same_usage_at_another_place_has_the_same_hash(void **state)
{
	struct record r = sample(RECORD_ACCESS);
	unsigned char first[SHA256_LEN];
	struct rows rs;
	struct row row;

	(void)state;
	rows_init(&rs);
	row_of(&rs, &r, &row);
	assert_int_equal(row.len[COL_HASH], SHA256_LEN);
	memcpy(first, row.at[COL_HASH], SHA256_LEN);
	r.seq++;
	r.boot_epoch++;
	row_of(&rs, &r, &row);
	assert_memory_equal(first, row.at[COL_HASH], SHA256_LEN);
	r.queue_us++; /* the last field */
	row_of(&rs, &r, &row);
	assert_memory_not_equal(first, row.at[COL_HASH], SHA256_LEN);
	r.queue_us--;
	r.kind = RECORD_LEG; /* the first one */
	row_of(&rs, &r, &row);
	assert_memory_not_equal(first, row.at[COL_HASH], SHA256_LEN);
	rows_clear(&rs);
}

static void
rows_of_one_kind_are_one_sum(void **state)
{
	struct record r = sample(RECORD_ACCESS);
	unsigned char raw[RECORD_LEN];
	struct buf json;
	struct rows rs;

	(void)state;
	rows_init(&rs);
	buf_init(&json, 65536);
	rows_begin(&rs);
	memcpy(r.provider_ags, "\"\0\0\0\0\0\0\0", 8);
	for (unsigned i = 0; i < ROWS_MAX - 2; i++) {
		r.seq++;
		r.duration_us = i % 2 == 0 ? 5000 : 5001;
		r.decision = i % 4 == 0 ? DECISION_DENY : DECISION_PERMIT;
		record_encode(&r, raw);
		rows_add(&rs, &r, raw, 9);
	}
	r.purpose++;
	r.bytes_out = UINT64_MAX;
	for (unsigned i = 0; i < 2; i++)
		rows_add(&rs, &r, raw, 9);
	r.kind = RECORD_TICK;
	rows_add(&rs, &r, raw, 9); /* is none */
	rows_end(&rs);
	assert_int_equal(rs.n, ROWS_MAX);
	assert_int_equal(rs.rolls.n, 2);
	assert_int_equal(rs.rolls.sums[0].requests, 32766);
	assert_int_equal(rs.rolls.sums[0].denied, 8192);
	assert_int_equal(rs.rolls.sums[0].entities, 32766000000);
	assert_int_equal(rs.rolls.sums[0].hist[0], 16383);
	assert_int_equal(rs.rolls.sums[0].hist[1], 16383);
	assert_int_equal(rs.rolls.sums[1].bytes, INT64_MAX);
	rolls_json(&rs.rolls, &rs.open, 7, 9, &json);
	assert_non_null(strstr(buf_cstr(&json), "\"provider\":\"\\\"\","));
	assert_non_null(strstr(buf_cstr(&json), "\"requests\":32766,"));
	buf_clear(&json);
	rows_clear(&rs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_what_it_encodes_for_every_kind),
		cmocka_unit_test(fields_stand_where_the_table_says),
		cmocka_unit_test(refuses_any_single_bit_changed),
		cmocka_unit_test(refuses_bad_kinds_and_reserved_bytes),
		cmocka_unit_test(what_decodes_encodes_to_the_same_bytes),
		cmocka_unit_test(keeps_150_bytes_of_text),
		cmocka_unit_test(crc32c_gives_the_published_values),
		cmocka_unit_test(reads_the_golden_file),
		cmocka_unit_test(a_row_has_the_german_day_and_month),
		cmocka_unit_test(
		    the_same_usage_at_another_place_has_the_same_hash),
		cmocka_unit_test(rows_of_one_kind_are_one_sum),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
