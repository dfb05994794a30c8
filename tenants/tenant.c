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
