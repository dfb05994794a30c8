/* server/base/hash.c - hashing, ids and encodings; see hash.h. */
#include "server/base/hash.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t sip_key[2];
static pthread_once_t sip_once = PTHREAD_ONCE_INIT;

void
random_bytes(void *p, size_t n)
{
	unsigned char *to = p;
	ssize_t r;

	while (n > 0) {
		r = getrandom(to, n, 0);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			(void)fputs("getrandom failed\n", stderr);
			abort();
		}
		to += r;
		n -= (size_t)r;
	}
}

static void
sip_key_draw(void)
{
	random_bytes(sip_key, sizeof(sip_key));
}

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))
#define SIP_ROUND                                                             \
	do {                                                                  \
		v0 += v1;                                                     \
		v1 = ROTL(v1, 13) ^ v0;                                       \
		v0 = ROTL(v0, 32);                                            \
		v2 += v3;                                                     \
		v3 = ROTL(v3, 16) ^ v2;                                       \
		v0 += v3;                                                     \
		v3 = ROTL(v3, 21) ^ v0;                                       \
		v2 += v1;                                                     \
		v1 = ROTL(v1, 17) ^ v2;                                       \
		v2 = ROTL(v2, 32);                                            \
	} while (0)

uint64_t
hash_str(struct str s)
{
	uint64_t v0, v1, v2, v3, m, last = (uint64_t)s.len << 56;
	size_t i;

	(void)pthread_once(&sip_once, sip_key_draw);
	v0 = sip_key[0] ^ 0x736f6d6570736575ULL;
	v1 = sip_key[1] ^ 0x646f72616e646f6dULL;
	v2 = sip_key[0] ^ 0x6c7967656e657261ULL;
	v3 = sip_key[1] ^ 0x7465646279746573ULL;
	for (i = 0; i + 8 <= s.len; i += 8) {
		memcpy(&m, s.p + i, 8);
		v3 ^= m;
		SIP_ROUND;
		v0 ^= m;
	}
	for (size_t k = 0; i + k < s.len; k++)
		last |= (uint64_t)(unsigned char)s.p[i + k] << (8 * k);
	v3 ^= last;
	SIP_ROUND;
	v0 ^= last;
	v2 ^= 0xff;
	SIP_ROUND;
	SIP_ROUND;
	SIP_ROUND;
	return (v0 ^ v1 ^ v2 ^ v3);
}

uint64_t
hash_fast(struct str s)
{
	uint64_t h = 0x9e3779b97f4a7c15ULL ^ s.len, w;
	size_t i;

	for (i = 0; i + 8 <= s.len; i += 8) {
		memcpy(&w, s.p + i, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	w = 0;
	if (i < s.len)
		memcpy(&w, s.p + i, s.len - i);
	h = (h ^ w) * 0xff51afd7ed558ccdULL;
	return (h ^ (h >> 29));
}

/* Fetching a digest costs more than hashing a record, so once per process;
 * the context of a thread ends with it. */
static EVP_MD *sha_md;
static pthread_key_t sha_key;
static pthread_once_t sha_once = PTHREAD_ONCE_INIT;

static void
sha_ctx_free(void *ctx)
{
	EVP_MD_CTX_free(ctx);
}

static void
sha_begin(void)
{
	sha_md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha_md == NULL || pthread_key_create(&sha_key, sha_ctx_free) != 0)
		assert(!"SHA-256");
}

void
sha256(struct str s, unsigned char out[SHA256_LEN])
{
	EVP_MD_CTX *ctx;

	(void)pthread_once(&sha_once, sha_begin);
	ctx = pthread_getspecific(sha_key);
	if (ctx == NULL) {
		ctx = EVP_MD_CTX_new();
		if (ctx == NULL || pthread_setspecific(sha_key, ctx) != 0)
			assert(!"SHA-256");
	}
	if (EVP_DigestInit_ex2(ctx, sha_md, NULL) != 1 ||
	    EVP_DigestUpdate(ctx, s.len > 0 ? s.p : "", s.len) != 1 ||
	    EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		assert(!"SHA-256");
}

void
hmac_sha256(struct str key, struct str s, unsigned char out[SHA256_LEN])
{
	unsigned len = 0;

	assert(key.len <= INT_MAX);
	if (HMAC(EVP_sha256(), key.p, (int)key.len,
		(const unsigned char *)(s.len > 0 ? s.p : ""), s.len, out,
		&len) == NULL ||
	    len != SHA256_LEN)
		assert(!"HMAC-SHA-256");
}

void
hex_encode(const unsigned char *p, size_t n, char *out)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hex[p[i] >> 4];
		out[2 * i + 1] = hex[p[i] & 15];
	}
	out[2 * n] = '\0';
}

struct uuid
uuid7(struct wall_us now)
{
	static _Thread_local uint64_t pool[32], last_ms;
	static _Thread_local uint32_t counter;
	static _Thread_local size_t left;
	uint64_t ms = (uint64_t)(now.us / 1000), rnd;
	struct uuid u;

	if (left == 0) {
		random_bytes(pool, sizeof(pool));
		left = sizeof(pool) / sizeof(pool[0]);
	}
	rnd = pool[--left];
	if (ms > last_ms) {
		last_ms = ms;
		counter = (uint32_t)(rnd >> 40) & 0x7fffff;
	} else {
		ms = last_ms; /* the clock stands or steps back: still rising */
		if (++counter > 0x3ffffff) {
			ms = ++last_ms;
			counter = 0;
		}
	}
	for (int i = 0; i < 6; i++)
		u.b[i] = (unsigned char)(ms >> (40 - 8 * i));
	/* 12 + 14 bits of counter in rand_a and the top of rand_b */
	u.b[6] = (unsigned char)(0x70 | ((counter >> 22) & 0x0f));
	u.b[7] = (unsigned char)(counter >> 14);
	u.b[8] = (unsigned char)(0x80 | ((counter >> 8) & 0x3f));
	u.b[9] = (unsigned char)counter;
	for (int i = 10; i < 16; i++)
		u.b[i] = (unsigned char)(rnd >> (8 * (i - 10)));
	return (u);
}

void
uuid_format(const struct uuid *u, char out[UUID_STR_MAX])
{
	static const char hex[] = "0123456789abcdef";
	char *to = out;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		*to++ = hex[u->b[i] >> 4];
		*to++ = hex[u->b[i] & 15];
	}
	*to = '\0';
}

int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (c - 'A' + 10);
	return (-1);
}

enum hub_err
uuid_parse(struct str s, struct uuid *uuid_r)
{
	struct uuid u;
	size_t n = 0;
	int hi, lo;

	if (s.len != 36)
		return (HUB_ESYNTAX);
	for (size_t i = 0; i < 36;) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (s.p[i++] != '-')
				return (HUB_ESYNTAX);
			continue;
		}
		hi = hex_digit(s.p[i]);
		lo = hex_digit(s.p[i + 1]);
		if (hi < 0 || lo < 0)
			return (HUB_ESYNTAX);
		u.b[n++] = (unsigned char)(hi * 16 + lo);
		i += 2;
	}
	*uuid_r = u;
	return (HUB_OK);
}

static int
b64url_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (c - 'A');
	if (c >= 'a' && c <= 'z')
		return (c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (c - '0' + 52);
	if (c == '-')
		return (62);
	if (c == '_')
		return (63);
	return (-1);
}

enum hub_err
b64url_decode(struct str s, unsigned char *out, size_t *len_r)
{
	unsigned bits = 0;
	uint32_t acc = 0;
	size_t n = 0;
	int d;

	if (s.len % 4 == 1)
		return (HUB_ESYNTAX);
	for (size_t i = 0; i < s.len; i++) {
		d = b64url_digit(s.p[i]);
		if (d < 0)
			return (HUB_ESYNTAX);
		acc = (acc << 6) | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (unsigned char)(acc >> bits);
		}
	}
	if ((acc & ((1U << bits) - 1)) != 0)
		return (HUB_ESYNTAX);
	*len_r = n;
	return (HUB_OK);
}

bool
mem_eq_const(const void *a, const void *b, size_t n)
{
	return (CRYPTO_memcmp(a, b, n) == 0);
}
