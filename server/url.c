/* server/url.c - URLs taken apart; see url.h. */
#include "server/url.h"

/* Cuts authority into host and ":port", where the latter may be empty. */
static bool
split_authority(struct str authority, struct str *host_r, struct str *port_r)
{
	size_t at;

	if (authority.len > 0 && authority.p[0] == '[') {
		at = str_chr(authority, ']');
		if (at == authority.len)
			return (false);
		*host_r = (struct str){ authority.p + 1, at - 1 };
		*port_r = str_from(authority, at + 1);
	} else {
		at = str_chr(authority, ':');
		*host_r = (struct str){ authority.p, at };
		*port_r = str_from(authority, at);
	}
	return (host_r->len > 0);
}

bool
url_split(struct str url, struct url_parts *parts)
{
	bool https = str_prefix(url, STR("https://"));
	struct str rest, port;
	uint64_t n = https ? 443 : 80;
	size_t slash;

	if (!https && !str_prefix(url, STR("http://")))
		return (false);
	rest = str_from(url, https ? 8 : 7);
	slash = str_chr(rest, '/');
	parts->https = https;
	parts->target = slash < rest.len ? str_from(rest, slash) : STR("/");
	parts->authority = (struct str){ rest.p, slash };
	if (!split_authority(parts->authority, &parts->host, &port))
		return (false);
	if (port.len > 0 && (port.p[0] != ':' || str_uint(str_from(port, 1),
						     65535, &n) != HUB_OK))
		return (false);
	parts->port = (uint16_t)n;
	return (n > 0);
}
