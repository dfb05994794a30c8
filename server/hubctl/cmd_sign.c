/* server/hubctl/cmd_sign.c - hubctl sign: a party signs the present text of an
 * agreement. */
#include "server/hubctl/bundle.h"


static const struct region_agreement *
agreement_named(const struct region *r, const char *name)
{
	for (unsigned i = 0; i < r->nagreements; i++)
		if (str_eq(r->agreements[i].name, str_of(name)))
			return (&r->agreements[i]);
	ctl_warn("no agreement %s in the bundle in force", name);
	return (NULL);
}

/* Nobody signs for somebody else, or for both (policy.md, A1). */
static enum ctl_exit
may_sign(const struct ctl *ctl, const struct region_agreement *ag,
    bool provider)
{
	struct str by = str_of(ctl->by),
		   other = provider ? ag->consumer_signer : ag->provider_signer;

	if (!provider && !str_eq(str_of(ctl->as), ag->consumer->name)) {
		ctl_warn("%s is neither provider nor consumer of %.*s",
		    ctl->as, STR_FMT(ag->name));
		return (CTL_DENIED);
	}
	if (str_eq(by, other)) {
		ctl_warn("%s has signed for the other side; nobody signs for "
			 "both", ctl->by);
		return (CTL_DENIED);
	}
	return (CTL_OK);
}

/* What comes of it: the region with this signature beside the one without. */
static enum ctl_exit
show_consequence(const struct ctl *ctl, struct db *db, struct bundle *before,
    const struct region_agreement *ag)
{
	struct region_signature s = { .agreement = ag->name,
		.tenant = str_of(ctl->as), .person = str_of(ctl->by) };
	const struct region_change *changes;
	struct bundle after;
	unsigned n;
	enum ctl_exit code = bundle_fetch(ctl, db, before->number, &after);

	if (code == CTL_OK) {
		region_agreement_hash(ag, s.hash);
		region_signatures_apply(after.region, &s, 1);
		region_diff(before->region, after.region, before->arena,
		    &changes, &n);
		changes_print(ctl, changes, n);
	}
	bundle_clear(&after);
	return (code);
}

static enum ctl_exit
sign(const struct ctl *ctl, struct db *db, struct bundle *b,
    const struct region_agreement *ag)
{
	bool provider = str_eq(str_of(ctl->as), ag->provider->name);
	struct signature_new s = { ag->name.p, ctl->as, ctl->by, ag->version,
		provider, b->number, { 0 } };
	enum ctl_exit code = may_sign(ctl, ag, provider);
	enum hub_err err;

	if (code != CTL_OK)
		return (code);
	if (provider ? ag->signed_by_provider : ag->signed_by_consumer) {
		printf("unchanged, signed for %s\n", ctl->as);
		return (CTL_OK);
	}
	code = show_consequence(ctl, db, b, ag);
	if (code != CTL_OK || ctl->dry_run)
		return (code);
	region_agreement_hash(ag, s.hash);
	err = signature_store(db, &s);
	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	printf("signed %.*s version %u for %s by %s\n", STR_FMT(ag->name),
	    ag->version, ctl->as, ctl->by);
	return (CTL_OK);
}

enum ctl_exit
cmd_sign(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	const struct region_agreement *ag;
	struct bundle b = { .arena = NULL };
	struct db *db = NULL;
	enum ctl_exit code;

	if (ctl->as == NULL || (ctl->given & OPT_BY) == 0 ||
	    !ctl_person(str_of(ctl->by))) {
		ctl_warn("sign needs --as TENANT and --by PERSON (a line of "
			 "at most %d bytes)", CTL_PERSON_MAX);
		return (CTL_USAGE);
	}
	code = ctl_db(ctl, &db);
	if (code == CTL_OK)
		code = bundle_need_head(ctl, db, &b);
	if (code == CTL_OK) {
		ag = agreement_named(b.region, argv[0]);
		code = ag == NULL ? CTL_FAILED : sign(ctl, db, &b, ag);
	}
	db_close(db);
	bundle_clear(&b);
	return (code);
}
