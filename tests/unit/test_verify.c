/* tests/unit/test_verify.c - hubverify's own hashes, dates and readers; it
 * shares nothing with what it checks, so this file does not either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/hubverify/verify.h"

static void
leaves_of(unsigned char (*hashes)[HASH_LEN], size_t n)
{
	unsigned char leaf[LEAF_LEN];

	for (size_t i = 0; i < n; i++) {
		memset(leaf, (int)(i & 255), sizeof(leaf));
		leaf_hash(leaf, sizeof(leaf), hashes[i]);
	}
}

/* T47: ledger.md 5.1 */
static void
hashes_of_the_test_vector_are_equal(void **state)
{
	unsigned char hashes[3][HASH_LEN], genesis[HASH_LEN], root[HASH_LEN];
	unsigned char block[HASH_LEN];
	char hex[HEX_LEN];

	(void)state;
	leaves_of(hashes, 3);
	genesis_hash(genesis);
	hex_write(genesis, HASH_LEN, hex);
	assert_string_equal(hex, "b6d3aba598f054e3e31eaaf6fa3684fbca49ccac1a70"
	    "da5562a1acb62763cd24");
	tree_root((const unsigned char (*)[HASH_LEN])hashes, 3, root);
	hex_write(root, HASH_LEN, hex);
	assert_string_equal(hex, "3ea2af0cc32728e4bc58fcd74b2431774bda22ad47d8"
	    "605a3a0027a8792a51bc");
	block_hash(1, genesis, INGEST, root, block);
	hex_write(block, HASH_LEN, hex);
	assert_string_equal(hex, "486a9a4a90fe10a3e80d35b92329331cf2746bc455e8"
	    "f171ccd30982714a79c7");
}

/* For every leaf of every small tree the path leads to the root, and to no
 * root as that of another place, or with a bit changed. */
static void
a_path_proves_its_leaf_and_no_other(void **state)
{
	enum { MAX = 70 };
	unsigned char hashes[MAX][HASH_LEN], path[64][HASH_LEN];
	unsigned char root[HASH_LEN], got[HASH_LEN];
	const unsigned char (*list)[HASH_LEN] =
	    (const unsigned char (*)[HASH_LEN])hashes;

	(void)state;
	leaves_of(hashes, MAX);
	for (size_t n = 1; n <= MAX; n++) {
		tree_root(list, n, root);
		for (size_t i = 0; i < n; i++) {
			unsigned len = tree_path(list, n, i, path);
			const unsigned char (*steps)[HASH_LEN] =
			    (const unsigned char (*)[HASH_LEN])path;

			assert_true(path_root(hashes[i], i, n, steps, len,
			    got));
			assert_memory_equal(got, root, HASH_LEN);
			if (n > 1) {
				assert_false(path_root(hashes[i], i, n, steps,
					len - 1, got) &&
				    memcmp(got, root, HASH_LEN) == 0);
				assert_false(path_root(hashes[i], (i + 1) % n,
					n, steps, len, got) &&
				    memcmp(got, root, HASH_LEN) == 0);
				path[len / 2][3] ^= 4;
				assert_false(path_root(hashes[i], i, n, steps,
					len, got) &&
				    memcmp(got, root, HASH_LEN) == 0);
			}
			assert_false(path_root(hashes[i], n, n, steps, len,
			    got));
		}
	}
}

static void
reads_fields_in_one_form_only(void **state)
{
	static const char *const bad[] = { "", "-", "01", "+1", " 1", "1 ",
		"1a", "18446744073709551616", "-0", "-1" };
	static const char *const days[] = { "2026-02-29", "2026-13-01",
		"2026-1-01", "2026-06-31", "26-06-01", "2026-06-0x", "" };
	unsigned char id[16];
	int32_t day;
	uint64_t v;
	int64_t i;

	(void)state;
	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
		assert_false(read_uint(bad[k], UINT64_MAX, &v));
	assert_true(read_uint("18446744073709551615", UINT64_MAX, &v));
	assert_false(read_uint("256", 255, &v));
	assert_true(read_int("-9223372036854775808", &i));
	assert_true(i == INT64_MIN);
	assert_false(read_int("9223372036854775808", &i));
	assert_false(read_int("-0", &i));
	for (size_t k = 0; k < sizeof(days) / sizeof(days[0]); k++)
		assert_false(read_date(days[k], &day));
	assert_true(read_date("1970-01-02", &day));
	assert_int_equal(day, 1);
	assert_true(read_uuid("00112233-4455-6677-8899-aabbccddeeff", id));
	assert_false(read_uuid("00112233-4455-6677-8899-aabbccddeefF", id));
	assert_false(read_uuid("00112233-4455-6677-8899+aabbccddeeff", id));
}

/* T26, T27: the German day, around midnight and where summer time ends. */
static void
knows_the_german_day(void **state)
{
	static const struct {
		int64_t us;
		const char *day;
	} cases[] = {
		{ INT64_C(1793487599999000), "2026-10-31" },
		{ INT64_C(1793487600000000), "2026-11-01" },
		{ INT64_C(1792881000000000), "2026-10-24" }, /* 22:30 UTC */
		{ INT64_C(1792967400000000), "2026-10-25" }, /* 22:30 UTC */
		{ INT64_C(1782856800000000), "2026-07-01" }, /* 22:00 UTC */
		{ INT64_C(1782856799999999), "2026-06-30" },
	};
	int32_t day;

	(void)state;
	/* The first of those in October is still summer time: 00:30. */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(read_date(cases[i].day, &day));
		assert_int_equal(german_day(cases[i].us), day +
		    (cases[i].us == INT64_C(1792881000000000)));
	}
}

static const char *text_left;

static ptrdiff_t
one_byte(void *from, const char **p)
{
	(void)from;
	*p = text_left;
	return (*text_left != '\0' ? (text_left++, 1) : 0);
}

static void
reads_rows_as_postgresql_writes_them(void **state)
{
	static const struct {
		const char *text;
		enum csv_next want;
		unsigned n;
	} cases[] = {
		{ "a,b\n", CSV_ROW, 2 },
		{ ",\n", CSV_ROW, 2 },
		{ "\"\",\"a,\"\"b\n\"\n", CSV_ROW, 2 },
		{ "", CSV_END, 0 },
		{ "a", CSV_BAD, 0 },		/* no line feed */
		{ "\"a\"\n", CSV_BAD, 0 },	/* quotes without need */
		{ "\"a,b\n", CSV_BAD, 0 },
		{ "\"a,\"b\n", CSV_BAD, 0 },
		{ "a\"b\n", CSV_BAD, 0 },
		{ "a\r\n", CSV_BAD, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct csv c = { .more = one_byte };

		text_left = cases[i].text;
		assert_int_equal(csv_next(&c), cases[i].want);
		if (cases[i].want == CSV_ROW)
			assert_int_equal(c.n, cases[i].n);
		csv_clear(&c);
	}
}

/* A time that no German day belongs to: beyond what can be added to. */
static void
a_row_of_the_year_292277_has_no_day(void **state)
{
	static const int64_t times[] = { INT64_MAX, INT64_MAX - 1, -1,
		INT64_C(253402300800000000) };
	unsigned char leaf[LEAF_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct event e = { .at = times[i], .kind = 1,
			.class = "access", .consumer = "1", .provider = "1" };

		assert_string_equal(event_leaf(&e, leaf), "service_day");
	}
}

#define KEYS ",booked_period,class,consumer,provider,agreement,purpose,"       \
	"dataset,types,operation,requests,denied,entities,bytes,units,"       \
	"latency_hist\n"

static void
file_write(const char *dir, const char *name, const char *a, const char *b)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(a, f) >= 0 && fputs(b, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* An export of nothing but these sums; how many findings there are. */
static unsigned
findings(struct rolls *rolls, const char *sums)
{
	char dir[] = "/tmp/test_verify.XXXXXX", path[256];
	struct say say = { .out = stdout, .err = stderr, .quiet = true };
	struct chain chain = { .names = names_new() };
	static const char *const names[] = { "audit.json", "usage_day.csv",
		"usage_month.csv" };
	struct source *src;

	assert_non_null(mkdtemp(dir));
	file_write(dir, names[0], "{\"files\":{},\"month\":\"\",",
	    "\"format\":\"drehscheibe-audit/3\"}");
	file_write(dir, names[1], "day" KEYS, sums);
	file_write(dir, names[2], "service_period" KEYS, sums);
	src = source_open(NULL, dir, &say);
	assert_non_null(src);
	rolls_check(rolls, &chain, src, NULL, &say);
	assert_false(say.blind);
	source_close(src);
	chain_clear(&chain);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(dir), 0);
	return (say.findings);
}

/* Sums that went round once more would be those of other rows. */
static void
a_sum_that_overflows_is_no_other_sum(void **state)
{
	static const struct {
		uint64_t bytes[4];
		const char *row;
		unsigned findings;
	} cases[] = {
		{ { 1, 2, 3, 4 }, "10", 0 },
		{ { 1, 2, 3, 4 }, "11", 2 },
		{ { INT64_MAX, INT64_MAX, INT64_MAX, 13 }, "12", 2 },
	};
	char sums[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rolls *rolls = rolls_new();

		for (size_t k = 0; k < 4; k++) {
			struct event e = { .class = "access",
				.consumer = "1", .provider = "2",
				.decision = 1, .operation = 1,
				.bytes_out = cases[i].bytes[k] };

			assert_true(read_date("2026-11-01", &e.day));
			e.booked = e.day;
			rolls_add(rolls, &e);
		}
		(void)snprintf(sums, sizeof(sums), "2026-11-01,2026-11-01,"
		    "access,1,2,\"\",\"\",\"\",\"\",1,4,0,0,%s,0,"
		    "4 0 0 0 0 0 0 0 0 0\n", cases[i].row);
		assert_int_equal(findings(rolls, sums), cases[i].findings);
		rolls_free(rolls);
	}
}

/* P15: a digest is valid in one form only, to the bit. */
static void
refuses_a_digest_with_any_bit_changed(void **state)
{
	static const char secret[32] = "0123456789abcdef0123456789abcdef";
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
	    (const unsigned char *)secret, 32);
	static const char rest[] = "{\"block\":12,\"hash\":\"%064d\",\"hub\":"
	    "\"hub.example\",\"key\":\"%s\"";
	unsigned char raw[32], sum[HASH_LEN], sig[64];
	char id[17], head[400], text[800], hex[129], content[800];
	size_t n = 32, len;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct digest d;

	(void)state;
	assert_int_equal(EVP_PKEY_get_raw_public_key(key, raw, &n), 1);
	sha256_of(raw, 32, sum);
	hex_write(sum, 8, id);
	(void)snprintf(head, sizeof(head), rest, 0, id);
	(void)snprintf(content, sizeof(content), "drehscheibe digest/1\n%s,"
	    "\"time\":\"2026-11-23T01:00:00Z\"}", head);
	n = 64;
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &n,
	    (const unsigned char *)content, strlen(content)), 1);
	hex_write(sig, 64, hex);
	(void)snprintf(text, sizeof(text), "%s,\"signature\":\"%s\",\"time\":"
	    "\"2026-11-23T01:00:00Z\"}\n", head, hex);
	len = strlen(text);
	assert_null(digest_read(text, len, key, &d));
	assert_int_equal(d.block, 12);
	for (size_t i = 0; i < 8 * len; i++) {
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
		assert_non_null(digest_read(text, len, key, &d));
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
	}
	assert_non_null(digest_read(text, len - 1, key, &d));
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_of_the_test_vector_are_equal),
		cmocka_unit_test(a_path_proves_its_leaf_and_no_other),
		cmocka_unit_test(reads_fields_in_one_form_only),
		cmocka_unit_test(knows_the_german_day),
		cmocka_unit_test(reads_rows_as_postgresql_writes_them),
		cmocka_unit_test(a_row_of_the_year_292277_has_no_day),
		cmocka_unit_test(a_sum_that_overflows_is_no_other_sum),
		cmocka_unit_test(refuses_a_digest_with_any_bit_changed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
