/* tests/unit/test_chain.c - roots and leaves as the loader makes them; the
 * same values as in test_verify.c and tests/reference/chain.py (T47). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <stdlib.h>

#include "server/ledger/chain.h"

static EVP_MD_CTX *
context(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	assert_int_equal(EVP_DigestInit_ex2(ctx, EVP_sha256(), NULL), 1);
	return (ctx);
}

/* Leaf i is 256 bytes of i; the last byte of the second one is as given. */
static void
root_of(unsigned n, unsigned char last_of_second, char *hex)
{
	unsigned char leaf[RECORD_LEN], hash[SHA256_LEN];
	EVP_MD_CTX *ctx = context();
	struct chain_tree tree;

	chain_tree_init(&tree, ctx);
	for (unsigned i = 0; i < n; i++) {
		memset(leaf, (int)i, sizeof(leaf));
		if (i == 1)
			leaf[RECORD_LEN - 1] = last_of_second;
		chain_leaf_hash(ctx, leaf, hash);
		chain_tree_add(&tree, hash);
	}
	chain_tree_root(&tree, hash);
	hex_encode(hash, sizeof(hash), hex);
	EVP_MD_CTX_free(ctx);
}

static void
roots_are_those_of_the_standard(void **state)
{
	static const struct {
		unsigned n;
		const char *root;
	} cases[] = {
		{ 1, "6c934d0cdf9dba94b474d6d1929f16739bd9a8ed31d0c3bcaf82c283fb7a3568" },
		{ 2, "430598e3d09d04db84fc3222d25d4bb94310dd924e4f99ceef4e4cdee35d3325" },
		/* ledger.md 5.1 */
		{ 3, "3ea2af0cc32728e4bc58fcd74b2431774bda22ad47d8605a3a0027a8792a51bc" },
		{ 4, "fc25d2cf69e6fa051ecd12c2316cd33d76b72a2cff6a6835fe63c06ea63d8da2" },
		{ 7, "7fff3f25f4d37297eef6dcce1e5447dc03cb5e1bce849e496d8a5fea189f7642" },
		{ 8, "be112c9b56a5661235dd4a14e80c4ceec69105fec702dc59c4f88e1bda5fc4b8" },
		{ 13, "badd786717a06b38c46cf03c01ce9dd5c662f95ba87251e7a341e74bc5e49026" },
	};
	char hex[2 * SHA256_LEN + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		root_of(cases[i].n, 1, hex);
		assert_string_equal(hex, cases[i].root);
	}
	root_of(3, 2, hex);
	assert_memory_equal(hex, "e0ae4265efc07f8e", 16);
}

/* Whatever a record or the loader says of it, the leaf is another one. */
static void
a_leaf_holds_record_and_additions(void **state)
{
	unsigned char hash[SHA256_LEN], leaf[RECORD_LEN], other[RECORD_LEN];
	struct record r = { .seq = 7, .kind = RECORD_ACCESS, .bytes_out = 1 };
	struct chain_extra x = { .dict_born = 0x01020304,
		.service_day = 0x11121314, .booked_period = 0x21222324,
		.units = UINT64_C(0x3132333435363738), .rec_hash = hash };

	(void)state;
	memset(hash, 0xab, sizeof(hash));
	chain_leaf(&r, &x, leaf);
	record_encode(&r, other);
	assert_memory_equal(leaf, other, 4);
	assert_memory_equal(leaf + 4, "\0\0\0\0", 4);
	assert_memory_equal(leaf + 8, other + 8, 192);
	assert_memory_equal(leaf + 200, "\4\3\2\1\x14\x13\x12\x11\x24\x23\x22"
	    "\x21\0\0\0\0\x38\x37\x36\x35\x34\x33\x32\x31", 24);
	assert_memory_equal(leaf + 224, hash, 32);
	r.bytes_out = 2;
	chain_leaf(&r, &x, other);
	assert_memory_not_equal(leaf, other, RECORD_LEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roots_are_those_of_the_standard),
		cmocka_unit_test(a_leaf_holds_record_and_additions),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
