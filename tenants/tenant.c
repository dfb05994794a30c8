/* tenants/tenant.c - tenants and issuers by their exact names; tenant.h says
 * what they promise.
 *
 * A region has a dozen of each: walking beats hashing. */
#include "tenants/tenant.h"

const struct tenant *
tenant_find(const struct tenant_set *set, struct str name)
{
	for (unsigned i = 0; i < set->ntenants; i++) {
		if (str_eq(set->tenants[i].name, name))
			return (&set->tenants[i]);
	}
	return (NULL);
}

const struct issuer *
issuer_find(const struct tenant_set *set, struct str iss)
{
	for (unsigned i = 0; i < set->nissuers; i++) {
		if (str_eq(set->issuers[i].iss, iss))
			return (&set->issuers[i]);
	}
	return (NULL);
}

const struct tenant *
issuer_tenant(const struct issuer *issuer, struct str value)
{
	for (unsigned i = 0; i < issuer->nmap; i++) {
		if (str_eq(issuer->map[i].value, value))
			return (issuer->map[i].tenant);
	}
	return (NULL);
}

/* ---- origins */

bool
tenant_has_origin(const struct tenant *t, struct str origin)
{
	for (unsigned i = 0; i < t->norigins; i++)
		if (str_eq(t->origins[i], origin))
			return (true);
	return (false);
}

bool
tenants_have_origin(const struct tenant_set *set, struct str origin)
{
	for (unsigned i = 0; i < set->ntenants; i++)
		if (tenant_has_origin(&set->tenants[i], origin))
			return (true);
	return (false);
}

/* ---- may-register */

/* "HOST", "HOST:PORT" or "[v6]:PORT". */
static void
split_port(struct str pattern, struct str *host_r, struct str *port_r)
{
	size_t end = str_chr(pattern, ']');
	size_t from = end < pattern.len ? end + 1 : 0;
	size_t colon = from + str_chr(str_from(pattern, from), ':');

	*host_r = (struct str){ pattern.p, colon };
	*port_r = str_from(pattern, colon);
	if (end < pattern.len && pattern.p[0] == '[')
		*host_r = (struct str){ pattern.p + 1, end - 1 };
}

/* str_glob without case; a host has at most 255 bytes. */
static bool
host_fits(struct str pattern, struct str host)
{
	char folded[2][256];
	struct str from[2] = { pattern, host };

	if (pattern.len > 255 || host.len > 255)
		return (false);
	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < from[k].len; i++) {
			char c = from[k].p[i];

			folded[k][i] =
			    (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
		}
	return (str_glob((struct str){ folded[0], pattern.len },
	    (struct str){ folded[1], host.len }));
}

bool
tenant_may_register(const struct tenant *t, bool https, struct str host,
    uint16_t port)
{
	struct str scheme = https ? STR("https://") : STR("http://");
	struct str name, number;
	uint64_t n;

	for (unsigned i = 0; i < t->nmay_register; i++) {
		if (!str_prefix(t->may_register[i], scheme))
			continue;
		split_port(str_from(t->may_register[i], scheme.len), &name,
		    &number);
		if (host_fits(name, host) &&
		    (number.len == 0 ||
			(str_uint(str_from(number, 1), 65535, &n) == HUB_OK &&
			    n == port)))
			return (true);
	}
	return (false);
}
