/* server/federation/fanout_priv.h - what the files of fanout.h share: fanout.c
 * (legs and what they ask), fanout_answer.c (what comes back), fanout_page.c
 * (reading it), fanout_kept.c (what is kept of it). */
#ifndef HUB_FEDERATION_FANOUT_PRIV_H
#define HUB_FEDERATION_FANOUT_PRIV_H

#include "server/federation/fanout.h"

/* Ids and Via come from one request head, tripled at most by escapes. */
#define REQUEST_MAX ((size_t)4 << 20)

/* fanout.c. Asks for the part's next page; the answer comes later, never before
 * this returns. */
void part_ask(struct leg_part *);
/* A part has ended: begins others; the leg ends with the last. */
void leg_continue(struct leg *);
/* How many entities of a page its source is asked for. */
uint32_t leg_page_limit(const struct leg *);
/* It wants a token and there is none: it may have been taken away, so nothing
 * past its time is served, either. */
bool leg_lacks_token(const struct leg *);
/* Ends the leg, whatever of it is under way, and wakes the request. */
void leg_end(struct leg *, enum leg_warning);
/* Gives back the memory of this page and those behind it. */
void pages_clear(struct leg *, struct leg_page **);

/* fanout_answer.c. The part's call has ended (an http_call_fn). */
void part_on_call(struct http_call *, enum hub_err, void *part);
/* The page of the part's call, or the one that was kept. */
void part_take_page(struct leg_part *);

/* fanout_kept.c. May pages of this leg be kept at all? */
bool leg_keeps(const struct leg *);
/* Notes the key of what the part is about to ask for; is it there? Past its
 * time only if the leg may not be asked. */
bool kept_find(struct leg_part *) HUB_MUST_CHECK;
/* Its source has failed: is there something past its time? */
bool kept_find_stale(struct leg_part *) HUB_MUST_CHECK;
/* The body of what was found; HUB_EFULL, HUB_EAGAIN: no memory. */
enum hub_err kept_take(struct leg_part *, struct leg_page *) HUB_MUST_CHECK;
/* A page was read and is good. */
void kept_put(struct leg_part *, struct leg_page *, const struct http_head *);
void kept_release(struct leg_part *);
void kept_reject(const struct leg *);
/* Its provider does not let the hub in: what it once gave is not served when
 * it fails afterwards. */
void kept_forget(const struct leg_part *);

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
