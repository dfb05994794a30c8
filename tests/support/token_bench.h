/* tests/support/token_bench.h - what tests of tokens share: keys and issuers,
 * tokens made of parts that may be wrong, and what the hub says of them. */
#ifndef HUB_TESTS_TOKEN_BENCH_H
#define HUB_TESTS_TOKEN_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/base/buf.h"
#include "server/base/hash.h"
#include "tenants/token.h"
#include "tests/support/signed_text.h"

#define NOW_S INT64_C(1800000000)
#define ISS   "https://idm.example/realms/region"
#define OLD   "https://legacy.example/realms/old"
#define OTHER "https://idm.schwerte.example"
#define HEAD(members) "{\"typ\":\"at+jwt\"," members "}"
#define RS_HEAD HEAD("\"alg\":\"RS256\",\"kid\":\"r1\"")
#define ES_HEAD HEAD("\"alg\":\"ES256\",\"kid\":\"e1\"")

enum { R1, R2, E1, E2, NKEYS }; /* r2 and e2 sign for nobody, or for OTHER */
#define OLD_HEAD "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"r1\"}"
#define HASH_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" /* 32 bytes */

extern EVP_PKEY *keys[NKEYS];
extern struct str private_pem[NKEYS];
extern struct arena *arena; /* of one test */
extern struct keyring *ring;
extern const char *why; /* the last verdict */
extern const struct tenant tenants[4];
extern struct issuer issuers[3];
extern const struct tenant_set set;

/* A good payload of ISS. */
#define GOOD payload_with(NULL, NULL)

void add_b64url(struct buf *out, const void *bytes, size_t n);
struct str b64url(const void *bytes, size_t n);
size_t sign(int key, struct str bytes, bool der, unsigned char *sig);
struct str unsigned_part(struct str head, struct str payload);
struct str with_signature(struct str part, const void *sig, size_t len);
struct str token_of(const char *head, struct str payload, int key);
struct str payload_with(const char *name, const char *value);
enum token_verdict ask_at(struct str token, int64_t now_s, struct identity *id);
enum token_verdict ask(struct str token);
void expect(const char *name, const char *value, enum token_verdict want);
void expect_forbidden(const char *name, const char *value, const char *problem);
struct str old_payload(const char *typ, const char *organization,
    const char *more);
enum token_verdict ask_old(const char *typ, const char *organization,
    const char *more, struct identity *id);
struct keyset *keyset_of(int rsa, int ec, const char *ec_kid);
int group_setup(void **state);
int group_teardown(void **state);
int setup(void **state);
int teardown(void **state);

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
