/* server/config_file.c - the language of hubd.conf; see config_priv.h. */
#include "server/config_priv.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>

#include "policies/region_priv.h"

#define FILE_MAX ((size_t)1 << 20)

/* libConfuse calls back without an argument of ours. */
static struct buf *parse_why;
static const char *parse_path; /* sections do not know their file */

static const char *
section_of(cfg_t *cfg)
{
	const char *name = cfg_name(cfg);

	return (name == NULL || strcmp(name, "root") == 0 ? "" : name);
}

static void
say_where(cfg_t *cfg)
{
	buf_addf(parse_why, "%s:%d: ", parse_path, cfg->line);
}

static void
say_unknown(cfg_t *cfg, const char *key)
{
	unsigned best = 4, d;
	const char *near = NULL;

	for (cfg_opt_t *o = cfg->opts; o->name != NULL; o++) {
		d = str_distance(str_of(o->name), str_of(key));
		if (d < best) {
			best = d;
			near = o->name;
		}
	}
	say_where(cfg);
	buf_addf(parse_why, "unknown key '%s'", key);
	if (section_of(cfg)[0] != '\0')
		buf_addf(parse_why, " in %s", section_of(cfg));
	if (near != NULL)
		buf_addf(parse_why, "; nearest: %s", near);
	buf_addc(parse_why, '\n');
}

static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	if (strstr(fmt, "no such option") != NULL) {
		say_unknown(cfg, va_arg(ap, const char *));
		return;
	}
	say_where(cfg);
	buf_vaddf(parse_why, fmt, ap);
	buf_addc(parse_why, '\n');
}

static int
on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *section = section_of(cfg), *title = cfg_title(cfg);
	const struct setting *s = setting_find(section, title, opt->name);
	const char *text = cfg_opt_getnstr(opt,
	    cfg_opt_size(opt) > 0 ? cfg_opt_size(opt) - 1 : 0);
	struct buf why;
	int64_t n;
	bool ok;

	if (s == NULL || text == NULL || text[0] == '\0')
		return (0); /* "" is "not set" */
	buf_init(&why, 1024);
	ok = setting_check(s, str_of(text), &n, &why);
	if (!ok) {
		say_where(cfg);
		buf_addf(parse_why, "%s%s%s: '%s' is no value for it; %s\n",
		    section, section[0] != '\0' ? "." : "", opt->name, text,
		    buf_cstr(&why));
	}
	buf_clear(&why);
	return (ok ? 0 : -1);
}

static int
on_title(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *sec = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	const char *title = cfg_title(sec);

	if (strcmp(title, "public") == 0 || strcmp(title, "admin") == 0)
		return (0);
	say_where(cfg);
	buf_addf(parse_why,
	    "listen: '%s' is no listener; allowed: public, admin\n", title);
	return (-1);
}

cfg_t *
config_language(void)
{
	static cfg_opt_t listen_opts[] = { CFG_STR("address", NULL, CFGF_NONE),
		CFG_STR("certificate", NULL, CFGF_NONE),
		CFG_STR("key", NULL, CFGF_NONE),
		CFG_STR("client-ca", NULL, CFGF_NONE),
		CFG_STR_LIST("hosts", NULL, CFGF_NONE),
		CFG_STR("http2", NULL, CFGF_NONE), CFG_END() };
	static cfg_opt_t spool_opts[] = { CFG_STR("directory", NULL,
					      CFGF_NONE),
		CFG_STR("second-directory", NULL, CFGF_NONE),
		CFG_STR("size", NULL, CFGF_NONE),
		CFG_STR("segment", NULL, CFGF_NONE),
		CFG_STR("node", NULL, CFGF_NONE), CFG_END() };
	static cfg_opt_t limit_opts[] = { CFG_STR("header", NULL, CFGF_NONE),
		CFG_STR("body", NULL, CFGF_NONE),
		CFG_STR("answer", NULL, CFGF_NONE),
		CFG_STR("source-answer", NULL, CFGF_NONE),
		CFG_STR("memory", NULL, CFGF_NONE),
		CFG_STR("entity-maps", NULL, CFGF_NONE),
		CFG_STR("cache", NULL, CFGF_NONE),
		CFG_STR("connections", NULL, CFGF_NONE),
		CFG_STR("connections-per-address", NULL, CFGF_NONE),
		CFG_STR("connections-per-tenant", NULL, CFGF_NONE),
		CFG_STR("registration-changes", NULL, CFGF_NONE),
		CFG_STR("header-timeout", NULL, CFGF_NONE),
		CFG_STR("body-timeout", NULL, CFGF_NONE),
		CFG_STR("idle-timeout", NULL, CFGF_NONE),
		CFG_STR("handshake-timeout", NULL, CFGF_NONE),
		CFG_STR("write-timeout", NULL, CFGF_NONE),
		CFG_STR("drain", NULL, CFGF_NONE), CFG_END() };
	static cfg_opt_t decision_opts[] = { CFG_STR("directory", NULL,
						 CFGF_NONE),
		CFG_STR("keep", NULL, CFGF_NONE),
		CFG_STR("size", NULL, CFGF_NONE), CFG_END() };
	static cfg_opt_t indicator_opts[] = { CFG_STR("count-persons", NULL,
						  CFGF_NONE), CFG_END() };
	static cfg_opt_t digest_opts[] = { CFG_STR("key", NULL, CFGF_NONE),
		CFG_STR("directory", NULL, CFGF_NONE), CFG_END() };
	static cfg_opt_t policy_opts[] = { CFG_STR("stale-after", NULL,
					       CFGF_NONE),
		CFG_STR("degraded-after", NULL, CFGF_NONE),
		CFG_STR("deny-list", NULL, CFGF_NONE),
		CFG_STR("pseudonym-key-file", NULL, CFGF_NONE), CFG_END() };
	static cfg_opt_t opts[] = { CFG_STR("control", NULL, CFGF_NONE),
		CFG_STR("control-group", NULL, CFGF_NONE),
		CFG_STR("database", NULL, CFGF_NONE),
		CFG_STR("name", NULL, CFGF_NONE),
		CFG_STR("operator", NULL, CFGF_NONE),
		CFG_STR("contact", NULL, CFGF_NONE),
		CFG_STR("workers", NULL, CFGF_NONE),
		CFG_STR("user", NULL, CFGF_NONE),
		CFG_STR("log", NULL, CFGF_NONE),
		CFG_STR("log-format", NULL, CFGF_NONE),
		CFG_STR("log-requests", NULL, CFGF_NONE),
		CFG_STR("trace-sources", NULL, CFGF_NONE),
		CFG_STR("gzip", NULL, CFGF_NONE),
		CFG_STR("push-down", NULL, CFGF_NONE),
		CFG_SEC("listen", listen_opts,
		    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("spool", spool_opts, CFGF_NONE),
		CFG_SEC("limits", limit_opts, CFGF_NONE),
		CFG_SEC("policy", policy_opts, CFGF_NONE),
		CFG_SEC("digest", digest_opts, CFGF_NONE),
		CFG_SEC("decision-log", decision_opts, CFGF_NONE),
		CFG_SEC("indicators", indicator_opts, CFGF_NONE), CFG_END() };
	cfg_t *cfg = cfg_init(opts, CFGF_NONE);
	char path[64];

	(void)cfg_set_error_function(cfg, on_error);
	(void)cfg_set_validate_func(cfg, "listen", on_title);
	for (size_t i = 0; i < nsettings; i++) {
		const char *sec = settings[i].section;

		(void)snprintf(path, sizeof(path), "%.*s%s%s",
		    (int)strcspn(sec, " "), sec, sec[0] != '\0' ? "|" : "",
		    settings[i].key);
		(void)cfg_set_validate_func(cfg, path, on_value);
	}
	return (cfg);
}

cfg_t *
section_cfg(cfg_t *cfg, const char *section)
{
	if (section[0] == '\0')
		return (cfg);
	if (strncmp(section, "listen ", 7) == 0)
		return (cfg_gettsec(cfg, "listen", section + 7));
	return (cfg_getsec(cfg, section));
}

/* ---- reading */

static enum hub_err
read_file(const char *path, struct arena *a, struct str *text_r,
    struct buf *why)
{
	FILE *f = fopen(path, "re");
	char *text;
	size_t n;
	int bad;

	if (f == NULL) {
		buf_addf(why, "%s: %s\n", path, strerror(errno));
		return (HUB_ENOENT);
	}
	text = arena_raw(a, FILE_MAX + 1);
	n = fread(text, 1, FILE_MAX + 1, f);
	bad = ferror(f) != 0 ? errno : 0; /* such as a folder */
	(void)fclose(f);
	if (bad != 0) {
		buf_addf(why, "%s: %s\n", path, strerror(bad));
		return (HUB_ENOENT);
	}
	if (n > FILE_MAX) {
		buf_addf(why, "%s: larger than 1 MiB\n", path);
		return (HUB_EFULL);
	}
	*text_r = (struct str){ text, n };
	return (HUB_OK);
}

/* libConfuse does not report a file that ends inside a block, and would read
 * the environment at "${": the scan of region files refuses both. */
static enum hub_err
check_shape(const char *path, struct str text, struct arena *a,
    struct doc *doc, struct buf *why)
{
	struct region_file file = { str_of(path), text };
	struct scan_fault fault = { 0 };

	if (region_scan(&file, a, doc, &fault) == HUB_OK)
		return (HUB_OK);
	buf_addf(why, "%s:%u: %s\n", path, fault.line, fault.text);
	return (HUB_ESYNTAX);
}

static enum hub_err
parse_text(cfg_t *cfg, const char *path, struct str text, struct buf *why)
{
	FILE *f;
	int rc;

	if (text.len == 0)
		return (HUB_OK);
	f = fmemopen((void *)(uintptr_t)text.p, text.len, "r");
	if (f == NULL)
		return (HUB_EIO);
	parse_why = why;
	parse_path = path;
	rc = cfg_parse_fp(cfg, f);
	(void)fclose(f);
	parse_why = NULL;
	parse_path = NULL;
	return (rc == CFG_SUCCESS ? HUB_OK : HUB_ESYNTAX);
}

enum hub_err
config_read(const char *path, struct arena *scratch, cfg_t *cfg,
    struct doc *doc, struct buf *why)
{
	struct str text = STR_NONE;
	enum hub_err err = read_file(path, scratch, &text, why);

	if (err == HUB_OK)
		err = check_shape(path, text, scratch, doc, why);
	return (err == HUB_OK ? parse_text(cfg, path, text, why) : err);
}
