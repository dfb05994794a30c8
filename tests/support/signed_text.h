/* tests/support/signed_text.h - what tests of tokens and of proofs share: JSON
 * objects with one member changed, and keys as text. After cmocka.h. */
#ifndef HUB_TESTS_SIGNED_TEXT_H
#define HUB_TESTS_SIGNED_TEXT_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "server/base/arena.h"
#include "server/base/buf.h"

struct change {
	const char *name;
	const char *value; /* JSON text; NULL: the member is left out */
};

/* An object of these members with one of them changed, or another behind
 * them; name NULL: as it is. */
static inline struct str
object_with(struct arena *a, const struct change *base, size_t n,
    const char *name, const char *value)
{
	const char *v;
	bool met = false;
	struct str s;
	struct buf b;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < n; i++) {
		v = base[i].value;
		if (name != NULL && strcmp(base[i].name, name) == 0) {
			met = true;
			v = value;
		}
		if (v != NULL)
			buf_addf(&b, "%s\"%s\":%s", b.len == 0 ? "{" : ",",
			    base[i].name, v);
	}
	if (name != NULL && !met && value != NULL)
		buf_addf(&b, ",\"%s\":%s", name, value);
	buf_addc(&b, '}');
	s = arena_str(a, buf_str(&b));
	buf_clear(&b);
	return (s);
}

/* PKCS #8, without a password. */
static inline struct str
pem_of(EVP_PKEY *key, struct arena *a)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct str s;
	char *p;
	long n;

	assert_int_equal(
	    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	n = BIO_get_mem_data(bio, &p);
	s = arena_str(a, (struct str){ p, (size_t)n });
	BIO_free(bio);
	return (s);
}

#endif
