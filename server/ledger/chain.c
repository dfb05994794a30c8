/* server/ledger/chain.c - leaves and the root over them; see chain.h. */
#include "server/ledger/chain.h"

#include <endian.h>
#include <openssl/evp.h>

enum {
	OFF_CRC = 4,
	OFF_DICT_BORN = 200,
	OFF_SERVICE_DAY = 204,
	OFF_BOOKED = 208,
	OFF_UNITS = 216,
	OFF_REC_HASH = 224
};

static void
put32(unsigned char *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

void
chain_leaf(const struct record *r, const struct chain_extra *x,
    unsigned char leaf[RECORD_LEN])
{
	uint64_t units = htole64(x->units);

	record_encode(r, leaf);
	put32(leaf + OFF_CRC, 0);
	put32(leaf + OFF_DICT_BORN, x->dict_born);
	put32(leaf + OFF_SERVICE_DAY, (uint32_t)x->service_day);
	put32(leaf + OFF_BOOKED, (uint32_t)x->booked_period);
	memcpy(leaf + OFF_UNITS, &units, sizeof(units));
	memcpy(leaf + OFF_REC_HASH, x->rec_hash, SHA256_LEN);
}

/* No digest named: the one that the context was made ready with. */
static void
hash_of(EVP_MD_CTX *ctx, const unsigned char *p, size_t n,
    unsigned char out[SHA256_LEN])
{
	if (EVP_DigestInit_ex2(ctx, NULL, NULL) != 1 ||
	    EVP_DigestUpdate(ctx, p, n) != 1 ||
	    EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		assert(!"SHA-256");
}

void
chain_leaf_hash(EVP_MD_CTX *ctx, const unsigned char leaf[RECORD_LEN],
    unsigned char out[SHA256_LEN])
{
	unsigned char in[1 + RECORD_LEN];

	in[0] = 0;
	memcpy(in + 1, leaf, RECORD_LEN);
	hash_of(ctx, in, sizeof(in), out);
}

static void
node_hash(EVP_MD_CTX *ctx, const unsigned char *left,
    const unsigned char *right, unsigned char out[SHA256_LEN])
{
	unsigned char in[1 + 2 * SHA256_LEN];

	in[0] = 1;
	memcpy(in + 1, left, SHA256_LEN);
	memcpy(in + 1 + SHA256_LEN, right, SHA256_LEN);
	hash_of(ctx, in, sizeof(in), out);
}

void
chain_tree_init(struct chain_tree *t, EVP_MD_CTX *ctx)
{
	t->hash = ctx;
	t->n = 0;
}

/* peaks[k] is the root of 2^k leaves where bit k of n is set: the tree of the
 * standard splits at the largest power of two below n. */
void
chain_tree_add(struct chain_tree *t, const unsigned char leaf_hash[])
{
	unsigned char sum[SHA256_LEN];
	unsigned k = 0;

	memcpy(sum, leaf_hash, SHA256_LEN);
	for (; (t->n >> k & 1) != 0; k++)
		node_hash(t->hash, t->peaks[k], sum, sum);
	memcpy(t->peaks[k], sum, SHA256_LEN);
	t->n++;
	assert(t->n != 0);
}

void
chain_tree_root(const struct chain_tree *t, unsigned char out[SHA256_LEN])
{
	bool begun = false;

	assert(t->n > 0);
	for (unsigned k = 0; k < 32; k++) {
		if ((t->n >> k & 1) == 0)
			continue;
		if (begun)
			node_hash(t->hash, t->peaks[k], out, out);
		else
			memcpy(out, t->peaks[k], SHA256_LEN);
		begun = true;
	}
}
