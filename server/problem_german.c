/* server/problem_german.c - the details of errors in German. English is what
 * parsers say, in many places; here is what each of it is called. An entry
 * that ends in "*" is good for whatever follows, which is kept. */
#include "server/problem.h"

static const struct {
	const char *en, *de;
} words[] = {
	/* request*.c */
	{ "a parameter is given twice", "ein Parameter steht zweimal da" },
	{ "the request target is malformed",
	    "die Adresse der Anfrage ist fehlerhaft" },
	{ "a header name with an underscore",
	    "ein Kopfname mit einem Unterstrich" },
	{ "Hub-Purpose must be one name", "Hub-Purpose ist ein einziger Name" },
	{ "X-Request-Id must be one value",
	    "X-Request-Id ist ein einziger Wert" },
	{ "Origin must be one value", "Origin ist ein einziger Wert" },
	{ "Via must be one field", "Via ist ein einziges Feld" },
	{ "a parameter has a value that it does not take",
	    "ein Parameter hat einen Wert, den es nicht gibt" },
	{ "a parameter that this resource does not have",
	    "einen solchen Parameter hat diese Ressource nicht" },
	{ "format is json; csv or html where there is a table",
	    "format ist json; csv oder html, wo es eine Tabelle gibt" },
	{ "format is json, or csv where there is a table",
	    "format ist json, oder csv, wo es eine Tabelle gibt" },
	{ "this hub keeps no decision log",
	    "diese Drehscheibe führt kein Entscheidungsprotokoll" },
	{ "this resource takes no parameters",
	    "diese Ressource hat keine Parameter" },
	{ "by is tenant, provider, purpose, type, month or flow",
	    "by ist tenant, provider, purpose, type, month oder flow" },
	{ "a period is 2026 or 2026-11; of usage also 2026-11-03",
	    "ein Zeitraum ist 2026 oder 2026-11, bei der Nutzung auch "
	    "2026-11-03" },
	{ "limit is 1 to 1000, before an instant such as "
	  "2026-11-23T01:00:00Z",
	    "limit ist 1 bis 1000, before ein Zeitpunkt wie "
	    "2026-11-23T01:00:00Z" },
	{ "the receipt cannot be stored now; send it again later",
	    "der Beleg kann jetzt nicht gespeichert werden; schicken Sie ihn "
	    "später noch einmal" },
	{ "this tenant sends receipts too often; Retry-After tells when to go "
	  "on",
	    "dieser Mandant schickt Belege zu oft; Retry-After sagt, wann es "
	    "weitergeht" },
	{ "this tenant has no ags, by which receipts are kept",
	    "dieser Mandant hat keinen ags, nach dem Belege geführt werden" },
	{ "needed: sha256, of the line that you keep, in small hex digits; "
	  "receipt, at most 200 bytes, may be missing",
	    "nötig ist sha256, der Ihrer Zeile, in kleinen Hexziffern; "
	    "receipt, höchstens 200 Byte, darf fehlen" },
	{ "needed: kind, area, reason, and for, such as \"2h\"",
	    "nötig sind kind, area, reason und for, etwa \"2h\"" },
	{ "its authority is no tenant of the region",
	    "die Behörde ist kein Mandant der Region" },
	{ "its authority is none", "diese Behörde darf keine Krise ausrufen" },
	{ "its authority is suspended", "die Behörde ist gesperrt" },
	{ "its area is not in the region",
	    "das Gebiet gibt es in der Region nicht" },
	{ "no agreement has such a block of this authority: there is nothing "
	  "to widen",
	    "keine Vereinbarung hat einen solchen Block dieser Behörde: es gibt "
	    "nichts zu erweitern" },
	{ "a crisis lasts a minute at least",
	    "eine Krise dauert mindestens eine Minute" },
	{ "this is longer than the agreements allow",
	    "das ist länger, als die Vereinbarungen erlauben" },
	{ "the entity map was made with other filters or another @context",
	    "die Entity Map ist mit anderen Filtern oder einem anderen "
	    "@context entstanden" },
	{ "NGSILD-EntityMap must be one location",
	    "NGSILD-EntityMap ist ein einziger Ort" },
	{ "the query is too large for an entity map",
	    "die Abfrage ist zu groß für eine Entity Map" },
	{ "too many entities for an entity map; ask for less",
	    "das sind zu viele Entitäten für eine Entity Map; fragen Sie nach "
	    "weniger" },
	{ "a member that no EntityMap has",
	    "ein Mitglied, das keine EntityMap hat" },
	{ "the type is not EntityMap", "der Typ ist nicht EntityMap" },
	{ "the id cannot be changed", "die id ist nicht änderbar" },
	{ "expiresAt must be there, a DateTime",
	    "expiresAt ist nötig, ein DateTime" },
	{ "expiresAt is not in the future",
	    "expiresAt ist nicht in der Zukunft" },
	{ "the id of an entity map is a URI",
	    "die id einer Entity Map ist eine URI" },
	{ "a body of application/ld+json needs @context",
	    "ein Inhalt in application/ld+json braucht seinen @context, dieser "
	    "hat keinen" },
	{ "the @context in the body needs application/ld+json",
	    "ein @context im Inhalt ist nur mit application/ld+json möglich" },
	{ "a body of application/ld+json brings its @context; there must be "
	  "none in Link",
	    "ein Inhalt in application/ld+json bringt seinen @context mit; in "
	    "Link darf keiner stehen" },
	{ "the body is nested too deeply or has too many parts",
	    "der Inhalt ist zu tief verschachtelt oder hat zu viele Teile" },
	{ "the body is no registration",
	    "der Inhalt ist keine Registrierung" },
	{ "the body is no Query", "der Inhalt ist keine Query" },
	{ "this resource takes options=sysAttrs and nothing else",
	    "diese Ressource nimmt options=sysAttrs und nichts anderes" },
	{ "expiresAt is in the past", "expiresAt ist in der Vergangenheit" },
	{ "the registration is larger than 64 KiB",
	    "die Registrierung ist größer als 64 KiB" },
	{ "this request takes no parameters",
	    "diese Anfrage hat keine Parameter" },
	{ "a parameter that registrations do not have",
	    "einen solchen Parameter haben Registrierungen nicht" },
	{ "too many parameters", "das sind zu viele Parameter, mehr als die "
	    "Drehscheibe nimmt" },
	{ "timeAt, endTimeAt and timeproperty need timerel",
	    "timeAt, endTimeAt und timeproperty sind nur mit timerel möglich" },
	{ "timerel is before, after or between",
	    "timerel ist before, after oder between" },
	{ "timerel needs timeAt, a DateTime",
	    "timerel braucht timeAt, ein DateTime" },
	{ "timerel between, and only that, needs endTimeAt",
	    "endTimeAt ist bei timerel between nötig, und nur da" },
	{ "timeproperty is observedAt, createdAt or modifiedAt",
	    "timeproperty ist observedAt, createdAt oder modifiedAt" },
	{ "options of registrations is sysAttrs",
	    "options ist bei Registrierungen sysAttrs" },
	{ "this version does not do entity maps of evolutions",
	    "diese Version kennt keine Entity Maps von Verläufen" },
	/* ngsild/query*.c */
	{ "unknown parameter: *", "diesen Parameter gibt es nicht: " },
	{ "unknown format: *", "dieses Format gibt es nicht: " },
	{ "unknown word in options: *", "das gibt es nicht in options: " },
	{ "unknown word in aggrMethods: *",
	    "das gibt es nicht in aggrMethods: " },
	{ "unknown member of entities: *",
	    "dieses Mitglied hat entities nicht: " },
	{ "unknown member of geoQ: *", "dieses Mitglied hat geoQ nicht: " },
	{ "unknown member of the query: *",
	    "dieses Mitglied hat eine Query nicht: " },
	{ "unknown member of temporalQ: *",
	    "dieses Mitglied hat temporalQ nicht: " },
	{ "this version does not do the parameter *",
	    "diese Version kennt diesen Parameter nicht: " },
	{ "a distributed query of the present does not take *",
	    "eine verteilte Abfrage der Gegenwart nimmt dies nicht: " },
	{ "more than 1000 ids", "das sind mehr als 1000 ids, das ist zu viel" },
	{ "id holds something that is no URI",
	    "in id steht etwas, das keine URI ist" },
	{ "limit is above 1000", "limit ist größer als 1000" },
	{ "limit is no number", "limit ist keine Zahl" },
	{ "offset is no number or too large",
	    "offset ist keine Zahl oder zu groß" },
	{ "count takes true or false", "count ist true oder false" },
	{ "local takes true or false", "local ist true oder false" },
	{ "splitEntities takes true or false",
	    "splitEntities ist true oder false" },
	{ "entityMap takes true or false", "entityMap ist true oder false" },
	{ "options names two representations",
	    "options nennt zwei Darstellungen, möglich ist eine" },
	{ "a parameter is empty", "ein Parameter ist leer" },
	{ "a member of the query is no string where it must be",
	    "ein Mitglied der Query ist keine Zeichenkette" },
	{ "a string in the query is empty",
	    "eine Zeichenkette der Query ist leer" },
	{ "a member of the query is no list where it must be",
	    "ein Mitglied der Query ist keine Liste" },
	{ "more than 10 selectors have an idPattern",
	    "mehr als 10 Einträge haben ein idPattern, das ist zu viel" },
	{ "entities holds no selector", "entities hat keinen Eintrag, der "
	    "etwas auswählt" },
	{ "entities is no list of 1 to 100 selectors",
	    "entities ist keine Liste von 1 bis 100 Einträgen" },
	{ "the type of the body is not Query",
	    "der Typ des Inhalts ist nicht Query" },
	{ "geoQ is no geo-query", "geoQ ist keine Geo-Abfrage" },
	{ "the body lacks the type Query",
	    "dem Inhalt fehlt der Typ Query; er ist nötig" },
	{ "more than 200 names in one parameter",
	    "das sind mehr als 200 Namen in einem Parameter" },
	{ "attrs holds something that is no attribute name",
	    "in attrs steht etwas, das kein Attributname ist" },
	{ "this version does not do a nested pick or omit: a{b}",
	    "diese Version kennt kein verschachteltes pick oder omit: a{b}" },
	{ "pick or omit holds something that is no member of an entity",
	    "in pick oder omit steht etwas, das keine Entität hat" },
	{ "type holds something that is no name",
	    "in type steht etwas, das kein Name ist" },
	{ "geometryProperty is no attribute name",
	    "geometryProperty ist kein Attributname" },
	{ "datasetId holds something that is neither URI nor @none",
	    "in datasetId steht etwas, das weder URI noch @none ist" },
	{ "more than 100 values in datasetId",
	    "das sind mehr als 100 Werte in datasetId" },
	{ "lang is longer than 256 bytes", "lang ist länger als 256 Bytes" },
	{ "lang is no list of languages",
	    "lang ist keine Liste von Sprachen" },
	{ "entityMapLifetime is no duration",
	    "entityMapLifetime ist keine Dauer" },
	{ "geometry, coordinates and geoproperty need georel",
	    "geometry, coordinates und geoproperty sind nur mit georel "
	    "möglich" },
	{ "georel needs geometry and coordinates",
	    "georel ist nur mit geometry und coordinates möglich" },
	{ "geoproperty is no attribute name",
	    "geoproperty ist kein Attributname" },
	{ "pick and attrs exclude each other",
	    "pick und attrs schließen sich aus" },
	{ "the query is too wide: it needs type, attrs, q, georel or "
	  "local=true",
	    "die Abfrage ist zu weit: nötig ist type, attrs, q, georel oder "
	    "local=true" },
	{ "limit=0 needs count=true", "limit=0 ist nur mit count=true "
	    "möglich" },
	/* ngsild/temporal_query.c */
	{ "timerel is not before, after or between",
	    "timerel ist weder before noch after noch between" },
	{ "timeAt or endTimeAt is no DateTime",
	    "timeAt oder endTimeAt ist kein DateTime" },
	{ "this version does not do timeproperty=deletedAt",
	    "diese Version kennt timeproperty=deletedAt nicht" },
	{ "timeproperty is not observedAt, createdAt or modifiedAt",
	    "timeproperty ist weder observedAt noch createdAt noch "
	    "modifiedAt" },
	{ "lastN is no positive number", "lastN ist keine positive Zahl" },
	{ "aggrPeriodDuration is no duration",
	    "aggrPeriodDuration ist keine Dauer" },
	{ "a parameter is in the URL and in temporalQ",
	    "ein Parameter steht in der Adresse und in temporalQ" },
	{ "a temporal query needs timerel",
	    "eine Abfrage der Vergangenheit braucht timerel" },
	{ "timeAt and endTimeAt need timerel",
	    "timeAt und endTimeAt sind nur mit timerel möglich" },
	{ "timerel needs timeAt, and between alone endTimeAt",
	    "timerel braucht timeAt; endTimeAt ist bei between nötig, und nur "
	    "da" },
	{ "endTimeAt is before timeAt", "endTimeAt ist vor timeAt" },
	{ "aggrMethods and aggregatedValues need each other",
	    "aggrMethods und aggregatedValues sind nur miteinander möglich" },
	{ "aggrPeriodDuration needs aggregatedValues",
	    "aggrPeriodDuration ist nur mit aggregatedValues möglich" },
	{ "temporalQ is no temporal query",
	    "temporalQ ist keine Abfrage der Vergangenheit" },
	{ "temporalQ has a value of the wrong kind",
	    "temporalQ hat einen Wert von falscher Art" },
	/* ngsild/q.c, boolexpr.c */
	{ "q lacks an attribute name", "in q ist kein Attributname, wo einer "
	    "stehen muss" },
	{ "a path in q is too long", "ein Pfad in q ist zu lang" },
	{ "a path in brackets is malformed in q",
	    "ein Pfad in eckigen Klammern ist in q fehlerhaft" },
	{ "a string in q is not closed or no JSON string",
	    "eine Zeichenkette in q ist nicht geschlossen oder keine von "
	    "JSON" },
	{ "a value in q is no number, date, boolean or URI; strings stand in "
	  "quotes",
	    "ein Wert in q ist weder Zahl noch Datum, Wahrheitswert oder URI; "
	    "Zeichenketten stehen in Anführungszeichen" },
	{ "q has too many values", "q hat zu viele Werte" },
	{ "a range in q needs two numbers, strings, dates or times",
	    "ein Bereich in q braucht zwei Zahlen, Zeichenketten, Daten oder "
	    "Zeiten" },
	{ "a pattern in q is not closed",
	    "ein Muster in q ist nicht geschlossen" },
	{ "a pattern in q is empty", "ein Muster in q ist leer" },
	{ "q has more than 64 terms", "q hat mehr als 64 Ausdrücke" },
	{ "q is nested too deeply", "q ist zu tief verschachtelt" },
	{ "q lacks a closing parenthesis",
	    "in q ist eine Klammer nicht geschlossen" },
	{ "q closes no parenthesis",
	    "q schließt eine Klammer, die es nicht gibt" },
	{ "q is longer than 4096 bytes", "q ist länger als 4096 Bytes" },
	{ "q is not UTF-8", "q ist kein UTF-8" },
	{ "q is malformed behind a path or a value",
	    "q ist hinter einem Pfad oder Wert fehlerhaft" },
	{ "q compares by order with a number, string, date or time",
	    "q vergleicht der Größe nach nur mit einer Zahl, Zeichenkette, "
	    "einem Datum oder einer Zeit" },
	{ "q names something that is no attribute",
	    "q nennt etwas, das kein Attribut ist" },
	{ "q takes no IRI as an attribute name",
	    "q nimmt keine IRI als Attributnamen" },
	{ "an expression is malformed at a parenthesis",
	    "ein Ausdruck ist an einer Klammer fehlerhaft" },
	{ "an expression lacks a closing parenthesis",
	    "in einem Ausdruck ist eine Klammer nicht geschlossen" },
	{ "an expression of , | ; and parentheses lacks an operand",
	    "in einem Ausdruck aus , | ; und Klammern fehlt ein Operand" },
	{ "an expression is nested too deeply",
	    "ein Ausdruck ist zu tief verschachtelt" },
	/* ngsild/geo.c, scope.c */
	{ "the distance in georel is no number above zero",
	    "der Abstand in georel ist keine Zahl über null" },
	{ "georel near needs maxDistance== or minDistance==",
	    "georel near ist nur mit maxDistance== oder minDistance== "
	    "möglich" },
	{ "georel is no relation of the standard",
	    "georel ist keine Beziehung des Standards" },
	{ "coordinates are no JSON array",
	    "coordinates ist keine Liste von JSON" },
	{ "coordinates have more than 1000 vertices",
	    "coordinates hat mehr als 1000 Punkte" },
	{ "coordinates do not fit the geometry or are out of range",
	    "coordinates passt nicht zu geometry oder ist außerhalb" },
	{ "geometry is no geometry of the standard",
	    "geometry ist keine Geometrie des Standards" },
	{ "coordinates are too long", "coordinates ist zu lang" },
	{ "scopeQ is no path of the form /a/b, /a/+ or /a/#",
	    "scopeQ ist kein Pfad der Form /a/b, /a/+ oder /a/#" },
	{ "scopeQ is longer than 4096 bytes",
	    "scopeQ ist länger als 4096 Bytes" },
	{ "scopeQ is not UTF-8", "scopeQ ist kein UTF-8" },
	/* ngsild/pattern_parse.c */
	{ "a pattern ends in a backslash",
	    "ein Muster endet mit einem Rückstrich, das ist unvollständig" },
	{ "a backslash in a pattern stands before punctuation only",
	    "ein Rückstrich in einem Muster steht nur vor Satzzeichen" },
	{ "a range in a set runs backwards",
	    "ein Bereich in einer Menge läuft rückwärts" },
	{ "a set has too many characters", "eine Menge hat zu viele Zeichen" },
	{ "an unknown class in a set",
	    "eine Klasse in einer Menge gibt es nicht" },
	{ "a set is not closed", "eine Menge ist nicht geschlossen" },
	{ "collation in a set", "Kollation in einer Menge gibt es hier "
	    "nicht" },
	{ "a range ends in a class",
	    "ein Bereich endet mit einer Klasse" },
	{ "groups are nested too deeply",
	    "die Gruppen eines Musters sind zu tief verschachtelt" },
	{ "a group is not closed", "eine Gruppe ist nicht geschlossen" },
	{ "a quantifier has nothing to repeat",
	    "ein Quantor hat nichts, was er wiederholt" },
	{ "a repetition is no number from 0 to 100",
	    "eine Wiederholung ist keine Zahl von 0 bis 100" },
	{ "a repetition is malformed", "eine Wiederholung ist fehlerhaft" },
	{ "an anchor is repeated", "ein Anker ist nicht wiederholbar" },
	{ "two quantifiers in a row",
	    "zwei Quantoren folgen aufeinander, möglich ist einer" },
	{ "a pattern is longer than 512 bytes or not UTF-8",
	    "ein Muster ist länger als 512 Bytes oder kein UTF-8" },
	{ "a pattern closes no group",
	    "ein Muster schließt eine Gruppe, die es nicht gibt" },
	/* policies/registration*.c */
	{ "a member has a name that is none",
	    "ein Mitglied hat einen Namen, der keiner ist" },
	{ "null is no value of a member", "null ist kein Wert eines Mitglieds" },
	{ "a member of the owner's own is larger than 8192 bytes",
	    "ein eigenes Mitglied ist größer als 8192 Bytes" },
	{ "a member is there under two spellings",
	    "ein Mitglied steht in zwei Schreibweisen da; möglich ist eine" },
	{ "a member has a bad value", "ein Mitglied hat einen falschen Wert" },
	{ "more than 100 members of the owner's own",
	    "das sind mehr als 100 eigene Mitglieder" },
	{ "mode exclusive needs one entity with its id, and the names of its "
	  "attributes",
	    "mode exclusive braucht eine Entität mit id und die Namen ihrer "
	    "Attribute" },
	{ "mode exclusive is of one entity id, without a pattern",
	    "mode exclusive ist für eine einzige id ohne Muster" },
	{ "a registration needs an endpoint",
	    "eine Registrierung braucht ein endpoint" },
	{ "a registration needs information",
	    "eine Registrierung braucht information" },
	{ "type is ContextSourceRegistration",
	    "type ist ContextSourceRegistration" },
	{ "the id of a registration does not change",
	    "die id einer Registrierung ist nicht änderbar" },
	{ "information: entities is no list",
	    "information: entities ist keine Liste" },
	{ "information: more than 500 entities",
	    "information: das sind mehr als 500 Entitäten" },
	{ "information: propertyNames is no list of names",
	    "information: propertyNames ist keine Liste von Namen" },
	{ "information: relationshipNames is no list of names",
	    "information: relationshipNames ist keine Liste von Namen" },
	{ "information: each has entities, propertyNames or "
	  "relationshipNames, and nothing else",
	    "information: jedes hat entities, propertyNames oder "
	    "relationshipNames und nichts anderes" },
	{ "information: each of entities has a type, and either an id (a URI "
	  "without \"*\") or an idPattern or neither",
	    "information: jede Entität hat einen Typ und dazu entweder eine id "
	    "(eine URI ohne \"*\") oder ein idPattern oder keines von beiden" },
	{ "information is a list of 1 to 100 objects",
	    "information ist eine Liste von 1 bis 100 Objekten" },
	{ "id is no URI", "id ist keine URI" },
	{ "registrationName is text of at most 1024 bytes",
	    "registrationName ist Text von höchstens 1024 Bytes" },
	{ "description is text of at most 1024 bytes",
	    "description ist Text von höchstens 1024 Bytes" },
	{ "tenant is text of at most 255 bytes",
	    "tenant ist Text von höchstens 255 Bytes" },
	{ "tenant has blanks, quotes, commas, semicolons or letters beyond "
	  "ASCII",
	    "tenant hat Leerzeichen, Anführungszeichen, Kommas, Strichpunkte "
	    "oder Buchstaben außerhalb von ASCII" },
	{ "endpoint is an http or https URL: a host, a port, a plain path; no "
	  "user, query or escapes",
	    "endpoint ist eine URL mit http oder https: Host, Port, einfacher "
	    "Pfad, ohne Benutzer, Abfrage und Prozentzeichen" },
	{ "mode is inclusive, exclusive, redirect or auxiliary",
	    "mode ist inclusive, exclusive, redirect oder auxiliary" },
	{ "operations is a list of names",
	    "operations ist eine Liste von Namen" },
	{ "operations has a name that is none of the standard's",
	    "operations hat einen Namen, den der Standard nicht kennt" },
	{ "expiresAt is no DateTime", "expiresAt ist kein DateTime" },
	{ "refreshRate is a duration of ISO 8601",
	    "refreshRate ist eine Dauer nach ISO 8601" },
	{ "scope is a path such as /a/b, or a list of them",
	    "scope ist ein Pfad wie /a/b oder eine Liste davon" },
	{ "datasetId is a URI or \"@none\", or a list of them",
	    "datasetId ist eine URI oder \"@none\" oder eine Liste davon" },
	{ "location, observationSpace and operationSpace are geometries of "
	  "GeoJSON of at most 1000 vertices",
	    "location, observationSpace und operationSpace sind Geometrien von "
	    "GeoJSON mit höchstens 1000 Punkten" },
	{ "observationInterval and managementInterval have startAt and, if it "
	  "ended, endAt after it",
	    "observationInterval und managementInterval haben startAt und, wenn "
	    "es endet, ein späteres endAt, nicht mehr" },
	{ "contextSourceAlias is a pseudonym as Via has it",
	    "contextSourceAlias ist ein Pseudonym, wie es in Via steht" },
	{ "contextSourceInfo is a list of 1 to 50 objects",
	    "contextSourceInfo ist eine Liste von 1 bis 50 Objekten" },
	{ "contextSourceInfo: each has a key, the name of a header field, and "
	  "a value that fits into one",
	    "contextSourceInfo: jedes hat ein key, den Namen eines Kopffelds, "
	    "und ein value, das hineinpasst" },
	{ "contextSourceInfo: a key is there twice",
	    "contextSourceInfo: ein key steht zweimal da" },
	{ "management has localOnly (true or false), timeout and cooldown "
	  "(milliseconds) and cacheDuration (ISO 8601)",
	    "management hat localOnly (true oder false), timeout und cooldown "
	    "(Millisekunden) und cacheDuration (ISO 8601)" },
	{ "localOnly is true or false", "localOnly ist true oder false" },
};

/* What of the detail follows an entry that ends in "*", "" if it is equal;
 * NULL: it is another. */
static const char *
rest_of(const char *en, const char *detail)
{
	size_t n = strlen(en);

	if (n > 0 && en[n - 1] == '*')
		return (strncmp(en, detail, n - 1) == 0 ? detail + n - 1 :
							  NULL);
	return (strcmp(en, detail) == 0 ? "" : NULL);
}

bool
problem_german(const char *detail, const char **de_r, const char **rest_r)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *rest = rest_of(words[i].en, detail);

		if (rest == NULL)
			continue;
		*de_r = words[i].de;
		*rest_r = rest;
		return (true);
	}
	return (false);
}
