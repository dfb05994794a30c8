/* server/request_web.h - the web page: "/", and its files below /web/HASH.
 *
 * They are compiled in, the same for everybody, and tell nothing: no token is
 * asked for, nothing is booked. All data comes to the page by /ngsi-ld/v1 and
 * /hub/v1 with the token of whom it belongs to. */
#ifndef HUB_SERVER_REQUEST_WEB_H
#define HUB_SERVER_REQUEST_WEB_H

#include "server/request_priv.h"

/* NULL: no file of the page is there. */
const struct resource *web_resource_find(const struct http_uri *);

#endif
