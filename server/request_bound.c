/* server/request_bound.c - is a token used by whom it was issued to? Client
 * certificates (RFC 8705, 3) and proofs of possession (RFC 9449, 7). */
#include "server/request_priv.h"
#include "tenants/replay.h"

static bool cert_ok(const struct request *, const char **why_r);
static bool key_ok(struct request *, struct str token, const char **why_r);

bool
request_proved(
    struct request *rq, const struct credentials *c, const char **why_r)
{
	unsigned bound = rq->identity.bound;

	/* RFC 9449, 7.2: taken as Bearer, a stolen token would do. */
	if (c->dpop != ((bound & BOUND_KEY) != 0)) {
		*why_r = c->dpop ? "bound to no key but sent as DPoP"
				 : "bound to a key but sent as Bearer";
		return (false);
	}
	if ((bound & BOUND_CERT) != 0 && !cert_ok(rq, why_r))
		return (false);
	if ((bound & BOUND_KEY) != 0 && !key_ok(rq, c->token, why_r))
		return (false);
	rq->proved = true;
	return (true);
}

static bool
cert_ok(const struct request *rq, const char **why_r)
{
	unsigned char hash[SHA256_LEN];

	*why_r = "no client certificate";
	if (!http_exchange_client_cert(rq->exchange, hash))
		return (false);
	*why_r = "another client certificate than the token's";
	return (rq->identity.x5t.len == SHA256_LEN &&
	    mem_eq_const(hash, rq->identity.x5t.p, SHA256_LEN));
}

/* The only proof there is: two are none (RFC 9449, 4.3, point 1). */
static bool
proof_field(const struct http_head *h, struct str *proof_r, const char **why_r)
{
	unsigned n = 0;

	*proof_r = http_field_find(h, STR("DPoP"), &n);
	*why_r = n == 0 ? "no proof" : "several proofs";
	return (n == 1);
}

/* From here on this proof is used up. */
static bool
take(struct request *rq, const struct dpop_mark *mark, const char **why_r)
{
	const struct identity *id = &rq->identity;

	/* A token that is forbidden may have no tenant. */
	switch (replay_add(rq->worker->proofs, id->tenant != NULL ?
		id->tenant->index : REPLAY_OWNERS - 1, mark, rq->now)) {
	case HUB_OK:
		return (true);
	case HUB_EEXIST:
		*why_r = "proof: used before";
		return (false);
	case HUB_ELATE:
		*why_r = "proof: made before the hub was started";
		return (false);
	default:
		*why_r = "proof: too many are fresh to tell a replay";
		return (false);
	}
}

static bool
key_ok(struct request *rq, struct str token, const char **why_r)
{
	const struct http_head *h = http_exchange_head(rq->exchange);
	const struct identity *id = &rq->identity;
	struct dpop_demand demand = { .token = token,
		.jkt = id->jkt,
		.algorithms = id->issuer->algorithms,
		.skew_s = id->issuer->skew_s,
		.method = h->method_text,
		.host = h->host,
		.path = rq->uri.path,
		.tls = http_exchange_is_tls(rq->exchange) };
	struct dpop_mark mark;
	struct str proof;

	if (!proof_field(h, &proof, why_r))
		return (false);
	/* Else whoever calls us by the name of another would have a proof for
	 * that one accepted here. */
	*why_r = "proof: this host is not ours";
	if (!request_host_ours(rq, h->host))
		return (false);
	return (dpop_verify(proof, &demand, rq->now, rq->arena, &mark,
		    why_r) &&
	    take(rq, &mark, why_r));
}
