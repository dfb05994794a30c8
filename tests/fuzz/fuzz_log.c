/* tests/fuzz/fuzz_log.c - any bytes in a line of the log.
 *
 * The first byte picks the entrance: 't' the text of a field, else the fields
 * that log_kv adds. Checked beside memory: in both formats it is one line of
 * valid UTF-8; in JSON one object in which no name comes twice, and a text that
 * is well-formed, and fits, comes out as it went in. */
#include "server/base/log_line.h"
#include "server/ngsild/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_line(struct str line)
{
	assert(line.len > 1 && line.p[line.len - 1] == '\n');
	assert(line.len <= LOG_LINE_MAX);
	assert(str_utf8(line));
	for (size_t i = 0; i + 1 < line.len; i++)
		assert((unsigned char)line.p[i] >= 0x20 && line.p[i] != 0x7f);
}

/* The escaped NUL is none that the reader of the data path takes. */
static void
check_json(struct str line, bool text, struct str value)
{
	static const struct json_limits limits = { 4, 4096, 10000 };
	struct arena *a = arena_new();
	struct json j;
	uint32_t node;

	line.len--;
	if (value.len > 0 && memchr(value.p, '\0', value.len) != NULL)
		goto out;
	assert(json_parse(&j, line, &limits, a) == HUB_OK);
	assert(j.nodes[0].kind == JSON_OBJECT);
	assert(json_is(&j, json_member(&j, 0, STR("msg")), STR("fuzz")));
	node = json_member(&j, 0, STR("v"));
	if (text && value.len > 0 && value.len < 300 && str_utf8(value))
		assert(str_eq(json_text(&j, node, a), value));
out:
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data + 1, size - 1 };
	struct log_line l;
	bool text;

	if (size == 0)
		return (0);
	text = data[0] == 't';
	for (int format = LOG_LOGFMT; format <= LOG_JSON; format++) {
		log_set_format((enum log_format)format);
		log_line_begin(&l, LOG_INFO, "fuzz");
		if (text)
			log_line_text(&l, "v", rest);
		else
			log_line_fields(&l, rest);
		if (text)
			log_line_number(&l, "n", (int64_t)size);
		(void)log_line_end(&l);
		check_line((struct str){ l.text, l.len });
		if (format == LOG_JSON)
			check_json((struct str){ l.text, l.len }, text, rest);
	}
	return (0);
}
