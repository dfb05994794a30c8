/* server/url.h - the URLs of key sets and tokens, taken apart. */
#ifndef HUB_SERVER_URL_H
#define HUB_SERVER_URL_H

#include "server/base/str.h"

struct url_parts {
	bool https;
	struct str host; /* without brackets */
	uint16_t port;
	struct str authority; /* as Host has it */
	struct str target;    /* path and query; "/" when there is none */
};

/* http(s)://host[:port]/path, as region_parse has let it through; the parts
 * borrow from url. */
bool url_split(struct str url, struct url_parts *) HUB_MUST_CHECK;

#endif
