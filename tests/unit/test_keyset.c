/* tests/unit/test_keyset.c - which JSON Web Keys are taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "server/base/buf.h"
#include "tenants/keyset.h"

/* The point of RFC 7517, A.1 and the modulus of the same appendix. */
#define X "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define Y "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
#define N                                                                     \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1" \
	"RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5" \
	"n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8K" \
	"JZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQF" \
	"h6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJz" \
	"KnqDKgw"
#define EC_KEY                                                                \
	"\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y     \
	"\""
#define RSA_KEY "\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"AQAB\""
#define ONE(members) "{\"keys\":[{" members "}]}"

static enum hub_err
parse(const char *json, struct keyset **set_r)
{
	const char *why = NULL;
	enum hub_err err = keyset_parse(str_of(json), set_r, &why);

	assert_true(err == HUB_OK || why != NULL);
	assert_int_equal(ERR_peek_error(), 0);
	return (err);
}

static void
takes_rsa_and_p256_keys(void **state HUB_UNUSED)
{
	const struct keyset_key *key;
	struct keyset *set = NULL;

	assert_int_equal(parse("{\"keys\":[{\"kid\":\"a\"," RSA_KEY
			       "},{\"kid\":\"b:1\"," EC_KEY
			       ",\"use\":\"sig\",\"alg\":\"ES256\","
			       "\"key_ops\":[\"verify\"],\"x5c\":[\"\"]}]}",
			     &set),
	    HUB_OK);
	assert_int_equal(keyset_size(set), 2);
	key = keyset_find(set, STR("a"));
	assert_non_null(key);
	assert_int_equal(key->algorithm, ISSUER_RS256);
	assert_int_equal(EVP_PKEY_get_bits(key->pkey), 2048);
	assert_true(str_prefix(key->pem, STR("-----BEGIN PUBLIC KEY-----\n")));
	key = keyset_find(set, STR("b:1"));
	assert_non_null(key);
	assert_int_equal(key->algorithm, ISSUER_ES256);
	assert_null(keyset_find(set, STR("b")));
	assert_null(keyset_find(set, STR("")));
	keyset_unref(&set);
	assert_null(set);
}

static void
skips_keys_that_are_not_for_us(void **state HUB_UNUSED)
{
	static const char *const cases[] = {
		"{\"keys\":[]}",
		ONE("\"kid\":\"a\",\"kty\":\"oct\",\"k\":\"AAAA\""),
		ONE("\"kid\":\"a\",\"kty\":\"OKP\",\"crv\":\"Ed25519\","
		    "\"x\":\"" X "\""),
		ONE(RSA_KEY),
		ONE("\"kid\":\"\"," RSA_KEY),
		ONE("\"kid\":7," RSA_KEY),
		ONE("\"kid\":\"../a\"," RSA_KEY),
		ONE("\"kid\":\"a b\"," RSA_KEY),
		ONE("\"kid\":\"a\",\"use\":\"enc\"," RSA_KEY),
		ONE("\"kid\":\"a\",\"use\":null," RSA_KEY),
		ONE("\"kid\":\"a\",\"alg\":\"RS512\"," RSA_KEY),
		ONE("\"kid\":\"a\",\"alg\":\"HS256\"," RSA_KEY),
		ONE("\"kid\":\"a\",\"alg\":\"ES256\"," RSA_KEY),
		ONE("\"kid\":\"a\",\"alg\":\"RS256\"," EC_KEY),
		ONE("\"kid\":\"a\",\"key_ops\":[\"sign\"]," EC_KEY),
		ONE("\"kid\":\"a\",\"key_ops\":\"verify\"," EC_KEY),
		/* a private key that was published */
		ONE("\"kid\":\"a\",\"d\":\"" X "\"," EC_KEY),
		/* e = 3, e with a leading zero, no e */
		ONE("\"kid\":\"a\",\"kty\":\"RSA\",\"e\":\"Aw\",\"n\":\"" N
		    "\""),
		ONE("\"kid\":\"a\",\"kty\":\"RSA\",\"e\":\"AAEAAQ\",\"n\":\"" N
		    "\""),
		ONE("\"kid\":\"a\",\"kty\":\"RSA\",\"n\":\"" N "\""),
		/* n too short, padded, with a leading zero, even */
		ONE("\"kid\":\"a\",\"kty\":\"RSA\",\"e\":\"AQAB\","
		    "\"n\":\"" X "\""),
		ONE("\"kid\":\"a\",\"kty\":\"RSA\",\"e\":\"AQAB\","
		    "\"n\":\"" N "==\""),
		ONE("\"kid\":\"a\",\"kty\":\"RSA\",\"e\":\"AQAB\","
		    "\"n\":\"AAAA" N "\""),
		ONE("\"kid\":\"a\",\"kty\":\"RSA\",\"e\":\"AQAB\","
		    "\"n\":\"" N "Ag\""),
		/* another curve, a point beside the curve, a short or
		 * missing coordinate, one outside the alphabet */
		ONE("\"kid\":\"a\",\"kty\":\"EC\",\"crv\":\"P-384\","
		    "\"x\":\"" X "\",\"y\":\"" Y "\""),
		ONE("\"kid\":\"a\",\"kty\":\"EC\",\"crv\":\"P-256\","
		    "\"x\":\"" X "\",\"y\":\"" X "\""),
		ONE("\"kid\":\"a\",\"kty\":\"EC\",\"crv\":\"P-256\","
		    "\"x\":\"" X "\",\"y\":\"AAAA\""),
		ONE("\"kid\":\"a\",\"kty\":\"EC\",\"crv\":\"P-256\","
		    "\"x\":\"" X "\""),
		ONE("\"kid\":\"a\",\"kty\":\"EC\",\"crv\":\"P-256\","
		    "\"x\":\"" X "\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8Pxl"
		    "tmWWlbbM4IFy+\""),
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct keyset *set = NULL;

		if (parse(cases[i], &set) != HUB_OK || keyset_size(set) != 0)
			fail_msg("case %zu: %s", i, cases[i]);
		keyset_unref(&set);
	}
}

static void
refuses_what_is_no_strict_key_set(void **state HUB_UNUSED)
{
	static const struct {
		const char *json;
		enum hub_err err;
	} cases[] = {
		{ "", HUB_ESYNTAX },
		{ "[]", HUB_ESYNTAX },
		{ "{}", HUB_ESYNTAX },
		{ "{\"keys\":{}}", HUB_ESYNTAX },
		{ "{\"keys\":[1]}", HUB_ESYNTAX },
		{ "{\"keys\":[]} x", HUB_ESYNTAX },
		{ "{\"keys\":[],\"keys\":[]}", HUB_ESYNTAX },
		{ ONE("\"kid\":\"a\",\"kid\":\"b\"," RSA_KEY), HUB_ESYNTAX },
		{ "\xef\xbb\xbf{\"keys\":[]}", HUB_ESYNTAX },
		{ ONE("\"kid\":\"\xff\"," RSA_KEY), HUB_ESYNTAX },
		{ ONE("\"kid\":\"a\\u0000\"," RSA_KEY), HUB_ESYNTAX },
		{ "{\"keys\":[{\"kid\":\"a\"," RSA_KEY "},"
		  "{\"kid\":\"a\"," EC_KEY "}]}",
		    HUB_EEXIST },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct keyset *set = NULL;

		if (parse(cases[i].json, &set) != cases[i].err || set != NULL)
			fail_msg("case %zu: %s", i, cases[i].json);
	}
}

static void
refuses_more_than_sixteen_keys_and_64_kib(void **state HUB_UNUSED)
{
	struct keyset *set = NULL;
	const char *why = NULL;
	struct buf b;

	buf_init(&b, 2 * KEYSET_BYTES_MAX);
	for (unsigned n = 16; n <= 17; n++) {
		buf_reset(&b);
		for (unsigned i = 0; i < n; i++)
			buf_addf(&b, "%s{\"kid\":\"k%u\"," EC_KEY "}",
			    i == 0 ? "{\"keys\":[" : ",", i);
		BUF_LIT(&b, "]}");
		if (n == 16) {
			assert_int_equal(keyset_parse(buf_str(&b), &set, &why),
			    HUB_OK);
			assert_int_equal(keyset_size(set), 16);
			keyset_unref(&set);
		} else {
			assert_int_equal(keyset_parse(buf_str(&b), &set, &why),
			    HUB_EFULL);
		}
	}
	buf_reset(&b);
	BUF_LIT(&b, "{\"keys\":[]}");
	while (b.len < KEYSET_BYTES_MAX)
		buf_addc(&b, ' ');
	assert_int_equal(keyset_parse(buf_str(&b), &set, &why), HUB_OK);
	keyset_unref(&set);
	buf_addc(&b, ' ');
	assert_int_equal(keyset_parse(buf_str(&b), &set, &why), HUB_EFULL);
	assert_null(set);
	buf_clear(&b);
}

static void
knows_a_kid_by_its_form(void **state HUB_UNUSED)
{
	char longest[129];

	memset(longest, 'a', sizeof(longest));
	assert_true(keyset_kid_ok((struct str){ longest, 128 }));
	assert_false(keyset_kid_ok((struct str){ longest, 129 }));
	assert_true(keyset_kid_ok(STR("Az09._:-")));
	assert_false(keyset_kid_ok(STR_NONE));
	assert_false(keyset_kid_ok(STR("a/b")));
	assert_false(keyset_kid_ok(STR("a\0b")));
	assert_false(keyset_kid_ok(STR("\xc3\xa4")));
}

static void
a_ring_keeps_its_sets_alive(void **state HUB_UNUSED)
{
	struct keyset *sets[2] = { NULL, NULL };
	struct keyring *ring, *again;

	assert_int_equal(parse(ONE("\"kid\":\"a\"," EC_KEY), &sets[1]), HUB_OK);
	ring = keyring_new(7, 2, sets);
	keyset_unref(&sets[1]);
	again = keyring_ref(ring);
	keyring_unref(&ring);
	assert_null(ring);
	assert_int_equal(again->generation, 7);
	assert_null(again->sets[0]);
	assert_non_null(keyset_find(again->sets[1], STR("a")));
	keyring_unref(&again);
	keyring_unref(&again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_rsa_and_p256_keys),
		cmocka_unit_test(skips_keys_that_are_not_for_us),
		cmocka_unit_test(refuses_what_is_no_strict_key_set),
		cmocka_unit_test(refuses_more_than_sixteen_keys_and_64_kib),
		cmocka_unit_test(knows_a_kid_by_its_form),
		cmocka_unit_test(a_ring_keeps_its_sets_alive),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
