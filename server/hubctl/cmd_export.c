/* server/hubctl/cmd_export.c - the bundle in force for others to read:
 * agreements as ODRL, the register of processing activities, the catalogue.
 * Made again of the same bundle each is the same, byte for byte. */
#include <inttypes.h>

#include "policies/catalogue.h"
#include "policies/odrl.h"
#include "policies/region_words.h"
#include "server/hubctl/bundle.h"

#define EXPORT_MAX ((size_t)256 << 20)

struct exporting {
	const struct ctl *ctl;
	struct bundle b;
	const struct tenant *tenant; /* NULL: of all */
};

static enum ctl_exit
open_region(struct exporting *x)
{
	char *path = (char *)(uintptr_t)x->ctl->region;
	struct db *db = NULL;
	enum ctl_exit code;

	if (path != NULL)
		return (bundle_read(x->ctl, &x->b, 1, &path));
	code = ctl_db(x->ctl, &db);
	if (code == CTL_OK)
		code = bundle_need_head(x->ctl, db, &x->b);
	db_close(db);
	return (code);
}

static enum ctl_exit
print_take(struct buf *out)
{
	bool failed = out->failed;

	if (failed)
		ctl_warn("larger than %zu bytes", out->max);
	else
		(void)fwrite(out->p, 1, out->len, stdout);
	buf_clear(out);
	return (failed ? CTL_FAILED : CTL_OK);
}

static enum ctl_exit
export_odrl(struct exporting *x)
{
	struct buf out;

	buf_init(&out, EXPORT_MAX);
	odrl_write(x->b.region, x->tenant, &out);
	return (print_take(&out));
}

static enum ctl_exit
export_dcat(struct exporting *x)
{
	struct buf out, name;
	struct catalogue_wanted wanted = { .viewer = x->tenant,
		.german = x->ctl->lang == LANG_DE };
	enum ctl_exit code;

	buf_init(&name, 256);
	buf_init(&out, EXPORT_MAX);
	code = ctl_hub_name(x->ctl, &name);
	wanted.host = buf_str(&name);
	if (code == CTL_OK) {
		catalogue_write(x->b.region, &wanted, &out);
		code = print_take(&out);
	}
	buf_clear(&name);
	return (code);
}

/* ---- the register (Art. 30 GDPR): one row per agreement and type */

static struct str
in_lang(const struct exporting *x, struct both b)
{
	return (x->ctl->lang == LANG_DE ? b.de : b.en);
}

static const char *
cell(struct exporting *x, struct str s)
{
	return (s.len > 0 ? arena_str(x->b.arena, s).p : NULL);
}

static struct str
title_of(const struct tenant *t)
{
	return (t->title.len > 0 ? t->title : t->name);
}

static struct both
personal_words(unsigned personal)
{
	static const struct sentence words[] = { { "none", "keine" },
		{ "indirect", "mittelbar" }, { "direct", "unmittelbar" } };

	return ((struct both){ str_of(words[personal].en),
	    str_of(words[personal].de) });
}

/* The hub keeps no entity: what is limited is how far back one may ask. */
static struct both
retention(const struct region_share *s, struct arena *a)
{
	struct word_of x = { 'x', words_duration(s->history_us, a) };

	if (s->history_us == 0)
		return (BOTH("not stored in the hub; no limit of history",
		    "keine Speicherung in der Drehscheibe; Rückschau "
		    "unbegrenzt"));
	return (words_fill((struct sentence){
	    "not stored in the hub; history up to $x",
	    "keine Speicherung in der Drehscheibe; Rückschau bis $x" }, &x, 1,
	    a));
}

static void
add_row(struct exporting *x, struct table *t,
    const struct region_agreement *ag, const struct region_share *s)
{
	struct arena *a = x->b.arena;
	const struct region_dataset *ds = ag->dataset;
	bool both = ag->signed_by_provider && ag->signed_by_consumer;
	struct wall_us last = { ag->until.us - 1 };

	table_add(t, (const char *[]){ ag->name.p,
	    arena_printf(a, "%u", ag->version),
	    in_lang(x, both ? BOTH("signed", "unterschrieben") :
			      BOTH("draft", "Entwurf")).p,
	    cell(x, title_of(ag->provider)), cell(x, title_of(ag->consumer)),
	    cell(x, ag->purpose->title.len > 0 ? ag->purpose->title :
						 ag->purpose->name),
	    cell(x, ag->purpose->legal_basis), cell(x, ds->name),
	    cell(x, ds->title), cell(x, words_name(ds, s->type, a)),
	    cell(x, in_lang(x, words_share(ds, s, a))),
	    in_lang(x, personal_words(ds->personal_data)).p,
	    cell(x, ds->dpia), cell(x, in_lang(x, words_limits(s, a))),
	    in_lang(x, retention(s, a)).p,
	    cell(x, in_lang(x, words_actions(ag->actions, a))),
	    words_day(ag->from, a).en.p, words_day(last, a).en.p,
	    cell(x, ag->document) });
}

static enum ctl_exit
export_vvt(struct exporting *x)
{
	static const struct column columns[] = {
		{ "agreement", "AGREEMENT", "VEREINBARUNG", CELL_TEXT },
		{ "version", "VERSION", "FASSUNG", CELL_INT },
		{ "state", "STATE", "STAND", CELL_TEXT },
		{ "controller", "CONTROLLER", "VERANTWORTLICH", CELL_TEXT },
		{ "recipient", "RECIPIENT", "EMPFÄNGER", CELL_TEXT },
		{ "purpose", "PURPOSE", "ZWECK", CELL_TEXT },
		{ "legal_basis", "LEGAL BASIS", "RECHTSGRUNDLAGE", CELL_TEXT },
		{ "dataset", "DATASET", "DATENSATZ", CELL_TEXT },
		{ "title", "TITLE", "TITEL", CELL_TEXT },
		{ "type", "TYPE", "TYP", CELL_TEXT },
		{ "categories", "CATEGORIES OF DATA", "DATENKATEGORIEN",
		    CELL_TEXT },
		{ "personal_data", "PERSONAL DATA", "PERSONENBEZUG",
		    CELL_TEXT },
		{ "dpia", "IMPACT ASSESSMENT", "FOLGENABSCHÄTZUNG",
		    CELL_TEXT },
		{ "limits", "LIMITS", "GRENZEN", CELL_TEXT },
		{ "retention", "RETENTION", "SPEICHERDAUER", CELL_TEXT },
		{ "actions", "ACTIONS", "ZUGRIFFE", CELL_TEXT },
		{ "from", "FROM", "VON", CELL_DATE },
		{ "until", "UNTIL", "BIS", CELL_DATE },
		{ "document", "DOCUMENT", "DOKUMENT", CELL_TEXT },
	};
	const struct region *r = x->b.region;
	struct table *t = table_new(columns,
	    sizeof(columns) / sizeof(columns[0]));

	for (unsigned i = 0; i < r->nagreements; i++) {
		const struct region_agreement *ag = &r->agreements[i];

		if (x->tenant != NULL && ag->provider != x->tenant &&
		    ag->consumer != x->tenant)
			continue;
		for (unsigned s = 0; s < ag->nshares; s++)
			add_row(x, t, ag, &ag->shares[s]);
	}
	table_print_take(t, x->ctl);
	return (CTL_OK);
}

static enum ctl_exit
find_tenant(struct exporting *x)
{
	if (x->ctl->tenant == NULL)
		return (CTL_OK);
	x->tenant = tenant_find(&x->b.region->tenants,
	    str_of(x->ctl->tenant));
	if (x->tenant != NULL)
		return (CTL_OK);
	ctl_warn("no tenant %s", x->ctl->tenant);
	return (CTL_FAILED);
}

enum ctl_exit
cmd_export_as(const struct ctl *ctl, int argc, char **argv HUB_UNUSED)
{
	static const struct {
		unsigned option;
		enum ctl_exit (*run)(struct exporting *);
	} kinds[] = { { OPT_ODRL, export_odrl }, { OPT_VVT, export_vvt },
		{ OPT_DCAT, export_dcat } };
	struct exporting x = { .ctl = ctl };
	unsigned wanted = ctl->given & (OPT_ODRL | OPT_VVT | OPT_DCAT);
	enum ctl_exit code;

	if (argc > 0 || (wanted & (wanted - 1)) != 0) {
		ctl_warn("export takes one of --odrl, --vvt and --dcat, and "
			 "no folder with it");
		return (CTL_USAGE);
	}
	code = open_region(&x);
	if (code == CTL_OK)
		code = find_tenant(&x);
	for (size_t i = 0; code == CTL_OK &&
	    i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (wanted == kinds[i].option)
			code = kinds[i].run(&x);
	bundle_clear(&x.b);
	return (code);
}
