/* policies/jsonld.c - trees of JSON-LD; jsonld.h says what it promises. */
#include "policies/jsonld.h"

#include <jansson.h>
#include <stdlib.h>

/* jansson fails for want of memory, or at text that is no UTF-8. */
static json_t *
made(json_t *value)
{
	assert(value != NULL);
	return (value);
}

json_t *
ld_object(void)
{
	return (made(json_object()));
}

json_t *
ld_list(void)
{
	return (made(json_array()));
}

json_t *
ld_text(struct str s)
{
	json_t *t = s.len > 0 ? json_stringn(s.p, s.len) : json_string("");

	return (made(t != NULL ? t : json_string("?")));
}

json_t *
ld_word(const char *word)
{
	return (ld_text(str_of(word)));
}

json_t *
ld_integer(int64_t n)
{
	return (made(json_integer(n)));
}

json_t *
ld_reference(const char *iri)
{
	json_t *o = ld_object();

	ld_set(o, "@id", ld_word(iri));
	return (o);
}

json_t *
ld_value(struct str text, const char *key, const char *what)
{
	json_t *o = ld_object();

	ld_set(o, "@value", ld_text(text));
	ld_set(o, key, ld_word(what));
	return (o);
}

void
ld_set(json_t *object, const char *key, json_t *value)
{
	int rc = json_object_set_new(object, key, value);

	assert(rc == 0);
}

void
ld_add(json_t *list, json_t *value)
{
	int rc = json_array_append_new(list, value);

	assert(rc == 0);
}

size_t
ld_count(const json_t *list)
{
	return (json_array_size(list));
}

void
ld_drop(json_t *value)
{
	json_decref(value);
}

void
ld_write_take(json_t *value, struct buf *b)
{
	char *bytes = json_dumps(value, JSON_INDENT(2));

	assert(bytes != NULL);
	buf_adds(b, str_of(bytes));
	buf_addc(b, '\n');
	free(bytes);
	json_decref(value);
}
