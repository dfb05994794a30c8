/* server/ledger/invoice.c - writes UBL; invoice.h says what is promised. BT-
 * and BR- numbers are those of EN 16931-1 and of XRechnung. */
#include "server/ledger/invoice.h"

#include <assert.h>
#include <inttypes.h>

#include "server/ledger/notice.h"
#include "server/ledger/sheet.h"

#define CUSTOMIZATION                                                         \
	"urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
#define PROFILE "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"

/* ---- what must be there */

static bool
is_empty(const char *text)
{
	return (text == NULL || text[0] == '\0');
}

static const char *
party_fault(const struct invoice *v)
{
	const struct {
		const char *text, *fault;
	} needed[] = {
		{ v->seller.name, "the seller needs a name (BT-27)" },
		{ v->seller.city, "the seller needs a city (BT-37)" },
		{ v->seller.postcode, "the seller needs a postcode (BT-38)" },
		{ v->seller.contact, "the seller needs a contact (BT-41)" },
		{ v->seller.phone, "the seller needs a phone (BT-42)" },
		{ v->seller.email, "the seller needs an email (BT-43)" },
		{ v->seller.iban, "the seller needs an iban (BT-84)" },
		{ v->buyer.name, "the buyer needs a name (BT-44)" },
		{ v->buyer.city, "the buyer needs a city (BT-52)" },
		{ v->buyer.postcode, "the buyer needs a postcode (BT-53)" },
		{ v->buyer.email, "the buyer needs an email (BT-49)" },
		{ v->buyer.reference, "the buyer needs a leitweg-id (BT-10)" },
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (is_empty(needed[i].text))
			return (needed[i].fault);
	return (NULL);
}

/* ISO 13616: its first four characters behind the others, letters as 10 to 35,
 * the number leaves 1 of 97. */
static bool
is_iban(const char *text)
{
	char s[34 + 1];
	size_t n = 0;
	unsigned rest = 0;

	for (; *text != '\0'; text++) {
		if (*text == ' ')
			continue;
		if (n == sizeof(s) - 1)
			return (false);
		s[n++] = *text;
	}
	s[n] = '\0';
	if (n < 15 || strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
		return (false);
	for (size_t i = 0; i < n; i++) {
		char c = s[(i + 4) % n];

		if (c >= '0' && c <= '9')
			rest = rest * 10 + (unsigned)(c - '0');
		else if (c >= 'A' && c <= 'Z')
			rest = rest * 100 + (unsigned)(c - 'A') + 10;
		else
			return (false);
		rest %= 97;
	}
	return (rest == 1);
}

/* BR-DE-28: one "@", a point behind it, and no part of the host is empty. */
static bool
is_email(const char *text)
{
	const char *at = strchr(text, '@'), *host;

	if (at == NULL)
		return (false);
	host = at + 1;
	return (at > text && strpbrk(host, "@ ") == NULL &&
	    memchr(text, ' ', (size_t)(at - text)) == NULL &&
	    strchr(host, '.') != NULL && host[0] != '.' &&
	    strstr(host, "..") == NULL && host[strlen(host) - 1] != '.');
}

static const char *
form_fault(const struct invoice *v)
{
	unsigned digits = 0;

	for (const char *c = v->seller.phone; *c != '\0'; c++)
		digits += *c >= '0' && *c <= '9';
	if (!is_iban(v->seller.iban)) /* BR-DE-19 */
		return ("the seller's iban is none");
	if (digits < 3) /* BR-DE-27 */
		return ("the seller's phone is none");
	if (!is_email(v->seller.email))
		return ("the seller's email is none");
	if (!is_email(v->buyer.email))
		return ("the buyer's email is none");
	return (NULL);
}

const char *
invoice_fault(const struct invoice *v)
{
	const char *fault = party_fault(v);
	bool outside = false, inside = false;

	if (fault == NULL)
		fault = form_fault(v);
	if (fault != NULL)
		return (fault);
	if (v->nlines == 0 || v->nlines > INVOICE_LINES_MAX)
		return ("nothing was booked in that month");
	for (unsigned i = 0; i < v->nlines; i++) {
		const struct invoice_line *l = &v->lines[i];

		if (l->tax != 'S' && l->tax != 'E' && l->tax != 'O')
			return ("the tax of a cost is not decided");
		if ((l->tax == 'S') != (l->tax_rate > 0))
			return ("tax at a rate needs a rate above 0");
		if (l->tax != 'S' && is_empty(l->basis))
			return ("no tax needs its reason (BT-120): tax-basis");
		outside |= l->tax == 'O';
		inside |= l->tax != 'O';
	}
	if (outside && inside) /* BR-O-11 to BR-O-14 */
		return ("what is outside of the tax needs an invoice of its "
			"own");
	if (inside && is_empty(v->seller.vat_id) &&
	    is_empty(v->seller.tax_number)) /* BR-S-02, BR-E-02 */
		return ("the seller needs a vat-id or a tax-number");
	if ((outside || is_empty(v->seller.vat_id)) &&
	    is_empty(v->seller.id)) /* BR-CO-26 */
		return ("the seller needs an id (BT-29): no vat-id is told");
	return (NULL);
}

/* ---- pieces */

static void
element(struct buf *b, const char *name, const char *text)
{
	if (is_empty(text))
		return;
	buf_addf(b, "<cbc:%s>", name);
	markup_text(b, text);
	buf_addf(b, "</cbc:%s>\n", name);
}

static void
amount(struct buf *b, const char *name, int64_t cents)
{
	uint64_t n = cents < 0 ? -(uint64_t)cents : (uint64_t)cents;

	buf_addf(b, "<cbc:%s currencyID=\"EUR\">%s%" PRIu64 ".%02u</cbc:%s>\n",
	    name, cents < 0 ? "-" : "", n / 100, (unsigned)(n % 100), name);
}

static void
tax_scheme(struct buf *b, const char *id, const char *scheme)
{
	if (is_empty(id))
		return;
	BUF_LIT(b, "<cac:PartyTaxScheme>\n");
	element(b, "CompanyID", id);
	buf_addf(b, "<cac:TaxScheme><cbc:ID>%s</cbc:ID></cac:TaxScheme>\n"
	    "</cac:PartyTaxScheme>\n", scheme);
}

static void
party(struct buf *b, const char *name, const struct invoice_party *p,
    bool vat)
{
	buf_addf(b, "<cac:%s>\n<cac:Party>\n<cbc:EndpointID schemeID=\"EM\">",
	    name);
	markup_text(b, p->email);
	BUF_LIT(b, "</cbc:EndpointID>\n");
	if (!is_empty(p->id)) {
		BUF_LIT(b, "<cac:PartyIdentification>\n");
		element(b, "ID", p->id);
		BUF_LIT(b, "</cac:PartyIdentification>\n");
	}
	BUF_LIT(b, "<cac:PostalAddress>\n");
	element(b, "StreetName", p->street);
	element(b, "CityName", p->city);
	element(b, "PostalZone", p->postcode);
	BUF_LIT(b, "<cac:Country><cbc:IdentificationCode>DE"
	    "</cbc:IdentificationCode></cac:Country>\n</cac:PostalAddress>\n");
	if (vat) /* BR-O-02: not where all is outside of the tax */
		tax_scheme(b, p->vat_id, "VAT");
	tax_scheme(b, p->tax_number, "FC");
	BUF_LIT(b, "<cac:PartyLegalEntity>\n");
	element(b, "RegistrationName", p->name);
	BUF_LIT(b, "</cac:PartyLegalEntity>\n");
	if (!is_empty(p->contact)) {
		BUF_LIT(b, "<cac:Contact>\n");
		element(b, "Name", p->contact);
		element(b, "Telephone", p->phone);
		element(b, "ElectronicMail", p->email);
		BUF_LIT(b, "</cac:Contact>\n");
	}
	buf_addf(b, "</cac:Party>\n</cac:%s>\n", name);
}

/* BR-O-05: of a line that is outside of the tax there is no rate. BR-DE-14: of
 * the sum there is. */
static void
category(struct buf *b, const char *name, const struct invoice_line *l,
    bool sum)
{
	buf_addf(b, "<cac:%s>\n<cbc:ID>%c</cbc:ID>\n", name, l->tax);
	if (sum || l->tax != 'O')
		buf_addf(b, "<cbc:Percent>%u</cbc:Percent>\n", l->tax_rate);
	if (sum && l->tax != 'S')
		element(b, "TaxExemptionReason", l->basis);
	buf_addf(b, "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>\n"
	    "</cac:%s>\n", name);
}

/* ---- sums */

static bool
same_tax(const struct invoice_line *a, const struct invoice_line *b)
{
	return (a->tax == b->tax && a->tax_rate == b->tax_rate);
}

/* Of the first line of its category and rate: the sum of all of them; false:
 * it is not the first. */
static bool
sum_tax(const struct invoice *v, unsigned at, int64_t *net)
{
	*net = 0;
	for (unsigned i = 0; i < v->nlines; i++) {
		if (!same_tax(&v->lines[at], &v->lines[i]))
			continue;
		if (i < at)
			return (false);
		*net += v->lines[i].cents;
	}
	return (true);
}

static void
sums(const struct invoice *v, int64_t *net, int64_t *tax)
{
	int64_t part;

	*net = *tax = 0;
	for (unsigned i = 0; i < v->nlines; i++)
		if (sum_tax(v, i, &part)) {
			*net += part;
			*tax += tax_on(part, v->lines[i].tax_rate);
		}
}

static void
taxes(struct buf *b, const struct invoice *v, int64_t tax)
{
	int64_t net;

	BUF_LIT(b, "<cac:TaxTotal>\n");
	amount(b, "TaxAmount", tax);
	for (unsigned i = 0; i < v->nlines; i++) {
		const struct invoice_line *l = &v->lines[i];

		if (!sum_tax(v, i, &net))
			continue;
		BUF_LIT(b, "<cac:TaxSubtotal>\n");
		amount(b, "TaxableAmount", net);
		amount(b, "TaxAmount", tax_on(net, l->tax_rate));
		category(b, "TaxCategory", l, true);
		BUF_LIT(b, "</cac:TaxSubtotal>\n");
	}
	BUF_LIT(b, "</cac:TaxTotal>\n");
}

/* BR-27: a price is not negative, a quantity may be. */
static void
line(struct buf *b, const struct invoice_line *l)
{
	BUF_LIT(b, "<cac:InvoiceLine>\n");
	element(b, "ID", l->id);
	buf_addf(b, "<cbc:InvoicedQuantity unitCode=\"C62\">%d"
	    "</cbc:InvoicedQuantity>\n", l->cents < 0 ? -1 : 1);
	amount(b, "LineExtensionAmount", l->cents);
	BUF_LIT(b, "<cac:InvoicePeriod>\n");
	element(b, "StartDate", l->from);
	element(b, "EndDate", l->to);
	BUF_LIT(b, "</cac:InvoicePeriod>\n<cac:Item>\n");
	element(b, "Name", l->name);
	category(b, "ClassifiedTaxCategory", l, false);
	BUF_LIT(b, "</cac:Item>\n<cac:Price>\n");
	amount(b, "PriceAmount", l->cents < 0 ? -l->cents : l->cents);
	BUF_LIT(b, "</cac:Price>\n</cac:InvoiceLine>\n");
}

void
invoice_write(const struct invoice *v, struct buf *b)
{
	int64_t net, tax;

	assert(invoice_fault(v) == NULL);
	sums(v, &net, &tax);
	BUF_LIT(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Invoice "
	    "xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2\" "
	    "xmlns:cac=\"urn:oasis:names:specification:ubl:schema:xsd:"
	    "CommonAggregateComponents-2\" "
	    "xmlns:cbc=\"urn:oasis:names:specification:ubl:schema:xsd:"
	    "CommonBasicComponents-2\">\n");
	element(b, "CustomizationID", CUSTOMIZATION);
	element(b, "ProfileID", PROFILE);
	element(b, "ID", v->number);
	element(b, "IssueDate", v->issued);
	element(b, "DueDate", v->due);
	/* UNTDID 1001: an invoice, or one that corrects. */
	element(b, "InvoiceTypeCode", net < 0 ? "384" : "380");
	element(b, "DocumentCurrencyCode", "EUR");
	element(b, "BuyerReference", v->buyer.reference);
	for (unsigned i = 0; i < v->nearlier; i++) {
		BUF_LIT(b, "<cac:BillingReference>\n"
		    "<cac:InvoiceDocumentReference>\n");
		element(b, "ID", v->earlier[i]);
		BUF_LIT(b, "</cac:InvoiceDocumentReference>\n"
		    "</cac:BillingReference>\n");
	}
	party(b, "AccountingSupplierParty", &v->seller,
	    v->lines[0].tax != 'O');
	party(b, "AccountingCustomerParty", &v->buyer, false);
	BUF_LIT(b, "<cac:PaymentMeans>\n<cbc:PaymentMeansCode>58"
	    "</cbc:PaymentMeansCode>\n<cac:PayeeFinancialAccount>\n");
	element(b, "ID", v->seller.iban);
	BUF_LIT(b, "</cac:PayeeFinancialAccount>\n</cac:PaymentMeans>\n");
	taxes(b, v, tax);
	BUF_LIT(b, "<cac:LegalMonetaryTotal>\n");
	amount(b, "LineExtensionAmount", net);
	amount(b, "TaxExclusiveAmount", net);
	amount(b, "TaxInclusiveAmount", net + tax);
	amount(b, "PayableAmount", net + tax);
	BUF_LIT(b, "</cac:LegalMonetaryTotal>\n");
	for (unsigned i = 0; i < v->nlines; i++)
		line(b, &v->lines[i]);
	BUF_LIT(b, "</Invoice>\n");
}
