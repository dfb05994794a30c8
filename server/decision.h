/* server/decision.h - one line of the decision log: who asked what for which
 * purpose, what was decided, which sources were asked and what came of it
 * (policy.md §4). Pure: a writer and the one strict reader of it.
 *
 * A line is a JSON object. What is not known is left out. Names are IRIs; no
 * value of a query, an entity or a claim is among them, and every text of
 * others is cut to DECISION_TEXT_MAX bytes. Who writes the file adds the last
 * two members, prev_hash and hash (decision_log.h). */
#ifndef HUB_SERVER_DECISION_H
#define HUB_SERVER_DECISION_H

#include "server/base/arena.h"
#include "server/base/buf.h"
#include "server/base/clock.h"

#define DECISION_LINE_MAX    ((size_t)65536)
#define DECISION_TEXT_MAX    256
#define DECISION_NAMES_MAX   32 /* of one list; more are only counted */
#define DECISION_SOURCES_MAX 64
#define DECISION_GRANTS_MAX  64 /* of one source */

enum decision_verdict { DECIDED_DENY = 0, DECIDED_PARTIAL, DECIDED_PERMIT };
#define DECISION_VERDICTS 3
extern const char *const decision_verdicts[DECISION_VERDICTS];

struct decision_names {
	unsigned n;
	int64_t more; /* that there were beside these */
	struct str *v;
};

/* An agreement by which a source could be asked. */
struct decision_grant {
	struct str agreement;
	int64_t version;
	int64_t crisis; /* the event that gives it; 0: none */
	bool used;	/* something came by it */
};

struct decision_source {
	struct str source, dataset;
	struct str kind;   /* FULL: the tenant's own; CONDITIONAL */
	struct str reason; /* SOURCE_FAILED, QUOTA, STALE; or empty */
	int64_t upstream_status, ms; /* status 0: there was none */
	int64_t entities_in, entities_out; /* received; of them in the view */
	unsigned ngrants;
	struct decision_grant *grants;
};

enum decision_mode {
	PREDICATE_ABSENT = 0, /* the view cannot have it */
	PREDICATE_LOCAL,      /* judged by the hub */
	PREDICATE_PUSHED      /* and before that by sources, to send less */
};
#define DECISION_MODES 3
extern const char *const decision_modes[DECISION_MODES];

struct decision_predicate {
	struct str attr;
	enum decision_mode mode;
};

struct decision {
	struct wall_us at;
	struct str request_id, client_request_id;
	struct str trace; /* the id of W3C Trace Context, 32 digits */
	int64_t bundle, registered;
	struct str bundle_hash; /* 64 hexadecimal digits */
	struct str tenant, issuer, client, subject, sender;
	struct decision_names roles;
	struct str who; /* the six above, as decision_write_who has written
			 * them; or empty. For the writer alone */
	struct str purpose, method, action;
	struct decision_names types, attrs_asked, attrs_released;
	int64_t ids; /* how many were asked for */
	unsigned npredicates;
	struct decision_predicate *predicates;
	unsigned nsources;
	struct decision_source *sources;
	enum decision_verdict verdict;
	struct str reason; /* a code; empty: as asked */
	int64_t status;	   /* 0: the client had gone */
	int64_t entities, bytes, ms;
	unsigned ncrises;
	int64_t *crises;
	struct str prev_hash, hash; /* by the reader alone */
};

/* Without the members of the chain, the closing brace and a line end: see
 * decision_log.h. The buf fails if it is too small. */
void decision_write(const struct decision *, struct buf *);
void decision_write_who(const struct decision *, struct buf *);

/* A whole line as it stands in the file, without its line end. HUB_ESYNTAX:
 * it is none, or has a member that is not known; HUB_EFULL: beyond a limit
 * above; HUB_ENOENT: a mark of the log itself. Texts lie in the arena, or in
 * the line, which must stay. */
enum hub_err decision_read(struct str line, struct arena *, struct decision *)
    HUB_MUST_CHECK;

#endif
