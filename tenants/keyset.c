/* tenants/keyset.c - sets of JSON Web Keys, and the sets of all issuers;
 * keyset.h says what they promise. */
#include "tenants/keyset.h"

#include <jansson.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "tenants/jwk.h"
#include "tenants/jws.h"

#define KID_MAX 128

struct keyset {
	unsigned refs; /* atomic */
	unsigned n;
	struct arena *arena; /* holds kids and PEM texts */
	struct keyset_key keys[KEYSET_KEYS_MAX];
};

static bool key_read(const json_t *, struct arena *, struct keyset_key *);

bool
keyset_kid_ok(struct str kid)
{
	char c;

	if (kid.len < 1 || kid.len > KID_MAX)
		return (false);
	for (size_t i = 0; i < kid.len; i++) {
		c = kid.p[i];
		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			(c >= '0' && c <= '9') || c == '.' || c == '_' ||
			c == ':' || c == '-'))
			return (false);
	}
	return (true);
}

static enum hub_err
keys_take(const json_t *list, struct keyset *set, const char **why_r)
{
	struct keyset_key key;
	json_t *jwk;
	size_t i;

	if (json_array_size(list) > KEYSET_KEYS_MAX) {
		*why_r = "more than 16 keys";
		return (HUB_EFULL);
	}
	json_array_foreach(list, i, jwk) {
		if (!json_is_object(jwk)) {
			*why_r = "a key is no object";
			return (HUB_ESYNTAX);
		}
		if (!key_read(jwk, set->arena, &key))
			continue;
		if (keyset_find(set, key.kid) != NULL) {
			EVP_PKEY_free(key.pkey);
			*why_r = "two keys of one kid";
			return (HUB_EEXIST);
		}
		set->keys[set->n++] = key;
	}
	return (HUB_OK);
}

enum hub_err
keyset_parse(struct str json, struct keyset **set_r, const char **why_r)
{
	enum hub_err err = HUB_ESYNTAX;
	struct keyset *set = NULL;
	json_t *root = NULL, *list;

	if (json.len > KEYSET_BYTES_MAX) {
		*why_r = "larger than 64 KiB";
		return (HUB_EFULL);
	}
	root = json_loadb(json.len > 0 ? json.p : "", json.len,
	    JSON_REJECT_DUPLICATES, NULL);
	list = json_object_get(root, "keys");
	if (!json_is_array(list)) {
		*why_r = root == NULL ? "not strict JSON" : "no list of keys";
		goto out;
	}
	set = xcalloc(1, sizeof(*set));
	set->refs = 1;
	set->arena = arena_new();
	err = keys_take(list, set, why_r);
	if (err != HUB_OK)
		goto out;
	*set_r = set;
	set = NULL;
out:
	ERR_clear_error();
	json_decref(root);
	keyset_unref(&set);
	return (err);
}

struct keyset *
keyset_ref(struct keyset *set)
{
	(void)__atomic_fetch_add(&set->refs, 1, __ATOMIC_RELAXED);
	return (set);
}

void
keyset_unref(struct keyset **setp)
{
	struct keyset *set = *setp;

	*setp = NULL;
	if (set == NULL ||
	    __atomic_sub_fetch(&set->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (unsigned i = 0; i < set->n; i++)
		EVP_PKEY_free(set->keys[i].pkey);
	arena_free(set->arena);
	free(set);
}

unsigned
keyset_size(const struct keyset *set)
{
	return (set->n);
}

const struct keyset_key *
keyset_find(const struct keyset *set, struct str kid)
{
	for (unsigned i = 0; i < set->n; i++) {
		if (str_eq(set->keys[i].kid, kid))
			return (&set->keys[i]);
	}
	return (NULL);
}

struct keyring *
keyring_new(uint64_t generation, unsigned n, struct keyset *const *sets)
{
	struct keyring *ring;

	ring = xcalloc(1, sizeof(*ring) + n * sizeof(ring->sets[0]));
	ring->refs = 1;
	ring->generation = generation;
	ring->n = n;
	for (unsigned i = 0; i < n; i++)
		ring->sets[i] = sets[i] != NULL ? keyset_ref(sets[i]) : NULL;
	return (ring);
}

struct keyring *
keyring_ref(struct keyring *ring)
{
	(void)__atomic_fetch_add(&ring->refs, 1, __ATOMIC_RELAXED);
	return (ring);
}

void
keyring_unref(struct keyring **ringp)
{
	struct keyring *ring = *ringp;

	*ringp = NULL;
	if (ring == NULL ||
	    __atomic_sub_fetch(&ring->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (unsigned i = 0; i < ring->n; i++)
		keyset_unref(&ring->sets[i]);
	free(ring);
}

/* ---- one key ---- */

static struct str
pem_write(EVP_PKEY *pkey, struct arena *arena)
{
	struct str pem = STR_NONE;
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	if (bio != NULL && PEM_write_bio_PUBKEY(bio, pkey) == 1) {
		n = BIO_get_mem_data(bio, &p);
		pem = arena_str(arena, (struct str){ p, (size_t)n });
	}
	BIO_free(bio);
	return (pem);
}

static bool
key_read(const json_t *jwk, struct arena *arena, struct keyset_key *key_r)
{
	struct str kid = json_str(json_object_get(jwk, "kid")), pem;
	unsigned algorithm = 0;
	EVP_PKEY *pkey = NULL;

	if (keyset_kid_ok(kid))
		pkey = jwk_read(jwk, false, &algorithm);
	if (pkey == NULL)
		return (false);
	pem = pem_write(pkey, arena);
	if (pem.len == 0) {
		EVP_PKEY_free(pkey);
		return (false);
	}
	*key_r = (struct keyset_key){ .kid = arena_str(arena, kid),
		.algorithm = algorithm,
		.pkey = pkey,
		.pem = pem };
	return (true);
}
