/* server/ledger/spool_dict.c - numbers for texts, kept in the file "dict"
 * (spool_priv.h). An id is synced there before the first record that uses it
 * is written, and repeated as a DICT record in the segments. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/base/hash.h"
#include "server/base/log.h"
#include "server/ledger/spool_priv.h"

static const char dict_magic[4] = { 'U', 'R', 'D', '1' };

static uint32_t
key_hash(enum spool_dict kind, struct str text)
{
	uint64_t h = hash_str(text) + (uint64_t)kind * 0x9e3779b97f4a7c15ULL;

	return ((uint32_t)(h ^ h >> 32));
}

/* The slot that holds the text, or the free one where it would go. */
static size_t
slot_find(struct dict_table *t, uint32_t hash, enum spool_dict kind,
    struct str text, struct dict_entry **found_r)
{
	size_t i = hash & (t->nslots - 1);
	struct dict_entry *e;

	assert(text.p != NULL || text.len == 0);
	/* Acquires what entry_add released: the entry's bytes. */
	while ((e = atomic_load_explicit(&t->slots[i],
		    memory_order_acquire)) != NULL) {
		if (e->hash == hash && e->kind == kind &&
		    str_eq((struct str){ e->text, e->len }, text))
			break;
		i = (i + 1) & (t->nslots - 1);
	}
	*found_r = e;
	return (i);
}

/* The id, or 0. */
static uint32_t
id_find(struct dict *d, enum spool_dict kind, struct str text)
{
	struct dict_entry *e;

	(void)slot_find(atomic_load_explicit(&d->table, memory_order_acquire),
	    key_hash(kind, text), kind, text, &e);
	return (e != NULL ? e->id : 0);
}

/* A table twice as large with the same entries. */
static void
table_grow(struct dict *d)
{
	struct dict_table *old = d->table, *t;
	size_t n = old == NULL ? 256 : old->nslots * 2;

	t = xcalloc(1, sizeof(*t) + n * sizeof(t->slots[0]));
	t->nslots = n;
	t->smaller = old;
	for (uint32_t i = 0; i < d->count; i++) {
		size_t at = d->entries[i]->hash & (n - 1);

		while (t->slots[at] != NULL)
			at = (at + 1) & (n - 1);
		t->slots[at] = d->entries[i];
	}
	atomic_store_explicit(&d->table, t, memory_order_release);
}

/* Appends an entry; its id is the new count. The lock is held, or nobody else
 * there yet. */
static void
entry_add(struct dict *d, enum spool_dict kind, struct str text)
{
	struct dict_entry *e = xmalloc(sizeof(*e) + text.len + 1), *same;
	struct dict_table *t = d->table;
	uint32_t count = d->count;
	size_t at;

	e->hash = key_hash(kind, text);
	e->id = count + 1;
	e->kind = (uint8_t)kind;
	e->len = (uint16_t)text.len;
	if (text.len > 0)
		memcpy(e->text, text.p, text.len);
	e->text[text.len] = '\0';
	if (count == d->cap) {
		d->cap = d->cap == 0 ? 256 : d->cap * 2;
		d->entries = xrealloc(d->entries,
		    d->cap * sizeof(struct dict_entry *));
	}
	d->entries[count] = e;
	d->count = count + 1;
	if ((size_t)d->count * 2 > t->nslots) {
		table_grow(d);
		return;
	}
	/* Twice the same text (one that lost it): the later one is found. */
	at = slot_find(t, e->hash, kind, text, &same);
	atomic_store_explicit(&t->slots[at], e, memory_order_release);
}

/* What PostgreSQL takes as text: UTF-8 without NUL, at most 150 bytes, cut
 * between characters. */
static struct str
text_clean(struct str text, char room[DICT_TEXT_MAX])
{
	bool cut = text.len > DICT_TEXT_MAX;
	bool utf8 = str_utf8(text);
	size_t n = cut ? DICT_TEXT_MAX : text.len;

	if (cut && utf8)
		while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
			n--;
	for (size_t i = 0; i < n; i++) {
		char c = text.p[i];

		room[i] = c == '\0' || (!utf8 && (unsigned char)c > 0x7e)
		    ? '?'
		    : c;
	}
	return ((struct str){ room, n });
}

/* The id of a text that was not known a moment ago; 0 when there is none
 * left. */
static uint32_t
id_give(struct spool *sp, enum spool_dict kind, struct str text)
{
	struct dict *d = &sp->dict;
	uint32_t id;

	(void)pthread_mutex_lock(&d->lock);
	id = id_find(d, kind, text);
	if (id == 0 && d->count < DICT_IDS_MAX) {
		/* Promised before the writer or another thread can see it: the
		 * writer takes the promise back with the record. */
		(void)pthread_mutex_lock(&sp->lock);
		sp->pending++;
		(void)pthread_mutex_unlock(&sp->lock);
		entry_add(d, kind, text);
		id = d->count;
	}
	(void)pthread_mutex_unlock(&d->lock);
	return (id);
}

uint32_t
spool_dict_id(struct spool *sp, enum spool_dict kind, struct str raw)
{
	char room[DICT_TEXT_MAX];
	struct str text;
	uint32_t id;

	if (raw.len == 0)
		return (0);
	/* What is there as it came needs no cleaning. */
	id = raw.len <= DICT_TEXT_MAX ? id_find(&sp->dict, kind, raw) : 0;
	if (id != 0)
		return (id);
	text = text_clean(raw, room);
	id = id_give(sp, kind, text);
	if (id == 0)
		log_warn("the ledger's dictionary is full", "ids=%u",
		    (unsigned)DICT_IDS_MAX);
	return (id);
}

bool
spool_dict_text(struct spool *sp, uint32_t id, enum spool_dict *kind_r,
    struct str *text_r)
{
	struct dict *d = &sp->dict;
	const struct dict_entry *e = NULL;

	(void)pthread_mutex_lock(&d->lock);
	if (id > 0 && id <= d->count)
		e = d->entries[id - 1];
	(void)pthread_mutex_unlock(&d->lock);
	if (e == NULL)
		return (false);
	*kind_r = (enum spool_dict)e->kind;
	*text_r = (struct str){ e->text, e->len };
	return (true);
}

struct record
spool_dict_record(struct spool *sp, uint32_t id, struct wall_us now)
{
	struct record r = { .kind = RECORD_DICT, .node_id = sp->node,
		.boot_epoch = sp->boot, .seq = id, .start = now,
		.dataset = id };
	enum spool_dict kind;

	if (!spool_dict_text(sp, id, &kind, &r.dict_text))
		assert(!"an id that was given");
	r.operation = (uint8_t)kind;
	return (r);
}

enum hub_err
spool_dict_flush(struct spool *sp, uint32_t *from_r, uint32_t *to_r)
{
	struct dict *d = &sp->dict;
	uint32_t id, last = d->count, written = d->written;
	unsigned char slot[RECORD_LEN];
	struct wall_us now;
	struct record r;
	enum hub_err err;

	*from_r = written + 1;
	*to_r = last + 1;
	if (last == written)
		return (HUB_OK);
	now = clock_wall();
	for (id = written + 1; id <= last; id++) {
		r = spool_dict_record(sp, id, now);
		record_encode(&r, slot);
		err = spool_write_at(d->fd, slot, RECORD_LEN,
		    (uint64_t)id * RECORD_LEN);
		if (err != HUB_OK)
			return (err);
	}
	if (fdatasync(d->fd) != 0)
		return (HUB_EIO);
	d->written = last;
	return (HUB_OK);
}

uint32_t
spool_dict_durable(struct spool *sp)
{
	return (sp->dict.written);
}

/* A new file: its header is durable before the directory entry matters. */
static enum hub_err
dict_create(struct spool *sp)
{
	struct segment birth = { .first = 1, .boot = sp->boot,
		.created = clock_wall() };
	unsigned char head[RECORD_LEN];

	sp->dict.born = sp->boot;
	spool_header_encode(dict_magic, &birth, sp->node, head);
	if (ftruncate(sp->dict.fd, 0) != 0 ||
	    spool_write_at(sp->dict.fd, head, RECORD_LEN, 0) != HUB_OK ||
	    fsync(sp->dict.fd) != 0 || fsync(sp->places[0].dir) != 0)
		return (HUB_EIO);
	return (HUB_OK);
}

/* Ids stay with their slots. A bad slot before a good one keeps its number
 * and loses its text; bad ones at the end were never synced, so no record
 * uses them. */
static enum hub_err
dict_read(struct spool *sp)
{
	struct dict *d = &sp->dict;
	unsigned char slot[RECORD_LEN];
	uint32_t id, bad = 0;
	struct record r;
	size_t got = 0;

	for (id = 1; id <= DICT_IDS_MAX; id++) {
		if (spool_read_at(d->fd, slot, RECORD_LEN,
			(uint64_t)id * RECORD_LEN, &got) != HUB_OK)
			return (HUB_EIO);
		if (got < RECORD_LEN)
			break;
		if (record_decode(slot, &r) != HUB_OK ||
		    r.kind != RECORD_DICT || r.dataset != id ||
		    r.operation > DICT_TYPE) {
			bad++;
			continue;
		}
		for (; bad > 0; bad--) {
			log_err("a slot of the spool's dictionary is bad",
			    "id=%u", (unsigned)(id - bad));
			entry_add(d, DICT_TYPE, STR_NONE);
		}
		entry_add(d, (enum spool_dict)r.operation, r.dict_text);
	}
	got %= RECORD_LEN; /* after the last id that there can be: whole */
	if (bad > 0 || got > 0)
		log_warn("the dictionary's torn tail is cut", "slots=%u",
		    (unsigned)(bad + (got > 0 ? 1 : 0)));
	d->written = d->count;
	if (ftruncate(d->fd, (off_t)(d->count + 1) * RECORD_LEN) != 0)
		return (HUB_EIO);
	return (HUB_OK);
}

static enum hub_err
dict_load(struct spool *sp, struct buf *why)
{
	unsigned char head[RECORD_LEN];
	struct segment birth;
	enum hub_err err;
	uint16_t node;
	size_t got;

	if (spool_read_at(sp->dict.fd, head, RECORD_LEN, 0, &got) != HUB_OK)
		return (HUB_EIO);
	err = got < RECORD_LEN
	    ? HUB_ESYNTAX
	    : spool_header_decode(head, dict_magic, &birth, &node);
	/* Without records nothing refers to an old number. */
	if (err != HUB_OK && sp->nsegs == 0)
		return (dict_create(sp));
	if (err != HUB_OK) {
		buf_addf(why, "the spool's file \"dict\" is missing or "
			      "damaged while segments use it: restore it, or "
			      "load the segments elsewhere");
		return (err);
	}
	if (node != sp->node) {
		buf_addf(why, "the spool belongs to node %u", (unsigned)node);
		return (HUB_ECONFLICT);
	}
	sp->dict.born = birth.boot;
	return (dict_read(sp));
}

enum hub_err
spool_dict_open(struct spool *sp, struct buf *why)
{
	struct dict *d = &sp->dict;
	enum hub_err err;

	table_grow(d);
	d->fd = openat(sp->places[0].dir, "dict",
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (d->fd < 0) {
		buf_addf(why, "dict: %s", strerror(errno));
		return (HUB_EIO);
	}
	err = dict_load(sp, why);
	if (err == HUB_EIO)
		buf_addf(why, "dict: %s", strerror(errno));
	return (err);
}

void
spool_dict_close(struct spool *sp)
{
	struct dict *d = &sp->dict;
	struct dict_table *t, *smaller;

	if (d->fd >= 0)
		(void)close(d->fd);
	for (uint32_t i = 0; i < d->count; i++)
		free(d->entries[i]);
	free(d->entries);
	for (t = d->table; t != NULL; t = smaller) {
		smaller = t->smaller;
		free(t);
	}
	(void)pthread_mutex_destroy(&d->lock);
}
