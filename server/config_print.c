/* server/config_print.c - hubd --print-config: the settings in force in the
 * language of hubd.conf, and where each comes from; see config.h. */
#include "server/config_priv.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sql/db.h"

/* ---- values */

/* In quotes: it is read again as what it is, and a terminal obeys nothing in
 * it. Escapes are those of hubd.conf; control characters that have none, and
 * "${", which is refused there, do not come back as they were. */
static void
put_text(struct buf *b, struct str s)
{
	buf_addc(b, '"');
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (c == '\n')
			BUF_LIT(b, "\\n");
		else if (c == '\t')
			BUF_LIT(b, "\\t");
		else if ((unsigned char)c < 0x20 || c == 0x7f)
			buf_addc(b, '?');
		else {
			if (c == '"' || c == '\\')
				buf_addc(b, '\\');
			buf_addc(b, c);
		}
	}
	buf_addc(b, '"');
}

struct unit {
	const char *name;
	int64_t factor;
};

/* In the largest unit that it is a whole number of; the last one is 1. */
static void
put_unit(struct buf *b, int64_t n, const struct unit *units)
{
	while (n == 0 ? units->factor != 1 : n % units->factor != 0)
		units++;
	buf_addf(b, "%" PRId64 "%s", n / units->factor, units->name);
}

static void
put_hosts(struct buf *b, const struct config_listen *l)
{
	buf_addc(b, '{');
	for (unsigned i = 0; i < l->nhosts; i++) {
		buf_adds(b, i > 0 ? STR(", ") : STR(""));
		put_text(b, l->hosts[i]);
	}
	buf_addc(b, '}');
}

/* A conninfo may have a password in it. */
static void
put_database(struct buf *b, const char *conninfo)
{
	struct buf plain;

	buf_init(&plain, 65536);
	db_conninfo_mask(conninfo, &plain);
	put_text(b, buf_str(&plain));
	buf_clear(&plain);
}

static void
put_value(struct buf *b, const struct setting *s, const struct config *c)
{
	static const struct unit sizes[] = { { "GiB", 1 << 30 },
		{ "MiB", 1 << 20 }, { "KiB", 1 << 10 }, { "", 1 } };
	static const struct unit times[] = { { "h", 3600000 },
		{ "min", 60000 }, { "s", 1000 }, { "ms", 1 } };
	/* No span has less than hours. */
	static const struct unit spans[] = { { "d", WALL_DAY_US / 3600000000 },
		{ "h", 1 } };
	const void *at = (const char *)c + s->offset;
	const char *text;

	switch (s->kind) {
	case TEXT:
	case PATH:
	case CONTACT:
		text = *(const char *const *)at;
		if (strcmp(s->key, "database") == 0)
			put_database(b, text);
		else
			put_text(b, str_of(text != NULL ? text : ""));
		break;
	case NAME:
	case ADDRESS:
		put_text(b, *(const struct str *)at);
		break;
	case COUNT:
		buf_addf(b, "%u", *(const unsigned *)at);
		break;
	case SIZE:
		put_unit(b, (int64_t)*(const uint64_t *)at, sizes);
		break;
	case TIME:
		put_unit(b, *(const int *)at, times);
		break;
	case SPAN:
		put_unit(b, *(const int64_t *)at / 3600000000, spans);
		break;
	case SWITCH:
		buf_adds(b, *(const bool *)at ? STR("yes") : STR("no"));
		break;
	case WORD:
		buf_adds(b, str_of(s->words[*(const unsigned *)at]));
		break;
	case HOSTS:
		put_hosts(b, at);
		break;
	}
}

/* ---- the whole */

static void
put_origin(struct buf *b, const struct origin *o, const char *path)
{
	if (o->variable[0] != '\0')
		buf_addf(b, "  # %s\n", o->variable);
	else if (o->line > 0)
		buf_addf(b, "  # %s:%u\n", path, o->line);
	else
		BUF_LIT(b, "  # default\n");
}

/* "listen public" as a block of that title. */
static void
put_block(struct buf *b, const char *section)
{
	size_t len = strcspn(section, " ");

	buf_addf(b, "\n%.*s ", (int)len, section);
	if (section[len] != '\0')
		buf_addf(b, "\"%s\" ", section + len + 1);
	BUF_LIT(b, "{\n");
}

static void
put_settings(struct buf *b, const struct config *c,
    const struct origin *origins)
{
	const char *section = "";

	for (size_t i = 0; i < nsettings; i++) {
		const struct setting *s = &settings[i];

		if (strcmp(s->section, section) != 0) {
			if (section[0] != '\0')
				BUF_LIT(b, "}\n");
			put_block(b, s->section);
			section = s->section;
		}
		buf_addf(b, "%s%s = ", section[0] != '\0' ? "\t" : "", s->key);
		put_value(b, s, c);
		put_origin(b, &origins[i], c->path);
	}
	BUF_LIT(b, "}\n");
}

enum hub_err
config_print(const char *path, struct buf *out, struct buf *why)
{
	struct origin *origins = xcalloc(nsettings, sizeof(*origins));
	struct config *c = NULL;
	enum hub_err err = config_load_from(path, &c, origins, why);

	if (err == HUB_OK) {
		BUF_LIT(out, "# The settings in force, and where each comes "
		    "from. *** stands for a secret.\n");
		put_settings(out, c, origins);
		err = out->failed ? HUB_EFULL : HUB_OK;
	}
	config_free(c);
	free(origins);
	return (err);
}
