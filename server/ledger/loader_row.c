/* server/ledger/loader_row.c - records as rows for COPY (FORMAT binary);
 * PostgreSQL 15, COPY, "Binary Format". Whatever a record holds, its row is
 * one that the table takes: a batch must never fail for what is in it. */
#include <endian.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "server/ledger/loader_priv.h"

/* PostgreSQL counts from 2000-01-01. */
#define PG_EPOCH_DAYS INT64_C(10957)
#define PG_EPOCH_US   (PG_EPOCH_DAYS * WALL_DAY_US)
/* 2200-01-01 */
#define TIME_MAX_US   (INT64_C(84006) * WALL_DAY_US)

#define UNIT_ACCESS UINT64_C(1000)
#define UNIT_ENTITY UINT64_C(10)
#define UNIT_KIB    UINT64_C(1)

#define ROW_FIELDS 41
#define ROW_MAX	   1024 /* bytes: 41 lengths, and no field above 32 */
#define COPY_MAX   ((size_t)(ROWS_MAX + 1) * ROW_MAX)

#define HOUR_US INT64_C(3600000000)

const char *const row_class_names[] = { "access", "leg", "estimate" };

/* ---- fields, big-endian; the caller has made room for a row */

static char *
be16(char *p, uint16_t v)
{
	v = htobe16(v);
	memcpy(p, &v, 2);
	return (p + 2);
}

static char *
be32(char *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, 4);
	return (p + 4);
}

static char *
be64(char *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, 8);
	return (p + 8);
}

static char *
field16(char *p, uint16_t v)
{
	return (be16(be32(p, 2), v));
}

static char *
field32(char *p, uint32_t v)
{
	return (be32(be32(p, 4), v));
}

static char *
field64(char *p, uint64_t v)
{
	return (be64(be32(p, 8), v));
}

static char *
field_bytes(char *p, const void *from, size_t n)
{
	p = be32(p, (uint32_t)n);
	memcpy(p, from, n);
	return (p + n);
}

/* Above int64 is not a number that a hub counts: the highest is kept. */
static char *
field_count(char *p, uint64_t v)
{
	return (field64(p, v > INT64_MAX ? INT64_MAX : v));
}

static char *
field_ags(char *p, const char ags[AGS_LEN])
{
	return (field_bytes(p, ags, strnlen(ags, AGS_LEN)));
}

/* ---- what stands in them */

/* An AGS as text, zeros behind it; what is no printable ASCII becomes "?",
 * none is "00000000". */
static void
ags_clean(char to[AGS_LEN], const char ags[AGS_LEN])
{
	size_t n = 0;

	memset(to, 0, AGS_LEN);
	for (; n < AGS_LEN && ags[n] != '\0'; n++)
		to[n] = ags[n] > ' ' && ags[n] < 0x7f ? ags[n] : '?';
	if (n == 0)
		memset(to, '0', AGS_LEN);
}

/* The German date, which changes with no shorter step than the hour: records
 * of a batch are mostly of the same. */
static void
date_of_hour(struct rows *rs, struct wall_us at)
{
	struct wall_us noon;
	int y, m, d;

	if (at.us / HOUR_US == rs->hour)
		return;
	rs->hour = at.us / HOUR_US;
	wall_berlin_date(at, &y, &m, &d);
	rs->year = (uint16_t)y;
	rs->month = (uint8_t)m;
	rs->day = (uint8_t)d;
	/* German time is ahead by one or two hours: half a day after the UTC
	 * midnight of the German date is that date here and there. */
	noon.us = (at.us + 2 * HOUR_US) / WALL_DAY_US * WALL_DAY_US +
	    WALL_DAY_US / 2;
	wall_berlin_date(noon, &y, &m, &d);
	rs->today = (int32_t)(noon.us / WALL_DAY_US - PG_EPOCH_DAYS) -
	    (d != rs->day);
	rs->period = rs->today - rs->day + 1;
}

struct wall_us
record_time_clamped(const struct record *r)
{
	int64_t us = r->start.us;

	us = us < 0 ? 0 : us;
	return ((struct wall_us){ us > TIME_MAX_US ? TIME_MAX_US : us });
}

uint64_t
record_units(const struct record *r)
{
	uint64_t kib = r->bytes_out / 1024 + (r->bytes_out % 1024 != 0);

	if (r->decision == DECISION_DENY || r->http_status < 200 ||
	    r->http_status > 299)
		return (0);
	/* Cut short: only if the agreement says so (ledger.md §4). */
	if (r->kind == RECORD_ABORT && (r->flags & RECORD_BILLABLE) == 0)
		return (0);
	return (UNIT_ACCESS + UNIT_ENTITY * r->entities + UNIT_KIB * kib);
}

/* False: no row. */
static bool
row_class(const struct record *r, uint8_t *class_r)
{
	switch (r->kind) {
	case RECORD_ACCESS:
	case RECORD_CLOSE:
	case RECORD_ABORT:
		*class_r = ROW_ACCESS;
		return (true);
	case RECORD_LEG:
		*class_r = ROW_LEG;
		return (true);
	case RECORD_ESTIMATE:
		*class_r = ROW_ESTIMATE;
		return (true);
	default:
		return (false);
	}
}

/* SHA-256 of node, kind and all that follows the boot, up to the reserved
 * bytes, which are zero: what was used, not where it stands. */
static char *
field_hash(struct rows *rs, char *p, const unsigned char raw[RECORD_LEN])
{
	unsigned char content[180], hash[SHA256_LEN];

	memcpy(content, raw + 16, 4);
	memcpy(content + 4, raw + 24, 176);
	/* No digest named: the one of rows_init, without another look-up. */
	if (EVP_DigestInit_ex2(rs->hash, NULL, NULL) != 1 ||
	    EVP_DigestUpdate(rs->hash, content, sizeof(content)) != 1 ||
	    EVP_DigestFinal_ex(rs->hash, hash, NULL) != 1)
		assert(!"SHA-256");
	return (field_bytes(p, hash, sizeof(hash)));
}

/* ---- a batch */

void
rows_init(struct rows *rs)
{
	*rs = (struct rows){ .hour = -1 };
	buf_init(&rs->copy, COPY_MAX);
	rolls_init(&rs->rolls);
	uses_init(&rs->uses);
	rs->leaves = xcalloc(ROWS_MAX, sizeof(*rs->leaves));
	rs->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	rs->hash = EVP_MD_CTX_new();
	assert(rs->sha256 != NULL && rs->hash != NULL &&
	    EVP_DigestInit_ex2(rs->hash, rs->sha256, NULL) == 1);
}

void
rows_clear(struct rows *rs)
{
	buf_clear(&rs->copy);
	rolls_clear(&rs->rolls);
	uses_clear(&rs->uses);
	free(rs->leaves);
	EVP_MD_CTX_free(rs->hash);
	EVP_MD_free(rs->sha256);
}

void
rows_begin(struct rows *rs)
{
	static const char head[19] = "PGCOPY\n\377\r\n"; /* flags: none */

	buf_reset(&rs->copy);
	buf_add(&rs->copy, head, sizeof(head));
	rolls_reset(&rs->rolls);
	uses_reset(&rs->uses);
	rs->n = 0;
	random_bytes(&rs->batch, sizeof(rs->batch));
	rs->batch = rs->batch >> 1 | 1;
}

void
rows_end(struct rows *rs)
{
	buf_add(&rs->copy, "\377\377", 2);
	assert(!rs->copy.failed);
}

int32_t
rows_booked(const struct rows *rs)
{
	return (rs->period < rs->open.days ? rs->open.days : rs->period);
}

static char *
row_write(struct rows *rs, char *p, const struct roll_key *k,
    const struct record *r, uint64_t units)
{
	const char *class = row_class_names[k->class];
	struct wall_us at = record_time_clamped(r);

	p = be16(p, ROW_FIELDS);
	p = field32(p, (uint32_t)rs->period);
	p = field_bytes(p, r->event_id.b, 16);
	p = field16(p, r->leg);
	p = field32(p, (uint32_t)rows_booked(rs));
	p = field32(p, (uint32_t)rs->today);
	p = field_bytes(p, class, strlen(class));
	p = field16(p, r->kind);
	p = field64(p, (uint64_t)(at.us - PG_EPOCH_US));
	p = field64(p, r->duration_us);
	p = field32(p, r->http_status);
	p = field16(p, r->decision);
	p = field16(p, r->operation);
	p = field_ags(p, k->consumer);
	p = field_ags(p, k->provider);
	p = field64(p, r->agreement);
	p = field64(p, r->agreement_version);
	p = field64(p, r->purpose);
	p = field16(p, r->flags);
	p = field64(p, r->entities);
	p = field_count(p, r->bytes_out);
	p = field_count(p, r->bytes_in);
	p = field_count(p, units);
	p = field_bytes(p, r->request_id.b, 16);
	p = field_bytes(p, r->decision_id.b, 16);
	p = field_bytes(p, r->policy_hash, 16);
	for (size_t i = 0; i < 4; i++)
		p = field64(p, r->types[i]);
	p = field16(p, r->ntypes);
	p = field64(p, r->user_pseudonym); /* its bits: no count */
	p = field64(p, r->dataset);
	p = field64(p, r->use_case);
	p = field64(p, r->upstream_us);
	return (field64(p, r->queue_us));
}

void
rows_add(struct rows *rs, const struct record *r,
    const unsigned char raw[RECORD_LEN], uint32_t born)
{
	struct roll_key k;
	uint64_t units = record_units(r);
	const unsigned char *hash;
	char *p;

	memset(&k, 0, sizeof(k));
	if (!row_class(r, &k.class))
		return;
	date_of_hour(rs, record_time_clamped(r));
	k.agreement = r->agreement;
	k.purpose = r->purpose;
	k.dataset = r->dataset;
	memcpy(k.types, r->types, sizeof(k.types));
	k.year = rs->year;
	k.month = rs->month;
	k.day = rs->day;
	ags_clean(k.consumer, r->consumer_ags);
	ags_clean(k.provider, r->provider_ags);
	k.operation = r->operation;
	k.more = r->ntypes > 4;

	assert(rs->n < ROWS_MAX);
	if (rs->n == 0)
		rs->one_period = rs->period;
	else if (rs->one_period != rs->period)
		rs->one_period = -1;
	p = buf_room(&rs->copy, ROW_MAX);
	assert(p != NULL);
	p = row_write(rs, p, &k, r, units);
	p = field_hash(rs, p, raw);
	hash = (const unsigned char *)p - SHA256_LEN;
	p = field32(p, r->node_id);
	p = field64(p, r->boot_epoch);
	p = field_count(p, r->seq);
	p = field64(p, born);
	p = field64(p, rs->batch);
	rs->copy.len = (size_t)(p - rs->copy.p);
	rows_leaf(rs, r, &k, units, born, hash);
	rolls_add(&rs->rolls, &k, r, units);
	uses_add(&rs->uses, &k, r);
	rs->n++;
}
