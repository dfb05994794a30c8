/* server/hubctl/bundle.c - regions to work on; bundle.h says which. */
#include "server/hubctl/bundle.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "policies/registration_store.h"
#include "server/hubctl/progress.h"
#include "server/region_test.h"

/* As compilers write it, so that editors can jump there. */
void
message_print(const struct ctl *ctl, const struct region_message *m)
{
	static const char *const warning[] = { "warning: ", "Warnung: " };
	bool german = ctl->lang == LANG_DE && m->german.len > 0;

	progress_end();
	fprintf(stderr, "%.*s:", STR_FMT(m->file));
	if (m->line > 0)
		fprintf(stderr, "%u:", m->line);
	if (m->line > 0 && m->column > 0)
		fprintf(stderr, "%u:", m->column);
	fprintf(stderr, " %s%.*s\n", m->warning ? warning[german] : "",
	    STR_FMT(german ? m->german : m->text));
}

static void
on_failure(struct str file, unsigned line, struct str text, void *arg)
{
	message_print(arg, &(struct region_message){
	    .file = file, .line = line, .text = text });
}

enum ctl_exit
bundle_test(const struct ctl *ctl, const struct bundle *b)
{
	unsigned failed = region_tests_run(b->region, ctl->lang == LANG_DE,
	    on_failure, (void *)(uintptr_t)ctl);

	if (failed == 0)
		return (CTL_OK);
	ctl_warn(ctl->lang == LANG_DE ? "%u von %u Tests nicht erfüllt" :
					"%u of %u tests failed",
	    failed, b->region->ntests);
	return (CTL_CONFIG);
}

/* warnings: say them, too; those of a stored bundle were said when it was
 * applied. */
static enum ctl_exit
parse(const struct ctl *ctl, struct bundle *b,
    const struct registration_row *rows, unsigned nrows, bool warnings)
{
	struct region_message *messages = NULL;
	unsigned nmessages = 0;
	enum hub_err err = region_parse_registered(b->files, b->nfiles, rows,
	    nrows, &b->region, b->arena, &messages, &nmessages);

	for (unsigned i = 0; i < nmessages; i++)
		if (warnings || !messages[i].warning)
			message_print(ctl, &messages[i]);
	if (err == HUB_OK && b->region != NULL)
		return (CTL_OK);
	if (nmessages == 0)
		ctl_warn("%s", hub_err_str(err));
	return (CTL_CONFIG);
}

enum ctl_exit
bundle_read(const struct ctl *ctl, struct bundle *b, int argc, char **argv)
{
	enum ctl_exit code;
	struct buf why;
	enum hub_err err;

	*b = (struct bundle){ .arena = arena_new() };
	buf_init(&why, 8192);
	err = region_load((const char *const *)argv, (unsigned)argc, b->arena,
	    &b->files, &b->nfiles, &why);
	if (err != HUB_OK)
		ctl_warn("%s", why.len > 0 ? buf_cstr(&why) : hub_err_str(err));
	buf_clear(&why);
	/* Whatever is wrong with files is a fault of configuration. */
	if (err != HUB_OK)
		return (CTL_CONFIG);
	region_hash(b->files, b->nfiles, b->hash);
	code = parse(ctl, b, NULL, 0, true);
	return (code == CTL_OK ? bundle_test(ctl, b) : code);
}

static enum hub_err
load_registered(struct db *db, struct arena *a, struct registration_row **rows,
    unsigned *n)
{
	bool cut;
	int64_t epoch;
	enum hub_err err = registration_epoch_get(db, &epoch);

	*rows = NULL;
	*n = 0;
	if (err == HUB_OK && epoch >= 0)
		err = registration_load(db, a, rows, n, &epoch, &cut);
	return (err);
}

enum ctl_exit
bundle_complete(const struct ctl *ctl, struct db *db, struct bundle *b)
{
	struct region_signature *signatures;
	struct registration_row *rows;
	struct region *plain = b->region;
	unsigned nrows, nsignatures;
	enum ctl_exit code = CTL_OK;
	enum hub_err err = load_registered(db, b->arena, &rows, &nrows);

	if (err == HUB_OK)
		err = signature_load(db, b->arena, &signatures, &nsignatures);
	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	if (plain == NULL || nrows > 0) {
		b->region = NULL;
		code = parse(ctl, b, rows, nrows, false);
	}
	if (code == CTL_OK)
		region_signatures_apply(b->region, signatures, nsignatures);
	if (b->region != plain)
		region_free(plain);
	return (code);
}

enum ctl_exit
bundle_fetch(const struct ctl *ctl, struct db *db, int64_t number,
    struct bundle *b)
{
	enum hub_err err;

	*b = (struct bundle){ .arena = arena_new(), .number = number };
	if (number == 0)
		return (CTL_OK);
	err = bundle_load(db, number, b->arena, &b->files, &b->nfiles);
	if (err == HUB_ENOENT)
		ctl_warn("no bundle %" PRId64, number);
	else if (err == HUB_ECONFLICT)
		ctl_warn("bundle %" PRId64 ": its files are not those whose "
			 "hash was stored: tampered with", number);
	else if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	if (err != HUB_OK)
		return (CTL_FAILED);
	region_hash(b->files, b->nfiles, b->hash);
	return (bundle_complete(ctl, db, b));
}

enum ctl_exit
bundle_fetch_head(const struct ctl *ctl, struct db *db,
    struct bundle_head *head, struct bundle *b)
{
	enum hub_err err = bundle_head_get(db, head);

	*b = (struct bundle){ .arena = NULL };
	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	return (bundle_fetch(ctl, db, head->bundle, b));
}

enum ctl_exit
bundle_need_head(const struct ctl *ctl, struct db *db, struct bundle *b)
{
	struct bundle_head head;
	enum ctl_exit code = bundle_fetch_head(ctl, db, &head, b);

	if (code == CTL_OK && b->region == NULL) {
		ctl_warn("no bundle has been applied yet");
		return (CTL_FAILED);
	}
	return (code);
}

void
bundle_clear(struct bundle *b)
{
	region_free(b->region);
	arena_free(b->arena);
	*b = (struct bundle){ .arena = NULL };
}

enum ctl_exit
bundle_number(const char *text, int64_t *number_r)
{
	if (str_int(str_of(text), 1, INT64_MAX, number_r) == HUB_OK)
		return (CTL_OK);
	ctl_warn("%s is not the number of a bundle", text);
	return (CTL_USAGE);
}

/* ---- changes */

static void
print_lines(const struct ctl *ctl, const struct region_change *c, unsigned n)
{
	static const char *const none[] = {
		"NEUTRAL  nothing changes in what is shared",
		"NEUTRAL  an den Freigaben ändert sich nichts"
	};

	progress_end();
	for (unsigned i = 0; i < n; i++)
		printf("%-8s %.*s\n", region_change_words[c[i].kind],
		    STR_FMT(ctl->lang == LANG_DE ? c[i].de : c[i].en));
	if (n == 0)
		puts(none[ctl->lang == LANG_DE]);
}

void
changes_print(const struct ctl *ctl, const struct region_change *c, unsigned n)
{
	static const struct column columns[] = {
		{ "kind", "KIND", "ART", CELL_TEXT },
		{ "subject", "SUBJECT", "GEGENSTAND", CELL_TEXT },
		{ "sentence", "CHANGE", "ÄNDERUNG", CELL_TEXT },
	};
	struct table *t;

	if (ctl->output == OUTPUT_TABLE) {
		print_lines(ctl, c, n);
		return;
	}
	t = table_new(columns, 3);
	/* Texts of the arena end in NUL. */
	for (unsigned i = 0; i < n; i++)
		table_add(t, (const char *[]){ region_change_words[c[i].kind],
				 c[i].subject.p, ctl->lang == LANG_DE ?
				     c[i].de.p : c[i].en.p });
	table_print_take(t, ctl);
}

/* ---- a new bundle */

/* The person, also behind sudo; the database adds its own user. */
static const char *
author(void)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw;

	if (geteuid() == 0 && sudo != NULL && sudo[0] != '\0')
		return (sudo);
	pw = getpwuid(getuid());
	return (pw != NULL ? pw->pw_name : "unknown");
}

/* The first bundle needs no acceptance; a later one that widens needs the
 * hash of exactly these changes. */
static enum ctl_exit
judge(const struct ctl *ctl, const struct bundle *before, struct bundle *after,
    struct bundle_facts *facts)
{
	const struct region_change *changes;
	unsigned char hash[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];
	unsigned n;

	*facts = (struct bundle_facts){ .region = after->region,
		.widens = true };
	if (before->number == 0)
		return (CTL_OK);
	region_diff(before->region, after->region, after->arena, &changes, &n);
	facts->changes = changes;
	facts->nchanges = n;
	facts->widens = region_widens(changes, n);
	region_diff_hash(before->hash, after->hash, changes, n, hash);
	hex_encode(hash, sizeof(hash), hex);
	if (facts->widens &&
	    (ctl->accept == NULL || strcmp(ctl->accept, hex) != 0)) {
		changes_print(ctl, changes, n);
		if (ctl->accept != NULL)
			ctl_warn(ctl->lang == LANG_DE ?
			    "--accept-widening nennt nicht den Hashwert "
			    "dieser Änderung" :
			    "--accept-widening does not have the hash of this "
			    "change");
		ctl_warn(ctl->lang == LANG_DE ?
		    "die Freigaben werden erweitert; wer das will, fügt an: "
		    "--accept-widening %s" :
		    "this widens what is shared; to accept it add "
		    "--accept-widening %s", hex);
		return (CTL_DIFFERS);
	}
	if (ctl->dry_run)
		changes_print(ctl, changes, n);
	return (CTL_OK);
}

static enum ctl_exit
store(struct db *db, const struct bundle *b, const struct bundle_facts *facts,
    const char *note, int64_t epoch)
{
	int64_t bundle = 0;
	enum hub_err err = bundle_apply(db, b->files, b->nfiles, facts,
	    author(), note, epoch, &bundle);

	progress_end();
	if (err == HUB_OK)
		printf("bundle %" PRId64 "\n", bundle);
	else if (err == HUB_EEXIST)
		printf("unchanged, bundle %" PRId64 "\n", bundle);
	else
		return (ctl_db_failed(db, err));

	return (CTL_OK);
}

enum ctl_exit
bundle_put(const struct ctl *ctl, struct db *db, struct bundle *b,
    const char *note)
{
	struct bundle_head head;
	struct bundle_facts facts;
	struct bundle before;
	enum ctl_exit code = bundle_fetch_head(ctl, db, &head, &before);

	if (code == CTL_OK && before.number > 0 &&
	    memcmp(before.hash, b->hash, sizeof(b->hash)) == 0) {
		progress_end();
		printf("unchanged, bundle %" PRId64 "\n", head.bundle);
		bundle_clear(&before);
		return (CTL_OK);
	}
	if (code == CTL_CONFIG && before.number > 0) {
		ctl_warn("the bundle in force cannot be read by this program: "
			 "everything counts as new");
		code = CTL_OK;
	}
	if (code == CTL_OK)
		code = bundle_complete(ctl, db, b);
	/* A stored text comes back whatever came after it. */
	if (code == CTL_OK && b->number == 0)
		code = bundle_models_check(ctl, db, b);
	if (code == CTL_OK)
		code = judge(ctl, &before, b, &facts);
	if (ctl->dry_run)
		progress_end();
	if (code == CTL_OK && ctl->dry_run)
		printf("would store %u files as the bundle after %" PRId64 "\n",
		    b->nfiles, head.bundle);
	else if (code == CTL_OK)
		code = store(db, b, &facts, note, head.epoch);
	bundle_clear(&before);
	return (code);
}
