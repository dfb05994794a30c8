/* tenants/deny.h - who and what is refused whatever else says: tokens, clients,
 * people, certificates, tenants and agreements that were revoked (policy.md
 * §2). From rows of the database and from a file that needs none, deny.list.
 *
 * A set never changes; a change makes another. Read by many threads. */
#ifndef HUB_TENANTS_DENY_H
#define HUB_TENANTS_DENY_H

#include "server/base/arena.h"
#include "server/base/clock.h"
#include "server/base/str.h"

enum deny_kind {
	DENY_JTI,     /* one token, by its jti */
	DENY_CLIENT,  /* azp or client_id */
	DENY_SUBJECT, /* sub */
	DENY_CERTIFICATE, /* SHA-256 of its DER, 32 bytes */
	DENY_TENANT,
	DENY_AGREEMENT,
	DENY_KINDS
};

struct deny_entry {
	enum deny_kind kind;
	struct str value;
	struct str issuer;    /* of a jti, client or subject; empty: any */
	struct wall_us until; /* exclusive; WALL_ABSENT: for good */
};

#define DENY_VALUE_MAX	 255
#define DENY_ENTRIES_MAX 20000 /* of a set */
#define DENY_FILE_MAX	 ((size_t)1 << 20)

/* "jti", "client", "subject", "certificate", "tenant" or "agreement". */
enum hub_err deny_kind_read(struct str, enum deny_kind *) HUB_MUST_CHECK;
/* Checks a value as an operator writes it and makes it what is compared, in
 * the arena; a certificate is 64 hexadecimal digits, with or without ":", or
 * base64url. HUB_ESYNTAX. */
enum hub_err deny_value_read(enum deny_kind, struct str text, struct arena *,
    struct str *value_r) HUB_MUST_CHECK;

/* deny.list: on each line KIND VALUE [issuer=URL], blanks between them;
 * "#" begins a comment. A line that is none is told to on_bad and the others
 * count: what is refused in an emergency must not hang on a slip beside it.
 * HUB_EFULL: more than DENY_ENTRIES_MAX entries. */
enum hub_err deny_list_read(struct str text, struct arena *,
    struct deny_entry **, unsigned *n_r,
    void (*on_bad)(unsigned line, void *), void *) HUB_MUST_CHECK;

struct deny_set;
/* Copies all. At most DENY_ENTRIES_MAX of each list. */
struct deny_set *deny_set_new(const struct deny_entry *, unsigned n,
    const struct deny_entry *more, unsigned nmore) HUB_MUST_CHECK;
struct deny_set *deny_set_ref(struct deny_set *) HUB_MUST_CHECK;
void deny_set_unref(struct deny_set **);

/* NULL is an empty set. issuer: of the token, or empty. */
bool deny_find(const struct deny_set *, enum deny_kind, struct str value,
    struct str issuer, struct wall_us now) HUB_MUST_CHECK;
/* How many of that kind there are, ended or not. */
unsigned deny_count(const struct deny_set *, enum deny_kind);

#endif
