/* server/hubverify/say.c - sentences; see verify.h. */
#include "server/hubverify/verify.h"

#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#define FINDINGS_SHOWN 10
#define LINE_LEN       2048
#define ROWS_A_LOOK    1024 /* at the clock */
#define SHOW_MS	       1000

/* What comes out of a ledger stands in these lines, and a terminal obeys
 * control characters: U+0000 to U+001F, U+007F to U+009F. */
static void
make_plain(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
			p[0] = p[1] = '?';
}

static void
line(struct say *s, FILE *to, const char *head, const char *text, va_list ap)
{
	char out[LINE_LEN];

	if (s->quiet)
		return;
	say_progress_end(s);
	if (vsnprintf(out, sizeof(out), text, ap) < 0)
		out[0] = '\0';
	make_plain(out);
	(void)fprintf(to, "%s%s\n", head, out);
}

void
say_tampered(struct say *s, const char *de, const char *en, ...)
{
	va_list ap;

	if (s->findings++ < FINDINGS_SHOWN || s->all) {
		va_start(ap, en);
		line(s, s->out, s->german ? "VERÄNDERT: " : "TAMPERED: ",
		    s->german ? de : en, ap);
		va_end(ap);
	}
}

void
say_note(struct say *s, const char *de, const char *en, ...)
{
	va_list ap;

	va_start(ap, en);
	line(s, s->out, "", s->german ? de : en, ap);
	va_end(ap);
}

void
say_blind(struct say *s, const char *de, const char *en, ...)
{
	va_list ap;

	s->blind = true;
	va_start(ap, en);
	line(s, s->err, s->german ? "NICHT PRÜFBAR: " : "CANNOT CHECK: ",
	    s->german ? de : en, ap);
	va_end(ap);
}

/* ---- progress */

static int64_t
now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		return (0);
	return ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

void
say_progress_begin(struct say *s)
{
	s->watched = isatty(fileno(s->err)) != 0;
	s->shown = now_ms();
}

void
say_progress(struct say *s, const char *table)
{
	bool first = s->table != table;
	int64_t now;

	s->table = table;
	if ((s->rows++ % ROWS_A_LOOK != 0 && !first) || !s->watched ||
	    s->quiet)
		return;
	now = now_ms();
	if (now - s->shown < SHOW_MS)
		return;
	s->shown = now;
	s->drawn = true;
	(void)fprintf(s->err, s->german ?
		"\r\033[Khubverify: %llu Zeilen gelesen, zuletzt aus %s" :
		"\r\033[Khubverify: %llu rows read, the last ones of %s",
	    (unsigned long long)s->rows, table);
	(void)fflush(s->err);
}

void
say_progress_end(struct say *s)
{
	if (!s->drawn)
		return;
	s->drawn = false;
	(void)fputs("\r\033[K", s->err);
	(void)fflush(s->err);
}

/* ---- the verdict */

enum verdict
say_verdict(const struct say *s)
{
	return (s->findings > 0 ? TAMPERED : s->blind ? CANNOT_CHECK : INTACT);
}
