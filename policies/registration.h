/* policies/registration.h - a context source that a tenant registers through
 * the API (ETSI GS CIM 009, 5.2.8 to 5.2.10, 5.2.34): read, written, and asked
 * what it may hold. Pure.
 *
 * A registration borrows from the tape and the arena that it was read with. */
#ifndef HUB_POLICIES_REGISTRATION_H
#define HUB_POLICIES_REGISTRATION_H

#include "policies/region.h"
#include "server/ngsild/temporal.h"

#define REGISTRATION_BYTES_MAX	  ((size_t)65536) /* of the document */
#define REGISTRATION_INFOS_MAX	  100
#define REGISTRATION_ENTITIES_MAX 500 /* of all parts together */
#define REGISTRATION_NAMES_MAX	  1000
#define REGISTRATION_PATTERNS_MAX 50
#define REGISTRATION_PAIRS_MAX	  50
#define REGISTRATION_LIST_MAX	  100 /* scopes, operations, own members */
/* What one tenant may have. */
#define REGISTRATIONS_MAX 1000
/* Names that all of them may bring which nobody had before: each is kept in
 * every context of the region. */
#define REGISTRATION_NEW_NAMES_MAX 5000

struct registration_names {
	unsigned n;
	const struct name *const *v;
};

struct registration_texts {
	unsigned n;
	const struct str *v;
	bool single; /* was no list */
};

/* EntityInfo; neither id nor pattern: any entity of a type. */
struct registration_entity {
	struct str id, id_pattern; /* p NULL: none */
	struct pattern *pattern;
	struct registration_names types; /* at least one */
};

/* RegistrationInfo. No entities: any; no attributes: all of them. */
struct registration_info {
	unsigned nentities;
	const struct registration_entity *entities;
	struct registration_names properties, relationships;
};

struct registration_pair {
	struct str key, value;
};

struct registration_interval {
	struct str start, end; /* end p NULL: open */
};

struct registration_place {
	struct str raw; /* GeoJSON; p NULL: none */
	struct geometry geometry;
};

struct registration_management {
	bool given;
	bool local_only;
	int64_t timeout_ms, cooldown_ms; /* 0: not said */
	struct str cache_duration;
};

/* Of the owner's own: any JSON. */
struct registration_property {
	const struct name *name;
	struct str raw;
};

struct registration {
	struct str id; /* p NULL: none given */
	struct str title, description;
	struct {
		unsigned n;
		const struct registration_info *v;
	} information;
	struct str tenant; /* at the source */
	struct {
		struct str text;
		bool https;
		struct str host;
		uint16_t port;
		struct str base; /* as region_source has it */
	} endpoint;
	struct {
		bool given;
		enum region_mode value;
	} mode;
	struct {
		struct registration_texts list;
		unsigned bits; /* OP_... */
	} operations;
	struct {
		struct str text;
		struct wall_us at;
	} expires;
	struct str refresh_rate;
	struct registration_texts scopes, datasets;
	struct registration_place location, observation_space,
	    operation_space;
	struct registration_interval observed, managed;
	struct str alias;
	struct {
		unsigned n;
		const struct registration_pair *v;
	} source_info;
	struct registration_management management;
	struct {
		bool given, value;
	} local_only;
	unsigned nproperties;
	const struct registration_property *properties;
};

/* In which names are written, and where they live: one of names and vocab. */
struct registration_reader {
	const struct context *context;
	struct names *names; /* of a request */
	struct vocab *vocab; /* of a region that is being built */
	struct arena *arena;
};

/* Reads a whole registration, or with update (5.5.8, 5.9.3) the members to
 * change of *reg, where null or "urn:ngsi-ld:null" takes one away. "@context"
 * is skipped, the caller handled it. HUB_ESYNTAX and a sentence in English
 * when it breaks a rule, *reg is as before then. What the hub itself says of
 * a registration (status, timesSent, ...) is passed over. */
enum hub_err registration_read(const struct json *,
    const struct registration_reader *, bool update, struct registration *reg,
    const char **why_r) HUB_MUST_CHECK;

/* What the hub says of it. */
struct registration_state {
	struct wall_us created, modified;
	struct wall_us last_success, last_failure; /* or absent */
	uint64_t sent, failed;
};

struct registration_out {
	const struct context *context;
	struct arena *arena;
	bool ld;       /* "@context" goes into the document */
	bool sys_attrs; /* createdAt, modifiedAt */
	const struct registration_state *state; /* NULL: for the store */
};
/* Appends it as one JSON object; reading that under the same context gives an
 * equal registration. */
void registration_write(const struct registration *,
    const struct registration_out *, struct buf *);

/* ---- what it may hold */

/* The attributes named by a part, in one list without repetition, over all
 * parts; *all_r: one of them does not restrict them. */
struct registration_names registration_attrs(const struct registration *,
    bool *all_r, struct arena *);
/* How many names it has that the region does not know; one that it has twice
 * may count twice. */
unsigned registration_new_names(const struct registration *);
bool registration_has_id(const struct registration *, struct str id);
/* Does a part name no entities, hence any type? */
bool registration_any_type(const struct registration *);
/* The only pattern of ids it has, if it has nothing but that; else p NULL. */
struct str registration_pattern(const struct registration *);

/* What a request is about. */
struct registration_query {
	const struct query *query;
	struct str id; /* of a retrieval; else p NULL */
	/* Attributes asked for; 0: any. */
	unsigned nattrs;
	const struct name *const *attrs;
	struct str via; /* the chain that the request came along */
	bool places;	/* location and scope restrict, too */
	const struct temporal *temporal; /* NULL: the present */
};
/* Could it hold an answer (5.12)? Superset where that cannot be decided. */
bool registration_match(const struct registration *,
    const struct registration_query *, struct arena *);
/* Have its interval (observationInterval, or managementInterval for when things
 * were created or modified) and the range an instant in common? absent: what
 * to say when it has none. */
bool registration_in_time(const struct registration *, enum time_property,
    struct time_range, bool absent);
/* Takes out of an answer's entity what is not registered; false: all of it. */
bool registration_limit(const struct registration *, struct entity *);
/* Do two name the same attribute of the same entity, one of them for itself
 * alone (4.3.6.3)? What can not be decided is no conflict. */
bool registration_conflict(const struct registration *,
    const struct registration *);
/* The same with a dataset of a region file. */
bool registration_conflict_dataset(const struct registration *,
    const struct region_dataset *);

/* For csf (4.9 over registrations): as an entity whose attributes are the
 * registration's members, each a Property unless it says what it is. state may
 * be NULL. */
enum hub_err registration_entity(const struct registration *,
    const struct registration_state *, struct names *, struct arena *,
    struct entity *) HUB_MUST_CHECK;
/* What a consumer who does not own it may ask of a dataset, registered or of
 * a region file: title, owner, licence and attribution. */
enum hub_err registration_entity_of(const struct region_dataset *,
    struct names *, struct arena *, struct entity *) HUB_MUST_CHECK;

/* Is name in a Via chain ("HTTP/1.1 a, 1.1 b")? */
bool via_has(struct str via, struct str name);

/* The value to send a source under this field name: false when it is none
 * that a registration can set. from_client: the client's own is to be copied,
 * which is done for a few harmless ones only. */
bool registration_header(const struct registration_pair *, bool *from_client_r);
/* The value of one of the standard's keys (jsonldContext, ...), or p NULL. */
struct str registration_info_value(const struct registration *, struct str key);

#endif
