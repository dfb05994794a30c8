/* server/hubverify/names.c - what numbers stand for: DICT blocks against the
 * table of names; see verify.h. */
#include "server/hubverify/verify.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A name of a DICT block; sorted once all are there. */
struct name {
	uint64_t node, born, id;
	char *kind, *text;
	bool seen; /* in the table */
};

struct names {
	struct name *list;
	size_t n, cap;
};

struct names *
names_new(void)
{
	struct names *ns = calloc(1, sizeof(*ns));

	if (ns == NULL)
		abort();
	return (ns);
}

void
names_free(struct names *ns)
{
	for (size_t i = 0; ns != NULL && i < ns->n; i++) {
		free(ns->list[i].kind);
		free(ns->list[i].text);
	}
	free(ns != NULL ? ns->list : NULL);
	free(ns);
}

static bool
add(struct names *ns, uint64_t node, uint64_t born, json_t *item)
{
	const char *kind, *text;
	json_int_t id;

	if (json_unpack_ex(item, NULL, JSON_STRICT, "[I,s,s]", &id, &kind,
		&text) != 0 || id < 0)
		return (false);
	if (ns->n == ns->cap) {
		ns->cap = ns->cap == 0 ? 64 : ns->cap * 2;
		ns->list = realloc(ns->list, ns->cap * sizeof(*ns->list));
		if (ns->list == NULL)
			abort();
	}
	ns->list[ns->n] = (struct name){ node, born, (uint64_t)id,
		strdup(kind), strdup(text), false };
	if (ns->list[ns->n].kind == NULL || ns->list[ns->n].text == NULL)
		abort();
	ns->n++;
	return (true);
}

bool
names_add_block(struct names *ns, const char *payload)
{
	json_t *doc = json_loads(payload, JSON_REJECT_DUPLICATES, NULL);
	json_int_t born, node;
	json_t *list, *item;
	bool ok;
	size_t i;

	ok = json_unpack_ex(doc, NULL, JSON_STRICT, "{s:I,s:o,s:I}", "born",
	    &born, "names", &list, "node", &node) == 0 && born >= 0 &&
	    node >= 0 && json_is_array(list);
	if (ok)
		json_array_foreach(list, i, item)
			ok = ok && add(ns, (uint64_t)node, (uint64_t)born,
			    item);
	json_decref(doc);
	return (ok);
}

static int
by_number(const void *pa, const void *pb)
{
	const struct name *a = pa, *b = pb;

	if (a->node != b->node)
		return (a->node < b->node ? -1 : 1);
	if (a->born != b->born)
		return (a->born < b->born ? -1 : 1);
	return (a->id < b->id ? -1 : a->id > b->id);
}

static struct name *
find(const struct names *ns, uint64_t node, uint64_t born, uint64_t id)
{
	struct name key = { .node = node, .born = born, .id = id };

	if (ns->n == 0)
		return (NULL);
	return (bsearch(&key, ns->list, ns->n, sizeof(key), by_number));
}

const char *
names_find(const struct names *ns, uint64_t node, uint64_t born, uint64_t id)
{
	const struct name *nm = id != 0 ? find(ns, node, born, id) : NULL;

	return (nm != NULL ? nm->text : "");
}

/* One entry for each number; a number never changes its text. */
static void
sort(struct names *ns, struct say *s)
{
	size_t kept = 0;

	if (ns->n > 0)
		qsort(ns->list, ns->n, sizeof(*ns->list), by_number);
	for (size_t i = 0; i < ns->n; i++) {
		struct name *nm = &ns->list[i];
		const struct name *last = kept > 0 ? &ns->list[kept - 1] : NULL;

		if (last == NULL || by_number(last, nm) != 0) {
			ns->list[kept++] = *nm;
			continue;
		}
		if (strcmp(nm->kind, last->kind) != 0 ||
		    strcmp(nm->text, last->text) != 0)
			say_tampered(s, "zwei Blöcke geben der Nummer %llu "
			    "(Knoten %llu) verschiedene Namen", "two blocks "
			    "give the number %llu (node %llu) different names",
			    (unsigned long long)nm->id,
			    (unsigned long long)nm->node);
		free(nm->kind);
		free(nm->text);
	}
	ns->n = kept;
}

static void
check_row(struct names *ns, const struct csv *c, struct say *s)
{
	uint64_t node, born, id;
	struct name *nm;

	if (c->n != 5 || !read_uint(c->field[0], INT64_MAX, &node) ||
	    !read_uint(c->field[1], INT64_MAX, &born) ||
	    !read_uint(c->field[2], INT64_MAX, &id) || c->field[3] == NULL ||
	    c->field[4] == NULL) {
		say_tampered(s, "dictionary, Zeile %llu: kein Eintrag",
		    "dictionary, line %llu: no entry",
		    (unsigned long long)c->line);
		return;
	}
	nm = find(ns, node, born, id);
	if (nm == NULL || nm->seen || strcmp(nm->kind, c->field[3]) != 0 ||
	    strcmp(nm->text, c->field[4]) != 0)
		say_tampered(s, "dictionary, Zeile %llu: die Kette kennt "
		    "diesen Namen der Nummer %llu nicht", "dictionary, line "
		    "%llu: the chain does not know this name of number %llu",
		    (unsigned long long)c->line, (unsigned long long)id);
	else
		nm->seen = true;
}

void
names_check(struct names *ns, struct source *src, struct say *s)
{
	enum csv_next got = CSV_BLIND;
	struct csv c = { 0 };

	sort(ns, s);
	if (source_table(src, TABLE_DICTIONARY, &c, s))
		while ((got = source_row(src, TABLE_DICTIONARY, &c, s)) ==
		    CSV_ROW)
			check_row(ns, &c, s);
	source_done(src, TABLE_DICTIONARY, &c);
	for (size_t i = 0; got == CSV_END && i < ns->n; i++)
		if (!ns->list[i].seen)
			say_tampered(s, "im Verzeichnis fehlt die Nummer %llu "
			    "(Knoten %llu)", "the dictionary lacks the number "
			    "%llu (node %llu)",
			    (unsigned long long)ns->list[i].id,
			    (unsigned long long)ns->list[i].node);
}
