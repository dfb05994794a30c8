/* server/ngsild/q_priv.h - a parsed q; between q.c, which reads it, and
 * q_match.c, which asks entities. */
#ifndef HUB_NGSILD_Q_PRIV_H
#define HUB_NGSILD_Q_PRIV_H

#include "server/ngsild/query.h"

#define Q_PATH_MAX 8 /* parts of a path; members of a value path */

enum q_op {
	Q_EXISTS,
	Q_EQ,
	Q_NE,
	Q_GE,
	Q_LE,
	Q_GT,
	Q_LT,
	Q_LIKE,
	Q_UNLIKE
};

enum q_kind { Q_NUMBER, Q_STRING, Q_INSTANT, Q_TIME, Q_URI, Q_TRUE, Q_FALSE };

struct q_value {
	enum q_kind kind;
	struct str text;   /* number as sent, string decoded, URI */
	struct wall_us at; /* Q_INSTANT; Q_TIME: on 1970-01-01 */
};

struct q_operand {
	bool range; /* lo to hi, both included; else lo alone */
	struct q_value lo, hi;
};

/* Members that are not attributes; their names mean the same in every
 * context. */
enum q_system {
	Q_ATTRIBUTE = 0,
	Q_OBSERVED_AT,
	Q_UNIT_CODE,
	Q_DATASET_ID,
	Q_CREATED_AT,
	Q_MODIFIED_AT,
	Q_EXPIRES_AT,
	Q_SCOPE
};

struct q_part {
	enum q_system system;
	const struct name *name; /* Q_ATTRIBUTE */
};

struct q_term {
	bool negated; /* "!path" */
	enum q_op op;
	unsigned nparts, nmembers, noperands;
	struct q_part parts[Q_PATH_MAX];
	struct str members[Q_PATH_MAX];
	struct q_operand *operands;
	struct pattern *pattern;
};

enum q_node_kind { Q_TERM, Q_AND, Q_OR };

struct q_node {
	enum q_node_kind kind;
	struct q_term *term;
	struct q_node *below, *beside; /* operands of Q_AND and Q_OR */
};

struct q {
	struct q_node *root;
	const struct context *context;
};

#endif
