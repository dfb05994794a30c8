/* server/ledger/digest.h - signed ends of the chain as municipalities read
 * them, and what they say of keeping them (ledger.md §5.1). hubctl signs;
 * nothing here can. */
#ifndef HUB_LEDGER_DIGEST_H
#define HUB_LEDGER_DIGEST_H

#include "server/ledger/report.h"

#define DIGESTS_MAX	   1000 /* of one list */
#define DIGEST_RECEIPT_MAX 200	/* bytes */
#define DIGEST_SHA256_LEN  64	/* hex digits */

/* The newest first, signed before that instant (WALL_ABSENT: all). One row for
 * each digest, with when the tenant of that AGS said that it keeps one of the
 * block; ags NULL: a row for each tenant that said so. */
enum hub_err digest_list(struct db *, const char *ags, struct wall_us before,
    unsigned limit, struct report *) HUB_MUST_CHECK;
/* Of the last block that was signed, the newest line, byte by byte; HUB_ENOENT:
 * none was yet. */
enum hub_err digest_latest(struct db *, struct buf *line) HUB_MUST_CHECK;

/* A tenant keeps a digest. sha256 is of the line that it keeps, with its line
 * feed; receipt is where, in its own words, or NULL. */
struct digest_receipt {
	int64_t block;
	const char *ags, *sha256, *receipt;
};
enum digest_said {
	DIGEST_UNKNOWN, /* no digest of this block was signed */
	DIGEST_DIFFERS, /* none of those has this hash */
	DIGEST_OTHER,	/* it was said before, with another receipt */
	DIGEST_SAME,	/* it was said before */
	DIGEST_MADE
};
enum hub_err digest_acknowledge(struct db *, const struct digest_receipt *,
    enum digest_said *) HUB_MUST_CHECK;

#endif
