/* server/hubverify/hash.c - SHA-256, trees and blocks; see verify.h. */
#include "server/hubverify/verify.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* Up to three parts behind each other. */
static void
hash_parts(const void *a, size_t na, const void *b, size_t nb, const void *c,
    size_t nc, unsigned char out[HASH_LEN])
{
	static EVP_MD_CTX *ctx;
	static EVP_MD *md;

	if (ctx == NULL) {
		ctx = EVP_MD_CTX_new();
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	}
	if (ctx == NULL || md == NULL ||
	    EVP_DigestInit_ex2(ctx, md, NULL) != 1 ||
	    EVP_DigestUpdate(ctx, a, na) != 1 ||
	    EVP_DigestUpdate(ctx, b, nb) != 1 ||
	    EVP_DigestUpdate(ctx, c, nc) != 1 ||
	    EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		abort();
}

void
sha256_of(const void *p, size_t n, unsigned char out[HASH_LEN])
{
	hash_parts(p, n, "", 0, "", 0, out);
}

void
leaf_hash(const unsigned char *leaf, size_t n, unsigned char out[HASH_LEN])
{
	hash_parts("\0", 1, leaf, n, "", 0, out);
}

static void
node_hash(const unsigned char *left, const unsigned char *right,
    unsigned char out[HASH_LEN])
{
	hash_parts("\1", 1, left, HASH_LEN, right, HASH_LEN, out);
}

/* The largest power of two below n. */
static size_t
split(size_t n)
{
	size_t k = 1;

	while (k < n - k)
		k *= 2;
	return (k);
}

void
tree_root(const unsigned char (*leaves)[HASH_LEN], size_t n,
    unsigned char out[HASH_LEN])
{
	unsigned char left[HASH_LEN], right[HASH_LEN];

	assert(n > 0);
	if (n == 1) {
		memcpy(out, leaves[0], HASH_LEN);
		return;
	}
	tree_root(leaves, split(n), left);
	tree_root(leaves + split(n), n - split(n), right);
	node_hash(left, right, out);
}

unsigned
tree_path(const unsigned char (*leaves)[HASH_LEN], size_t n, size_t i,
    unsigned char path[][HASH_LEN])
{
	size_t k;
	unsigned at;

	assert(i < n);
	if (n == 1)
		return (0);
	k = split(n);
	if (i < k) {
		at = tree_path(leaves, k, i, path);
		tree_root(leaves + k, n - k, path[at]);
	} else {
		at = tree_path(leaves + k, n - k, i - k, path);
		tree_root(leaves, k, path[at]);
	}
	return (at + 1);
}

bool
path_root(const unsigned char hash[HASH_LEN], uint64_t i, uint64_t n,
    const unsigned char (*path)[HASH_LEN], unsigned npath,
    unsigned char out[HASH_LEN])
{
	uint64_t last = n - 1;

	if (n == 0 || i >= n)
		return (false);
	memcpy(out, hash, HASH_LEN);
	for (unsigned k = 0; k < npath; k++) {
		if (last == 0)
			return (false);
		if ((i & 1) != 0 || i == last) {
			node_hash(path[k], out, out);
			while ((i & 1) == 0 && i != 0) {
				i >>= 1;
				last >>= 1;
			}
		} else
			node_hash(out, path[k], out);
		i >>= 1;
		last >>= 1;
	}
	return (last == 0);
}

void
genesis_hash(unsigned char out[HASH_LEN])
{
	static const char text[] = "hubledger/1 genesis";

	sha256_of(text, sizeof(text) - 1, out);
}

void
block_hash(uint64_t no, const unsigned char prev[HASH_LEN], uint16_t kind,
    const unsigned char payload[HASH_LEN], unsigned char out[HASH_LEN])
{
	unsigned char head[11 + 8] = "hubledger/1", code[2];

	for (unsigned i = 0; i < 8; i++)
		head[11 + i] = (unsigned char)(no >> (56 - 8 * i));
	code[0] = (unsigned char)(kind >> 8);
	code[1] = (unsigned char)kind;
	{
		unsigned char tail[2 + HASH_LEN];

		memcpy(tail, code, 2);
		memcpy(tail + 2, payload, HASH_LEN);
		hash_parts(head, sizeof(head), prev, HASH_LEN, tail,
		    sizeof(tail), out);
	}
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

bool
hex_read(const char *s, unsigned char *out, size_t n)
{
	if (strlen(s) != 2 * n)
		return (false);
	for (size_t i = 0; i < n; i++) {
		int high = nibble(s[2 * i]), low = nibble(s[2 * i + 1]);

		if (high < 0 || low < 0)
			return (false);
		out[i] = (unsigned char)(high << 4 | low);
	}
	return (true);
}

void
hex_write(const unsigned char *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", p[i]);
}
