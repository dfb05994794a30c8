/* server/config.c - the settings of one process, from hubd.conf and the
 * environment; config.h says what it promises. */
#include "server/config_priv.h"

#include <confuse.h>
#include <ctype.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policies/region_priv.h"

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

/* ---- where a value comes from */

static bool
is_block(const struct node *n, const char *section)
{
	struct str name = { section, strcspn(section, " ") };

	return (n->kind == NODE_BLOCK && str_eq(n->name, name) &&
	    (section[name.len] == '\0' ||
		str_eq(n->title, str_of(section + name.len + 1))));
}

/* The last one of a key counts; an empty value is the same as none. */
static void
find_key(const struct node *block, const struct setting *s, unsigned *line)
{
	for (const struct node *n = block->child; n != NULL; n = n->next)
		if (str_eq(n->name, str_of(s->key)) &&
		    n->kind == (s->kind == HOSTS ? NODE_LIST : NODE_VALUE))
			*line = n->value.len > 0 || n->nitems > 0 ? n->line :
								     0;
}

static unsigned
find_line(const struct node *root, const struct setting *s)
{
	unsigned line = 0;

	if (s->section[0] == '\0')
		find_key(root, s, &line);
	for (const struct node *n = root->child; n != NULL; n = n->next)
		if (is_block(n, s->section))
			find_key(n, s, &line);
	return (line);
}

static void
find_origins(const struct doc *doc, struct origin *origins)
{
	for (size_t i = 0; i < nsettings; i++) {
		char name[64];

		origins[i].line = find_line(&doc->root, &settings[i]);
		if (env_of(&settings[i], name) != NULL)
			memcpy(origins[i].variable, name, sizeof(name));
	}
}

/* ---- the whole */

enum hub_err
config_load(const char *path, struct config **config_r, struct buf *why)
{
	return (config_load_from(path, config_r, NULL, why));
}

enum hub_err
config_load_from(const char *path, struct config **config_r,
    struct origin *origins, struct buf *why)
{
	struct arena *scratch = arena_new();
	struct config *c = xcalloc(1, sizeof(*c));
	char *copy = xstrdup(path);
	const char *folder = dirname(copy);
	struct doc doc = { 0 };
	enum hub_err err;
	cfg_t *cfg;

	confuse_lock();
	cfg = config_language();
	c->arena = arena_new();
	c->path = arena_printf(c->arena, "%s", path);
	err = config_read(path, scratch, cfg, &doc, why);
	for (size_t i = 0; err == HUB_OK && i < nsettings; i++)
		err = take_setting(&settings[i], cfg, c, folder, why);
	if (err == HUB_OK)
		err = check_together(c, path, why);
	if (err == HUB_OK && origins != NULL)
		find_origins(&doc, origins);
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

/* ---- reloading */

static size_t
size_of(enum kind kind)
{
	switch (kind) {
	case TEXT:
	case CONTACT:
	case PATH:
		return (sizeof(const char *));
	case NAME:
	case ADDRESS:
		return (sizeof(struct str));
	case COUNT:
	case WORD:
		return (sizeof(unsigned));
	case SIZE:
	case SPAN:
		return (sizeof(uint64_t));
	case TIME:
		return (sizeof(int));
	case SWITCH:
		return (sizeof(bool));
	case HOSTS:
		break; /* takes effect by itself */
	}
	return (0);
}

static bool
is_same(const struct setting *s, const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	switch (s->kind) {
	case TEXT:
	case CONTACT:
	case PATH:
		return (*x == NULL || *y == NULL ? *x == *y :
						   strcmp(*x, *y) == 0);
	case NAME:
	case ADDRESS:
		return (str_eq(*(const struct str *)a,
		    *(const struct str *)b));
	default:
		return (memcmp(a, b, size_of(s->kind)) == 0);
	}
}

/* It was changed, and takes effect with a restart only. */
static bool
needs_restart(const struct setting *s, const struct config *fresh,
    const struct config *old)
{
	return (!s->live && !is_same(s, (const char *)fresh + s->offset,
	    (const char *)old + s->offset));
}

void
config_compare(const struct config *fresh, const struct config *old,
    struct buf *names)
{
	for (size_t i = 0; i < nsettings; i++) {
		const struct setting *s = &settings[i];

		if (needs_restart(s, fresh, old))
			buf_addf(names, "%s%s%s%s", names->len > 0 ? " " : "",
			    s->section, s->section[0] != '\0' ? "." : "",
			    s->key);
	}
}

void
config_replace(struct config *fresh, struct config *old, struct buf *names)
{
	config_compare(fresh, old, names);
	for (size_t i = 0; i < nsettings; i++) {
		const struct setting *s = &settings[i];

		if (needs_restart(s, fresh, old))
			memcpy((char *)fresh + s->offset,
			    (const char *)old + s->offset, size_of(s->kind));
	}
	fresh->former = old;
}

void
config_free(struct config *c)
{
	struct config *former;

	for (; c != NULL; c = former) {
		former = c->former;
		arena_free(c->arena);
		free(c);
	}
}

void
config_list_settings(struct buf *b)
{
	for (size_t i = 0; i < nsettings; i++)
		if (strcmp(settings[i].section, "listen admin") != 0)
			buf_addf(b, "%.*s%s%s\n",
			    (int)strcspn(settings[i].section, " "),
			    settings[i].section,
			    settings[i].section[0] != '\0' ? "." : "",
			    settings[i].key);
}
