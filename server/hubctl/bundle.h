/* server/hubctl/bundle.h - a region that a command works on: of files on the
 * command line, or of a bundle in the database. */
#ifndef HUB_HUBCTL_BUNDLE_H
#define HUB_HUBCTL_BUNDLE_H

#include "policies/policy_store.h"
#include "policies/region_diff.h"
#include "policies/signature_store.h"
#include "server/hubctl/hubctl.h"

struct bundle {
	struct arena *arena; /* holds files, changes and the like */
	struct region_file *files;
	unsigned nfiles;
	struct region *region; /* NULL: there is no bundle yet */
	unsigned char hash[32];
	int64_t number; /* 0: of files, or none */
};

/* Reads, parses and tests the files; complaints go to standard error. */
enum ctl_exit bundle_read(const struct ctl *, struct bundle *, int argc,
    char **argv) HUB_MUST_CHECK;
/* What the files test of themselves, as bundle_read does. */
enum ctl_exit bundle_test(const struct ctl *, const struct bundle *)
    HUB_MUST_CHECK;
/* A stored one. number 0: it is left empty. */
enum ctl_exit bundle_fetch(const struct ctl *, struct db *, int64_t number,
    struct bundle *) HUB_MUST_CHECK;
/* The one in force; *head is what the database said. */
enum ctl_exit bundle_fetch_head(const struct ctl *, struct db *,
    struct bundle_head *head, struct bundle *) HUB_MUST_CHECK;
/* The same, and there must be one. */
enum ctl_exit bundle_need_head(const struct ctl *, struct db *,
    struct bundle *) HUB_MUST_CHECK;
/* Completes a region of files by what the database has for it: registrations
 * and signatures. */
enum ctl_exit bundle_complete(const struct ctl *, struct db *, struct bundle *)
    HUB_MUST_CHECK;
void bundle_clear(struct bundle *);

/* The number of a bundle on the command line. */
enum ctl_exit bundle_number(const char *text, int64_t *number_r)
    HUB_MUST_CHECK;
/* Stores the files behind the bundle in force, after what widens was accepted;
 * a dry run says what would happen. note may be NULL. */
enum ctl_exit bundle_put(const struct ctl *, struct db *, struct bundle *,
    const char *note) HUB_MUST_CHECK;
/* Whether a version of a model that some bundle has, has another content in
 * these files; which is said. Of several such bundles the newest counts. */
enum ctl_exit bundle_models_check(const struct ctl *, struct db *,
    const struct bundle *) HUB_MUST_CHECK;
/* On standard error, in the language of the command line. */
void message_print(const struct ctl *, const struct region_message *);
void changes_print(const struct ctl *, const struct region_change *,
    unsigned n);

#endif
