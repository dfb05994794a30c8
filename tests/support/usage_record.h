/* tests/support/usage_record.h - one use as hubd books it. */
#ifndef HUB_TESTS_USAGE_RECORD_H
#define HUB_TESTS_USAGE_RECORD_H

#include <string.h>

#include "server/ledger/record.h"

static struct record
usage(uint16_t kind, uint8_t leg, struct uuid id)
{
	struct record r = { .kind = kind, .leg = leg, .event_id = id,
		.start = clock_wall(), .http_status = 200,
		.decision = DECISION_PERMIT, .operation = OPERATION_QUERY,
		.entities = 3, .bytes_out = 2049, .duration_us = 7000 };

	memcpy(r.consumer_ags, "05978012", 8);
	memcpy(r.provider_ags, kind == RECORD_LEG ? "05978028" : "00000000",
	    8);
	return (r);
}

#endif
