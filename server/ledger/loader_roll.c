/* server/ledger/loader_roll.c - what the records of a batch add to the
 * roll-ups, summed up here: a batch is thousands of records of a few kinds. */
#include <inttypes.h>
#include <stdlib.h>

#include "server/ledger/loader_priv.h"

#define SLOTS 131072 /* a power of two, above 3 * ROWS_MAX */

/* Upper bounds in microseconds (sql/schema/0003_ledger.sql). */
static const uint32_t hist_bounds[ROLL_HIST - 1] = { 5000, 10000, 25000, 50000,
	100000, 250000, 500000, 1000000, 2500000 };

void
rolls_init(struct rolls *rs)
{
	*rs = (struct rolls){ 0 };
	rs->slots = xcalloc(SLOTS, sizeof(*rs->slots));
}

void
rolls_clear(struct rolls *rs)
{
	free(rs->sums);
	free(rs->slots);
}

void
rolls_reset(struct rolls *rs)
{
	memset(rs->slots, 0, SLOTS * sizeof(*rs->slots));
	rs->n = 0;
}

static struct roll *
roll_of(struct rolls *rs, const struct roll_key *key)
{
	size_t i = hash_str((struct str){ (const char *)key, sizeof(*key) }) &
	    (SLOTS - 1);

	for (; rs->slots[i] != 0; i = (i + 1) & (SLOTS - 1)) {
		struct roll *r = &rs->sums[rs->slots[i] - 1];

		if (memcmp(&r->key, key, sizeof(*key)) == 0)
			return (r);
	}
	assert(rs->n < ROWS_MAX);
	if (rs->n == rs->cap) {
		rs->cap = rs->cap == 0 ? 64 : rs->cap * 2;
		rs->sums = xrealloc(rs->sums, rs->cap * sizeof(*rs->sums));
	}
	rs->sums[rs->n] = (struct roll){ .key = *key };
	rs->slots[i] = (uint16_t)(rs->n + 1);
	return (&rs->sums[rs->n++]);
}

/* What a row can hold of it (loader_row.c) and a sum of rows, too. */
static void
add(uint64_t *sum, uint64_t v)
{
	*sum += v > INT64_MAX ? INT64_MAX : v;
	if (*sum > INT64_MAX)
		*sum = INT64_MAX;
}

void
rolls_add(struct rolls *rs, const struct roll_key *key,
    const struct record *r, uint64_t units)
{
	struct roll *to = roll_of(rs, key);
	size_t i = 0;

	to->requests++;
	to->denied += r->decision == DECISION_DENY;
	add(&to->entities, r->entities);
	add(&to->bytes, r->bytes_out);
	add(&to->units, units);
	while (i < ROLL_HIST - 1 && r->duration_us > hist_bounds[i])
		i++;
	to->hist[i]++;
}

static struct str
ags_str(const char ags[AGS_LEN])
{
	return ((struct str){ ags, strnlen(ags, AGS_LEN) });
}

static void
roll_json(const struct roll *r, const struct month_open *open, uint16_t node,
    uint32_t born, struct buf *b)
{
	const struct roll_key *k = &r->key;
	bool late = k->year * 12 + k->month < open->year * 12 + open->month;

	buf_addf(b, "{\"service_day\":\"%04u-%02u-%02u\",", k->year, k->month,
	    k->day);
	buf_addf(b, "\"service_period\":\"%04u-%02u-01\",", k->year, k->month);
	buf_addf(b, "\"booked_period\":\"%04u-%02u-01\",",
	    late ? open->year : k->year, late ? open->month : k->month);
	buf_addf(b, "\"class\":\"%s\",\"consumer\":",
	    row_class_names[k->class]);
	buf_add_json(b, ags_str(k->consumer));
	BUF_LIT(b, ",\"provider\":");
	buf_add_json(b, ags_str(k->provider));
	buf_addf(b, ",\"operation\":%u,\"node_id\":%u,\"dict_born\":%" PRIu32
		    ",\"agreement\":%" PRIu32 ",\"purpose\":%" PRIu32
		    ",\"dataset\":%" PRIu32,
	    k->operation, node, born, k->agreement, k->purpose, k->dataset);
	for (unsigned i = 0; i < 4; i++)
		buf_addf(b, ",\"type%u\":%" PRIu32, i + 1, k->types[i]);
	buf_addf(b, ",\"more\":%s,\"requests\":%" PRIu64
		    ",\"denied\":%" PRIu64 ",\"entities\":%" PRIu64
		    ",\"bytes\":%" PRIu64 ",\"units\":%" PRIu64 ",\"hist\":",
	    k->more ? "true" : "false", r->requests, r->denied, r->entities,
	    r->bytes, r->units);
	for (size_t i = 0; i < ROLL_HIST; i++)
		buf_addf(b, "%c%" PRIu64, i == 0 ? '[' : ',', r->hist[i]);
	BUF_LIT(b, "]}");
}

void
rolls_json(const struct rolls *rs, const struct month_open *open,
    uint16_t node, uint32_t born, struct buf *b)
{
	BUF_LIT(b, "[");
	for (unsigned i = 0; i < rs->n; i++) {
		if (i > 0)
			BUF_LIT(b, ",");
		roll_json(&rs->sums[i], open, node, born, b);
	}
	BUF_LIT(b, "]");
}
