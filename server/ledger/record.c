/* server/ledger/record.c - the usage record's bytes; see record.h. */
#include "server/ledger/record.h"

#include <pthread.h>

#define DICT_TEXT_MAX 150

/* Offsets of ledger.md §3. */
enum {
	OFF_CRC = 4,
	OFF_SEQ = 8,
	OFF_NODE = 16,
	OFF_KIND = 18,
	OFF_BOOT = 20,
	OFF_EVENT = 24,
	OFF_REQUEST = 40,
	OFF_START = 56,
	OFF_DURATION = 64,
	OFF_STATUS = 68,
	OFF_DECISION = 70,
	OFF_OPERATION = 71,
	OFF_CONSUMER = 72,
	OFF_PROVIDER = 80,
	OFF_AGREEMENT = 88,
	OFF_VERSION = 92,
	OFF_PURPOSE = 96,
	OFF_LEG = 98,
	OFF_FLAGS = 99,
	OFF_ENTITIES = 100,
	OFF_BYTES_OUT = 104,
	OFF_BYTES_IN = 112,
	OFF_DECISION_ID = 120,
	OFF_POLICY = 136,
	OFF_TYPES = 152,
	OFF_NTYPES = 168,
	OFF_PAD = 169,
	OFF_USER = 176,
	OFF_DATASET = 184,
	OFF_USE_CASE = 188,
	OFF_UPSTREAM = 192,
	OFF_QUEUE = 196,
	OFF_RESERVED = 200,
	/* RECORD_DICT instead, from 96 on */
	OFF_DICT_ID = 96,
	OFF_DICT_LEN = 100,
	OFF_DICT_TEXT = 102
};

static const unsigned char magic[4] = { 'U', 'R', 'L', '1' };

static void
put16(unsigned char *p, uint16_t v)
{
	p[0] = (unsigned char)v;
	p[1] = (unsigned char)(v >> 8);
}

static void
put32(unsigned char *p, uint32_t v)
{
	put16(p, (uint16_t)v);
	put16(p + 2, (uint16_t)(v >> 16));
}

static void
put64(unsigned char *p, uint64_t v)
{
	put32(p, (uint32_t)v);
	put32(p + 4, (uint32_t)(v >> 32));
}

static uint16_t
get16(const unsigned char *p)
{
	return ((uint16_t)(p[0] | p[1] << 8));
}

static uint32_t
get32(const unsigned char *p)
{
	return (get16(p) | (uint32_t)get16(p + 2) << 16);
}

static uint64_t
get64(const unsigned char *p)
{
	return (get32(p) | (uint64_t)get32(p + 4) << 32);
}

static void
encode_usage(const struct record *r, unsigned char *out)
{
	put16(out + OFF_PURPOSE, r->purpose);
	out[OFF_LEG] = r->leg;
	out[OFF_FLAGS] = r->flags;
	put32(out + OFF_ENTITIES, r->entities);
	put64(out + OFF_BYTES_OUT, r->bytes_out);
	put64(out + OFF_BYTES_IN, r->bytes_in);
	memcpy(out + OFF_DECISION_ID, r->decision_id.b, 16);
	memcpy(out + OFF_POLICY, r->policy_hash, 16);
	for (size_t i = 0; i < 4; i++)
		put32(out + OFF_TYPES + 4 * i, r->types[i]);
	out[OFF_NTYPES] = r->ntypes;
	put64(out + OFF_USER, r->user_pseudonym);
	put32(out + OFF_DATASET, r->dataset);
	put32(out + OFF_USE_CASE, r->use_case);
	put32(out + OFF_UPSTREAM, r->upstream_us);
	put32(out + OFF_QUEUE, r->queue_us);
}

static void
encode_dict(const struct record *r, unsigned char *out)
{
	assert(r->dict_text.len <= DICT_TEXT_MAX);
	put32(out + OFF_DICT_ID, r->dataset);
	put16(out + OFF_DICT_LEN, (uint16_t)r->dict_text.len);
	if (r->dict_text.len > 0)
		memcpy(out + OFF_DICT_TEXT, r->dict_text.p, r->dict_text.len);
}

void
record_encode(const struct record *r, unsigned char out[RECORD_LEN])
{
	memset(out, 0, RECORD_LEN);
	memcpy(out, magic, sizeof(magic));
	put64(out + OFF_SEQ, r->seq);
	put16(out + OFF_NODE, r->node_id);
	put16(out + OFF_KIND, r->kind);
	put32(out + OFF_BOOT, r->boot_epoch);
	memcpy(out + OFF_EVENT, r->event_id.b, 16);
	memcpy(out + OFF_REQUEST, r->request_id.b, 16);
	put64(out + OFF_START, (uint64_t)r->start.us);
	put32(out + OFF_DURATION, r->duration_us);
	put16(out + OFF_STATUS, r->http_status);
	out[OFF_DECISION] = r->decision;
	out[OFF_OPERATION] = r->operation;
	memcpy(out + OFF_CONSUMER, r->consumer_ags, 8);
	memcpy(out + OFF_PROVIDER, r->provider_ags, 8);
	put32(out + OFF_AGREEMENT, r->agreement);
	put32(out + OFF_VERSION, r->agreement_version);
	if (r->kind == RECORD_DICT)
		encode_dict(r, out);
	else
		encode_usage(r, out);
	put32(out + OFF_CRC, crc32c(out + OFF_SEQ, RECORD_LEN - OFF_SEQ));
}

static bool
all_zero(const unsigned char *p, size_t n)
{
	unsigned char sum = 0;

	for (size_t i = 0; i < n; i++)
		sum |= p[i];
	return (sum == 0);
}

static enum hub_err
decode_usage(const unsigned char *in, struct record *r)
{
	if (!all_zero(in + OFF_PAD, OFF_USER - OFF_PAD) ||
	    !all_zero(in + OFF_RESERVED, RECORD_LEN - OFF_RESERVED))
		return (HUB_ESYNTAX);
	r->purpose = get16(in + OFF_PURPOSE);
	r->leg = in[OFF_LEG];
	r->flags = in[OFF_FLAGS];
	r->entities = get32(in + OFF_ENTITIES);
	r->bytes_out = get64(in + OFF_BYTES_OUT);
	r->bytes_in = get64(in + OFF_BYTES_IN);
	memcpy(r->decision_id.b, in + OFF_DECISION_ID, 16);
	memcpy(r->policy_hash, in + OFF_POLICY, 16);
	for (size_t i = 0; i < 4; i++)
		r->types[i] = get32(in + OFF_TYPES + 4 * i);
	r->ntypes = in[OFF_NTYPES];
	r->user_pseudonym = get64(in + OFF_USER);
	r->dataset = get32(in + OFF_DATASET);
	r->use_case = get32(in + OFF_USE_CASE);
	r->upstream_us = get32(in + OFF_UPSTREAM);
	r->queue_us = get32(in + OFF_QUEUE);
	return (HUB_OK);
}

static enum hub_err
decode_dict(const unsigned char *in, struct record *r)
{
	size_t len = get16(in + OFF_DICT_LEN);

	if (len > DICT_TEXT_MAX ||
	    !all_zero(in + OFF_DICT_TEXT + len,
		RECORD_LEN - OFF_DICT_TEXT - len))
		return (HUB_ESYNTAX);
	r->dataset = get32(in + OFF_DICT_ID);
	r->dict_text = (struct str){ (const char *)in + OFF_DICT_TEXT, len };
	return (HUB_OK);
}

enum hub_err
record_decode(const unsigned char in[RECORD_LEN], struct record *r_r)
{
	struct record r = { 0 };
	enum hub_err err;

	if (memcmp(in, magic, sizeof(magic)) != 0 ||
	    get32(in + OFF_CRC) !=
		crc32c(in + OFF_SEQ, RECORD_LEN - OFF_SEQ))
		return (HUB_ESYNTAX);
	r.kind = get16(in + OFF_KIND);
	if (r.kind < RECORD_ACCESS || r.kind > RECORD_ABORT)
		return (HUB_ESYNTAX);
	r.seq = get64(in + OFF_SEQ);
	r.node_id = get16(in + OFF_NODE);
	r.boot_epoch = get32(in + OFF_BOOT);
	memcpy(r.event_id.b, in + OFF_EVENT, 16);
	memcpy(r.request_id.b, in + OFF_REQUEST, 16);
	r.start.us = (int64_t)get64(in + OFF_START);
	r.duration_us = get32(in + OFF_DURATION);
	r.http_status = get16(in + OFF_STATUS);
	r.decision = in[OFF_DECISION];
	r.operation = in[OFF_OPERATION];
	memcpy(r.consumer_ags, in + OFF_CONSUMER, 8);
	memcpy(r.provider_ags, in + OFF_PROVIDER, 8);
	r.agreement = get32(in + OFF_AGREEMENT);
	r.agreement_version = get32(in + OFF_VERSION);
	err = r.kind == RECORD_DICT ? decode_dict(in, &r)
				    : decode_usage(in, &r);
	if (err == HUB_OK)
		*r_r = r;
	return (err);
}

/* Slicing by eight: table[k][b] is the crc of byte b with k zeros behind. */
static uint32_t crc_table[8][256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void
crc_fill(void)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t c = b;

		for (int i = 0; i < 8; i++)
			c = c >> 1 ^ (c & 1 ? 0x82f63b78U : 0);
		crc_table[0][b] = c;
	}
	for (size_t k = 1; k < 8; k++)
		for (size_t b = 0; b < 256; b++) {
			uint32_t c = crc_table[k - 1][b];

			crc_table[k][b] = c >> 8 ^ crc_table[0][c & 255];
		}
}

static uint32_t
crc_soft(uint32_t c, const unsigned char *p, size_t n)
{
	(void)pthread_once(&crc_once, crc_fill);
	for (; n >= 8; p += 8, n -= 8) {
		uint32_t lo = get32(p) ^ c, hi = get32(p + 4);

		c = crc_table[7][lo & 255] ^ crc_table[6][lo >> 8 & 255] ^
		    crc_table[5][lo >> 16 & 255] ^ crc_table[4][lo >> 24] ^
		    crc_table[3][hi & 255] ^ crc_table[2][hi >> 8 & 255] ^
		    crc_table[1][hi >> 16 & 255] ^ crc_table[0][hi >> 24];
	}
	for (; n > 0; p++, n--)
		c = c >> 8 ^ crc_table[0][(c ^ *p) & 255];
	return (c);
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t
crc_sse(uint32_t c, const unsigned char *p, size_t n)
{
	uint64_t wide = c, word;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&word, p, 8);
		wide = __builtin_ia32_crc32di(wide, word);
	}
	c = (uint32_t)wide;
	for (; n > 0; p++, n--)
		c = __builtin_ia32_crc32qi(c, *p);
	return (c);
}
#endif

uint32_t
crc32c(const void *p, size_t n)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return (~crc_sse(~0U, p, n));
#endif
	return (~crc_soft(~0U, p, n));
}
