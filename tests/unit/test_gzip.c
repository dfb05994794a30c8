/* tests/unit/test_gzip.c - answers with gzip. */
#include "server/gzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include <cmocka.h>

#include "server/base/hash.h"

/* What a client makes of it. */
static size_t
decoded(struct str s, char *out, size_t max)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)s.p,
		.avail_in = (uInt)s.len,
		.next_out = (Bytef *)out,
		.avail_out = (uInt)max };

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(inflateEnd(&z), Z_OK);
	return (max - z.avail_out);
}

static void
gives_back_what_was_put_in(void **state)
{
	static const size_t sizes[] = { GZIP_LEAST, GZIP_LEAST + 1, 65536,
		GZIP_MOST };
	struct gzip *g = gzip_new();
	char *in = malloc(GZIP_MOST), *out = malloc(GZIP_MOST);

	(void)state;
	for (size_t i = 0; i < GZIP_MOST; i++)
		in[i] = "[{\"id\":1.10}]"[i * i % 13];
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct str s = { in, sizes[i] };
		struct buf b, again;

		buf_init(&b, s.len);
		buf_init(&again, s.len);
		assert_true(gzip_code(g, s, &b));
		assert_true(b.len < s.len);
		assert_int_equal(decoded(buf_str(&b), out, GZIP_MOST), s.len);
		assert_memory_equal(out, in, s.len);
		assert_true(gzip_code(g, s, &again)); /* the same bytes */
		assert_true(str_eq(buf_str(&b), buf_str(&again)));
		buf_clear(&b);
		buf_clear(&again);
	}
	free(in);
	free(out);
	gzip_free(g);
}

static void
leaves_alone_what_would_be_no_shorter(void **state)
{
	struct gzip *g = gzip_new();
	char noise[4096], text[4096], out[4096];
	struct buf b;

	(void)state;
	random_bytes(noise, sizeof(noise));
	memset(text, 'a', sizeof(text));
	buf_init(&b, sizeof(noise));
	assert_false(gzip_code(g, (struct str){ noise, sizeof(noise) }, &b));
	assert_int_equal(b.len, 0);
	/* and the next one does not suffer from it */
	assert_true(gzip_code(g, (struct str){ text, sizeof(text) }, &b));
	assert_int_equal(decoded(buf_str(&b), out, sizeof(out)), sizeof(text));
	assert_memory_equal(out, text, sizeof(text));
	buf_clear(&b);
	gzip_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_what_was_put_in),
		cmocka_unit_test(leaves_alone_what_would_be_no_shorter),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
