/* server/ngsild/pattern_priv.h - a pattern as a tree; between pattern_parse.c,
 * which reads it, and pattern.c, which makes an automaton of it. */
#ifndef HUB_NGSILD_PATTERN_PRIV_H
#define HUB_NGSILD_PATTERN_PRIV_H

#include "server/ngsild/query.h"

#define PATTERN_TEXT_MAX   512
#define PATTERN_STATES_MAX 2000
#define PATTERN_REPEAT_MAX 100
#define PATTERN_DEPTH_MAX  32
#define PATTERN_RANGES_MAX 32 /* of one set, beyond ASCII */

#define PATTERN_NO_LIMIT UINT32_MAX /* of a repetition */

struct range {
	uint32_t lo, hi;
};

struct set {
	uint32_t ascii[4]; /* one bit a character */
	unsigned nranges;
	struct range ranges[PATTERN_RANGES_MAX];
	bool negated;
};

enum piece_kind {
	PIECE_EMPTY,
	PIECE_CHAR,
	PIECE_ANY,
	PIECE_SET,
	PIECE_BEGIN,
	PIECE_END,
	PIECE_CAT,   /* below: the last part first */
	PIECE_ALT,   /* below: the branches */
	PIECE_REPEAT /* below: the operand */
};

struct piece {
	enum piece_kind kind;
	uint32_t c;	   /* PIECE_CHAR */
	uint32_t min, max; /* PIECE_REPEAT */
	struct set *set;
	struct piece *below, *beside;
};

/* One character off the front; a malformed byte counts as one that no
 * pattern can name. s is not empty. */
uint32_t pattern_char(struct str *s);
/* HUB_EFULL: a limit; HUB_ESYNTAX: no pattern of ours. The tree is as deep as
 * its groups and at most as large as the text. */
enum hub_err pattern_parse(struct str text, struct arena *, struct piece **,
    const char **why_r) HUB_MUST_CHECK;

#endif
