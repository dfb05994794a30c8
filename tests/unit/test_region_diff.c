/* tests/unit/test_region_diff.c - what an edit of region files means: one
 * small edit, one sentence in two languages, and whether it widens; and what
 * a signature binds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policies/policy.h"
#include "policies/region_diff.h"
#include "policies/region_sign.h"

#define N CHANGE_NARROWS
#define W CHANGE_WIDENS
#define O CHANGE_NEUTRAL

static const char base_text[] =
    "tenant schwerte { name = Schwerte  ags = \"05978028\"\n"
    "  kind = municipality  may-register = {\"https://a.example\"} }\n"
    "tenant froendenberg { name = \"Fröndenberg\"  ags = \"05978012\"\n"
    "  kind = municipality }\n"
    "tenant kreis-unna { name = \"Kreis Unna\"  ags = \"05978000\"\n"
    "  kind = district  crisis-authority = true }\n"
    "issuer \"https://idm.example\" { jwks = \"https://idm.example/keys\"\n"
    "  audience = hub  algorithms = {RS256}  typ = \"at+jwt\"\n"
    "  tenant-claim = t  roles-path = \"r\"  max-ttl = 30min  skew = 30s\n"
    "  speaks-for = {schwerte} }\n"
    "source broker { owner = schwerte  endpoint = \"https://b.example\"\n"
    "  timeout = 2s  bearer-file = \"secrets/a\" }\n"
    "dataset pegel { source = broker  title = Pegel  licence = internal\n"
    "  ids = {\"urn:a:*\"}  operations = {queryEntity}  priority = 10\n"
    "  upstream-tenant = pegel\n"
    "  type WaterObserved { attributes = {waterLevel, flow, refDevice,\n"
    "    location} }\n"
    "  type FloodMonitoring { } }\n"
    "dataset still { source = broker  ids = {\"urn:s:*\"}  type T { } }\n"
    "purpose hochwasser { title = Hochwasserschutz }\n"
    "purpose klima { title = Klima }\n"
    "area ort { geojson-file = \"a.json\" }\n"
    "area rand { geojson-file = \"b.json\" }\n"
    "price frei { flat-month = 0.00 }\n"
    "cost betrieb { title = Betrieb  amount = 100.00  from = 2026-01-01\n"
    "  to = 2026-12-31  model = gleich }\n"
    "model gleich { version = 1  members = {schwerte, froendenberg}\n"
    "  component alles { basis-points = 10000  key = equal } }\n"
    "agreement vertrag { version = 1  provider = schwerte\n"
    "  consumer = froendenberg  dataset = pegel  purpose = hochwasser\n"
    "  actions = {query, retrieve}  valid = \"2026-06-01..2027-05-31\"\n"
    "  document = \"Az. 1\"  quota = \"600/h burst 60\"\n"
    "  signed-by = {\"schwerte:a\", \"froendenberg:b\"}\n"
    "  share WaterObserved { inside = {ort}  buffer = 2km\n"
    "    without-location = drop  history = 90d  delay = 1h\n"
    "    allow = {flow, \"flow.unit\", location}  filterable = {flow}\n"
    "    system = {modifiedAt}\n"
    "    round waterLevel { to = 0.05 } }\n"
    "  share FloodMonitoring { outside = {rand}  buffer = 1km\n"
    "    allow = {level} }\n"
    "  crisis flut { authority = kreis-unna  history = 365d\n"
    "    quota = \"6000/h\"  max = 72h  report = 7d } }\n"
    "agreement entwurf { version = 1  provider = schwerte\n"
    "  consumer = kreis-unna  dataset = pegel  purpose = klima\n"
    "  actions = {query}  valid = \"2026-06-01..2027-05-31\"\n"
    "  signed-by = {\"schwerte:a\"}\n"
    "  share WaterObserved { allow = {flow} } }\n"
    "forbid geraete { attribute = refDevice  reason = \"IT-Sicherheit\" }\n"
    "forbid sonde { type = WaterObserved  attribute = probe\n"
    "  consumer = froendenberg  reason = \"Vertraulich\" }\n";

static const char area_text[] = "{\"type\":\"Polygon\",\"coordinates\":[[[7.5,"
    "51.4],[7.6,51.4],[7.6,51.5],[7.5,51.5],[7.5,51.4]]]}";
static const char other_area[] = "{\"type\":\"Polygon\",\"coordinates\":[[[7.1,"
    "51.4],[7.2,51.4],[7.2,51.5],[7.1,51.5],[7.1,51.4]]]}";

/* A region and what it is made of. */
struct side {
	struct arena *arena;
	struct region *region;
};

static void
side_init(struct side *s, const char *text, const char *area)
{
	const struct region_file files[] = { { STR("a.hub"), str_of(text) },
		{ STR("a.json"), str_of(area) },
		{ STR("b.json"), str_of(other_area) } };
	struct region_message *m;
	unsigned n;

	s->arena = arena_new();
	s->region = NULL;
	if (region_parse(files, 3, &s->region, s->arena, &m, &n) != HUB_OK)
		for (unsigned i = 0; i < n; i++)
			if (!m[i].warning)
				print_message("%u:%u: %s\n", m[i].line,
				    m[i].column, m[i].text.p);
	assert_non_null(s->region);
}

static void
side_clear(struct side *s)
{
	region_free(s->region);
	arena_free(s->arena);
}

/* The base with one piece replaced; "" in place of from: put at the end. */
static char *
edited(const char *from, const char *to)
{
	size_t len = sizeof(base_text) + strlen(to) + 1;
	char *text = xcalloc(1, len);
	const char *at = from[0] != '\0' ? strstr(base_text, from) :
					   base_text + sizeof(base_text) - 1;

	if (at == NULL)
		fail_msg("not in the base: %s", from);
	(void)snprintf(text, len, "%.*s%s%s", (int)(at - base_text), base_text,
	    to, at + strlen(from));
	return (text);
}

struct edit {
	const char *from, *to;
	enum change_kind kind;
	enum change_kind back; /* of the edit undone */
	const char *en, *de;   /* of what is first in the list */
};

#define BOTH_WAYS(from, to, en, de) { from, to, W, N, en, de }
#define ALIKE(from, to, kind, en, de) { from, to, kind, kind, en, de }

static const struct edit edits[] = {
	/* attributes */
	BOTH_WAYS("allow = {flow, \"flow.unit\", location}",
	    "allow = {flow, \"flow.unit\", location, refDevice}",
	    "Schwerte additionally gives Fröndenberg refDevice of "
	    "WaterObserved for Hochwasserschutz.",
	    "Schwerte gibt Fröndenberg für Hochwasserschutz zusätzlich "
	    "refDevice von WaterObserved weiter."),
	BOTH_WAYS("\"flow.unit\", location",
	    "\"flow.unit\", \"flow.error\", location",
	    "Schwerte additionally gives Fröndenberg the sub-attribute "
	    "flow.error of WaterObserved for Hochwasserschutz.",
	    "Schwerte gibt Fröndenberg für Hochwasserschutz zusätzlich das "
	    "Unterattribut flow.error von WaterObserved weiter."),
	BOTH_WAYS("round waterLevel { to = 0.05 }",
	    "round waterLevel { to = 0.01 }",
	    "Schwerte now gives Fröndenberg waterLevel of WaterObserved for "
	    "Hochwasserschutz rounded to 0.01, not rounded to 0.05.",
	    "Schwerte gibt Fröndenberg für Hochwasserschutz waterLevel von "
	    "WaterObserved jetzt gerundet auf 0,01 weiter, nicht gerundet auf "
	    "0,05."),
	ALIKE("round waterLevel { to = 0.05 }", "round waterLevel { to = 0.07 }",
	    W, "Schwerte now gives Fröndenberg waterLevel of WaterObserved for "
	    "Hochwasserschutz rounded to 0.07, not rounded to 0.05.",
	    NULL),
	ALIKE("round waterLevel { to = 0.05 }", "bucket waterLevel { by = 5 }",
	    W, NULL, "Schwerte gibt Fröndenberg für Hochwasserschutz "
	    "waterLevel von WaterObserved jetzt in Stufen zu 5 weiter, nicht "
	    "gerundet auf 0,05."),
	ALIKE("round waterLevel { to = 0.05 }",
	    "constant waterLevel { value = \"x\" }", W, NULL, NULL),
	BOTH_WAYS("round waterLevel { to = 0.05 }",
	    "round waterLevel { to = 0.05 } grid refDevice { to = 500m }",
	    "Schwerte additionally gives Fröndenberg refDevice of "
	    "WaterObserved for Hochwasserschutz, on a grid of 500 m.",
	    "Schwerte gibt Fröndenberg für Hochwasserschutz zusätzlich "
	    "refDevice von WaterObserved weiter, im Raster von 500 m."),
	{ "allow = {flow, \"flow.unit\", location}  filterable = {flow}",
	    "allow = {location} round flow { to = 1 }", N, W, NULL, NULL },
	/* allow beats a transform: nothing changes for anybody */
	{ "allow = {flow, \"flow.unit\", location}",
	    "allow = {flow, \"flow.unit\", location} round flow { to = 1 }", O,
	    O, "", "" },
	BOTH_WAYS("filterable = {flow}", "filterable = {flow, location}",
	    NULL, NULL),
	BOTH_WAYS("system = {modifiedAt}", "system = {modifiedAt, scope}",
	    "Schwerte additionally gives Fröndenberg scope of WaterObserved "
	    "for Hochwasserschutz.",
	    "Schwerte gibt Fröndenberg für Hochwasserschutz zusätzlich scope "
	    "von WaterObserved weiter."),
	/* places */
	BOTH_WAYS("inside = {ort}", "inside = {ort, rand}",
	    "Schwerte additionally gives Fröndenberg WaterObserved from the "
	    "area rand for Hochwasserschutz.",
	    "Schwerte gibt Fröndenberg für Hochwasserschutz WaterObserved "
	    "zusätzlich aus dem Gebiet rand weiter."),
	BOTH_WAYS("inside = {ort}  buffer = 2km\n    without-location = drop",
	    "", "Schwerte now gives Fröndenberg WaterObserved for "
	    "Hochwasserschutz from everywhere, not only from inside ort.",
	    "Schwerte gibt Fröndenberg für Hochwasserschutz WaterObserved "
	    "jetzt von überall weiter, nicht nur aus ort."),
	BOTH_WAYS("outside = {rand}  buffer = 1km", "",
	    "Schwerte no longer withholds FloodMonitoring in the area rand "
	    "from Fröndenberg for Hochwasserschutz.",
	    "Schwerte hält Fröndenberg für Hochwasserschutz FloodMonitoring "
	    "im Gebiet rand nicht mehr zurück."),
	BOTH_WAYS("buffer = 2km", "buffer = 3km",
	    "Schwerte to Fröndenberg, Hochwasserschutz: the buffer of "
	    "WaterObserved is now 3 km, was 2 km.",
	    "Schwerte an Fröndenberg, Hochwasserschutz: der Pufferabstand von "
	    "WaterObserved ist jetzt 3 km, war 2 km."),
	/* further away from what is withheld: less */
	{ "buffer = 1km", "buffer = 2km", N, W, NULL, NULL },
	BOTH_WAYS("without-location = drop", "without-location = keep",
	    "Schwerte now gives Fröndenberg WaterObserved without a location, "
	    "too, for Hochwasserschutz.",
	    "Schwerte gibt Fröndenberg für Hochwasserschutz WaterObserved "
	    "jetzt auch ohne Ortsangabe weiter."),
	/* times */
	BOTH_WAYS("history = 90d", "history = 91d",
	    "Schwerte to Fröndenberg, Hochwasserschutz: the history of "
	    "WaterObserved is now 91 days, was 90 days.",
	    "Schwerte an Fröndenberg, Hochwasserschutz: die Rückschau von "
	    "WaterObserved ist jetzt 91 Tage, war 90 Tage."),
	BOTH_WAYS("history = 90d", "", NULL,
	    "Schwerte an Fröndenberg, Hochwasserschutz: die Rückschau von "
	    "WaterObserved ist jetzt unbegrenzt, war 90 Tage."),
	BOTH_WAYS("delay = 1h", "delay = 30min",
	    "Schwerte to Fröndenberg, Hochwasserschutz: the delay of "
	    "WaterObserved is now 30 minutes, was 1 hour.", NULL),
	/* terms */
	BOTH_WAYS("2026-06-01..2027-05-31\"\n  document",
	    "2026-06-01..2027-06-30\"\n  document",
	    "agreement vertrag is now valid from 2026-06-01 to 2027-06-30, "
	    "was from 2026-06-01 to 2027-05-31.",
	    "Vereinbarung vertrag gilt jetzt vom 01.06.2026 bis 30.06.2027, "
	    "bisher vom 01.06.2026 bis 31.05.2027."),
	ALIKE("2026-06-01..2027-05-31\"\n  document",
	    "2026-07-01..2027-06-30\"\n  document", W, NULL, NULL),
	BOTH_WAYS("actions = {query, retrieve}",
	    "actions = {query, retrieve, temporal}",
	    "agreement vertrag: what may be done now includes temporal.",
	    "Vereinbarung vertrag: die Liste erlaubter Zugriffe umfasst "
	    "zusätzlich Zeitreihen."),
	BOTH_WAYS("600/h burst 60", "700/h burst 60",
	    "agreement vertrag: the quota is now 700/h burst 60, was 600/h "
	    "burst 60.",
	    "Vereinbarung vertrag: das Kontingent ist jetzt 700/h burst 60, "
	    "war 600/h burst 60."),
	ALIKE("600/h burst 60", "700/h burst 50", W, NULL, NULL),
	ALIKE("600/h burst 60", "10/min burst 60", O, NULL, NULL),
	BOTH_WAYS("quota = \"600/h burst 60\"", "", NULL, NULL),
	ALIKE("version = 1  provider = schwerte\n  consumer = froendenberg",
	    "version = 2  provider = schwerte\n  consumer = froendenberg", O,
	    "agreement vertrag: the version is now 2, was 1.",
	    "Vereinbarung vertrag: die Fassung ist jetzt 2, war 1."),
	ALIKE("Az. 1", "Az. 2", O, NULL, NULL),
	ALIKE("document = ", "price = frei document = ", O,
	    "agreement vertrag: the price is now frei, was not given.", NULL),
	ALIKE("purpose = hochwasser\n", "purpose = klima\n", W,
	    "agreement vertrag: the purpose is now klima, was hochwasser.",
	    "Vereinbarung vertrag: der Zweck ist jetzt klima, war "
	    "hochwasser."),
	ALIKE("consumer = froendenberg  dataset = pegel  purpose = hochwasser\n"
	    "  actions = {query, retrieve}  valid = \"2026-06-01..2027-05-31\"\n"
	    "  document = \"Az. 1\"  quota = \"600/h burst 60\"\n"
	    "  signed-by = {\"schwerte:a\", \"froendenberg:b\"}",
	    "consumer = kreis-unna  dataset = pegel  purpose = hochwasser\n"
	    "  actions = {query, retrieve}  valid = \"2026-06-01..2027-05-31\"\n"
	    "  document = \"Az. 1\"  quota = \"600/h burst 60\"\n"
	    "  signed-by = {\"schwerte:a\", \"kreis-unna:b\"}", W, NULL, NULL),
	/* signatures */
	BOTH_WAYS("signed-by = {\"schwerte:a\"}",
	    "signed-by = {\"schwerte:a\", \"kreis-unna:c\"}",
	    "Schwerte now gives Kreis Unna for Klima from 2026-06-01 to "
	    "2027-05-31 flow of WaterObserved (agreement entwurf).",
	    "Schwerte gibt Kreis Unna für Klima vom 01.06.2026 bis 31.05.2027 "
	    "neu weiter: flow von WaterObserved (Vereinbarung entwurf)."),
	{ "\"schwerte:a\", \"froendenberg:b\"", "\"schwerte:a\"", N, W,
	    "Schwerte no longer gives Fröndenberg anything for "
	    "Hochwasserschutz under this agreement (agreement vertrag): a "
	    "signature is missing.",
	    "Schwerte gibt Fröndenberg für Hochwasserschutz nach dieser "
	    "Vereinbarung nichts mehr weiter (Vereinbarung vertrag): eine "
	    "Unterschrift fehlt." },
	ALIKE("froendenberg:b", "froendenberg:c", O, NULL, NULL),
	ALIKE("purpose = klima\n  actions = {query}",
	    "purpose = klima\n  actions = {query, temporal}", O,
	    "agreement entwurf changed; it still shares nothing.",
	    "Vereinbarung entwurf wurde geändert; sie gibt weiterhin nichts "
	    "weiter."),
	/* share blocks */
	{ "  share FloodMonitoring { outside = {rand}  buffer = 1km\n"
	    "    allow = {level} }\n", "", N, W,
	    "Schwerte no longer gives Fröndenberg FloodMonitoring for "
	    "Hochwasserschutz.",
	    "Schwerte gibt Fröndenberg für Hochwasserschutz FloodMonitoring "
	    "nicht mehr weiter." },
	/* crises */
	{ "  crisis flut { authority = kreis-unna  history = 365d\n"
	    "    quota = \"6000/h\"  max = 72h  report = 7d }", "", N, W,
	    "agreement vertrag: a crisis flut of Kreis Unna no longer widens "
	    "it.", NULL },
	BOTH_WAYS("history = 365d", "history = 366d", NULL, NULL),
	BOTH_WAYS("quota = \"6000/h\"", "quota = \"7000/h\"", NULL, NULL),
	{ "max = 72h", "max = 48h", N, W, NULL, NULL },
	ALIKE("report = 7d", "report = 8d", O, NULL, NULL),
	/* forbids */
	{ "", "forbid neu { attribute = flow  reason = \"Prüfung\" }\n", N, W,
	    "forbid neu is new: Prüfung.", "Neues Verbot: neu: Prüfung." },
	{ "consumer = froendenberg  reason", "reason", N, W, NULL, NULL },
	ALIKE("attribute = probe", "attribute = probe2", W,
	    "forbid sonde no longer forbids all that it did.", NULL),
	BOTH_WAYS("consumer = froendenberg  reason",
	    "consumer = froendenberg  crisis-override = true  reason", NULL,
	    NULL),
	ALIKE("IT-Sicherheit", "Sicherheit", O, NULL, NULL),
	/* datasets */
	BOTH_WAYS("ids = {\"urn:a:*\"}", "ids = {\"urn:a:*\", \"urn:b:*\"}",
	    "dataset pegel: the list of ids now includes urn:b:*.",
	    "Datensatz pegel: die Liste der Kennungen umfasst zusätzlich "
	    "urn:b:*."),
	ALIKE("ids = {\"urn:s:*\"}", "ids = {\"urn:s:*\", \"urn:t:*\"}", O,
	    NULL, NULL),
	BOTH_WAYS("type FloodMonitoring { }",
	    "type FloodMonitoring { } type U { }", NULL, NULL),
	BOTH_WAYS("flow, refDevice,\n", "flow, refDevice, probe,\n",
	    "dataset pegel: the list of attributes of WaterObserved now "
	    "includes probe.", NULL),
	{ "type FloodMonitoring { }",
	    "type FloodMonitoring { attributes = {level} }", N, W, NULL,
	    NULL },
	BOTH_WAYS("operations = {queryEntity}",
	    "operations = {queryEntity, retrieveEntity}", NULL, NULL),
	ALIKE("upstream-tenant = pegel", "upstream-tenant = alles", W,
	    "dataset pegel: the tenant asked for at the source is now alles, "
	    "was pegel.", NULL),
	ALIKE("priority = 10", "priority = 10 mode = auxiliary", W, NULL,
	    NULL),
	ALIKE("priority = 10", "priority = 20", O, NULL, NULL),
	ALIKE("licence = internal", "licence = cc-zero-1-0", W, NULL, NULL),
	BOTH_WAYS("licence = internal",
	    "licence = internal  personal-data = indirect  dpia = \"DSFA 1\"",
	    "dataset pegel: the reference to persons is now indirect, was "
	    "none.",
	    "Datensatz pegel: der Personenbezug ist jetzt mittelbar, war "
	    "keiner."),
	BOTH_WAYS("priority = 10", "priority = 10  publish = open", NULL,
	    NULL),
	ALIKE("title = Pegel", "title = Wasser", O, NULL, NULL),
	/* sources */
	ALIKE("https://b.example", "https://c.example", W, NULL, NULL),
	ALIKE("secrets/a", "secrets/b", W,
	    "source broker: the credential (bearer-file) is now secrets/b, "
	    "was secrets/a.", NULL),
	ALIKE("timeout = 2s", "timeout = 3s", O, NULL,
	    "Quelle broker: die Wartezeit ist jetzt 3 Sekunden, war 2 "
	    "Sekunden."),
	/* tenants */
	{ "kind = municipality }\ntenant kreis",
	    "kind = municipality  status = suspended }\ntenant kreis", N, W,
	    "tenant froendenberg: now suspended, was active.",
	    "Mandant froendenberg: jetzt gesperrt, war aktiv." },
	ALIKE("05978012", "05978016", W, NULL, NULL),
	ALIKE("name = \"Kreis Unna\"", "name = \"Kreis\"", O, NULL, NULL),
	BOTH_WAYS("{\"https://a.example\"}",
	    "{\"https://a.example\", \"https://b.example\"}", NULL, NULL),
	/* issuers */
	BOTH_WAYS("speaks-for = {schwerte}",
	    "speaks-for = {schwerte, froendenberg}",
	    "issuer https://idm.example may now speak for froendenberg (claim "
	    "value froendenberg).",
	    "Aussteller https://idm.example darf jetzt für froendenberg "
	    "sprechen (Wert froendenberg)."),
	BOTH_WAYS("algorithms = {RS256}", "algorithms = {RS256, ES256}", NULL,
	    NULL),
	BOTH_WAYS("typ = \"at+jwt\"", "typ = \"legacy-bearer\"", NULL, NULL),
	BOTH_WAYS("max-ttl = 30min", "max-ttl = 1h", NULL, NULL),
	{ "skew = 30s", "skew = 10s", N, W, NULL, NULL },
	ALIKE("audience = hub", "audience = hub2", W, NULL, NULL),
	ALIKE("idm.example/keys", "idm.example/keys2", W, NULL, NULL),
	ALIKE("tenant-claim = t", "tenant-claim = u", W, NULL, NULL),
	{ "skew = 30s", "skew = 30s  tokens-before = \"2026-01-01T00:00:00Z\"",
	    N, W, NULL, NULL },
	/* costs: nobody sees more for them */
	ALIKE("amount = 100.00", "amount = 120.50", O,
	    "cost betrieb: the amount is now 120.50 EUR, was 100.00 EUR.",
	    "Kosten betrieb: der Betrag ist jetzt 120,50 EUR, war 100,00 "
	    "EUR."),
	{ "amount = 100.00", "amount = 100.00  correct-from = 2.50", O, O,
	    "cost betrieb: corrections are posted from 2.50 EUR for a member "
	    "on, was 1.00 EUR.",
	    "Kosten betrieb: berichtigt wird ab 2,50 EUR für ein Mitglied, "
	    "bisher 1,00 EUR." },
	ALIKE("amount = 100.00", "amount = 100.00  account = \"523100\"", O,
	    "cost betrieb: the account is now 523100, was not given.",
	    "Kosten betrieb: das Sachkonto ist jetzt 523100, war ohne "
	    "Angabe."),
	ALIKE("amount = 100.00", "item miete { amount = 100.00  kind = credit "
	    "voucher = \"RE 7\"  title = Miete  to = 2026-03-31 }", O,
	    "item miete of cost betrieb is new: -100.00 EUR, from 2026-01-01 "
	    "to 2026-03-31, RE 7, Miete.",
	    "Position miete der Kosten betrieb ist neu: -100,00 EUR, vom "
	    "01.01.2026 bis 31.03.2026, RE 7, Miete."),
	ALIKE("to = 2026-12-31", "to = 2026-11-30", O,
	    "cost betrieb now runs from 2026-01-01 to 2026-11-30, was from "
	    "2026-01-01 to 2026-12-31.", NULL),
	ALIKE("key = equal", "key = usage on-zero = equal", O,
	    "model gleich changed: costs are shared otherwise.",
	    "Kostenmodell gleich wurde geändert: die Kosten werden anders "
	    "geteilt."),
	ALIKE("component alles", "member schwerte { alone = 5.00 }\n"
	    "component alles", O,
	    "model gleich changed: what members would pay alone.", NULL),
	/* what nobody notices */
	ALIKE("purpose klima { title = Klima }",
	    "purpose klima { title = Klimaanpassung }", O, NULL, NULL),
	ALIKE("", "purpose neu { title = Neu }\n", O, "purpose neu is new.",
	    NULL),
	/* a removed one takes nothing with it that was not named */
	{ "", "tenant neu { name = Neu  kind = city }\n", O, N, NULL,
	    NULL },
};

/* All that is wrong is worth seeing at once. */
static unsigned nwrong;

static void
wrong(const char *what, const struct edit *e, const char *got)
{
	print_error("%s: %s -> %s: %s\n", what, e->from, e->to, got);
	nwrong++;
}

static void
check_first(const struct edit *e, const struct region_change *c, unsigned n)
{
	if (e->en != NULL && e->en[0] == '\0') {
		if (n > 0)
			wrong("a change", e, c[0].en.p);
		return;
	}
	if (n == 0) {
		wrong("no change", e, "");
		return;
	}
	if (e->en != NULL && strcmp(c[0].en.p, e->en) != 0)
		wrong("another sentence", e, c[0].en.p);
	if (e->de != NULL && strcmp(c[0].de.p, e->de) != 0)
		wrong("another sentence", e, c[0].de.p);
	for (unsigned i = 0; i < n; i++) {
		assert_true(c[i].en.len > 0 && c[i].de.len > 0);
		assert_null(memchr(c[i].en.p, '$', c[i].en.len));
		assert_null(memchr(c[i].de.p, '$', c[i].de.len));
	}
}

static void
check_kind(const struct edit *e, const char *way, enum change_kind want,
    const struct region_change *c, unsigned n)
{
	enum change_kind got = n > 0 ? c[0].kind : CHANGE_NEUTRAL;

	if (got == want)
		return;
	print_error("%s is %s, want %s: ", way, region_change_words[got],
	    region_change_words[want]);
	wrong("judged", e, n > 0 ? c[0].en.p : "-");
}

static void
judges_each_small_edit(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		const struct edit *e = &edits[i];
		const struct region_change *c;
		char *text = edited(e->from, e->to);
		struct side a, b;
		unsigned n;

		side_init(&a, base_text, area_text);
		side_init(&b, text, area_text);
		region_diff(a.region, b.region, a.arena, &c, &n);
		check_kind(e, "the edit", e->kind, c, n);
		check_first(e, c, n);
		assert_int_equal(region_widens(c, n), e->kind == W);
		region_diff(b.region, a.region, a.arena, &c, &n);
		check_kind(e, "the edit undone", e->back, c, n);
		/* Whatever was said: with itself there is no difference. */
		region_diff(b.region, b.region, a.arena, &c, &n);
		assert_int_equal(n, 0);
		side_clear(&a);
		side_clear(&b);
		free(text);
	}
	assert_int_equal(nwrong, 0);
}

/* The same region, laid out by somebody else. */
static char *
reformatted(void)
{
	char *text = edited("agreement vertrag {",
	    "# a comment of many words\nagreement \tvertrag\n{\n");
	char *p;

	for (p = strstr(text, "\n  "); p != NULL; p = strstr(p + 1, "\n  "))
		p[1] = '\t';
	return (text);
}

static void
shows_nothing_for_layout_and_order(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "actions = {query, retrieve}", "actions = {retrieve, query}" },
		{ "{flow, \"flow.unit\", location}",
		    "{location, flow, \"flow.unit\"}" },
		{ "history = 90d", "history = 2160h" },
		{ "buffer = 2km", "buffer = 2000m" },
		{ "delay = 1h", "delay = 60min" },
		{ "{ to = 0.05 }", "{ to = 0.050 }" },
		{ "\"schwerte:a\", \"froendenberg:b\"",
		    "\"froendenberg:b\", \"schwerte:a\"" },
	};
	const struct region_change *c;
	struct side a, b;
	unsigned n;
	char *text;

	(void)state;
	side_init(&a, base_text, area_text);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) + 1; i++) {
		text = i > 0 ? edited(cases[i - 1].from, cases[i - 1].to) :
			       reformatted();
		side_init(&b, text, area_text);
		region_diff(a.region, b.region, a.arena, &c, &n);
		if (n > 0)
			fail_msg("case %zu: %s", i, c[0].en.p);
		side_clear(&b);
		free(text);
	}
	side_clear(&a);
}

static void
takes_other_borders_for_wider(void **state)
{
	const struct region_change *c;
	struct side a, b;
	unsigned n;

	(void)state;
	side_init(&a, base_text, area_text);
	side_init(&b, base_text, other_area);
	region_diff(a.region, b.region, a.arena, &c, &n);
	assert_int_equal(n, 1);
	assert_int_equal(c[0].kind, CHANGE_WIDENS);
	assert_string_equal(c[0].de.p,
	    "Gebiet ort: die Grenzen sind andere.");
	side_clear(&a);
	side_clear(&b);
}

static void
binds_what_is_accepted_to_texts_and_consequences(void **state)
{
	const unsigned char x[32] = { 1 }, y[32] = { 2 };
	const struct region_change *c;
	unsigned char one[32], two[32];
	char *text = edited("history = 90d", "history = 91d");
	struct side a, b;
	unsigned n;

	(void)state;
	side_init(&a, base_text, area_text);
	side_init(&b, text, area_text);
	region_diff(a.region, b.region, a.arena, &c, &n);
	region_diff_hash(x, y, c, n, one);
	region_diff_hash(x, y, c, n, two);
	assert_memory_equal(one, two, 32);
	region_diff_hash(y, x, c, n, two);
	assert_memory_not_equal(one, two, 32);
	region_diff_hash(x, y, c, 0, two);
	assert_memory_not_equal(one, two, 32);
	/* From nothing all is new, and nothing widens but what is signed. */
	region_diff(NULL, a.region, a.arena, &c, &n);
	assert_true(region_widens(c, n));
	side_clear(&a);
	side_clear(&b);
	free(text);
}

/* ---- signatures */

static struct region_agreement
agreement(const struct side *s, const char *name)
{
	for (unsigned i = 0; i < s->region->nagreements; i++)
		if (str_eq(s->region->agreements[i].name, str_of(name)))
			return (s->region->agreements[i]);
	fail_msg("no agreement %s", name);
	return (s->region->agreements[0]);
}

static void
signs_content_and_not_its_layout(void **state)
{
	static const struct {
		const char *from, *to;
		bool same;
	} cases[] = {
		{ "{flow, \"flow.unit\", location}",
		    "{location, \"flow.unit\", flow}", true },
		{ "\"schwerte:a\", \"froendenberg:b\"", "\"schwerte:z\"",
		    true },
		{ "IT-Sicherheit", "andere Gründe", true },
		{ "history = 90d", "history = 91d", false },
		{ "version = 1  provider = schwerte\n  consumer = froend",
		    "version = 2  provider = schwerte\n  consumer = froend",
		    false },
		{ "to = 0.05", "to = 0.5", false },
		{ "{ort}", "{rand}", false },
		{ "{ort}", "{ort, rand}", false },
		{ "\"flow.unit\", ", "", false },
		{ "filterable = {flow}", "", false },
		{ "system = {modifiedAt}", "system = {createdAt}", false },
		{ "max = 72h", "max = 71h", false },
		{ "Az. 1", "Az. 11", false },
		{ "600/h", "601/h", false },
	};
	unsigned char base[32], other[32];
	struct region_agreement ag;
	struct side a, b;
	char *text;

	(void)state;
	side_init(&a, base_text, area_text);
	ag = agreement(&a, "vertrag");
	region_agreement_hash(&ag, base);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = edited(cases[i].from, cases[i].to);
		side_init(&b, text, area_text);
		ag = agreement(&b, "vertrag");
		region_agreement_hash(&ag, other);
		if ((memcmp(base, other, 32) == 0) != cases[i].same)
			fail_msg("%s -> %s", cases[i].from, cases[i].to);
		side_clear(&b);
		free(text);
	}
	side_init(&b, base_text, other_area);
	ag = agreement(&b, "vertrag");
	region_agreement_hash(&ag, other);
	assert_memory_not_equal(base, other, 32);
	side_clear(&a);
	side_clear(&b);
}

static void
counts_signatures_of_the_right_side_person_and_text(void **state)
{
	static const struct {
		const char *agreement, *tenant, *person;
		bool text, counts;
	} cases[] = {
		{ "entwurf", "kreis-unna", "c", true, true },
		{ "entwurf", "kreis-unna", "c", false, false },
		{ "entwurf", "froendenberg", "c", true, false },
		{ "entwurf", "schwerte", "c", true, false },
		/* who signed for Schwerte in the file */
		{ "entwurf", "kreis-unna", "a", true, false },
		{ "vertrag", "kreis-unna", "c", true, false },
	};
	struct region_agreement ag;
	struct region_signature s;
	struct side a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		side_init(&a, base_text, area_text);
		ag = agreement(&a, cases[i].agreement);
		s = (struct region_signature){ str_of(cases[i].agreement),
			str_of(cases[i].tenant), str_of(cases[i].person),
			{ 0 } };
		region_agreement_hash(&ag, s.hash);
		s.hash[0] ^= !cases[i].text;
		region_signatures_apply(a.region, &s, 1);
		ag = agreement(&a, "entwurf");
		if (policy_in_force(&ag) != cases[i].counts)
			fail_msg("case %zu", i);
		side_clear(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_each_small_edit),
		cmocka_unit_test(shows_nothing_for_layout_and_order),
		cmocka_unit_test(takes_other_borders_for_wider),
		cmocka_unit_test(
		    binds_what_is_accepted_to_texts_and_consequences),
		cmocka_unit_test(signs_content_and_not_its_layout),
		cmocka_unit_test(
		    counts_signatures_of_the_right_side_person_and_text),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
