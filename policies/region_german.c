/* policies/region_german.c - complaints in two languages; region_german.h says
 * what it promises, region_german_table.c has the texts. */
#include "policies/region_german.h"

#include <inttypes.h>
#include <stdio.h>

#include "policies/region_german_table.h"

#define ARGS_MAX 9
#define ARG_MAX	 4096

/* ---- fixed texts among what fills a template */

/* Does the text have the form of a pattern, in which "*" stands for anything?
 * parts[i]: what the i-th stands for. */
static bool
has_form(struct str text, const char *pattern, struct str parts[ARGS_MAX])
{
	struct str rest = str_of(pattern), literal;
	unsigned n = 0;
	size_t at;

	(void)str_cut(&rest, '*', &literal);
	if (!str_prefix(text, literal))
		return (false);
	text = str_from(text, literal.len);
	while (rest.p != NULL && n < ARGS_MAX) {
		(void)str_cut(&rest, '*', &literal);
		for (at = 0; at <= text.len; at++)
			if (str_prefix(str_from(text, at), literal) &&
			    (rest.p != NULL || at + literal.len == text.len))
				break;
		if (at > text.len)
			return (false);
		parts[n++] = (struct str){ text.p, at };
		text = str_from(text, at + literal.len);
	}
	return (text.len == 0);
}

static void
add_form(struct buf *b, const char *pattern, const struct str *parts)
{
	for (; *pattern != '\0'; pattern++)
		if (*pattern == '*')
			buf_adds(b, *parts++);
		else
			buf_addc(b, *pattern);
}

static void
add_german(struct buf *b, struct str text)
{
	struct str parts[ARGS_MAX] = { 0 };

	for (const struct german *g = german_forms; g->english != NULL; g++)
		if (has_form(text, g->english, parts)) {
			add_form(b, g->german, parts);
			return;
		}
	buf_adds(b, text);
}

/* ---- templates */

struct args {
	struct buf english[ARGS_MAX];
	unsigned n;
};

static struct buf *
arg_new(struct args *a)
{
	assert(a->n < ARGS_MAX);
	buf_init(&a->english[a->n], ARG_MAX);
	return (&a->english[a->n++]);
}

/* A line stays one line, whatever a file has. */
static void
add_text(struct buf *b, const char *p, size_t len)
{
	for (size_t i = 0; i < len && i < ARG_MAX - 1; i++)
		buf_addc(b, (unsigned char)p[i] < 0x20 || p[i] == 0x7f ? ' ' :
									p[i]);
}

/* The conversion at p, behind "%"; returns what follows it. Only those that
 * the parser uses: anything else is a mistake here. */
static const char *
take_arg(const char *p, va_list *ap, struct args *a)
{
	struct buf *b = arg_new(a);
	const char *s;
	int len;

	if (strncmp(p, ".*s", 3) == 0) {
		len = va_arg(*ap, int);
		s = va_arg(*ap, const char *);
		add_text(b, s, len > 0 ? (size_t)len : 0);
		return (p + 3);
	}
	if (*p == 's') {
		s = va_arg(*ap, const char *);
		add_text(b, s, strlen(s));
		return (p + 1);
	}
	if (*p == 'u') {
		buf_addu(b, va_arg(*ap, unsigned));
		return (p + 1);
	}
	if (*p == 'd') {
		buf_addf(b, "%d", va_arg(*ap, int));
		return (p + 1);
	}
	if (strncmp(p, "02d", 3) == 0) {
		buf_addf(b, "%02d", va_arg(*ap, int));
		return (p + 3);
	}
	assert(strncmp(p, PRId64, sizeof(PRId64) - 1) == 0);
	buf_addf(b, "%" PRId64, va_arg(*ap, int64_t));
	return (p + sizeof(PRId64) - 1);
}

static void
write_english(const char *p, va_list ap, struct args *a, struct buf *out)
{
	va_list own;

	va_copy(own, ap);
	while (*p != '\0') {
		if (*p != '%')
			buf_addc(out, *p++);
		else if (p[1] == '%') {
			buf_addc(out, '%');
			p += 2;
		} else {
			p = take_arg(p + 1, &own, a);
			buf_adds(out, buf_str(&a->english[a->n - 1]));
		}
	}
	va_end(own);
}

/* "$1" is what fills the first place of the English one, and so on. */
static void
write_german(const char *p, const struct args *a, struct buf *out)
{
	unsigned i;

	for (; *p != '\0'; p++) {
		i = p[0] == '$' && p[1] >= '1' && p[1] <= '9' ?
		    (unsigned)(p[1] - '1') : ARGS_MAX;
		if (i < a->n) {
			add_german(out, buf_str(&a->english[i]));
			p++;
		} else
			buf_addc(out, *p);
	}
}

static const char *
template_find(const char *english)
{
	for (const struct german *g = german_templates; g->english != NULL; g++)
		if (strcmp(g->english, english) == 0)
			return (g->german);
	return (NULL);
}

const char *
region_german(const char *english)
{
	for (const struct german *g = german_forms; g->english != NULL; g++)
		if (strcmp(g->english, english) == 0)
			return (g->german);
	return (english);
}

void
region_german_write(const char *fmt, va_list ap, struct buf *english,
    struct buf *german)
{
	struct args a = { .n = 0 };
	const char *template = template_find(fmt);

	write_english(fmt, ap, &a, english);
	if (template != NULL)
		write_german(template, &a, german);
	else
		buf_adds(german, buf_str(english));
	for (unsigned i = 0; i < a.n; i++)
		buf_clear(&a.english[i]);
}
