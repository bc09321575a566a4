/* SPDX-License-Identifier: Apache-2.0 */
#include "diskpass.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

#define DISKPASS_MAX 8192

static int diskpass_member(struct fl_arena *arena, const json_t *json, const char *path,
			   const char *key, const char **ret, struct fl_error *err)
{
	const char *text;

	if (fl_json_text(json, key, "", &text, err) < 0)
		return -1;
	if (*text == '\0')
		return fl_error_set(err, FL_INVALID, "disk pass %s has no \"%s\"", path, key);
	*ret = fl_arena_strdup(arena, text);
	return 0;
}

int diskpass_read(struct fl_arena *arena, const char *path, const char *vm, struct diskpass *ret,
		  struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json = NULL;
	const char *text;
	struct diskpass pass;
	size_t size;

	if (fl_file_read(arena, AT_FDCWD, path, DISKPASS_MAX, &text, &size, err) < 0)
		return fl_error_prefix(err, "reading the disk pass");
	/* The parser's own error could quote the token. */
	if (fl_json_parse(text, size, path, &json, err) < 0 || !json_is_object(json))
		return fl_error_set(err, FL_INVALID, "%s is no disk pass", path);
	if (diskpass_member(arena, json, path, "volume", &pass.volume, err) < 0 ||
	    diskpass_member(arena, json, path, "vm", &pass.vm, err) < 0 ||
	    diskpass_member(arena, json, path, "token", &pass.token, err) < 0)
		return -1;
	if (strcmp(pass.vm, vm) != 0)
		return fl_error_set(err, FL_DENIED,
				    "disk pass %s: volume %s was published for VM %s, not for %s",
				    path, pass.volume, pass.vm, vm);
	*ret = pass;
	return 0;
}
