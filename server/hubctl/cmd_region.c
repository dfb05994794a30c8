/* server/hubctl/cmd_region.c - region files and bundles: validate, diff,
 * apply, rollback, bundles, export. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/hubctl/bundle.h"

static enum ctl_exit export_files(const struct ctl *, const char *dir,
    const struct region_file *, unsigned n);

enum ctl_exit
cmd_validate(const struct ctl *ctl, int argc, char **argv)
{
	static const struct column columns[] = {
		{ "files", "FILES", "DATEIEN", CELL_INT },
		{ "tenants", "TENANTS", "MANDANTEN", CELL_INT },
		{ "sources", "SOURCES", "QUELLEN", CELL_INT },
		{ "datasets", "DATASETS", "DATENSÄTZE", CELL_INT },
		{ "purposes", "PURPOSES", "ZWECKE", CELL_INT },
		{ "agreements", "AGREEMENTS", "VEREINBARUNGEN", CELL_INT },
		{ "tests", "TESTS", "TESTS", CELL_INT },
	};
	enum { N = sizeof(columns) / sizeof(columns[0]) };
	char text[N][16];
	const char *cells[N];
	struct bundle in;
	struct table *t;
	enum ctl_exit code = bundle_read(ctl, &in, argc, argv);

	if (code == CTL_OK) {
		const unsigned counts[N] = { in.nfiles,
			in.region->tenants.ntenants, in.region->nsources, in.region->ndatasets,
			in.region->npurposes, in.region->nagreements,
			in.region->ntests };

		for (int i = 0; i < N; i++) {
			(void)snprintf(text[i], sizeof(text[i]), "%u",
			    counts[i]);
			cells[i] = text[i];
		}
		t = table_new(columns, N);
		table_add(t, cells);
		table_print_take(t, ctl);
	}
	bundle_clear(&in);
	return (code);
}

enum ctl_exit
cmd_apply(const struct ctl *ctl, int argc, char **argv)
{
	struct db *db = NULL;
	struct bundle in;
	enum ctl_exit code = bundle_read(ctl, &in, argc, argv);

	if (code == CTL_OK)
		code = ctl_db(ctl, &db);
	if (code == CTL_OK)
		code = bundle_put(ctl, db, &in, ctl->note);
	db_close(db);
	bundle_clear(&in);
	return (code);
}

/* The same text again, as a new bundle. */
enum ctl_exit
cmd_rollback(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	struct bundle old = { .arena = NULL };
	struct db *db = NULL;
	char note[64];
	int64_t number;
	enum ctl_exit code = bundle_number(argv[0], &number);

	if (code == CTL_OK)
		code = ctl_db(ctl, &db);
	if (code == CTL_OK)
		code = bundle_fetch(ctl, db, number, &old);
	if (code == CTL_OK)
		code = bundle_test(ctl, &old);
	if (code == CTL_OK) {
		(void)snprintf(note, sizeof(note), "rollback to %" PRId64,
		    number);
		code = bundle_put(ctl, db, &old,
		    ctl->note != NULL ? ctl->note : note);
	}
	db_close(db);
	bundle_clear(&old);
	return (code);
}

/* Of files against the bundle in force; without files, of the bundle in force
 * against the one before it. */
enum ctl_exit
cmd_diff(const struct ctl *ctl, int argc, char **argv)
{
	struct bundle before = { .arena = NULL }, after = { .arena = NULL };
	const struct region_change *changes;
	struct bundle_head head = { 0, 0 };
	struct db *db = NULL;
	int64_t parent = 0;
	unsigned n = 0;
	enum ctl_exit code = CTL_OK;
	enum hub_err err;

	if (argc > 0)
		code = bundle_read(ctl, &after, argc, argv);
	if (code == CTL_OK)
		code = ctl_db(ctl, &db);
	if (code != CTL_OK)
		goto out;
	if (argc > 0) {
		code = bundle_complete(ctl, db, &after);
		if (code == CTL_OK)
			code = bundle_fetch_head(ctl, db, &head, &before);
	} else {
		code = bundle_need_head(ctl, db, &after);
		err = code != CTL_OK ? HUB_OK :
		    bundle_parent(db, after.number, &parent);
		if (err != HUB_OK)
			code = ctl_db_failed(db, err);
		if (code == CTL_OK)
			code = bundle_fetch(ctl, db, parent, &before);
	}
	if (code != CTL_OK)
		goto out;
	region_diff(before.region, after.region, after.arena, &changes, &n);
	changes_print(ctl, changes, n);
	if (region_widens(changes, n))
		code = CTL_DIFFERS;
out:
	db_close(db);
	bundle_clear(&before);
	bundle_clear(&after);
	return (code);
}

enum ctl_exit
cmd_bundles(const struct ctl *ctl, int argc HUB_UNUSED, char **argv HUB_UNUSED)
{
	static const struct column columns[] = {
		{ "bundle", "BUNDLE", "BÜNDEL", CELL_INT },
		{ "parent", "PARENT", "VORGÄNGER", CELL_INT },
		{ "created_at", "CREATED", "ERSTELLT", CELL_TEXT },
		{ "created_by", "BY", "VON", CELL_TEXT },
		{ "files", "FILES", "DATEIEN", CELL_INT },
		{ "agreements", "AGREEMENTS", "VEREINBARUNGEN", CELL_INT },
		{ "signatures", "SIGNATURES", "UNTERSCHRIFTEN", CELL_INT },
		{ "widens", "WIDENS", "ERWEITERT", CELL_BOOL },
		{ "in_force", "IN FORCE", "GÜLTIG", CELL_BOOL },
		{ "note", "NOTE", "BEMERKUNG", CELL_TEXT },
		{ "sha256", "SHA-256", "SHA-256", CELL_TEXT },
	};
	static const struct ctl_query query = {
		.sql = "SELECT b.bundle_id, b.parent_id, "
		DB_INSTANT("b.created_at") ", b.created_by, "
		"(SELECT count(*) FROM hub.bundle_file f "
		"WHERE f.bundle_id = b.bundle_id), "
		"(SELECT count(*) FROM hub.bundle_agreement a "
		"WHERE a.bundle_id = b.bundle_id), "
		"(SELECT count(*) FROM hub.bundle_agreement a "
		"JOIN hub.signature s USING (agreement, content_sha256) "
		"WHERE a.bundle_id = b.bundle_id), b.widens, "
		"b.bundle_id IS NOT DISTINCT FROM h.bundle_id, b.note, "
		"encode(b.sha256, 'hex') "
		"FROM hub.bundle b CROSS JOIN hub.head h ORDER BY 1",
		.nparams = 0, .columns = columns,
		.ncolumns = sizeof(columns) / sizeof(columns[0])
	};
	struct db *db = NULL;
	enum ctl_exit code = ctl_db(ctl, &db);

	if (code == CTL_OK)
		code = ctl_print_query(ctl, db, &query, NULL);
	db_close(db);
	return (code);
}

/* The bundle named, or the one in force. */
static enum ctl_exit
export_load(struct db *db, const char *name, struct arena *a,
    struct region_file **files_r, unsigned *n_r)
{
	struct bundle_head head = { 0, 0 };
	enum hub_err err;

	if (name == NULL) {
		err = bundle_head_get(db, &head);
		if (err != HUB_OK)
			return (ctl_db_failed(db, err));
	} else if (bundle_number(name, &head.bundle) != CTL_OK)
		return (CTL_USAGE);
	err = bundle_load(db, head.bundle, a, files_r, n_r);
	if (err == HUB_ENOENT && head.bundle == 0)
		ctl_warn("no bundle has been applied yet");
	else if (err == HUB_ENOENT)
		ctl_warn("no bundle %s", name);
	else if (err == HUB_ECONFLICT)
		ctl_warn("bundle %" PRId64 ": its files are not those whose "
			 "hash was stored: tampered with", head.bundle);
	else if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	return (err == HUB_OK ? CTL_OK : CTL_FAILED);
}

enum ctl_exit
cmd_export(const struct ctl *ctl, int argc, char **argv)
{
	struct arena *a;
	struct region_file *files = NULL;
	struct db *db = NULL;
	unsigned n = 0;
	enum ctl_exit code;

	if ((ctl->given & (OPT_ODRL | OPT_VVT | OPT_DCAT)) != 0)
		return (cmd_export_as(ctl, argc, argv));
	if (argc == 0) {
		ctl_warn("export needs a folder, or one of --odrl, --vvt and "
			 "--dcat");
		return (CTL_USAGE);
	}
	a = arena_new();
	code = ctl_db(ctl, &db);

	if (code == CTL_OK)
		code = export_load(db, argc == 2 ? argv[0] : NULL, a, &files,
		    &n);
	db_close(db);
	if (code == CTL_OK)
		code = export_files(ctl, argv[argc - 1], files, n);
	arena_free(a);
	return (code);
}

/* Writes below the folder dir_fd, making folders as needed. The path comes
 * from the database: no link is followed, nothing is overwritten. */
static int
export_open(int dir_fd, struct str path)
{
	struct str part;
	char name[256];
	int fd = dup(dir_fd), next;

	while (fd >= 0 && str_cut(&path, '/', &part)) {
		if (part.len == 0 || part.len >= sizeof(name) ||
		    str_eq(part, STR(".")) || str_eq(part, STR("..")) ||
		    memchr(part.p, 0, part.len) != NULL) {
			(void)close(fd);
			errno = EINVAL;
			return (-1);
		}
		memcpy(name, part.p, part.len);
		name[part.len] = '\0';
		if (path.p != NULL && mkdirat(fd, name, 0777) != 0 &&
		    errno != EEXIST)
			next = -1;
		else
			next = openat(fd, name,
			    (path.p != NULL ? O_RDONLY | O_DIRECTORY :
					      O_WRONLY | O_CREAT | O_EXCL) |
				O_NOFOLLOW | O_CLOEXEC,
			    0666);
		(void)close(fd);
		fd = next;
	}
	return (fd);
}

static bool
export_one(int dir_fd, const struct region_file *f)
{
	int fd = export_open(dir_fd, f->path);
	struct str left = f->bytes;
	bool ok = fd >= 0;
	ssize_t n;

	while (ok && left.len > 0) {
		n = write(fd, left.p, left.len);
		ok = n > 0;
		if (ok)
			left = str_from(left, (size_t)n);
	}
	if (fd >= 0 && close(fd) != 0)
		ok = false;
	if (!ok)
		ctl_warn("%.*s: %s", STR_FMT(f->path), strerror(errno));
	return (ok);
}

static enum ctl_exit
export_files(const struct ctl *ctl, const char *dir,
    const struct region_file *files, unsigned n)
{
	bool ok = true;
	int dir_fd;

	for (unsigned i = 0; ctl->dry_run && i < n; i++)
		printf("would write %s/%.*s\n", dir, STR_FMT(files[i].path));
	if (ctl->dry_run)
		return (CTL_OK);
	if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
		ctl_warn("%s: %s", dir, strerror(errno));
		return (CTL_FAILED);
	}
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0) {
		ctl_warn("%s: %s", dir, strerror(errno));
		return (CTL_FAILED);
	}
	for (unsigned i = 0; ok && i < n; i++) {
		ok = export_one(dir_fd, &files[i]);
		if (ok)
			printf("%.*s\n", STR_FMT(files[i].path));
	}
	(void)close(dir_fd);
	return (ok ? CTL_OK : CTL_FAILED);
}
