/* server/hubverify/say.c - sentences; see verify.h. */
#include "server/hubverify/verify.h"

#include <stdarg.h>

#define FINDINGS_SHOWN 10

static void
line(struct say *s, FILE *to, const char *head, const char *text, va_list ap)
{
	if (s->quiet)
		return;
	(void)fputs(head, to);
	(void)vfprintf(to, text, ap);
	(void)fputc('\n', to);
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

enum verdict
say_verdict(const struct say *s)
{
	return (s->findings > 0 ? TAMPERED : s->blind ? CANNOT_CHECK : INTACT);
}
