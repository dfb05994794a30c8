/* server/ngsild/temporal.h - how entities evolved: the parameters of a temporal
 * query, series of instances and their representations (ETSI GS CIM 009,
 * 4.5.6 to 4.5.9, 4.5.19, 4.11, 5.2.20, 5.2.21, 6.18 to 6.20).
 *
 * An evolution is a struct entity whose attributes have any number of
 * instances (entity_read_series). A series is the instances of one name and
 * datasetId in order of time; merging makes it so. Pure. */
#ifndef HUB_NGSILD_TEMPORAL_H
#define HUB_NGSILD_TEMPORAL_H

#include "server/ngsild/query.h"

/* Instances in one answer; what is more is left for the next (206). */
#define TEMPORAL_ANSWER_MAX 10000

enum time_property { TIME_OBSERVED, TIME_CREATED, TIME_MODIFIED };
enum temporal_form { TEMPORAL_FULL, TEMPORAL_VALUES, TEMPORAL_AGGREGATED };

/* In the order in which they are shown. */
enum aggregate {
	AGGR_TOTAL_COUNT,
	AGGR_DISTINCT_COUNT,
	AGGR_SUM,
	AGGR_AVG,
	AGGR_MIN,
	AGGR_MAX,
	AGGR_STDDEV,
	AGGR_SUMSQ,
	AGGR_MAX_ /* their number */
};

/* ISO 8601, "P1Y2M10DT2H30M". Nothing: as long as what is asked for. */
struct duration {
	int64_t months, us; /* at most 10,000 years each */
};

/* from <= t < until. A side that is open is the end of int64_t. */
struct time_range {
	struct wall_us from, until;
};
#define TIME_RANGE_ALL ((struct time_range){ { INT64_MIN }, { INT64_MAX } })

struct temporal {
	enum time_property property;
	struct time_range range; /* before: t < timeAt; after: timeAt <= t */
	uint32_t last_n;	 /* 0: all */
	enum temporal_form form;
	unsigned methods; /* 1 << enum aggregate */
	struct duration period;
};

/* "observedAt", ... */
struct str time_property_name(enum time_property);

/* The temporal parameters, and by query_parse all others. A query needs
 * timerel, a retrieval may do without. Unknown, repeated or contradicting: 400. The
 * simplified form is asked for as temporalValues. */
enum hub_err temporal_parse(const struct http_uri *, bool retrieve,
    const struct context *, struct names *, struct arena *, struct query *,
    struct temporal *, struct query_error *) HUB_MUST_CHECK;
/* The same for POST temporal/entityOperations/query: temporalQ has timerel,
 * timeAt, endTimeAt and timeproperty; lastN, aggrMethods and
 * aggrPeriodDuration stand there or in the URL, not in both. */
enum hub_err temporal_parse_body(const struct json *, const struct http_uri *,
    const struct context *, struct names *, struct arena *, struct query *,
    struct temporal *, struct query_error *) HUB_MUST_CHECK;
enum hub_err iso_duration_parse(struct str, struct duration *) HUB_MUST_CHECK;
/* The two times of a Content-Range in date-time (6.3.10) as they stand, the
 * newer one may come first; without a zone they are UTC. HUB_ESYNTAX. */
enum hub_err temporal_span_parse(struct str value, struct wall_us *first_r,
    struct wall_us *last_r) HUB_MUST_CHECK;

/* Where an instance stands in time: WALL_ABSENT when it does not say or that
 * is not released. */
struct wall_us temporal_instant(const struct temporal *,
    const struct instance *);
/* Takes out what is outside the range or has no time, and a scope that is more
 * than texts. */
void temporal_narrow(const struct temporal *, struct entity *);
/* Takes out attributes that are not in the list (0 names: none). */
void temporal_keep(struct entity *, const struct name *const *, unsigned n);
/* Leaves the last_n newest of each series. */
void temporal_last(const struct temporal *, struct entity *);
/* Leaves at most max instances of all the entities together: the oldest, or
 * with last_n the newest; instances of one instant stay together, and one
 * instant always. true: something was taken out; *first_r and *last_r are then
 * the times between which all is there, in the order of reading. */
bool temporal_cut(const struct temporal *, struct entity *const *, size_t n,
    size_t max, struct arena *, struct wall_us *first_r,
    struct wall_us *last_r);

/* Appends the entity in the form asked for; each attribute is an array of
 * instances, in the other forms an object, or an array of them where there are
 * several datasets. */
void temporal_write(const struct entity *, const struct temporal *,
    const struct entity_out *, struct buf *);
/* A DateTime in UTC, without a fraction that is 0; years 1 to 9999. */
void temporal_write_time(struct wall_us, struct buf *);

#endif
