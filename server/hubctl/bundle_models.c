/* server/hubctl/bundle_models.c - a version of a model says one thing for ever
 * (ledger.md, section 6): files that give it another content are refused. */
#include <inttypes.h>

#include "server/hubctl/bundle.h"

#define NAMES_MAX ((size_t)16 << 20)

/* The models of the files, until the newest bundle that has this version of
 * each was found. */
struct models {
	const struct ctl *ctl;
	const struct bundle *files;
	bool *known;
	unsigned nopen;
	enum ctl_exit code;
};

/* Newest first, one for each content of a file that names a model: a title is
 * written as it is, without escapes. */
static const char bundles_sql[] =
    "SELECT max(bundle_id) FROM hub.bundle_file WHERE EXISTS (SELECT FROM "
    "unnest($1::text[]) n WHERE position(convert_to(n, 'UTF8') IN bytes) > 0) "
    "GROUP BY path, sha256 ORDER BY 1 DESC";

static enum hub_err
bundles_with(struct db *db, const struct region *r, PGresult **res_r)
{
	const char *params[1];
	struct buf names;
	enum hub_err err;

	buf_init(&names, NAMES_MAX);
	buf_addc(&names, '{');
	for (unsigned i = 0; i < r->nmodels; i++)
		buf_addf(&names, "%s%.*s", i > 0 ? "," : "",
		    STR_FMT(r->models[i].name));
	buf_addc(&names, '}');
	params[0] = buf_cstr(&names);
	err = db_exec(db, bundles_sql, 1, params, res_r);
	buf_clear(&names);
	return (err);
}

static void
refuse(struct models *m, const struct region_model *model, int64_t bundle)
{
	m->code = CTL_CONFIG;
	ctl_warn(m->ctl->lang == LANG_DE ?
		"Modell %.*s: Version %u hat im Bündel %" PRId64 " einen "
		"anderen Inhalt; was sich ändert, bekommt eine neue Version" :
		"model %.*s: version %u has another content in bundle %" PRId64
		"; what changes gets a new version",
	    STR_FMT(model->name), model->version, bundle);
}

static void
compare(struct models *m, const struct region *stored, int64_t bundle,
    struct arena *a)
{
	const struct region *r = m->files->region;

	for (unsigned i = 0; i < r->nmodels; i++) {
		const struct region_model *is = &r->models[i];

		for (unsigned k = 0; !m->known[i] && k < stored->nmodels; k++) {
			const struct region_model *was = &stored->models[k];

			if (was->version != is->version ||
			    !str_eq(was->name, is->name))
				continue;
			m->known[i] = true;
			m->nopen--;
			if (!str_eq(region_model_text(was, a),
				region_model_text(is, a)))
				refuse(m, is, bundle);
		}
	}
}

/* One that this program does not understand says nothing of models. */
static enum hub_err
compare_stored(struct models *m, struct db *db, int64_t bundle)
{
	struct arena *a = arena_new();
	struct region_message *messages;
	struct region *stored = NULL;
	struct region_file *files;
	unsigned n, nmessages;
	enum hub_err err = bundle_load(db, bundle, a, &files, &n);

	if (err == HUB_OK && region_parse(files, n, &stored, a, &messages,
	    &nmessages) == HUB_OK)
		compare(m, stored, bundle, a);
	region_free(stored);
	arena_free(a);
	return (err == HUB_ECONFLICT ? HUB_OK : err);
}

enum ctl_exit
bundle_models_check(const struct ctl *ctl, struct db *db,
    const struct bundle *b)
{
	const struct region *r = b->region;
	struct models m = { .ctl = ctl, .files = b, .nopen = r->nmodels,
		.known = arena_array(b->arena, r->nmodels + (size_t)1,
		    sizeof(bool)), .code = CTL_OK };
	PGresult *res = NULL;
	enum hub_err err;

	if (r->nmodels == 0)
		return (CTL_OK);
	err = bundles_with(db, r, &res);
	for (int i = 0; err == HUB_OK && m.nopen > 0 && i < PQntuples(res); i++)
		err = compare_stored(&m, db, db_bigint(res, i, 0));
	PQclear(res);
	return (err == HUB_OK ? m.code : ctl_db_failed(db, err));
}
