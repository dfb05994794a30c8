/* server/ledger/record.h - the usage record: 256 bytes, little endian
 * (ledger.md §3). The one place where its layout, kinds, operations and flag
 * bits are listed. Pure. */
#ifndef HUB_LEDGER_RECORD_H
#define HUB_LEDGER_RECORD_H

#include "server/base/clock.h"
#include "server/base/hash.h"

#define RECORD_LEN 256

enum record_kind {
	RECORD_ACCESS = 1, /* one per client request, leg 0 */
	RECORD_LEG = 2,	   /* one per source asked, leg 1..n */
	RECORD_OPEN = 3,
	RECORD_CLOSE = 4,
	RECORD_TICK = 5,
	RECORD_DICT = 6, /* gives a number its text */
	RECORD_ESTIMATE = 7,
	RECORD_ABORT = 8
};

enum record_decision { DECISION_DENY, DECISION_PERMIT, DECISION_PARTIAL };

enum record_operation {
	OPERATION_QUERY = 1,
	OPERATION_ENTITY = 2,
	OPERATION_TEMPORAL = 3,
	OPERATION_SUBSCRIBE = 4,
	OPERATION_NOTIFY = 5,
	OPERATION_DOWNLOAD = 6,
	OPERATION_WRITE = 7
};

#define RECORD_BILLABLE	    (1 << 0)
#define RECORD_OPEN_DATA    (1 << 1) /* open data was downloaded */
#define RECORD_PROFESSIONAL (1 << 2) /* of a person: user_pseudonym */
#define RECORD_CACHE_HIT    (1 << 3)
#define RECORD_ABORTED	    (1 << 4)
#define RECORD_ESTIMATED    (1 << 5)
#define RECORD_LATE_CLOCK   (1 << 6)
#define RECORD_CRISIS	    (1 << 7) /* a crisis was needed for it */

/* In memory; the spool writer fills seq, node_id and boot_epoch. */
struct record {
	uint64_t seq;
	uint16_t node_id;
	uint16_t kind; /* enum record_kind */
	uint32_t boot_epoch;
	struct uuid event_id;	/* set at the decision; idempotency key */
	struct uuid request_id; /* the client's Request-Id header */
	struct wall_us start;
	uint32_t duration_us;
	uint16_t http_status;
	uint8_t decision, operation;
	char consumer_ags[8], provider_ags[8];
	uint32_t agreement, agreement_version; /* dictionary ids, 0: none */
	uint16_t purpose;		       /* dictionary id */
	uint8_t leg, flags;
	uint32_t entities;
	uint64_t bytes_out, bytes_in;
	struct uuid decision_id;
	unsigned char policy_hash[16];
	uint32_t types[4]; /* dictionary ids */
	uint8_t ntypes;	   /* may be above 4 */
	uint64_t user_pseudonym;
	uint32_t dataset, use_case;
	uint32_t upstream_us, queue_us;
	/* RECORD_DICT only: number (in .dataset) and at most 150 bytes of
	 * text, laid out from offset 96 on; kind of name in .operation */
	struct str dict_text;
};

/* crc32c (Castagnoli) over bytes 8..255 is computed last. */
void record_encode(const struct record *, unsigned char out[RECORD_LEN]);
/* HUB_ESYNTAX: magic, crc, kind or reserved bytes are wrong. dict_text points
 * into in. */
enum hub_err record_decode(const unsigned char in[RECORD_LEN],
    struct record *) HUB_MUST_CHECK;
uint32_t crc32c(const void *, size_t);

#endif
