/* server/base/money.h - money is int64 cents; no floating point comes near. */
#ifndef HUB_BASE_MONEY_H
#define HUB_BASE_MONEY_H

#include "server/base/str.h"

struct money {
	int64_t cents; /* |cents| <= MONEY_MAX_CENTS when parsed */
};

#define MONEY_MAX_CENTS INT64_C(1000000000000)

/* Decimal text with at most two places: "55000", "55000.0", "55000.00". No
 * sign, no exponent; more places are HUB_ESYNTAX, above 10^12 cents is
 * HUB_ERANGE. Nothing is rounded. */
enum hub_err money_parse(struct str, struct money *) HUB_MUST_CHECK;

#endif
