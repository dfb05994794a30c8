/* server/hubverify/row.c - blocks and events as their tables have them, and
 * the leaf that an event stands for; see verify.h. */
#include "server/hubverify/verify.h"

#include <string.h>

#define I64 ((uint64_t)INT64_MAX)
/* Where the year 10000 begins, which no date here can name. */
#define AT_END INT64_C(253402300800000000)

/* How a column is read. */
enum as { AS_UINT, AS_INT, AS_DATE, AS_UUID, AS_HEX16, AS_HEX32, AS_TEXT };
struct column {
	const char *name;
	enum as as;
	uint64_t max; /* AS_UINT: the highest that a record can hold */
	size_t at;
};

static bool
read_as(const struct column *col, const char *text, char *to)
{
	switch (col->as) {
	case AS_UINT:
		return (read_uint(text, col->max, (uint64_t *)(void *)to));
	case AS_INT:
		return (read_int(text, (int64_t *)(void *)to));
	case AS_DATE:
		return (read_date(text, (int32_t *)(void *)to));
	case AS_UUID:
		return (read_uuid(text, (unsigned char *)to));
	case AS_HEX16:
		return (text != NULL &&
		    hex_read(text, (unsigned char *)to, 16));
	case AS_HEX32:
		return (text != NULL &&
		    hex_read(text, (unsigned char *)to, HASH_LEN));
	case AS_TEXT:
		memcpy(to, &text, sizeof(text));
		return (text != NULL);
	}
	return (false);
}

/* ---- blocks */

#define B(name, as, max, field) { name, as, max, offsetof(struct block, field) }
static const struct column block_columns[] = {
	B("block_no", AS_UINT, I64, no),
	B("kind", AS_UINT, INT16_MAX, kind),
	B("prev_hash", AS_HEX32, 0, prev),
	B("payload_hash", AS_HEX32, 0, payload_hash),
	B("hash", AS_HEX32, 0, hash),
	/* Of INGEST only. */
	B("batch", AS_UINT, I64, batch),
	B("service_period", AS_DATE, 0, period),
	B("node_id", AS_UINT, UINT16_MAX, node),
	B("boot_epoch", AS_UINT, UINT32_MAX, boot),
	B("first_seq", AS_UINT, I64, first),
	B("last_seq", AS_UINT, I64, last),
	B("n_leaves", AS_UINT, INT32_MAX, leaves),
};
#define NBLOCK	    (sizeof(block_columns) / sizeof(block_columns[0]))
#define FIRST_OWN   5
#define LAST_OWN    10
#define PAYLOAD	    12

const char *
block_read(const struct csv *c, struct block *b)
{
	*b = (struct block){ 0 };
	if (c->n != NBLOCK + 1)
		return ("(columns)");
	for (unsigned i = 0; i < NBLOCK; i++) {
		const struct column *col = &block_columns[i];
		bool own = i >= FIRST_OWN && i <= LAST_OWN;

		if (own && b->kind != INGEST) {
			if (c->field[i] != NULL)
				return (col->name);
		} else if (!read_as(col, c->field[i], (char *)b + col->at))
			return (col->name);
	}
	b->payload = c->field[PAYLOAD];
	if ((b->kind == INGEST) != (b->payload == NULL))
		return ("payload");
	if ((b->kind == INGEST) != (b->leaves > 0))
		return ("n_leaves");
	return (NULL);
}

/* ---- events */

#define E(name, as, max, field) { name, as, max, offsetof(struct event, field) }
static const struct column event_columns[] = {
	E("block_no", AS_UINT, I64, block),
	E("batch", AS_UINT, I64, batch),
	E("service_period", AS_DATE, 0, period),
	E("event_id", AS_UUID, 0, event),
	E("leg", AS_UINT, UINT8_MAX, leg),
	E("booked_period", AS_DATE, 0, booked),
	E("service_day", AS_DATE, 0, day),
	E("class", AS_TEXT, 0, class),
	E("kind", AS_UINT, 8, kind),
	E("ts", AS_INT, 0, at),
	E("duration_us", AS_UINT, UINT32_MAX, duration),
	E("http_status", AS_UINT, UINT16_MAX, status),
	E("decision", AS_UINT, UINT8_MAX, decision),
	E("operation", AS_UINT, UINT8_MAX, operation),
	E("consumer", AS_TEXT, 0, consumer),
	E("provider", AS_TEXT, 0, provider),
	E("agreement", AS_UINT, UINT32_MAX, agreement),
	E("agreement_version", AS_UINT, UINT32_MAX, version),
	E("purpose", AS_UINT, UINT16_MAX, purpose),
	E("flags", AS_UINT, UINT8_MAX, flags),
	E("entities", AS_UINT, UINT32_MAX, entities),
	E("bytes_out", AS_UINT, I64, bytes_out),
	E("bytes_in", AS_UINT, I64, bytes_in),
	E("units", AS_UINT, I64, units),
	E("request_id", AS_UUID, 0, request),
	E("decision_id", AS_UUID, 0, decision_id),
	E("policy_hash", AS_HEX16, 0, policy),
	E("type1", AS_UINT, UINT32_MAX, types[0]),
	E("type2", AS_UINT, UINT32_MAX, types[1]),
	E("type3", AS_UINT, UINT32_MAX, types[2]),
	E("type4", AS_UINT, UINT32_MAX, types[3]),
	E("ntypes", AS_UINT, UINT8_MAX, ntypes),
	E("user_pseudonym", AS_INT, 0, pseudonym),
	E("dataset", AS_UINT, UINT32_MAX, dataset),
	E("use_case", AS_UINT, UINT32_MAX, use_case),
	E("upstream_us", AS_UINT, UINT32_MAX, upstream),
	E("queue_us", AS_UINT, UINT32_MAX, queue),
	E("rec_hash", AS_HEX32, 0, rec_hash),
	E("node_id", AS_UINT, UINT16_MAX, node),
	E("boot_epoch", AS_UINT, UINT32_MAX, boot),
	E("seq", AS_UINT, I64, seq),
	E("dict_born", AS_UINT, UINT32_MAX, born),
};
#define NEVENT (sizeof(event_columns) / sizeof(event_columns[0]))

const char *
event_read(const struct csv *c, struct event *e)
{
	if (c->n != NEVENT)
		return ("(columns)");
	for (unsigned i = 0; i < NEVENT; i++)
		if (!read_as(&event_columns[i], c->field[i],
			(char *)e + event_columns[i].at))
			return (event_columns[i].name);
	return (NULL);
}

/* ---- the leaf: ledger.md section 3, with the reserved bytes used */

static void
put(unsigned char *p, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

static bool
put_ags(unsigned char *p, const char *ags)
{
	size_t n = strlen(ags);

	if (n < 1 || n > 8)
		return (false);
	memcpy(p, ags, n);
	return (true);
}

static void
put_rest(const struct event *e, unsigned char *leaf)
{
	put(leaf + 88, e->agreement, 4);
	put(leaf + 92, e->version, 4);
	put(leaf + 96, e->purpose, 2);
	put(leaf + 98, e->leg, 1);
	put(leaf + 99, e->flags, 1);
	put(leaf + 100, e->entities, 4);
	put(leaf + 104, e->bytes_out, 8);
	put(leaf + 112, e->bytes_in, 8);
	memcpy(leaf + 120, e->decision_id, 16);
	memcpy(leaf + 136, e->policy, 16);
	for (unsigned i = 0; i < 4; i++)
		put(leaf + 152 + 4 * i, e->types[i], 4);
	put(leaf + 168, e->ntypes, 1);
	put(leaf + 176, (uint64_t)e->pseudonym, 8);
	put(leaf + 184, e->dataset, 4);
	put(leaf + 188, e->use_case, 4);
	put(leaf + 192, e->upstream, 4);
	put(leaf + 196, e->queue, 4);
	put(leaf + 200, e->born, 4);
	put(leaf + 204, (uint64_t)(int64_t)e->day, 4);
	put(leaf + 208, (uint64_t)(int64_t)e->booked, 4);
	put(leaf + 216, e->units, 8);
	memcpy(leaf + 224, e->rec_hash, HASH_LEN);
}

/* What follows from other columns, and is no part of the leaf itself. */
static const char *
contradiction(const struct event *e)
{
	static const char *const classes[] = { "", "access", "leg", "", "access",
		"", "", "estimate", "access" };
	unsigned m, d;
	int y;

	if (classes[e->kind][0] == '\0')
		return ("kind");
	if (strcmp(e->class, classes[e->kind]) != 0)
		return ("class");
	if (e->at < 0 || e->at >= AT_END || e->day != german_day(e->at))
		return ("service_day");
	date_of_days(e->day, &y, &m, &d);
	if (e->period != days_of_date(y, m, 1))
		return ("service_period");
	return (e->booked < e->period ? "booked_period" : NULL);
}

const char *
event_leaf(const struct event *e, unsigned char leaf[LEAF_LEN])
{
	memset(leaf, 0, LEAF_LEN);
	memcpy(leaf, "URL1", 4);
	put(leaf + 8, e->seq, 8);
	put(leaf + 16, e->node, 2);
	put(leaf + 18, e->kind, 2);
	put(leaf + 20, e->boot, 4);
	memcpy(leaf + 24, e->event, 16);
	memcpy(leaf + 40, e->request, 16);
	put(leaf + 56, (uint64_t)e->at, 8);
	put(leaf + 64, e->duration, 4);
	put(leaf + 68, e->status, 2);
	put(leaf + 70, e->decision, 1);
	put(leaf + 71, e->operation, 1);
	if (!put_ags(leaf + 72, e->consumer))
		return ("consumer");
	if (!put_ags(leaf + 80, e->provider))
		return ("provider");
	put_rest(e, leaf);
	return (contradiction(e));
}
