/* policies/audit.c - the chain of changes; audit.h says what it promises. */
#include "policies/audit.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/base/buf.h"

/* A length in eight bytes, big-endian, before what it measures; -1: none. */
static void
add_part(struct buf *b, struct str s)
{
	uint64_t n = s.p != NULL ? (uint64_t)s.len : UINT64_MAX;

	for (int shift = 56; shift >= 0; shift -= 8)
		buf_addc(b, (char)(unsigned char)(n >> shift & 0xff));
	buf_adds(b, s);
}

void
audit_hash(const struct audit_row *row, unsigned char out[SHA256_LEN])
{
	const struct str parts[] = { row->at, row->actor, row->tenant,
		row->db_user, row->table, row->key, row->op, row->before,
		row->after };
	char id[24];
	size_t total = 256;
	struct buf b;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		total += parts[i].len + 8;
	(void)snprintf(id, sizeof(id), "%" PRId64, row->id);
	buf_init(&b, total);
	buf_add(&b, row->prev, sizeof(row->prev));
	add_part(&b, str_of(id));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		add_part(&b, parts[i]);
	assert(!b.failed);
	sha256(buf_str(&b), out);
	buf_clear(&b);
}

enum audit_fault
audit_follow(struct audit_end *end, const struct audit_row *row)
{
	unsigned char hash[SHA256_LEN];

	if (row->id != end->id + 1)
		return (AUDIT_GAP);
	if (memcmp(row->prev, end->hash, sizeof(row->prev)) != 0)
		return (AUDIT_TORN);
	audit_hash(row, hash);
	if (memcmp(hash, row->hash, sizeof(hash)) != 0)
		return (AUDIT_BROKEN);
	end->id = row->id;
	memcpy(end->hash, hash, sizeof(end->hash));
	return (AUDIT_GOOD);
}
