/* server/base/hash.h - keyed hashing for tables, SHA-256, random bytes,
 * UUIDv7 and base64url. */
#ifndef HUB_BASE_HASH_H
#define HUB_BASE_HASH_H

#include "server/base/clock.h"
#include "server/base/str.h"

#define SHA256_LEN 32

/* SipHash-1-3 under a key drawn once per process: for every table whose keys
 * come from outside. */
uint64_t hash_str(struct str);
/* Unkeyed and cheap: only for tables of fixed content that are looked up. */
uint64_t hash_fast(struct str);

void sha256(struct str, unsigned char out[SHA256_LEN]);
/* RFC 2104 over SHA-256. */
void hmac_sha256(struct str key, struct str, unsigned char out[SHA256_LEN]);
/* Lower-case hex; out has 2 * n + 1 bytes. */
void hex_encode(const unsigned char *, size_t n, char *out);
/* 0 to 15 of a digit in either case, else -1. */
int hex_digit(char);

/* From the kernel's generator; never fails (ends the process instead). */
void random_bytes(void *, size_t);

struct uuid {
	unsigned char b[16];
};
#define UUID_STR_MAX 37
/* RFC 9562, 5.7: millisecond time, then a per-thread counter and random bits,
 * so that ids of one thread rise. */
struct uuid uuid7(struct wall_us);
void uuid_format(const struct uuid *, char out[UUID_STR_MAX]);
enum hub_err uuid_parse(struct str, struct uuid *) HUB_MUST_CHECK;

/* RFC 4648, 5 without padding; strict: alphabet only, no blanks, and the
 * unused bits of the last character must be zero. out has room for
 * B64URL_MAX(s.len) bytes. */
#define B64URL_MAX(n) ((n) / 4 * 3 + 3)
enum hub_err b64url_decode(struct str, unsigned char *out, size_t *len_r)
    HUB_MUST_CHECK;

/* Compares in time that depends on n only. */
bool mem_eq_const(const void *, const void *, size_t n);

#endif
