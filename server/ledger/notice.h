/* server/ledger/notice.h - the statement of one tenant for a month or a year,
 * as data: what is closed, as it was then; what is not, as it looks now; and
 * what was posted for the period. Written as JSON, CSV and a page for people
 * (notice_write.c). */
#ifndef HUB_LEDGER_NOTICE_H
#define HUB_LEDGER_NOTICE_H

#include "server/ledger/statement.h"

/* Texts live in the arena; days are YYYY-MM-DD. A weight is in the unit of its
 * key, with a point. */
struct notice_line {
	const char *from, *to, *component, *key;
	const char *weight, *weights; /* NULL: none */
	bool shared; /* to_share is there */
	int64_t to_share, cents;
};

struct notice_cost {
	const char *name, *title, *from, *to, *model, *clause;
	const char *run, *sha256; /* of what is closed; NULL: provisional */
	/* Of the last digest when it was closed; NULL: there was none. */
	const char *digest_block, *digest_hash, *digest_at;
	const char *tax;	  /* S, E, O; NULL: not known */
	const char *tax_basis;
	unsigned tax_rate; /* percent */
	int64_t amount, share, tax_cents;
	int64_t alone; /* of alone.h */
	bool bounds_wait;
	unsigned nlines;
	struct notice_line *lines;
};

struct notice_entry {
	const char *entry, *type, *service, *booked, *cost, *reverses, *reason;
	int64_t cents;
};

struct notice {
	const struct tenant *tenant;
	const char *period;	/* 2026 or 2026-11 */
	unsigned ncosts, nentries;
	struct notice_cost *costs; /* the closed ones first */
	struct notice_entry *entries;
	int64_t share, tax_cents; /* of all costs */
	int64_t posted;
};

/* Of the costs of the region and of the ledger. A cost whose shares cannot be
 * worked out is an error: HUB_ECONFLICT. */
enum hub_err notice_read(struct db *, const struct region *,
    const struct tenant *, struct str period, struct arena *,
    struct notice *) HUB_MUST_CHECK;

void notice_json(const struct notice *, struct buf *);
/* A row for each line (report.h says of which form). */
void notice_csv(const struct notice *, bool german, struct buf *);
/* A page to print, without script and without anything to fetch. */
void notice_html(const struct notice *, bool german, struct buf *);
/* -1234567 cents as "-12.345,67" or "-12,345.67". */
void notice_amount(struct buf *, int64_t cents, bool german);

#endif
