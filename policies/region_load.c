/* policies/region_load.c - the files of a region from the disk: those named,
 * and those that they include or refer to, all within one folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policies/region_priv.h"

#define LOAD_BYTES_MAX ((size_t)64 << 20)

struct load {
	struct arena *arena;
	struct buf *why;
	char *root; /* canonical, without a trailing slash; heap */
	struct region_file *files;
	unsigned n;
	size_t bytes;
};

static enum hub_err load_root(struct load *, const char *first);
static enum hub_err load_named(struct load *, const char *path);
static enum hub_err load_folder(struct load *, const char *folder);
static enum hub_err load_file(struct load *, const char *canonical);
static enum hub_err load_bytes(struct load *, int fd, const char *path,
    struct str *bytes_r);
static enum hub_err load_references(struct load *, const struct region_file *);
static enum hub_err load_reference(struct load *, const struct region_file *,
    const struct node *);
static enum hub_err load_fail(struct load *, enum hub_err, const char *what,
    const char *path);

/* Keys whose value is a file of the bundle. Secrets and certificates are not:
 * they stay on the machine that uses them. */
static const struct {
	const char *block, *key;
} file_keys[] = {
	{ "context", "file" },
	{ "area", "geojson-file" },
	{ "issuer", "jwks-file" },
};

enum hub_err
region_load(const char *const *paths, unsigned npaths, struct arena *arena,
    struct region_file **files_r, unsigned *n_r, struct buf *why)
{
	struct load ld = { .arena = arena, .why = why };
	enum hub_err err = HUB_OK;
	unsigned i;

	assert(npaths > 0);
	ld.files = arena_array(arena, REGION_FILES_MAX, sizeof(*ld.files));
	err = load_root(&ld, paths[0]);
	for (i = 0; err == HUB_OK && i < npaths; i++)
		err = load_named(&ld, paths[i]);
	/* the list grows while its references are followed */
	for (i = 0; err == HUB_OK && i < ld.n; i++)
		if (str_suffix(ld.files[i].path, STR(".hub")))
			err = load_references(&ld, &ld.files[i]);
	free(ld.root);
	if (err != HUB_OK)
		return (err);
	*files_r = ld.files;
	*n_r = ld.n;
	return (HUB_OK);
}

static enum hub_err
load_fail(struct load *ld, enum hub_err err, const char *what,
    const char *path)
{
	buf_addf(ld->why, "%.1024s: %s", path, what);
	return (err);
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

/* The folder of the first path; every file is named relative to it. */
static enum hub_err
load_root(struct load *ld, const char *first)
{
	char *slash;

	ld->root = realpath(first, NULL);
	if (ld->root == NULL)
		return (load_fail(ld, HUB_ENOENT, strerror(errno), first));
	if (!is_folder(ld->root)) {
		slash = strrchr(ld->root, '/');
		assert(slash != NULL);
		*slash = '\0';
	} else if (strcmp(ld->root, "/") == 0)
		ld->root[0] = '\0';
	return (HUB_OK);
}

static enum hub_err
load_named(struct load *ld, const char *path)
{
	char *canonical = realpath(path, NULL);
	enum hub_err err;

	if (canonical == NULL)
		return (load_fail(ld, HUB_ENOENT, strerror(errno), path));
	if (is_folder(canonical))
		err = load_folder(ld, canonical);
	else if (!str_suffix(str_of(canonical), STR(".hub")))
		err = load_fail(ld, HUB_ERANGE,
		    "the name of a region file ends in .hub", path);
	else
		err = load_file(ld, canonical);
	free(canonical);
	return (err);
}

static int
hub_only(const struct dirent *d)
{
	return (d->d_name[0] != '.' &&
	    str_suffix(str_of(d->d_name), STR(".hub")));
}

static enum hub_err
load_folder(struct load *ld, const char *folder)
{
	struct dirent **list;
	int i, n = scandir(folder, &list, hub_only, alphasort);
	enum hub_err err = HUB_OK;

	if (n < 0)
		return (load_fail(ld, HUB_EIO, strerror(errno), folder));
	if (n == 0)
		err = load_fail(ld, HUB_ENOENT, "no .hub file in this folder",
		    folder);
	for (i = 0; i < n; i++) {
		struct buf path;

		buf_init(&path, PATH_MAX);
		buf_addf(&path, "%s/%s", folder, list[i]->d_name);
		if (err == HUB_OK && path.failed)
			err = load_fail(ld, HUB_ERANGE, "path too long",
			    folder);
		if (err == HUB_OK)
			err = load_named(ld, buf_cstr(&path));
		buf_clear(&path);
		free(list[i]);
	}
	free(list);
	return (err);
}

/* canonical is free of links and dots, so a prefix decides. */
static enum hub_err
load_file(struct load *ld, const char *canonical)
{
	size_t root = strlen(ld->root);
	struct str path, bytes;
	enum hub_err err;
	unsigned i;
	int fd;

	if (strncmp(canonical, ld->root, root) != 0 || canonical[root] != '/')
		return (load_fail(ld, HUB_ERANGE,
		    "outside the folder of the first region file", canonical));
	path = str_of(canonical + root + 1);
	if (!str_utf8(path))
		return (load_fail(ld, HUB_ERANGE, "the name is not UTF-8",
		    "a file"));
	for (i = 0; i < ld->n; i++)
		if (str_eq(ld->files[i].path, path))
			return (HUB_OK);
	if (ld->n == REGION_FILES_MAX)
		return (load_fail(ld, HUB_ERANGE, "over 1000 files",
		    canonical));
	fd = open(canonical, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return (load_fail(ld, errno == ENOENT ? HUB_ENOENT : HUB_EIO,
		    strerror(errno), canonical));
	err = load_bytes(ld, fd, canonical, &bytes);
	(void)close(fd);
	if (err == HUB_OK)
		ld->files[ld->n++] = (struct region_file){
			arena_str(ld->arena, path), bytes };
	return (err);
}

static enum hub_err
load_bytes(struct load *ld, int fd, const char *path, struct str *bytes_r)
{
	struct stat st;
	size_t len = 0, size;
	ssize_t got;
	char *p;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return (load_fail(ld, HUB_EIO, "not a regular file", path));
	if (st.st_size > (off_t)REGION_FILE_MAX)
		return (load_fail(ld, HUB_ERANGE, "over 4 MiB", path));
	size = (size_t)st.st_size;
	if ((ld->bytes += size) > LOAD_BYTES_MAX)
		return (load_fail(ld, HUB_ERANGE, "over 64 MiB in all", path));
	p = arena_raw(ld->arena, size + 1);
	do {
		got = read(fd, p + len, size + 1 - len);
		if (got > 0)
			len += (size_t)got;
	} while (len <= size && (got > 0 || (got < 0 && errno == EINTR)));
	if (got < 0)
		return (load_fail(ld, HUB_EIO, strerror(errno), path));
	if (len != size)
		return (load_fail(ld, HUB_EIO, "changed while it was read",
		    path));
	*bytes_r = (struct str){ p, len };
	return (HUB_OK);
}

static const char *
file_key(struct str block)
{
	size_t i;

	for (i = 0; i < sizeof(file_keys) / sizeof(file_keys[0]); i++)
		if (str_eq(block, str_of(file_keys[i].block)))
			return (file_keys[i].key);
	return (NULL);
}

/* A file that does not scan names nothing: region_parse says what is wrong
 * with it. */
static enum hub_err
load_references(struct load *ld, const struct region_file *file)
{
	struct scan_fault fault;
	enum hub_err err = HUB_OK;
	struct arena *scratch = arena_new();
	struct doc *doc = arena_alloc(scratch, sizeof(*doc));
	const struct node *n, *value;

	if (region_scan(file, scratch, doc, &fault) == HUB_OK)
		for (n = doc->root.child; n != NULL && err == HUB_OK;
		     n = n->next) {
			const char *key = file_key(n->name);

			value = NULL;
			if (n->kind == NODE_CALL &&
			    str_eq(n->name, STR("include")))
				value = n;
			else if (n->kind == NODE_BLOCK && key != NULL)
				value = node_find(n, str_of(key));
			if (value != NULL && value->value.len > 0)
				err = load_reference(ld, file, value);
		}
	arena_free(scratch);
	return (err);
}

/* "areas/schwerte.geojson": relative, plain segments only. */
static bool
name_ok(struct str name)
{
	struct str part;
	size_t i;

	for (i = 0; i < name.len; i++)
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == '\\')
			return (false);
	while (str_cut(&name, '/', &part))
		if (part.len == 0 || str_eq(part, STR(".")) ||
		    str_eq(part, STR("..")))
			return (false);
	return (true);
}

/* What is not there is left to region_parse, which knows line and column. */
static enum hub_err
load_reference(struct load *ld, const struct region_file *file,
    const struct node *value)
{
	enum hub_err err = HUB_OK;
	char *canonical;
	struct buf path;

	if (!name_ok(value->value)) {
		buf_addf(ld->why,
		    "%.*s:%u:%u: a file is named relative to the folder, "
		    "without . or .. segments",
		    STR_FMT(file->path), value->line, value->column);
		return (HUB_ERANGE);
	}
	buf_init(&path, PATH_MAX);
	buf_addf(&path, "%s/", ld->root);
	buf_adds(&path, value->value);
	canonical = path.failed ? NULL : realpath(buf_cstr(&path), NULL);
	/* A link inside the folder would give the file a second name. */
	if (canonical != NULL && strcmp(canonical, buf_cstr(&path)) != 0)
		err = load_fail(ld, HUB_ERANGE,
		    "a symbolic link; name the file itself", path.p);
	else if (canonical != NULL)
		err = load_file(ld, canonical);
	free(canonical);
	buf_clear(&path);
	return (err);
}
