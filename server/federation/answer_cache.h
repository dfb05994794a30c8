/* server/federation/answer_cache.h - answers of sources that are kept for a
 * while (management.cacheDuration, ETSI GS CIM 009, 5.2.34).
 *
 * What is kept is a page as it came, before anybody's policy: whoever sends
 * the same bytes to the same source gets it, and is shown of it what policy
 * lets them see now. One per worker; bounded by its own ceiling and by the
 * memory that all answers share. */
#ifndef HUB_FEDERATION_ANSWER_CACHE_H
#define HUB_FEDERATION_ANSWER_CACHE_H

#include "server/base/budget.h"
#include "server/base/clock.h"
#include "server/base/hash.h"
#include "server/net/http_parse.h"

/* Past its time an answer is kept for so long, for when its source fails. */
#define ANSWER_STALE_US INT64_C(3600000000)

struct answer_key {
	unsigned char b[SHA256_LEN];
	uint64_t source; /* of its name: to forget by */
};

struct kept_answer {
	struct http_head head; /* status, and the fields that matter */
	struct str body;
	bool translated; /* from NGSI-v2 */
	struct mono_us until; /* past its time from then on */
};

struct answer_cache;
/* max: bytes; 0 keeps nothing. */
struct answer_cache *answer_cache_new(struct budget *, size_t max)
    HUB_MUST_CHECK;
void answer_cache_free(struct answer_cache *); /* none may be held */

/* NULL: nothing, or only what is past its time and stale is not wanted. Yours
 * until kept_answer_unref. */
const struct kept_answer *answer_cache_find(struct answer_cache *,
    const struct answer_key *, struct mono_us now, bool stale);
void kept_answer_unref(const struct kept_answer **);
/* Copies head and body, for us microseconds. What is too large, or was to be
 * stored nowhere (Cache-Control: no-store), is not kept; the oldest make
 * room. */
void answer_cache_put(struct answer_cache *, const struct answer_key *,
    const struct http_head *, struct str body, bool translated, int64_t us,
    struct mono_us now);
void answer_cache_drop(struct answer_cache *, const struct answer_key *);
/* All of one source, or of some that share its number. */
void answer_cache_forget(struct answer_cache *, uint64_t source);
/* Forgets what no failure could bring back. */
void answer_cache_sweep(struct answer_cache *, struct mono_us now);

#endif
