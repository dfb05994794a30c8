/* server/ledger/loader_use.c - what the records of a batch say for the impact
 * indicators (ledger.md §8, R8): downloads of open data, and persons. Most
 * batches have none, and cost nothing. */
#include <inttypes.h>
#include <stdlib.h>

#include "server/ledger/loader_priv.h"

#define SLOTS 131072 /* a power of two, twice USES_MAX */

void
uses_init(struct uses *us)
{
	*us = (struct uses){ 0 };
}

void
uses_clear(struct uses *us)
{
	free(us->v);
	free(us->slots);
}

void
uses_reset(struct uses *us)
{
	if (us->n > 0)
		memset(us->slots, 0, SLOTS * sizeof(*us->slots));
	us->n = 0;
}

static void
count(struct uses *us, const struct use_key *key)
{
	size_t i = hash_str((struct str){ (const char *)key, sizeof(*key) }) &
	    (SLOTS - 1);

	if (us->slots == NULL)
		us->slots = xcalloc(SLOTS, sizeof(*us->slots));
	for (; us->slots[i] != 0; i = (i + 1) & (SLOTS - 1)) {
		struct use *u = &us->v[us->slots[i] - 1];

		if (memcmp(&u->key, key, sizeof(*key)) == 0) {
			u->n++;
			return;
		}
	}
	assert(us->n < USES_MAX);
	if (us->n == us->cap) {
		us->cap = us->cap == 0 ? 64 : us->cap * 2;
		us->v = xrealloc(us->v, us->cap * sizeof(*us->v));
	}
	us->v[us->n] = (struct use){ .key = *key, .n = 1 };
	us->slots[i] = ++us->n;
}

static struct use_key
key_of(enum use_kind kind, const struct roll_key *k)
{
	struct use_key to;

	memset(&to, 0, sizeof(to));
	to.kind = (uint8_t)kind;
	to.year = k->year;
	to.month = k->month;
	to.day = 1;
	return (to);
}

static void
add_person(struct uses *us, const struct roll_key *k, const struct record *r)
{
	struct use_key key = key_of(USE_PERSON, k);

	memcpy(key.consumer, k->consumer, AGS_LEN);
	key.person = r->user_pseudonym;
	count(us, &key);
}

static void
add_download(struct uses *us, const struct roll_key *k, const struct record *r)
{
	struct use_key key = key_of(USE_DOWNLOAD, k);

	key.day = k->day;
	memcpy(key.consumer, k->consumer, AGS_LEN);
	memcpy(key.provider, k->provider, AGS_LEN);
	key.dataset = r->dataset;
	count(us, &key);
}

/* Its legs were counted when it began; the database has them. */
static void
add_cut(struct uses *us, const struct roll_key *k, const struct record *r)
{
	struct use_key key = key_of(USE_CUT, k);

	key.request = r->request_id;
	count(us, &key);
}

void
uses_add(struct uses *us, const struct roll_key *k, const struct record *r)
{
	bool open = (r->flags & RECORD_OPEN_DATA) != 0;

	if (k->class == ROW_ACCESS && r->user_pseudonym != 0 &&
	    (r->flags & RECORD_PROFESSIONAL) != 0)
		add_person(us, k, r);
	if (k->class == ROW_ACCESS && open && r->kind == RECORD_ABORT)
		add_cut(us, k, r);
	if (k->class == ROW_LEG && open && r->decision != DECISION_DENY &&
	    r->http_status >= 200 && r->http_status <= 299)
		add_download(us, k, r);
}

/* ---- as JSON */

static void
ags_json(struct buf *b, const char *name, const char ags[AGS_LEN])
{
	buf_addf(b, ",\"%s\":", name);
	buf_add_json(b, (struct str){ ags, strnlen(ags, AGS_LEN) });
}

static void
use_json(const struct use *u, uint16_t node, uint32_t born, struct buf *b)
{
	const struct use_key *k = &u->key;
	char id[UUID_STR_MAX];

	buf_addf(b, "{\"day\":\"%04u-%02u-%02u\"", k->year, k->month, k->day);
	switch (k->kind) {
	case USE_PERSON:
		ags_json(b, "consumer", k->consumer);
		buf_addf(b, ",\"person\":%" PRId64 "}", (int64_t)k->person);
		break;
	case USE_DOWNLOAD:
		ags_json(b, "consumer", k->consumer);
		ags_json(b, "provider", k->provider);
		buf_addf(b, ",\"node_id\":%u,\"dict_born\":%" PRIu32
		    ",\"dataset\":%" PRIu32 ",\"given\":%" PRIu32 "}",
		    node, born, k->dataset, u->n);
		break;
	default:
		uuid_format(&k->request, id);
		buf_addf(b, ",\"cut\":\"%s\"}", id);
	}
}

void
uses_json(const struct uses *us, uint16_t node, uint32_t born, struct buf *b)
{
	BUF_LIT(b, "[");
	for (unsigned i = 0; i < us->n; i++) {
		if (i > 0)
			BUF_LIT(b, ",");
		use_json(&us->v[i], node, born, b);
	}
	BUF_LIT(b, "]");
}
