/* server/entity_map.c - frozen results of queries; entity_map.h says what
 * they promise. */
#include "server/entity_map.h"

#include <pthread.h>
#include <stdlib.h>

#include "server/base/buf.h"

#define PREFIX "urn:ngsi-ld:entitymap:"

/* The maps of one tenant, the oldest first. */
struct shelf {
	struct shelf *next;
	struct entity_map *first, **end;
	unsigned n;
	size_t bytes;
	struct str tenant; /* behind the struct */
};

struct entity_maps {
	pthread_mutex_t lock;
	size_t max, bytes; /* of all that is on shelves */
	struct shelf *shelves;
};

/* One block: the struct, then the arrays, then texts. What is written after
 * it was made is refs, next, shelf, expires, gone and left: under the lock. */
struct entity_map {
	struct entity_maps *store;
	struct shelf *shelf; /* NULL: removed */
	struct entity_map *next;
	unsigned refs; /* the shelf's and the requests' */
	size_t size;
	char id[ENTITY_MAP_ID_MAX];
	uint64_t generation;
	struct str purpose;
	struct entity_map_query query;
	struct wall_us expires;
	uint32_t n, left;
	uint64_t *gone; /* a bit for each */
	/* n + 1 of each: item i has what is from [i] to [i + 1]. */
	uint32_t *texts, *holders;
	uint32_t *datasets;
	const char *text;
};

static void
lock(const struct entity_maps *s)
{
	(void)pthread_mutex_lock((pthread_mutex_t *)(uintptr_t)&s->lock);
}

static void
unlock(const struct entity_maps *s)
{
	(void)pthread_mutex_unlock((pthread_mutex_t *)(uintptr_t)&s->lock);
}

struct entity_maps *
entity_maps_new(size_t bytes_max)
{
	struct entity_maps *s = xcalloc(1, sizeof(*s));

	s->max = bytes_max;
	(void)pthread_mutex_init(&s->lock, NULL);
	return (s);
}

/* ---- shelves; the lock is held */

static struct shelf *
shelf_find(struct entity_maps *s, struct str tenant)
{
	struct shelf *h = s->shelves;

	while (h != NULL && !str_eq(h->tenant, tenant))
		h = h->next;
	return (h);
}

static struct shelf *
shelf_get(struct entity_maps *s, struct str tenant)
{
	struct shelf *h = shelf_find(s, tenant);

	if (h != NULL)
		return (h);
	h = xcalloc(1, sizeof(*h) + tenant.len);
	if (tenant.len > 0)
		memcpy(h + 1, tenant.p, tenant.len);
	h->tenant = (struct str){ (const char *)(h + 1), tenant.len };
	h->end = &h->first;
	h->next = s->shelves;
	s->shelves = h;
	return (h);
}

static void
shelf_put(struct shelf *h, struct entity_map *m)
{
	m->shelf = h;
	m->refs++;
	*h->end = m;
	h->end = &m->next;
	h->n++;
	h->bytes += m->size;
	m->store->bytes += m->size;
}

static void
map_release(struct entity_map *m)
{
	if (--m->refs == 0)
		free(m);
}

/* at: where the shelf points to the map. */
static void
shelf_take(struct shelf *h, struct entity_map **at)
{
	struct entity_map *m = *at;

	assert(m != NULL);
	*at = m->next;
	if (*at == NULL)
		h->end = at;
	h->n--;
	h->bytes -= m->size;
	m->store->bytes -= m->size;
	m->next = NULL;
	m->shelf = NULL;
	map_release(m);
}

static void
shelf_sweep(struct shelf *h, struct wall_us now, uint64_t generation)
{
	struct entity_map **at = &h->first;

	while (*at != NULL)
		if ((*at)->expires.us <= now.us ||
		    (*at)->generation < generation)
			shelf_take(h, at);
		else
			at = &(*at)->next;
}

/* Empty ones go too: tenants come and go with bundles. */
static void
sweep(struct entity_maps *s, struct wall_us now, uint64_t generation)
{
	struct shelf **at = &s->shelves, *h;

	while ((h = *at) != NULL) {
		shelf_sweep(h, now, generation);
		if (h->first != NULL) {
			at = &h->next;
			continue;
		}
		*at = h->next;
		free(h);
	}
}

static struct shelf *
shelf_largest(struct entity_maps *s)
{
	struct shelf *most = s->shelves;

	for (struct shelf *h = s->shelves; h != NULL; h = h->next)
		if (h->bytes > most->bytes)
			most = h;
	return (most);
}

/* The tenant's own maps go first. Of the others only those of one that uses
 * more than is asked for: nobody pushes out who is content with less. */
static enum hub_err
make_room(struct entity_maps *s, struct str tenant, size_t size)
{
	struct shelf *own = shelf_find(s, tenant), *most;

	if (size > s->max)
		return (HUB_EFULL);
	while (own != NULL && own->first != NULL &&
	       (own->n >= ENTITY_MAPS_PER_TENANT || size > s->max - s->bytes))
		shelf_take(own, &own->first);
	while (size > s->max - s->bytes) {
		most = shelf_largest(s);
		if (most->bytes <= size)
			return (HUB_EFULL);
		shelf_take(most, &most->first);
	}
	return (HUB_OK);
}

void
entity_maps_sweep(struct entity_maps *s, struct wall_us now)
{
	lock(s);
	sweep(s, now, 0);
	unlock(s);
}

void
entity_maps_free(struct entity_maps *s)
{
	if (s == NULL)
		return;
	sweep(s, (struct wall_us){ INT64_MAX }, 0);
	assert(s->shelves == NULL);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- a map is made */

/* How large the parts of a map are, from the start of its block. */
struct layout {
	size_t gone, texts, holders, datasets, text, end;
};

static size_t
align8(size_t n)
{
	return ((n + 7) & ~(size_t)7);
}

static enum hub_err
lay_out(const struct entity_map_owner *o, const struct entity_map_item *items,
    uint32_t n, struct layout *l)
{
	size_t text = 0, datasets = 0;

	if (n > ENTITY_MAP_IDS_MAX)
		return (HUB_EFULL);
	for (uint32_t i = 0; i < n; i++) {
		text += items[i].id.len;
		datasets += items[i].ndatasets;
	}
	if (text > UINT32_MAX / 2 || datasets > UINT32_MAX / 2)
		return (HUB_EFULL);
	l->gone = align8(sizeof(struct entity_map));
	l->texts = l->gone + ((size_t)n + 63) / 64 * 8;
	l->holders = l->texts + ((size_t)n + 1) * sizeof(uint32_t);
	l->datasets = l->holders + ((size_t)n + 1) * sizeof(uint32_t);
	l->text = l->datasets + datasets * sizeof(uint32_t);
	l->end = l->text + text + o->purpose.len;
	return (HUB_OK);
}

static void
fill(struct entity_map *m, const struct entity_map_item *items, char *text)
{
	uint32_t at = 0, d = 0;

	for (uint32_t i = 0; i < m->n; i++) {
		memcpy(text + at, items[i].id.p, items[i].id.len);
		m->texts[i] = at;
		at += (uint32_t)items[i].id.len;
		m->holders[i] = d;
		for (unsigned k = 0; k < items[i].ndatasets; k++)
			m->datasets[d++] = items[i].datasets[k];
	}
	m->texts[m->n] = at;
	m->holders[m->n] = d;
}

/* RFC 9562, 5.4: nothing but random bits, so that nobody guesses one. */
static void
draw_id(char id[ENTITY_MAP_ID_MAX])
{
	struct uuid u;

	_Static_assert(sizeof(PREFIX) - 1 + UUID_STR_MAX == ENTITY_MAP_ID_MAX,
	    "the length of an id");
	random_bytes(u.b, sizeof(u.b));
	u.b[6] = (unsigned char)((u.b[6] & 0x0f) | 0x40);
	u.b[8] = (unsigned char)((u.b[8] & 0x3f) | 0x80);
	memcpy(id, PREFIX, sizeof(PREFIX) - 1);
	uuid_format(&u, id + sizeof(PREFIX) - 1);
}

static struct entity_map *
map_new(const struct entity_map_owner *o, const struct entity_map_item *items,
    uint32_t n, const struct layout *l)
{
	struct entity_map *m = xcalloc(1, l->end);
	char *base = (char *)m;

	m->size = l->end;
	m->refs = 1;
	m->n = m->left = n;
	m->gone = (void *)(base + l->gone);
	m->texts = (void *)(base + l->texts);
	m->holders = (void *)(base + l->holders);
	m->datasets = (void *)(base + l->datasets);
	m->text = base + l->text;
	fill(m, items, base + l->text);
	if (o->purpose.p != NULL) {
		m->purpose.p = base + l->end - o->purpose.len;
		m->purpose.len = o->purpose.len;
		memcpy(base + l->end - o->purpose.len, o->purpose.p,
		    o->purpose.len);
	}
	m->generation = o->generation;
	draw_id(m->id);
	return (m);
}

static int64_t
bounded_life(int64_t us)
{
	return (us < ENTITY_MAP_LIFE_MIN_US   ? ENTITY_MAP_LIFE_MIN_US
		: us > ENTITY_MAP_LIFE_MAX_US ? ENTITY_MAP_LIFE_MAX_US
					      : us);
}

enum hub_err
entity_maps_add(struct entity_maps *s, const struct entity_map_owner *o,
    const struct entity_map_query *q, const struct entity_map_item *items,
    uint32_t n, struct wall_us now, int64_t life_us, struct entity_map **map_r)
{
	struct entity_map *m;
	struct layout l;
	enum hub_err err = lay_out(o, items, n, &l);

	if (err != HUB_OK || l.end > s->max)
		return (HUB_EFULL);
	m = map_new(o, items, n, &l); /* not under the lock: it may be long */
	m->store = s;
	m->query = *q;
	m->expires.us = now.us + bounded_life(life_us);
	lock(s);
	sweep(s, now, o->generation);
	err = make_room(s, o->tenant, m->size);
	if (err == HUB_OK)
		shelf_put(shelf_get(s, o->tenant), m);
	unlock(s);
	if (err != HUB_OK)
		free(m);
	else
		*map_r = m;
	return (err);
}

/* ---- a map is found */

static bool
is_owner(const struct entity_map *m, const struct entity_map_owner *o)
{
	return (m->generation == o->generation &&
		str_eq(m->purpose, o->purpose) &&
		(m->purpose.p == NULL) == (o->purpose.p == NULL));
}

struct entity_map *
entity_maps_find(struct entity_maps *s, struct str id,
    const struct entity_map_owner *o, struct wall_us now)
{
	struct entity_map *m = NULL;
	struct shelf *h;

	lock(s);
	sweep(s, now, 0);
	h = shelf_find(s, o->tenant);
	for (m = h != NULL ? h->first : NULL; m != NULL; m = m->next)
		if (str_eq(entity_map_id(m), id))
			break;
	if (m != NULL && !is_owner(m, o))
		m = NULL;
	if (m != NULL)
		m->refs++;
	unlock(s);
	return (m);
}

void
entity_maps_remove(struct entity_map *m)
{
	struct entity_maps *s = m->store;
	struct entity_map **at;

	lock(s);
	if (m->shelf != NULL) {
		for (at = &m->shelf->first; *at != m;)
			at = &(*at)->next;
		shelf_take(m->shelf, at);
	}
	unlock(s);
}

void
entity_map_unref(struct entity_map **map)
{
	struct entity_map *m = *map;
	struct entity_maps *s;

	*map = NULL;
	if (m == NULL)
		return;
	s = m->store;
	lock(s);
	map_release(m);
	unlock(s);
}

void
entity_maps_stats(struct entity_maps *s, struct entity_maps_stats *st)
{
	lock(s);
	*st = (struct entity_maps_stats){ .bytes = s->bytes };
	for (const struct shelf *h = s->shelves; h != NULL; h = h->next)
		st->maps += h->n;
	unlock(s);
}

/* ---- what a map says */

struct str
entity_map_id(const struct entity_map *m)
{
	return ((struct str){ m->id, ENTITY_MAP_ID_MAX - 1 });
}

bool
entity_map_same_query(
    const struct entity_map *m, const struct entity_map_query *q)
{
	return (mem_eq_const(m->query.hash, q->hash, sizeof(q->hash)));
}

struct wall_us
entity_map_expires(const struct entity_map *m)
{
	struct wall_us at;

	lock(m->store);
	at = m->expires;
	unlock(m->store);
	return (at);
}

void
entity_map_set_expires(
    struct entity_map *m, struct wall_us at, struct wall_us now)
{
	int64_t latest = now.us + ENTITY_MAP_LIFE_MAX_US;

	assert(at.us > now.us);
	lock(m->store);
	m->expires.us = at.us < latest ? at.us : latest;
	unlock(m->store);
}

uint32_t
entity_map_count(const struct entity_map *m)
{
	return (m->n);
}

uint32_t
entity_map_left(const struct entity_map *m)
{
	uint32_t n;

	lock(m->store);
	n = m->left;
	unlock(m->store);
	return (n);
}

struct entity_map_item
entity_map_item(const struct entity_map *m, uint32_t at)
{
	assert(at < m->n);
	return ((struct entity_map_item){
	    { m->text + m->texts[at], m->texts[at + 1] - m->texts[at] },
	    m->holders[at + 1] - m->holders[at],
	    m->datasets + m->holders[at] });
}

static bool
is_gone(const struct entity_map *m, uint32_t at)
{
	return ((m->gone[at / 64] >> (at % 64) & 1) != 0);
}

uint32_t
entity_map_places(const struct entity_map *m, uint32_t *from, uint32_t skip,
    uint32_t *at, uint32_t max)
{
	uint32_t i, n = 0;

	lock(m->store);
	for (i = *from; i < m->n && n < max; i++) {
		if (is_gone(m, i))
			continue;
		if (skip > 0)
			skip--;
		else
			at[n++] = i;
	}
	unlock(m->store);
	*from = i;
	return (n);
}

void
entity_map_drop(struct entity_map *m, const uint32_t *at, uint32_t n)
{
	lock(m->store);
	for (uint32_t i = 0; i < n; i++) {
		assert(at[i] < m->n);
		if (is_gone(m, at[i]))
			continue;
		m->gone[at[i] / 64] |= UINT64_C(1) << (at[i] % 64);
		m->left--;
	}
	unlock(m->store);
}
