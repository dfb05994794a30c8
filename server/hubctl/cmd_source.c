/* server/hubctl/cmd_source.c - the sources of the bundle in force: source
 * list, source test. */
#include <libgen.h>
#include <stdlib.h>

#include "policies/policy_store.h"
#include "server/base/log.h"
#include "server/hubctl/hubctl.h"
#include "server/hubctl/probe.h"

/* The region of the bundle in force. */
static enum ctl_exit
region_in_force(const struct ctl *ctl, struct region **region_r)
{
	struct region_message *messages = NULL;
	struct region_file *files = NULL;
	struct arena *a = arena_new();
	struct bundle_head head = { 0, 0 };
	struct db *db = NULL;
	unsigned n = 0, nmessages = 0;
	enum ctl_exit code = ctl_db(ctl, &db);
	enum hub_err err = HUB_OK;

	if (code != CTL_OK)
		goto out;
	err = bundle_head_get(db, &head);
	if (err == HUB_OK && head.bundle == 0) {
		ctl_warn("no bundle has been applied yet");
		code = CTL_FAILED;
		goto out;
	}
	if (err == HUB_OK)
		err = bundle_load(db, head.bundle, a, &files, &n);
	if (err != HUB_OK) {
		code = ctl_db_failed(db, err);
		goto out;
	}
	if (region_parse(files, n, region_r, a, &messages, &nmessages) !=
	    HUB_OK) {
		ctl_warn("the bundle in force is not understood by this "
			 "program");
		code = CTL_CONFIG;
	}
out:
	db_close(db);
	arena_free(a);
	return (code);
}

/* ---- source list */

static void
add_endpoint(struct buf *b, const struct region_source *s)
{
	bool v6 = str_chr(s->host, ':') < s->host.len;

	buf_addf(b, "%s://%s%.*s%s", s->https ? "https" : "http", v6 ? "[" : "",
	    STR_FMT(s->host), v6 ? "]" : "");
	if (s->port != (s->https ? 443 : 80))
		buf_addf(b, ":%u", (unsigned)s->port);
	buf_adds(b, s->base);
}

static const char *
auth_kind(const struct region_source *s)
{
	bool certificate = s->client_certificate.len > 0;

	if (s->oauth_token_url.len > 0)
		return (certificate ? "oauth+certificate" : "oauth");
	if (s->bearer_file.len > 0)
		return (certificate ? "bearer+certificate" : "bearer");
	return (certificate ? "certificate" : "none");
}

static void
list_one(struct table *t, const struct region_source *s, struct arena *a)
{
	const char *cells[7];
	struct buf endpoint;

	buf_init(&endpoint, 65536);
	add_endpoint(&endpoint, s);
	cells[0] = arena_printf(a, "%.*s", STR_FMT(s->name));
	cells[1] = arena_printf(a, "%.*s", STR_FMT(s->owner->name));
	cells[2] = s->kind == SOURCE_NGSI_V2 ? "ngsi-v2" : "ngsi-ld";
	cells[3] = buf_cstr(&endpoint);
	cells[4] = arena_printf(a, "%d", s->timeout_ms);
	cells[5] = arena_printf(a, "%u", s->page);
	cells[6] = auth_kind(s);
	table_add(t, cells);
	buf_clear(&endpoint);
}

enum ctl_exit
cmd_source_list(
    const struct ctl *ctl, int argc HUB_UNUSED, char **argv HUB_UNUSED)
{
	static const struct column columns[7] = {
		{ "name", "NAME", "NAME", CELL_TEXT },
		{ "owner", "OWNER", "EIGENTÜMER", CELL_TEXT },
		{ "kind", "KIND", "ART", CELL_TEXT },
		{ "endpoint", "ENDPOINT", "ENDPUNKT", CELL_TEXT },
		{ "timeout_ms", "TIMEOUT MS", "FRIST MS", CELL_INT },
		{ "page", "PAGE", "SEITE", CELL_INT },
		{ "auth", "AUTH", "ANMELDUNG", CELL_TEXT },
	};
	struct region *region = NULL;
	enum ctl_exit code = region_in_force(ctl, &region);
	struct arena *a = arena_new();
	struct table *t;

	if (code == CTL_OK) {
		assert(region != NULL);
		t = table_new(columns, 7);
		for (unsigned i = 0; i < region->nsources; i++)
			list_one(t, &region->sources[i], a);
		table_print_take(t, ctl);
	}
	region_free(region);
	arena_free(a);
	return (code);
}

/* ---- source test */

static void
on_finding(const char *check, enum probe_result result, const char *sentence,
    void *arg)
{
	static const char *const words[PROBE_RESULTS] = { [PROBE_OK] = "ok",
		[PROBE_NOTE] = "note",
		[PROBE_FAILED] = "failed",
		[PROBE_UNREACHABLE] = "unreachable" };
	const char *cells[3] = { check, words[result], sentence };

	table_add(arg, cells);
}

static const struct region_source *
find_source(const struct region *region, const char *name)
{
	assert(region != NULL);
	for (unsigned i = 0; i < region->nsources; i++)
		if (str_eq(region->sources[i].name, str_of(name)))
			return (&region->sources[i]);
	ctl_warn("no source %s in the bundle in force; \"hubctl source list\" "
		 "shows them",
	    name);
	return (NULL);
}

/* Credentials as hubd would read them, of this source alone. */
static enum ctl_exit
read_access(const struct ctl *ctl, const struct region *region,
    const struct region_source *source, struct source_access **access_r)
{
	char *copy =
	    xstrdup(ctl->config != NULL ? ctl->config : CTL_DEFAULT_CONFIG);
	struct region one = *region;
	enum ctl_exit code = CTL_OK;
	struct buf why;

	one.sources = source;
	one.nsources = 1;
	buf_init(&why, 4096);
	if (source_access_new(&one, dirname(copy), access_r, &why) != HUB_OK) {
		while (why.len > 0 && why.p[why.len - 1] == '\n')
			why.len--;
		ctl_warn("%s", buf_cstr(&why));
		code = CTL_FAILED;
	}
	buf_clear(&why);
	free(copy);
	return (code);
}

enum ctl_exit
cmd_source_test(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	static const struct column columns[3] = {
		{ "check", "CHECK", "PRÜFUNG", CELL_TEXT },
		{ "result", "RESULT", "ERGEBNIS", CELL_TEXT },
		{ "finding", "FINDING", "BEFUND", CELL_TEXT },
	};
	static const enum ctl_exit codes[PROBE_RESULTS] = { [PROBE_OK] = CTL_OK,
		[PROBE_NOTE] = CTL_OK,
		[PROBE_FAILED] = CTL_FAILED,
		[PROBE_UNREACHABLE] = CTL_UNAVAILABLE };
	const struct region_source *source = NULL;
	struct source_access *access = NULL;
	struct region *region = NULL;
	enum ctl_exit code = region_in_force(ctl, &region);
	struct table *t;

	log_set_level(LOG_ERR); /* the findings say it better */
	if (code == CTL_OK) {
		source = find_source(region, argv[0]);
		code = source == NULL
			   ? CTL_FAILED
			   : read_access(ctl, region, source, &access);
	}
	if (code == CTL_OK) {
		t = table_new(columns, 3);
		code =
		    codes[probe_source(region, source, access, on_finding, t)];
		table_print_take(t, ctl);
	}
	source_access_free(access, 1);
	region_free(region);
	return (code);
}
