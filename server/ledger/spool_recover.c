/* server/ledger/spool_recover.c - what a crash left behind: segments listed,
 * torn tails cut, the next boot_epoch taken. The files are described in
 * spool_priv.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/ledger/spool_priv.h"

static const char segment_magic[4] = { 'U', 'R', 'S', '1' };
static const unsigned char zeros[RECORD_LEN];

void
spool_segment_name(uint64_t no, char out[SPOOL_NAME_MAX])
{
	(void)snprintf(out, SPOOL_NAME_MAX, "%016" PRIx64 ".seg", no);
}

static void
put_le(unsigned char *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

static uint64_t
get_le(const unsigned char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return (v);
}

void
spool_header_encode(const char magic[4], const struct segment *s,
    uint16_t node, unsigned char out[RECORD_LEN])
{
	memset(out, 0, RECORD_LEN);
	memcpy(out, magic, 4);
	put_le(out + 8, s->no, 8);
	put_le(out + 16, node, 2);
	put_le(out + 20, s->boot, 4);
	put_le(out + 24, s->first, 8);
	put_le(out + 32, (uint64_t)s->created.us, 8);
	put_le(out + 40, s->open, 8);
	put_le(out + 4, crc32c(out + 8, RECORD_LEN - 8), 4);
}

enum hub_err
spool_header_decode(const unsigned char in[RECORD_LEN], const char magic[4],
    struct segment *s, uint16_t *node_r)
{
	if (memcmp(in, magic, 4) != 0 ||
	    get_le(in + 4, 4) != crc32c(in + 8, RECORD_LEN - 8))
		return (HUB_ESYNTAX);
	s->no = get_le(in + 8, 8);
	s->boot = (uint32_t)get_le(in + 20, 4);
	s->first = get_le(in + 24, 8);
	s->created.us = (int64_t)get_le(in + 32, 8);
	s->open = get_le(in + 40, 8);
	*node_r = (uint16_t)get_le(in + 16, 2);
	return (HUB_OK);
}

enum hub_err
spool_write_at(int fd, const void *p, size_t n, uint64_t off)
{
	const char *from = p;
	ssize_t w;

	while (n > 0) {
		w = pwrite(fd, from, n, (off_t)off);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return (HUB_EIO);
		from += w;
		off += (uint64_t)w;
		n -= (size_t)w;
	}
	return (HUB_OK);
}

enum hub_err
spool_read_at(int fd, void *p, size_t n, uint64_t off, size_t *got_r)
{
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		r = pread(fd, (char *)p + got, n - got, (off_t)(off + got));
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return (HUB_EIO);
		if (r == 0)
			break;
		got += (size_t)r;
	}
	*got_r = got;
	return (HUB_OK);
}

bool
spool_slot_ok(const unsigned char *slot, uint16_t node, uint32_t boot,
    uint64_t seq)
{
	struct record r;

	return (record_decode(slot, &r) == HUB_OK && r.node_id == node &&
	    r.boot_epoch == boot && r.seq == seq);
}

/* "0000000000000001.seg", lower case only. */
static bool
segment_number(const char *name, uint64_t *no_r)
{
	char again[SPOOL_NAME_MAX], *end;
	uint64_t no;

	if (strlen(name) != 20)
		return (false);
	no = strtoull(name, &end, 16);
	spool_segment_name(no, again);
	if (strcmp(again, name) != 0)
		return (false);
	*no_r = no;
	return (true);
}

/* One file: a segment, a spare left over (removed: a fresh one is made), or
 * something that must not be touched. */
static enum hub_err
segment_visit(struct spool *sp, uint8_t place, uint64_t no, struct buf *why)
{
	unsigned char head[RECORD_LEN];
	char name[SPOOL_NAME_MAX];
	const int dir = sp->places[place].dir;
	struct segment s = { 0 };
	uint16_t node;
	struct stat st;
	size_t got;
	int fd;

	spool_segment_name(no, name);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0 ||
	    spool_read_at(fd, head, RECORD_LEN, 0, &got) != HUB_OK) {
		buf_addf(why, "%s: %s", name, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return (HUB_EIO);
	}
	(void)close(fd);
	if (no >= sp->next_no)
		sp->next_no = no + 1;
	if (got < RECORD_LEN || memcmp(head, zeros, RECORD_LEN) == 0)
		return (unlinkat(dir, name, 0) == 0 ? HUB_OK : HUB_EIO);
	if (spool_header_decode(head, segment_magic, &s, &node) != HUB_OK ||
	    s.no != no || s.first == 0) {
		log_err("a segment's header is bad, its records are not read",
		    "segment=%s", name);
		sp->quarantined++;
		return (HUB_OK);
	}
	if (node != sp->node) {
		buf_addf(why, "the spool belongs to node %u", (unsigned)node);
		return (HUB_ECONFLICT);
	}
	s.place = place;
	s.bytes = (uint64_t)st.st_size;
	s.end = s.first + s.bytes / RECORD_LEN - 1;
	spool_segs_add(sp, &s);
	return (HUB_OK);
}

static enum hub_err
place_list(struct spool *sp, uint8_t place, struct buf *why)
{
	enum hub_err err = HUB_OK;
	struct dirent *e;
	uint64_t no;
	DIR *d;
	int fd;

	fd = openat(sp->places[place].dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (d == NULL) {
		buf_addf(why, "%s", strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return (HUB_EIO);
	}
	while (err == HUB_OK && (e = readdir(d)) != NULL)
		if (segment_number(e->d_name, &no))
			err = segment_visit(sp, place, no, why);
	(void)closedir(d);
	return (err);
}

static int
by_number(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return (x->no < y->no ? -1 : x->no > y->no);
}

/* In the order of their numbers, of both places. */
static enum hub_err
segments_find(struct spool *sp, struct buf *why)
{
	enum hub_err err = HUB_OK;

	for (uint8_t i = 0; err == HUB_OK && i < SPOOL_PLACES; i++)
		if (sp->places[i].dir >= 0)
			err = place_list(sp, i, why);
	if (err != HUB_OK || sp->nsegs == 0)
		return (err);
	qsort(sp->segs, sp->nsegs, sizeof(*sp->segs), by_number);
	for (size_t i = 1; i < sp->nsegs; i++)
		if (sp->segs[i].no == sp->segs[i - 1].no) {
			buf_addf(why, "segment %" PRIu64 " is in both "
			    "directories", sp->segs[i].no);
			return (HUB_ECONFLICT);
		}
	return (HUB_OK);
}

/* What a scan of a boot's last segment found. */
struct scan {
	uint64_t good_end;   /* behind the last valid record */
	uint64_t bad_inside; /* bad slots before it */
	uint64_t torn;	     /* slots behind it that are not zero */
};

static enum hub_err
segment_scan(struct spool *sp, const struct segment *s, int fd,
    struct scan *scan)
{
	uint64_t seq = s->first, bad = 0, off = RECORD_LEN;
	size_t got, i;

	*scan = (struct scan){ .good_end = s->first };
	do {
		if (spool_read_at(fd, sp->batch, SPOOL_BATCH * RECORD_LEN, off,
			&got) != HUB_OK)
			return (HUB_EIO);
		off += got;
		for (i = 0; i + RECORD_LEN <= got; i += RECORD_LEN, seq++) {
			const unsigned char *slot = sp->batch + i;

			if (spool_slot_ok(slot, sp->node, s->boot, seq)) {
				scan->bad_inside += seq - scan->good_end;
				scan->good_end = seq + 1;
				bad = 0;
			} else if (memcmp(slot, zeros, RECORD_LEN) != 0) {
				bad++;
			}
		}
	} while (got == SPOOL_BATCH * RECORD_LEN);
	scan->torn = bad;
	return (HUB_OK);
}

/* The last segment of a boot: its end is found by reading it, and what lies
 * behind is cut off for good. */
static enum hub_err
segment_settle(struct spool *sp, struct segment *s)
{
	char name[SPOOL_NAME_MAX];
	enum hub_err err = HUB_EIO;
	struct scan scan;
	uint64_t len;
	int fd;

	spool_segment_name(s->no, name);
	fd = openat(sp->places[s->place].dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || segment_scan(sp, s, fd, &scan) != HUB_OK)
		goto out;
	if (scan.torn > 0)
		log_warn("torn tail of a segment cut", "segment=%s slots=%llu",
		    name, (unsigned long long)scan.torn);
	if (scan.bad_inside > 0)
		log_err("bad slots between good ones, quarantined",
		    "segment=%s slots=%llu", name,
		    (unsigned long long)scan.bad_inside);
	sp->quarantined += scan.bad_inside;
	s->counted = true;
	len = (scan.good_end - s->first + 1) * RECORD_LEN;
	if (len < s->bytes && (ftruncate(fd, (off_t)len) != 0 ||
				  fsync(fd) != 0))
		goto out;
	s->bytes = len < s->bytes ? len : s->bytes;
	s->end = scan.good_end;
	err = HUB_OK;
out:
	if (fd >= 0)
		(void)close(fd);
	return (err);
}

/* Ends of all segments; those without a record go. */
static enum hub_err
segments_settle(struct spool *sp, struct buf *why)
{
	char name[SPOOL_NAME_MAX];
	size_t kept = 0;

	for (size_t i = 0; i < sp->nsegs; i++) {
		struct segment *s = &sp->segs[i];
		const struct segment *next = i + 1 < sp->nsegs ? s + 1 : NULL;

		spool_segment_name(s->no, name);
		if (next != NULL && next->boot == s->boot) {
			if (next->first < s->end)
				s->end = next->first < s->first ? s->first
								: next->first;
		} else if (segment_settle(sp, s) != HUB_OK) {
			buf_addf(why, "%s: %s", name, strerror(errno));
			return (HUB_EIO);
		}
		if (s->end > s->first)
			sp->segs[kept++] = *s;
		else if (unlinkat(sp->places[s->place].dir, name, 0) != 0)
			return (HUB_EIO);
	}
	sp->nsegs = kept;
	for (size_t i = 0; i < kept; i++)
		sp->total_bytes += sp->segs[i].bytes;
	return (HUB_OK);
}

/* Above all that the directory knows, and not below the time in seconds: one
 * that was replaced, lost its file or came back from a backup does not repeat
 * boots that PostgreSQL knows. */
static enum hub_err
boot_next(struct spool *sp, uint32_t *boot_r)
{
	const int64_t now = clock_wall().us / 1000000;
	char text[16] = { 0 };
	uint64_t boot = 0;
	ssize_t n = -1;
	int fd;

	fd = openat(sp->places[0].dir, "boot", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text));
		(void)close(fd);
	} else if (errno != ENOENT) {
		return (HUB_EIO);
	}
	if (n <= 0 || str_uint((struct str){ text, (size_t)n },
			  UINT32_MAX - 1, &boot) != HUB_OK)
		boot = 0;
	for (size_t i = 0; i < sp->nsegs; i++)
		if (sp->segs[i].boot > boot)
			boot = sp->segs[i].boot;
	if (boot >= UINT32_MAX)
		return (HUB_ERANGE);
	boot++;
	if (now > (int64_t)boot && now <= UINT32_MAX)
		boot = (uint64_t)now;
	*boot_r = (uint32_t)boot;
	return (HUB_OK);
}

static enum hub_err
boot_write(struct spool *sp, uint32_t boot)
{
	const int dir = sp->places[0].dir;
	char text[16];
	bool ok;
	int fd, n;

	n = snprintf(text, sizeof(text), "%" PRIu32, boot);
	fd = openat(dir, "boot.tmp",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return (HUB_EIO);
	ok = spool_write_at(fd, text, (size_t)n, 0) == HUB_OK &&
	    fsync(fd) == 0;
	(void)close(fd);
	if (!ok || renameat(dir, "boot.tmp", dir, "boot") != 0 ||
	    fsync(dir) != 0)
		return (HUB_EIO);
	return (HUB_OK);
}

enum hub_err
spool_recover(struct spool *sp, struct buf *why)
{
	uint32_t boot = 0;
	enum hub_err err;

	sp->next_no = 1;
	err = segments_find(sp, why);
	if (err != HUB_OK)
		return (err);
	err = segments_settle(sp, why);
	if (err == HUB_OK)
		err = boot_next(sp, &boot);
	if (err == HUB_OK)
		err = boot_write(sp, boot);
	if (err != HUB_OK) {
		buf_addf(why, "recovery: %s", strerror(errno));
		return (err);
	}
	sp->boot = boot;
	sp->next_seq = 1;
	if (sp->nsegs > 0)
		log_info("spool recovered", "segments=%zu boot=%" PRIu32,
		    sp->nsegs, sp->boot);
	return (HUB_OK);
}
