/* server/federation/v2_answer.h - what an NGSI-v2 source answers, as
 * normalized NGSI-LD text: the ordinary path then reads that.
 *
 * Values keep their bytes; attributes and types keep their names, which are
 * terms of the source's context. In short (the tables are in v2_answer.c):
 *
 *	id			as v2_id.h has it
 *	Number, Text, ...	Property, as anything without a rule
 *	DateTime, ISO8601	Property, {"@type":"DateTime","@value":...}
 *	geo:json, geo:point ..	GeoProperty (v2_geo.h)
 *	Relationship, ref*	Relationship, if its value is a URI or URIs
 *	LanguageProperty, ...	the NGSI-LD class of that name
 *	TimeInstant		observedAt: of the metadata, else of the entity
 *	metadata		unitCode, createdAt, modifiedAt; a sub-Property
 *	dateCreated, ...	createdAt, modifiedAt, expiresAt of the entity
 *
 * An attribute without a usable value stays as an empty object: nobody sees
 * it, but policy must know that there is, say, a location that says nothing.
 * An attribute whose name NGSI-LD reserves is left out. */
#ifndef HUB_FEDERATION_V2_ANSWER_H
#define HUB_FEDERATION_V2_ANSWER_H

#include "server/base/buf.h"
#include "server/ngsild/json.h"

/* Appends an array of the entities in body, which is an array of them or one.
 * scope: of all of them, or empty. HUB_ESYNTAX: no such answer; HUB_EFULL:
 * over the limits, or out is too small. What out then holds is of no use. */
enum hub_err v2_answer(struct str body, const struct json_limits *,
    struct str scope, struct buf *out) HUB_MUST_CHECK;

#endif
