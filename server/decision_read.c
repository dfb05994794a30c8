/* server/decision_read.c - reading the decision log's files; see
 * decision_file.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/decision_file.h"

#define READ_BYTES (4 * DECISION_LINE_MAX)
/* Lines stand in the order in which requests ended: beside one that began then
 * are others that began up to so much earlier or later. */
#define DISORDER_US INT64_C(120000000)
#define HEX_LEN	    ((size_t)2 * SHA256_LEN)

enum hub_err
decision_reader_open(struct decision_reader *r, int dir, const char *day)
{
	char name[DECISION_FILE_MAX];

	*r = (struct decision_reader){ .fd = -1 };
	decision_file_name(day, name);
	r->fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (r->fd < 0)
		return (errno == ENOENT ? HUB_ENOENT : HUB_EIO);
	r->bytes = xmalloc(READ_BYTES);
	memset(r->hash, '0', HEX_LEN);
	return (HUB_OK);
}

void
decision_reader_close(struct decision_reader *r)
{
	if (r->fd >= 0)
		(void)close(r->fd);
	free(r->bytes);
	*r = (struct decision_reader){ .fd = -1 };
}

static void
fill(struct decision_reader *r)
{
	ssize_t n;

	memmove(r->bytes, r->bytes + r->begin, r->end - r->begin);
	r->end -= r->begin;
	r->begin = 0;
	n = pread(r->fd, r->bytes + r->end, READ_BYTES - r->end,
	    (off_t)r->at);
	if (n <= 0)
		r->eof = true;
	else {
		r->end += (size_t)n;
		r->at += (uint64_t)n;
	}
}

/* Up to the next line break, or none is left. */
static bool
take_line(struct decision_reader *r, struct str *line_r)
{
	const char *from, *nl;

	for (;;) {
		from = r->bytes + r->begin;
		nl = r->begin < r->end ?
		    memchr(from, '\n', r->end - r->begin) : NULL;
		if (nl != NULL) {
			*line_r = (struct str){ from, (size_t)(nl - from) };
			r->begin += line_r->len + 1;
			r->line++;
			return (true);
		}
		if (r->end - r->begin > DECISION_LINE_MAX)
			r->begin = r->end; /* what follows ends no line */
		if (r->eof)
			return (false);
		fill(r);
	}
}

bool
decision_reader_next(struct decision_reader *r, struct str *line_r)
{
	while (take_line(r, line_r))
		if (line_r->len <= DECISION_LINE_MAX)
			return (true);
	return (false);
}

/* ---- the chain */

/* All lines begin {"ts":"2026-11-23T10:34:22.123456Z". */
#define BEGIN_AT (sizeof("{\"ts\":\"") - 1 + WALL_STR_MAX - 1)

bool
decision_reader_chain(struct decision_reader *r, struct str line)
{
	static const struct str mid = STR("\",\"hash\":\"");
	static const struct str begin = STR("\",\"mark\":\"begin\"");
	unsigned char sum[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];
	size_t tail = HEX_LEN + mid.len + HEX_LEN + 2, at = line.len - tail;
	bool good = !r->torn;

	if (line.len < tail || !str_suffix(line, STR("\"}")) ||
	    memcmp(line.p + at + HEX_LEN, mid.p, mid.len) != 0) {
		r->torn = true;
		return (good);
	}
	if (r->torn)
		good = line.len > BEGIN_AT + begin.len &&
		    memcmp(line.p + BEGIN_AT, begin.p, begin.len) == 0;
	r->torn = false;
	good &= memcmp(line.p + at, r->hash, HEX_LEN) == 0;
	sha256((struct str){ line.p, at + HEX_LEN + 1 }, sum);
	hex_encode(sum, sizeof(sum), hex);
	good &= memcmp(line.p + line.len - HEX_LEN - 2, hex, HEX_LEN) == 0;
	/* The rest is judged by what it says itself. */
	memcpy(r->hash, line.p + line.len - HEX_LEN - 2, HEX_LEN);
	return (good);
}

/* ---- finding */

static bool
line_time(struct str line, struct wall_us *at_r)
{
	static const struct str head = STR("{\"ts\":\"");

	return (line.len > head.len + WALL_STR_MAX && str_prefix(line, head) &&
	    wall_parse((struct str){ line.p + head.len, WALL_STR_MAX - 1 },
		at_r) == HUB_OK);
}

/* What time it is at that byte: of the next line that tells. */
static bool
time_at(struct decision_reader *r, uint64_t at, struct wall_us *at_r)
{
	struct str line;

	r->at = at;
	r->begin = r->end = 0;
	r->eof = false;
	if (at > 0 && !take_line(r, &line))
		return (false);
	while (decision_reader_next(r, &line))
		if (line_time(line, at_r))
			return (true);
	return (false);
}

void
decision_reader_seek(struct decision_reader *r, struct wall_us t)
{
	off_t size = lseek(r->fd, 0, SEEK_END);
	uint64_t lo = 0, hi = size > 0 ? (uint64_t)size : 0, mid;
	struct wall_us at;
	struct str line;

	while (hi - lo > READ_BYTES) {
		mid = lo + (hi - lo) / 2;
		if (time_at(r, mid, &at) && at.us < t.us - DISORDER_US)
			lo = mid;
		else
			hi = mid;
	}
	r->at = lo;
	r->begin = r->end = 0;
	r->eof = false;
	if (lo > 0)
		(void)take_line(r, &line);
}

static bool
is_of(struct str line, struct str id)
{
	/* It stands right behind the time. */
	static const struct str key = STR("\",\"request_id\":\"");
	size_t at = BEGIN_AT;

	return (line.len > at + key.len + id.len &&
	    memcmp(line.p + at, key.p, key.len) == 0 &&
	    memcmp(line.p + at + key.len, id.p, id.len) == 0);
}

struct search {
	struct str id;
	struct wall_us at;
	bool quick;
	const atomic_bool *stop; /* or NULL */
	struct arena *arena;
	const char *broken; /* the first place */
};

static enum hub_err
search_file(struct search *s, int dir, const char *day, struct str *line_r,
    const char **place_r)
{
	struct decision_reader r;
	struct wall_us at;
	struct str line;
	enum hub_err err = decision_reader_open(&r, dir, day);

	if (err != HUB_OK)
		return (err);
	err = HUB_ENOENT;
	if (s->quick)
		decision_reader_seek(&r, s->at);
	while (err == HUB_ENOENT && decision_reader_next(&r, &line)) {
		if (s->stop != NULL &&
		    atomic_load_explicit(s->stop, memory_order_relaxed)) {
			err = HUB_ECLOSED;
			break;
		}
		if (!s->quick && !decision_reader_chain(&r, line) &&
		    s->broken == NULL)
			s->broken = arena_printf(s->arena,
			    "decision-%s.log:%llu", day,
			    (unsigned long long)r.line);
		if (is_of(line, s->id)) {
			*line_r = arena_str(s->arena, line);
			*place_r = arena_printf(s->arena,
			    "decision-%s.log:%llu", day,
			    (unsigned long long)r.line);
			err = HUB_OK;
		} else if (s->quick && line_time(line, &at) &&
		    at.us > s->at.us + 2 * DISORDER_US)
			break;
	}
	decision_reader_close(&r);
	return (err);
}

static enum hub_err
search(struct search *s, int dir, const struct uuid *id, struct str *line_r,
    const char **place_r)
{
	char text[UUID_STR_MAX], day[DECISION_DAY_MAX];
	enum hub_err err;

	if (!decision_id_time(id, &s->at))
		return (HUB_ENOENT);
	uuid_format(id, text);
	s->id = str_of(text);
	decision_day(s->at, day);
	err = search_file(s, dir, day, line_r, place_r);
	if (err == HUB_ENOENT) {
		decision_day((struct wall_us){ s->at.us + WALL_DAY_US }, day);
		err = search_file(s, dir, day, line_r, place_r);
	}
	s->id = STR_NONE;
	return (err);
}

enum hub_err
decision_find_quick(int dir, const struct uuid *id, const atomic_bool *stop,
    struct arena *a, struct str *line_r)
{
	struct search s = { .quick = true, .stop = stop, .arena = a };
	const char *place;

	return (search(&s, dir, id, line_r, &place));
}

enum hub_err
decision_find(int dir, const struct uuid *id, bool quick, struct arena *a,
    struct str *line_r, const char **place_r, const char **broken_r)
{
	struct search s = { .quick = quick, .arena = a };
	const char *place = NULL;
	enum hub_err err = search(&s, dir, id, line_r, &place);

	if (place_r != NULL)
		*place_r = place;
	if (broken_r != NULL)
		*broken_r = s.broken;
	return (err);
}
