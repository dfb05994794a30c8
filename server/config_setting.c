/* server/config_setting.c - the table of settings, and what their values are;
 * see config_priv.h. */
#include "server/config_priv.h"

#include <ctype.h>
#include <stdio.h>

/* As enum log_format and enum trace_to count. */
static const char *const log_formats[] = { "logfmt", "json", NULL };
static const char *const trace_words[] = { "none", "id", "all", NULL };

/* Every setting of hubd.conf, once. */
const struct setting settings[] = {
#define AT(field)   offsetof(struct config, field), false, NULL
#define LIVE(field) offsetof(struct config, field), true, NULL
#define ONE_OF(words, field) offsetof(struct config, field), true, words
	{ "", "control", PATH, 0, 0, NULL, AT(control) },
	{ "", "control-group", TEXT, 0, 0, NULL, AT(control_group) },
	{ "", "database", TEXT, 0, 0, "postgresql:///drehscheibe",
	    AT(database) },
	{ "", "name", NAME, 0, 0, "drehscheibe", AT(name) },
	{ "", "operator", TEXT, 0, 0, NULL, AT(operator_tenant) },
	{ "", "contact", CONTACT, 0, 0, NULL, LIVE(contact) },
	{ "", "workers", COUNT, 0, 256, "0", AT(workers) },
	{ "", "user", TEXT, 0, 0, NULL, AT(user) },
	{ "", "log", PATH, 0, 0, NULL, LIVE(log) },
	{ "", "log-format", WORD, 0, 0, "logfmt",
	    ONE_OF(log_formats, log_format) },
	{ "", "log-requests", SWITCH, 0, 0, "yes", LIVE(log_requests) },
	{ "", "trace-sources", WORD, 0, 0, "id",
	    ONE_OF(trace_words, trace_sources) },
	{ "", "gzip", SWITCH, 0, 0, "yes", AT(gzip) },
	{ "", "push-down", SWITCH, 0, 0, "yes", LIVE(push_down) },
	{ "listen public", "address", ADDRESS, 0, 0, "0.0.0.0:8443",
	    AT(public_.address) },
	{ "listen public", "certificate", PATH, 0, 0, NULL,
	    LIVE(public_.certificate) },
	{ "listen public", "key", PATH, 0, 0, NULL, LIVE(public_.key) },
	{ "listen public", "client-ca", PATH, 0, 0, NULL,
	    LIVE(public_.client_ca) },
	{ "listen public", "hosts", HOSTS, 0, 0, NULL, LIVE(public_) },
	{ "listen public", "http2", SWITCH, 0, 0, "yes",
	    LIVE(public_.http2) },
	{ "listen admin", "address", ADDRESS, 0, 0, NULL,
	    AT(admin.address) },
	{ "listen admin", "certificate", PATH, 0, 0, NULL,
	    LIVE(admin.certificate) },
	{ "listen admin", "key", PATH, 0, 0, NULL, LIVE(admin.key) },
	{ "listen admin", "client-ca", PATH, 0, 0, NULL,
	    LIVE(admin.client_ca) },
	{ "listen admin", "hosts", HOSTS, 0, 0, NULL, LIVE(admin) },
	{ "listen admin", "http2", SWITCH, 0, 0, "yes",
	    LIVE(admin.http2) },
	{ "spool", "directory", PATH, 0, 0, "/var/lib/drehscheibe/spool",
	    AT(spool_directory) },
	{ "spool", "second-directory", PATH, 0, 0, NULL,
	    AT(spool_second) },
	{ "spool", "node", COUNT, 1, 65000, "1", AT(spool_node) },
	{ "spool", "size", SIZE, 1 << 20, INT64_C(1) << 44, "16GiB",
	    AT(spool_size) },
	{ "spool", "segment", SIZE, 65536, INT64_C(1) << 30, "64MiB",
	    AT(spool_segment) },
	{ "limits", "header", SIZE, 1024, 1 << 20, "16KiB",
	    LIVE(limits.header) },
	{ "limits", "body", SIZE, 0, 64 << 20, "1MiB", LIVE(limits.body) },
	{ "limits", "answer", SIZE, 65536, 1 << 30, "64MiB",
	    LIVE(answer_max) },
	{ "limits", "source-answer", SIZE, 65536, 1 << 30, "16MiB",
	    LIVE(source_answer_max) },
	{ "limits", "memory", SIZE, 1 << 20, INT64_C(1) << 40, "1GiB",
	    AT(memory_max) },
	{ "limits", "entity-maps", SIZE, 65536, INT64_C(1) << 36, "64MiB",
	    AT(entity_maps_max) },
	{ "limits", "cache", SIZE, 0, INT64_C(1) << 36, "64MiB",
	    AT(cache_max) },
	{ "limits", "connections", COUNT, 1, 1000000, "20000",
	    LIVE(limits.connections) },
	{ "limits", "connections-per-address", COUNT, 0, 1000000, "2000",
	    LIVE(limits.per_address) },
	{ "limits", "connections-per-tenant", COUNT, 0, 1000000, "5000",
	    LIVE(per_tenant) },
	{ "limits", "registration-changes", COUNT, 1, 1000000, "120",
	    LIVE(registration_changes) },
	{ "limits", "header-timeout", TIME, 100, 600000, "10s",
	    LIVE(limits.header_ms) },
	{ "limits", "body-timeout", TIME, 100, 600000, "30s",
	    LIVE(limits.body_ms) },
	{ "limits", "idle-timeout", TIME, 100, 3600000, "75s",
	    LIVE(limits.idle_ms) },
	{ "limits", "handshake-timeout", TIME, 100, 600000, "10s",
	    LIVE(limits.handshake_ms) },
	{ "limits", "write-timeout", TIME, 100, 600000, "30s",
	    LIVE(limits.write_ms) },
	{ "limits", "drain", TIME, 0, 600000, "10s", LIVE(drain_ms) },
	{ "policy", "stale-after", TIME, 1000, 86400000, "15min",
	    LIVE(stale_ms) },
	{ "policy", "degraded-after", TIME, 1000, 86400000, "1min",
	    LIVE(degraded_ms) },
	{ "policy", "deny-list", PATH, 0, 0, "deny.list", AT(deny_list) },
	{ "policy", "pseudonym-key-file", PATH, 0, 0, NULL,
	    AT(pseudonym_key) },
	{ "digest", "key", PATH, 0, 0, NULL, LIVE(digest_key) },
	{ "digest", "directory", PATH, 0, 0, "/var/lib/drehscheibe-digest",
	    LIVE(digest_directory) },
	{ "decision-log", "directory", PATH, 0, 0, NULL,
	    AT(decision_directory) },
	{ "decision-log", "keep", SPAN, WALL_DAY_US, 3653 * WALL_DAY_US,
	    "90d", AT(decision_keep_us) },
	{ "decision-log", "size", SIZE, 1 << 20, INT64_C(1) << 44, "16GiB",
	    AT(decision_size) },
	{ "indicators", "count-persons", SWITCH, 0, 0, "no",
	    AT(count_persons) },
#undef AT
#undef LIVE
#undef ONE_OF
};
const size_t nsettings = sizeof(settings) / sizeof(settings[0]);

/* ---- values */

struct unit {
	const char *name;
	int64_t factor;
};
static const struct unit sizes[] = { { "", 1 }, { "KiB", 1 << 10 },
	{ "MiB", 1 << 20 }, { "GiB", 1 << 30 }, { NULL, 0 } };
static const struct unit times[] = { { "ms", 1 }, { "s", 1000 },
	{ "min", 60000 }, { "h", 3600000 }, { NULL, 0 } };
static const struct unit spans[] = { { "h", INT64_C(3600000000) },
	{ "d", WALL_DAY_US }, { NULL, 0 } };

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

bool
is_host(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!isalnum((unsigned char)s.p[i]) &&
		    strchr("-.:", s.p[i]) == NULL)
			return (false);
	return (s.len > 0 && s.len < 256);
}

/* A mail address or a page, as it may stand in a link and on a screen. */
static bool
is_contact(struct str s)
{
	size_t at = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (!isgraph((unsigned char)s.p[i]) ||
		    strchr("\"<>\\", s.p[i]) != NULL)
			return (false);
		if (s.p[i] == '@' && at == 0)
			at = i;
	}
	if (s.len > 200)
		return (false);
	return (str_prefix(s, STR("https://")) ? s.len > 8 :
	    at > 0 && at + 1 < s.len && memchr(s.p, '/', s.len) == NULL);
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

bool
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
	case CONTACT:
		BUF_LIT(why, "allowed: a mail address, or a page with https");
		return (text.len == 0 || is_contact(text));
	case HOSTS:
		BUF_LIT(why, "allowed: a list of host names");
		return (is_host(text));
	case ADDRESS:
		BUF_LIT(why, "allowed: address:port, [address]:port or "
			     "unix:/path");
		return (is_address(text));
	case SWITCH:
		BUF_LIT(why, "allowed: yes or no");
		*n_r = str_eq(text, STR("yes"));
		return (*n_r != 0 || str_eq(text, STR("no")));
	case WORD:
		BUF_LIT(why, "allowed:");
		for (*n_r = 0; s->words[*n_r] != NULL; ++*n_r) {
			if (str_eq(text, str_of(s->words[*n_r])))
				return (true);
			buf_addf(why, "%s %s", *n_r > 0 ? "," : "",
			    s->words[*n_r]);
		}
		return (false);
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
	case SPAN:
		buf_addf(why, "allowed: a time in h or d from %lldd to %lldd",
		    (long long)(s->min / WALL_DAY_US),
		    (long long)(s->max / WALL_DAY_US));
		return (parse_unit(text, spans, n_r) == HUB_OK &&
		    *n_r >= s->min && *n_r <= s->max);
	}
	return (false);
}

void
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
	case CONTACT:
		*(const char **)at = text[0] != '\0' ?
		    arena_printf(c->arena, "%s", text) : NULL;
		break;
	case NAME:
	case ADDRESS:
		*(struct str *)at = arena_str(c->arena, str_of(text));
		break;
	case SWITCH:
		*(bool *)at = n != 0;
		break;
	case COUNT:
	case WORD:
		*(unsigned *)at = (unsigned)n;
		break;
	case SIZE:
		*(uint64_t *)at = (uint64_t)n;
		break;
	case TIME:
		*(int *)at = (int)n;
		break;
	case SPAN:
		*(int64_t *)at = n;
		break;
	case HOSTS:
		break; /* stored by its own function */
	}
}
_Static_assert(sizeof(size_t) == sizeof(uint64_t), "SIZE stores both");

const struct setting *
setting_find(const char *section, const char *title, const char *key)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s%s%s", section,
	    title != NULL ? " " : "", title != NULL ? title : "");
	for (size_t i = 0; i < nsettings; i++)
		if (strcmp(settings[i].section, name) == 0 &&
		    strcmp(settings[i].key, key) == 0)
			return (&settings[i]);
	return (NULL);
}
