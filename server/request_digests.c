/* server/request_digests.c - a tenant says that it keeps a digest (ledger.md
 * §5.1): PUT digests/BLOCK/receipt {"sha256", "receipt"}, for finance-reader.
 *
 * sha256 is of the line that the tenant keeps; where none that was signed has
 * it, somebody was shown another end of the chain. What was said once stays.
 * The digests themselves are read like reports (request_reports.c); this goes
 * through the helper thread of control.h, which may write. */
#include "server/control.h"
#include "server/registry.h"
#include "server/request_hub.h"

#include <inttypes.h>
#include <stdlib.h>

#include "server/base/log.h"
#include "server/ledger/digest.h"

#define RETRY_S 5

/* Its texts are its own: the request may be gone before it is done. */
struct receipt_work {
	int64_t block;
	char *ags, *sha256, *receipt; /* NULL: none */
	enum digest_said said;
};

/* ---- the work, in the helper thread */

static void
work_free(void *arg)
{
	struct receipt_work *w = arg;

	if (w == NULL)
		return;
	free(w->ags);
	free(w->sha256);
	free(w->receipt);
	free(w);
}

static enum hub_err
work_run(struct db *db, void *arg)
{
	struct receipt_work *w = arg;
	const struct digest_receipt r = { .block = w->block,
		.ags = w->ags,
		.sha256 = w->sha256,
		.receipt = w->receipt };

	return (digest_acknowledge(db, &r, &w->said));
}

/* ---- there and back */

static void
on_done(enum hub_err err, void *arg)
{
	struct request *rq = arg;
	const struct receipt_work *w = rq->registry->work;

	rq->digest_said = w->said;
	rq->registry = NULL; /* it ends with this call */
	rq->registry_err = err;
	request_wake(rq);
}

static enum step_next
refuse_away(struct request *rq)
{
	rq->retry_after = RETRY_S;
	return (refuse(rq, PROBLEM_REPORTS_AWAY,
	    "the receipt cannot be stored now; send it again later"));
}

static enum step_next
submit_take(struct request *rq, struct receipt_work *w)
{
	struct registry_job *job = registry_job_work_take(
	    rq->identity.tenant->name, work_run, w, work_free,
	    rq->worker->loop, on_done, rq);

	if (!change_submit_take(rq, job))
		return (refuse_away(rq));
	rq->step = &STEP_HUB_RECEIVED;
	return (NEXT_WAIT);
}

static enum step_next
answer_kept(struct request *rq, bool made)
{
	rq->status = made ? 201 : 204;
	if (made)
		log_info("digest acknowledged", "request=%s tenant=%.*s "
		    "block=%.*s", rq->id_text,
		    STR_FMT(rq->identity.tenant->name),
		    STR_FMT(rq->uri.segments[3]));
	answer_common_fields(rq);
	return (answer_send(rq));
}

static enum step_next
refuse_differs(struct request *rq)
{
	log_warn("a tenant keeps another digest than was signed here",
	    "request=%s tenant=%.*s block=%.*s", rq->id_text,
	    STR_FMT(rq->identity.tenant->name),
	    STR_FMT(rq->uri.segments[3]));
	return (refuse(rq, PROBLEM_DIGEST_DIFFERS, NULL));
}

static enum step_next
run_received(struct request *rq)
{
	if (change_waits(rq))
		return (NEXT_WAIT);
	if (rq->registry_err != HUB_OK)
		return (refuse_away(rq));
	switch ((enum digest_said)rq->digest_said) {
	case DIGEST_MADE:
		return (answer_kept(rq, true));
	case DIGEST_SAME:
		return (answer_kept(rq, false));
	case DIGEST_OTHER:
		return (refuse(rq, PROBLEM_DIGEST_KEPT, NULL));
	case DIGEST_DIFFERS:
		return (refuse_differs(rq));
	case DIGEST_UNKNOWN:
		break;
	}
	return (refuse(rq, PROBLEM_NO_DIGEST, NULL));
}

const struct step STEP_HUB_RECEIVED = { "received", run_received };

/* ---- what was said */

static bool
is_sha256(struct str s)
{
	if (s.len != DIGEST_SHA256_LEN)
		return (false);
	for (size_t i = 0; i < s.len; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') &&
		    !(s.p[i] >= 'a' && s.p[i] <= 'f'))
			return (false);
	return (true);
}

/* One line for people; others than the operator never see it. */
static bool
is_receipt(struct str s)
{
	if (s.len == 0 || s.len > DIGEST_RECEIPT_MAX || s.p[0] == ' ' ||
	    s.p[s.len - 1] == ' ')
		return (false);
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return (false);
	return (true);
}

/* These two members and no other; receipt may be missing. */
static bool
read_receipt(struct request *rq, const struct json *j, struct str *sha256,
    struct str *receipt)
{
	uint32_t sum = json_member(j, 0, STR("sha256"));
	uint32_t text = json_member(j, 0, STR("receipt"));

	*sha256 = *receipt = STR_NONE;
	if (sum == 0 || j->nodes[sum].kind != JSON_STRING ||
	    (text != 0 && j->nodes[text].kind != JSON_STRING))
		return (false);
	*sha256 = json_text(j, sum, rq->arena);
	if (text != 0)
		*receipt = json_text(j, text, rq->arena);
	return (j->nodes[0].count == (text != 0 ? 2 : 1) &&
	    is_sha256(*sha256) && (text == 0 || is_receipt(*receipt)));
}

static enum step_next
acknowledge(struct request *rq, int64_t block, struct str sha256,
    struct str receipt)
{
	const struct tenant *t = rq->identity.tenant;
	struct receipt_work *w;
	int64_t wait_us;

	if (!control_may_change(rq->worker->control, t, STR("receipts"),
		&wait_us)) {
		rq->retry_after = (uint32_t)(wait_us / 1000000 + 1);
		return (refuse(rq, PROBLEM_TOO_MANY_CHANGES,
		    "this tenant sends receipts too often; Retry-After tells "
		    "when to go on"));
	}
	w = xcalloc(1, sizeof(*w));
	w->block = block;
	w->ags = str_dup(t->ags);
	w->sha256 = str_dup(sha256);
	w->receipt = receipt.p != NULL ? str_dup(receipt) : NULL;
	return (submit_take(rq, w));
}

static enum step_next
run_receipt(struct request *rq)
{
	struct str sha256, receipt;
	const char *why = NULL;
	enum problem p;
	struct json j;
	int64_t block;

	if (rq->uri.nparams > 0)
		return (refuse(rq, PROBLEM_BAD_REQUEST,
		    "this resource takes no parameters"));
	if (rq->identity.tenant->ags.len == 0)
		return (refuse(rq, PROBLEM_FORBIDDEN,
		    "this tenant has no ags, by which receipts are kept"));
	if (str_int(rq->uri.segments[3], 1, INT64_MAX, &block) != HUB_OK)
		return (refuse(rq, PROBLEM_NO_DIGEST, NULL));
	p = media_read_body(rq, &j, &why);
	if (p != PROBLEM_MAX)
		return (refuse(rq, p, why));
	if (!read_receipt(rq, &j, &sha256, &receipt))
		return (refuse(rq, PROBLEM_BAD_REQUEST,
		    "needed: sha256, of the line that you keep, in small hex "
		    "digits; receipt, at most 200 bytes, may be missing"));
	return (acknowledge(rq, block, sha256, receipt));
}

const struct step STEP_HUB_RECEIPT = { "receipt", run_receipt };
