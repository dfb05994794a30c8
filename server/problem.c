/* server/problem.c - the table of errors; problem.h says what it promises. */
#include "server/problem.h"

#define DETAIL_MAX ((size_t)4096)
#define ETSI "https://uri.etsi.org/ngsi-ld/errors/"

/* type, title: fixed (ETSI GS CIM 009, 6.3.2; RFC 9457). */
static const struct {
	int status;
	const char *type, *title, *en, *de;
} problems[PROBLEM_MAX] = {
	[PROBLEM_INTERNAL] = { 500, ETSI "InternalError", "Internal error",
	    "The hub could not answer this request.",
	    "Die Drehscheibe konnte diese Anfrage nicht beantworten." },
	[PROBLEM_BAD_REQUEST] = { 400, ETSI "BadRequestData",
	    "Bad request data", "The request is malformed.",
	    "Die Anfrage ist fehlerhaft." },
	[PROBLEM_INVALID_REQUEST] = { 400, ETSI "InvalidRequest",
	    "Invalid request", "The body is not JSON.",
	    "Der Inhalt der Anfrage ist kein JSON." },
	[PROBLEM_UNAUTHORIZED] = { 401, "about:blank", "Unauthorized",
	    "A valid access token is required.",
	    "Ein gültiges Zugriffstoken ist erforderlich." },
	[PROBLEM_FORBIDDEN] = { 403, "about:blank", "Forbidden",
	    "The access token does not allow this.",
	    "Das Zugriffstoken erlaubt dies nicht." },
	[PROBLEM_ISSUER_NOT_ENTITLED] = { 403,
	    "urn:drehscheibe:problem:issuer-not-entitled",
	    "Issuer not entitled",
	    "The issuer of the token may not speak for this tenant.",
	    "Der Aussteller des Tokens darf für diesen Mandanten nicht "
	    "sprechen." },
	[PROBLEM_AMBIGUOUS_TENANT] = { 403,
	    "urn:drehscheibe:problem:ambiguous-tenant", "Ambiguous tenant",
	    "The token names more than one tenant.",
	    "Das Token nennt mehr als einen Mandanten." },
	[PROBLEM_TENANT_SUSPENDED] = { 403,
	    "urn:drehscheibe:problem:tenant-suspended", "Tenant suspended",
	    "This tenant is suspended.", "Dieser Mandant ist gesperrt." },
	[PROBLEM_PURPOSE_REQUIRED] = { 400,
	    "urn:drehscheibe:problem:purpose-required", "Purpose required",
	    "Name the purpose of the request in the Hub-Purpose header.",
	    "Nennen Sie den Zweck der Anfrage im Kopf Hub-Purpose." },
	[PROBLEM_NONEXISTENT_TENANT] = { 404, ETSI "NonexistentTenant",
	    "Nonexistent tenant", "There is no such tenant.",
	    "Diesen Mandanten gibt es nicht." },
	[PROBLEM_NOT_FOUND] = { 404, ETSI "ResourceNotFound",
	    "Resource not found", "There is no such entity.",
	    "Diese Entität gibt es nicht." },
	[PROBLEM_NO_ROUTE] = { 404, ETSI "ResourceNotFound",
	    "Resource not found", "There is nothing at this path.",
	    "Unter diesem Pfad ist nichts." },
	[PROBLEM_METHOD] = { 405, ETSI "OperationNotSupported",
	    "Operation not supported",
	    "This resource does not take this method.",
	    "Diese Ressource kennt diese Methode nicht." },
	[PROBLEM_NOT_ACCEPTABLE] = { 406, "about:blank", "Not acceptable",
	    "Available: application/json, application/ld+json; for entities "
	    "also application/geo+json.",
	    "Möglich sind: application/json, application/ld+json; für "
	    "Entitäten auch application/geo+json." },
	[PROBLEM_LENGTH_REQUIRED] = { 411, "about:blank", "Length required",
	    "The request needs a body and its Content-Length.",
	    "Die Anfrage braucht einen Inhalt und dessen Content-Length." },
	[PROBLEM_MEDIA_TYPE] = { 415, "about:blank",
	    "Unsupported media type",
	    "Content-Type is application/json or application/ld+json, "
	    "without a Content-Encoding.",
	    "Content-Type ist application/json oder application/ld+json, "
	    "ohne Content-Encoding." },
	[PROBLEM_TOO_MANY_RESULTS] = { 403, ETSI "TooManyResults",
	    "Too many results", "limit is at most 1000.",
	    "limit ist höchstens 1000." },
	[PROBLEM_NOT_IMPLEMENTED] = { 501, ETSI "OperationNotSupported",
	    "Operation not supported",
	    "The standard knows this; this version of the hub does not.",
	    "Der Standard kennt dies, diese Version der Drehscheibe noch "
	    "nicht." },
	[PROBLEM_CONTEXT_UNAVAILABLE] = { 503, ETSI "LdContextNotAvailable",
	    "@context not available",
	    "The hub uses only contexts that the region has published.",
	    "Die Drehscheibe verwendet nur Kontexte, die die Region "
	    "veröffentlicht hat." },
	[PROBLEM_MISDIRECTED] = { 421, "about:blank", "Misdirected request",
	    "This host is not served here.",
	    "Dieser Host wird hier nicht bedient." },
	[PROBLEM_LOOP] = { 508, "about:blank", "Loop detected",
	    "The request has passed this hub before.",
	    "Die Anfrage ist schon einmal hier durchgekommen." },
	[PROBLEM_SOURCES_FAILED] = { 502,
	    "urn:drehscheibe:problem:sources-failed", "Sources failed",
	    "A source failed, and the request asked for all or nothing.",
	    "Eine Quelle ist ausgefallen, und die Anfrage verlangt alles oder "
	    "nichts." },
	[PROBLEM_SOURCES_LATE] = { 504,
	    "urn:drehscheibe:problem:sources-late", "Sources too late",
	    "A source did not answer in time, and the request asked for all "
	    "or nothing.",
	    "Eine Quelle hat nicht rechtzeitig geantwortet, und die Anfrage "
	    "verlangt alles oder nichts." },
	[PROBLEM_NOT_READY] = { 503, "urn:drehscheibe:problem:not-ready",
	    "Not ready", "No region is in force yet.",
	    "Es ist noch keine Region in Kraft." },
	[PROBLEM_LEDGER_FULL] = { 503, "urn:drehscheibe:problem:ledger-full",
	    "Usage ledger not writable",
	    "The use of this answer cannot be recorded, so it is not given.",
	    "Die Nutzung kann nicht verbucht werden, daher gibt es keine "
	    "Antwort." },
	[PROBLEM_NO_REGISTRATION] = { 404, ETSI "ResourceNotFound",
	    "Resource not found", "There is no such registration.",
	    "Diese Registrierung gibt es nicht." },
	[PROBLEM_REGISTRATION_EXISTS] = { 409, ETSI "AlreadyExists",
	    "Already exists", "A registration of that id is there already.",
	    "Eine Registrierung mit dieser id gibt es schon." },
	[PROBLEM_REGISTRATION_CONFLICT] = { 409, ETSI "Conflict", "Conflict",
	    "Another source has one of the attributes of this entity, and one "
	    "of both has it exclusively.",
	    "Eine andere Quelle hat eines der Attribute dieser Entität, und "
	    "eine von beiden hat es exklusiv." },
	[PROBLEM_MAY_NOT_REGISTER] = { 403,
	    "urn:drehscheibe:problem:may-not-register", "May not register",
	    "The region does not let this tenant register sources at this "
	    "endpoint (may-register).",
	    "Die Region erlaubt diesem Mandanten keine Quellen an diesem "
	    "Endpunkt (may-register)." },
	[PROBLEM_REGISTRATIONS_FULL] = { 403,
	    "urn:drehscheibe:problem:registrations-full",
	    "Too many registrations",
	    "This tenant has as many registrations, or names in them that "
	    "nobody else has, as it may have.",
	    "Dieser Mandant hat so viele Registrierungen, oder Namen darin, "
	    "die sonst niemand hat, wie er haben darf." },
	[PROBLEM_REGISTRY_AWAY] = { 503,
	    "urn:drehscheibe:problem:registry-away", "Registry not available",
	    "Registrations cannot be changed now; whether this change was "
	    "made is seen when they can be read again.",
	    "Registrierungen können zurzeit nicht geändert werden; ob diese "
	    "Änderung erfolgt ist, zeigt sich beim nächsten Lesen." },
	[PROBLEM_TOO_MANY_CONNECTIONS] = { 429,
	    "urn:drehscheibe:problem:too-many-connections",
	    "Too many connections",
	    "This tenant has as many connections as it may have.",
	    "Dieser Mandant hat so viele Verbindungen, wie er haben darf." },
	[PROBLEM_TOO_MANY_CHANGES] = { 429,
	    "urn:drehscheibe:problem:too-many-changes", "Too many changes",
	    "This tenant changes its registrations too often; Retry-After "
	    "tells when to go on.",
	    "Dieser Mandant ändert seine Registrierungen zu oft; Retry-After "
	    "sagt, wann es weitergeht." },
	[PROBLEM_POLICY_STALE] = { 503,
	    "urn:drehscheibe:problem:policy-not-confirmed",
	    "Policy not confirmed",
	    "The hub cannot confirm that the agreements in force are the "
	    "latest; until it can, it gives open data only.",
	    "Die Drehscheibe kann zurzeit nicht bestätigen, dass die "
	    "geltenden Vereinbarungen die neuesten sind; bis dahin gibt sie "
	    "nur offene Daten." },
	[PROBLEM_STEP_UP] = { 401,
	    "urn:drehscheibe:problem:step-up", "Fresh login required",
	    "Crises need a login of the last five minutes, and of the "
	    "strength that the region demands.",
	    "Krisen brauchen eine Anmeldung der letzten fünf Minuten, und so "
	    "stark, wie die Region es verlangt." },
	[PROBLEM_CRISIS_DONE] = { 409, ETSI "Conflict", "Conflict",
	    "This was done already.", "Dies ist schon geschehen." },
	[PROBLEM_NO_CRISIS] = { 404, ETSI "ResourceNotFound",
	    "Resource not found", "There is no such crisis.",
	    "Diese Krise gibt es nicht." },
	[PROBLEM_CRISIS_DENIED] = { 403,
	    "urn:drehscheibe:problem:crisis-denied", "Crisis denied",
	    "The rules for crises do not allow this.",
	    "Die Regeln für Krisen erlauben dies nicht." },
	[PROBLEM_CRISIS_AWAY] = { 503,
	    "urn:drehscheibe:problem:crises-away", "Crises not available",
	    "Crises cannot be changed now; whether this was done is seen when "
	    "they can be read again.",
	    "Krisen können zurzeit nicht geändert werden; ob dies geschehen "
	    "ist, zeigt sich beim nächsten Lesen." },
	[PROBLEM_REPORTS_AWAY] = { 503,
	    "urn:drehscheibe:problem:reports-away", "Reports not available",
	    "The figures cannot be worked out now; try again later.",
	    "Die Zahlen lassen sich zurzeit nicht ermitteln; versuchen Sie es "
	    "später noch einmal." },
	[PROBLEM_EXPLAIN_AWAY] = { 503,
	    "urn:drehscheibe:problem:explain-away", "Explanation not available",
	    "The decision log cannot be searched now; try again later.",
	    "Das Entscheidungsprotokoll lässt sich zurzeit nicht durchsuchen; "
	    "versuchen Sie es später noch einmal." },
	[PROBLEM_QUOTA_SPENT] = { 429,
	    "urn:drehscheibe:problem:quota-spent", "Quota spent",
	    "The agreements behind this request allow no more requests now; "
	    "Retry-After tells when.",
	    "Die Vereinbarungen zu dieser Anfrage lassen zurzeit keine "
	    "weitere zu; Retry-After sagt, wann wieder." },
	[PROBLEM_NO_REQUEST] = { 404, ETSI "ResourceNotFound",
	    "Resource not found",
	    "There is no such request of yours, or it is too long ago.",
	    "Eine solche Anfrage von Ihnen gibt es nicht, oder sie ist zu "
	    "lange her." },
	[PROBLEM_NO_DIGEST] = { 404, ETSI "ResourceNotFound",
	    "Resource not found", "There is no such digest.",
	    "Diesen Digest gibt es nicht." },
	[PROBLEM_DIGEST_DIFFERS] = { 409,
	    "urn:drehscheibe:problem:digest-differs", "Digest differs",
	    "No digest of this block has this SHA-256; compare the line that "
	    "you keep with what others keep.",
	    "Kein Digest zu diesem Block hat diesen SHA-256; vergleichen Sie "
	    "Ihre Zeile mit denen anderer Kommunen." },
	[PROBLEM_DIGEST_KEPT] = { 409, ETSI "Conflict", "Conflict",
	    "This tenant has acknowledged a digest of this block before, with "
	    "another receipt.",
	    "Dieser Mandant hat einen Digest zu diesem Block schon bestätigt, "
	    "mit einem anderen Beleg." },
	[PROBLEM_ANSWER_TOO_LARGE] = { 403, ETSI "TooManyResults",
	    "Too many results", "The answer is too large; ask for less.",
	    "Die Antwort ist zu groß; fragen Sie nach weniger." },
};

int
problem_status(enum problem p)
{
	assert((unsigned)p < PROBLEM_MAX);
	return (problems[p].status);
}

void
problem_write(enum problem p, bool german, const char *detail,
    struct str instance, struct buf *b)
{
	const char *rest = "";
	struct buf text;

	assert((unsigned)p < PROBLEM_MAX);
	if (detail == NULL)
		detail = german ? problems[p].de : problems[p].en;
	else if (german && !problem_german(detail, &detail, &rest))
		detail = problems[p].de;
	buf_init(&text, DETAIL_MAX);
	buf_adds(&text, str_of(detail));
	buf_adds(&text, str_of(rest));
	BUF_LIT(b, "{\"type\":");
	buf_add_json(b, str_of(problems[p].type));
	BUF_LIT(b, ",\"title\":");
	buf_add_json(b, str_of(problems[p].title));
	buf_addf(b, ",\"status\":%d,\"detail\":", problems[p].status);
	buf_add_json(b, buf_str(&text));
	buf_clear(&text);
	BUF_LIT(b, ",\"instance\":");
	buf_add_json(b, instance);
	buf_addc(b, '}');
}
