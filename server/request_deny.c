/* server/request_deny.c - what is refused whatever token and agreements say:
 * what was revoked, and what nobody confirms any more (policy.md §2). */
#include "server/control.h"
#include "server/request_priv.h"

static bool
is_denied(const struct request *rq, enum deny_kind kind, struct str value)
{
	return (deny_find(rq->worker->denied, kind, value,
	    rq->identity.issuer->iss, rq->now));
}

/* The certificate of this connection counts, whatever the token is bound to. */
static bool
is_certificate_denied(const struct request *rq)
{
	unsigned char hash[SHA256_LEN];

	if (deny_count(rq->worker->denied, DENY_CERTIFICATE) == 0)
		return (false);
	return (is_denied(rq, DENY_CERTIFICATE, rq->identity.x5t) ||
	    (http_exchange_client_cert(rq->exchange, hash) &&
		is_denied(rq, DENY_CERTIFICATE,
		    (struct str){ (const char *)hash, SHA256_LEN })));
}

bool
request_is_revoked(const struct request *rq, const char **why_r)
{
	const struct identity *id = &rq->identity;

	*why_r = "the token is revoked";
	if (is_denied(rq, DENY_JTI, id->jti))
		return (true);
	*why_r = "the client is revoked";
	if (is_denied(rq, DENY_CLIENT, id->client))
		return (true);
	*why_r = "the subject is revoked";
	if (is_denied(rq, DENY_SUBJECT, id->subject))
		return (true);
	*why_r = "the certificate is revoked";
	return (is_certificate_denied(rq));
}

bool
request_is_shut_out(const struct request *rq)
{
	const struct tenant *t = rq->identity.tenant;

	return (t->suspended || is_denied(rq, DENY_TENANT, t->name));
}

/* Revoked itself, or with one of its parties. */
static bool
is_void(const struct request *rq, const struct region_agreement *ag)
{
	return (is_denied(rq, DENY_AGREEMENT, ag->name) ||
	    is_denied(rq, DENY_TENANT, ag->provider->name) ||
	    is_denied(rq, DENY_TENANT, ag->consumer->name));
}

void
request_find_voids(struct request *rq)
{
	const struct deny_set *denied = rq->worker->denied;
	const struct region *r = rq->snapshot->region;
	const struct region_agreement **voids;

	rq->nvoid = 0;
	if (deny_count(denied, DENY_AGREEMENT) +
	    deny_count(denied, DENY_TENANT) == 0)
		return;
	voids = arena_array(rq->arena, r->nagreements, sizeof(*voids));
	for (unsigned i = 0; i < r->nagreements; i++)
		if (is_void(rq, &r->agreements[i]))
			voids[rq->nvoid++] = &r->agreements[i];
	rq->voids = voids;
}

/* ---- a policy that nobody confirms */

/* What is open to all anyway, and about nobody, goes on. */
static bool
is_restricted(const struct region_dataset *ds)
{
	return (ds->personal_data != 0 || ds->publish != DATASET_OPEN);
}

/* The database has not said for long that this policy is the latest: a
 * revocation may have been missed. */
bool
request_confirmed(struct request *rq)
{
	struct fanout *f = &rq->fanout;
	unsigned stale = 0;

	if (f->n == 0 || !control_is_stale(rq->worker->control))
		return (true);
	for (unsigned i = 0; i < f->n; i++) {
		struct leg *leg = &f->legs[i];

		if (!is_restricted(leg->policy->dataset))
			continue;
		leg->unconfirmed = leg->withheld = true;
		stale++;
	}
	return (stale == 0 || (stale < f->n && !rq->strict &&
	    !rq->identity.tenant->failed_sources_error));
}
