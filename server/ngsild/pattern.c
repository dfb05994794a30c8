/* server/ngsild/pattern.c - patterns without backtracking; query.h says what
 * they promise.
 *
 * The tree of pattern_parse.c becomes a Thompson automaton, and matching moves
 * the set of live states along the subject once. Everything counts in code
 * points. "{m,n}" copies its operand, so the copies are counted against the
 * states. */
#include "server/ngsild/pattern_priv.h"

enum state_kind { ST_CHAR, ST_ANY, ST_SET, ST_SPLIT, ST_BEGIN, ST_END, ST_HIT };

struct state {
	enum state_kind kind;
	uint32_t c;
	const struct set *set;
	uint32_t out, other; /* other: ST_SPLIT */
};

struct pattern {
	uint32_t nstates, start;
	struct state *states;
};

struct emitter {
	struct state *states;
	uint32_t n;
	bool full;
};

/* The live states before one character. On the stack: 20 KiB. */
struct live {
	uint32_t n;
	uint32_t turn;
	uint16_t *list, *behind; /* now and one character ago */
	uint16_t room[2][PATTERN_STATES_MAX];
	uint16_t stack[PATTERN_STATES_MAX];
	uint32_t mark[PATTERN_STATES_MAX]; /* turn: is in the list */
};

static uint32_t emit(struct emitter *, const struct piece *, uint32_t next);

/* A new state; beyond the ceiling the last one is overwritten and the whole
 * pattern refused. */
static uint32_t
emit_state(struct emitter *e, enum state_kind kind, uint32_t out,
    uint32_t other)
{
	if (e->n == PATTERN_STATES_MAX) {
		e->full = true;
		return (e->n - 1);
	}
	e->states[e->n] = (struct state){ .kind = kind, .out = out,
		.other = other };
	return (e->n++);
}

static uint32_t
emit_repeat(struct emitter *e, const struct piece *r, uint32_t next)
{
	uint32_t at = next;

	if (r->max == PATTERN_NO_LIMIT) {
		at = emit_state(e, ST_SPLIT, 0, next);
		e->states[at].out = emit(e, r->below, at);
	} else {
		for (uint32_t i = r->min; i < r->max && !e->full; i++)
			at = emit_state(e, ST_SPLIT, emit(e, r->below, at),
			    next);
	}
	for (uint32_t i = 0; i < r->min && !e->full; i++)
		at = emit(e, r->below, at);
	/* Even "x{0}" costs a state, else nests of it would be free. */
	return (at != next ? at : emit_state(e, ST_SPLIT, next, next));
}

/* The states of a piece that go on to next; returns the first. Built from
 * the end, so nothing is patched later. Every piece emits at least one, which
 * bounds the work by the ceiling of states. */
static uint32_t
emit(struct emitter *e, const struct piece *piece, uint32_t next)
{
	static const enum state_kind kinds[] = {
		[PIECE_CHAR] = ST_CHAR,
		[PIECE_ANY] = ST_ANY,
		[PIECE_SET] = ST_SET,
		[PIECE_BEGIN] = ST_BEGIN,
		[PIECE_END] = ST_END,
	};
	const struct piece *part;
	uint32_t at = next;

	if (e->full)
		return (next);
	switch (piece->kind) {
	case PIECE_REPEAT:
		return (emit_repeat(e, piece, next));
	case PIECE_CAT:
		for (part = piece->below; part != NULL; part = part->beside)
			at = emit(e, part, at);
		return (at);
	case PIECE_ALT:
		at = emit(e, piece->below, next);
		for (part = piece->below->beside; part != NULL;
		     part = part->beside)
			at = emit_state(e, ST_SPLIT, emit(e, part, next), at);
		return (at);
	case PIECE_EMPTY:
		return (emit_state(e, ST_SPLIT, next, next));
	default:
		at = emit_state(e, kinds[piece->kind], next, next);
		e->states[at].c = piece->c;
		e->states[at].set = piece->set;
		return (at);
	}
}

enum hub_err
pattern_new(struct str text, struct arena *arena, struct pattern **pattern_r,
    const char **why_r)
{
	struct emitter e = { .n = 0 };
	struct pattern *pattern;
	struct piece *root = NULL;
	enum hub_err err;

	err = pattern_parse(text, arena, &root, why_r);
	if (err != HUB_OK)
		return (err);
	e.states = arena_array(arena, PATTERN_STATES_MAX, sizeof(*e.states));
	pattern = arena_alloc(arena, sizeof(*pattern));
	pattern->start = emit(&e, root, emit_state(&e, ST_HIT, 0, 0));
	if (e.full) {
		*why_r = "a pattern needs more than 2000 states";
		return (HUB_EFULL);
	}
	pattern->states = e.states;
	pattern->nstates = e.n;
	*pattern_r = pattern;
	return (HUB_OK);
}

/* ---- matching */

static bool
set_has(const struct set *set, uint32_t c)
{
	bool in = false;

	if (c < 0x80)
		in = (set->ascii[c / 32] >> (c % 32) & 1) != 0;
	else
		for (unsigned i = 0; i < set->nranges && !in; i++)
			in = c >= set->ranges[i].lo && c <= set->ranges[i].hi;
	return (in != set->negated);
}

static bool
state_takes(const struct state *s, uint32_t c)
{
	switch (s->kind) {
	case ST_CHAR:
		return (s->c == c);
	case ST_ANY:
		return (true);
	case ST_SET:
		return (set_has(s->set, c));
	default:
		return (false);
	}
}

static uint32_t
live_push(struct live *l, uint32_t depth, uint32_t s)
{
	if (l->mark[s] != l->turn) {
		l->mark[s] = l->turn;
		l->stack[depth++] = (uint16_t)s;
	}
	return (depth);
}

/* s and all it reaches without a character; true at a hit. A state is pushed
 * once a turn, so the stack is as long as the automaton at most. */
static bool
live_add(struct live *l, const struct pattern *p, uint32_t first, bool begin,
    bool end)
{
	uint32_t depth = live_push(l, 0, first), s;
	const struct state *st;

	while (depth > 0) {
		s = l->stack[--depth];
		st = &p->states[s];
		switch (st->kind) {
		case ST_HIT:
			return (true);
		case ST_SPLIT:
			depth = live_push(l, depth, st->out);
			depth = live_push(l, depth, st->other);
			break;
		case ST_BEGIN:
			if (begin)
				depth = live_push(l, depth, st->out);
			break;
		case ST_END:
			if (end)
				depth = live_push(l, depth, st->out);
			break;
		default:
			l->list[l->n++] = (uint16_t)s;
		}
	}
	return (false);
}

/* To the next character: what was live is behind. Returns how many were. */
static uint32_t
live_turn(struct live *l, uint32_t nstates)
{
	uint16_t *spare = l->behind;
	uint32_t n = l->n;

	l->behind = l->list;
	l->list = spare;
	l->n = 0;
	if (++l->turn == 0) { /* after 2^32 characters marks are old */
		memset(l->mark, 0, nstates * sizeof(l->mark[0]));
		l->turn = 1;
	}
	return (n);
}

bool
pattern_match(const struct pattern *p, struct str text)
{
	struct live l;
	const struct state *s;
	uint32_t n, c;

	l.n = 0;
	l.turn = 1;
	l.list = l.room[0];
	l.behind = l.room[1];
	memset(l.mark, 0, p->nstates * sizeof(l.mark[0]));
	if (live_add(&l, p, p->start, true, text.len == 0))
		return (true);
	while (text.len > 0) {
		c = pattern_char(&text);
		n = live_turn(&l, p->nstates);
		for (uint32_t i = 0; i < n; i++) {
			s = &p->states[l.behind[i]];
			if (state_takes(s, c) &&
			    live_add(&l, p, s->out, false, text.len == 0))
				return (true);
		}
		/* Unanchored: a match may begin behind this character. */
		if (live_add(&l, p, p->start, false, text.len == 0))
			return (true);
	}
	return (false);
}
