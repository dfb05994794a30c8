/* server/request_openapi.h - /openapi.json: what the hub answers to, for
 * programs (contrib/openapi/openapi.json, compiled in). */
#ifndef HUB_SERVER_REQUEST_OPENAPI_H
#define HUB_SERVER_REQUEST_OPENAPI_H

#include "server/request_priv.h"

/* NULL: the target is another. */
const struct resource *openapi_resource_find(const struct http_uri *);

#endif
