/* server/hubctl/cmd_fmt.c - region files in their usual form. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policies/region_fmt.h"
#include "server/hubctl/bundle.h"

#define FILE_MAX  ((size_t)4 << 20)

/* Beside the file, then in its place: a full disk leaves the old one. */
static bool
write_file(const char *path, struct str bytes)
{
	struct stat st;
	struct buf temp;
	bool ok;
	int fd;

	buf_init(&temp, 8192);
	buf_addf(&temp, "%s.XXXXXX", path);
	(void)buf_cstr(&temp);
	fd = temp.failed ? -1 : mkostemp(temp.p, O_CLOEXEC);
	ok = fd >= 0 && stat(path, &st) == 0 &&
	    fchmod(fd, st.st_mode & 07777) == 0;
	while (ok && bytes.len > 0) {
		ssize_t n = write(fd, bytes.p, bytes.len);

		ok = n > 0;
		if (ok)
			bytes = str_from(bytes, (size_t)n);
	}
	if (fd >= 0 && (fsync(fd) != 0 || close(fd) != 0))
		ok = false;
	ok = ok && rename(temp.p, path) == 0;
	if (!ok)
		ctl_warn("%s: %s", path, strerror(errno));
	if (!ok && fd >= 0)
		(void)unlink(temp.p);
	buf_clear(&temp);
	return (ok);
}

/* CTL_DIFFERS: it has, or had, another form. */
static enum ctl_exit
format(const struct ctl *ctl, const char *path)
{
	struct region_message fault = { 0 };
	struct buf in, out;
	struct region_file file;
	enum ctl_exit code;

	buf_init(&in, FILE_MAX);
	buf_init(&out, 4 * FILE_MAX);
	code = ctl_read(path, &in);
	file = (struct region_file){ str_of(path), buf_str(&in) };
	if (code != CTL_OK)
		goto out;
	if (region_fmt(&file, &out, &fault) != HUB_OK) {
		message_print(ctl, &fault);
		code = CTL_CONFIG;
	} else if (!str_eq(buf_str(&in), buf_str(&out))) {
		code = CTL_DIFFERS;
		puts(path);
		if ((ctl->given & OPT_CHECK) == 0 && !ctl->dry_run &&
		    !write_file(path, buf_str(&out)))
			code = CTL_FAILED;
	}
out:
	buf_clear(&in);
	buf_clear(&out);
	return (code);
}

static int
is_region_file(const struct dirent *e)
{
	return (str_suffix(str_of(e->d_name), STR(".hub")));
}

/* The worst of two: what failed, then what differs. */
static enum ctl_exit
worse(enum ctl_exit a, enum ctl_exit b)
{
	if (a == CTL_OK || a == CTL_DIFFERS)
		return (b == CTL_OK ? a : b);
	return (a);
}

static enum ctl_exit
format_folder(const struct ctl *ctl, const char *path)
{
	enum ctl_exit code = CTL_OK;
	struct dirent **list;
	struct buf name;
	int n = scandir(path, &list, is_region_file, alphasort);

	if (n < 0) {
		ctl_warn("%s: %s", path, strerror(errno));
		return (CTL_FAILED);
	}
	buf_init(&name, 8192);
	for (int i = 0; i < n; i++) {
		buf_reset(&name);
		buf_addf(&name, "%s/%s", path, list[i]->d_name);
		code = worse(code, format(ctl, buf_cstr(&name)));
		free(list[i]);
	}
	free(list);
	buf_clear(&name);
	return (code);
}

enum ctl_exit
cmd_fmt(const struct ctl *ctl, int argc, char **argv)
{
	enum ctl_exit code = CTL_OK;
	struct stat st;

	for (int i = 0; i < argc; i++)
		code = worse(code,
		    stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode) ?
			format_folder(ctl, argv[i]) : format(ctl, argv[i]));
	if (code == CTL_DIFFERS && (ctl->given & OPT_CHECK) == 0)
		code = CTL_OK;
	return (code);
}
