/* SPDX-License-Identifier: Apache-2.0 */
/* Sources to pairs and back: one table of members per kind serves all three directions. */
#include "source.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* FL_INVALID must say what is wrong, so a check answers with a phrase, or NULL for "fine". */
typedef const char *member_check(const char *text);

enum member_kind { MEMBER_TEXT, MEMBER_TEXTS, MEMBER_NUMBER };

struct member {
	const char *key;
	enum member_kind kind;
	size_t offset;
	bool required;
	member_check *check; /* of the text, or of each text */
};

#define MAX_TEXTS 64
#define MAX_TEXT_BYTES 4096

static bool has_parent_step(const char *path)
{
	for (const char *step = path; step; step = strchr(step, '/')) {
		step += strspn(step, "/");
		if (strncmp(step, "..", 2) == 0 && (step[2] == '/' || step[2] == '\0'))
			return true;
	}
	return false;
}

static const char *check_absolute(const char *text)
{
	if (text[0] != '/' || text[1] == '\0')
		return "is not an absolute path";
	return has_parent_step(text) ? "has a \"..\" in it" : NULL;
}

static const char *check_relative(const char *text)
{
	if (text[0] == '/')
		return "is not a relative path";
	return has_parent_step(text) ? "has a \"..\" in it" : NULL;
}

static const char *check_word(const char *text)
{
	return strpbrk(text, " ,\"'\\") ? "has a space, comma, quote or backslash in it" : NULL;
}

/* "name:port", "1.2.3.4:port" or "[v6]:port". */
static const char *check_portal(const char *text)
{
	const char *colon = strrchr(text, ':');
	struct fl_error ignored;
	uint64_t port;

	if (check_word(text))
		return check_word(text);
	if (!colon || colon == text || fl_text_parse_number(colon + 1, &port, &ignored) < 0 ||
	    port == 0 || port > 65535)
		return "is not of the form address:port";
	if (memchr(text, ':', (size_t)(colon - text)) && (text[0] != '[' || colon[-1] != ']'))
		return "is an IPv6 address without [brackets]";
	return NULL;
}

static const char *check_iqn(const char *text)
{
	if (!fl_text_starts_with(text, "iqn.") && !fl_text_starts_with(text, "eui.") &&
	    !fl_text_starts_with(text, "naa."))
		return "is not an iSCSI name (iqn.…, eui.… or naa.…)";
	if (strlen(text) > 223)
		return "is longer than the 223 bytes of an iSCSI name";
	return check_word(text);
}

static const char *check_nfs_version(const char *text)
{
	static const char *const versions[] = { "3", "4", "4.0", "4.1", "4.2" };

	for (size_t i = 0; i < FL_COUNT(versions); i++)
		if (strcmp(text, versions[i]) == 0)
			return NULL;
	return "is not 3, 4, 4.0, 4.1 or 4.2";
}

#define AT(member) offsetof(struct fl_source, member)

static const struct member file_members[] = {
	{ "path", MEMBER_TEXT, AT(file.path), true, check_absolute },
};
static const struct member block_members[] = {
	{ "path", MEMBER_TEXT, AT(block.path), true, check_absolute },
	{ "identity", MEMBER_TEXT, AT(block.identity), false, check_word },
};
static const struct member rbd_members[] = {
	{ "monitors", MEMBER_TEXTS, AT(rbd.monitors), true, check_portal },
	{ "user", MEMBER_TEXT, AT(rbd.user), true, check_word },
	{ "ceph_pool", MEMBER_TEXT, AT(rbd.ceph_pool), true, check_word },
	{ "ceph_namespace", MEMBER_TEXT, AT(rbd.ceph_namespace), false, check_word },
	{ "image", MEMBER_TEXT, AT(rbd.image), true, check_word },
};
static const struct member iscsi_members[] = {
	{ "portals", MEMBER_TEXTS, AT(iscsi.portals), true, check_portal },
	{ "target", MEMBER_TEXT, AT(iscsi.target), true, check_iqn },
	{ "initiator", MEMBER_TEXT, AT(iscsi.initiator), true, check_iqn },
	{ "lun", MEMBER_NUMBER, AT(iscsi.lun), true, NULL },
	{ "identity", MEMBER_TEXT, AT(iscsi.identity), true, check_word },
};
static const struct member nfs_members[] = {
	{ "server", MEMBER_TEXT, AT(nfs.server), true, check_word },
	{ "export", MEMBER_TEXT, AT(nfs.export), true, check_absolute },
	{ "path", MEMBER_TEXT, AT(nfs.path), true, check_relative },
	{ "version", MEMBER_TEXT, AT(nfs.version), true, check_nfs_version },
	{ "uid", MEMBER_NUMBER, AT(nfs.uid), true, NULL },
};

static const struct {
	const char *name;
	const struct member *members;
	size_t n_members;
} kinds[FL_SOURCE_KIND_COUNT] = {
	[FL_SOURCE_FILE] = { "file", file_members, FL_COUNT(file_members) },
	[FL_SOURCE_BLOCK] = { "block", block_members, FL_COUNT(block_members) },
	[FL_SOURCE_RBD] = { "rbd", rbd_members, FL_COUNT(rbd_members) },
	[FL_SOURCE_ISCSI] = { "iscsi", iscsi_members, FL_COUNT(iscsi_members) },
	[FL_SOURCE_NFS] = { "nfs", nfs_members, FL_COUNT(nfs_members) },
};

static const void *member_of(const struct fl_source *source, const struct member *member)
{
	return (const char *)source + member->offset;
}

const char *fl_source_kind_name(enum fl_source_kind kind)
{
	return kind < FL_SOURCE_KIND_COUNT ? kinds[kind].name : "unknown";
}

static const char *source_texts_join(struct fl_arena *arena, const struct fl_strings_view *texts)
{
	const char *joined = texts->n ? texts->items[0] : "";

	for (size_t i = 1; i < texts->n; i++)
		joined = fl_arena_printf(arena, "%s,%s", joined, texts->items[i]);
	return joined;
}

/* The member as text, or NULL when it is absent. */
static const char *source_member_text(struct fl_arena *arena, const struct fl_source *source,
				      const struct member *member)
{
	switch (member->kind) {
	case MEMBER_TEXT:
		return *(const char *const *)member_of(source, member);
	case MEMBER_TEXTS:
		return source_texts_join(arena, member_of(source, member));
	case MEMBER_NUMBER:
		return fl_arena_printf(arena, "%" PRIu32,
				       *(const uint32_t *)member_of(source, member));
	}
	return NULL;
}

void fl_source_to_pairs(struct fl_arena *arena, const struct fl_source *source,
			const struct fl_pair **ret, size_t *ret_n)
{
	size_t n_members = kinds[source->kind].n_members, n = 3;
	struct fl_pair *pairs = fl_arena_array(arena, n + n_members, sizeof(*pairs));

	pairs[0] = (struct fl_pair){ "source", kinds[source->kind].name };
	pairs[1] =
		(struct fl_pair){ "size", fl_arena_printf(arena, "%" PRIu64, source->size_bytes) };
	pairs[2] = (struct fl_pair){ "readonly", source->read_only ? "true" : "false" };
	for (size_t i = 0; i < n_members; i++) {
		const struct member *member = &kinds[source->kind].members[i];
		const char *text = source_member_text(arena, source, member);

		if (text)
			pairs[n++] = (struct fl_pair){ member->key, text };
	}
	*ret = pairs;
	*ret_n = n;
}

static int source_texts_split(struct fl_arena *arena, const char *key, const char *text,
			      struct fl_strings_view *ret, struct fl_error *err)
{
	const char **items = fl_arena_array(arena, MAX_TEXTS, sizeof(*items));
	size_t n = 0;

	for (;;) {
		size_t length = strcspn(text, ",");

		if (n == MAX_TEXTS)
			return fl_error_set(err, FL_INVALID, "source: %s has more than %d entries",
					    key, MAX_TEXTS);
		items[n++] = fl_arena_strndup(arena, text, length);
		if (text[length] == '\0')
			break;
		text += length + 1;
	}
	*ret = (struct fl_strings_view){ items, n };
	return 0;
}

static int source_member_set(struct fl_arena *arena, const struct member *member, const char *text,
			     struct fl_source *source, struct fl_error *err)
{
	void *place = (char *)source + member->offset;
	uint64_t number;

	switch (member->kind) {
	case MEMBER_TEXT:
		*(const char **)place = fl_arena_strdup(arena, text);
		return 0;
	case MEMBER_TEXTS:
		return source_texts_split(arena, member->key, text, place, err);
	case MEMBER_NUMBER:
		if (fl_text_parse_number(text, &number, err) < 0)
			return fl_error_prefix(err, "source: %s", member->key);
		if (number > UINT32_MAX)
			return fl_error_set(err, FL_INVALID, "source: %s is too large",
					    member->key);
		*(uint32_t *)place = (uint32_t)number;
		return 0;
	}
	return 0;
}

static int source_head_from_pairs(const struct fl_pair *pairs, size_t n_pairs,
				  struct fl_source *source, struct fl_error *err)
{
	const char *kind = fl_pair_get(pairs, n_pairs, "source");
	const char *size = fl_pair_get(pairs, n_pairs, "size");
	const char *read_only = fl_pair_get(pairs, n_pairs, "readonly");
	int found = -1;

	if (!kind || !size || !read_only)
		return fl_error_set(err, FL_INVALID, "source: %s is missing",
				    !kind   ? "source"
				    : !size ? "size"
					    : "readonly");
	for (int i = 0; i < FL_SOURCE_KIND_COUNT; i++)
		if (strcmp(kind, kinds[i].name) == 0)
			found = i;
	if (found < 0)
		return fl_error_set(err, FL_INVALID, "source: there is no kind \"%.64s\"", kind);
	if (strcmp(read_only, "true") != 0 && strcmp(read_only, "false") != 0)
		return fl_error_set(err, FL_INVALID, "source: readonly is not true or false");
	if (fl_text_parse_number(size, &source->size_bytes, err) < 0)
		return fl_error_prefix(err, "source: size");
	source->kind = (enum fl_source_kind)found;
	source->read_only = strcmp(read_only, "true") == 0;
	return 0;
}

int fl_source_from_pairs(struct fl_arena *arena, const struct fl_pair *pairs, size_t n_pairs,
			 struct fl_source *ret, struct fl_error *err)
{
	struct fl_source source = { 0 };

	if (source_head_from_pairs(pairs, n_pairs, &source, err) < 0)
		return -1;
	for (size_t i = 0; i < kinds[source.kind].n_members; i++) {
		const struct member *member = &kinds[source.kind].members[i];
		const char *text = fl_pair_get(pairs, n_pairs, member->key);

		if (!text && member->required)
			return fl_error_set(err, FL_INVALID, "source: %s is missing", member->key);
		if (text && source_member_set(arena, member, text, &source, err) < 0)
			return -1;
	}
	if (fl_source_check(&source, err) < 0)
		return -1;
	*ret = source;
	return 0;
}

static int source_text_check(const struct member *member, const char *text, struct fl_error *err)
{
	size_t length = text ? strlen(text) : 0;
	const char *wrong;

	if (length == 0)
		return fl_error_set(err, FL_INVALID, "source: %s is missing", member->key);
	if (length > MAX_TEXT_BYTES || !fl_text_is_printable(text, length))
		return fl_error_set(err, FL_INVALID,
				    "source: %s is too long or not printable UTF-8", member->key);
	wrong = member->check(text);
	if (wrong)
		return fl_error_set(err, FL_INVALID, "source: %s \"%.200s\" %s", member->key, text,
				    wrong);
	return 0;
}

static int source_member_check(const struct fl_source *source, const struct member *member,
			       struct fl_error *err)
{
	const struct fl_strings_view *texts = member_of(source, member);

	if (member->kind == MEMBER_NUMBER)
		return 0;
	if (member->kind == MEMBER_TEXT) {
		const char *text = *(const char *const *)member_of(source, member);

		return text || member->required ? source_text_check(member, text, err) : 0;
	}
	if (texts->n == 0 || texts->n > MAX_TEXTS)
		return fl_error_set(err, FL_INVALID, "source: %s has %zu entries, not 1 to %d",
				    member->key, texts->n, MAX_TEXTS);
	for (size_t i = 0; i < texts->n; i++)
		if (source_text_check(member, texts->items[i], err) < 0)
			return -1;
	return 0;
}

int fl_source_check(const struct fl_source *source, struct fl_error *err)
{
	if (source->kind >= FL_SOURCE_KIND_COUNT)
		return fl_error_set(err, FL_INVALID, "source: there is no kind %d",
				    (int)source->kind);
	if (source->size_bytes == 0 || source->size_bytes > INT64_MAX)
		return fl_error_set(err, FL_INVALID, "source: a size of %" PRIu64 " bytes",
				    source->size_bytes);
	for (size_t i = 0; i < kinds[source->kind].n_members; i++)
		if (source_member_check(source, &kinds[source->kind].members[i], err) < 0)
			return -1;
	return 0;
}
