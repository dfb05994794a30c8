/* server/hubverify/shares_step.c - the trace of a calculation, read beside what
 * is worked out; see shares.h. */
#include "server/hubverify/shares.h"

#include <jansson.h>
#include <string.h>

void
step_wrong(struct again *a, const char *de, const char *en)
{
	if (!a->off)
		say_tampered(a->r->say, "Berechnung %llu (%.60s), Schritt "
		    "%zu: %s", "calculation %llu (%.60s), step %zu: %s",
		    OF(a), a->at, a->r->say->german ? de : en);
	a->off = true;
}

void
step_lost(struct again *a)
{
	step_wrong(a, "gehört nicht an diese Stelle",
	    "is not the one that belongs here");
	a->lost = true;
}

const json_t *
step_peek(const struct again *a, const char *step)
{
	const json_t *o = json_array_get(a->r->trace, a->at);
	const char *s = json_string_value(json_object_get(o, "step"));

	return (s != NULL && strcmp(s, step) == 0 ? o : NULL);
}

const json_t *
step_next(struct again *a, const char *step)
{
	const json_t *o = a->lost ? NULL : step_peek(a, step);

	a->at++;
	if (o == NULL)
		step_lost(a);
	return (o);
}

bool
step_number(const json_t *o, const char *key, wide want)
{
	const json_t *v = json_object_get(o, key);
	const char *s = json_string_value(v);
	wide n = 0;

	if (json_is_integer(v))
		return (json_integer_value(v) >= 0 &&
		    (wide)json_integer_value(v) == want);
	if (s == NULL || strlen(s) > 30)
		return (false);
	for (; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (unsigned)(*s - '0');
	return (*s == '\0' && n == want);
}

bool
step_text(const json_t *o, const char *key, const char *want)
{
	const char *s = json_string_value(json_object_get(o, key));

	return (s != NULL && strcmp(s, want) == 0);
}

bool
step_date(const json_t *o, const char *key, int32_t want)
{
	int32_t day;

	return (read_date(json_string_value(json_object_get(o, key)), &day) &&
	    day == want);
}

void
step_cents(struct again *a, const json_t *o, int64_t want)
{
	const json_t *v = json_object_get(o, "cents");

	if (!json_is_integer(v) || json_integer_value(v) != want)
		step_wrong(a, "der Betrag stimmt nicht", "the amount is wrong");
}
