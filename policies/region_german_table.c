/* policies/region_german_table.c - the German texts; region_german_table.h says
 * which. In the order of the files that say them. */
#include "policies/region_german_table.h"

#include <inttypes.h>
#include <stddef.h>

const struct german german_templates[] = {
	{ "%s", "$1" },
	/* region.c, region_parse.c, region_value.c */
	{ "no file \"%.*s\" beside the region files%s",
	    "neben den Regionsdateien liegt keine Datei „$1“$2" },
	{ "bad name \"%.*s\" of %s; allowed: a small letter, then 1 to 40 of "
	  "a-z, 0-9 and -",
	    "der Name „$1“ von $2 ist nicht erlaubt; erlaubt ist ein "
	    "Kleinbuchstabe, dann 1 bis 40 Zeichen aus a-z, 0-9 und -" },
	{ "over %d files", "mehr als $1 Dateien" },
	{ "no region file: none of the files ends in .hub",
	    "keine Regionsdatei: keine der Dateien endet auf .hub" },
	{ "unknown key '%.*s' %s%s", "unbekannter Schlüssel „$1“ $2$3" },
	{ "%s %s", "$1 $2" },
	{ "%s%s%.*s is there twice: also at %.*s:%u",
	    "$1$2$3 steht zweimal da: auch in $4:$5" },
	{ "no region file \"%.*s\" to include; its name ends in .hub",
	    "es gibt keine Regionsdatei „$1“ zum Einbinden; ihr Name endet auf "
	    ".hub" },
	{ "libConfuse refuses it", "libConfuse nimmt es nicht an" },
	{ "over %d blocks", "mehr als $1 Blöcke" },
	{ "%s %.*s is there twice: also at %.*s:%u",
	    "$1 $2 steht zweimal da: auch in $3:$4" },
	{ "unknown %s '%.*s'%s", "$1 „$2“ gibt es nicht$3" },
	{ "%s is empty; allowed: %s", "$1 ist leer; erlaubt: $2" },
	{ "bad value \"%.*s\" of %s; allowed: %s",
	    "der Wert „$1“ von $2 ist nicht erlaubt; erlaubt: $3" },
	{ "bad value \"%.*s\" of %s; allowed: %s%s",
	    "der Wert „$1“ von $2 ist nicht erlaubt; erlaubt: $3$4" },
	{ "%s%s%.*s needs %s", "$1$2$3 braucht $4" },
	/* region_agreement.c */
	{ "agreement needs actions; allowed: query, retrieve, temporal, "
	  "subscribe",
	    "die Vereinbarung braucht actions; erlaubt: query, retrieve, "
	    "temporal, subscribe" },
	{ "agreement %.*s is over a registration that is not known here: its "
	  "shares are not checked, and it shares nothing until %.*s has "
	  "registered it",
	    "die Vereinbarung $1 betrifft eine Registrierung, die hier nicht "
	    "bekannt ist: ihre Freigaben sind nicht geprüft, und sie gibt "
	    "nichts frei, bis $2 sie registriert hat" },
	{ "provider and consumer are the same: an owner needs no agreement",
	    "Anbieter und Nutzer sind dieselben: wem die Daten gehören, der "
	    "braucht keine Vereinbarung" },
	{ "dataset %.*s belongs to %.*s: %.*s cannot share it",
	    "der Datensatz $1 gehört $2: $3 kann ihn nicht freigeben" },
	{ "valid ends before it begins", "valid endet, bevor es beginnt" },
	{ "bad value \"%.*s\" of valid; allowed: two days of the calendar, "
	  "both included, such as \"2026-06-01..2027-05-31\"",
	    "der Wert „$1“ von valid ist nicht erlaubt; erlaubt: zwei Tage des "
	    "Kalenders, beide eingeschlossen, etwa „2026-06-01..2027-05-31“" },
	{ "bad value \"%.*s\" of signed-by; allowed: TENANT:PERSON",
	    "der Wert „$1“ von signed-by ist nicht erlaubt; erlaubt: "
	    "MANDANT:PERSON" },
	{ "%.*s is neither provider nor consumer",
	    "$1 ist weder Anbieter noch Nutzer" },
	{ "agreement %.*s is a draft and shares nothing: the signature of %.*s "
	  "is missing",
	    "die Vereinbarung $1 ist ein Entwurf und gibt nichts frei: die "
	    "Unterschrift von $2 fehlt" },
	{ "an agreement with a price cannot be estimated",
	    "bei einer Vereinbarung mit Preis darf nicht geschätzt werden" },
	{ "agreement %.*s needs 1 to %d share blocks",
	    "die Vereinbarung $1 braucht 1 bis $2 Blöcke share" },
	{ "type %.*s is shared twice", "der Typ $1 ist zweimal freigegeben" },
	{ "crisis %.*s: history widens nothing, no share is limited to less",
	    "crisis $1: history erweitert nichts, keine Freigabe ist enger "
	    "begrenzt" },
	{ "crisis %.*s: quota widens nothing, the agreement's own is not "
	  "smaller",
	    "crisis $1: quota erweitert nichts, die der Vereinbarung ist nicht "
	    "kleiner" },
	{ "%.*s is no crisis authority (crisis-authority = true in its tenant "
	  "block)",
	    "$1 darf keine Krise ausrufen (crisis-authority = true im Block "
	    "tenant)" },
	{ "over %d crisis blocks", "mehr als $1 Blöcke crisis" },
	{ "crisis %.*s of one authority is there twice",
	    "crisis $1 derselben Behörde steht zweimal da" },
	{ "over %d agreements of one consumer and purpose over one dataset",
	    "mehr als $1 Vereinbarungen eines Nutzers für einen Zweck über "
	    "einen Datensatz" },
	/* region_basic.c */
	{ "bad day \"%.*s\" of population; allowed: a day of the calendar such "
	  "as 2018-12-31",
	    "der Tag „$1“ von population ist nicht erlaubt; erlaubt: ein Tag "
	    "des Kalenders, etwa 2018-12-31" },
	{ "bad value \"%.*s\" of may-register; allowed: https://HOST, where * "
	  "stands for a part of HOST",
	    "der Wert „$1“ von may-register ist nicht erlaubt; erlaubt: "
	    "https://HOST, wobei * für einen Teil von HOST steht" },
	{ "bad value \"%.*s\" of origins; allowed: https://HOST or "
	  "https://HOST:PORT in lower case",
	    "der Wert „$1“ von origins ist nicht erlaubt; erlaubt: "
	    "https://HOST oder https://HOST:PORT in Kleinbuchstaben" },
	{ "%.*s is not a JSON object", "$1 ist kein JSON-Objekt" },
	{ "%.*s holds no Polygon or MultiPolygon with closed rings and "
	  "coordinates in range (itself, a Feature, or a FeatureCollection of "
	  "one)",
	    "$1 enthält kein Polygon oder MultiPolygon mit geschlossenen "
	    "Ringen und Koordinaten im Bereich (selbst, als Feature oder als "
	    "FeatureCollection mit einem)" },
	{ "%s is no JSON entity or array of entities",
	    "$1 ist weder eine Entität in JSON noch ein Array von Entitäten" },
	{ "its @context is not one of the region's",
	    "sein @context ist keiner der Region" },
	{ "'%.*s' is no attribute name", "„$1“ ist kein Name eines Attributs" },
	{ "test %.*s expects nothing: it needs expect or absent",
	    "der Test $1 erwartet nichts: er braucht expect oder absent" },
	/* region_component.c, region_cost.c, region_model.c */
	{ "%s blocks do not belong to this key",
	    "Blöcke $1 gehören nicht zu diesem Schlüssel" },
	{ "this key needs %s blocks", "dieser Schlüssel braucht Blöcke $1" },
	{ "'%.*s' is not among members", "„$1“ ist nicht unter members" },
	{ "the title of a tier is a number of inhabitants",
	    "der Titel von tier ist eine Einwohnerzahl" },
	{ "one tier is there twice", "ein tier steht zweimal da" },
	{ "the weight of a tier is above that of the one before",
	    "das Gewicht eines tier ist größer als das des vorigen" },
	{ "what is above the last tier needs tier 0",
	    "was über dem letzten tier liegt, braucht tier 0" },
	{ "'%.*s' is there twice", "„$1“ steht zweimal da" },
	{ "this coalition is there twice", "diese coalition steht zweimal da" },
	{ "shapley takes at most %d members",
	    "shapley verträgt höchstens $1 Mitglieder" },
	{ "coalition %.*s is missing: what it would pay alone",
	    "es fehlt coalition $1: was sie allein zahlen würde" },
	{ "component %.*s needs key-date",
	    "die Komponente $1 braucht key-date" },
	{ "tenant %.*s has no population of %.*s",
	    "der Mandant $1 hat keine population vom $2" },
	{ "price needs flat-month or per-request",
	    "price braucht flat-month oder per-request" },
	{ "the cost ends before it begins",
	    "die Kosten enden, bevor sie beginnen" },
	{ "the cost runs for over a hundred years",
	    "die Kosten laufen über hundert Jahre" },
	{ "the cost does not run on these days",
	    "an diesen Tagen laufen die Kosten nicht" },
	{ "a cost has either amount or item blocks",
	    "Kosten haben entweder amount oder Blöcke item" },
	{ "over %d items", "mehr als $1 Positionen" },
	{ "charges or credits are over 10000000000.00 in all",
	    "Belastungen oder Gutschriften sind zusammen über "
	    "10000000000.00" },
	{ "tax-rate goes with tax = standard",
	    "tax-rate gehört zu tax = standard" },
	{ "tax-basis goes with tax", "tax-basis gehört zu tax" },
	{ "tax needs a tax-basis", "tax braucht tax-basis" },
	{ "component %.*s of model %.*s is fixed at %" PRId64 ".%02d, which is "
	  "not %u basis points of this amount",
	    "die Komponente $1 des Modells $2 ist auf $3.$4 festgelegt; das "
	    "sind nicht $5 Basispunkte dieses Betrags" },
	{ "maximum is below minimum", "maximum ist kleiner als minimum" },
	{ "model needs members", "model braucht members" },
	{ "'%.*s' has no ags, by which usage is counted",
	    "„$1“ hat keinen ags, nach dem die Nutzung gezählt wird" },
	{ "'%.*s' and '%.*s' have the same ags",
	    "„$1“ und „$2“ haben denselben ags" },
	{ "ends before it begins", "endet, bevor es beginnt" },
	{ "a meter of zeros", "ein meter aus lauter Nullen" },
	{ "over %d components", "mehr als $1 Komponenten" },
	{ "the basis-points of all components must be 10000, not %u",
	    "die basis-points aller Komponenten müssen 10000 ergeben, nicht "
	    "$1" },
	/* region_exclusive.c, region_issuer.c */
	{ "dataset %.*s has attribute <%.*s> of %.*s exclusively already",
	    "der Datensatz $1 hat das Attribut <$2> von $3 schon exklusiv" },
	{ "issuer needs algorithms; allowed: RS256, ES256",
	    "issuer braucht algorithms; erlaubt: RS256, ES256" },
	{ "%.*s is not verified by this version; allowed: RS256, ES256",
	    "$1 prüft diese Version nicht; erlaubt: RS256, ES256" },
	{ "issuer needs one of jwks (a URL) and jwks-file",
	    "issuer braucht entweder jwks (eine URL) oder jwks-file" },
	{ "keys are fetched by https; http is for loopback",
	    "Schlüssel werden mit https geholt; http ist für diesen Rechner "
	    "selbst" },
	{ "claim value '%.*s' is mapped twice",
	    "der Wert „$1“ ist zweimal zugeordnet" },
	{ "over %d map blocks in one issuer",
	    "mehr als $1 Blöcke map in einem issuer" },
	{ "issuer speaks for no tenant: its tokens are refused",
	    "issuer spricht für keinen Mandanten: seine Token werden "
	    "abgelehnt" },
	{ "the name of an issuer is its iss, an http or https URL",
	    "der Name von issuer ist sein iss, eine URL mit http oder https" },
	{ "%.*s: %s%s", "$1: $2$3" },
	{ "over %d contexts", "mehr als $1 Kontexte" },
	{ "bad value \"%.*s\" of %s; allowed: http or https, a host, a port, a "
	  "plain path; no user, query or escapes",
	    "der Wert „$1“ von $2 ist nicht erlaubt; erlaubt: http oder https, "
	    "ein Host, ein Port, ein einfacher Pfad; kein Benutzer, keine "
	    "Abfrage, keine Prozentzeichen" },
	/* region_share.c */
	{ "history = 0 shares nothing; without the key there is no limit",
	    "history = 0 gibt nichts frei; ohne den Schlüssel gibt es keine "
	    "Grenze" },
	{ "delay reaches beyond history",
	    "delay reicht über history hinaus" },
	{ "this share releases no attribute",
	    "dieser Block share gibt kein Attribut frei" },
	{ "dataset %.*s has no type '%.*s'%s",
	    "der Datensatz $1 hat keinen Typ „$2“$3" },
	{ "an empty list of areas; without the key there is no limit",
	    "eine leere Liste von Gebieten; ohne den Schlüssel gibt es keine "
	    "Grenze" },
	{ "without inside or outside this has no effect",
	    "ohne inside oder outside bewirkt das nichts" },
	{ "dataset %.*s has no attribute '%.*s'%s",
	    "der Datensatz $1 hat kein Attribut „$2“$3" },
	{ "'%.*s': one level of sub-attributes at most",
	    "„$1“: höchstens eine Ebene von Unterattributen" },
	{ "a sub-attribute of <%.*s> is allowed, the attribute is not: allow "
	  "it as well",
	    "ein Unterattribut von <$1> ist freigegeben, das Attribut nicht: "
	    "auch das Attribut gehört unter allow" },
	{ "'%.*s' is filterable but not allowed",
	    "„$1“ ist filterbar, aber nicht freigegeben" },
	{ "over 1024 bytes", "mehr als 1024 Bytes" },
	{ "'%.*s' is no type or attribute name",
	    "„$1“ ist kein Name eines Typs oder Attributs" },
	{ "'%.*s' is a term of no context",
	    "„$1“ ist ein Begriff in keinem Kontext" },
	{ "over %d forbid rules, counting what each name means in each context",
	    "mehr als $1 Verbote, wenn jede Bedeutung eines Namens zählt" },
	{ "over %d forbid rules", "mehr als $1 Verbote" },
	/* region_source.c, region_v2.c */
	{ "http to another machine can be read on the way: use https, or say "
	  "plain = true",
	    "http zu einem anderen Rechner ist unterwegs lesbar: https "
	    "verwenden oder plain = true schreiben" },
	{ "bad value of breaker; allowed: FAILURES/PAUSE such as \"5/5s\", 1 "
	  "to 1000 failures, 100ms to 10min",
	    "der Wert von breaker ist nicht erlaubt; erlaubt: FEHLER/PAUSE, "
	    "etwa „5/5s“, 1 bis 1000 Fehler, 100ms bis 10min" },
	{ "the context was not accepted",
	    "der Kontext wurde nicht angenommen" },
	{ "tokens are fetched by https; http is for loopback",
	    "Token werden mit https geholt; http ist für diesen Rechner "
	    "selbst" },
	{ "either oauth or bearer-file, not both",
	    "entweder oauth oder bearer-file, nicht beides" },
	{ "client-certificate and client-key go together",
	    "client-certificate und client-key gehören zusammen" },
	{ "dialect is for kind = ngsi-ld", "dialect gehört zu kind = ngsi-ld" },
	{ "such a source gives at most %u entities a page",
	    "eine solche Quelle liefert höchstens $1 Entitäten je Seite" },
	{ "'%.*s' is not a term of %.*s: it means <%.*s>",
	    "„$1“ ist kein Begriff von $2: es bedeutet <$3>" },
	{ "bad value \"%.*s\" of ids; allowed: a URI in which * stands for "
	  "anything, with its scheme",
	    "der Wert „$1“ von ids ist nicht erlaubt; erlaubt: eine URI mit "
	    "ihrem Schema, in der * für Beliebiges steht" },
	{ "dataset needs ids: the entity ids it may hold, such as "
	  "{\"urn:ngsi-ld:X:*\"}",
	    "dataset braucht ids: welche ids die Entitäten haben können, etwa "
	    "{\"urn:ngsi-ld:X:*\"}" },
	{ "'%s' is there twice", "„$1“ steht zweimal da" },
	{ "an empty list registers nothing; without the key any attribute may "
	  "be there",
	    "eine leere Liste registriert nichts; ohne den Schlüssel kann "
	    "jedes Attribut da sein" },
	{ "dataset %.*s needs 1 to %d type blocks",
	    "der Datensatz $1 braucht 1 bis $2 Blöcke type" },
	{ "type %.*s is there twice", "der Typ $1 steht zweimal da" },
	{ "personal data needs dpia = \"...\": where the impact assessment "
	  "(DSGVO Art. 35) is found",
	    "personenbezogene Daten brauchen dpia = \"...\": wo die "
	    "Datenschutz-Folgenabschätzung (Art. 35 DSGVO) zu finden ist" },
	{ "the licence asks for an attribution: the owner's name is taken",
	    "die Lizenz verlangt eine Namensnennung: der Name des Eigentümers "
	    "wird genommen" },
	{ "mode exclusive is for single entities: \"%.*s\" is a pattern",
	    "mode exclusive gilt einzelnen Entitäten: „$1“ ist ein Muster" },
	{ "mode exclusive needs the attributes of type %.*s",
	    "mode exclusive braucht die attributes des Typs $1" },
	{ "a tenant's name has no blanks, quotes, \",\" or \";\"",
	    "der Name eines Mandanten hat keine Leerzeichen, "
	    "Anführungszeichen, „,“ oder „;“" },
	{ "no operation here reads entities: it is never asked",
	    "keine Operation liest hier Entitäten: es wird nie gefragt" },
	{ "a Fiware-Service has lower case letters, digits and _, %d at most",
	    "ein Fiware-Service hat Kleinbuchstaben, Ziffern und _, höchstens "
	    "$1" },
	{ "bad value of service-path; allowed: up to %d paths such as \"/a/b\" "
	  "or \"/a/#\" with \",\" between them, letters, digits and _ in %d "
	  "levels of %d characters",
	    "der Wert von service-path ist nicht erlaubt; erlaubt: bis zu $1 "
	    "Pfade wie „/a/b“ oder „/a/#“, durch „,“ getrennt, Buchstaben, "
	    "Ziffern und _ in $2 Ebenen zu $3 Zeichen" },
	{ "an NGSI-v2 source has no history: it is not asked for any",
	    "eine Quelle mit NGSI-v2 hat keine Zeitreihen: sie wird nicht "
	    "danach gefragt" },
	{ "NGSI-v2 does not know local-only",
	    "NGSI-v2 kennt local-only nicht" },
	{ "service-path is for datasets of a source with kind = ngsi-v2",
	    "service-path gehört zu Datensätzen einer Quelle mit kind = "
	    "ngsi-v2" },
	/* region_transform.c */
	{ "%s %.*s: the attribute is also allowed, and allow wins",
	    "$1 $2: das Attribut steht auch unter allow, und das gilt" },
	{ "%s %.*s: createdAt or modifiedAt, which system releases, tell the "
	  "time more exactly",
	    "$1 $2: createdAt oder modifiedAt, die system freigibt, verraten "
	    "die Zeit genauer" },
	{ "a second transform of %.*s", "eine zweite Umwandlung von $1" },
	{ "over %d transforms", "mehr als $1 Umwandlungen" },
	{ "%s of <%.*s>: %.*s:%u, agreement %.*s, makes something else of it "
	  "for the same consumer, purpose, dataset, type and action",
	    "$1 von <$2>: die Vereinbarung $5 in $3:$4 macht daraus etwas "
	    "anderes, für denselben Nutzer, Zweck, Datensatz, Typ und Zugriff" },
	{ NULL, NULL }
};

const struct german german_forms[] = {
	{ "; nearest: *", "; am ähnlichsten: *" },
	{ "at the top of a file", "auf der obersten Ebene einer Datei" },
	{ "in *", "im Block *" },
	{ "its provider", "ihr Anbieter" },
	/* region_parse.c: what a node must look like */
	{ "(\"file\") is expected", "braucht dahinter (\"Datei\")" },
	{ "= {a, b} is expected", "braucht dahinter = {a, b}" },
	{ "= value is expected", "braucht dahinter = Wert" },
	{ "{ ... } is expected", "braucht dahinter { ... }" },
	{ "takes no title", "hat keinen Titel" },
	{ "needs a title before \"{\"", "braucht vor „{“ einen Titel" },
	{ "has a title with a backslash or line end, or over 1024 bytes",
	    "hat einen Titel mit Backslash oder Zeilenende oder von mehr als "
	    "1024 Bytes" },
	/* region_scan.c */
	{ "over 4 MiB", "größer als 4 MiB" },
	{ "a NUL byte", "ein NUL-Byte" },
	{ "\"${\" is not allowed: region files do not read the environment",
	    "„${“ ist nicht erlaubt: Regionsdateien lesen die Umgebung nicht" },
	{ "a control character", "ein Steuerzeichen" },
	{ "not UTF-8", "kein UTF-8" },
	{ "the file ends inside this block: } is missing",
	    "die Datei endet in diesem Block: es fehlt }" },
	{ "expected the name of a block or key",
	    "hier gehört der Name eines Blocks oder Schlüssels hin" },
	{ "too many keys in one file", "zu viele Schlüssel in einer Datei" },
	{ "expected \"=\" or \"{\"", "hier gehört „=“ oder „{“ hin" },
	{ "too many blocks (20000 at most)",
	    "zu viele Blöcke (höchstens 20000)" },
	{ "blocks nested too deeply", "zu tief verschachtelte Blöcke" },
	{ "expected a value", "hier gehört ein Wert hin" },
	{ "expected a value or \"}\"", "hier gehört ein Wert oder „}“ hin" },
	{ "over 1000 values in one list",
	    "mehr als 1000 Werte in einer Liste" },
	{ "expected \",\" or \"}\"", "hier gehört „,“ oder „}“ hin" },
	{ "expected a file name in quotes",
	    "hier gehört ein Dateiname in Anführungszeichen hin" },
	{ "expected \")\"", "hier gehört „)“ hin" },
	{ "a character that needs quotes around its value",
	    "ein Zeichen, dessentwegen der Wert in Anführungszeichen gehört" },
	{ "the file ends inside a comment",
	    "die Datei endet in einem Kommentar" },
	{ "put quotes around a value with characters beyond letters, digits, _ "
	  ". : / -",
	    "ein Wert mit anderen Zeichen als Buchstaben, Ziffern, _ . : / - "
	    "gehört in Anführungszeichen" },
	{ "put a blank before the comment",
	    "vor den Kommentar gehört ein Leerzeichen" },
	{ "escapes between double quotes are \\\" \\\\ \\n \\t, none between "
	  "single quotes",
	    "zwischen doppelten Anführungszeichen gibt es \\\" \\\\ \\n \\t, "
	    "zwischen einfachen nichts davon" },
	{ "the file ends inside this string",
	    "die Datei endet in diesem Text" },
	/* region_value.c: what is allowed */
	{ "one line of at most 1024 bytes",
	    "eine Zeile von höchstens 1024 Bytes" },
	{ "at most 64 KiB", "höchstens 64 KiB" },
	{ "a whole number from * to *", "eine ganze Zahl von * bis *" },
	{ "true or false", "true oder false" },
	{ "a duration (ms, s, min, h, d) from * to *",
	    "eine Dauer (ms, s, min, h, d) von * bis *" },
	{ "a distance such as 500m or 2km, at most 1000km",
	    "eine Entfernung wie 500m oder 2km, höchstens 1000km" },
	{ "an amount such as 2500.00, two places at most, up to 10000000000",
	    "ein Betrag wie 2500.00, höchstens zwei Nachkommastellen, bis "
	    "10000000000" },
	{ "a positive decimal number such as 0.05",
	    "eine positive Dezimalzahl wie 0.05" },
	{ "a day of the calendar such as 2026-12-31",
	    "ein Tag des Kalenders wie 2026-12-31" },
	{ "a time such as 2026-07-01T12:00:00Z",
	    "ein Zeitpunkt wie 2026-07-01T12:00:00Z" },
	{ "eight digits (Amtlicher Gemeindeschluessel)",
	    "acht Ziffern (Amtlicher Gemeindeschlüssel)" },
	{ "such as \"600/h\" or \"600/h burst 60 daily 5000 strict\" (per s, "
	  "min, h or d; the burst refills within a year)",
	    "etwa „600/h“ oder „600/h burst 60 daily 5000 strict“ (je s, min, "
	    "h oder d; der burst füllt sich binnen eines Jahres wieder)" },
	{ "one word of the list", "ein Wort der Liste" },
	/* region_issuer.c and server/ngsild/context*.c */
	{ " (not among the region's contexts, or they refer to each other in a "
	  "circle)",
	    " (nicht unter den Kontexten der Region, oder sie verweisen im "
	    "Kreis aufeinander)" },
	{ "the context is larger than 1 MiB",
	    "der Kontext ist größer als 1 MiB" },
	{ "the context has too many members or is nested too deeply",
	    "der Kontext hat zu viele Einträge oder ist zu tief "
	    "verschachtelt" },
	{ "the context is not valid JSON", "der Kontext ist kein JSON" },
	{ "the document is no JSON object with an \"@context\"",
	    "das Dokument ist kein JSON-Objekt mit einem „@context“" },
	{ "the core context is built in and not read from a file",
	    "der Kernkontext ist eingebaut und wird nicht aus einer Datei "
	    "gelesen" },
	{ "there is a context with this URL already: *",
	    "einen Kontext mit dieser URL gibt es schon: *" },
	{ "a context needs an absolute URL: *",
	    "ein Kontext braucht eine absolute URL: *" },
	{ "the context has too many terms", "der Kontext hat zu viele "
	    "Begriffe" },
	{ "the context refers to one that is not known: *",
	    "der Kontext verweist auf einen, der nicht bekannt ist: *" },
	{ "this part of JSON-LD is not supported: *",
	    "dieser Teil von JSON-LD wird nicht unterstützt: *" },
	{ "a context cannot have this member: *",
	    "ein Kontext kann diesen Eintrag nicht haben: *" },
	{ "this cannot be a term: *", "das kann kein Begriff sein: *" },
	{ "@vocab must be an IRI", "@vocab muss eine IRI sein" },
	{ "an @vocab relative to the document is not supported",
	    "ein @vocab relativ zum Dokument wird nicht unterstützt" },
	{ "an @context must be a URL, an object or an array of them",
	    "ein @context ist eine URL, ein Objekt oder ein Array davon" },
	{ "the @context has too many parts",
	    "der @context hat zu viele Teile" },
	{ "an IRI is longer than 2048 bytes: *",
	    "eine IRI ist länger als 2048 Bytes: *" },
	{ "this is no IRI: *", "das ist keine IRI: *" },
	{ "a term has a part that is not supported: *",
	    "ein Begriff hat einen Teil, der nicht unterstützt wird: *" },
	{ "a term has a part that makes no sense: *",
	    "ein Begriff hat einen Teil, der keinen Sinn ergibt: *" },
	{ "only @id and @type may have another name: *",
	    "nur @id und @type können einen anderen Namen haben: *" },
	{ "a term that is an IRI must mean itself: *",
	    "ein Begriff, der eine IRI ist, muss sich selbst bedeuten: *" },
	{ "this cannot be a prefix: *", "das kann kein Präfix sein: *" },
	{ "a term is defined by itself: *",
	    "ein Begriff ist durch sich selbst erklärt: *" },
	{ "too many terms are defined by one another: *",
	    "zu viele Begriffe sind durcheinander erklärt: *" },
	{ "a term must be an IRI, an object or null: *",
	    "ein Begriff ist eine IRI, ein Objekt oder null: *" },
	{ "the context has too many prefixes",
	    "der Kontext hat zu viele Präfixe" },
	{ NULL, NULL }
};
