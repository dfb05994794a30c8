/* policies/region_v2.c - what a dataset of an NGSI-v2 source says beside the
 * others: how tenant and path are named there (telefonicaid/fiware-orion,
 * "multitenancy" and "service paths"). */
#include "policies/region_priv.h"

#define TENANT_MAX 50
#define PATHS_MAX  10 /* of one dataset */
#define LEVELS_MAX 10 /* of one path */
#define LEVEL_MAX  50 /* characters of a level */
#define PATH_ALL   "/#"

static bool
only_of(struct str s, const char *also)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') &&
		    !(s.p[i] >= '0' && s.p[i] <= '9') &&
		    (s.p[i] == '\0' || strchr(also, s.p[i]) == NULL))
			return (false);
	return (s.len > 0);
}

/* "/", "/a/b" or "/a/#". */
static bool
path_ok(struct str path)
{
	unsigned levels = 0;
	struct str level;

	if (!str_prefix(path, STR("/")))
		return (false);
	path = str_from(path, 1);
	if (path.len == 0)
		return (true);
	while (str_cut(&path, '/', &level)) {
		if (path.p == NULL && str_eq(level, STR("#")))
			return (levels < LEVELS_MAX);
		if (++levels > LEVELS_MAX || level.len > LEVEL_MAX ||
		    !only_of(level, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"))
			return (false);
	}
	return (true);
}

static bool
paths_ok(struct str paths)
{
	unsigned n = 0;
	struct str path;

	while (str_cut(&paths, ',', &path))
		if (++n > PATHS_MAX || !path_ok(path))
			return (false);
	return (true);
}

static void
of_v2(const struct sec *s, struct region_dataset *ds)
{
	const unsigned temporal = OP_QUERY_TEMPORAL | OP_RETRIEVE_TEMPORAL;

	if (ds->upstream_tenant.len > TENANT_MAX ||
	    (ds->upstream_tenant.len > 0 && !only_of(ds->upstream_tenant, "_")))
		sec_error(s, "upstream-tenant",
		    "a Fiware-Service has lower case letters, digits and _, "
		    "%d at most", TENANT_MAX);
	if (ds->service_path.len == 0)
		ds->service_path = STR(PATH_ALL);
	else if (!paths_ok(ds->service_path))
		sec_error(s, "service-path",
		    "bad value of service-path; allowed: up to %d paths such "
		    "as \"/a/b\" or \"/a/#\" with \",\" between them, letters, "
		    "digits and _ in %d levels of %d characters", PATHS_MAX,
		    LEVELS_MAX, LEVEL_MAX);
	if ((ds->operations & temporal) != 0)
		sec_warn(s, "operations",
		    "an NGSI-v2 source has no history: it is not asked for "
		    "any");
	ds->operations &= ~temporal;
	if (ds->local_only)
		sec_warn(s, "local-only", "NGSI-v2 does not know local-only");
}

void
dataset_v2(const struct sec *s, struct region_dataset *ds)
{
	if (ds->source->kind == SOURCE_NGSI_V2)
		of_v2(s, ds);
	else if (ds->service_path.len > 0)
		sec_error(s, "service-path",
		    "service-path is for datasets of a source with kind = "
		    "ngsi-v2");
}
