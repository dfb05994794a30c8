/* server/entity_map.h - frozen results of queries, so that their pages fit
 * together (ETSI GS CIM 009, 5.2.39, 5.5.9.3, 5.14): which entities a query
 * found, in order, and which datasets gave something of each.
 *
 * Only ids are kept, never an entity. A map belongs to one consumer, purpose
 * and policy; for anybody else it does not exist. In memory, shared by the
 * workers (one mutex, held for lookups and copies of small things); bounded
 * in ids, in maps per tenant and in bytes. */
#ifndef HUB_SERVER_ENTITY_MAP_H
#define HUB_SERVER_ENTITY_MAP_H

#include "server/base/clock.h"
#include "server/base/hash.h"

#define ENTITY_MAP_IDS_MAX     100000
#define ENTITY_MAPS_PER_TENANT 256
/* "urn:ngsi-ld:entitymap:" and a UUID of random bits, with its NUL. */
#define ENTITY_MAP_ID_MAX      59
#define ENTITY_MAP_LIFE_MIN_US INT64_C(1000000)
#define ENTITY_MAP_LIFE_MAX_US INT64_C(3600000000)
#define ENTITY_MAP_LIFE_US     INT64_C(300000000) /* nothing asked for */

struct entity_maps; /* the store */
struct entity_map;  /* counted */

/* Whose it is. A purpose with p NULL is none, and no other's. */
struct entity_map_owner {
	struct str tenant, purpose;
	uint64_t generation; /* of the snapshot */
};

/* The questions that two requests share: their filters, by hash. */
struct entity_map_query {
	unsigned char hash[SHA256_LEN];
};

struct entity_map_item {
	struct str id;
	unsigned ndatasets;
	const uint32_t *datasets; /* by index in the region */
};

/* bytes_max: of all maps together. */
struct entity_maps *entity_maps_new(size_t bytes_max) HUB_MUST_CHECK;
/* All maps must have been given back. NULL is fine. */
void entity_maps_free(struct entity_maps *);

/* Copies the items, whose ids differ, into a new map that ends life_us after
 * now (cut to the bounds above). Maps of an older policy end with that. Where
 * there is no room the oldest maps of the same tenant go, then those of the
 * tenant that uses most. HUB_EFULL: too many ids, or no room for so much. */
enum hub_err entity_maps_add(struct entity_maps *,
    const struct entity_map_owner *, const struct entity_map_query *,
    const struct entity_map_item *, uint32_t n, struct wall_us now,
    int64_t life_us, struct entity_map **map_r) HUB_MUST_CHECK;
/* NULL: there is none of that id for this owner now. */
struct entity_map *entity_maps_find(struct entity_maps *, struct str id,
    const struct entity_map_owner *, struct wall_us now) HUB_MUST_CHECK;
/* It can no longer be found; who holds it may go on. */
void entity_maps_remove(struct entity_map *);
/* Drops what has expired. */
void entity_maps_sweep(struct entity_maps *, struct wall_us now);
/* Gives it back; clears the pointer. *map may be NULL. */
void entity_map_unref(struct entity_map **map);

struct str entity_map_id(const struct entity_map *);
bool entity_map_same_query(
    const struct entity_map *, const struct entity_map_query *);
struct wall_us entity_map_expires(const struct entity_map *);
/* Later than now; cut to the longest life from now on. */
void entity_map_set_expires(
    struct entity_map *, struct wall_us at, struct wall_us now);

/* Entities it was made with. */
uint32_t entity_map_count(const struct entity_map *);
/* Those that are still in it. */
uint32_t entity_map_left(const struct entity_map *);
/* The item at a place, 0 to count - 1; lives as long as the map. */
struct entity_map_item entity_map_item(const struct entity_map *, uint32_t at);
/* Places of what is left: skip of them, then at most max into at, from the
 * place *from on. Returns how many; *from is behind the last one looked at. */
uint32_t entity_map_places(const struct entity_map *, uint32_t *from,
    uint32_t skip, uint32_t *at, uint32_t max);
/* Takes an entity out (5.5.9.3: it no longer fits). */
void entity_map_drop(struct entity_map *, const uint32_t *at, uint32_t n);

struct entity_maps_stats {
	size_t bytes;
	unsigned maps;
};
void entity_maps_stats(struct entity_maps *, struct entity_maps_stats *);

#endif
