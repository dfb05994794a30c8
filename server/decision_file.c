/* server/decision_file.c - writing the decision log's files; decision_file.h
 * says what is promised. */
#include "server/decision_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_MAX ((size_t)1 << 20)
#define TAIL_MAX  (2 * DECISION_LINE_MAX)

#define PREV_HASH ",\"prev_hash\":\""
#define OWN_HASH  "\",\"hash\":\""
#define HEX_LEN	  ((size_t)2 * SHA256_LEN)
/* What the chain adds to a line, with its line end. */
#define CHAIN_LEN                                                              \
	(sizeof(PREV_HASH) - 1 + HEX_LEN + sizeof(OWN_HASH) - 1 + HEX_LEN + 3)

/* ---- names */

void
decision_day(struct wall_us w, char out[DECISION_DAY_MAX])
{
	char text[WALL_STR_MAX];

	wall_format(w, text);
	memcpy(out, text, DECISION_DAY_MAX - 1);
	out[DECISION_DAY_MAX - 1] = '\0';
}

void
decision_file_name(const char *day, char out[DECISION_FILE_MAX])
{
	(void)snprintf(out, DECISION_FILE_MAX, "decision-%s.log", day);
}

bool
decision_file_day(const char *name, struct wall_us *day_r)
{
	struct str s = str_of(name);

	if (!str_prefix(s, STR("decision-")) || !str_suffix(s, STR(".log")) ||
	    s.len != sizeof("decision-2026-11-23.log") - 1)
		return (false);
	return (wall_parse_date((struct str){ s.p + 9, 10 }, day_r) == HUB_OK);
}

bool
decision_id_time(const struct uuid *id, struct wall_us *at_r)
{
	int64_t ms = 0;

	if (id->b[6] >> 4 != 7 || id->b[8] >> 6 != 2)
		return (false);
	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id->b[i];
	at_r->us = ms * 1000;
	/* The years that have a name here end in 9999. */
	return (ms < INT64_C(253402300800000));
}

/* ---- the file */

static const char no_hash[] =
    "0000000000000000000000000000000000000000000000000000000000000000";

void
decision_file_init(struct decision_file *f, int dir)
{
	*f = (struct decision_file){ .dir = dir, .fd = -1 };
	buf_init(&f->out, BLOCK_MAX);
}

static bool
is_hex(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (strchr("0123456789abcdef", s.p[i]) == NULL ||
		    s.p[i] == '\0')
			return (false);
	return (s.len == HEX_LEN);
}

/* The hash at the end of a line (without its line end). */
static bool
line_hash(struct str line, struct str *hash_r)
{
	size_t at = line.len - HEX_LEN - 2;

	if (line.len < CHAIN_LEN || !str_suffix(line, STR("\"}")))
		return (false);
	*hash_r = (struct str){ line.p + at, HEX_LEN };
	return (is_hex(*hash_r));
}

/* Of what stands at the end of the file: the hash of its last whole line, and
 * whether the last one was not finished. */
static void
take_tail(struct decision_file *f, struct str tail, bool *torn_r)
{
	struct str line, hash;
	size_t end = tail.len, from;

	while (end > 0 && tail.p[end - 1] != '\n')
		end--;
	*torn_r = end < tail.len;
	while (end > 0) {
		from = end - 1;
		while (from > 0 && tail.p[from - 1] != '\n')
			from--;
		line = (struct str){ tail.p + from, end - 1 - from };
		if (line_hash(line, &hash)) {
			memcpy(f->hash, hash.p, HEX_LEN);
			return;
		}
		end = from;
	}
}

static enum hub_err
read_tail(struct decision_file *f)
{
	size_t len = f->size < TAIL_MAX ? (size_t)f->size : TAIL_MAX;
	bool torn = false;
	struct buf b;
	ssize_t n;

	buf_init(&b, TAIL_MAX);
	n = len > 0 ? pread(f->fd, buf_room(&b, len), len,
			  (off_t)(f->size - len)) : 0;
	if (n == (ssize_t)len) {
		b.len = len;
		take_tail(f, buf_str(&b), &torn);
	}
	buf_clear(&b);
	if (n != (ssize_t)len)
		return (HUB_EIO);
	/* Left by a process that was killed. */
	if (torn && write(f->fd, "\n", 1) != 1)
		return (HUB_EIO);
	f->size += torn;
	return (HUB_OK);
}

enum hub_err
decision_file_open(struct decision_file *f, const char *day)
{
	char name[DECISION_FILE_MAX];
	struct stat st;

	decision_file_close(f);
	decision_file_name(day, name);
	f->fd = openat(f->dir, name,
	    O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (f->fd < 0)
		return (HUB_EIO);
	memcpy(f->hash, no_hash, sizeof(f->hash));
	if (fstat(f->fd, &st) != 0 || !S_ISREG(st.st_mode))
		goto bad;
	f->size = (uint64_t)st.st_size;
	if (read_tail(f) != HUB_OK)
		goto bad;
	memcpy(f->day, day, sizeof(f->day));
	memcpy(f->before, f->hash, sizeof(f->before));
	return (HUB_OK);
bad:
	decision_file_close(f);
	return (HUB_EIO);
}

void
decision_file_close(struct decision_file *f)
{
	if (f->fd >= 0) {
		(void)fdatasync(f->fd);
		(void)close(f->fd);
	}
	f->fd = -1;
	buf_clear(&f->out);
}

bool
decision_file_put(struct decision_file *f, struct str line)
{
	unsigned char hash[SHA256_LEN];
	struct buf *b = &f->out;
	size_t begin = b->len;

	assert(line.len <= DECISION_LINE_MAX);
	if (BLOCK_MAX - b->len < line.len + CHAIN_LEN)
		return (false);
	buf_adds(b, line);
	BUF_LIT(b, PREV_HASH);
	buf_add(b, f->hash, HEX_LEN);
	buf_addc(b, '"');
	sha256((struct str){ b->p + begin, b->len - begin }, hash);
	hex_encode(hash, sizeof(hash), f->hash);
	BUF_LIT(b, ",\"hash\":\"");
	buf_add(b, f->hash, HEX_LEN);
	BUF_LIT(b, "\"}\n");
	return (true);
}

static enum hub_err
write_all(int fd, struct str s)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.p, s.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (HUB_EIO);
		s = str_from(s, (size_t)n);
	}
	return (HUB_OK);
}

void
decision_file_drop(struct decision_file *f)
{
	memcpy(f->hash, f->before, sizeof(f->hash));
	buf_reset(&f->out);
}

/* A disk that is full takes a part of the block: that part is taken back. */
enum hub_err
decision_file_write(struct decision_file *f)
{
	enum hub_err err = HUB_EIO;
	int why;

	if (f->out.len == 0)
		return (HUB_OK);
	if (f->fd >= 0)
		err = write_all(f->fd, buf_str(&f->out));
	if (err == HUB_OK) {
		f->size += f->out.len;
		memcpy(f->before, f->hash, sizeof(f->before));
		buf_reset(&f->out);
		return (HUB_OK);
	}
	why = errno;
	decision_file_drop(f);
	if (f->fd >= 0 && ftruncate(f->fd, (off_t)f->size) != 0)
		decision_file_close(f); /* opened anew, it ends that line */
	errno = why;
	return (err);
}
