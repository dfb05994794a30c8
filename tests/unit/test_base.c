/* tests/unit/test_base.c - strings, buffers, arenas, clocks, ids and money:
 * what every layer above relies on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/arena.h"
#include "server/base/budget.h"
#include "server/base/buf.h"
#include "server/base/clock.h"
#include "server/base/hash.h"
#include "server/base/log.h"
#include "server/base/money.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- str */

static void
reads_whole_numbers_and_nothing_else(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		enum hub_err err;
		uint64_t value;
	} cases[] = {
		{ "0", 0, HUB_OK, 0 },
		{ "007", 10, HUB_OK, 7 },
		{ "18446744073709551615", UINT64_MAX, HUB_OK, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, HUB_ERANGE, 0 },
		{ "99999999999999999999999", UINT64_MAX, HUB_ERANGE, 0 },
		{ "11", 10, HUB_ERANGE, 0 },
		{ "", 10, HUB_ESYNTAX, 0 },
		{ "+1", 10, HUB_ESYNTAX, 0 },
		{ "-1", 10, HUB_ESYNTAX, 0 },
		{ " 1", 10, HUB_ESYNTAX, 0 },
		{ "1 ", 10, HUB_ESYNTAX, 0 },
		{ "0x1", 10, HUB_ESYNTAX, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t v = 4711;

		assert_int_equal(str_uint(str_of(cases[i].text), cases[i].max,
				     &v), cases[i].err);
		assert_true(v == (cases[i].err == HUB_OK ? cases[i].value :
							  4711));
	}
}

static void
reads_signed_numbers_within_their_range(void **state)
{
	static const struct {
		const char *text;
		enum hub_err err;
		int64_t value;
	} cases[] = {
		{ "-5", HUB_OK, -5 },
		{ "-0", HUB_OK, 0 },
		{ "9", HUB_OK, 9 },
		{ "-6", HUB_ERANGE, 0 },
		{ "10", HUB_ERANGE, 0 },
		{ "--5", HUB_ESYNTAX, 0 },
		{ "-", HUB_ESYNTAX, 0 },
		{ "9223372036854775808", HUB_ERANGE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t v = 0;

		assert_int_equal(str_int(str_of(cases[i].text), -5, 9, &v),
		    cases[i].err);
		assert_true(v == cases[i].value);
	}
}

static void
copies_bytes(void **state)
{
	char room[8], *to = room, *copy = str_dup(STR("a\0b"));
	struct str first, none;

	(void)state;
	assert_memory_equal(copy, "a\0b", 4); /* and the NUL behind */
	free(copy);
	first = str_put(&to, STR("ab"));
	none = str_put(&to, STR_NONE);
	assert_true(str_eq(first, STR("ab")) && first.p == room);
	assert_true(none.len == 0 && to == room + 2);
}

static void
reads_hexadecimal_digits(void **state)
{
	static const char digits[] = "0123456789abcdef", upper[] = "ABCDEF";

	(void)state;
	for (int i = 0; i < 16; i++)
		assert_int_equal(hex_digit(digits[i]), i);
	for (int i = 0; i < 6; i++)
		assert_int_equal(hex_digit(upper[i]), 10 + i);
	for (const char *c = "/:@G`g \xff"; *c != '\0'; c++)
		assert_int_equal(hex_digit(*c), -1);
	assert_int_equal(hex_digit('\0'), -1);
}

static void
matches_globs(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} cases[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "a*", "a", true },
		{ "a*", "ba", false },
		{ "*a", "bba", true },
		{ "a*b*c", "axxbyyc", true },
		{ "a*b*c", "axxcyyb", false },
		{ "*ab", "aab", true },
		{ "**", "x", true },
		{ "a.c", "abc", false },
		{ "urn:a:*", "urn:a:", true },
		{ "urn:a:*", "urn:A:1", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_true(str_glob(str_of(cases[i].pattern),
				str_of(cases[i].text)) == cases[i].match);
}

static void
accepts_only_well_formed_utf8(void **state)
{
	static const struct {
		struct str text;
		bool good;
	} cases[] = {
		{ { "", 0 }, true },
		{ { "abcdefghi", 9 }, true },
		{ { "abcdefg\xc3\xa4", 9 }, true },
		{ { "\0", 1 }, true },
		{ { "\xf0\x9f\x92\xa7", 4 }, true },
		{ { "\xf4\x8f\xbf\xbf", 4 }, true },
		{ { "\xf4\x90\x80\x80", 4 }, false }, /* past U+10FFFF */
		{ { "\xed\xa0\x80", 3 }, false },     /* a surrogate */
		{ { "\xc0\xaf", 2 }, false },	      /* overlong */
		{ { "\xe0\x80\xaf", 3 }, false },
		{ { "\xf0\x80\x80\xaf", 4 }, false },
		{ { "\xc3", 1 }, false }, /* cut */
		{ { "\xe2\x82", 2 }, false },
		{ { "\xf0\x9f\x92", 3 }, false },
		{ { "\x80", 1 }, false },
		{ { "\xff", 1 }, false },
		{ { "abcdefgh\xff", 9 }, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_true(str_utf8(cases[i].text) == cases[i].good);
}

static void
cuts_an_empty_string_into_one_part(void **state)
{
	struct str rest = STR("a,,b,"), part = STR_NONE, empty = STR("");
	const char *want[] = { "a", "", "b", "" };
	size_t n = 0;

	(void)state;
	while (str_cut(&rest, ',', &part)) {
		assert_true(n < COUNT(want));
		assert_true(str_eq(part, str_of(want[n++])));
	}
	assert_int_equal(n, COUNT(want));
	assert_true(str_cut(&empty, ',', &part));
	assert_false(str_cut(&empty, ',', &part));
}

static void
orders_a_prefix_before_what_it_begins(void **state)
{
	(void)state;
	assert_true(str_cmp(STR("a"), STR("ab")) < 0);
	assert_true(str_cmp(STR("b"), STR("ab")) > 0);
	assert_true(str_cmp(STR("\xc3"), STR("z")) > 0); /* bytes, unsigned */
	assert_int_equal(str_cmp(STR_NONE, STR("")), 0);
	assert_true(str_caseeq(STR("Via"), STR("vIA")));
	assert_false(str_caseeq(STR("k"), STR("\x0b")));
	assert_int_equal(str_distance(STR("headr"), STR("header")), 1);
	assert_int_equal(str_distance(STR(""), STR("abc")), 3);
	assert_true(str_eq(str_trim(STR(" \ta b\t ")), STR("a b")));
}

/* ---- buf, arena */

static void
stops_at_its_ceiling_and_stays_failed(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	BUF_LIT(&b, "abc");
	BUF_LIT(&b, "de");
	assert_true(b.failed);
	buf_addc(&b, 'f'); /* would fit */
	assert_true(b.failed);
	assert_string_equal(buf_cstr(&b), "abc");
	buf_reset(&b);
	buf_addf(&b, "%s", "wxyz"); /* its NUL does not count */
	assert_false(b.failed);
	assert_string_equal(buf_cstr(&b), "wxyz");
	assert_false(b.failed);
	buf_addf(&b, "%s", "!");
	assert_true(b.failed);
	buf_clear(&b);
	assert_string_equal(buf_cstr(&b), "");
	buf_clear(&b);
}

static void
prints_text_of_any_length(void **state)
{
	static const int lengths[] = { 0, 1, 254, 255, 256, 257, 5000 };
	struct arena *a = arena_new();
	struct buf b;

	(void)state;
	buf_init(&b, 5000);
	for (size_t i = 0; i < COUNT(lengths); i++) {
		const char *text = arena_printf(a, "%*s", lengths[i], "");

		assert_int_equal(strlen(text), lengths[i]);
		buf_reset(&b);
		buf_addf(&b, "%*s", lengths[i], "");
		assert_false(b.failed);
		assert_string_equal(buf_cstr(&b), text);
	}
	buf_addf(&b, "%5001s", "");
	assert_true(b.failed);
	assert_int_equal(b.len, 5000); /* it keeps what it has */
	buf_clear(&b);
	arena_free(a);
}

static void
escapes_json_and_urls(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	buf_add_json(&b, STR("a\"b\\c\n\x01\x7f\xc3\xa4/\0."));
	assert_string_equal(buf_cstr(&b),
	    "\"a\\\"b\\\\c\\u000a\\u0001\x7f\xc3\xa4/\\u0000.\"");
	buf_reset(&b);
	buf_add_url(&b, STR("urn:x:\xc3\xa4 &\0~a/%"), ":");
	assert_string_equal(buf_cstr(&b), "urn:x:%C3%A4%20%26%00~a%2F%25");
	buf_reset(&b);
	buf_addu(&b, UINT64_MAX);
	buf_addu(&b, 0);
	assert_string_equal(buf_cstr(&b), "184467440737095516150");
	buf_clear(&b);
}

/* Blocks of sixteen and of eight bytes are looked at together. */
static void
escapes_wherever_it_stands(void **state)
{
	static const char marks[] = { '"', '\\', '\n', '\0', 0x1f };
	char text[48];
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	for (size_t len = 1; len <= sizeof(text); len++)
		for (size_t at = 0; at < len; at++)
			for (size_t m = 0; m < sizeof(marks); m++) {
				memset(text, 'a' + (int)(at % 2), len);
				text[len - 1] = (char)0xff;
				text[at] = marks[m];
				buf_reset(&b);
				buf_add_json(&b, (struct str){ text, len });
				assert_int_equal(b.p[1 + at], '\\');
				assert_int_equal(b.len, len + 2 +
				    (m < 2 ? 1 : 5));
			}
	buf_clear(&b);
}

static void
gives_zeroed_aligned_memory_again_and_again(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	for (size_t round = 0; round < 3; round++) {
		for (size_t n = 0; n < 3000; n += 7) {
			unsigned char *p = arena_alloc(a, n);

			assert_int_equal((uintptr_t)p % 16, 0);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(p[i], 0);
			memset(p, 0xff, n);
		}
		memset(arena_raw(a, 3000000), 0xff, 3000000);
		assert_true(arena_used(a) > 3000000);
		arena_reset(a);
		assert_int_equal(arena_used(a), 0);
	}
	assert_string_equal(arena_str(a, STR_NONE).p, "");
	assert_string_equal(arena_str(a, STR("xyz")).p, "xyz");
	arena_free(a);
	arena_free(NULL);
}

/* ---- clock */

static void
reads_times_as_instants(void **state)
{
	static const struct {
		const char *text;
		enum hub_err err;
		int64_t us;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", HUB_OK, 0 },
		{ "1970-01-01T01:00:00+01:00", HUB_OK, 0 },
		{ "1969-12-31T23:59:59.5Z", HUB_OK, -500000 },
		{ "2026-11-22T17:45:00Z", HUB_OK, 1795369500000000 },
		{ "2026-11-22T17:45:00.000Z", HUB_OK, 1795369500000000 },
		{ "2026-11-22T17:45:00.1234569Z", HUB_OK, 1795369500123456 },
		{ "2026-11-22t17:45:00,1z", HUB_OK, 1795369500100000 },
		{ "2028-02-29T00:00:00Z", HUB_OK, 1835395200000000 },
		{ "2026-02-29T00:00:00Z", HUB_ERANGE, 0 },
		{ "2100-02-29T00:00:00Z", HUB_ERANGE, 0 },
		{ "2026-13-01T00:00:00Z", HUB_ERANGE, 0 },
		{ "2026-00-01T00:00:00Z", HUB_ERANGE, 0 },
		{ "0000-01-01T00:00:00Z", HUB_ERANGE, 0 },
		{ "2026-01-01T24:00:00Z", HUB_ERANGE, 0 },
		{ "2026-01-01T00:60:00Z", HUB_ERANGE, 0 },
		{ "2026-01-01T00:00:00+24:00", HUB_ERANGE, 0 },
		{ "2026-01-01", HUB_ESYNTAX, 0 },
		{ "2026-01-01T00:00:00", HUB_ESYNTAX, 0 },
		{ "2026-01-01T00:00:00.Z", HUB_ESYNTAX, 0 },
		{ "2026-01-01T00:00:00+0100", HUB_ESYNTAX, 0 },
		{ "2026-01-01 00:00:00Z", HUB_ESYNTAX, 0 },
		{ "2026-01-01T00:00:00Zx", HUB_ESYNTAX, 0 },
		{ "+026-01-01T00:00:00Z", HUB_ESYNTAX, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct wall_us w = { 42 };
		enum hub_err err = wall_parse(str_of(cases[i].text), &w);

		if (err != cases[i].err || (err == HUB_OK &&
			w.us != cases[i].us))
			fail_msg("%s: %s, %lld", cases[i].text,
			    hub_err_str(err), (long long)w.us);
	}
}

static void
prints_what_it_reads(void **state)
{
	static const char *const cases[] = { "1970-01-01T00:00:00.000000Z",
		"2026-11-22T17:45:00.123456Z", "1969-12-31T23:59:59.999999Z",
		"2000-02-29T12:00:00.000001Z", "9999-12-31T23:59:59.999999Z",
		"0001-01-01T00:00:00.000000Z" };
	char text[WALL_STR_MAX];
	struct wall_us w;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(wall_parse(str_of(cases[i]), &w), HUB_OK);
		wall_format(w, text);
		assert_string_equal(text, cases[i]);
	}
}

static void
begins_german_days_at_german_midnight(void **state)
{
	static const struct {
		const char *day, *begins;
	} cases[] = {
		{ "2026-01-15", "2026-01-14T23:00:00.000000Z" },
		{ "2026-07-15", "2026-07-14T22:00:00.000000Z" },
		{ "2026-03-29", "2026-03-28T23:00:00.000000Z" },
		{ "2026-03-30", "2026-03-29T22:00:00.000000Z" },
		{ "2026-10-25", "2026-10-24T22:00:00.000000Z" },
		{ "2026-10-26", "2026-10-25T23:00:00.000000Z" },
	};
	char text[WALL_STR_MAX];
	struct wall_us day;
	int y, m, d;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char date[32];

		assert_int_equal(wall_parse_date(str_of(cases[i].day), &day),
		    HUB_OK);
		day = wall_berlin_day(day);
		wall_format(day, text);
		assert_string_equal(text, cases[i].begins);
		wall_berlin_date(day, &y, &m, &d);
		(void)snprintf(date, sizeof(date), "%04d-%02d-%02d", y, m, d);
		assert_string_equal(date, cases[i].day);
		wall_berlin_date((struct wall_us){ day.us - 1 }, &y, &m, &d);
		(void)snprintf(date, sizeof(date), "%04d-%02d-%02d", y, m, d);
		assert_string_not_equal(date, cases[i].day);
	}
}

/* ---- hash, money */

static void
decodes_strict_base64url_only(void **state)
{
	static const struct {
		const char *text;
		enum hub_err err;
		const char *hex;
	} cases[] = {
		{ "", HUB_OK, "" },
		{ "AA", HUB_OK, "00" },
		{ "-_8", HUB_OK, "fbff" },
		{ "Zm9v", HUB_OK, "666f6f" },
		{ "AB", HUB_ESYNTAX, NULL }, /* unused bits */
		{ "A", HUB_ESYNTAX, NULL },
		{ "AA==", HUB_ESYNTAX, NULL },
		{ "+/8", HUB_ESYNTAX, NULL },
		{ "Zm 9", HUB_ESYNTAX, NULL },
	};
	unsigned char out[B64URL_MAX(8)];
	char hex[2 * sizeof(out) + 1];
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(b64url_decode(str_of(cases[i].text), out,
				     &len), cases[i].err);
		if (cases[i].err != HUB_OK)
			continue;
		hex_encode(out, len, hex);
		assert_string_equal(hex, cases[i].hex);
	}
}

static void
numbers_ids_so_that_they_rise(void **state)
{
	char text[UUID_STR_MAX], before[UUID_STR_MAX] = "";
	struct uuid u, back;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		/* the clock stands, then steps back */
		u = uuid7((struct wall_us){ INT64_C(1795369500000000) -
		    (i > 500 ? 1000000 : 0) });
		uuid_format(&u, text);
		assert_true(strcmp(before, text) < 0);
		assert_int_equal(text[14], '7');
		assert_non_null(strchr("89ab", text[19]));
		assert_int_equal(uuid_parse(str_of(text), &back), HUB_OK);
		assert_memory_equal(&u, &back, sizeof(u));
		memcpy(before, text, sizeof(text));
	}
	assert_int_equal(uuid_parse(STR("00000000-0000-0000-0000-00000000000"),
			     &u), HUB_ESYNTAX);
	assert_int_equal(uuid_parse(STR("00000000-0000-0000-0000-00000000000g"),
			     &u), HUB_ESYNTAX);
	assert_int_equal(uuid_parse(STR("000000000000000000000000000000000000"),
			     &u), HUB_ESYNTAX);
}

static void
hashes_the_known_text(void **state)
{
	unsigned char out[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];

	(void)state;
	sha256(STR("abc"), out);
	hex_encode(out, sizeof(out), hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
				 "b00361a396177a9cb410ff61f20015ad");
	sha256(STR_NONE, out);
	hex_encode(out, sizeof(out), hex);
	assert_memory_equal(hex, "e3b0c442", 8);
	assert_true(hash_str(STR("abcdefgh1")) == hash_str(STR("abcdefgh1")));
	assert_true(hash_str(STR("abcdefgh1")) != hash_str(STR("abcdefgh2")));
	assert_true(hash_fast(STR("")) != hash_fast(STR("\0")));
	assert_true(mem_eq_const("abc", "abc", 3));
	assert_false(mem_eq_const("abc", "abd", 3));
}

static void
reads_money_without_rounding(void **state)
{
	static const struct {
		const char *text;
		enum hub_err err;
		int64_t cents;
	} cases[] = {
		{ "0", HUB_OK, 0 },
		{ "55000", HUB_OK, 5500000 },
		{ "55000.0", HUB_OK, 5500000 },
		{ "55000.05", HUB_OK, 5500005 },
		{ "10000000000.00", HUB_OK, MONEY_MAX_CENTS },
		{ "10000000000.01", HUB_ERANGE, 0 },
		{ "10000000001", HUB_ERANGE, 0 },
		{ "1.005", HUB_ESYNTAX, 0 },
		{ "1.", HUB_ESYNTAX, 0 },
		{ ".5", HUB_ESYNTAX, 0 },
		{ "-1", HUB_ESYNTAX, 0 },
		{ "1e3", HUB_ESYNTAX, 0 },
		{ "1.0.0", HUB_ESYNTAX, 0 },
		{ "1,50", HUB_ESYNTAX, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct money m = { -1 };

		assert_int_equal(money_parse(str_of(cases[i].text), &m),
		    cases[i].err);
		assert_true(m.cents == (cases[i].err == HUB_OK ?
			cases[i].cents : -1));
	}
}

/* ---- log */

static void
read_all(const char *path, char *text, size_t max)
{
	FILE *f = fopen(path, "re");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, max - 1, f);
	text[n] = '\0';
	(void)fclose(f);
}

static void
keeps_one_line_one_line_and_follows_its_file(void **state)
{
	char folder[] = "/tmp/test_base.XXXXXX", text[8192];
	char path[64], moved[64], *big = xcalloc(1, 5000);

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/log", folder);
	(void)snprintf(moved, sizeof(moved), "%s/log.1", folder);
	assert_int_equal(log_open(path), HUB_OK);
	log_info("first", "who=%s", "a\nts=forged level=err\r\x7f");
	log_info("quoted", "why=\"no table \"x\" here\" id=\"\" name=\"\"a\"\"");
	log_debug("not at this level", NULL);
	memset(big, 'x', 4999);
	log_warn("long", "what=%s", big);
	assert_int_equal(rename(path, moved), 0);
	log_info("before", NULL);
	assert_int_equal(log_open(path), HUB_OK); /* USR1 */
	log_info("after", NULL);
	assert_int_equal(log_open("/nonexistent/log"), HUB_EIO);
	log_info("still", NULL);
	assert_int_equal(log_open(NULL), HUB_OK);

	read_all(moved, text, sizeof(text));
	assert_non_null(strstr(text,
	    "level=info msg=\"first\" who=a?ts=forged level=err??\n"));
	assert_non_null(strstr(text,
	    "why=\"no table 'x' here\" id=\"\" name=\"'a'\"\n"));
	assert_null(strstr(text, "not at this level"));
	assert_true(strlen(strstr(text, "long")) < 2200); /* cut */
	assert_non_null(strstr(text, "msg=\"before\"\n"));
	assert_null(strstr(text, "after"));
	read_all(path, text, sizeof(text));
	assert_non_null(strstr(text, "msg=\"after\"\n"));
	assert_non_null(strstr(text, "msg=\"still\"\n"));
	(void)unlink(path);
	(void)unlink(moved);
	(void)rmdir(folder);
	free(big);
}

/* ---- budgets */

static void
lets_no_party_hold_more_than_it_leaves(void **state)
{
	/* n parties that take all they can, in steps of one; what each has
	 * then, and what is left. */
	static const struct {
		unsigned n;
		size_t max, each, left;
	} cases[] = {
		{ 1, 100, 50, 50 },
		{ 2, 99, 33, 33 },
		{ 3, 100, 25, 25 },
		{ 9, 1000, 100, 100 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct budget b = { .max = cases[i].max };
		struct budget_share shares[9] = { 0 };
		struct budget_claim claims[9] = { 0 };
		bool more = true;

		for (unsigned p = 0; p < cases[i].n; p++)
			claims[p] = (struct budget_claim){ &b, &shares[p], 0,
				SIZE_MAX };
		while (more) {
			more = false;
			for (unsigned p = 0; p < cases[i].n; p++)
				more |= budget_take(&claims[p], 1) == HUB_OK;
		}
		for (unsigned p = 0; p < cases[i].n; p++)
			assert_in_range(claims[p].held, cases[i].each - 1,
			    cases[i].each + 1);
		assert_in_range(b.max - b.used, cases[i].left - 1,
		    cases[i].left + 1);
		for (unsigned p = 0; p < cases[i].n; p++)
			budget_end(&claims[p]);
		assert_int_equal(b.used, 0);
		assert_int_equal(shares[0].used, 0);
	}
}

static void
refuses_a_claim_whole(void **state)
{
	struct budget b = { .max = 100 };
	struct budget_share s = { 0 };
	struct budget_claim c = { &b, &s, 0, 40 }, free_ = { .max = 7 };

	(void)state;
	assert_int_equal(budget_take(&c, 41), HUB_EFULL);
	assert_int_equal(budget_take(&c, 30), HUB_OK);
	assert_int_equal(budget_take(&c, 11), HUB_EFULL);
	assert_int_equal(b.used, 30);
	c.max = SIZE_MAX;
	assert_int_equal(budget_take(&c, 21), HUB_EAGAIN); /* 51 of 49 left */
	assert_int_equal(budget_take(&c, 101), HUB_EAGAIN);
	assert_int_equal(budget_take(&c, SIZE_MAX - 30), HUB_EAGAIN);
	assert_int_equal(b.used, 30);
	assert_int_equal(s.used, 30);
	assert_int_equal(budget_take(&c, 20), HUB_OK);
	budget_give(&c, 50);
	assert_int_equal(b.used, 0);
	/* Without a budget only its own ceiling counts; without a claim
	 * nothing does. */
	assert_int_equal(budget_take(&free_, 7), HUB_OK);
	assert_int_equal(budget_take(&free_, 1), HUB_EFULL);
	budget_end(&free_);
	assert_int_equal(budget_take(NULL, SIZE_MAX), HUB_OK);
	budget_give(NULL, SIZE_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_whole_numbers_and_nothing_else),
		cmocka_unit_test(reads_signed_numbers_within_their_range),
		cmocka_unit_test(copies_bytes),
		cmocka_unit_test(reads_hexadecimal_digits),
		cmocka_unit_test(matches_globs),
		cmocka_unit_test(accepts_only_well_formed_utf8),
		cmocka_unit_test(cuts_an_empty_string_into_one_part),
		cmocka_unit_test(orders_a_prefix_before_what_it_begins),
		cmocka_unit_test(stops_at_its_ceiling_and_stays_failed),
		cmocka_unit_test(prints_text_of_any_length),
		cmocka_unit_test(escapes_json_and_urls),
		cmocka_unit_test(escapes_wherever_it_stands),
		cmocka_unit_test(gives_zeroed_aligned_memory_again_and_again),
		cmocka_unit_test(reads_times_as_instants),
		cmocka_unit_test(prints_what_it_reads),
		cmocka_unit_test(begins_german_days_at_german_midnight),
		cmocka_unit_test(decodes_strict_base64url_only),
		cmocka_unit_test(numbers_ids_so_that_they_rise),
		cmocka_unit_test(hashes_the_known_text),
		cmocka_unit_test(reads_money_without_rounding),
		cmocka_unit_test(keeps_one_line_one_line_and_follows_its_file),
		cmocka_unit_test(lets_no_party_hold_more_than_it_leaves),
		cmocka_unit_test(refuses_a_claim_whole),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
