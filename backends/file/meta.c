/* SPDX-License-Identifier: Apache-2.0 */
#include "meta.h"

#include <string.h>

#include "base/json.h"

static const char *const content_words[] = {
	[FL_CONTENT_BLANK] = "blank",
	[FL_CONTENT_SNAPSHOT] = "snapshot",
	[FL_CONTENT_VOLUME] = "volume",
};

static int meta_content(const char *word, const char *handle, struct fl_content *ret,
			struct fl_error *err)
{
	for (size_t i = 0; i < FL_COUNT(content_words); i++) {
		if (!word || strcmp(word, content_words[i]) != 0)
			continue;
		if ((handle != NULL) != (i != FL_CONTENT_BLANK))
			return fl_error_set(err, FL_INTERNAL, "record meta: no source, or two");
		*ret = (struct fl_content){ (enum fl_content_kind)i, handle };
		return 0;
	}
	return fl_error_set(err, FL_INTERNAL, "record meta: unknown content");
}

static int meta_parse(const json_t *json, struct file_meta *ret, struct fl_error *err)
{
	const char *word, *handle;
	int64_t size;

	if (fl_json_text(json, "name", NULL, &ret->name, err) < 0 ||
	    fl_json_text(json, "content", NULL, &word, err) < 0 ||
	    fl_json_text(json, "source", NULL, &handle, err) < 0 ||
	    fl_json_text(json, "failure", NULL, &ret->failure, err) < 0 ||
	    fl_json_text(json, "group", NULL, &ret->group, err) < 0 ||
	    fl_json_text(json, "target", NULL, &ret->target, err) < 0 ||
	    fl_json_number(json, "size", 0, &size, err) < 0 ||
	    fl_json_bool(json, "thin", false, &ret->thin, err) < 0 ||
	    fl_json_bool(json, "ready", false, &ret->ready, err) < 0 ||
	    fl_json_number(json, "cut_ns", 0, &ret->cut_ns, err) < 0)
		return -1;
	if (!ret->name || size < 0 || size % 512 != 0)
		return fl_error_set(err, FL_INTERNAL, "record meta: no name, or a wrong size");
	ret->size_bytes = (uint64_t)size;
	return meta_content(word, handle, &ret->content, err);
}

static const char *meta_keep(struct fl_arena *arena, const char *text)
{
	return text ? fl_arena_strdup(arena, text) : NULL;
}

int file_meta_parse(struct fl_arena *arena, const struct fl_record *record, struct file_meta *ret,
		    struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json = NULL;
	struct file_meta meta = { 0 };

	if (record->version == 0)
		return fl_error_set(err, FL_INTERNAL, "record meta is missing");
	if (fl_json_parse(record->value, strlen(record->value), "record meta", &json, err) < 0 ||
	    meta_parse(json, &meta, err) < 0)
		return -1;
	meta.version = record->version;
	meta.name = meta_keep(arena, meta.name);
	meta.content.handle = meta_keep(arena, meta.content.handle);
	meta.failure = meta_keep(arena, meta.failure);
	meta.group = meta_keep(arena, meta.group);
	meta.target = meta_keep(arena, meta.target);
	*ret = meta;
	return 0;
}

int file_meta_read(struct fl_arena *arena, int dir_fd, struct file_meta *ret, struct fl_error *err)
{
	struct fl_record record;

	if (fl_record_get(arena, dir_fd, FILE_META, &record, err) < 0)
		return -1;
	return file_meta_parse(arena, &record, ret, err);
}

int file_meta_write(struct fl_arena *arena, int dir_fd, struct file_meta *meta,
		    struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json =
		json_pack("{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:I, s:b, s:b, s:I}", "name",
			  meta->name, "content", content_words[meta->content.kind], "source",
			  meta->content.handle, "failure", meta->failure, "group", meta->group,
			  "target", meta->target, "size", (json_int_t)meta->size_bytes, "thin",
			  meta->thin, "ready", meta->ready, "cut_ns", (json_int_t)meta->cut_ns);

	if (!json)
		return fl_error_set(err, FL_INTERNAL, "record meta cannot be written");
	return fl_record_compare_and_set(arena, dir_fd, FILE_META, meta->version,
					 fl_json_dump(arena, json), &meta->version, err);
}

int file_meta_set_format(struct fl_arena *arena, int dir_fd, const char *format,
			 struct fl_error *err)
{
	uint64_t version;

	return fl_record_compare_and_set(arena, dir_fd, FL_RECORD_FORMAT, 0, format, &version, err);
}

int file_meta_inherit_format(struct fl_arena *arena, int from_fd, int to_fd, struct fl_error *err)
{
	struct fl_record from, to;

	if (fl_record_get(arena, to_fd, FL_RECORD_FORMAT, &to, err) < 0)
		return -1;
	if (to.version != 0)
		return 0;
	if (fl_record_get(arena, from_fd, FL_RECORD_FORMAT, &from, err) < 0)
		return -1;
	return file_meta_set_format(arena, to_fd, from.version ? from.value : FL_FORMAT_RAW, err);
}
