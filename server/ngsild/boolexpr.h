/* server/ngsild/boolexpr.h - "a;(b|c),d": what the type selection language
 * and scopeQ have in common (ETSI GS CIM 009, 4.17 and 4.19).
 *
 * "," and "|" are or, ";" is and and binds tighter, parentheses group. What
 * stands between those signs is an atom, which the user reads and tests. Pure.
 */
#ifndef HUB_NGSILD_BOOLEXPR_H
#define HUB_NGSILD_BOOLEXPR_H

#include "server/base/arena.h"
#include "server/base/buf.h"

#define BOOLEXPR_DEPTH_MAX 16
#define BOOLEXPR_ATOMS_MAX 200

struct boolexpr;

/* Reads one atom, which is not empty; the text lives as long as the one given
 * to boolexpr_parse. A refusal sets *why_r and ends the parse. */
typedef enum hub_err (*boolexpr_atom_fn)(
    struct str text, void *arg, const void **atom_r, const char **why_r);
typedef bool (*boolexpr_test_fn)(const void *atom, const void *arg);

/* HUB_ESYNTAX, HUB_EFULL (depth, atoms) or what atom returned. */
enum hub_err boolexpr_parse(struct str text, boolexpr_atom_fn atom, void *arg,
    struct arena *, struct boolexpr **, const char **why_r) HUB_MUST_CHECK;
bool boolexpr_test(
    const struct boolexpr *, boolexpr_test_fn test, const void *arg);
/* Is it more than a list of alternatives? */
bool boolexpr_has_and(const struct boolexpr *);
/* Appends it as it can be read again: "," for or, ";" for and. */
typedef void (*boolexpr_write_fn)(const void *atom, struct buf *);
void boolexpr_write(const struct boolexpr *, boolexpr_write_fn, struct buf *);

#endif
