/* server/net/http_parse.c - what a head means; http_parse.h says what is
 * promised, http_lex.c reads the bytes, http_chunked.c the bodies. */
#include "server/net/http_parse.h"

#include "server/net/http_chars.h"
#include "server/net/http_lex.h"

#define HOST_MAX 255

/* What the fields say that we act upon. */
enum known_field {
	F_HOST,
	F_LENGTH,
	F_CODING,
	F_CONNECTION,
	F_EXPECT,
	F_KNOWN
};

struct known {
	struct str value[F_KNOWN];
	unsigned count[F_KNOWN];
	bool close, keep_alive;
};

static int request_judge(struct http_head *);
static bool answer_judge(struct http_head *, bool);
static void head_give(struct http_head *, const struct http_head *);

enum http_parsed
http_parse_request(struct str bytes, size_t *scanned, size_t max,
    struct http_head *head_r, int *status_r)
{
	struct http_head head;
	enum http_parsed r;
	int status;

	r = http_lex(bytes, scanned, max, AT_METHOD, &head, status_r);
	if (r != HTTP_DONE)
		return (r);
	status = request_judge(&head);
	if (status != 0) {
		*status_r = status;
		return (HTTP_BAD);
	}
	head_give(head_r, &head);
	return (HTTP_DONE);
}

enum http_parsed
http_parse_response(struct str bytes, size_t *scanned, size_t max,
    bool to_head, struct http_head *head_r)
{
	struct http_head head;
	enum http_parsed r;
	int status;

	r = http_lex(bytes, scanned, max, AT_STATUS, &head, &status);
	if (r != HTTP_DONE)
		return (r);
	if (!answer_judge(&head, to_head))
		return (HTTP_BAD);
	head_give(head_r, &head);
	return (HTTP_DONE);
}

struct str
http_field_find(const struct http_head *head, struct str name,
    unsigned *count_r)
{
	struct str found = STR_NONE;
	unsigned count = 0;

	for (unsigned i = 0; i < head->nfields; i++)
		if (head->fields[i].name.len == name.len &&
		    str_caseeq(head->fields[i].name, name)) {
			found = head->fields[i].value;
			count++;
		}
	if (count_r != NULL)
		*count_r = count;
	return (count == 1 ? found : STR_NONE);
}

/* Everything but the unused fields, which are most of it. */
static void
head_give(struct http_head *to, const struct http_head *from)
{
	memcpy(to, from,
	    offsetof(struct http_head, fields) +
		from->nfields * sizeof(from->fields[0]));
}

static void
known_connection(struct known *kn, struct str list)
{
	struct str token;

	while (str_cut(&list, ',', &token)) {
		token = str_trim(token);
		kn->close |= str_caseeq(token, STR("close"));
		kn->keep_alive |= str_caseeq(token, STR("keep-alive"));
	}
}

static void
known_read(struct known *kn, const struct http_head *head)
{
	/* by their length */
	static const struct {
		const char *name;
		enum known_field field;
	} names[] = {
		[4] = { "host", F_HOST },
		[14] = { "content-length", F_LENGTH },
		[17] = { "transfer-encoding", F_CODING },
		[10] = { "connection", F_CONNECTION },
		[6] = { "expect", F_EXPECT },
	};
	enum known_field k;
	const struct http_field *f;

	*kn = (struct known){ 0 };
	for (unsigned i = 0; i < head->nfields; i++) {
		f = &head->fields[i];
		if (f->name.len >= sizeof(names) / sizeof(names[0]) ||
		    names[f->name.len].name == NULL ||
		    !str_caseeq_bytes(f->name.p, names[f->name.len].name,
			f->name.len))
			continue;
		k = names[f->name.len].field;
		kn->value[k] = f->value;
		kn->count[k]++;
		if (k == F_CONNECTION)
			known_connection(kn, f->value);
	}
}

/* 501 for a list of codings that ends in chunked or has none of it, so that
 * only the others are strange to us; 400 for what no sender may write. */
static int
coding_refuse(struct str list)
{
	struct str coding;

	while (str_cut(&list, ',', &coding)) {
		coding = str_trim(coding);
		if (coding.len == 0 ||
		    (list.p != NULL && str_caseeq(coding, STR("chunked"))))
			return (400);
		for (size_t i = 0; i < coding.len; i++)
			if (!http_char_is(coding.p[i], HC_TOKEN))
				return (400);
	}
	return (501);
}

/* Framing of a body there may be, and whether the connection stays: 0, or the
 * status that refuses. */
static int
framing_judge(struct http_head *head, const struct known *kn)
{
	uint64_t n;

	head->keep_alive = !kn->close && (head->minor == 1 || kn->keep_alive);
	if (kn->count[F_LENGTH] + kn->count[F_CODING] > 1)
		return (400);
	if (kn->count[F_CODING] == 1) {
		if (head->minor == 0)
			return (400);
		if (!str_caseeq(kn->value[F_CODING], STR("chunked")))
			return (coding_refuse(kn->value[F_CODING]));
		head->framing = HTTP_BODY_CHUNKED;
	} else if (kn->count[F_LENGTH] == 1) {
		if (str_uint(kn->value[F_LENGTH], INT64_MAX, &n) != HUB_OK)
			return (400);
		head->framing = HTTP_BODY_LENGTH;
		head->content_length = n;
	}
	return (0);
}

/* A name or an address, and perhaps a port. */
static bool
host_ok(struct str host)
{
	size_t n = 0;
	uint64_t port;

	if (host.len > HOST_MAX)
		return (false);
	if (host.len > 0 && host.p[0] == '[') {
		for (n = 1; n < host.len; n++)
			if (!http_char_is(host.p[n], HC_HEX) &&
			    host.p[n] != ':' && host.p[n] != '.')
				break;
		if (n < 4 || n == host.len || host.p[n++] != ']')
			return (false);
	} else
		while (n < host.len && http_char_is(host.p[n], HC_HOST))
			n++;
	if (n == 0 || n == host.len)
		return (n > 0);
	return (host.p[n] == ':' &&
	    str_uint(str_from(host, n + 1), 65535, &port) == HUB_OK &&
	    port > 0);
}

/* Cuts "http://host" off an absolute-form; an empty path there has no bytes
 * that target could point to, and is refused. */
static bool
target_judge(struct http_head *head)
{
	static const struct str schemes[] = { { "https://", 8 },
		{ "http://", 7 } };
	struct str t = head->target;
	size_t n;

	if (t.p[0] == '/')
		return (true);
	if (str_eq(t, STR("*")))
		return (head->method == HTTP_OPTIONS);
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		n = schemes[i].len;
		if (t.len <= n ||
		    !str_caseeq((struct str){ t.p, n }, schemes[i]))
			continue;
		t = str_from(t, n);
		n = str_chr(t, '/');
		head->host = (struct str){ t.p, n };
		head->target = str_from(t, n);
		return (n < t.len && host_ok(head->host));
	}
	return (false);
}

/* 0, or the status that refuses. */
static int
request_judge(struct http_head *head)
{
	struct known kn;

	known_read(&kn, head);
	if (kn.count[F_HOST] > 1 || (kn.count[F_HOST] == 0 && head->minor > 0))
		return (400);
	if (kn.count[F_HOST] == 1) {
		head->host = kn.value[F_HOST];
		if (!host_ok(head->host))
			return (400);
	}
	if (!target_judge(head))
		return (400);
	head->expect_continue = head->minor > 0 &&
	    kn.count[F_EXPECT] == 1 &&
	    str_caseeq(kn.value[F_EXPECT], STR("100-continue"));
	return (framing_judge(head, &kn));
}

static bool
answer_judge(struct http_head *head, bool to_head)
{
	bool interim = head->status < 200;
	bool never = interim || head->status == 204;
	struct known kn;

	known_read(&kn, head);
	if (head->status == 101 || framing_judge(head, &kn) != 0)
		return (false);
	if (head->framing == HTTP_BODY_CHUNKED || head->content_length > 0) {
		/* RFC 9110, 8.6: announced where none may be. Whoever sends
		 * one all the same must not have it read as an answer. */
		if (interim)
			return (false);
		head->keep_alive &= !never;
	}
	if (never || to_head || head->status == 304) {
		head->framing = HTTP_BODY_NONE;
		head->content_length = 0;
	} else if (head->framing == HTTP_BODY_NONE) {
		head->framing = HTTP_BODY_EOF;
		head->keep_alive = false;
	}
	return (true);
}

const char *
http_reason(int status)
{
	static const char *const phrases[] = {
		[100] = "Continue",
		[101] = "Switching Protocols",
		[102] = "Processing",
		[103] = "Early Hints",
		[200] = "OK",
		[201] = "Created",
		[202] = "Accepted",
		[203] = "Non-Authoritative Information",
		[204] = "No Content",
		[205] = "Reset Content",
		[206] = "Partial Content",
		[207] = "Multi-Status",
		[208] = "Already Reported",
		[226] = "IM Used",
		[300] = "Multiple Choices",
		[301] = "Moved Permanently",
		[302] = "Found",
		[303] = "See Other",
		[304] = "Not Modified",
		[305] = "Use Proxy",
		[307] = "Temporary Redirect",
		[308] = "Permanent Redirect",
		[400] = "Bad Request",
		[401] = "Unauthorized",
		[402] = "Payment Required",
		[403] = "Forbidden",
		[404] = "Not Found",
		[405] = "Method Not Allowed",
		[406] = "Not Acceptable",
		[407] = "Proxy Authentication Required",
		[408] = "Request Timeout",
		[409] = "Conflict",
		[410] = "Gone",
		[411] = "Length Required",
		[412] = "Precondition Failed",
		[413] = "Content Too Large",
		[414] = "URI Too Long",
		[415] = "Unsupported Media Type",
		[416] = "Range Not Satisfiable",
		[417] = "Expectation Failed",
		[421] = "Misdirected Request",
		[422] = "Unprocessable Content",
		[423] = "Locked",
		[424] = "Failed Dependency",
		[425] = "Too Early",
		[426] = "Upgrade Required",
		[428] = "Precondition Required",
		[429] = "Too Many Requests",
		[431] = "Request Header Fields Too Large",
		[451] = "Unavailable For Legal Reasons",
		[500] = "Internal Server Error",
		[501] = "Not Implemented",
		[502] = "Bad Gateway",
		[503] = "Service Unavailable",
		[504] = "Gateway Timeout",
		[505] = "HTTP Version Not Supported",
		[506] = "Variant Also Negotiates",
		[507] = "Insufficient Storage",
		[508] = "Loop Detected",
		[510] = "Not Extended",
		[511] = "Network Authentication Required",
	};

	if (status < 0 ||
	    (size_t)status >= sizeof(phrases) / sizeof(phrases[0]) ||
	    phrases[status] == NULL)
		return ("Unknown");
	return (phrases[status]);
}
