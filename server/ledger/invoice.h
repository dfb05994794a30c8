/* server/ledger/invoice.h - an electronic invoice: XRechnung 3.0, a CIUS of
 * EN 16931, in UBL 2.1. Pure: figures and texts in, XML out.
 *
 * The hub decides nothing about tax: categories are those of the costs. */
#ifndef HUB_LEDGER_INVOICE_H
#define HUB_LEDGER_INVOICE_H

#include "server/base/buf.h"

#define INVOICE_LINES_MAX 4096

/* One line each, none empty but where it says so. */
struct invoice_party {
	const char *name, *street, *city, *postcode;
	const char *email;    /* also its electronic address, scheme EM */
	const char *reference; /* the buyer's Leitweg-ID (BT-10) */
	/* The seller's. */
	const char *id;		/* BT-29; or empty, if its VAT ID is told */
	const char *vat_id;	/* BT-31; or empty */
	const char *tax_number; /* BT-32; or empty */
	const char *contact, *phone, *iban;
};

struct invoice_line {
	const char *id, *name, *from, *to; /* days: YYYY-MM-DD */
	char tax;	   /* S, E, O */
	unsigned tax_rate; /* percent; above 0 exactly of S */
	const char *basis; /* why no tax is due: needed of E and O */
	int64_t cents;	   /* net; below 0: a credit */
};

struct invoice {
	const char *number, *issued, *due;
	struct invoice_party seller, buyer;
	unsigned nlines;
	const struct invoice_line *lines;
	unsigned nearlier; /* invoices that it corrects, by number (BT-25) */
	const char *const *earlier;
};

/* What is missing or does not go together by the rules of EN 16931, as a
 * phrase; NULL: it can be written. */
const char *invoice_fault(const struct invoice *);
/* One that has no fault. */
void invoice_write(const struct invoice *, struct buf *);

#endif
