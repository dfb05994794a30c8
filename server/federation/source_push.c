/* server/federation/source_push.c - predicates that are left to a source;
 * source.h says what is promised. */
#include "server/federation/source.h"

/* What the programs of the field know, and how they write it. Of NGSI-v2
 * (telefonicaid/fiware-orion, "Simple Query Language") no geo-query is the
 * same: one attribute of an entity has an index, whichever that is. */
static const struct reading {
	bool alternatives, uris, geo, scope;
	char quote;
} dialects[] = {
	[DIALECT_GENERIC] = { true, true, true, true, '"' },
	[DIALECT_STELLIO] = { true, true, true, true, '"' },
	[DIALECT_ORION_LD] = { true, true, true, false, '"' },
	[DIALECT_SCORPIO] = { true, true, true, true, '"' },
},
		    v2 = { false, false, false, false, '\'' };

bool
source_reads(const struct region_source *s, struct narrow *n, bool *geo_r,
    bool *scope_r)
{
	const struct reading *r =
	    s->kind == SOURCE_NGSI_V2 ? &v2 : &dialects[s->dialect];

	n->context = s->context;
	n->alternatives = r->alternatives;
	n->uris = r->uris;
	n->quote = r->quote;
	*geo_r = r->geo;
	*scope_r = r->scope;
	return (s->push_down);
}

/* ---- a target */

static void
add_text(const char *key, struct str value, struct buf *b)
{
	if (value.p == NULL)
		return;
	buf_adds(b, str_of(key));
	buf_add_url(b, value, "");
}

void
source_push_target(const struct source_push *p, enum region_kind kind,
    struct buf *b)
{
	if (p == NULL)
		return;
	add_text("&q=", p->q, b);
	if (kind == SOURCE_NGSI_V2)
		return;
	add_text("&scopeQ=", p->scope_q, b);
	add_text("&georel=", p->geo.georel, b);
	if (p->geo.georel.p == NULL)
		return;
	add_text("&geometry=", p->geo.geometry, b);
	add_text("&coordinates=", p->geo.coordinates, b);
	add_text("&geoproperty=", p->geoproperty, b);
}

/* ---- a body (5.2.23, 5.2.13) */

void
source_push_body(const struct source_push *p, struct buf *b)
{
	if (p == NULL)
		return;
	if (p->q.p != NULL) {
		BUF_LIT(b, ",\"q\":");
		buf_add_json(b, p->q);
	}
	if (p->scope_q.p != NULL) {
		BUF_LIT(b, ",\"scopeQ\":");
		buf_add_json(b, p->scope_q);
	}
	if (p->geo.georel.p == NULL)
		return;
	BUF_LIT(b, ",\"geoQ\":{\"georel\":");
	buf_add_json(b, p->geo.georel);
	BUF_LIT(b, ",\"geometry\":");
	buf_add_json(b, p->geo.geometry);
	BUF_LIT(b, ",\"coordinates\":");
	buf_adds(b, p->geo.coordinates);
	if (p->geoproperty.p != NULL) {
		BUF_LIT(b, ",\"geoproperty\":");
		buf_add_json(b, p->geoproperty);
	}
	buf_addc(b, '}');
}
