/* server/decision_file.h - the files of the decision log, one a day: adding
 * lines with their chain, and reading them. Names and chain are told in
 * decision_log.h. */
#ifndef HUB_SERVER_DECISION_FILE_H
#define HUB_SERVER_DECISION_FILE_H

#include <stdatomic.h>

#include "server/base/hash.h"
#include "server/decision.h"

#define DECISION_DAY_MAX  11 /* "2026-11-23" and its NUL */
#define DECISION_FILE_MAX 32

/* The UTC day of an instant; the name of its file. */
void decision_day(struct wall_us, char out[DECISION_DAY_MAX]);
void decision_file_name(const char *day, char out[DECISION_FILE_MAX]);
/* The day of such a name; false: it is none. */
bool decision_file_day(const char *name, struct wall_us *day_r);

/* The instant in a request's id (RFC 9562, 5.7); false: it is no UUIDv7. */
bool decision_id_time(const struct uuid *, struct wall_us *);

/* ---- writing; one writer of a folder */

struct decision_file {
	int dir, fd; /* fd -1: none is open */
	char day[DECISION_DAY_MAX];
	uint64_t size;
	char hash[2 * SHA256_LEN + 1]; /* of the last line */
	struct buf out;
	char before[2 * SHA256_LEN + 1]; /* of the last line written */
};

void decision_file_init(struct decision_file *, int dir);
/* Opens or makes the file of a day, to go on behind its last line. */
enum hub_err decision_file_open(struct decision_file *, const char *day)
    HUB_MUST_CHECK;
void decision_file_close(struct decision_file *);
/* A line as decision_write left it, into the block. false: the block is full,
 * write it first. */
bool decision_file_put(struct decision_file *, struct str line) HUB_MUST_CHECK;
/* The block to the file: all of it or nothing. It is empty afterwards. */
enum hub_err decision_file_write(struct decision_file *) HUB_MUST_CHECK;
/* Forgets the block. */
void decision_file_drop(struct decision_file *);

/* ---- reading */

struct decision_reader {
	int fd;
	char *bytes;
	size_t begin, end; /* what is read and not given yet */
	uint64_t at;	   /* in the file, of end */
	uint64_t line;	   /* number of the last one given, from 1 */
	bool eof;
	/* of decision_reader_chain */
	char hash[2 * SHA256_LEN + 1];
	bool torn;
};

/* HUB_ENOENT: there is none of that day; HUB_EIO: errno says why. */
enum hub_err decision_reader_open(struct decision_reader *, int dir,
    const char *day) HUB_MUST_CHECK;
void decision_reader_close(struct decision_reader *);
/* Behind the first line break at about which lines are as old as that, so that
 * less is read; line numbers are lost. */
void decision_reader_seek(struct decision_reader *, struct wall_us);
/* The next line, until the next call; one without a line break, and one that
 * is longer than a line can be, is passed over. */
bool decision_reader_next(struct decision_reader *, struct str *line_r);
/* Is the line what was written behind the one before? Each in its turn. A line
 * that was not finished (its process was killed) is fine where another process
 * begins behind it. */
bool decision_reader_chain(struct decision_reader *, struct str line);

/* The line of a request, copied into the arena. HUB_ENOENT: there is none.
 * Looks in the files of the day it began and of the next. quick: only where
 * lines of that time are, and without looking at the chain. *place_r (may be
 * NULL) is "decision-2026-11-23.log:17"; *broken_r (may be NULL) the place
 * before it where the chain is broken, or NULL. */
enum hub_err decision_find(int dir, const struct uuid *, bool quick,
    struct arena *, struct str *line_r, const char **place_r,
    const char **broken_r) HUB_MUST_CHECK;
/* The same, quick. HUB_ECLOSED: *stop became true before it was found. */
enum hub_err decision_find_quick(int dir, const struct uuid *,
    const atomic_bool *stop, struct arena *, struct str *line_r)
    HUB_MUST_CHECK;

#endif
