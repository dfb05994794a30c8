/* server/base/money.c - reading amounts; money.h says what it promises. */
#include "server/base/money.h"

enum hub_err
money_parse(struct str s, struct money *money_r)
{
	size_t dot = str_chr(s, '.');
	struct str whole = { s.p, dot };
	uint64_t euros, cents = 0;
	enum hub_err err;

	err = str_uint(whole, (uint64_t)MONEY_MAX_CENTS / 100, &euros);
	if (err != HUB_OK)
		return (err);
	if (dot < s.len) {
		struct str places = str_from(s, dot + 1);

		if (places.len < 1 || places.len > 2)
			return (HUB_ESYNTAX);
		err = str_uint(places, 99, &cents);
		if (err != HUB_OK)
			return (err);
		if (places.len == 1)
			cents *= 10;
	}
	euros = euros * 100 + cents;
	if (euros > (uint64_t)MONEY_MAX_CENTS)
		return (HUB_ERANGE);
	money_r->cents = (int64_t)euros;
	return (HUB_OK);
}
