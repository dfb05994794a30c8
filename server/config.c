/* server/config.c - reading hubd.conf; config.h says what it promises. */
#include "server/config.h"

#include <arpa/inet.h>
#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policies/region_priv.h"

#define FILE_MAX ((size_t)1 << 20)

enum kind {
	TEXT,  /* const char * */
	PATH,  /* const char *, made relative to the file's folder */
	NAME,  /* struct str: a host name */
	COUNT, /* unsigned */
	SIZE,  /* size_t or uint64_t: bytes, KiB, MiB, GiB */
	TIME,  /* int: ms, s, min, h */
	ADDRESS, /* struct str */
	HOSTS  /* a list of names */
};

/* Every setting of hubd.conf, once. */
static const struct setting {
	const char *section, *key;
	enum kind kind;
	int64_t min, max; /* COUNT, SIZE (bytes), TIME (ms) */
	const char *fallback; /* NULL: none */
	size_t offset;
} settings[] = {
#define AT(field) offsetof(struct config, field)
	{ "", "control", PATH, 0, 0, NULL, AT(control) },
	{ "", "database", TEXT, 0, 0, "postgresql:///drehscheibe",
	    AT(database) },
	{ "", "name", NAME, 0, 0, "drehscheibe", AT(name) },
	{ "", "workers", COUNT, 0, 256, "0", AT(workers) },
	{ "", "user", TEXT, 0, 0, NULL, AT(user) },
	{ "", "log", PATH, 0, 0, NULL, AT(log) },
	{ "listen public", "address", ADDRESS, 0, 0, "0.0.0.0:8443",
	    AT(public_.address) },
	{ "listen public", "certificate", PATH, 0, 0, NULL,
	    AT(public_.certificate) },
	{ "listen public", "key", PATH, 0, 0, NULL, AT(public_.key) },
	{ "listen public", "client-ca", PATH, 0, 0, NULL,
	    AT(public_.client_ca) },
	{ "listen public", "hosts", HOSTS, 0, 0, NULL, AT(public_) },
	{ "listen admin", "address", ADDRESS, 0, 0, NULL,
	    AT(admin.address) },
	{ "listen admin", "certificate", PATH, 0, 0, NULL,
	    AT(admin.certificate) },
	{ "listen admin", "key", PATH, 0, 0, NULL, AT(admin.key) },
	{ "listen admin", "client-ca", PATH, 0, 0, NULL,
	    AT(admin.client_ca) },
	{ "listen admin", "hosts", HOSTS, 0, 0, NULL, AT(admin) },
	{ "spool", "directory", PATH, 0, 0, "/var/lib/drehscheibe/spool",
	    AT(spool_directory) },
	{ "spool", "size", SIZE, 1 << 20, INT64_C(1) << 44, "16GiB",
	    AT(spool_size) },
	{ "spool", "segment", SIZE, 65536, INT64_C(1) << 30, "64MiB",
	    AT(spool_segment) },
	{ "limits", "header", SIZE, 1024, 1 << 20, "16KiB",
	    AT(limits.header) },
	{ "limits", "body", SIZE, 0, 64 << 20, "1MiB", AT(limits.body) },
	{ "limits", "answer", SIZE, 65536, 1 << 30, "64MiB",
	    AT(answer_max) },
	{ "limits", "source-answer", SIZE, 65536, 1 << 30, "16MiB",
	    AT(source_answer_max) },
	{ "limits", "memory", SIZE, 1 << 20, INT64_C(1) << 40, "1GiB",
	    AT(memory_max) },
	{ "limits", "entity-maps", SIZE, 65536, INT64_C(1) << 36, "64MiB",
	    AT(entity_maps_max) },
	{ "limits", "connections", COUNT, 1, 1000000, "20000",
	    AT(limits.connections) },
	{ "limits", "header-timeout", TIME, 100, 600000, "10s",
	    AT(limits.header_ms) },
	{ "limits", "body-timeout", TIME, 100, 600000, "30s",
	    AT(limits.body_ms) },
	{ "limits", "idle-timeout", TIME, 100, 3600000, "75s",
	    AT(limits.idle_ms) },
	{ "limits", "handshake-timeout", TIME, 100, 600000, "10s",
	    AT(limits.handshake_ms) },
	{ "limits", "write-timeout", TIME, 100, 600000, "30s",
	    AT(limits.write_ms) },
	{ "limits", "drain", TIME, 0, 600000, "10s", AT(drain_ms) },
	{ "policy", "stale-after", TIME, 1000, 86400000, "15min",
	    AT(stale_ms) },
	{ "policy", "pseudonym-key-file", PATH, 0, 0, NULL,
	    AT(pseudonym_key) },
#undef AT
};
#define NSETTINGS (sizeof(settings) / sizeof(settings[0]))

/* ---- values */

struct unit {
	const char *name;
	int64_t factor;
};
static const struct unit sizes[] = { { "", 1 }, { "KiB", 1 << 10 },
	{ "MiB", 1 << 20 }, { "GiB", 1 << 30 }, { NULL, 0 } };
static const struct unit times[] = { { "ms", 1 }, { "s", 1000 },
	{ "min", 60000 }, { "h", 3600000 }, { NULL, 0 } };

static enum hub_err
parse_unit(struct str s, const struct unit *units, int64_t *value_r)
{
	size_t digits = 0;
	uint64_t n;

	while (digits < s.len && isdigit((unsigned char)s.p[digits]))
		digits++;
	if (str_uint((struct str){ s.p, digits }, INT64_MAX, &n) != HUB_OK)
		return (HUB_ESYNTAX);
	while (units->name != NULL &&
	    !str_eq(str_from(s, digits), str_of(units->name)))
		units++;
	if (units->name == NULL)
		return (HUB_ESYNTAX);
	return (__builtin_mul_overflow((int64_t)n, units->factor, value_r) ?
		HUB_ERANGE : HUB_OK);
}

static bool
is_host(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!isalnum((unsigned char)s.p[i]) &&
		    strchr("-.:", s.p[i]) == NULL)
			return (false);
	return (s.len > 0 && s.len < 256);
}

/* "address:port", "[v6]:port" or "unix:/path". */
static bool
is_address(struct str s)
{
	uint64_t port;
	size_t colon = s.len;

	if (str_prefix(s, STR("unix:/")))
		return (s.len < 100);
	while (colon > 0 && s.p[colon - 1] != ':')
		colon--;
	return (colon > 1 &&
	    str_uint(str_from(s, colon), 65535, &port) == HUB_OK);
}

/* Is text a value of the setting? The number for COUNT, SIZE and TIME; what is
 * allowed goes to why when it is not. */
static bool
setting_check(const struct setting *s, struct str text, int64_t *n_r,
    struct buf *why)
{
	switch (s->kind) {
	case TEXT:
	case PATH:
		*n_r = 0;
		return (true);
	case NAME:
		BUF_LIT(why, "allowed: a host name");
		return (is_host(text));
	case HOSTS:
		BUF_LIT(why, "allowed: a list of host names");
		return (is_host(text));
	case ADDRESS:
		BUF_LIT(why, "allowed: address:port, [address]:port or "
			     "unix:/path");
		return (is_address(text));
	case COUNT:
		buf_addf(why, "allowed: a number from %lld to %lld",
		    (long long)s->min, (long long)s->max);
		return (str_int(text, s->min, s->max, n_r) == HUB_OK);
	case SIZE:
		buf_addf(why,
		    "allowed: a size in bytes, KiB, MiB or GiB from %lld to "
		    "%lld bytes", (long long)s->min, (long long)s->max);
		return (parse_unit(text, sizes, n_r) == HUB_OK &&
		    *n_r >= s->min && *n_r <= s->max);
	case TIME:
		buf_addf(why,
		    "allowed: a time in ms, s, min or h from %lldms to %lldms",
		    (long long)s->min, (long long)s->max);
		return (parse_unit(text, times, n_r) == HUB_OK &&
		    *n_r >= s->min && *n_r <= s->max);
	}
	return (false);
}

static void
setting_store(const struct setting *s, struct config *c, const char *text,
    int64_t n, const char *folder)
{
	void *at = (char *)c + s->offset;

	switch (s->kind) {
	case PATH:
		if (text[0] == '\0')
			*(const char **)at = NULL;
		else if (text[0] == '/')
			*(const char **)at = arena_printf(c->arena, "%s",
			    text);
		else
			*(const char **)at = arena_printf(c->arena, "%s/%s",
			    folder, text);
		break;
	case TEXT:
		*(const char **)at = text[0] != '\0' ?
		    arena_printf(c->arena, "%s", text) : NULL;
		break;
	case NAME:
	case ADDRESS:
		*(struct str *)at = arena_str(c->arena, str_of(text));
		break;
	case COUNT:
		*(unsigned *)at = (unsigned)n;
		break;
	case SIZE:
		*(uint64_t *)at = (uint64_t)n;
		break;
	case TIME:
		*(int *)at = (int)n;
		break;
	case HOSTS:
		break; /* stored by its own function */
	}
}
_Static_assert(sizeof(size_t) == sizeof(uint64_t), "SIZE stores both");

/* ---- the file */

/* libConfuse calls back without an argument of ours. */
static struct buf *parse_why;
static const char *parse_path; /* sections do not know their file */

static const struct setting *
setting_find(const char *section, const char *title, const char *key)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s%s%s", section,
	    title != NULL ? " " : "", title != NULL ? title : "");
	for (size_t i = 0; i < NSETTINGS; i++)
		if (strcmp(settings[i].section, name) == 0 &&
		    strcmp(settings[i].key, key) == 0)
			return (&settings[i]);
	return (NULL);
}

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

static cfg_t *
language(void)
{
	static cfg_opt_t listen_opts[] = { CFG_STR("address", NULL, CFGF_NONE),
		CFG_STR("certificate", NULL, CFGF_NONE),
		CFG_STR("key", NULL, CFGF_NONE),
		CFG_STR("client-ca", NULL, CFGF_NONE),
		CFG_STR_LIST("hosts", NULL, CFGF_NONE), CFG_END() };
	static cfg_opt_t spool_opts[] = { CFG_STR("directory", NULL,
					      CFGF_NONE),
		CFG_STR("size", NULL, CFGF_NONE),
		CFG_STR("segment", NULL, CFGF_NONE), CFG_END() };
	static cfg_opt_t limit_opts[] = { CFG_STR("header", NULL, CFGF_NONE),
		CFG_STR("body", NULL, CFGF_NONE),
		CFG_STR("answer", NULL, CFGF_NONE),
		CFG_STR("source-answer", NULL, CFGF_NONE),
		CFG_STR("memory", NULL, CFGF_NONE),
		CFG_STR("entity-maps", NULL, CFGF_NONE),
		CFG_STR("connections", NULL, CFGF_NONE),
		CFG_STR("header-timeout", NULL, CFGF_NONE),
		CFG_STR("body-timeout", NULL, CFGF_NONE),
		CFG_STR("idle-timeout", NULL, CFGF_NONE),
		CFG_STR("handshake-timeout", NULL, CFGF_NONE),
		CFG_STR("write-timeout", NULL, CFGF_NONE),
		CFG_STR("drain", NULL, CFGF_NONE), CFG_END() };
	static cfg_opt_t policy_opts[] = { CFG_STR("stale-after", NULL,
					       CFGF_NONE),
		CFG_STR("pseudonym-key-file", NULL, CFGF_NONE), CFG_END() };
	static cfg_opt_t opts[] = { CFG_STR("control", NULL, CFGF_NONE),
		CFG_STR("database", NULL, CFGF_NONE),
		CFG_STR("name", NULL, CFGF_NONE),
		CFG_STR("workers", NULL, CFGF_NONE),
		CFG_STR("user", NULL, CFGF_NONE),
		CFG_STR("log", NULL, CFGF_NONE),
		CFG_SEC("listen", listen_opts,
		    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("spool", spool_opts, CFGF_NONE),
		CFG_SEC("limits", limit_opts, CFGF_NONE),
		CFG_SEC("policy", policy_opts, CFGF_NONE), CFG_END() };
	cfg_t *cfg = cfg_init(opts, CFGF_NONE);
	char path[64];

	(void)cfg_set_error_function(cfg, on_error);
	(void)cfg_set_validate_func(cfg, "listen", on_title);
	for (size_t i = 0; i < NSETTINGS; i++) {
		const char *sec = settings[i].section;

		(void)snprintf(path, sizeof(path), "%.*s%s%s",
		    (int)strcspn(sec, " "), sec, sec[0] != '\0' ? "|" : "",
		    settings[i].key);
		(void)cfg_set_validate_func(cfg, path, on_value);
	}
	return (cfg);
}

static cfg_t *
section_cfg(cfg_t *cfg, const char *section)
{
	if (section[0] == '\0')
		return (cfg);
	if (strncmp(section, "listen ", 7) == 0)
		return (cfg_gettsec(cfg, "listen", section + 7));
	return (cfg_getsec(cfg, section));
}

/* ---- the environment */

static const char *
env_of(const struct setting *s, char name[64])
{
	(void)snprintf(name, 64, "HUB_%s%s%s", s->section,
	    s->section[0] != '\0' ? "_" : "", s->key);
	for (char *p = name; *p != '\0'; p++)
		*p = (char)(*p == ' ' || *p == '-' ? '_' :
			toupper((unsigned char)*p));
	return (getenv(name));
}

/* HUB_LISTEN_..._HOSTS: names with commas between them. */
static enum hub_err
hosts_from_env(const char *name, const char *env, struct config *c,
    struct config_listen *l, struct buf *why)
{
	struct str rest = arena_str(c->arena, str_of(env)), host;
	struct str *hosts;
	unsigned n = 1;

	for (size_t i = 0; i < rest.len; i++)
		n += rest.p[i] == ',';
	hosts = arena_array(c->arena, n, sizeof(*hosts));
	for (n = 0; rest.len > 0 && str_cut(&rest, ',', &host); n++) {
		hosts[n] = str_trim(host);
		if (!is_host(hosts[n])) {
			buf_addf(why,
			    "%s: '%s' is no value for it; allowed: host names "
			    "with commas between them\n", name, env);
			return (HUB_ERANGE);
		}
	}
	l->hosts = hosts;
	l->nhosts = n;
	return (HUB_OK);
}

static enum hub_err
take_hosts(const struct setting *s, cfg_t *cfg, struct config *c,
    struct buf *why)
{
	struct config_listen *l = (void *)((char *)c + s->offset);
	cfg_t *sec = section_cfg(cfg, s->section);
	unsigned n = sec != NULL ? cfg_size(sec, s->key) : 0;
	struct str *hosts;
	char name[64];
	const char *env = env_of(s, name);

	if (env != NULL)
		return (hosts_from_env(name, env, c, l, why));
	hosts = arena_array(c->arena, n, sizeof(*hosts));
	for (unsigned i = 0; i < n; i++)
		hosts[i] = arena_str(c->arena,
		    str_of(cfg_getnstr(sec, s->key, i)));
	l->hosts = hosts;
	l->nhosts = n;
	return (HUB_OK);
}

static enum hub_err
take_setting(const struct setting *s, cfg_t *cfg, struct config *c,
    const char *folder, struct buf *why)
{
	cfg_t *sec = section_cfg(cfg, s->section);
	char name[64];
	const char *env = env_of(s, name), *text = env;
	struct buf allowed;
	int64_t n = 0;
	bool ok;

	if (s->kind == HOSTS)
		return (take_hosts(s, cfg, c, why));
	if (text == NULL && sec != NULL)
		text = cfg_getstr(sec, s->key);
	if (text == NULL || text[0] == '\0')
		text = s->fallback;
	if (text == NULL)
		return (HUB_OK);
	buf_init(&allowed, 1024);
	ok = setting_check(s, str_of(text), &n, &allowed);
	if (!ok)
		buf_addf(why, "%s: '%s' is no value for it; %s\n", name, text,
		    buf_cstr(&allowed));
	buf_clear(&allowed);
	if (!ok)
		return (HUB_ERANGE);
	setting_store(s, c, text, n, folder);
	return (HUB_OK);
}

/* ---- what must fit together */

static bool
is_local(struct str address)
{
	return (str_prefix(address, STR("unix:")) ||
	    str_prefix(address, STR("127.")) ||
	    str_prefix(address, STR("[::1]:")) ||
	    str_prefix(address, STR("localhost:")));
}

static enum hub_err
check_listener(const struct config_listen *l, const char *title,
    const char *path, struct buf *why)
{
	if (l->address.len == 0)
		return (HUB_OK);
	if ((l->certificate == NULL) != (l->key == NULL)) {
		buf_addf(why,
		    "%s: listen \"%s\": certificate and key belong together\n",
		    path, title);
		return (HUB_ESYNTAX);
	}
	if (l->certificate == NULL && l->client_ca != NULL) {
		buf_addf(why,
		    "%s: listen \"%s\": client-ca needs a certificate: "
		    "clients show theirs in TLS only\n",
		    path, title);
		return (HUB_ESYNTAX);
	}
	if (l->certificate == NULL && !is_local(l->address)) {
		buf_addf(why,
		    "%s: listen \"%s\": %.*s without a certificate is refused; "
		    "allowed on loopback and unix sockets only\n",
		    path, title, STR_FMT(l->address));
		return (HUB_EDENIED);
	}
	return (HUB_OK);
}

static enum hub_err
check_together(struct config *c, const char *path, struct buf *why)
{
	enum hub_err err = check_listener(&c->public_, "public", path, why);
	long cores;

	if (err == HUB_OK)
		err = check_listener(&c->admin, "admin", path, why);
	if (err == HUB_OK && c->spool_size < 4 * c->spool_segment) {
		buf_addf(why,
		    "%s: spool.size must hold four segments of %llu bytes\n",
		    path, (unsigned long long)c->spool_segment);
		err = HUB_ERANGE;
	}
	if (c->workers == 0) {
		cores = sysconf(_SC_NPROCESSORS_ONLN);
		c->workers = cores > 0 && cores <= 256 ? (unsigned)cores : 1;
	}
	return (err);
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
config_load(const char *path, struct config **config_r, struct buf *why)
{
	struct arena *scratch = arena_new();
	struct config *c = xcalloc(1, sizeof(*c));
	char *copy = xstrdup(path);
	const char *folder = dirname(copy);
	struct str text = STR_NONE;
	struct doc doc = { 0 };
	enum hub_err err;
	cfg_t *cfg;

	confuse_lock();
	cfg = language();
	c->arena = arena_new();
	c->path = arena_printf(c->arena, "%s", path);
	err = read_file(path, scratch, &text, why);
	if (err == HUB_OK)
		err = check_shape(path, text, scratch, &doc, why);
	if (err == HUB_OK)
		err = parse_text(cfg, path, text, why);
	for (size_t i = 0; err == HUB_OK && i < NSETTINGS; i++)
		err = take_setting(&settings[i], cfg, c, folder, why);
	if (err == HUB_OK)
		err = check_together(c, path, why);
	(void)cfg_free(cfg);
	confuse_unlock();
	free(copy);
	arena_free(scratch);
	if (err == HUB_OK)
		*config_r = c;
	else
		config_free(c);
	return (err);
}

void
config_free(struct config *c)
{
	if (c == NULL)
		return;
	arena_free(c->arena);
	free(c);
}

void
config_list_settings(struct buf *b)
{
	for (size_t i = 0; i < NSETTINGS; i++)
		if (strcmp(settings[i].section, "listen admin") != 0)
			buf_addf(b, "%.*s%s%s\n",
			    (int)strcspn(settings[i].section, " "),
			    settings[i].section,
			    settings[i].section[0] != '\0' ? "." : "",
			    settings[i].key);
}
