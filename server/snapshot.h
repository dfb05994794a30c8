/* server/snapshot.h - what is in force: a region, its policy, its sources'
 * credentials. Immutable, counted (atomically), shared by the workers; a
 * request pins the one it began with until its last byte. So are the tokens
 * that belong to it: they change oftener, in a set of their own. */
#ifndef HUB_SERVER_SNAPSHOT_H
#define HUB_SERVER_SNAPSHOT_H

#include <stdatomic.h>

#include "policies/policy.h"
#include "server/federation/source.h"

struct region_signature;
struct source_uses;

struct snapshot {
	atomic_uint refs;
	uint64_t generation; /* rises with each snapshot of this process */
	int64_t bundle;
	int64_t registered; /* epoch of the registrations in it */
	unsigned char hash[32];
	char hash_text[65]; /* the same in hexadecimal digits */
	struct region *region;
	struct policy_set *policy;
	struct source_access *access; /* by source index */
	struct quota **buckets;	      /* region->nbuckets */
	/* In the workers' counts, by index; set before it is published. */
	uint16_t *tenant_slots, *source_slots;
};

/* What tenants have registered, and the counters of that; what is counted of
 * agreements, and the events that widen them. */
struct snapshot_registered {
	const struct registration_row *rows;
	unsigned n;
	int64_t epoch;
	struct source_uses *uses;
	struct quota_book *quotas;
	const struct crisis_row *crises;
	unsigned ncrises;
	const struct region_signature *signatures;
	unsigned nsignatures;
};

/* Parses and compiles the files of a bundle; key_file, which may be NULL, is
 * the one that pseudonyms are made with. On failure the old one stays in
 * force; *why gets the messages, a line each. Registrations never fail: those
 * that do not hold are left out, with a line in the log. */
enum hub_err snapshot_new(const struct region_file *, unsigned n,
    const struct snapshot_registered *,
    int64_t bundle, uint64_t generation, const char *folder,
    const char *key_file, struct snapshot **, struct buf *why) HUB_MUST_CHECK;
struct snapshot *snapshot_ref(struct snapshot *) HUB_MUST_CHECK;
void snapshot_unref(struct snapshot **);

/* A token that the hub shows to one source (oauth { }). Wiped when the last
 * reference goes. */
struct source_token {
	atomic_uint refs;
	struct str text;
};
struct source_token *source_token_new(struct str) HUB_MUST_CHECK;
struct source_token *source_token_ref(struct source_token *) HUB_MUST_CHECK;
void source_token_unref(struct source_token **);

/* Those of all sources of one snapshot at one time, by source index; NULL:
 * the source needs none, or it is not there yet. */
struct source_tokens {
	atomic_uint refs;
	unsigned n;
	struct source_token *list[];
};
/* Takes references of its own. */
struct source_tokens *source_tokens_new(
    unsigned n, struct source_token *const *) HUB_MUST_CHECK;
struct source_tokens *source_tokens_ref(struct source_tokens *) HUB_MUST_CHECK;
void source_tokens_unref(struct source_tokens **);
/* Empty: none. tokens may be NULL. */
struct str source_tokens_get(const struct source_tokens *, unsigned index);

#endif
