/* server/federation/fanout_priv.h - what fanout.c (legs and their calls) needs
 * of fanout_page.c (what they bring). */
#ifndef HUB_FEDERATION_FANOUT_PRIV_H
#define HUB_FEDERATION_FANOUT_PRIV_H

#include "server/federation/fanout.h"

bool speaks_v2(const struct leg *);
/* All of a page that can be known without reading its body. HUB_ENOENT: an
 * @context unknown to the region. */
enum hub_err page_begin(struct leg_page *, const struct http_head *,
    const struct policy_leg *, bool single, const struct names *)
    HUB_MUST_CHECK;
/* What an NGSI-v2 source sent becomes the NGSI-LD that it means. HUB_EFULL,
 * HUB_EAGAIN: there is no memory for it. */
enum hub_err page_translate(struct leg *, struct leg_page *) HUB_MUST_CHECK;
/* The tape of a page that was begun; errors as above, or HUB_ESYNTAX. */
enum hub_err leg_read(struct leg *, struct leg_page *) HUB_MUST_CHECK;

#endif
